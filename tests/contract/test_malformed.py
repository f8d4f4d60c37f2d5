"""Malformed requests, operation by operation: refused as documented, and never a crash."""

import copy
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir
from typing import Any
from urllib.parse import quote
from zlib import crc32

import pandas as pd
import pytest
import requests

from adobe_nb.errors import AdobeError
from tests.contract.document import (
    JSON_API,
    about,
    documented,
    members,
    needs_the_document,
    parameters,
    request_schema,
    schema_of,
    violations,
)
from tests.contract.operations import EXCUSED, OPERATIONS, Operation
from tests.contract.places import Full
from tests.contract.recording import matcher, recorded, scope

hypothesis = pytest.importorskip("hypothesis")
st = pytest.importorskip("hypothesis.strategies")

pytestmark = needs_the_document
OFFERED_OR_NOT = [*OPERATIONS, *EXCUSED]
"""Every operation of the file, and the others."""
WITH_BODY = [
    each for each in OFFERED_OR_NOT if each[0] in {"POST", "PATCH"} or "/relationships/" in each[1]
]
WITH_BODY = [each for each in WITH_BODY if each[0] != "GET"]
WITH_ID = [each for each in OFFERED_OR_NOT if "{" in each[1]]
READS = [each for each in OFFERED_OR_NOT if each[0] == "GET"]
NAMES = {
    "COMPANY_ID": "company",
    "PROPERTY_ID": "property",
    "CONFIG_ID": "app_configuration",
    "CALLBACK_ID": "callback",
    "DATA_ELEMENT_ID": "data_element",
    "ENVIRONMENT_ID": "environment",
    "SECRET_ID": "secret",
    "EXTENSION_PACKAGE_ID": "extension_package",
    "ID": "authorization",
    "EXTENSION_PACKAGE_USAGE_AUTHORIZATION_ID": "authorization",
    "EXTENSION_ID": "extension",
    "HOST_ID": "host",
    "LIBRARY_ID": "library",
    "BUILD_ID": "build",
    "RULE_ID": "rule",
    "RULE_COMPONENT_ID": "rule_component",
    "NOTE_ID": "note",
    "EVENT_ID": "audit_event",
}
BODIES = {
    ("POST", "/search"): {
        "data": {
            "from": 0,
            "size": 5,
            "query": {"attributes.name": {"value": "Checkout", "value_operator": "AND"}},
            "sort": [{"attributes.name": "asc"}],
            "resource_types": ["rules"],
        }
    },
    ("POST", "/rules/{RULE_ID}/rule_components"): {
        "data": {"type": "rule_components", "attributes": {"name": "Loaded"}, "relationships": {}}
    },
    ("POST", "/extension_packages"): {"data": {"type": "extension_packages", "attributes": {}}},
    ("POST", "/extension_packages/{EXTENSION_PACKAGE_ID}"): {
        "data": {"type": "extension_packages", "attributes": {}}
    },
    ("POST", "/libraries/{LIBRARY_ID}/relationships/environment"): {
        "data": {"type": "environments", "id": "EN"}
    },
    ("POST", "/libraries/{LIBRARY_ID}/builds"): {"data": {"type": "builds"}},
    ("DELETE", "/libraries/{LIBRARY_ID}/relationships/environment"): {"data": None},
}
"""Valid bodies to start from, where the client does not show one."""
DEEP: Any = "deep"
for _ in range(300):
    DEEP = [DEEP]
