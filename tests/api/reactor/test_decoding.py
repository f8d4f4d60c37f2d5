"""Pages decoded into columns give the same frame or error as pages decoded as plain JSON."""

import json
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adobe_nb.api.reactor.decoding import Decoder, Page, plain_page
from adobe_nb.api.reactor.frames import FrameBuilder
from adobe_nb.errors import IncompleteResult
from adobe_nb.registry import RESOURCES, Resource

SAMPLES: dict[str, Any] = {
    "text": "a text",
    "datetime": "2024-06-05T23:17:30.308Z",
    "boolean": True,
    "integer": 7,
    "number": 1.5,
    "json": {"a": [1, "ü", None]},
}
PATH = "/somewhere"


def resource(row: Resource, number: int = 1, **parts: Any) -> dict[str, Any]:
    """Return a resource with every member that the registry knows."""
    return {
        "id": f"{row.prefix}{number:032x}",
        "type": row.type,
        "attributes": {each.name: SAMPLES[each.kind] for each in row.attributes},
        "relationships": {
            each.name: {
                "links": {"related": "https://x.test"},
                "data": [{"id": "XX1", "type": "x"}]
                if each.many
                else {"id": "XX2", "type": each.targets[0]},
            }
            for each in row.relations
        },
        "links": {"self": "https://x.test"},
        "meta": {each.name: SAMPLES[each.kind] for each in row.meta},
        **parts,
    }


def body_of(*items: Any, **more: Any) -> bytes:
    meta = {"pagination": {"current_page": 1, "total_pages": 1, "total_count": len(items)}}
    return json.dumps({"data": list(items), "meta": meta, **more}).encode()


def frame_of(row: Resource, page: Page, parent: str | None = None) -> pd.DataFrame:
    builder = FrameBuilder(row, parent)
    builder.add(page, (0,), "PA1" if parent else None)
    return builder.frame()


def both(row: Resource, body: bytes, decoder: Decoder | None = None) -> tuple[Any, Any]:
    """Return frame and totals, or the text of the error, for the typed and the plain decoder."""
    ways = (lambda: (decoder or Decoder(row))(body, PATH), lambda: plain_page(body, PATH, row.type))
    found: list[Any] = []
    for way in ways:
        try:
            page = way()
            found.append(
                (
                    frame_of(row, page),
                    page.total_count,
                    page.total_pages,
                    list(page.ids),
                    page.dates("created_at"),
                )
            )
        except IncompleteResult as error:
            found.append(str(error))
    return found[0], found[1]


def assert_same(row: Resource, body: bytes, decoder: Decoder | None = None) -> Any:
    typed, plain = both(row, body, decoder)
    assert isinstance(typed, str) == isinstance(plain, str), (typed, plain)
    if isinstance(plain, str):
        assert typed == plain
        return plain
    pd.testing.assert_frame_equal(typed[0], plain[0])
    assert typed[1:] == plain[1:]
    return plain[0]


every_row = pytest.mark.parametrize("row", RESOURCES.values(), ids=lambda row: row.type)


@every_row
def test_page_with_all_members_of_the_registry_is_decoded_into_columns(row: Resource) -> None:
    body = body_of(resource(row, 1), resource(row, 2))
    assert Decoder(row)(body, PATH).columns is not None
    frame = assert_same(row, body)
    assert len(frame) == 2


@every_row
def test_empty_pages_absent_parts_and_nulls_give_the_same_frame(row: Resource) -> None:
    bare = {"id": "XX1", "type": row.type}
    nothing = resource(
        row,
        3,
        attributes={each.name: None for each in row.columns},
        relationships={each.name: {"data": None} for each in row.to_one},
        meta=None,
    )
    assert_same(row, body_of())
    assert_same(
        row,
        body_of(
            bare,
            resource(row),
            nothing,
            {**bare, "id": "XX2", "attributes": {}, "relationships": None},
        ),
    )


@every_row
def test_unknown_members_are_kept(row: Resource) -> None:
    known = resource(row)
    unknown = resource(
        row,
        2,
        attributes={**known["attributes"], "new member": {"deep": 1}, "späte": "x", "class": [1]},
        relationships={
            **known["relationships"],
            "friend": {"data": {"id": "FR1", "type": "x"}},
            "many": {"data": []},
        },
        meta={**known["meta"], "score": 1.0},
    )
    decoder = Decoder(row)
    frame = assert_same(row, body_of(known, unknown), decoder)
    assert frame.loc[1, "new member"] == '{"deep":1}'
    assert frame.loc[1, "friend_id"] == "FR1"
    assert decoder(body_of(unknown), PATH).columns is not None
    assert "new member" not in assert_same(row, body_of(known), decoder).columns


