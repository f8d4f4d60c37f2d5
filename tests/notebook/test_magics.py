"""The extension and %adobe_auth in a real IPython shell."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

import adobe_nb
from adobe_nb import session as sessions
from adobe_nb.notebook import magics
from adobe_nb.notebook.display import compact
from adobe_nb.notebook.panel import SignInPanel
from tests.conftest import sign_in
from tests.test_session import env_of, write


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    shell = InteractiveShell.instance()
    adobe_nb.load_ipython_extension(shell)
    yield shell
    adobe_nb.unload_ipython_extension(shell)
    shell.history_manager.end_session()
    InteractiveShell.clear_instance()


def run(shell: InteractiveShell, line: str) -> None:
    shell.run_line_magic("adobe_auth", line)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the magic displayed."""
    objects: list[Any] = []
    monkeypatch.setattr(magics, "display", objects.append)
    return objects


class TestExtension:
    def test_loading_twice_is_harmless_and_unloading_takes_all_away(self, shell: InteractiveShell) -> None:
        formatter = shell.display_formatter.formatters["text/html"]
        adobe_nb.load_ipython_extension(shell)
        assert "adobe_auth" in shell.magics_manager.magics["line"]
        adobe_nb.unload_ipython_extension(shell)
        adobe_nb.unload_ipython_extension(shell)
        assert "adobe_auth" not in shell.magics_manager.magics["line"]
        assert pd.DataFrame not in formatter.type_printers

    def test_other_frames_look_as_before(self, shell: InteractiveShell) -> None:
        frame = pd.DataFrame({"a": [1, 2]})
        data, _ = shell.display_formatter.format(frame)
        assert data["text/html"] == frame._repr_html_()
        assert data["text/plain"] == repr(frame)

    def test_our_frames_are_compact(self, shell: InteractiveShell, session: Any) -> None:
        frame = session.reactor.properties()
        data, _ = shell.display_formatter.format(frame)
        identifier = frame["id"][0]
        assert f'<td title="{identifier}">{identifier[:6]}…{identifier[-4:]}</td>' in data["text/html"]
        assert identifier not in data["text/plain"]
        assert "2024-09-16 11:12:48<" in data["text/html"]
        assert "times in UTC" in data["text/html"]
        assert "6 rows × 15 columns (2 empty ones not shown)" in data["text/plain"]

    def test_a_whole_table_shows_names_first_and_a_chosen_order_stays(self, session: Any) -> None:
        frame = session.reactor.rules(session.reactor.properties())
        assert list(compact(frame).columns)[:3] == ["id", "name", "enabled"]
        assert list(compact(frame).columns)[-1] == "origin_id"
        chosen = frame[["created_at", "name", "id"]]
        assert list(compact(chosen).columns) == ["created_at", "name", "id"]

    def test_frames_with_odd_columns_are_shown_by_pandas(self, shell: InteractiveShell, session: Any) -> None:
        frame = session.reactor.properties()
        for odd in (pd.concat([frame, frame], axis=1), frame.rename(columns={"updated_at": "created_at"})):
            odd.attrs = frame.attrs
            data, _ = shell.display_formatter.format(odd)
            assert data["text/html"] == odd._repr_html_()
            assert data["text/plain"] == repr(odd)

    def test_a_long_frame_shows_its_ends_and_its_true_size(self, shell: InteractiveShell, session: Any) -> None:
        frame = session.reactor.properties()
        long = pd.concat([frame] * 40, ignore_index=True)
        long.attrs = frame.attrs
        data, _ = shell.display_formatter.format(long)
        assert "240 rows" in data["text/html"]
        assert "<td>...</td>" in data["text/html"]
        assert ">239<" in data["text/html"]
        assert "239" in data["text/plain"]

    def test_names_from_the_api_are_escaped(self, shell: InteractiveShell, session: Any) -> None:
        frame = session.reactor.properties()
        frame["name"] = "<script>alert(1)</script>"
        data, _ = shell.display_formatter.format(frame)
        assert "<script>" not in data["text/html"]