WRONG = (
    None,
    True,
    0,
    -1,
    10**40,
    1.5,
    1e300,
    "",
    "x" * 3000,
    "\x00",
    "\ud800",
    "%s",
    "null",
    [],
    [[]],
    [None],
    {},
    DEEP,
    {"": ""},
    {"id": 1},
    {"data": {"data": {}}},
    {"id": [], "type": {}},
    "RL" + "0" * 32,
)
IDS = (
    "0",
    "x",
    "null",
    "RL",
    "RL" + "0" * 31,
    "RL" + "0" * 33,
    "RL" + "G" * 32,
    "rl" + "0" * 32,
    "PR" + "0" * 32,
    "XX" + "0" * 32,
    "é",
    "a b",
    "%",
    "\x00",
    "'",
    "{}",
    "*",
    "x" * 3000,
    "RL" + "0" * 32 + "\n",
    "relationships",
)
RAW = (
    b"",
    b"{",
    b"null",
    b"[]",
    b"1",
    b'"x"',
    b"\xff\xfe",
    b'{"data":NaN}',
    b"[" * 2000,
    b'{"data":' * 200,
    b"\x00",
    b"PK\x05\x06",
    b"a=b&c",
    b"%",
)
TYPES = (JSON_API, "application/json", "text/plain", "application/x-www-form-urlencoded", "/", "")
FORMS = [
    each
    for each in WITH_BODY
    if each[1].startswith("/extension_packages") and each[1].count("/") < 3
]
PART = b'--x\r\nContent-Disposition: form-data; name="%s"; filename="a.zip"\r\n\r\n%s\r\n--x--\r\n'


