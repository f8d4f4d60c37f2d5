"""Random requests: each gets a response of the documented shape, and a refusal changes nothing."""

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adobe_nb.registry import RESOURCES
from adobe_nb.simulator.messages import JSON_API, Request, Response
from tests.support.caller import ACCEPT, COMPANY, SCRIPT, Caller, form, made, samples, site, zipped

ACCOUNTS = ("demo", "demo", "demo", "developer", "reader", "no_company", "no_profile")
MANIFEST = {
    "name": "lamp",
    "displayName": "Lamp",
    "version": "1.0.0",
    "platform": "web",
    "viewBasePath": "views",
    "actions": [
        {
            "name": "shine",
            "libPath": "a.js",
            "viewPath": "a.html",
            "schema": {
                "type": "object",
                "properties": {"level": {"type": "integer", "minimum": 1}},
            },
            "transforms": [{"type": "file", "propertyPath": "source"}],
        }
    ],
    "configuration": {
        "viewPath": "a.html",
        "schema": {"$schema": "http://json-schema.org/draft-04/schema#"},
    },
    "hostedLibFiles": ["a.js"],
    "main": "a.js",
}
FILES = {"a.js": "", "views/a.html": ""}


class World:
    """A simulator with a resource of every type, and valid requests to it."""

    def __init__(self) -> None:
        self.api = api = Caller()
        here = site(api)
        self.ids: dict[str, list[str]] = {}
        self.before = ""
        wanted = samples(api, here)
        made_of = {
            kind: made(api.post(sample.parent, sample.data())) for kind, sample in wanted.items()
        }
        revision, library = api.revise("rules", made_of["rules"]), made_of["libraries"]
        api.put(library, "rules", revision)
        api.assign(library, here.development)
        build = made(api.build(library))
        package = made(api.upload(zipped(FILES, **MANIFEST)), 202)
        api.wait()
        api.act(f"/extension_packages/{package}", "release_private")
        grants = f"/extension_packages/{package}/extension_package_usage_authorizations"
        grant = {"attributes": {"authorized_org_id": "A" * 24 + "@AdobeOrg"}}
        given = made(api.post(grants, grant))
        linked = f"/libraries/{library}/relationships"
        link = [
            {"id": revision, "type": "rules"},
            {"id": made_of["rules"], "type": "rules", "meta": {"action": "revise"}},
        ]
        search = {
            "from": 0,
            "size": 5,
            "query": {"attributes.name": {"value": "x"}},
            "sort": [{"attributes.name": "asc"}],
        }
        self.valid: list[tuple[str, str, Any]] = [
            *(("POST", sample.parent, sample.data()) for sample in wanted.values()),
            *(
                (
                    "PATCH",
                    f"/{kind}/{made_of[kind]}",
                    sample.data() | {"attributes": sample.attributes | sample.change},
                )
                for kind, sample in wanted.items()
            ),
            *(
                (
                    "PATCH",
                    f"/{kind}/{identifier}",
                    {"id": identifier, "type": kind, "meta": {"action": action}},
                )
                for kind, identifier in {
                    **made_of,
                    "builds": build,
                    "extension_packages": package,
                }.items()
                for action in RESOURCES[kind].actions
            ),
            *((method, f"{linked}/rules", link) for method in ("POST", "PATCH", "DELETE")),
            *(
                (method, f"{linked}/environment", {"id": here.development, "type": "environments"})
                for method in ("POST", "PATCH", "DELETE")
            ),
            ("POST", f"/libraries/{library}/builds", None),
            (
                "POST",
                f"/properties/{here.place}/libraries",
                {
                    "attributes": {"name": "x"},
                    "relationships": {"rules": {"data": link[:1]}, "environment": {"data": None}},
                },
            ),
            ("POST", "/search", search),
            ("PATCH", f"/extension_packages/{package}", {"attributes": {"discontinued": True}}),
            ("POST", grants, {"attributes": {"authorized_org_id": "B" * 24 + "@AdobeOrg"}}),
            (
                "PATCH",
                f"/extension_package_usage_authorizations/{given}",
                {"attributes": {"state": "approved"}},
            ),
            (
                "POST",
                f"/properties/{here.place}/data_elements",
                {
                    "attributes": {**SCRIPT, "default_value": {"deep": [1]}},
                    "relationships": {
                        "extension": {"data": {"id": here.core, "type": "extensions"}}
                    },
                },
            ),
        ]
        for kind in RESOURCES:
            self.ids[kind] = [record.id for record in api.store.all(kind)]

    def digest(self) -> str:
        """Return the whole state as text."""
        store = self.api.store
        records = [repr(record) for kind in RESOURCES for record in store.all(kind)]
        lists = [(key, list(value)) for key, value in sorted(store._lists.items()) if value]
        return "\n".join([*records, repr(lists)])

    def send(self, shot: "Shot") -> Response:
        headers = self.api.headers(shot.account, shot.content_type)
        headers |= dict(shot.headers)
        return self.api.app(Request(shot.method, shot.path, shot.query, headers, shot.body))

    def check(self, shot: "Shot") -> None:
        """Check the response, and that a refused request changed nothing."""
        before, answer = self.before or self.digest(), self.send(shot)
        well_formed(answer)
        self.before = self.digest()
        if answer.status >= 400 or shot.method == "GET":
            assert self.before == before, f"{answer.status} changed something"

    def still_readable(self) -> None:
        """Check that accepted resources can be shown, listed, sorted and found."""
        self.api.wait()
        for kind, row in RESOURCES.items():
            for record in self.api.store.all(kind):
                well_formed(self.send(Shot("GET", f"/{kind}/{record.id}")))
            for parent in row.parents:
                for record in self.api.store.all(parent)[:2]:
                    for name in row.sortable:
                        query = (
                            ("sort", f"-{name}"),
                            (f"filter[{name}]", "CONTAINS a%_"),
                            ("page[size]", "100"),
                        )
                        well_formed(
                            self.send(Shot("GET", f"/{parent}/{record.id}/{kind}", query)), 200
                        )
        found = {"data": {"query": {"attributes.*": {"value": "a"}}}}
        well_formed(self.send(Shot("POST", "/search", body=json.dumps(found).encode())), 200)


