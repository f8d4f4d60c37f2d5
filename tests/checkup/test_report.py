"""The report for the maintainers: every deviation is reported, and no value is in it."""

import itertools
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import adobe_nb
from adobe_nb.checkup import report
from adobe_nb.checkup.reader import MOST_REQUESTS
from adobe_nb.simulator.server import Simulator
from tests.conftest import SIGN_IN_VALUES, started
from tests.support.deviating import JSON_API, Exchange, in_front_of
from tests.support.stub import Answer, Got, Stub, stub

Deviations = list[tuple[str, str, str]]


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    simulator = started()
    yield simulator
    simulator.stop()


def env_file(folder: Path, simulator: Simulator, **changes: str) -> Path:
    details = {**simulator.connection(), **changes}
    lines = [f"ADOBE_{name.upper()}={details[name]}" for name in SIGN_IN_VALUES]
    path = folder / "account.env"
    path.write_text("\n".join(lines))
    path.chmod(0o600)
    return path


def report_of(frame: pd.DataFrame) -> pd.Series:
    return frame.set_index("check").loc["report"]


def test_simulator_passes_its_own_doctor(simulator: Simulator, tmp_path: Path) -> None:
    before = len(simulator.requests)
    file = tmp_path / "report.json"
    frame = adobe_nb.doctor(env_file=env_file(tmp_path, simulator), report=file)
    written = json.loads(file.read_text())
    assert written["deviations"] == []
    assert written["not_seen"] == []
    assert set(frame["status"]) == {"ok"}
    assert not [probe for probe in written["behavior"] if probe["observed"].startswith("not seen")]
    sent = list(simulator.requests)[before:]
    writes = [request for request in sent if request.method != "GET"]
    assert {request.path for request in writes} == {"/ims/token/v3", "/search"}
    assert 0 < written["requests"]["sent"] <= written["requests"]["at most"] == MOST_REQUESTS
    assert sum(written["statuses"].values()) == written["requests"]["sent"]


# -- deviations


def _before(exchange: Exchange) -> None:
    query = exchange.query
    if query.get("filter[created_at]", "").startswith("GT"):
        del query["filter[created_at]"]
    if query.get("filter[name]", "").startswith("CONTAINS"):
        query["filter[name]"] = "EQ nothing"


def _after(exchange: Exchange) -> None:
    for resource in exchange.resources:
        change = _CHANGES.get(resource["type"])
        # An identifier of a relationship has no attributes.
        if change is not None and "attributes" in resource:
            change(resource)
    _change_list(exchange)
    _change_refusal(exchange)
    exchange.headers["X-RateLimit-Remaining"] = "17"
    if exchange.path == "/profile":
        exchange.headers["Content-Type"] = "application/json"
    if exchange.path == "/search":
        del exchange.document["meta"]


def _change_list(exchange: Exchange) -> None:
    query, document = exchange.query, exchange.document
    if query.get("page[size]") == "101":
        document["data"].append(document["data"][-1])
    if exchange.path == "/audit_events" and not query:
        document["data"] = document["data"][:20]
    if exchange.path == "/extension_packages":
        document["data"].reverse()
    if query.get("sort") == "-created_at":
        document["data"].reverse()
    if exchange.path.endswith("/hosts"):
        document.pop("meta", None)
    if exchange.path.endswith("/callbacks"):
        pagination = document["meta"]["pagination"]
        pagination["total_count"] = str(pagination["total_count"])
    if exchange.path.startswith("/properties/") and exchange.path.endswith("/extensions"):
        document["data"][0]["attributes"]["revision_number"] = 3


def _change_refusal(exchange: Exchange) -> None:
    is_refused = "LIKE" in exchange.query.get("filter[name]", "")
    if is_refused or exchange.query.get("page[number]") == "0":
        exchange.status, exchange.document = 400, {"errors": []}
    if exchange.path.endswith("/upstream_library"):
        exchange.status, exchange.document = 404, {"errors": []}
    if exchange.path.endswith("/app_configurations"):
        exchange.status, exchange.document = 405, {"errors": []}
    if exchange.status == 406:
        exchange.status = 200
    for error in exchange.document.get("errors", []):
        error.update(code="missing", status=404)


def _change_rule(rule: dict[str, Any]) -> None:
    rule["attributes"]["priority"] = 5
    rule["relationships"]["libraries"]["data"] = []


def _change_component(component: dict[str, Any]) -> None:
    component["attributes"]["timeout"] = str(component["attributes"]["timeout"])


def _change_element(element: dict[str, Any]) -> None:
    del element["relationships"]["notes"]
    element["attributes"]["settings"] = json.loads(element["attributes"]["settings"])
    element["attributes"]["published"] = True


