r"""``\uXXXX`` in JSON text becomes the character, and nothing else changes."""

import json
import re
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adobe_nb import session as sessions
from adobe_nb.api.reactor.escapes import decoded
from tests.support.stub import Answer, Got, Stub, stub

PROPERTY = "PR" + "0" * 32
RULE = "RL" + "0" * 32
JSON = {"Content-Type": "application/vnd.api+json"}
ESCAPED = r'{"source":"a \u0026\u0026 b \u003e c // %Search \u0026 Filter%", "n":1.10, "n":2}'
PLAIN = '{"source":"a && b > c // %Search & Filter%", "n":1.10, "n":2}'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ESCAPED, PLAIN),
        (r'"\u0026"', '"&"'),
        (r'"\\u0026"', r'"\\u0026"'),
        (r'"\\\u0026"', r'"\\&"'),
        (r'"\\\\u0026 \u00e9 \u00E9"', r'"\\\\u0026 é é"'),
        (r'"\ud83d\ude00"', '"\U0001f600"'),
        (r'"\uDBFF\uDFFF \u2028\u2029 \u00a0"', '"\U0010ffff \u2028\u2029 \u00a0"'),
        (r'"\ud83d \u0026 \ude00\ud83d"', r'"\ud83d & \ude00\ud83d"'),
        (r'"\ud83d\ud83d\ude00"', '"\\ud83d\U0001f600"'),
        (
            r'"\u0000\u001f\u0022\u005c\u005C\u007f\u0085\u009f"',
            r'"\u0000\u001f\u0022\u005c\u005C\u007f\u0085\u009f"',
        ),
        (r'"\n\t\/\"\u003c"', r'"\n\t\/\"<"'),
        (
            r'{"\u0026" : [ 1.10 , 1E2, 9007199254740993 ] }',
            '{"&" : [ 1.10 , 1E2, 9007199254740993 ] }',
        ),
    ],
)
def test_escapes_become_characters_and_the_rest_stays_unchanged(text: str, expected: str) -> None:
    assert decoded(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no escapes",
        "{}",
        r"if (a \u0026\u0026 b) run();",
        r'{"a":"\u00zz"}',
        r'{"a":"\& \u0026"}',
        r'{"a":"\u0026"',
        r'{"a":NaN,"b":"\u0026"}',
        r"'\u0026'",
        "[" * 100_000 + r'"\u0026"' + "]" * 100_000,
    ],
)
def test_text_that_is_not_json_stays_unchanged(text: str) -> None:
    assert decoded(text) == text


