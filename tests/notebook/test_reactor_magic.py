"""%reactor, and the completion of both magics, in a real IPython shell."""

from typing import Any

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

import adobe_nb
from adobe_nb import session as sessions
from adobe_nb.notebook import completion, reactor_magic
from adobe_nb.registry import RESOURCES
from tests.conftest import sign_in


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    objects: list[Any] = []
    monkeypatch.setattr(reactor_magic, "display", objects.append)
    return objects


def run(shell: InteractiveShell, line: str) -> None:
    shell.run_line_magic("reactor", line)


class TestPulls:
    def test_lists_a_property_by_name_with_filter_sort_and_variable(
        self,
        shell: InteractiveShell,
        session: Any,
        shown: list[Any],
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        run(
            shell,
            'rules "Web Store US" --filter name "CONTAINS product" --filter enabled true '
            "--sort -updated_at -o r",
        )
        property_id = session.reactor.find("properties", "Web Store US")["id"].iloc[0]
        expected = session.reactor.rules(
            property_id, filter={"name": "CONTAINS product", "enabled": True}, sort="-updated_at"
        )
        assert shown[0].equals(expected)
        assert shell.user_ns["r"].equals(expected)
        told = capsys.readouterr().out.strip()
        assert told.startswith("In Python: r = reactor.rules(")
        code = told.removeprefix("In Python: r = ")
        assert eval(code, {"reactor": session.reactor}).equals(expected)

    @pytest.mark.parametrize("name", list(RESOURCES))
    def test_lists_every_type(
        self, shell: InteractiveShell, session: Any, shown: list[Any], name: str
    ) -> None:
        row = RESOURCES[name]
        parent = "" if row.root or row.default_parent or not row.listed else "'Web Store US'"
        site = parent.replace("Web Store US", "Event Forwarding") if name == "secrets" else parent
        run(shell, f"{name} {site} --limit 2")
        assert (0 if name == "notes" else 1) <= len(shown[0]) <= 2

    def test_lists_without_a_parent(
        self, shell: InteractiveShell, session: Any, shown: list[Any]
    ) -> None:
        run(shell, "properties --sort name --limit 1;")
        assert len(shown[0]) == 1

    def test_accepts_ids_names_and_get(
        self,
        shell: InteractiveShell,
        session: Any,
        shown: list[Any],
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        rules = session.reactor.rules(session.reactor.find("properties", "Magazine"))["id"].tolist()
        run(shell, f"rule_components {rules[0]} {rules[1]} --names")
        assert "rule_name" in shown[0].columns
        run(shell, f"get {rules[0]}")
        assert shown[1]["id"].tolist() == rules[:1]
        assert f"reactor.rules.get('{rules[0]}')" in capsys.readouterr().out

    def test_name_keeps_its_backslashes(self, shell: InteractiveShell, session: Any) -> None:
        for typed in (r"C:\sites\new", r'"C:\sites\new"', r"'C:\sites\new'"):
            with pytest.raises(adobe_nb.NameLookupError) as caught:
                run(shell, f"rules {typed}")
            assert repr(r"C:\sites\new") in str(caught.value)

    def test_quiet_assigns_and_shows_nothing(
        self,
        shell: InteractiveShell,
        session: Any,
        shown: list[Any],
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        run(shell, "companies -q -o c")
        assert shown == []
        assert capsys.readouterr().out == ""
        assert len(shell.user_ns["c"]) == 1

    def test_help_and_empty_line_print_the_help(
        self, shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for line in ("", "--help"):
            run(shell, line)
            printed = capsys.readouterr().out
            assert all(name in printed for name in RESOURCES)
            assert '--filter name "CONTAINS home"' in printed

    @pytest.mark.parametrize(
        ("line", "error", "says"),
        [
            ("rulez", UsageError, "'rulez' is not a resource type"),
            ("rules 'Web Store US", UsageError, "A quote is not closed"),
            ("rules Web Store", UsageError, "Quote a name that has spaces"),
            (
                "audit_events 'Web Store US'",
                adobe_nb.ArgumentError,
                "audit_events have no parent: %reactor audit_events",
            ),
            ("rules 'No such'", adobe_nb.NameLookupError, "No property is called 'No such'"),
            ("rules 'Web Store US' --filter name", UsageError, "expected 2 arguments"),
            ("rules 'Web Store US' --filter nmae 'EQ x'", adobe_nb.ArgumentError, "nmae"),
            ("rules 'Web Store US' --filter name x", adobe_nb.ArgumentError, "EQ x"),
            ("rules 'Web Store US' --limit x", UsageError, "invalid int"),
            (
                "companies --filter name 'EQ a' --filter name 'EQ b'",
                UsageError,
                "--filter name is used twice",
            ),
            ("rules 'Web Store US' --sort", UsageError, "expected one argument"),
            ("companies -o 1x", UsageError, "name of a variable"),
            ("get RL --limit 3", UsageError, "get accepts ids"),
            ("get", UsageError, "one type at a time"),
        ],
    )
    def test_invalid_line_is_explained(
        self, shell: InteractiveShell, session: Any, line: str, error: type[Exception], says: str
    ) -> None:
        with pytest.raises(error, match=says):
            run(shell, line)

    def test_without_a_session_raises(self, shell: InteractiveShell) -> None:
        with pytest.raises(adobe_nb.NotSignedIn):
            run(shell, "companies")


def completed(shell: InteractiveShell, text: str) -> list[str]:
    """The whole texts that the front end would offer, after what stands before the replaced part."""
    with provisionalcompleter():
        found = list(shell.Completer.completions(text, len(text)))
    return [each.text for each in found]


class TestCompletion:
    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("%adobe_auth st", ["status"]),
            ("%adobe_auth --env", ["--env-file"]),
            ("%adobe_auth status --q", ["--quiet"]),
            ("%adobe_auth --secrets ", ["colab", "databricks:"]),
            ("%reactor ru", ["rules", "rule_components"]),
            ("%reactor rules --so", ["--sort"]),
            ("%reactor rules x --filter upd", ["updated_at"]),
            ("%reactor rules x --filter name CON", ["CONTAINS"]),
            ("%reactor rules x --sort -updated_a", ["-updated_at"]),
            ("%reactor rules x --sort updated_a", ["updated_at"]),
        ],
    )
    def test_words_that_fit(self, shell: InteractiveShell, text: str, found: list[str]) -> None:
        assert completed(shell, text) == found

    def test_sub_commands_come_without_options(self, shell: InteractiveShell) -> None:
        assert completed(shell, "%adobe_auth ") == [
            "panel", "login", "status", "test", "refresh", "logout", "profiles", "use", "forget",
        ]  # fmt: skip

    def test_profiles(self, shell: InteractiveShell, demo: Any) -> None:
        sign_in(demo, make_default=False).save("work", in_file=True)
        assert completed(shell, "%adobe_auth use w") == ["work"]
        assert completed(shell, "%adobe_auth --profile ") == ["work"]

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ('%reactor rules "Web Store U', ['"Web Store US"']),
            ('%reactor rules "Web', ['"Web Store DE"', '"Web Store US"']),
            ("%reactor rules Web", ["Web\\ Store\\ DE", "Web\\ Store\\ US"]),
            ("%reactor rules Mag", ["Magazine"]),
        ],
    )
    def test_names_of_properties(
        self, shell: InteractiveShell, session: Any, text: str, found: list[str]
    ) -> None:
        assert completed(shell, text) == found

    def test_all_names_of_properties(self, shell: InteractiveShell, session: Any) -> None:
        names = session.reactor.properties()["name"]
        expected = sorted(names)
        assert [name.strip('"') for name in completed(shell, "%reactor rules ")] == expected

    def test_odd_names_are_offered_as_they_parse_back(
        self, shell: InteractiveShell, simulate: Any, shown: list[Any]
    ) -> None:
        simulator = simulate(seed="demo")
        names = ["C:\\", "shop;", "a 'b'", 'a "b"', "x{1+1}", "two  spaces"]
        store = simulator.stores[simulator.accounts["demo"].org_id]
        for record, name in zip(store.all("properties"), names, strict=True):
            record.attributes["name"] = name
        sign_in(simulator)
        for offered in completed(shell, "%reactor rules "):
            run(shell, f"rules {offered} --limit 1")
        assert len(shown) == len(names)
        for name in names:
            for offered in completed(shell, f"%reactor rules {name[0]}"):
                run(shell, f"rules {offered} --limit 1")

    def test_what_was_completed_is_understood(
        self, shell: InteractiveShell, session: Any, shown: list[Any]
    ) -> None:
        run(shell, "rules Web\\ Store\\ US --limit 1")
        assert len(shown[0]) == 1

    def test_names_are_requested_once_per_session(
        self, shell: InteractiveShell, simulate: Any
    ) -> None:
        simulator = simulate(seed="demo")
        sign_in(simulator)
        completed(shell, "%reactor rules ")
        simulator.requests.clear()
        completed(shell, "%reactor rules W")
        assert not simulator.requests

    def test_a_slow_service_does_not_hold_up_the_keyboard(
        self, shell: InteractiveShell, simulate: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        simulator = simulate(seed="demo", latency=0.4)
        sign_in(simulator)
        monkeypatch.setattr(completion, "_WAIT", 0.05)
        assert "Magazine" not in completed(shell, "%reactor rules ")

    def test_without_a_session_there_are_none_and_no_error(self, shell: InteractiveShell) -> None:
        assert completed(shell, "%reactor rules --fi") == ["--filter"]
        assert sessions.current_or_none() is None


class TestKeywords:
    @pytest.mark.parametrize(
        ("text", "some"),
        [
            ("reactor.rules.create(site, na", ["name="]),
            ("r.data_elements.create(site, name='a (b', sett", ["settings="]),
            (
                'session.reactor.rule_components.create(\n    "RL1",\n    del',
                ["delegate_descriptor_id=", "delay_next="],
            ),
            ("reactor.environments.update(x, arch", ["archive=", "archive_passphrase="]),
            ("reactor.rules.update(reactor.find('rules', 'a'), dry", ["dry_run="]),
        ],
    )
    def test_of_an_open_call_are_offered(
        self, shell: InteractiveShell, text: str, some: list[str]
    ) -> None:
        assert [each for each in completed(shell, text) if each.endswith("=")] == some

    @pytest.mark.parametrize(
        "text",
        [
            "reactor.rules.create(site, name='a', na",
            "reactor.rules.create(site, name=na",
            "reactor.rules.create(site)\nna",
            "reactor.widgets.create(site, na",
            "reactor.rules(site, na",
            "reactor.rules.create(site, settings={na",
        ],
    )
    def test_are_not_offered_elsewhere(self, shell: InteractiveShell, text: str) -> None:
        assert "name=" not in completed(shell, text)
