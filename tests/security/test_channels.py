"""The channels through which a secret could leak, as in docs/security.md, without the browser."""

import atexit
import copy
import json
import logging
import os
import pickle
import stat
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell
from nbconvert import HTMLExporter

import adobe_nb
from adobe_nb import session as sessions
from adobe_nb.auth.credentials import Secret, candidate_of
from adobe_nb.auth.profiles import ProfileStore
from adobe_nb.notebook.panel import panel
from tests.conftest import Recorder, sign_in
from tests.notebooks import runner as notebook_runner
from tests.support.stub import Answer, stub
from tests.test_session import env_of, write

WIDE = ("display.max_colwidth", None, "display.max_columns", None, "display.width", 10_000)
HUSH = "hush-5b1f9c-client-secret"
ORG = "ABCDEF0123456789ABCDEF01@AdobeOrg"
PANEL = """\
%load_ext adobe_nb
%adobe_auth panel
import json, pathlib
from adobe_nb.notebook.panel import panel
typed = json.loads(pathlib.Path("typed.json").read_text())
panel()._received(None, {"action": "sign_in", "service": "simulator", **typed}, None)
panel()
"""


def secrets_of(simulator: Any) -> list[str]:
    return [
        *simulator.ims.issued,
        *(account.client_secret for account in simulator.accounts.values()),
    ]


def without_secrets(simulator: Any, text: str) -> None:
    found = [secret[:6] for secret in secrets_of(simulator) if secret in text]
    assert not found, f"{len(found)} secrets are in it"