class TestAuth:
    def test_connects_by_the_first_complete_source_and_shows_the_panel(
        self, shell: InteractiveShell, demo: Any, shown: list[Any]
    ) -> None:
        path = write(Path.cwd() / ".env", env_of(demo))
        run(shell, "")
        assert adobe_nb.current().source == str(path)
        assert isinstance(shown[0], SignInPanel)
        assert shown[0].state["connected"]

    def test_without_a_source_shows_the_panel_and_no_error(self, shell: InteractiveShell, shown: list[Any]) -> None:
        run(shell, "")
        assert not shown[0].state["connected"]
        assert "No credentials were found" in shown[0].message["text"]

    def test_half_a_set_of_credentials_is_a_warning_on_the_panel(
        self, shell: InteractiveShell, shown: list[Any]
    ) -> None:
        write(Path.cwd() / ".env", "ADOBE_CLIENT_ID=client-1234567890\nADOBE_ORGID=x\n")
        run(shell, "--or-simulator")
        assert shown[0].message["kind"] == "warning"
        assert "(and ADOBE_ORGID, which is not known), but not ADOBE_ORG_ID" in shown[0].message["text"]
        assert "with simulator instead" in shown[0].message["text"]

    def test_or_simulator_falls_back(self, shell: InteractiveShell, shown: list[Any]) -> None:
        run(shell, "--or-simulator;")
        assert shown[0].state["service"] == "simulator"

    def test_a_session_from_the_panel_survives_its_cell_running_again(
        self, shell: InteractiveShell, session: Any, shown: list[Any]
    ) -> None:
        run(shell, "--or-simulator")
        run(shell, "")
        assert adobe_nb.current() is session
        assert shown[1].message["text"] == ""

    def test_a_wrong_value_in_a_source_is_an_error_and_no_panel(self, shell: InteractiveShell) -> None:
        values = "ADOBE_CLIENT_ID=client-1234567890\nADOBE_CLIENT_SECRET=x\nADOBE_ORG_ID=nonsense\n"
        write(Path.cwd() / ".env", values)
        with pytest.raises(adobe_nb.CredentialsError, match="organisation id .* cannot be right"):
            run(shell, "--or-simulator")

    def test_quiet_shows_nothing(self, shell: InteractiveShell, shown: list[Any]) -> None:
        run(shell, "--simulator -q")
        assert shown == []
        assert adobe_nb.current().service == "simulator"

    def test_a_named_file_that_fails_is_an_error(self, shell: InteractiveShell) -> None:
        with pytest.raises(adobe_nb.CredentialsError, match="does not exist"):
            run(shell, "--env-file nowhere.env")

    def test_status_test_and_logout_are_cards(self, shell: InteractiveShell, demo: Any, shown: list[Any]) -> None:
        sign_in(demo)
        run(shell, "status")
        run(shell, "test")
        run(shell, "logout")
        run(shell, "logout")
        texts = [repr(card) for card in shown]
        assert "signed in" in texts[0]
        assert "Simulator" in texts[0]
        assert "The credentials work. Company: Hearth & Harbor." in texts[1]
        assert "signed out" in texts[2]
        assert "was not signed in" in texts[3]
        assert "Hearth &amp; Harbor" in shown[1]._repr_html_()

    def test_test_explains_a_403(self, shell: InteractiveShell, demo: Any, shown: list[Any]) -> None:
        sign_in(demo, "no_profile")
        run(shell, "test")
        assert "do not work" in repr(shown[0])
        assert "403221" in repr(shown[0])

    def test_login_asks_hidden_for_what_is_missing(
        self, shell: InteractiveShell, demo: Any, shown: list[Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        details = demo.connection()
        asked: list[str] = []
        answers = {"Organization": details["org_id"], "Client ID": details["client_id"]}
        hosts = {"reactor_url": demo.reactor_url, "ims_url": demo.reactor_url}
        monkeypatch.setattr("builtins.input", lambda text: next(v for k, v in answers.items() if text.startswith(k)))
        monkeypatch.setattr("getpass.getpass", lambda text: asked.append(text) or details["client_secret"])
        by_hand = sessions.connect_by_hand
        monkeypatch.setattr(
            sessions, "connect_by_hand", lambda v, simulator: by_hand({**v, **hosts}, simulator=simulator)
        )
        run(shell, "login")
        assert asked == ["Client secret (hidden): "]
        assert "signed in" in repr(shown[0])

    def test_help_lists_the_sub_commands(self, shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
        run(shell, "--help")
        printed = capsys.readouterr().out
        for word in ("panel", "login", "status", "test", "logout", "--or-simulator", "Secrets are never given here"):
            assert word in printed

    @pytest.mark.parametrize("line", ["connect", "--verbose", "--simulator --or-simulator", "'"])
    def test_what_is_not_understood_is_not_repeated(self, shell: InteractiveShell, line: str) -> None:
        with pytest.raises(UsageError, match="There are: panel, login, status, test, refresh, logout"):
            run(shell, line)

    @pytest.mark.parametrize(
        "line",
        [
            "login --client-secret=hush",
            "login p8e-hushhush",
            "eyJhbGciOi.hush.hush",
            "login abcdefghijklmnopqrstuvwxyz0123456789",
        ],
    )
    def test_a_secret_is_refused_and_not_repeated(
        self, shell: InteractiveShell, line: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        shell.run_cell(f"%adobe_auth {line}")
        printed = "".join(capsys.readouterr())
        assert "delete this cell, rotate the secret" in printed
        assert "hush" not in printed
        assert "abcdefghij" not in printed

    def test_an_error_in_a_cell_is_one_line(self, shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
        shell.run_cell("import adobe_nb; adobe_nb.reactor.rules('x')")
        printed = "".join(capsys.readouterr())
        assert "ArgumentError (line 1 of the cell): 'x' is not an id" in printed
        assert "Traceback" not in printed
