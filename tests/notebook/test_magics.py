"""The extension and %adobe_auth in a real IPython shell."""

import json
import linecache
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from IPython.core.error import StdinNotImplementedError, UsageError
from IPython.core.history import HistoryManager
from IPython.core.interactiveshell import InteractiveShell

import adobe_nb
from adobe_nb import session as sessions
from adobe_nb.auth.credentials import Secret
from adobe_nb.auth.profiles import ProfileStore
from adobe_nb.notebook import commands
from adobe_nb.notebook.display import NOT_MATH, card
from adobe_nb.notebook.panel import SignInPanel
from tests.conftest import sign_in
from tests.support.hosted import Dbutils
from tests.test_session import env_of, write

UUID_SECRET = "a1b2c3d4-e5f6-7a8b-9c0d-e1f2a3b4c5d6"


def run(shell: InteractiveShell, line: str) -> None:
    shell.run_line_magic("adobe_auth", line)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the magic displayed."""
    objects: list[Any] = []
    monkeypatch.setattr(commands, "display", objects.append)
    return objects


class TestExtension:
    def test_loading_twice_is_harmless_and_unloading_undoes_it(
        self, shell: InteractiveShell
    ) -> None:
        formatter = shell.display_formatter.formatters["text/html"]
        adobe_nb.load_ipython_extension(shell)
        assert "adobe_auth" in shell.magics_manager.magics["line"]
        adobe_nb.unload_ipython_extension(shell)
        adobe_nb.unload_ipython_extension(shell)
        assert "adobe_auth" not in shell.magics_manager.magics["line"]
        assert pd.DataFrame not in formatter.type_printers

    def test_other_frames_keep_the_display_of_pandas(self, shell: InteractiveShell) -> None:
        frame = pd.DataFrame({"a": [1, 2]})
        data, _ = shell.display_formatter.format(frame)
        assert data["text/html"] == f'<div class="{NOT_MATH}">{frame._repr_html_()}</div>'
        assert data["text/plain"] == repr(frame)

    def test_tables_are_typeset_only_if_the_option_is_set_after_loading(
        self, shell: InteractiveShell, session: Any
    ) -> None:
        ours, plain = session.reactor.properties(), pd.DataFrame({"a": ["$x$"]})
        with pd.option_context("display.html.use_mathjax", True):
            assert "mathjax_ignore" in shell.display_formatter.format(ours)[0]["text/html"]
            assert "mathjax_ignore" not in shell.display_formatter.format(plain)[0]["text/html"]
        assert "mathjax_ignore" in shell.display_formatter.format(plain)[0]["text/html"]
        assert "mathjax_ignore" in plain.style.to_html()
        adobe_nb.load_ipython_extension(shell)
        adobe_nb.unload_ipython_extension(shell)
        assert "mathjax_ignore" not in plain._repr_html_()

    def test_cells_of_a_styler_are_escaped_while_the_extension_is_loaded(
        self, shell: InteractiveShell
    ) -> None:
        frame = pd.DataFrame({"name": ["<script>"]})
        assert "<script>" not in frame.style.to_html()
        adobe_nb.unload_ipython_extension(shell)
        assert "<script>" in frame.style.to_html()

    def test_our_frames_are_shown_compactly(self, shell: InteractiveShell, session: Any) -> None:
        frame = session.reactor.properties()
        data, _ = shell.display_formatter.format(frame)
        identifier = frame["id"][0]
        assert (
            f'<td title="{identifier}">{identifier[:6]}…{identifier[-4:]}</td>' in data["text/html"]
        )
        assert identifier not in data["text/plain"]
        assert f"{frame['updated_at'][0]:%Y-%m-%d %H:%M:%S}<" in data["text/html"]
        assert "times in UTC" in data["text/html"]
        assert "6 rows × 19 columns (" in data["text/plain"]

    def test_frames_with_duplicate_columns_are_shown_by_pandas(
        self, shell: InteractiveShell, session: Any
    ) -> None:
        frame = session.reactor.properties()
        for odd in (
            pd.concat([frame, frame], axis=1),
            frame.rename(columns={"updated_at": "created_at"}),
        ):
            odd.attrs = frame.attrs
            data, _ = shell.display_formatter.format(odd)
            assert data["text/html"] == f'<div class="{NOT_MATH}">{odd._repr_html_()}</div>'
            assert data["text/plain"] == repr(odd)

    def test_long_frame_shows_its_ends_and_its_true_size(
        self, shell: InteractiveShell, session: Any
    ) -> None:
        frame = session.reactor.properties()
        long = pd.concat([frame] * 40, ignore_index=True)
        long.attrs = frame.attrs
        data, _ = shell.display_formatter.format(long)
        assert "240 rows" in data["text/html"]
        assert "<td>...</td>" in data["text/html"]
        assert ">239<" in data["text/html"]
        assert "239" in data["text/plain"]

    def test_preview_is_noted_below_the_table(self, shell: InteractiveShell, session: Any) -> None:
        ours, plain = session.reactor.properties(), pd.DataFrame({"a": [1]})
        note = "Preview session: no writes are sent to Adobe."
        for frame in (ours, plain):
            assert all(
                note not in text for text in shell.display_formatter.format(frame)[0].values()
            )
            frame.attrs["preview"] = True
            data, _ = shell.display_formatter.format(frame)
            assert f"<small>{note}</small>" in data["text/html"]
            assert data["text/plain"].endswith(f"\n{note}")

    def test_names_from_the_api_are_escaped(self, shell: InteractiveShell, session: Any) -> None:
        frame = session.reactor.properties()
        frame["name"] = "<script>alert(1)</script>"
        data, _ = shell.display_formatter.format(frame)
        assert "<script>" not in data["text/html"]


class TestSources:
    def test_signs_in_with_a_named_file_and_ignores_trailing_semicolon(
        self, shell: InteractiveShell, demo: Any, shown: list[Any]
    ) -> None:
        path = write(Path.cwd() / "other.env", env_of(demo))
        run(shell, "--env-file other.env;")
        assert adobe_nb.current().source == path.name

    @pytest.mark.parametrize(
        ("typed", "path"),
        [
            (r"C:\Users\me\.env", r"C:\Users\me\.env"),
            (r"\\server\share\.env", r"\\server\share\.env"),
            (r'"C:\my files\.env"', r"C:\my files\.env"),
            (r"'C:\my files\.env'", r"C:\my files\.env"),
            (r"my\ files/.env", "my files/.env"),
        ],
    )
    @pytest.mark.parametrize("form", ["--env-file {}", "--env-file={};"])
    def test_paths_keep_their_backslashes(
        self, shell: InteractiveShell, form: str, typed: str, path: str
    ) -> None:
        with pytest.raises(adobe_nb.CredentialsError) as caught:
            run(shell, form.format(typed))
        assert str(caught.value).startswith(f"{path} does not exist")

    def test_org_id_selects_from_a_file_of_several_organizations(
        self, shell: InteractiveShell
    ) -> None:
        entry = {"org_id": "A@AdobeOrg", "client_id": "client-1234567890", "secret": "hush"}
        write(Path.cwd() / "several.json", json.dumps([entry, {**entry, "org_id": "B@AdobeOrg"}]))
        with pytest.raises(adobe_nb.CredentialsError, match="A@AdobeOrg, B@AdobeOrg.*--org-id"):
            run(shell, "--config-file several.json")
        with pytest.raises(adobe_nb.CredentialsError, match="no credentials of C@AdobeOrg"):
            run(shell, "--config-file several.json --org-id C@AdobeOrg")
        with pytest.raises(UsageError, match="--org-id requires --config-file"):
            run(shell, "--org-id C@AdobeOrg")

    @pytest.mark.parametrize(
        "option", ["--console-file", "--postman-file", "--config-file", "--profile"]
    )
    def test_failing_source_says_why(self, shell: InteractiveShell, option: str) -> None:
        with pytest.raises(adobe_nb.CredentialsError, match=r"does not exist|no profile"):
            run(shell, f"{option} absent")

    @pytest.mark.parametrize(
        "line", ["--secrets databricks:a-secret-scope", "login --secrets=databricks:a-secret-scope"]
    )
    def test_secret_scope_may_have_any_name(
        self,
        shell: InteractiveShell,
        demo: Any,
        shown: list[Any],
        monkeypatch: pytest.MonkeyPatch,
        line: str,
    ) -> None:
        values = dict(row.split("=", 1) for row in env_of(demo).splitlines())
        shell.user_ns["dbutils"] = Dbutils({"a-secret-scope": values})
        run(shell, line)
        assert adobe_nb.current().source == "Databricks secrets, scope a-secret-scope"

    def test_unknown_store_is_not_quoted(self, shell: InteractiveShell) -> None:
        with pytest.raises(adobe_nb.CredentialsError, match="Invalid secrets=") as caught:
            run(shell, "--secrets hush")
        assert "hush" not in str(caught.value)

    def test_profiles_are_saved_listed_used_and_forgotten(
        self, shell: InteractiveShell, demo: Any, shown: list[Any]
    ) -> None:
        write(Path.cwd() / ".env", env_of(demo))
        run(shell, "login --save work --in-file")
        assert "work saved, and active from now on" in repr(shown[-1])
        assert str(ProfileStore().folder / "secrets.toml") in repr(shown[-1])
        run(shell, "login --save other --in-file")
        (Path.cwd() / ".env").unlink()
        run(shell, "profiles")
        assert "other (active, simulator)" in repr(shown[-1])
        assert demo.accounts["demo"].client_id not in repr(shown[-1])
        run(shell, "use work")
        assert adobe_nb.current().source == "profile work"
        run(shell, "profiles")
        assert "work (active, simulator)" in repr(shown[-1])
        run(shell, "use other")
        adobe_nb.current().sign_out()
        run(shell, "")  # as after a restart: nothing is typed
        assert adobe_nb.current().source == "profile other"
        assert shown[-1].state["companies"] == ["Hearth & Harbor"]
        run(shell, "forget other")
        with pytest.raises(adobe_nb.CredentialsError, match="no profile 'other'"):
            run(shell, "use other")

    def test_empty_list_of_profiles_says_how_to_save_one(
        self, shell: InteractiveShell, shown: list[Any]
    ) -> None:
        run(shell, "profiles")
        assert "login --save NAME" in repr(shown[-1])

    def test_refresh_fetches_a_new_token(
        self, shell: InteractiveShell, simulate: Any, shown: list[Any]
    ) -> None:
        simulator = simulate(seed="empty")
        sign_in(simulator)
        before = len(simulator.ims.issued)
        run(shell, "refresh")
        assert len(simulator.ims.issued) == before + 1
        assert "signed in" in repr(shown[-1])

    def test_pasted_token_cannot_be_refreshed(self, shell: InteractiveShell, demo: Any) -> None:
        details = demo.connection()
        adobe_nb.connect(
            access_token=details["access_token"],
            org_id=details["org_id"],
            reactor_url=details["reactor_url"],
        )
        with pytest.raises(adobe_nb.CredentialsError, match="pasted token cannot be renewed"):
            run(shell, "refresh")

    def test_option_o_assigns_the_session_to_a_variable(
        self, shell: InteractiveShell, shown: list[Any]
    ) -> None:
        run(shell, "--simulator -q -o mine")
        assert shell.user_ns["mine"] is adobe_nb.current()
        assert shown == []

    @pytest.mark.parametrize(
        ("line", "says"),
        [
            ("-o 1x", "name of a variable"),
            ("-o class", "name of a variable"),
            ("use", "require the name of a profile"),
            ("status extra", "the other sub-commands accept none"),
            ("--save x", "are options of login"),
            ("login --in-file", "requires --save"),
            ("status --simulator", "status accepts no source"),
            ("use x --profile y", "use accepts no source"),
            ("login --save ''", "--save requires a name"),
        ],
    )
    def test_options_that_contradict_each_other_are_refused(
        self, shell: InteractiveShell, line: str, says: str
    ) -> None:
        with pytest.raises(UsageError, match=says):
            run(shell, line)

    def test_refused_account_is_shown_at_once(
        self, shell: InteractiveShell, demo: Any, shown: list[Any]
    ) -> None:
        account = demo.accounts["no_profile"]
        values = {"client_id": account.client_id, "client_secret": account.client_secret}
        write(Path.cwd() / ".env", env_of(demo, **values))
        run(shell, "")
        assert shown[0].message["topic"] == "access"
        assert "403221" in shown[0].message["text"]
        assert shown[0].state["refused"]

    def test_expired_token_of_active_profile_is_shown_in_the_panel(
        self, shell: InteractiveShell, demo: Any, shown: list[Any]
    ) -> None:
        details = demo.connection()
        names = ("org_id", "reactor_url", "ims_url")
        session = adobe_nb.connect(
            access_token=details["access_token"],
            **{name: details[name] for name in names},
            make_default=False,
        )
        ProfileStore().save(
            "day",
            replace(session.credentials, access_token=Secret(demo.expired_token())),
            in_file=True,
        )
        with pytest.raises(adobe_nb.TokenExpired, match="access token expired"):
            run(shell, "")
        assert shown[0].message["topic"] == "token"
        assert "The credentials came from profile day." in shown[0].message["text"]
        with pytest.raises(adobe_nb.TokenExpired):
            run(shell, "--profile day")

    def test_failing_source_is_shown_in_the_panel_and_raises(
        self, shell: InteractiveShell, demo: Any, shown: list[Any]
    ) -> None:
        path = write(Path.cwd() / ".env", env_of(demo, client_secret="wrong-secret-value"))
        with pytest.raises(adobe_nb.SignInError):
            run(shell, "")
        assert shown[0].message["topic"] == "values"
        assert str(path) in shown[0].message["text"]

    def test_session_from_the_panel_is_kept_when_its_cell_runs(
        self, shell: InteractiveShell, demo: Any, shown: list[Any]
    ) -> None:
        path = write(Path.cwd() / ".env", env_of(demo))
        session = sign_in(demo)
        by_hand = sessions.Session(replace(session.credentials, source=sessions.BY_HAND))
        sessions.make_current(by_hand)
        run(shell, "")
        assert adobe_nb.current() is by_hand
        assert f"login uses {path} instead" in shown[0].message["text"]

    def test_login_without_input_is_refused(
        self, shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("builtins.input", lambda _: " ")
        with pytest.raises(UsageError, match="Nothing was entered"):
            run(shell, "login --ask")

    def test_status_without_session_names_the_next_step(self) -> None:
        assert "%adobe_auth login asks for the values" in repr(card(None))

    def test_login_without_standard_input_is_refused(
        self, shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def closed(_: str) -> str:
            raise EOFError

        monkeypatch.setattr("builtins.input", closed)
        with pytest.raises(UsageError, match="This environment cannot prompt for input"):
            run(shell, "login --ask")

    @pytest.mark.parametrize("first", ["an id", None])
    def test_login_in_a_kernel_without_prompts_is_refused(
        self, shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch, first: str | None
    ) -> None:
        def refuse(_: str = "") -> str:  # as ipykernel does for nbconvert, papermill and Voila
            raise StdinNotImplementedError(
                "raw_input was called, but this frontend does not support input requests."
            )

        monkeypatch.setattr("builtins.input", (lambda _: first) if first else refuse)
        monkeypatch.setattr("getpass.getpass", refuse)
        for line in ("login", "login --ask"):
            with pytest.raises(UsageError, match=r"cannot prompt for input.*nbconvert.*\.env file"):
                run(shell, line)

    def test_use_warns_when_another_source_takes_precedence(
        self, shell: InteractiveShell, demo: Any, shown: list[Any]
    ) -> None:
        path = write(Path.cwd() / ".env", env_of(demo))
        run(shell, "-q login --save work --in-file")
        run(shell, "use work")
        assert shown[-1].message["kind"] == "warning"
        assert str(path) in shown[-1].message["text"]

    def test_option_o_assigns_the_new_session(self, shell: InteractiveShell, demo: Any) -> None:
        with adobe_nb.use(sign_in(demo)):
            run(shell, "--simulator -q -o new")
        assert shell.user_ns["new"].source == "the built-in simulator"

    def test_unreachable_reactor_is_a_message_instead_of_an_error(
        self, shell: InteractiveShell, demo: Any, shown: list[Any]
    ) -> None:
        text = env_of(demo).replace(
            f"ADOBE_REACTOR_URL={demo.reactor_url}", "ADOBE_REACTOR_URL=http://127.0.0.1:9"
        )
        write(Path.cwd() / ".env", text)
        run(shell, "")
        assert shown[0].message["topic"] == "network"
        assert shown[0].state["connected"]


class TestAuth:
    def test_connects_with_first_complete_source_and_shows_the_panel(
        self, shell: InteractiveShell, demo: Any, shown: list[Any]
    ) -> None:
        path = write(Path.cwd() / ".env", env_of(demo))
        run(shell, "")
        assert adobe_nb.current().source == str(path)
        assert isinstance(shown[0], SignInPanel)
        assert shown[0].state["connected"]

    def test_without_a_source_shows_the_panel(
        self, shell: InteractiveShell, shown: list[Any]
    ) -> None:
        run(shell, "")
        assert not shown[0].state["connected"]
        assert "No credentials were found" in shown[0].message["text"]

    def test_incomplete_credentials_are_a_warning_in_the_panel(
        self, shell: InteractiveShell, shown: list[Any]
    ) -> None:
        write(Path.cwd() / ".env", "ADOBE_CLIENT_ID=client-1234567890\nADOBE_ORGID=x\n")
        run(shell, "--or-simulator")
        assert shown[0].message["kind"] == "warning"
        assert "but not ADOBE_ORG_ID" in shown[0].message["text"]
        assert "unknown name ADOBE_ORGID" in shown[0].message["text"]
        assert "This session uses the simulator instead" in shown[0].message["text"]

    def test_or_simulator_falls_back(self, shell: InteractiveShell, shown: list[Any]) -> None:
        run(shell, "--or-simulator;")
        assert shown[0].state["service"] == "simulator"

    def test_session_survives_when_the_cell_runs_again(
        self, shell: InteractiveShell, session: Any, shown: list[Any]
    ) -> None:
        run(shell, "--or-simulator")
        run(shell, "")
        assert adobe_nb.current() is session
        assert shown[1].message["text"] == ""

    def test_invalid_value_in_a_source_is_an_error(self, shell: InteractiveShell) -> None:
        values = "ADOBE_CLIENT_ID=client-1234567890\nADOBE_CLIENT_SECRET=x\nADOBE_ORG_ID=nonsense\n"
        write(Path.cwd() / ".env", values)
        with pytest.raises(adobe_nb.CredentialsError, match="Invalid organization ID"):
            run(shell, "--or-simulator")

    def test_quiet_shows_nothing(self, shell: InteractiveShell, shown: list[Any]) -> None:
        run(shell, "--simulator -q")
        assert shown == []
        assert adobe_nb.current().service == "simulator"

    def test_missing_named_file_is_an_error(self, shell: InteractiveShell) -> None:
        with pytest.raises(adobe_nb.CredentialsError, match="does not exist"):
            run(shell, "--env-file nowhere.env")

    def test_status_test_and_logout_show_cards(
        self, shell: InteractiveShell, demo: Any, shown: list[Any]
    ) -> None:
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

    def test_test_explains_a_403(
        self, shell: InteractiveShell, demo: Any, shown: list[Any]
    ) -> None:
        sign_in(demo, "no_profile")
        run(shell, "test")
        assert "do not work" in repr(shown[0])
        assert "403221" in repr(shown[0])

    def test_login_prompts_for_the_secret_hidden(
        self, shell: InteractiveShell, demo: Any, shown: list[Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        details = demo.connection()
        asked: list[str] = []
        answers = {"Organization": details["org_id"], "Client ID": details["client_id"]}
        hosts = {"reactor_url": demo.reactor_url, "ims_url": demo.reactor_url}
        monkeypatch.setattr(
            "builtins.input", lambda text: next(v for k, v in answers.items() if text.startswith(k))
        )
        monkeypatch.setattr(
            "getpass.getpass", lambda text: asked.append(text) or details["client_secret"]
        )
        by_hand = sessions.connect_by_hand
        monkeypatch.setattr(
            sessions,
            "connect_by_hand",
            lambda v, simulator: by_hand({**v, **hosts}, simulator=simulator),
        )
        run(shell, "login")
        assert asked == ["Client secret (hidden): "]
        assert "signed in" in repr(shown[0])

    def test_help_lists_the_sub_commands(
        self, shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
    ) -> None:
        run(shell, "--help")
        printed = capsys.readouterr().out
        for word in (
            "panel",
            "login",
            "status",
            "test",
            "logout",
            "--or-simulator",
            "Secrets are never accepted here",
        ):
            assert word in printed

    @pytest.mark.parametrize(
        "line",
        [
            "connect",
            "--verbose",
            "--simulator --or-simulator",
            "'",
            "token",
            "secrets",
            "access_token",
            "--secrets-file absent.json",
            "--token-file=token.json",
            "--envfile my-secrets/token.env",
            "--client-secret",
            r"--env C:\secret\token.env",
            "--client-id 0123456789abcdef0123456789abcdef",
            "--production-organization-with-a-long-name",
        ],
    )
    def test_invalid_command_is_not_quoted(self, shell: InteractiveShell, line: str) -> None:
        with pytest.raises(
            UsageError, match="Sub-commands: panel, login, status, test, refresh, logout"
        ):
            run(shell, line)

    @pytest.mark.parametrize(
        "line",
        [
            "login --client-secret=hush",
            "login p8e-hushhush",
            "eyJhbGciOi.hush.hush",
            "login abcdefghijklmnopqrstuvwxyz0123456789",
            "login --client-secret hush",
            "login client_secret hush",
            "client_secret:hush",
            "--password hush",
            "--env p8e-hush",
            "--client-id p8e-hush",
            "--token-file eyJhbGciOi.hush",
            "--secrets p8e-hush",
            "--secrets=abcdefghijklmnopqrstuvwxyz0123456789",
            "--secrets databricks:p8e-hush",
            "login made-up-secret-hush",
        ],
    )
    def test_secret_is_refused_and_not_quoted(
        self, shell: InteractiveShell, line: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        shell.run_cell(f"%adobe_auth {line}")
        printed = "".join(capsys.readouterr())
        assert "delete this cell, rotate the secret" in printed
        assert "hush" not in printed
        assert "abcdefghij" not in printed

    def test_cell_magic_is_refused_and_its_body_removed(
        self, shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
    ) -> None:
        shell.run_cell("%%adobe_auth --or-simulator\nhush-hush", store_history=True)
        told = "".join(capsys.readouterr())
        assert "works on one line, with one percent sign" in told
        assert "If they held a secret, delete this cell" in told
        assert "hush-hush" not in repr(shell.user_ns["In"])
        shell.run_cell("%%adobe_auth\nclient_secret=hush-hush", store_history=True)
        assert "Secrets are not accepted here" in "".join(capsys.readouterr())
        assert "hush-hush" not in repr(shell.user_ns["In"])

    def test_refused_secret_is_removed_from_in_and_the_history(
        self, shell: InteractiveShell
    ) -> None:
        line = "%adobe_auth login --client-secret p8e-hush-0123456789"
        shell.run_cell(line, store_history=True)
        shell.run_cell("1 + 1", store_history=True)
        assert "hush" not in repr(shell.user_ns["In"])
        assert "hush" not in repr(
            {name: shell.user_ns[name] for name in shell.user_ns if name.startswith("_i")}
        )
        history: Any = shell.history_manager
        history.writeout_cache()
        told = [text for _, _, text in history.get_range(raw=True)]
        assert any("•••• (removed)" in text for text in told)
        files = [
            path.read_bytes() for path in Path(history.hist_file).parent.glob("history.sqlite*")
        ]
        assert files
        assert not any(b"p8e-hush" in each for each in files)

    def test_refused_secret_is_removed_from_a_history_in_memory(
        self, shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # As in kernels of nbclient.
        history: Any = HistoryManager(shell=shell, hist_file=":memory:")
        monkeypatch.setattr(shell, "history_manager", history)
        shell.run_cell("x = 'p8e-hush-0123456789'", store_history=True)
        history.writeout_cache()
        shell.run_cell("%adobe_auth login p8e-hush-0123456789", store_history=True)
        history.writeout_cache()
        stored = [row[0] for row in history.db.execute("SELECT source_raw FROM history")]
        assert stored == ["x = '•••• (removed)'", "•••• (removed)"]
        history.end_session()

    def test_secret_in_an_earlier_session_is_removed(self, shell: InteractiveShell) -> None:
        history: Any = shell.history_manager
        shell.run_cell("x = 'p8e-hush-earlier-one'", store_history=True)
        history.writeout_cache()
        history.new_session()
        assert b"p8e-hush-earlier" in b"".join(
            p.read_bytes() for p in Path(history.hist_file).parent.glob("history*")
        )
        shell.run_cell("%adobe_auth login p8e-hush-earlier-one", store_history=True)
        assert b"p8e-hush-earlier" not in b"".join(
            p.read_bytes() for p in Path(history.hist_file).parent.glob("history*")
        )

    SECRET = "p8e-hush0123456789hush"

    def left_over(self, shell: InteractiveShell) -> list[str]:
        """Where the secret still is."""
        history: Any = shell.history_manager
        history.writeout_cache()
        inputs = {name: value for name, value in shell.user_ns.items() if name.startswith("_i")}
        places = {
            "In": repr(shell.user_ns["In"]) + repr(history.input_hist_raw),
            "_i": repr(inputs),
            "linecache": repr(linecache.cache),
            "database": "".join(
                p.read_bytes().decode("latin-1")
                for p in Path(history.hist_file).parent.glob("hist*")
            ),
        }
        return [name for name, text in places.items() if "hush0123456789" in text]

    @pytest.mark.parametrize(
        "cell",
        [
            "%adobe_auth login {secret}",
            "%adobe_auth login '{secret}",
            '%adobe_auth login "{secret}',
            "%adobe_auth login --client-secret={secret};",
            "%adobe_auth login p8e-another-first-one\nimport os; other = '{secret}'",
            "%%adobe_auth login {secret}\nx = 1",
            "%%adobe_auth\nsecret = '{secret}'",
            "get_ipython().run_line_magic('adobe_auth', 'login {secret}')",
            "%reactor rules {secret}",
            "def f(bad=False):\n    if bad: 1 / 0\n    %adobe_auth login {secret}\nf()",
            "%adobe_auth --profile {secret}",
        ],
    )
    def test_secret_is_removed_however_it_was_typed(
        self, shell: InteractiveShell, cell: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        shell.run_cell(cell.replace("{secret}", self.SECRET), store_history=True)
        printed = "".join(capsys.readouterr())
        assert "rotate the secret" in printed
        assert "hush0123456789" not in printed
        assert self.left_over(shell) == []

    @pytest.mark.parametrize("option", ["--profile ", "--profile=", "use ", "login --save ", ""])
    def test_secret_of_the_older_form_is_removed_in_place_of_a_name(
        self, shell: InteractiveShell, option: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        shell.run_cell(f"%adobe_auth {option}{UUID_SECRET}", store_history=True)
        printed = "".join(capsys.readouterr())
        assert "rotate the secret" in printed
        assert UUID_SECRET not in printed + repr(shell.history_manager.input_hist_raw)

    def test_braces_insert_a_text_variable_and_evaluate_nothing(
        self, shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
    ) -> None:
        shell.user_ns |= {"path": "absent.env", "hidden": self.SECRET}
        with pytest.raises(adobe_nb.CredentialsError, match=r"absent\.env does not exist"):
            run(shell, "--env-file {path}")
        with pytest.raises(UsageError, match="rotate the secret"):
            run(shell, "login {hidden}")
        shell.run_cell("%reactor rules \"x{open('PWNED', 'w').close()}\"")
        assert not Path("PWNED").exists()

    def test_harmless_text_stays_in_the_history(self, shell: InteractiveShell) -> None:
        shell.run_cell("client = 'secret pandas'; _items = 'client work'", store_history=True)
        shell.run_cell("%adobe_auth client secret pandas", store_history=True)
        history: Any = shell.history_manager
        assert "secret pandas" in history.input_hist_raw[-2]
        assert shell.user_ns["_items"] == "client work"
        told = [text for _, _, text in history.get_range(raw=True)]
        assert any("secret pandas" in text for text in told)

    def test_profiles_may_have_names_like_secrets(self, shell: InteractiveShell, demo: Any) -> None:
        write(Path.cwd() / ".env", env_of(demo))
        for name in ("token-work", "client-secret", "production-tags-emea-organization"):
            run(shell, f"-q login --save {name} --in-file")
            run(shell, f"-q use {name}")
            assert adobe_nb.current().source == f"profile {name}"
            run(shell, f"-q forget {name}")

    def test_read_only_history_is_reported(
        self, shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(shell.history_manager, "hist_file", "/nowhere/history.sqlite")
        with pytest.raises(UsageError, match="could not be removed from the history"):
            run(shell, "login p8e-hushhush")

    @pytest.mark.parametrize(
        "line",
        [
            "--env-file my-secrets/token.env",
            "--profile token",
            "--console-file=oauth_secret.json",
            "login --save secret",
        ],
    )
    def test_names_of_files_and_profiles_are_not_taken_for_secrets(
        self, shell: InteractiveShell, line: str
    ) -> None:
        with pytest.raises((adobe_nb.CredentialsError, OSError)):
            run(shell, line)

    def test_error_in_a_cell_is_its_message_in_lines_of_whole_words(
        self, shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
    ) -> None:
        shell.run_cell("import adobe_nb; adobe_nb.reactor.rules('x')")
        printed = "".join(capsys.readouterr())
        assert "ArgumentError (line 1 of the cell): 'x' is not an id" in printed
        assert "Traceback" not in printed
        # Of more than one line, because of the help at its end.
        assert 1 < len(printed.splitlines()) < 4
        assert max(map(len, printed.splitlines())) <= 100