_json = st.recursive(
    st.none()
    | st.integers()
    | st.text(st.characters(categories=["L", "N", "P", "S", "Z", "C"]), max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(_json)
def test_any_json_keeps_its_meaning_and_only_necessary_escapes(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=True)
    result = decoded(text)
    assert json.loads(result) == value
    assert decoded(result) == result
    left = [int(code, 16) for code in re.findall(r"(?<!\\)(?:\\\\)*\\u(....)", result)]
    assert all(code < 0x20 or 0x7F <= code <= 0x9F or 0xD800 <= code <= 0xDFFF for code in left)


# -- the same for every call that returns a frame


def resource(number: int, kind: str, prefix: str, **attributes: Any) -> dict[str, Any]:
    return {
        "id": f"{prefix}{number:032x}",
        "type": kind,
        "attributes": {
            "name": "x",
            "created_at": "2026-01-01T00:00:00.000Z",
            "updated_at": "2026-01-01T00:00:00.000Z",
            "revision_number": 0,
            "deleted_at": None,
            **attributes,
        },
        "relationships": {"property": {"data": {"id": PROPERTY, "type": "properties"}}},
    }


ELEMENT = resource(1, "data_elements", "DE", settings=ESCAPED, default_value=r'"\u0026"')
PARTS = {
    "companies": {"id": "CO" + "0" * 32, "type": "companies", "attributes": {"name": "c"}},
    "properties": {
        "id": PROPERTY,
        "type": "properties",
        "attributes": {"name": "p", "platform": "web"},
    },
    "rules": resource(0, "rules", "RL"),
    "data_elements": ELEMENT,
    "rule_components": resource(2, "rule_components", "RC", settings=ESCAPED),
}


def service(got: Got) -> Answer:
    """Serve a data element and a rule component whose settings are escaped."""
    path = got.path.partition("?")[0]
    if path.startswith("/ims/"):
        return Answer(
            200, b'{"access_token": "t", "expires_in": 9999}', {"Content-Type": "application/json"}
        )
    last = path.rsplit("/", 1)[1]
    if path == "/search":
        found = [
            PARTS[each] for each in json.loads(got.body)["data"]["resource_types"] if each in PARTS
        ]
        document: dict[str, Any] = {"data": found, "meta": {"total_hits": len(found)}}
    elif last[:2] == "DE" or (got.method != "GET" and last in PARTS):
        document = {"data": ELEMENT}
    elif last == "revisions":
        document = {"data": [ELEMENT]}
    else:
        items = [PARTS[last]] if last in PARTS else []
        document = {
            "data": items,
            "meta": {"pagination": {"total_count": len(items), "total_pages": 1}},
        }
    return Answer(200, json.dumps(document).encode(), JSON)


def signed_in(server: Stub) -> sessions.Session:
    return sessions.connect(
        client_id="c" * 12,
        client_secret="hush",
        org_id="A@AdobeOrg",
        ims_url=server.url,
        reactor_url=server.url,
        retry_pause=0,
        journal=False,
    )


def test_settings_are_decoded_in_every_frame(tmp_path: Any) -> None:
    from adobe_nb import snapshot

    with stub(service) as server:
        session = signed_in(server)
        reactor, identifier = session.reactor, ELEMENT["id"]
        frames = {
            "list": reactor.data_elements(PROPERTY),
            "filter": reactor.data_elements(PROPERTY, filter={"name": "EQ x"}),
            "limit": reactor.data_elements(PROPERTY, limit=1),
            "get": reactor.data_elements.get(identifier),
            "related": reactor.related(identifier, "revisions"),
            "search": reactor.search("x", types="data_elements"),
            "update": reactor.data_elements.update(identifier, name="y"),
            "create": reactor.data_elements.create(
                PROPERTY, name="y", delegate_descriptor_id="a::b::c", extension="EX" + "0" * 32
            ),
        }
        several = reactor.search("x", types=["data_elements", "rule_components"])
        raw = next(reactor.data_elements.iterate(PROPERTY))
        tables = ["data_elements", "rule_components"]
        snapshot.pull(to=tmp_path, tables=tables, session=session)
        snapshot.refresh(tmp_path, session=session)
        for number in (1, 2):
            for table in tables:
                frames[f"load {table} {number}"] = snapshot.load(tmp_path, table, as_of=number)
                frames[f"sql {table} {number}"] = snapshot.sql(
                    f"SELECT * FROM {table}", tmp_path, as_of=number
                )
        assert snapshot.changes(tmp_path).empty
    assert {name: list(frame["settings"]) for name, frame in frames.items()} == {
        name: [PLAIN] for name in frames
    }
    assert [json.loads(text)["attributes"]["settings"] for text in several["document"]] == [
        PLAIN
    ] * 2
    assert raw["attributes"]["settings"] == ESCAPED
    # A default value is any text, not JSON text.
    assert frames["list"]["default_value"].tolist() == [r'"\u0026"']


def test_settings_of_a_frame_are_written_unchanged() -> None:
    with stub(service) as server:
        reactor = signed_in(server).reactor
        frame = reactor.data_elements(PROPERTY)
        reactor.data_elements.update(frame, settings=frame.loc[0, "settings"])
        sent = json.loads(next(each.body for each in server.got if each.method == "PATCH"))
    assert sent["data"]["attributes"]["settings"] == PLAIN
    assert json.loads(PLAIN) == json.loads(ESCAPED)


def test_text_search_in_settings_finds_decoded_characters() -> None:
    with stub(service) as server:
        frame: pd.DataFrame = signed_in(server).reactor.data_elements(PROPERTY)
    assert frame["settings"].str.contains("&&", regex=False).all()