class TestFiles:
    """Notebook files as programs write them, with widget state by default."""

    @pytest.fixture
    def folder(self, tmp_path: Path, simulate: Any) -> tuple[Path, Any]:
        simulator = simulate(seed="empty")
        details = simulator.connection()
        typed = {name: details[name] for name in ("org_id", "client_id", "client_secret")}
        write(tmp_path / "typed.json", json.dumps(typed))
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(PANEL)])
        notebook.metadata["kernelspec"] = {
            "name": "python3",
            "display_name": "Python 3",
            "language": "python",
        }
        nbformat.write(notebook, tmp_path / "panel.ipynb")
        return tmp_path, simulator

    def test_nbclient_with_widget_state(self, folder: tuple[Path, Any]) -> None:
        path, simulator = folder
        done = notebook_runner.execute(
            path / "panel.ipynb", path, {"ADOBE_NB_SIMULATOR": simulator.reactor_url, **os.environ}
        )
        text = nbformat.writes(done)
        assert "application/vnd.jupyter.widget-state+json" in text
        assert "Signed in" in text or "signed in" in text
        html, _ = HTMLExporter().from_notebook_node(done)
        assert "signed in" in html
        without_secrets(simulator, text + html)

    def nbconvert(self, folder: tuple[Path, Any], *options: str) -> str:
        """Run nbconvert on the notebook and return its output."""
        path, simulator = folder
        with tempfile.TemporaryDirectory() as own:
            sockets = [
                f"--KernelManager.{name}={value}"
                for name, value in notebook_runner.sockets_in(own).items()
            ]
            done = subprocess.run(
                [sys.executable, "-m", "nbconvert", "--execute", *options, *sockets, "panel.ipynb"],
                cwd=path,
                env={**os.environ, "ADOBE_NB_SIMULATOR": simulator.reactor_url},
                capture_output=True,
                text=True,
                check=False,
            )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout + done.stderr

    def test_nbconvert_from_the_command_line(self, folder: tuple[Path, Any]) -> None:
        path, simulator = folder
        said = self.nbconvert(folder, "--to", "notebook", "--output", "done")
        text = (path / "done.ipynb").read_text(encoding="utf-8")
        assert "signed in" in text
        without_secrets(simulator, text + said)

    @pytest.mark.thorough
    def test_html_of_nbconvert(self, folder: tuple[Path, Any]) -> None:
        path, simulator = folder
        self.nbconvert(folder, "--to", "html")
        without_secrets(simulator, (path / "panel.html").read_text(encoding="utf-8"))

    def test_only_the_owner_can_read_profile_files(self, demo: Any) -> None:
        sign_in(demo).save("work", in_file=True)
        for path in ProfileStore().folder.iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        without_secrets(demo, (ProfileStore().folder / "profiles.toml").read_text())

    def test_nothing_else_is_written(
        self, demo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        session = sign_in(demo)
        session.test()
        panel()
        session.sign_out()
        assert list(tmp_path.rglob("*")) == []


class TestNamespace:
    def test_in_out_and_names_after_a_sign_in(
        self, demo: Any, capsys: pytest.CaptureFixture[str]
    ) -> None:
        shell = InteractiveShell.instance()
        try:
            write(Path.cwd() / ".env", env_of(demo))
            for cell in (
                "%load_ext adobe_nb",
                "%adobe_auth -o session",
                "session",
                "session.credentials",
                "session.token",
                "session.__dict__",
                "vars(session._auth)",
                "%whos",
                "%history",
                "%adobe_auth status",
            ):
                shell.run_cell(cell, store_history=True)
            text = (
                repr(shell.user_ns)
                + repr(shell.user_ns["Out"])
                + repr(shell.user_ns["In"])
                + capsys.readouterr().out
            )
            assert "Secret(••••••••)" in text
            without_secrets(demo, text)
        finally:
            shell.run_line_magic("unload_ext", "adobe_nb")
            shell.history_manager.end_session()
            InteractiveShell.clear_instance()
            atexit.unregister(shell.atexit_operations)


FAILURES = {
    "a wrong secret": (
        "adobe_nb.connect(client_id=demo_id, client_secret=hush, org_id=org, "
        "reactor_url=u, ims_url=u)"
    ),
    "an incomplete set": "adobe_nb.connect(client_secret=hush)",
    "an unreachable service": (
        "adobe_nb.connect(client_id='c' * 12, client_secret=hush, org_id=org, retry_pause=0, "
        "reactor_url='http://127.0.0.1:9', ims_url='http://127.0.0.1:9')"
    ),
    "a redirect": (
        "adobe_nb.connect(client_id='c' * 12, client_secret=hush, org_id=org, "
        "reactor_url=r, ims_url=r)"
    ),
    "an error in our own code": (
        "session.client.get('/companies'); session.reactor.rules.get('RL' + '0' * 32)"
    ),
    "an error in the user's code": "session; 1 / 0",
}


class TestTracebacks:
    @pytest.mark.parametrize("mode", ["Plain", "Context", "Verbose", "Minimal", "Docs"])
    @pytest.mark.parametrize("failure", list(FAILURES))
    def test_every_mode(
        self,
        demo: Any,
        mode: str,
        failure: str,
        capsys: pytest.CaptureFixture[str],
        recorder: Recorder,
    ) -> None:
        shell = InteractiveShell.instance()
        try:
            with stub(
                lambda _: Answer(307, headers={"Location": "https://evil.test"})
            ) as redirecting:
                shell.user_ns |= {
                    "adobe_nb": adobe_nb,
                    "hush": Secret(HUSH),
                    "org": ORG,
                    "u": demo.reactor_url,
                    "r": redirecting.url,
                    "demo_id": demo.accounts["demo"].client_id,
                    "session": sign_in(demo),
                }
                shell.run_line_magic("xmode", mode)
                shell.run_cell(FAILURES[failure])
                shell.showtraceback()
            printed = "".join(capsys.readouterr())
            assert type(sys.last_value).__name__ in printed
            assert HUSH not in printed
            without_secrets(demo, printed)
            self.search_frames(demo)
        finally:
            shell.history_manager.end_session()
            InteractiveShell.clear_instance()
            atexit.unregister(shell.atexit_operations)

    def search_frames(self, demo: Any) -> None:
        """Search what ``%debug`` shows: the local variables of all frames of chained errors."""
        error: BaseException | None = sys.last_value
        seen = 0
        while error is not None:
            for frame, _ in traceback.walk_tb(error.__traceback__):
                text = repr(
                    {name: value for name, value in frame.f_locals.items() if name != "demo"}
                )
                assert HUSH not in text, frame
                without_secrets(demo, text)
                seen += 1
            error = error.__cause__ or error.__context__
        assert seen


class TestObjects:
    def test_texts_pickles_json_and_copies(self, demo: Any) -> None:
        session = sign_in(demo)
        found = candidate_of("x", {"client_id": "c" * 12, "client_secret": HUSH, "org_id": ORG})
        things = {
            "session": session,
            "credentials": session.credentials,
            "token": session.token,
            "signer": session._auth,
            "client": session.client,
            "edge": session.edge_client,
            "candidate": found,
            "secret": Secret(HUSH),
            "secrets": found.secrets,
        }
        texts = []
        for name, thing in things.items():
            texts += [f"{thing}", f"{thing!r}", format(thing, ""), json.dumps({"x": repr(thing)})]
            texts += [repr(getattr(thing, "__dict__", "")), repr(copy.copy(thing))]
            for protocol in (2, pickle.HIGHEST_PROTOCOL):
                try:
                    texts.append(pickle.dumps(thing, protocol).decode("latin-1"))
                except (TypeError, AttributeError, pickle.PicklingError) as error:
                    texts.append(str(error))
            with pytest.raises((TypeError, ValueError)):
                texts.append(json.dumps(thing))
            assert name
        whole = "\n".join(texts)
        assert HUSH not in whole
        without_secrets(demo, whole)


class TestWire:
    def test_no_url_has_a_secret_and_no_other_host_receives_one(self, demo: Any) -> None:
        session = sign_in(demo)
        session.test()
        session.reactor.properties()
        for request in demo.requests:
            without_secrets(demo, request.path + repr(request.query))

    def test_shown_requests_are_masked(self, demo: Any) -> None:
        session = sign_in(demo)
        event = {"xdm": {"identityMap": {"Email": [{"id": "a@b.test", "primary": True}]}}}
        shown = [
            session.reactor.as_curl("GET", "/companies"),
            session.edge.as_curl("interact", demo.connection()["datastream_id"], event),
            session.edge.interact(
                demo.connection()["datastream_id"], event, dry_run=True
            ).to_json(),
            repr(session.headers()),
        ]
        text = "\n".join(shown)
        without_secrets(demo, text)
        assert demo.accounts["demo"].client_id not in text

    def test_logs_at_debug_of_ours_and_of_the_http_library(
        self, demo: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.DEBUG):
            sign_in(demo).test()
        assert "urllib3" in caplog.text
        without_secrets(demo, caplog.text)


class TestHostileNames:
    """Names from the API are shown as data everywhere."""

    NAMES = (
        "<script>document.title='hit'</script>",
        '"><img src=x onerror=document.title="hit">',
        "a\x00b\x1b[31mc",
        "\u202e reversed",
        "x" * 5000,
        "$\\frac{1}{0}$",
        "' OR 1=1 --",
        "=cmd|'/c calc'!A1",
        "{{ 7 * 7 }}",
        "\\",
        '"',
    )

    @pytest.fixture
    def hostile(self, simulate: Any) -> Any:
        simulator = simulate(seed="demo")
        store = simulator.stores[simulator.accounts["demo"].org_id]
        records = [*store.all("properties"), *store.all("rules")]
        assert len(records) >= len(self.NAMES)
        for number, record in enumerate(records):
            record.attributes["name"] = self.NAMES[number % len(self.NAMES)]
        store.all("companies")[0].attributes["name"] = self.NAMES[1]
        return simulator

    def test_in_frames_and_cards(self, hostile: Any) -> None:
        from adobe_nb.notebook.display import card
        from adobe_nb.notebook.tables import frame_html

        session = sign_in(hostile)
        properties = session.reactor.properties()
        for frame in (
            properties,
            session.reactor.rules(properties),
            session.reactor.with_names(properties),
        ):
            html = frame_html(frame) or ""
            assert "<script>document" not in html
            assert "<img" not in html
        session.test()
        shown = card(session)._repr_html_()
        assert "<img" not in shown
        assert "&lt;img" in shown

    STEERING = (
        "\x1b]0;owned\x07",
        "\x1b[2J",
        "\x9b31m",
        "\u202egnp.exe",
        "\u2066x\u2069",
        "\u2028",
        "\x7f",
        "\r",
    )
    """Escape sequences, a C1 control, controls of the writing direction, line separators."""
    SEEN = "\u05e9\u05dc\u05d5\u05dd \u0627\u0644 e\u0301"

    def is_harmless(self, text: str) -> None:
        assert not [each for each in self.STEERING if each in text]
        for shown in (
            "\\x1b]0;owned\\x07",
            "\\x9b31m",
            "\\u202egnp.exe",
            "\\u2066x\\u2069",
            "\\u2028",
        ):
            assert shown in text
        assert self.SEEN in text

    def test_they_do_not_control_a_terminal(
        self, simulate: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        from adobe_nb.notebook.display import card

        name = "".join(self.STEERING) + self.SEEN
        simulator = simulate(seed="demo")
        store = simulator.stores[simulator.accounts["demo"].org_id]
        for record in (*store.all("properties"), *store.all("companies")):
            record.attributes["name"] = name
        session = sign_in(simulator)
        session.test()
        self.is_harmless(repr(card(session)))
        shell = InteractiveShell.instance()
        try:
            adobe_nb.load_ipython_extension(shell)
            properties = session.reactor.properties()
            grouped = properties.groupby("name").size().reset_index()
            for frame in (properties, properties[["name"]], grouped):
                with pd.option_context(*WIDE):
                    self.is_harmless(shell.display_formatter.format(frame)[0]["text/plain"])
            shell.run_line_magic("adobe_auth", "status")
            with pd.option_context(*WIDE):
                shell.run_line_magic("reactor", "properties")
        finally:
            adobe_nb.unload_ipython_extension(shell)
            shell.history_manager.end_session()
            InteractiveShell.clear_instance()
            atexit.unregister(shell.atexit_operations)
        self.is_harmless(capsys.readouterr().out)
        with pytest.raises(adobe_nb.NameLookupError) as caught:
            session.reactor.find("properties", name)
        caught.value.add_note(name)
        self.is_harmless(str(caught.value))
        assert not [each for each in self.STEERING if each in repr(caught.value)]
        self.is_harmless("".join(caught.value._render_traceback_()))
        self.is_harmless(
            "".join(traceback.format_exception(caught.value)).split("NameLookupError", 1)[1]
        )
        self.is_harmless(str(adobe_nb.InsecureFileWarning(name)))

    def test_in_the_output_of_commands(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        from adobe_nb import cli, lab

        name = "".join(self.STEERING) + self.SEEN
        assert cli.main(["pull", str(tmp_path / "tags"), "--profile", name]) == 2
        self.is_harmless(capsys.readouterr().err)
        with pytest.raises(SystemExit):
            cli.main(["pull", str(tmp_path / "tags"), name])
        self.is_harmless(capsys.readouterr().err)
        lab._say(name)
        self.is_harmless(capsys.readouterr().out)

    def test_in_completion(self, hostile: Any) -> None:
        from adobe_nb.notebook import completion

        sign_in(hostile)
        names = completion._properties()
        assert names
        assert all(name.isprintable() for name in names)

    def test_in_the_state_of_the_panel_they_stay_text(self, hostile: Any) -> None:
        sign_in(hostile).test()
        assert panel().state["companies"] == [self.NAMES[1]]
        script = (Path(sessions.__file__).parent / "notebook" / "panel.js").read_text(
            encoding="utf-8"
        )
        for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert way not in script

    def test_in_the_figures_and_tables_of_a_tutorial(self, hostile: Any, tmp_path: Path) -> None:
        done = notebook_runner.execute(
            notebook_runner.NOTEBOOKS / "02_explore_a_property.ipynb",
            tmp_path,
            {"ADOBE_NB_SIMULATOR": hostile.reactor_url},
        )
        html = "".join(
            str(output["data"]["text/html"])
            for cell in done.cells
            for output in cell.get("outputs", [])
            if "text/html" in output.get("data", {})
        )
        assert "&lt;script&gt;" in html
        assert "<script>document" not in html
        assert "<img src=x" not in html