def _change_extension(extension: dict[str, Any]) -> None:
    extension["attributes"]["settings"] = '{"text": "<b>&"}'


def _change_environment(environment: dict[str, Any]) -> None:
    environment["attributes"]["archive"] = "false"
    del environment["links"]["self"]


def _change_library(library: dict[str, Any]) -> None:
    library["attributes"]["created_at"] = library["attributes"]["created_at"].rstrip("Z")
    library["relationships"]["property"]["data"]["type"] = "property"


def _change_others(resource: dict[str, Any]) -> None:
    """Change a host, a callback, a build, a secret, a note, a property or a package."""
    relationships = resource["relationships"]
    match resource["type"]:
        case "hosts":
            del resource["attributes"]["username"]
        case "callbacks":
            relationships["owner"] = {"data": None}
        case "builds":
            resource["meta"]["duration"] = 1.5
        case "secrets":
            relationships["property"]["links"]["related"] = "/secrets/SE1/property"
        case "notes":
            resource["type"] = "note"
        case "properties":
            del resource["meta"]["rights"]
        case "extension_package_usage_authorizations":
            resource["id"] = "EA-1"
        case "audit_events":
            resource["version"] = 2


_CHANGES = {
    **dict.fromkeys(
        (
            "hosts",
            "callbacks",
            "builds",
            "secrets",
            "notes",
            "properties",
            "extension_package_usage_authorizations",
            "audit_events",
        ),
        _change_others,
    ),
    "rules": _change_rule,
    "rule_components": _change_component,
    "data_elements": _change_element,
    "extensions": _change_extension,
    "environments": _change_environment,
    "libraries": _change_library,
}

DEVIATIONS = [
    ("rules.priority", "no such attribute", "integer"),
    ("rule_components.timeout", "integer", "text"),
    ("data_elements.relationships.notes", "in each resource", "missing in 39 of 39"),
    ("page[size] above 100", "a page of 100", "a page of 101"),
    ("sort=-created_at", "newest first", "another order"),
    ("filter by a date in the future", "no resource", "all resources"),
    ("libraries.created_at", "datetime", "date without time zone"),
    ("lists of hosts", "meta.pagination of five members", "meta.pagination is missing"),
    ("lists of callbacks", "meta.pagination of five members", "total_count is not a number"),
    ("properties.meta.rights", "in each resource", "missing in 6 of 6"),
    ("callbacks.relationships.owner", "no such relationship", "present"),
    ("rules.relationships.libraries", "no data", "a list of identifiers"),
    ("related resource of a relationship that is null", "200 with data null", "HTTP 404"),
    ("data_elements.settings", "text", "object of depth 1"),
    ("extensions.settings", "& < > U+2028 U+2029 as lowercase escapes", "& < > unescaped"),
    ("builds.meta.duration", "no such member of meta", "number"),
    ("notes: type", "notes", "another type"),
    ("secrets.relationships.property.links", "links to the service", "relative"),
    ("resources on a page by default", "25", "20"),
    ("order without sort", "by creation", "another order"),
    ("id that does not exist", "HTTP 404, code not-found", "code another"),
    ("document of an error", "status as text", "status as integer"),
    ("content type", "application/vnd.api+json", "application/json"),
    ("page number 0", "page 1", "HTTP 400"),
    ("filter with an unknown operator", "all resources", "HTTP 400"),
    ("CONTAINS in the other case", "resources that match", "no resource"),
    ("data_elements: published of a head", "false", "true"),
    ("headers", "no header about a rate limit", "x-ratelimit-remaining"),
    ("environments.archive", "boolean", "text"),
    ("environments.links", "a link self", "missing"),
    ("libraries.relationships.property", "an identifier", "an identifier of another type"),
    ("hosts.username", "text", "missing"),
    ("search", "meta.total_hits integer", "meta.total_hits null"),
    ("GET with another Accept", "HTTP 406", "HTTP 200"),
    ("revisions in lists under a property", "heads only", "revisions, too"),
    ("app_configurations: request", "HTTP 200", "HTTP 405"),
    ("audit_events: version", "no such member of a resource", "present"),
    ("extension_package_usage_authorizations: id", "32 hexadecimal digits", "another form"),
]