def tries(
    operation: Operation, *strategies: Any
) -> Callable[[Callable[..., None]], Callable[[], None]]:
    """Run a test with several values, which differ by operation but not between runs."""
    settings = hypothesis.settings(
        derandomize=True,
        database=None,
        deadline=None,
        max_examples=4,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    seed = hypothesis.seed(crc32(" ".join(operation).encode()))
    return lambda test: settings(seed(hypothesis.given(*strategies)(test)))


def filled(text: str) -> str:
    """Replace the placeholders of a dry run with ids: the named ones, if they name one."""

    def an_id(placeholder: re.Match[str]) -> str:
        named = re.search("[A-Z]{2}[0-9a-f]{32}", placeholder[0])
        return named[0] if named else "CO" + "0" * 32

    return re.sub(r"\{id of [^{}]*\}", an_id, text)


class Wire:
    """Sends arbitrary signed requests; has valid ids and bodies to start from."""

    def __init__(self, full: Full, base: str, headers: Mapping[str, str]) -> None:
        self.base = base
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers.update(headers)
        self._full = full
        self.ids = {name: self._id(getattr(full, attribute)) for name, attribute in NAMES.items()}
        self.forwarding = self._id(full.edge.property)
        self.bodies = {operation: list(self._bodies(operation)) for operation in WITH_BODY}

    @staticmethod
    def _id(frame: pd.DataFrame) -> str:
        return str(frame["id"].iloc[0])

    def _bodies(self, operation: Operation) -> Iterator[Any]:
        """Yield the bodies that the client would send, from dry runs."""
        if operation in BODIES:
            yield BODIES[operation]
            return
        is_it = matcher(operation[1])
        for call in OPERATIONS[operation]:
            if ".upload(" in call or ".upgrade(" in call:
                continue
            try:
                frame = eval(
                    call.removesuffix(")") + ", dry_run=True)",
                    scope(call, self._full, prepare=False),
                )
            except AdobeError:
                continue
            for row in frame.itertuples():
                if (
                    row.method == operation[0]
                    and is_it(filled(row.url.removeprefix(self.base)))
                    and row.body
                ):
                    yield json.loads(filled(row.body))

    def path(self, operation: Operation, **ids: str) -> str:
        known = {
            **self.ids,
            **({"PROPERTY_ID": self.forwarding} if operation[1].endswith("/secrets") else {}),
            **ids,
        }
        return re.sub(r"\{(\w+)\}", lambda match: quote(known[match[1]], safe=""), operation[1])

    def send(self, method: str, path: str, **more: Any) -> requests.Response:
        return self._session.request(
            method, self.base + path, timeout=60, allow_redirects=False, **more
        )

    def close(self) -> None:
        self._session.close()


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    with recorded() as (simulator, session, _):
        details = simulator.connection()
        headers = {
            "Authorization": f"Bearer {details['access_token']}",
            "x-api-key": details["client_id"],
            "x-gw-ims-org-id": details["org_id"],
            "Accept": f"{JSON_API};revision=1",
        }
        with chdir(tmp_path_factory.mktemp("malformed")):  # A zip is written here.
            wire = Wire(Full(session), simulator.reactor_url, headers)
        yield wire
        wire.close()


def check(answer: requests.Response) -> None:
    """Check that there was no crash, and that an error is as documented."""
    about_it = (
        f"{answer.request.method} {answer.request.path_url[:200]} {answer.request.body!r:.300}"
    )
    assert answer.status_code < 500, about_it
    if not answer.content:
        assert answer.status_code in {200, 204}, about_it
        assert "Content-Type" not in answer.headers, about_it
        return
    assert answer.headers["Content-Type"] == JSON_API, about_it
    document = answer.json()
    if answer.status_code < 400:
        assert "data" in document, about_it
        return
    assert document.keys() == {"errors"}, about_it
    assert document["errors"], about_it
    for error in document["errors"]:
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", error["id"]), about_it
        assert error["status"] == str(answer.status_code), about_it
        assert re.fullmatch(r"[a-z]+([-_][a-z]+)*", error["code"]), about_it
        assert isinstance(error["title"], str), about_it
        assert error["title"], about_it
        assert isinstance(error.get("detail", ""), str), about_it
        assert re.fullmatch(r"[0-9a-f]{32}", error["meta"]["request_id"]), about_it
        assert error.get("source", {"pointer": "/"})["pointer"].startswith("/"), about_it


def spots(
    value: Any, schema: Mapping[str, Any], path: tuple[str | int, ...] = ()
) -> Iterator[tuple[str | int, ...]]:
    """Yield the paths in a body that can be broken: existing and documented ones."""
    yield path
    known = members([schema]) if schema else {}
    if isinstance(value, dict):
        for name in dict.fromkeys([*value, *known]):
            yield from spots(value.get(name), _joined(known.get(name, [])), (*path, name))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from spots(each, schema.get("items", {}), (*path, index))


def _joined(schemas: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    return {"allOf": schemas} if schemas else {}


def spoil(body: Any, path: tuple[str | int, ...], how: str, wrong: Any) -> Any:
    """Return the body with one member wrong, missing, or a level too deep."""
    if not path:
        return wrong if how != "nested" else {"data": body}
    body = copy.deepcopy(body)
    place = body
    for part in path[:-1]:
        if isinstance(place, dict) and not isinstance(place.get(part), (dict, list)):
            place[part] = {}
        place = place[part]
    last = path[-1]
    if how == "missing":
        if isinstance(place, dict):
            place.pop(last, None)
        else:
            del place[int(last)]
    elif how == "nested":
        inner = place.get(last) if isinstance(place, dict) else place[int(last)]
        place[last] = {"data": inner} if isinstance(inner, list) else [inner]
    else:
        place[last] = wrong
    return body


@pytest.mark.parametrize("operation", WITH_BODY, ids=" ".join)
def test_body_that_violates_the_schema_does_not_crash(operation: Operation, wire: Wire) -> None:
    address = request_schema(operation)
    schema = schema_of(address) if address else {}
    bodies = wire.bodies[operation]
    assert bodies
    path = wire.path(operation)
    broken = 0

    @tries(operation, st.data())
    def spoilt(data: Any) -> None:
        nonlocal broken
        body = data.draw(st.sampled_from(bodies))
        for _ in range(data.draw(st.integers(1, 3))):
            where = data.draw(st.sampled_from(sorted(set(spots(body, schema)), key=str)))
            how = data.draw(st.sampled_from(("wrong", "wrong", "missing", "nested")))
            wrong = data.draw(st.sampled_from(WRONG) | st.text(max_size=20))
            body = spoil(body, where, how, wrong)
        broken += bool(address and violations(body, address, "request"))
        content = json.dumps(body).encode()
        check(wire.send(operation[0], path, data=content, headers={"Content-Type": JSON_API}))

    spoilt()
    assert broken or address is None


@pytest.mark.parametrize("operation", WITH_BODY, ids=" ".join)
def test_body_that_is_not_json_does_not_crash(operation: Operation, wire: Wire) -> None:
    path = wire.path(operation)

    @tries(operation, st.sampled_from(RAW) | st.binary(max_size=30), st.sampled_from(TYPES))
    def sent(content: bytes, kind: str) -> None:
        check(
            wire.send(
                operation[0], path, data=content, headers={"Content-Type": kind} if kind else {}
            )
        )

    sent()


@pytest.mark.parametrize("operation", FORMS, ids=" ".join)
def test_form_without_package_does_not_crash(operation: Operation, wire: Wire) -> None:
    path = wire.path(operation)

    @tries(operation, st.sampled_from((b"package", b"zip", b"package[]")), st.binary(max_size=30))
    def sent(name: bytes, content: bytes) -> None:
        kind = {"Content-Type": "multipart/form-data; boundary=x"}
        check(wire.send(operation[0], path, data=PART % (name, content), headers=kind))

    sent()


@pytest.mark.parametrize(
    "content", [b"", b"--x", PART % (b"", b"")], ids=["empty", "torn", "without a name"]
)
@pytest.mark.parametrize("operation", FORMS, ids=" ".join)
def test_unreadable_form_does_not_crash(operation: Operation, content: bytes, wire: Wire) -> None:
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    check(wire.send(operation[0], wire.path(operation), data=content, headers=kind))


@pytest.mark.parametrize("operation", WITH_ID, ids=" ".join)
def test_invalid_id_is_refused(operation: Operation, wire: Wire) -> None:
    names = re.findall(r"\{(\w+)\}", operation[1])
    bodies = wire.bodies.get(operation) or [None]

    @tries(
        operation,
        st.sampled_from(IDS)
        | st.text(min_size=1, max_size=20).filter(lambda text: text.strip(".")),
    )
    def asked(identifier: str) -> None:
        path = wire.path(
            operation, **dict.fromkeys(names, identifier.encode("utf-8", "ignore").decode() or "x")
        )
        more = (
            {"data": json.dumps(bodies[0]), "headers": {"Content-Type": JSON_API}}
            if bodies[0]
            else {}
        )
        answer = wire.send(operation[0], path, **more)
        check(answer)
        assert answer.status_code in {404, 405}

    asked()


@pytest.mark.parametrize("operation", READS, ids=" ".join)
def test_meaningless_query_does_not_crash(operation: Operation, wire: Wire) -> None:
    named = [each["name"] for each in parameters(operation, "query")]
    filters = [f"filter[{name}]" for name in (*named, "nothing", "")]
    path = wire.path(operation)
    usual = wire.send("GET", path).status_code
    names = [
        *named,
        *filters,
        "page[size]",
        "page[number]",
        "page",
        "sort",
        "filter",
        "include",
        "max_availability",
    ]
    values = (
        "",
        " ",
        "EQ",
        "EQ ",
        "GT x",
        "LT 2026-99-99",
        "BETWEEN 1",
        "BETWEEN 1,2,3",
        "CONTAINS %%%_",
        "-1",
        "0",
        "1e9",
        "9" * 400,
        "\x00",
        "--name",
        "-,+,",
        "'",
        "[]",
        "NOT " + "a," * 300,
        "EQ \ud7ff",
    )

    @tries(
        operation,
        st.lists(
            st.tuples(st.sampled_from(names), st.sampled_from(values) | st.text(max_size=20)),
            max_size=4,
        ),
    )
    def asked(query: list[tuple[str, str]]) -> None:
        answer = wire.send("GET", path, params=query)
        check(answer)
        assert answer.status_code == usual  # FACTS 4: malformed parameters are ignored.

    asked()


def test_every_operation_of_the_file_is_tested() -> None:
    assert [each for each in documented() if each not in OFFERED_OR_NOT] == []
    with_body = [each for each in documented() if "requestBody" in (about(each) or {})]
    assert [each for each in with_body if each not in WITH_BODY] == []