@dataclass(frozen=True)
class Shot:
    """One request."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    content_type: str = JSON_API
    account: str = "demo"
    headers: tuple[tuple[str, str], ...] = ()


def well_formed(answer: Response, status: int | None = None) -> None:
    """Check that a response is documented: strict JSON, and errors with all their members."""
    assert answer.status < 500, answer
    assert status in {None, answer.status}, answer.body
    if not answer.body:
        assert (answer.content_type, answer.status) in {("", 200), ("", 204)}
        return
    document = json.loads(answer.body.decode(), parse_constant=refuse)
    if answer.status < 400:
        assert answer.content_type == JSON_API
        assert "data" in document
    elif "error_code" in document:
        assert answer.content_type == "application/json"
        assert set(document) == {"error_code", "message"}
        assert document["error_code"].startswith(str(answer.status))
    else:
        assert answer.content_type == JSON_API
        (error,) = document["errors"]
        assert set(error) - {"source"} == {"id", "status", "code", "title", "detail", "meta"}
        assert error["status"] == str(answer.status)
        assert len(error["meta"]["request_id"]) == 32
        assert all(
            isinstance(error[name], str) and error[name]
            for name in ("id", "code", "title", "detail")
        )
        assert error.get("source", {"pointer": ""})["pointer"].startswith(("/", ""))


def refuse(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


@cache
def first() -> World:
    return World()


def another() -> World:
    """Return a new world."""
    world = deepcopy(first())
    world.api.store.clock = lambda: world.api.now
    return world


# -- requests
#
# Hypothesis provides only the random generator; drawing requests in plain Python is a hundred
# times faster.

TEXTS = (
    "",
    "x",
    "%",
    "%%%%_",
    "{}",
    "[]",
    "null",
    "true",
    "é",
    "\0",
    "\ud800",
    "\udfff\ud800",
    "\u0661",
    "\u00b2",
    "-1",
    "1e999",
    "9" * 5000,
    "x" * 100_000,
    "..",
    "http://[",
    "https://x.invalid",
    "core::events::",
    "::::",
    "2024-01-01",
    "9999-99-99",
    "0001-01-01T00:00:00+14:00",
    '{"path":NaN}',
    '{"path":"\\ud800"}',
    "[" * 5000,
    '{"path":1e999}',
    "revise",
    "rules",
)
VALUES = (
    None,
    True,
    False,
    0,
    -1,
    5,
    1.5,
    2**63,
    10**30,
    -(10**400),
    1e308,
    float("nan"),
    float("inf"),
    float("-inf"),
    [],
    {},
    [None],
    [[]],
    [{}],
    [5],
    ["x"],
    {"x": None},
    {"data": None},
    {"data": []},
    {"data": {}},
    {"id": 5},
    {"id": [], "type": {}},
    {"action": []},
    {"action": {}},
    {"action": "revise"},
    {"meta": {"action": []}},
    {"": ""},
    {"$ref": "#"},
    {"type": ["x"]},
)
TELLING = (
    None,
    True,
    -1,
    1.5,
    10**30,
    float("nan"),
    float("inf"),
    [],
    {},
    [[]],
    {"action": []},
    {"data": {}},
    "",
    "x",
    "\0",
    "\ud800",
    "http://[",
)
"""The few of them that are tried for every member."""
METHODS = (
    "GET",
    "POST",
    "PATCH",
    "DELETE",
    "POST",
    "PATCH",
    "DELETE",
    "PUT",
    "HEAD",
    "OPTIONS",
    "",
    "get",
)
FORM = "multipart/form-data"
CONTENT_TYPES = (
    JSON_API,
    JSON_API,
    JSON_API,
    "application/json",
    "",
    "text/plain",
    FORM,
    f"{FORM}; boundary=edge",
    f"{FORM}; boundary=",
    f'{FORM}; boundary="\0"',
    "APPLICATION/JSON; charset=utf-16",
    ";",
    "é",
)
WORDS = (
    "relationships",
    "revisions",
    "versions",
    "rule_component_notes",
    "environment",
    "profile",
    "heartbeat",
    "search",
    "..",
    "",
    "\ud800",
    "é",
    "x" * 10_000,
)
SPOILT = (b"\xff", b"\xed\xa0\x80", b",", b"NaN", b"\0", b'"', b"{", b"\\ud800", b"1e999")
DEPTHS = (50, 90, 99, 101, 400, 900, 5000)
_DEEP = "a place that is nested deep"


def value(dice: Random) -> Any:
    return dice.choice((*VALUES, *TEXTS, _DEEP))


def mutated(dice: Random, data: Any) -> Any:
    """Return the data with one member changed, removed or extended."""
    if not isinstance(data, (dict, list)) or not data or dice.random() < 0.15:
        return value(dice)
    if isinstance(data, list):
        at = dice.randrange(len(data))
        return [*data[:at], mutated(dice, data[at]), *data[at + dice.randrange(2) :]]
    name = dice.choice(sorted(data))
    kept = {key: member for key, member in data.items() if key != name}
    how = dice.random()
    if how < 0.1:
        return kept
    if how < 0.2:
        return data | {dice.choice(("meta", "action", "attributes", *TEXTS)): value(dice)}
    return kept | {name: mutated(dice, data[name])}


def text_of(dice: Random, data: Any) -> bytes:
    """Return JSON, with deep nesting as text: Python's encoder would refuse it."""
    text = json.dumps(data).encode()
    for start, end in ((b"[", b"]"), (b'{"x":', b"}")):
        depth = dice.choice(DEPTHS)
        text = text.replace(b'"' + _DEEP.encode() + b'"', start * depth + b"1" + end * depth, 1)
    return text