@pytest.fixture(scope="module")
def deviations(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Deviations:
    """What the report says about a service that differs in all of these ways."""
    folder = tmp_path_factory.mktemp("deviating")
    with in_front_of(simulator, _before, _after) as service:
        credentials = env_file(folder, simulator, reactor_url=service.url)
        frame = adobe_nb.doctor(env_file=credentials, report=folder / "report.json")
    assert report_of(frame)["status"] == "warning", report_of(frame)["detail"]
    written = json.loads((folder / "report.json").read_text())
    return [(row["place"], row["assumed"], row["observed"]) for row in written["deviations"]]


@pytest.mark.parametrize("deviation", DEVIATIONS, ids=lambda deviation: deviation[0])
def test_a_service_that_deviates_is_reported(
    deviations: Deviations, deviation: tuple[str, str, str]
) -> None:
    place, assumed, observed = deviation
    matching = [row for row in deviations if row[0] == place and observed in row[2]]
    assert [row for row in matching if assumed in row[1]], deviations


def test_nothing_else_is_reported(deviations: Deviations) -> None:
    # The head that is shown as a revision is dirty.
    others = {row[0] for row in deviations} - {row[0] for row in DEVIATIONS}
    assert others <= {"extensions: dirty of a revision"}


def _change_more(exchange: Exchange) -> None:
    document = exchange.document
    if exchange.path == "/companies" and exchange.status == 200:
        document["data"] *= 26
    if exchange.query.get("sort") == "name":
        for resource in document["data"]:
            resource["attributes"]["name"] = "zoo"
        document["data"][0]["attributes"]["name"] = "Zoo of the city"
    if "LIKE" in exchange.query.get("filter[name]", ""):
        document["meta"]["pagination"]["total_count"] = 1
    if exchange.path.endswith("/relationships/rules"):
        document["data"] = [{"name": "a rule"}]
        del document["meta"]
    if exchange.path.endswith("/upstream_library"):
        document["data"] = {"id": "LB1", "type": "libraries"}
    for host in exchange.of("hosts"):
        if "attributes" in host:
            host["attributes"]["created_at"] = "2026-11-28T10:00:00+01:00"


def test_other_deviations_are_reported(simulator: Simulator, tmp_path: Path) -> None:
    with in_front_of(simulator, lambda _: None, _change_more) as service:
        credentials = env_file(tmp_path, simulator, reactor_url=service.url)
        adobe_nb.doctor(env_file=credentials, report=tmp_path / "report.json")
    written = json.loads((tmp_path / "report.json").read_text())
    assert {row["place"]: row["observed"] for row in written["deviations"]} == {
        "hosts.created_at": "date in another form",
        "resources on a page by default": "more",
        "filter with an unknown operator": "some resources",
        "sort=name": "by name, uppercase first",
        "relationship to many (library: rules)": (
            "something else than identifiers, with no pagination and links related, self"
        ),
        "related resource of a relationship that is null": "200 with other data",
    }


# -- no values


CANARY = "Kanarienvogel"


def _with_canaries(value: Any, path: str = "") -> Any:
    """Return a JSON value with canaries in its texts, and in names inside of it."""
    if isinstance(value, dict):
        members = {name: _with_canaries(item, f"{path}.{name}") for name, item in value.items()}
        if path.count(".") > 1:
            members[CANARY] = {CANARY.lower(): [CANARY]}
        return members
    if isinstance(value, list):
        return [*(_with_canaries(item, path) for item in value), CANARY]
    if not isinstance(value, str) or re.match(r"\d{4}-", value):
        return value
    if path.endswith(".settings"):
        return json.dumps({CANARY: {f"{CANARY}@corp.example": f"<{CANARY}&"}})
    return f"{CANARY} {value}"


def _fill(exchange: Exchange) -> None:
    for resource in exchange.resources:
        resource["attributes"] = _with_canaries(resource.get("attributes", {}))
        resource["attributes"][f"{CANARY} name"] = CANARY
        resource["attributes"][f"{CANARY.lower()}20261128"] = 1
        resource["meta"] = _with_canaries(resource.get("meta", {}), ".")
        resource["meta"]["status_details"] = [{CANARY.lower(): CANARY}]
        resource["links"] = {"self": f"https://{CANARY}.example/{CANARY}?{CANARY}={CANARY}"}
        for relationship in resource.get("relationships", {}).values():
            relationship["links"] = {
                "related": f"/rules/{CANARY}/{CANARY}",
                CANARY: f"mailto:{CANARY}@corp.example",
            }
    for error in exchange.document.get("errors", []):
        error.update(detail=CANARY, code=CANARY, title=CANARY, **{CANARY: CANARY})
    exchange.document[CANARY] = CANARY
    if "meta" in exchange.document:
        exchange.document["meta"].setdefault("pagination", {})[CANARY] = CANARY
    exchange.headers |= {
        f"X-{CANARY}-Proxy": CANARY,
        f"X-RateLimit-{CANARY}": "1",
        "Via": CANARY,
        "Set-Cookie": CANARY,
    }


def _secrets_of(simulator: Simulator, service: Stub) -> set[str]:
    details = simulator.connection()
    values = {details[name] for name in ("client_id", "client_secret", "org_id", "company_id")}
    host = service.url.removeprefix("http://")
    tokens = {request.headers["Authorization"] for request in service.got[2:]}
    return {*values, *simulator.ims.issued, host, "127.0.0.1", *tokens}


def test_no_value_of_the_account_is_in_the_report(simulator: Simulator, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    ids: set[str] = set()

    def after(exchange: Exchange) -> None:
        ids.update(re.findall("[A-Z]{2}[0-9a-f]{32}", json.dumps(exchange.document)))
        _fill(exchange)

    with in_front_of(simulator, lambda exchange: None, after) as service:
        credentials = env_file(tmp_path, simulator, reactor_url=service.url)
        frame = adobe_nb.doctor(env_file=credentials, report=file)
        secrets = _secrets_of(simulator, service)
    assert report_of(frame)["status"] == "warning"
    text = file.read_text()
    assert len(ids) > 100
    assert CANARY.lower() not in text.lower()
    assert "(a name that may be data)" in text
    assert "corp.example" not in text
    assert [value for value in {*ids, *secrets} if value in text] == []
    names = ["Hearth", "Web Store", "Checkout", "Magazine", "Page Name", "send-beacon", "techacct"]
    assert [name for name in names if name in text] == []


# -- accounts and services of other kinds


def test_empty_company_shows_little_and_has_no_deviation(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    with started(seed="empty") as simulator:
        frame = adobe_nb.doctor(env_file=env_file(tmp_path, simulator), report=file)
    written = json.loads(file.read_text())
    assert written["deviations"] == []
    assert "rules: no resource" in written["not_seen"]
    observed = {probe["question"]: probe["observed"] for probe in written["behavior"]}
    assert observed["a resource by its id"] == "not seen: no property was found"
    assert frame.set_index("check").loc["rights", "status"] == "warning"


def test_missing_right_does_not_count_as_a_deviation(simulator: Simulator, tmp_path: Path) -> None:
    def refuse(exchange: Exchange) -> None:
        if exchange.path.endswith("/secrets"):
            exchange.status, exchange.document = 403, {"errors": [{"code": "not-authorized"}]}

    with in_front_of(simulator, lambda _: None, refuse) as service:
        credentials = env_file(tmp_path, simulator, reactor_url=service.url)
        adobe_nb.doctor(env_file=credentials, report=tmp_path / "report.json")
    written = json.loads((tmp_path / "report.json").read_text())
    assert written["deviations"] == []
    assert written["not_seen"] == ["secrets: HTTP 403"]
    assert written["statuses"]["403"] == 3


ODD = [
    None,
    5,
    "x",
    [],
    {},
    [[None], 7],
    {"data": 5},
    {"data": {"id": 7}},
    {"data": [None]},
    {"x": []},
]
PLACES = [
    ("data",),
    ("meta",),
    ("meta", "pagination"),
    ("errors",),
    ("data", 0),
    ("data", 0, "id"),
    ("data", 0, "type"),
    ("data", 0, "attributes"),
    ("data", 0, "attributes", "name"),
    ("data", 0, "attributes", "created_at"),
    ("data", 0, "attributes", "settings"),
    ("data", 0, "attributes", "revision_number"),
    ("data", 0, "relationships"),
    ("data", 0, "relationships", "property"),
    ("data", 0, "relationships", "property", "data"),
    ("data", 0, "relationships", "property", "links"),
    ("data", 0, "links"),
    ("data", 0, "links", "self"),
    ("data", 0, "meta"),
]


@pytest.mark.parametrize("start", range(0, 190, 48))
def test_response_of_any_shape_is_described(
    simulator: Simulator, tmp_path: Path, start: int
) -> None:
    """Every response but those that lead to the properties has something odd."""
    numbers = itertools.count(start)

    def change(exchange: Exchange) -> None:
        if exchange.path == "/companies" or exchange.path.startswith("/companies/"):
            return
        number = next(numbers)
        *way, last = PLACES[number % len(PLACES)]
        part: Any = exchange.document
        with suppress(KeyError, IndexError, TypeError):
            for name in way:
                part = part[name]
            part[last] = ODD[number % len(ODD)]

    with in_front_of(simulator, lambda _: None, change) as service:
        credentials = env_file(tmp_path, simulator, reactor_url=service.url)
        frame = adobe_nb.doctor(env_file=credentials, report=tmp_path / "report.json")
    assert report_of(frame)["status"] == "warning"
    assert json.loads((tmp_path / "report.json").read_text())["deviations"]


def test_pages_that_are_not_json_are_described(simulator: Simulator, tmp_path: Path) -> None:
    file = tmp_path / "report.json"

    def answer(got: Got) -> Answer:
        if got.path == "/companies":
            document = {"data": [], "meta": {"pagination": {}}}
            return Answer(200, json.dumps(document).encode(), {"Content-Type": JSON_API})
        return Answer(200, b"<html>\xff", {"Content-Type": "text/html"})

    with stub(answer) as service:
        credentials = env_file(tmp_path, simulator, reactor_url=service.url)
        adobe_nb.doctor(env_file=credentials, report=file)
    written = json.loads(file.read_text())
    assert {"place": "content type", "assumed": JSON_API, "observed": "another"} in written[
        "deviations"
    ]


# -- the file


def test_a_file_that_is_not_a_report_stays(simulator: Simulator, tmp_path: Path) -> None:
    file = tmp_path / "package.json"
    file.write_text('{"name": "mine"}')
    before = len(simulator.requests)
    with pytest.raises(adobe_nb.ArgumentError, match="not a report of the doctor"):
        adobe_nb.doctor(env_file=env_file(tmp_path, simulator), report=file)
    assert file.read_text() == '{"name": "mine"}'
    assert len(simulator.requests) == before


def test_report_stops_when_the_service_has_too_many_requests(
    simulator: Simulator, tmp_path: Path
) -> None:
    def refuse(exchange: Exchange) -> None:
        if exchange.path.endswith("/libraries"):
            exchange.status = 429

    with in_front_of(simulator, lambda _: None, refuse) as service:
        credentials = env_file(tmp_path, simulator, reactor_url=service.url)
        frame = adobe_nb.doctor(env_file=credentials, report=tmp_path / "report.json")
    assert service.got[-1].path.endswith("/libraries")
    assert "too many requests (429)" in report_of(frame)["detail"]
    assert report_of(frame)["advice"] == "Run it again later."
    assert list(tmp_path.iterdir()) == [credentials]


def test_without_sign_in_there_is_no_report(simulator: Simulator, tmp_path: Path) -> None:
    credentials = env_file(tmp_path, simulator, client_secret="p8e-not-this-one")
    result = report_of(adobe_nb.doctor(env_file=credentials, report=tmp_path / "report.json"))
    assert result["detail"] == "not written: you are not signed in"
    assert list(tmp_path.iterdir()) == [credentials]


def test_a_folder_that_vanishes_is_a_problem(simulator: Simulator, tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    folder.mkdir()

    def remove_folder(exchange: Exchange) -> None:
        if folder.exists():
            folder.rmdir()

    with in_front_of(simulator, remove_folder, lambda _: None) as service:
        credentials = env_file(tmp_path, simulator, reactor_url=service.url)
        frame = adobe_nb.doctor(env_file=credentials, report=folder / "report.json")
    assert "cannot be written" in report_of(frame)["detail"]


def test_a_report_that_would_have_an_address_is_not_written(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "_ABOUT", ["ana@corp.example"])
    frame = adobe_nb.doctor(env_file=env_file(tmp_path, simulator), report=tmp_path / "r.json")
    assert report_of(frame)["status"] == "problem"
    assert not (tmp_path / "r.json").exists()


def test_an_earlier_report_is_replaced(simulator: Simulator, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text('{"format": "adobe-nb doctor report"}')
    adobe_nb.doctor(env_file=env_file(tmp_path, simulator), report=file)
    assert json.loads(file.read_text())["requests"]["sent"] > 0


@pytest.mark.parametrize("name", ["report.txt", "missing/report.json", ""])
def test_a_path_that_cannot_be_written_is_refused_first(tmp_path: Path, name: str) -> None:
    with pytest.raises(adobe_nb.ArgumentError):
        adobe_nb.doctor(simulator=True, report=tmp_path / name)


def test_an_incomplete_report_is_not_written(simulator: Simulator, tmp_path: Path) -> None:
    file = tmp_path / "report.json"

    def break_off(exchange: Exchange) -> None:
        if exchange.path.endswith("/libraries"):
            raise ConnectionError

    with suppress(ConnectionError), in_front_of(simulator, break_off, lambda _: None) as service:
        credentials = env_file(tmp_path, simulator, reactor_url=service.url)
        frame = adobe_nb.doctor(env_file=credentials, report=file)
    result = report_of(frame)
    assert result["status"] == "problem"
    assert result["detail"].startswith("not written: ")
    assert not file.exists()
    assert list(tmp_path.iterdir()) == [credentials]
