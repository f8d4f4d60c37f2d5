"""The rights of an account on companies and properties, as the test of a session reads them."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

import adobe_nb
from adobe_nb.notebook.display import facts_of, state_of
from adobe_nb.session import Session
from adobe_nb.simulator.server import Simulator
from tests.conftest import sign_in
from tests.support.stub import Answer, Got, stub


class Service:
    """Answers with companies and properties, and counts the requests for them."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.documents: dict[str, Any] = {}
        self.refused: dict[str, int] = {}
        self.got: list[str] = []


@pytest.fixture
def service() -> Iterator[Service]:
    def answer(got: Got) -> Answer:
        path = got.path.partition("?")[0]
        service.got.append(path)
        status = service.refused.get(path, 200)
        body: dict[str, Any] = {"errors": [{"code": "not-authorized", "title": "No"}]}
        if status == 200:
            body = service.documents.get(path, {"data": []})
        return Answer(
            status, json.dumps(body).encode(), {"Content-Type": "application/vnd.api+json"}
        )

    service = Service("")
    with stub(answer) as server:
        service.url = server.url
        yield service


@pytest.fixture
def session(demo: Simulator, service: Service) -> Session:
    return sign_in(demo, reactor_url=service.url)


def resource(resource_id: str, name: Any, *rights: str) -> dict[str, Any]:
    return {"id": resource_id, "attributes": {"name": name}, "meta": {"rights": list(rights)}}


def companies(service: Service, count: int, **meta: Any) -> None:
    data = [resource(f"CO{number}", f"Company {number}") for number in range(count)]
    service.documents["/companies"] = {"data": data, "meta": meta}
    for number in range(count):
        only = resource(f"PR{number}", f"Site {number}", "publish")
        service.documents[f"/companies/CO{number}/properties"] = {"data": [only]}


def lines_of(session: Session) -> list[str]:
    rights = session.test(property_rights=True).property_rights
    assert rights is not None
    return rights.lines()


def property_row(session: Session) -> str:
    return dict(facts_of(state_of(session))).get("Property rights", "")


def test_companies_that_were_not_read_are_counted(session: Session, service: Service) -> None:
    companies(service, 500)
    assert lines_of(session) == [
        "3 properties (Site 0, Site 1, Site 2): publish",
        "3 of 500 companies were read",
    ]
    assert len(service.got) == 4
    assert property_row(session).endswith("; 3 of 500 companies were read")


def test_companies_on_later_pages_are_counted(session: Session, service: Service) -> None:
    companies(service, 2, pagination={"total_count": 70})
    assert lines_of(session)[-1] == "2 of 70 companies were read"


def test_properties_are_counted_in_the_companies_that_were_read(
    session: Session, service: Service
) -> None:
    companies(service, 4)
    service.documents["/companies/CO0/properties"]["meta"] = {"pagination": {"total_count": 120}}
    assert lines_of(session)[1:] == [
        "3 of 4 companies were read",
        "the first 3 of 122 properties of these companies were read",
    ]


@pytest.mark.parametrize("total", [True, -1, "9", None])
def test_invalid_count_is_ignored(session: Session, service: Service, total: Any) -> None:
    companies(service, 1)
    service.documents["/companies/CO0/properties"]["meta"] = {"pagination": {"total_count": total}}
    assert lines_of(session) == ["1 property (Site 0): publish"]


def test_refused_company_is_named_and_the_others_are_read(
    session: Session, service: Service
) -> None:
    companies(service, 3)
    service.refused["/companies/CO1/properties"] = 403
    assert lines_of(session) == [
        "2 properties (Site 0, Site 2): publish",
        "Company 1 could not be read (403 not-authorized)",
    ]
    assert session.works


def test_service_that_fails_is_not_asked_about_further_companies(
    session: Session, service: Service
) -> None:
    companies(service, 3)
    service.refused["/companies/CO0/properties"] = 501
    assert lines_of(session) == [
        "Company 0 could not be read (501 not-authorized)",
        "0 of 3 companies were read",
    ]
    assert "/companies/CO1/properties" not in service.got


def test_known_rights_stay_when_a_test_does_not_read_them(
    session: Session, service: Service
) -> None:
    companies(service, 1)
    assert session.test().property_rights is None
    assert property_row(session) == ""
    session.test(property_rights=True)
    assert property_row(session) == "1 property (Site 0): publish"
    service.refused["/companies"] = 403
    assert session.test().property_rights is None
    service.refused.clear()
    session.test()
    assert property_row(session) == "1 property (Site 0): publish"


@pytest.mark.parametrize("name", [None, "", "  ", 5, ["x"]])
def test_resource_without_a_name_is_shown_by_its_id(
    session: Session, service: Service, name: Any
) -> None:
    service.documents["/companies"] = {"data": [resource("CO9", name)]}
    service.documents["/companies/CO9/properties"] = {"data": [resource("PR9", name)]}
    assert lines_of(session) == ["1 property (PR9): none"]
    assert session.checked is not None
    assert session.checked.companies == ("CO9",)


def test_long_names_and_rights_are_cut(session: Session, service: Service) -> None:
    long = "n\n\ud800" * 50_000
    data = [resource(f"CO{number}", long, long) for number in range(3)]
    service.documents["/companies"] = {"data": data}
    data = [resource(f"PR{number}", long, f"{number}{long}", "x") for number in range(100)]
    service.documents["/companies/CO0/properties"] = {"data": data}
    assert max(map(len, lines_of(session))) < 600
    state = json.dumps(state_of(session))
    assert len(state) < 100_000
    assert json.loads(state)["companies"][0].endswith("…")
    assert session.checked is not None
    assert len(session.checked.message) < 600


def test_company_message_names_the_first_few(session: Session, service: Service) -> None:
    companies(service, 30)
    check = session.test()
    assert check.message.endswith("Company 3, Company 4 and 25 more.")
    assert len(check.companies) == 30


def test_doctor_lists_companies_once_and_by_name(session: Session, service: Service) -> None:
    companies(service, 4)
    service.documents["/companies"]["data"][0] = resource("CO0", "First", "manage_properties")
    rights = adobe_nb.doctor().set_index("check").loc["rights"]
    assert rights["detail"] == (
        "company First: manage_properties; company Company 1: none; company Company 2: none; "
        "3 properties (Site 0, Site 1, Site 2): publish; 3 of 4 companies were read"
    )
    assert service.got.count("/companies") == 1


def test_doctor_does_not_call_rights_ok_that_it_could_not_read(
    session: Session, service: Service
) -> None:
    companies(service, 2)
    service.refused["/companies/CO1/properties"] = 404
    rights = adobe_nb.doctor().set_index("check").loc["rights"]
    assert rights["status"] == "unknown"
    assert rights["detail"].endswith("Company 1 could not be read (404 not-authorized)")


def test_doctor_says_that_there_is_no_company(session: Session, service: Service) -> None:
    frame = adobe_nb.doctor().set_index("check")
    assert frame.loc["companies", "status"] == "warning"
    assert frame.loc["rights", "detail"] == "not checked, because there is no company"
