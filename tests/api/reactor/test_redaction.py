"""Secrets in Adobe's responses stay hidden: tokens, credentials, passwords in URLs."""

import gc
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

import adobe_nb
from adobe_nb import ArgumentError, snapshot
from adobe_nb.api.reactor.journal import Journal
from adobe_nb.api.reactor.jsonapi import Write, public, public_address, public_columns
from adobe_nb.registry import RESOURCES
from tests.api.reactor.test_relations import found, service
from tests.conftest import RECORDER, sign_in, started

ZEROS = "0" * 32
CREDENTIALS = {
    "client_id": "hush-client",
    "client_secret": "hush-secret-4713",
    "token_url": "https://hush-user:pw@id.example/t",
}
HUSH = "hush-"


@pytest.fixture(scope="module")
def tested(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A tested secret, for which the service returns a live token."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        simulator = started(seed="empty", build_seconds=0.02)
        session = sign_in(simulator, make_default=False)
    reactor = session.reactor
    place = reactor.properties.create(name="Forwarding", platform="edge", domains=["x.example"])
    host = reactor.hosts.create(place, name="Adobe", type_of="akamai")
    environment = reactor.environments.create(place, name="Dev", stage="development", host=host)
    secret = reactor.secrets.create(
        place,
        name="Warehouse",
        type_of="oauth2-client_credentials",
        credentials=CREDENTIALS,
        environment=environment,
    )
    reactor.secrets.wait(secret, poll=0.01)
    answer = reactor.secrets.test(secret)
    path = f"/secrets/{secret.loc[0, 'id']}"
    raw = json.loads(session.client.fetch(path, ()).body)["data"]
    token = raw["meta"]["test_exchange"]["access_token"]
    RECORDER.secrets |= {token, CREDENTIALS["client_secret"]}
    yield SimpleNamespace(
        simulator=simulator,
        session=session,
        reactor=reactor,
        place=place,
        environment=environment,
        secret=secret,
        id=secret.loc[0, "id"],
        path=path,
        answer=answer,
        raw=raw,
        token=token,
    )
    simulator.stop()


def test_service_returns_token_and_credentials(tested: Any) -> None:
    assert tested.token.startswith("exchanged-")
    assert tested.raw["attributes"]["credentials"]["client_id"] == "hush-client"


WAYS: dict[str, Callable[[Any], Any]] = {
    "the list": lambda at: at.reactor.secrets(at.place),
    "the list of an environment": lambda at: at.reactor.secrets(at.environment),
    "a filtered list": lambda at: at.reactor.secrets(at.place, filter={"name": "EQ Warehouse"}),
    "a limited list": lambda at: at.reactor.secrets(at.place, limit=1),
    "get": lambda at: at.reactor.secrets.get(at.id),
    "get of any type": lambda at: at.reactor.get(at.id)["secrets"],
    "find": lambda at: at.reactor.find("secrets", "Warehouse", at.place),
    "update": lambda at: at.reactor.secrets.update(at.id, name="Warehouse"),
    "wait": lambda at: at.reactor.secrets.wait(at.id),
    "test": lambda at: at.answer,
    "names": lambda at: at.reactor.with_names(at.reactor.secrets(at.place)),
}


def text_of(frame: pd.DataFrame) -> str:
    return frame.to_csv() + repr(frame) + frame.to_html() + repr(frame.attrs)


@pytest.mark.parametrize("way", WAYS)
def test_frame_shows_lifetime_of_token_but_not_the_token(tested: Any, way: str) -> None:
    frame = WAYS[way](tested)
    assert json.loads(frame.loc[0, "meta_test_exchange"]) == {
        "expires_in": 86_400,
        "token_type": "bearer",
    }
    text = text_of(frame)
    assert "exchanged-" not in text
    assert HUSH not in text
    assert "credentials" not in frame.columns


@pytest.mark.parametrize(
    "way",
    [
        lambda at: at.reactor.request("GET", at.path),
        lambda at: at.reactor.request("GET", f"/properties/{at.place.loc[0, 'id']}/secrets"),
        lambda at: at.reactor.request(
            "PATCH",
            at.path,
            body={"data": {"id": at.id, "type": "secrets", "attributes": {"name": "Warehouse"}}},
        ),
        lambda at: list(at.reactor.secrets.iterate(at.place)),
        lambda at: at.session.client.get(at.path),
    ],
    ids=["request one", "request a list", "request a write", "iterate", "the client"],
)
def test_raw_document_has_no_token_or_credentials(tested: Any, way: Callable[[Any], Any]) -> None:
    text = json.dumps(way(tested))
    assert '"expires_in": 86400' in text
    assert "exchanged-" not in text
    assert HUSH not in text
    assert "credentials" not in text.replace("oauth2-client_credentials", "")


def test_journal_has_no_token_or_credentials(tested: Any) -> None:
    tested.reactor.secrets.update(tested.id, name="Warehouse 2")
    tested.reactor.secrets.update(tested.id, name="Warehouse")
    kept = tested.session.client._journal().read()
    file = Path(kept.attrs["file"]).read_text(encoding="utf-8")
    before = json.loads(kept["before"].iloc[-1])
    assert before["attributes"]["name"] == "Warehouse 2"
    assert before["meta"]["test_exchange"] == {"expires_in": 86_400, "token_type": "bearer"}
    assert "exchanged-" not in file
    assert HUSH not in file


def test_snapshot_has_no_token_or_credentials(tested: Any, tmp_path: Path) -> None:
    snapshot.pull(to=tmp_path, tables=[*snapshot.TABLES, "audit_events"], session=tested.session)
    secrets = snapshot.load(tmp_path)["secrets"]
    assert json.loads(secrets.loc[0, "meta_test_exchange"])["token_type"] == "bearer"
    raw = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"exchanged-" not in raw
    assert HUSH.encode() not in raw


@pytest.mark.parametrize("row", RESOURCES.values(), ids=lambda row: row.type)
def test_journal_drops_write_only_attributes_of_every_type(row: Any, tmp_path: Path) -> None:
    attributes = {each.name: "hush-hush" if each.write_only else "seen" for each in row.attributes}
    journal = Journal(tmp_path / "journal.jsonl")
    before = {"id": row.prefix + ZEROS, "type": row.type, "attributes": attributes}
    with journal.record(Write("x", "DELETE", "/x"), before, service="Adobe", org_id="A"):
        pass
    assert "hush" not in journal.file.read_text(encoding="utf-8")
    assert set(json.loads(journal.read()["before"][0])["attributes"]) == {
        each.name for each in row.columns
    }


class TestUndocumentedShapes:
    """Responses with more, or other, members than the guides describe."""

    def frames(self, kind: str, **parts: Any) -> Iterator[tuple[pd.DataFrame, Any]]:
        resource = {"id": RESOURCES[kind].prefix + ZEROS, "type": kind, **parts}
        about = {"pagination": {"total_count": 1, "total_pages": 1, "current_page": 1}}

        def answer(path: str) -> Any:
            one = path.rstrip("/").endswith(resource["id"])
            return found({"data": resource} if one else {"data": [resource], "meta": about})

        with service(answer) as (reactor, _):
            collection = getattr(reactor, kind)
            parent = (
                RESOURCES[RESOURCES[kind].parents[0]].prefix + ZEROS
                if RESOURCES[kind].parents
                else None
            )
            yield collection(parent), list(collection.iterate(parent))
            if kind != "audit_events":
                yield (
                    collection.get(resource["id"]),
                    reactor.request("GET", f"/{kind}/{resource['id']}"),
                )

    @pytest.mark.parametrize(
        "exchange",
        [
            "hush-token",
            ["hush-token"],
            7,
            {"expires_in": {"a": "hush"}, "token_type": None, "x": "hush"},
        ],
    )
    def test_exchange_of_another_shape_is_dropped(self, exchange: Any) -> None:
        for frame, raw in self.frames("secrets", meta={"test_exchange": exchange}):
            assert frame["meta_test_exchange"].isna().all()
            assert HUSH not in text_of(frame) + json.dumps(raw)

    def test_members_named_like_secrets_are_dropped_at_any_depth(self) -> None:
        meta = {
            "refresh_exchange": {"refresh_token": "hush-1", "expires_in": 5},
            "access_token": "hush-2",
            "status_details": {
                "errors": [{"code": "x", "meta": {"client_secret": "hush-3", "given": ["a"]}}]
            },
        }
        for frame, raw in self.frames(
            "secrets", attributes={"private_key": "hush-4", "new": "seen"}, meta=meta
        ):
            text = text_of(frame) + json.dumps(raw)
            assert HUSH not in text
            assert "seen" in text
            assert json.loads(frame.loc[0, "meta_status_details"])["errors"][0]["meta"] == {
                "given": ["a"]
            }
            assert json.loads(frame.loc[0, "meta_refresh_exchange"]) == {"expires_in": 5}

    def test_push_credentials_keys_and_passphrases_are_dropped(self) -> None:
        for kind, name in (
            ("app_configurations", "push_credential"),
            ("hosts", "encrypted_private_key"),
            ("environments", "archive_passphrase"),
        ):
            for frame, raw in self.frames(kind, attributes={name: "hush-5", "name": "Seen"}):
                assert HUSH not in text_of(frame) + json.dumps(raw)
                assert frame["name"].tolist() == ["Seen"]

    def test_token_in_the_path_of_an_environment_is_not_a_secret(self) -> None:
        for frame, _ in self.frames("environments", attributes={"token": "0123456789ab"}):
            assert frame["token"].tolist() == ["0123456789ab"]

    def test_audit_event_has_no_secrets_of_its_entity(self) -> None:
        entity = {
            "data": {
                "id": "AC1",
                "type": "app_configurations",
                "attributes": {"push_credential": "hush-6"},
            }
        }
        for frame, raw in self.frames("audit_events", attributes={"entity": json.dumps(entity)}):
            assert HUSH not in text_of(frame) + json.dumps(raw)
            assert json.loads(frame.loc[0, "entity"])["data"]["id"] == "AC1"

    @pytest.mark.parametrize(
        "entity",
        [
            '{ "data": {"id": "RL1", "type": "rules", "attributes": {"name": "\\u0026"}} }',
            '{ "data": {"id": "HT1", "type": "hosts", "attributes": {"name": "\\u0026", '
            '"server": "//a.example"}} }',
        ],
    )
    def test_entity_without_secrets_is_unchanged(self, entity: str) -> None:
        columns = public_columns(RESOURCES["audit_events"], {"entity": [entity]})
        assert columns["entity"] == [entity]

    def test_entity_that_cannot_be_parsed_is_dropped(self) -> None:
        torn = '{"data": {"type": "hosts", "attributes": {"encrypted_private_key": "hush'
        assert public_columns(RESOURCES["audit_events"], {"entity": [torn, None]})["entity"] == [
            None,
            None,
        ]

    def test_settings_and_schemas_are_unchanged(self) -> None:
        schema = {"properties": {"access_token": {"type": "string"}}}
        for kind, attributes in (
            ("extension_packages", {"actions": [{"schema": schema}]}),
            ("data_elements", {"settings": '{"client_secret":"x"}'}),
        ):
            document = {"data": {"id": "X", "type": kind, "attributes": attributes}}
            assert public(document) == document


class TestAddresses:
    @pytest.mark.parametrize(
        ("address", "shown"),
        [
            ("https://user:pw@hooks.example/x", "https://••••••••@hooks.example/x"),
            ("//user@sftp.example", "//••••••••@sftp.example"),
            ("sftp://u:p@w@sftp.example:22/a@b", "sftp://••••••••@sftp.example:22/a@b"),
            (
                "https://a.example/x?token=abc&page=2#k",
                "https://a.example/x?token=••••••••&page=2#k",
            ),
            (
                "https://a.example/z.zip?X-Amz-Signature=ab&X-Amz-Date=1",
                "https://a.example/z.zip?X-Amz-Signature=••••••••&X-Amz-Date=1",
            ),
            ("https://a.example/x?code=abc", "https://a.example/x?code=••••••••"),
            ("https://a.example/x?design=abc&monkey=1", "https://a.example/x?design=abc&monkey=1"),
            ("https://a.example/user:pw@x", "https://a.example/user:pw@x"),
            ("sftp.example", "sftp.example"),
        ],
    )
    def test_url_is_shown_without_user_and_signature(self, address: str, shown: str) -> None:
        assert public_address(address) == shown

    def test_url_of_callback_is_sent_whole_and_shown_masked(self, shop: Any, recorder: Any) -> None:
        recorder.secrets |= {"hush-pw-4714", "hush-tk-4714"}
        address = "https://user:hush-pw-4714@hooks.example/tags?token=hush-tk-4714"
        callbacks = shop.reactor.callbacks
        about = {"url": address, "subscriptions": ["rule.updated"]}
        dry = callbacks.create(shop.property, dry_run=True, **about)
        made = callbacks.create(shop.property, **about)
        assert json.loads(shop.simulator.requests[-1].body)["data"]["attributes"]["url"] == address
        assert made["url"].tolist() == ["https://••••••••@hooks.example/tags?token=••••••••"]
        changed = callbacks.update(made, url=address + "&x=1")
        gone = callbacks.delete(changed)
        kept = Path(adobe_nb.journal().attrs["file"]).read_text(encoding="utf-8")
        body = {"data": {"type": "callbacks", "attributes": {"url": address}}}
        raw = shop.reactor.request(
            "POST", f"/properties/{shop.id}/callbacks", body=body, dry_run=True
        )
        curl = shop.reactor.as_curl("POST", f"/properties/{shop.id}/callbacks", body=body)
        texts = [
            dry.to_csv(),
            made.to_csv(),
            changed.to_csv(),
            gone.to_csv(),
            kept,
            raw.to_csv(),
            curl,
        ]
        assert not [text for text in texts if "4714" in text]
        assert "hooks.example/tags" in dry.loc[0, "body"]

    def test_masked_url_is_not_written_back(self, shop: Any) -> None:
        masked = "https://••••••••@hooks.example/tags"
        shop.simulator.requests.clear()
        for call in (
            lambda: shop.reactor.callbacks.update("CB" + ZEROS, url=masked),
            lambda: shop.reactor.hosts.update("HT" + ZEROS, server="//••••••••@sftp.example"),
            lambda: shop.reactor.hosts.update("HT" + ZEROS, encrypted_private_key="••••••••"),
            lambda: shop.reactor.secrets.update("SE" + ZEROS, credentials={"token": "••••••••"}),
        ):
            with pytest.raises(ArgumentError, match="holds a mask"):
                call()
        assert not shop.simulator.requests


def test_credentials_that_contain_themselves_are_refused(shop: Any) -> None:
    circle: dict[str, Any] = {}
    circle["self"] = circle
    # nothing is left to be finalized at the bottom of the recursion, where it would fail
    gc.collect()
    shop.simulator.requests.clear()
    with pytest.raises(ArgumentError, match="credentials cannot be written as JSON"):
        shop.reactor.secrets.update("SE" + ZEROS, credentials=circle)
    with pytest.raises(ArgumentError, match="body cannot be written as JSON"):
        shop.reactor.request("POST", f"/properties/{shop.id}/rules", body=circle)
    assert not shop.simulator.requests
