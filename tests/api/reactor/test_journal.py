"""The journal: what was written, with the state before; whole, private, off by request, and without
secrets.
"""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

import adobe_nb
from adobe_nb import ApiError, JournalError, Secret
from adobe_nb.api.reactor.journal import Journal
from adobe_nb.api.reactor.jsonapi import Write
from tests.conftest import sign_in, started

TOKEN = "hush-hush-4711"


@pytest.fixture
def forwarding() -> Any:
    """An event forwarding property with an environment, in a simulator of its own."""
    simulator = started(seed="empty", build_seconds=0.02)
    reactor = sign_in(simulator).reactor
    place = reactor.properties.create(name="Forwarding", platform="edge", domains=["x.example"])
    host = reactor.hosts.create(place, name="Adobe", type_of="akamai")
    environment = reactor.environments.create(place, name="Dev", stage="development", host=host)
    yield reactor, place, environment, simulator
    simulator.stop()


def test_keeps_the_state_before(shop: Any) -> None:
    rule = shop.reactor.rules.create(shop.property, name="Home")
    shop.reactor.rules.update(rule, name="Start")
    shop.reactor.rules.delete(rule)
    kept = adobe_nb.journal().tail(3).reset_index(drop=True)
    assert kept["call"].tolist() == [
        "reactor.rules.create",
        "reactor.rules.update",
        "reactor.rules.delete",
    ]
    assert set(kept["id"]) == set(rule["id"])
    assert kept["outcome"].tolist() == ["done"] * 3
    assert [json.loads(text)["attributes"]["name"] for text in kept["before"].dropna()] == [
        "Home",
        "Start",
    ]
    assert kept["service"].tolist() == ["simulator"] * 3


def test_a_refused_write_has_its_code(shop: Any) -> None:
    with pytest.raises(ApiError):
        shop.reactor.properties.create(name="Shop", platform="web", domains=["x.example"])
    last = adobe_nb.journal().iloc[-1]
    assert (last["outcome"], last["status"], last["code"]) == ("refused", 409, "not-unique")


def test_an_interrupted_write_is_unknown(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    write = Write("reactor.rules.delete", "DELETE", "/rules/RL1")
    recording = journal.record(write, None, service="Adobe", org_id="A")
    recording.__enter__()
    assert journal.read()["outcome"].tolist() == ["unknown"]


def test_skips_a_line_that_was_cut_off(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    with journal.record(Write("a", "POST", "/a"), None, service="Adobe", org_id="A"):
        pass
    with journal.file.open("a") as file:
        file.write('{"entry": "x", "ti\n')
    with journal.record(Write("b", "POST", "/b"), None, service="Adobe", org_id="A"):
        pass
    assert journal.read()["call"].tolist() == ["a", "b"]


def test_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    session = adobe_nb.connect(simulator=True, journal=False)
    rule = session.reactor.rules(session.reactor.find("properties", "Web Store US")).head(1)
    session.reactor.notes.create(rule, text="quiet")
    monkeypatch.setenv("ADOBE_NB_JOURNAL", "off")
    adobe_nb.connect(simulator=True).reactor.notes.create(rule, text="quiet")
    assert len(adobe_nb.journal()) == 0


@pytest.mark.skipif(os.name == "nt", reason="file modes are those of Unix")
def test_only_its_user_can_read_it(shop: Any) -> None:
    shop.reactor.rules.create(shop.property, name="Home")
    file = Path(adobe_nb.journal().attrs["file"])
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_without_a_writable_journal_nothing_is_sent(shop: Any) -> None:
    file = Path(adobe_nb.journal().attrs["file"])
    file.mkdir(parents=True)
    shop.simulator.requests.clear()
    with pytest.raises(JournalError, match=r"nothing was sent.*connect\(journal=False\)"):
        shop.reactor.rules.create(shop.property, name="Home")
    assert not shop.simulator.requests


def test_an_empty_journal_has_its_columns_and_dtypes(shop: Any) -> None:
    empty = adobe_nb.journal()
    shop.reactor.rules.create(shop.property, name="Home")
    full = adobe_nb.journal()
    assert len(empty) == 0 < len(full)
    assert empty.dtypes.astype(str).to_dict() == full.dtypes.astype(str).to_dict()


def test_a_large_file_is_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adobe_nb.api.reactor.journal._LARGEST", 300)
    journal = Journal(tmp_path / "journal.jsonl")
    for number in range(4):
        write = Write(f"call {number}", "POST", "/a")
        with journal.record(write, None, service="Adobe", org_id="A"):
            pass
    assert journal.read()["call"].tolist()[-2:] == ["call 2", "call 3"]
    assert journal.file.stat().st_size < 700


class TestSecrets:
    @pytest.mark.parametrize("given", [TOKEN, Secret(TOKEN)])
    def test_go_to_the_service_and_nowhere_else(
        self, forwarding: Any, given: Any, recorder: Any
    ) -> None:
        recorder.secrets.add(TOKEN)
        reactor, place, environment, simulator = forwarding
        about = {
            "name": "S",
            "type_of": "token",
            "credentials": {"token": given},
            "environment": environment,
        }
        shown = reactor.secrets.create(place, dry_run=True, **about)
        made = reactor.secrets.create(place, **about)
        assert json.loads(simulator.requests[-1].body)["data"]["attributes"]["credentials"] == {
            "token": TOKEN
        }
        assert made["status"].tolist() == ["succeeded"]
        kept = Path(adobe_nb.journal().attrs["file"]).read_text()
        assert "••••" in adobe_nb.journal()["request"].iloc[-1]
        assert all(
            TOKEN not in text for text in (shown.to_csv(), made.to_csv(), kept, repr(made.attrs))
        )

    def test_stay_out_of_a_traceback_with_local_variables(
        self, forwarding: Any, recorder: Any
    ) -> None:
        recorder.secrets.add(TOKEN)
        reactor, place, environment, _ = forwarding
        import traceback

        about = {
            "name": "S",
            "type_of": "none",
            "credentials": {"token": TOKEN},
            "environment": environment,
        }
        with pytest.raises(ApiError) as caught:
            reactor.secrets.create(place, **about)
        ours = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
        # The frame of this test, and the one that got the keyword arguments, hold what was typed;
        # no other does.
        frames = [
            frame
            for frame in ours.stack
            if "adobe_nb/api" in frame.filename and frame.name != "create"
        ]
        assert frames
        assert not [
            frame.name
            for frame in frames
            if any(TOKEN in value for value in (frame.locals or {}).values())
        ]

    def test_are_masked_in_an_error_that_quotes_them(self, recorder: Any) -> None:
        from tests.api.reactor.test_writes import JSON_API, answering
        from tests.support.stub import Answer

        recorder.secrets.add(TOKEN)
        said = {
            "errors": [
                {"code": "bad", "detail": f"{TOKEN} is no token", "meta": {"given": [TOKEN]}}
            ]
        }
        environment = "EN" + "0" * 32
        with answering(Answer(400, json.dumps(said).encode(), JSON_API)) as service:
            with pytest.raises(ApiError, match="•••• is no token") as caught:
                service.reactor.secrets.create(
                    "PR" + "0" * 32,
                    name="S",
                    type_of="token",
                    credentials={"token": TOKEN},
                    environment=environment,
                )
        assert TOKEN not in repr(caught.value.errors)

    def test_of_other_kinds_are_masked_too(self, shop: Any) -> None:
        shown = shop.reactor.environments.update(
            shop.development, archive_passphrase=TOKEN, dry_run=True
        )
        assert TOKEN not in shown.to_csv()
        assert "••••" in shown.loc[0, "body"]