@pytest.mark.parametrize(
    "which", ["one of each kind", pytest.param("all", marks=pytest.mark.thorough)]
)
@every_row
def test_values_of_the_wrong_type_give_the_same_error_or_text(row: Resource, which: str) -> None:
    columns = {each.name if which == "all" else each.kind: each for each in row.columns}
    for each in columns.values():
        for value in (5, 5.0, "x", True, {"a": 1}, [1], 2**70, -0.0):
            item = resource(row)
            item["attributes"][each.name] = value
            assert_same(row, body_of(item))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"data": null}',
        b'{"data": {}}',
        b'{"data": [1]}',
        b'{"data": [{}]}',
        b"\xff",
        b'{"data": [{"id": "", "type": "rules"}]}',
        b'{"data": [{"id": "RL1", "type": "hosts"}]}',
        b'{"data": [',
        b'{"data": [{"id": 5, "type": "rules"}]}',
        b'{"data": [{"type": "rules"}]}',
        b'{"errors": []}',
    ],
)
def test_malformed_page_gives_the_same_error(body: bytes) -> None:
    assert "did not answer with a list of rules" in assert_same(RESOURCES["rules"], body)


@pytest.mark.parametrize(
    "meta",
    [
        None,
        {},
        {"pagination": None},
        {"pagination": {}},
        {"pagination": {"total_count": "9"}},
        5,
        [],
        {"pagination": {"total_count": True, "total_pages": 1.5}},
        {"pagination": {"total_count": 3, "total_pages": 1}},
    ],
)
def test_malformed_totals_are_ignored_in_the_same_way(meta: Any) -> None:
    assert_same(RESOURCES["rules"], body_of(resource(RESOURCES["rules"]), meta=meta))


@pytest.mark.parametrize(
    "name", ["id", "extension_id", "property_id", "meta_x", "type", "entity_type", "f0", "a`b", ""]
)
def test_members_named_like_columns_give_the_same_frame(name: str) -> None:
    for kind in ("rule_components", "audit_events"):
        row = RESOURCES[kind]
        item = resource(row)
        item["attributes"][name] = "other"
        item["meta"]["x"] = "meta's"
        assert_same(row, body_of(item))


def test_extreme_numbers_and_texts_give_the_same_frame_or_error() -> None:
    row = RESOURCES["rules"]
    for text in (
        '"\\ud800"',
        "NaN",
        "1e999",
        "123456789012345678901234567890",
        "-0",
        "1.0",
        '"\\u0000"',
    ):
        for name in ("name", "revision_number", "unknown", "enabled"):
            attributes = f'{{"{name}": {text}}}'
            item = f'{{"id": "RL1", "type": "rules", "attributes": {attributes}}}'
            assert_same(row, f'{{"data": [{item}]}}'.encode())


_texts = st.text(max_size=8)
_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**66), 2**66)
    | st.floats(allow_nan=False)
    | _texts
    | st.just("2024-06-05T23:17:30.308Z"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_texts, inner, max_size=2),
    max_leaves=4,
)


def _members(names: list[str], values: Any) -> Any:
    return st.dictionaries(st.sampled_from([*names, "new", "id"]) | _texts, values, max_size=5)


def _documents(row: Resource) -> Any:
    link = (
        st.fixed_dictionaries(
            {"data": st.fixed_dictionaries({"id": _texts, "type": _texts}) | _values}
        )
        | _values
    )
    right = {each.name: st.just(SAMPLES[each.kind]) for each in row.columns}
    item = st.fixed_dictionaries(
        {"id": st.just("XX1") | st.just("XX2"), "type": st.just(row.type)},
        optional={
            "attributes": _members([each.name for each in row.attributes], _values)
            | st.fixed_dictionaries({}, optional=right)
            | _values,
            "relationships": _members([each.name for each in row.relations], link) | _values,
            "meta": _members([each.name for each in row.meta], _values) | _values,
            "links": _values,
        },
    )
    meta = _values | st.fixed_dictionaries(
        {"pagination": st.dictionaries(st.just("total_count"), _values)}
    )
    return st.fixed_dictionaries(
        {"data": st.lists(item, max_size=3)}, optional={"meta": meta, "links": _values}
    )


@given(st.data())
def test_any_document_gives_the_same_frame_or_error(data: Any) -> None:
    row = data.draw(
        st.sampled_from(
            [RESOURCES["rule_components"], RESOURCES["audit_events"], RESOURCES["properties"]]
        )
    )
    decoder = Decoder(row)
    for document in data.draw(st.lists(_documents(row), min_size=1, max_size=2)):
        assert_same(row, json.dumps(document).encode(), decoder)


def test_page_without_some_of_its_resources() -> None:
    row = RESOURCES["rules"]
    body = body_of(*(resource(row, number) for number in range(4)))
    for page in (Decoder(row)(body, PATH), plain_page(body, PATH, row.type)):
        less = page.without({0, 2})
        assert list(less.ids) == [page.ids[1], page.ids[3]]
        assert len(frame_of(row, less)) == 2
        assert len(less.dates("created_at")) == 2


def test_number_of_learned_members_is_limited() -> None:
    row = RESOURCES["rules"]
    decoder = Decoder(row)
    many = {f"new{number}": number for number in range(300)}
    frame = assert_same(row, body_of(resource(row, attributes=many)), decoder)
    assert frame.loc[0, "new299"] == "299"