def body(dice: Random, data: Any) -> bytes:
    """Return a document with the data: valid, mutated, or broken as text."""
    how = dice.randrange(12)
    text = text_of(dice, {"data": data if how < 2 else mutated(dice, data)})
    if how == 2:
        return text_of(dice, value(dice))
    if how == 3:
        at = dice.randrange(len(text) + 1)
        return text[:at] + dice.choice(SPOILT) + text[at:]
    if how == 4:
        return dice.choice(
            (text.decode().encode("utf-16"), b"\xef\xbb\xbf" + text, text[: len(text) // 2], b"")
        )
    if how == 5:
        return b'{"data":{},' + text[1:]
    return text


def path(dice: Random, world: World) -> str:
    """Return a path of known parts in any order, with ids of any type."""
    kind = dice.choice(tuple(RESOURCES))
    parts = [
        kind,
        dice.choice(world.ids[kind] or ["x"]),
        dice.choice((*RESOURCES, *WORDS)),
        dice.choice((*RESOURCES, *WORDS)),
    ]
    if dice.random() < 0.3:
        dice.shuffle(parts)
    return "/" + "/".join(parts[: dice.randrange(6)])


def query(dice: Random) -> tuple[tuple[str, str], ...]:
    row = RESOURCES[dice.choice(tuple(RESOURCES))]
    names = ("name", "created_at", "revision_number", *row.filters, *row.sortable)
    operators = ("EQ", "NOT", "LT", "GT", "BETWEEN", "CONTAINS", "LIKE", "", "eq")
    bounds = ",".join(dice.choices(TEXTS, k=dice.randrange(4)))
    return tuple(
        dice.choice(
            (
                (f"filter[{dice.choice(names)}]", f"{dice.choice(operators)} {bounds}"),
                (
                    "sort",
                    ",".join(
                        dice.choice(("", "-", "+")) + dice.choice((*names, *TEXTS))
                        for _ in range(2)
                    ),
                ),
                (dice.choice(("page[size]", "page[number]")), dice.choice(TEXTS)),
                (
                    dice.choice(("max_availability", "filter[", *TEXTS)),
                    dice.choice(("private", *TEXTS)),
                ),
            )
        )
        for _ in range(dice.randrange(4))
    )


def cut(dice: Random, data: bytes, where: slice = slice(None)) -> bytes:
    """Return the bytes with some of them changed, removed or added."""
    at = dice.randrange(*where.indices(len(data)))
    return data[:at] + dice.randbytes(dice.randrange(4)) + data[at + dice.randrange(4) :]


# -- the tests

DICE = st.randoms(use_true_random=True)


def places(data: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path to every member of the data."""
    yield at
    for key, inner in (
        data.items()
        if isinstance(data, dict)
        else enumerate(data)
        if isinstance(data, list)
        else ()
    ):
        yield from places(inner, (*at, key))


def with_place(data: Any, at: tuple[Any, ...], new: Any) -> Any:
    """Return the data with another value at the path."""
    if not at:
        return new
    copy = dict(data) if isinstance(data, dict) else list(data)
    copy[at[0]] = with_place(data[at[0]], at[1:], new)
    return copy


@pytest.mark.parametrize("step", [5, pytest.param(1, marks=pytest.mark.thorough)])
def test_any_value_anywhere_in_a_document_is_accepted_or_refused(step: int) -> None:
    """A thorough run tries every member of every document, others every fifth of every fifth."""
    for method, path, right in first().valid[::step]:
        world = another()
        for place in list(places(right))[::step]:
            before = world.digest()
            for new in TELLING:
                sent = json.dumps({"data": with_place(right, place, new)}).encode()
                answer = world.send(Shot(method, path, body=sent))
                well_formed(answer)
                before = world.digest() if answer.status < 400 else before
            assert world.digest() == before, (method, path, place)
        world.still_readable()


@given(dice=DICE)
def test_nearly_valid_document_is_accepted_or_refused(dice: Random) -> None:
    world = another()
    for _ in range(40):
        method, path, right = dice.choice(world.valid)
        kind = dice.choice(CONTENT_TYPES) if dice.random() < 0.1 else JSON_API
        world.check(Shot(method, path, (), body(dice, right), kind, dice.choice(ACCOUNTS)))
    world.still_readable()


@given(dice=DICE)
def test_any_path_is_answered(dice: Random) -> None:
    world = another()
    for _ in range(40):
        sent = body(dice, dice.choice(world.valid)[2])
        account, kind = dice.choice(ACCOUNTS), dice.choice(CONTENT_TYPES)
        world.check(Shot(dice.choice(METHODS), path(dice, world), query(dice), sent, kind, account))


@given(dice=DICE)
def test_any_filter_sort_and_page_is_answered(dice: Random) -> None:
    world = another()
    rows = [(row, parent) for row in RESOURCES.values() for parent in row.parents]
    lists = [f"/{parent}/{world.ids[parent][0]}/{row.type}" for row, parent in rows]
    for path in [*lists, "/audit_events", "/extension_packages"]:
        for _ in range(3):
            well_formed(world.send(Shot("GET", path, query(dice))), 200)


@given(dice=DICE)
def test_any_upload_succeeds_or_fails(dice: Random) -> None:
    world = another()
    manifest = MANIFEST | {"name": "torch"}
    for _ in range(10):
        how = dice.randrange(4)
        changed = mutated(dice, manifest) if how else manifest
        packed = zipped({"extension.json": text_of(dice, changed), **FILES})
        sent = form(cut(dice, packed) if how == 1 else packed)
        sent = cut(dice, sent, slice(0, 95)) if how == 2 else sent
        world.check(Shot("POST", "/extension_packages", (), sent, f"{FORM}; boundary=edge"))
    world.still_readable()
    for record in world.api.store.all("extension_packages"):
        assert record.attributes["status"] in {"succeeded", "failed"}


@given(dice=DICE)
def test_any_settings_are_checked_against_any_schema(dice: Random) -> None:
    world = another()
    api, schema = world.api, MANIFEST["actions"][0]["schema"]
    place = api.property("Trial", development=True)
    for number in range(8):
        text = text_of(dice, mutated(dice, schema))
        try:
            action = {**MANIFEST["actions"][0], "schema": json.loads(text)}
        except (
            RecursionError
        ):  # Too deep for this test to read; such manifests are sent as texts above.
            continue
        manifest = MANIFEST | {
            "name": f"torch-{number}",
            "actions": [action],
            "configuration": None,
        }
        package = api.upload(zipped(FILES, **manifest)).id
        api.wait()
        if api.attributes(f"/extension_packages/{package}")["status"] == "succeeded":
            rule, installed = api.rule(place), made(api.install(place, package))
            shine = {"delegate_descriptor_id": f"torch-{number}::actions::shine"}
            answer = api.component(
                place, rule, installed, **shine, settings=json.dumps({"level": value(dice)})
            )
            assert answer.status in {201, 409}, answer.body


@given(dice=DICE)
def test_any_header_is_answered(dice: Random) -> None:
    world = another()
    names = ("authorization", "x-api-key", "x-gw-ims-org-id", "accept", "content-type")
    for _ in range(20):
        words = (
            "Bearer ",
            "Bearer a.b.c",
            "Bearer ..",
            "Basic x",
            ACCEPT,
            dice.randbytes(9).decode("latin-1"),
            "",
        )
        headers = tuple((name, dice.choice(words)) for name in dice.choices(names, k=2))
        world.check(Shot(dice.choice(METHODS), f"/companies/{COMPANY}", headers=headers))
