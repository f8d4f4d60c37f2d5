"""The Edge Network: hosts, causes of the troubleshooting table, batches, visitors, codes."""

import _thread
import datetime as dt
import json
import re
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import adobe_nb
from adobe_nb.api.edge.bindings import Edge, EdgeClient
from adobe_nb.api.edge.error_catalog import edge_codes
from adobe_nb.api.edge.events import LIMIT
from adobe_nb.api.reactor.error_catalog import explanation
from adobe_nb.errors import (
    ArgumentError,
    DeliveryWarning,
    EdgeError,
    IncompleteResult,
    NotSignedIn,
    TransportError,
)
from adobe_nb.simulator.datastreams import DATASTREAMS
from tests.conftest import RECORDER, sign_in
from tests.support.stub import Answer, Got, stub

SHARED = Path(__file__).parents[4] / "shared" / "edge" / "errors.json"
WEB = DATASTREAMS["web"].id
CIRCLE: dict[str, Any] = {}
CIRCLE["again"] = CIRCLE
PAGE_VIEW = {
    "xdm": {
        "eventType": "web.webpagedetails.pageViews",
        "identityMap": {"Email": [{"id": "ana@hearth-harbor.example", "primary": True}]},
        "web": {"webPageDetails": {"name": "home"}},
    }
}


@pytest.fixture
def edge(session: Any) -> Any:
    return session.edge


def last(simulator: Any) -> Any:
    return simulator.requests[-1]


class TestInteract:
    def test_authenticated_event_goes_to_server_host_with_three_headers(
        self, demo: Any, edge: Any
    ) -> None:
        frame = edge.interact(WEB, PAGE_VIEW)
        request = last(demo)
        assert request.path == "/ee/v2/interact"
        assert dict(request.query) == {"datastreamId": WEB}
        assert request.headers["authorization"].startswith("Bearer ")
        assert request.headers["x-api-key"] == demo.accounts["demo"].client_id
        assert request.headers["x-gw-ims-org-id"] == demo.accounts["demo"].org_id
        assert request.headers["host"] == demo.connection()["edge_server_url"].removeprefix(
            "http://"
        )
        assert json.loads(request.body) == {"event": PAGE_VIEW}
        assert set(frame["type"]) == {"locationHint:result", "state:store"}

    def test_event_without_authentication_goes_to_edge_host_without_headers(
        self, demo: Any, edge: Any
    ) -> None:
        edge.interact(WEB, PAGE_VIEW, authenticated=False)
        request = last(demo)
        assert request.headers["host"] == demo.connection()["edge_url"].removeprefix("http://")
        assert not {"authorization", "x-api-key", "x-gw-ims-org-id"} & request.headers.keys()

    def test_response_has_one_row_per_payload_item(self, edge: Any) -> None:
        frame = edge.interact(WEB, PAGE_VIEW, request_id="708e4f90-5bff-41c5-8f4b-6c15bab76b11")
        assert list(frame.columns) == ["request_id", "type", "scope", "content", "code", "advice"]
        assert {str(dtype) for dtype in frame.dtypes} == {"string"}
        assert frame["request_id"].str.startswith("708e4f90-5bff-41c5-8f4b-6c15bab76b11-").all()
        hints = frame[frame["type"] == "locationHint:result"]
        assert hints["scope"].tolist() == ["EdgeNetwork", "Target", "AAM"]
        assert json.loads(hints["content"].iloc[0]) == {"hint": "va6", "ttlSeconds": 1800}
        assert frame.attrs["service"] == "simulator"

    def test_accepts_xdm_and_data_and_returns_raw_document(self, demo: Any, edge: Any) -> None:
        document = edge.interact(WEB, xdm=PAGE_VIEW["xdm"], data={"a": np.int64(1)}, raw=True)
        assert set(document) == {"requestId", "handle"}
        assert json.loads(last(demo).body)["event"]["data"] == {"a": 1}

    def test_query_beside_event_fetches_decisions(self, demo: Any, edge: Any) -> None:
        query = {
            "personalization": {
                "decisionScopes": ["home"],
                "surfaces": ["web://shop.example/#hero"],
            }
        }
        frame = edge.interact(WEB, PAGE_VIEW, query=query)
        decisions = frame[frame["type"] == "personalization:decisions"]
        assert decisions["scope"].tolist() == ["home", "web://shop.example/#hero"]
        assert json.loads(last(demo).body) == {"event": PAGE_VIEW, "query": query}

    def test_query_beside_event_fetches_identities(self, edge: Any) -> None:
        ecid = "1" * 38
        event = {"xdm": {"identityMap": {"ECID": [{"id": ecid, "primary": True}]}}}
        frame = edge.interact(WEB, event, query={"identity": {"fetch": ["ECID"]}})
        identities = frame[frame["type"] == "identity:result"]["content"].map(json.loads).tolist()
        assert identities == [{"id": ecid, "namespace": {"code": "ECID"}}]

    def test_dry_run_shows_request_and_sends_nothing(self, demo: Any, edge: Any) -> None:
        demo.requests.clear()
        frame = edge.interact(WEB, PAGE_VIEW, dry_run=True)
        assert not demo.requests
        assert frame["headers"][0] == "Authorization, x-api-key, x-gw-ims-org-id, Content-Type"
        assert json.loads(frame["body"][0]) == {"event": PAGE_VIEW}

    def test_without_session_raises_instead_of_sending_unauthenticated(self) -> None:
        with pytest.raises(NotSignedIn):
            adobe_nb.edge.interact(WEB, PAGE_VIEW)

    def test_edge_of_package_follows_current_session(self, session: Any) -> None:
        assert len(adobe_nb.edge.interact(WEB, PAGE_VIEW)) == 5

    @pytest.mark.parametrize(
        ("datastream", "event", "says"),
        [
            ("web", PAGE_VIEW, "'web' is not a datastream id"),
            (None, PAGE_VIEW, "None is not a datastream id"),
            (WEB, None, "The event is empty"),
            (WEB, {}, "The event is empty"),
            (WEB, '{"xdm": {}}', r"must be a dict, not str. To read JSON text: json.loads\(text\)"),
            (WEB, {"xdm": "x"}, "The event: xdm must be a dict, not str"),
            (
                WEB,
                {"xdm": {}, "meta": {}},
                'The event contains meta, which belongs beside it: pass meta=, or .*"event"',
            ),
            (
                WEB,
                {"xdm": {}, "query": {}},
                "The event contains query, which belongs beside it: pass query=, or",
            ),
            (
                WEB,
                {"event": {"xdm": {}, "query": {}}},
                "The event contains query, which belongs beside it",
            ),
            (WEB, {"event": {"xdm": {}}, "query": 5}, "query= must be a dict"),
            (WEB, {"event": {"xdm": {}}, "meta": 5}, "meta= must be a dict"),
            (WEB, {"event": {"xdm": {}}, "events": []}, "has both event and events. Keep one"),
            (
                WEB,
                {"events": [PAGE_VIEW], "xdm": {}},
                "xdm and data belong inside an event of the request",
            ),
            (
                WEB,
                {"event": {"xdm": {}}, "other": 1},
                "members event or events, query and meta, not other",
            ),
            (WEB, {"events": [PAGE_VIEW, PAGE_VIEW]}, "use edge.collect"),
            (
                WEB,
                {"event": {"event": {}}},
                "The event is a whole request. Pass the content of its event",
            ),
            (
                WEB,
                {"xdm": {"identityMap": {"A": [{"id": "a", "primary": [1]}]}}},
                "no primary identity",
            ),
            (WEB, {"xdm": {"timestamp": np.array([1, 2])}}, "not a timestamp with a time zone"),
            (
                WEB,
                {"xdm": {"timestamp": np.datetime64("2026-07-01")}},
                "not a timestamp with a time zone",
            ),
            (WEB, {"xdm": {"timestamp": 10**400}}, "not a timestamp with a time zone"),
            (f"{WEB}:\ud800", PAGE_VIEW, "is not a datastream id"),
            (WEB, {"eventType": "x"}, "accepts only xdm and data; move eventType"),
            (WEB, {"xdm": {"identityMap": {"Email": [{"id": "a"}]}}}, "no primary identity"),
            (
                WEB,
                {"xdm": {"identityMap": {"Email": "a"}}},
                "The event: identityMap.Email must be a list of identities",
            ),
            (
                WEB,
                {"xdm": {"identityMap": {"Email": [{"primary": True}]}}},
                "The event: identityMap.Email requires a non-empty string as the id",
            ),
            (
                WEB,
                {"xdm": {"identityMap": {"Email": [{"id": 5, "primary": True}]}}},
                "requires a non-empty string as the id",
            ),
            (
                WEB,
                {"xdm": {"identityMap": {"Email": [{"id": " ", "primary": True}]}}},
                "requires a non-empty string as the id",
            ),
            (WEB, {"xdm": {"identityMap": []}}, "The event has an invalid identityMap"),
            (
                WEB,
                {
                    "xdm": {
                        "identityMap": {
                            "A": [{"id": "a", "primary": True}, {"id": "b", "primary": True}]
                        }
                    }
                },
                "2 primary",
            ),
            (
                WEB,
                {"data": {"a": object()}},
                "cannot be sent as JSON: event.data.a is of type object",
            ),
            (
                WEB,
                {"data": {"a": {"b": [1, float("nan")]}}},
                r"The event cannot be sent as JSON: event\.data\.a\.b\.1 is NaN or infinity",
            ),
            (WEB, {"data": {"a": np.float64("inf")}}, r"event\.data\.a is NaN or infinity"),
            (WEB, {"data": {"a": pd.NaT}}, r"event\.data\.a is a missing value \(NaT\)"),
            (WEB, {"data": {"a": pd.NA}}, "a missing value"),
            (WEB, {"data": {"a": "\ud800"}}, "lone surrogate"),
            (WEB, {"data": {(1, 2): "x"}}, "a dict with a name that is not text"),
            (WEB, {"data": CIRCLE}, "contains itself"),
            (
                WEB,
                {"data": {"a": pd.Timestamp("2026-01-01")}},
                r"event\.data\.a is a timestamp without a time zone",
            ),
            (
                WEB,
                {"xdm": {"timestamp": "2026-07-01 10:00"}},
                "not a timestamp with a time zone. Use 2026-07-01T10",
            ),
            (WEB, {"xdm": {"timestamp": dt.date(2026, 7, 1)}}, "not a timestamp with a time zone"),
            (
                WEB,
                {"xdm": {"timestamp": 1782900000}},
                r'pd.Timestamp\(1782900000, unit="s", tz="UTC"\)',
            ),
            (WEB, {"data": {"a": np.array([1])}}, r"of type ndarray; use value.tolist\(\)"),
            (WEB, [PAGE_VIEW, PAGE_VIEW], "use edge.collect"),
            (WEB, pd.DataFrame({"eventType": ["x"]}), "use edge.collect"),
            (PAGE_VIEW, WEB, "The datastream id comes first"),
            (WEB, WEB, "The datastream id comes first"),
            (WEB, {"data": {"a": "x" * LIMIT}}, "the limit is 65,536"),
        ],
    )
    def test_invalid_event_is_refused_before_any_request(
        self, demo: Any, edge: Any, datastream: Any, event: Any, says: str
    ) -> None:
        demo.requests.clear()
        with pytest.raises(ArgumentError, match=says):
            edge.interact(datastream, event)
        assert not demo.requests


def edge_at(url: str) -> Any:
    return adobe_nb.connect(
        client_id="c" * 12,
        client_secret="hush",
        org_id="A@AdobeOrg",
        retry_pause=0,
        reactor_url=url,
        ims_url=url,
        edge_server_url=url,
    ).edge


class TestTheTroubleshootingTable:
    """Each cause is met on purpose, explained, mended, and then it works."""

    def refused(self, edge: Any, datastream: str = WEB, **how: Any) -> EdgeError:
        with pytest.raises(EdgeError) as caught:
            edge.interact(datastream, PAGE_VIEW, **how)
        return caught.value

    def test_e10a1_authorization_header_missing(self, edge: Any) -> None:
        error = self.refused(edge, headers={"Authorization": None})
        assert (error.status, error.code) == (401, "EXEG-0500-401")
        assert str(error).endswith("Sent: x-api-key, x-gw-ims-org-id.")
        assert str(error).count("Authorization header") == 1
        assert error.cause == "The Authorization header was not sent."
        assert len(edge.interact(WEB, PAGE_VIEW)) == 5

    def test_e10a2_value_without_bearer(self, demo: Any, edge: Any) -> None:
        token = demo.connection()["access_token"]
        error = self.refused(edge, headers={"Authorization": token})
        assert error.code == "EXEG-0500-401"
        assert "Authorization (without the word Bearer)" in str(error)
        assert token not in str(error)
        assert len(edge.interact(WEB, PAGE_VIEW, headers={"Authorization": f"Bearer {token}"})) == 5

    def test_e10a3_token_of_an_invalid_format(self, edge: Any) -> None:
        error = self.refused(edge, headers={"Authorization": "Bearer abc"})
        assert error.code == "EXEG-0500-401"
        assert "Bearer, but no token of three parts" in str(error)

    def test_e10a4_datastream_requires_authentication(self, edge: Any) -> None:
        only = DATASTREAMS["authenticated_only"].id
        error = self.refused(edge, only, authenticated=False)
        assert error.code == "EXEG-0500-401"
        assert error.cause.startswith("This datastream accepts authenticated events only")
        assert "Leave out authenticated=False" in error.fix
        assert len(edge.interact(only, PAGE_VIEW)) == 5

    def test_e10b_token_itself_invalid(self, demo: Any, edge: Any) -> None:
        altered = demo.connection()["access_token"][:-8] + "AAAAAAAA"
        error = self.refused(edge, headers={"Authorization": f"Bearer {altered}"})
        assert error.code == "EXEG-0502-401"
        assert altered not in str(error)

    def test_e10c_token_expired(self, demo: Any, edge: Any) -> None:
        old = demo.expired_token()
        error = self.refused(edge, headers={"Authorization": f"Bearer {old}"})
        assert error.code == "EXEG-0503-401"
        assert "Generate a new token" in error.fix

    @pytest.mark.parametrize(
        ("account", "code", "says"),
        [
            (
                "no_platform",
                "EXEG-0504-401",
                "in no product profile of Experience Platform. Ask an admin",
            ),
            ("not_entitled", "EXEG-0504-401", "no license"),
            ("no_scope", "EXEG-0505-401", "acp.foundation"),
        ],
    )
    def test_e10d_and_e10e_rights_and_scope_of_account(
        self, demo: Any, account: str, code: str, says: str
    ) -> None:
        error = self.refused(sign_in(demo, account).edge)
        assert error.code == code
        assert says in str(error)
        assert len(sign_in(demo).edge.interact(WEB, PAGE_VIEW)) == 5

    def test_e10f_sandbox_not_accessible_for_write(self, edge: Any) -> None:
        error = self.refused(edge, DATASTREAMS["read_only_sandbox"].id)
        assert error.code == "EXEG-0506-401"
        assert len(edge.interact(WEB, PAGE_VIEW)) == 5

    @pytest.mark.parametrize("header", ["x-api-key", "x-gw-ims-org-id"])
    def test_missing_header_is_named(self, edge: Any, header: str) -> None:
        error = self.refused(edge, headers={header: None})
        assert error.cause == f"The request lacks {header}."
        assert str(error).count(header) == 1

    def test_e10d_organization_of_another_account_names_header(self, edge: Any) -> None:
        error = self.refused(edge, headers={"x-gw-ims-org-id": "0123456789ABCDEF01234567@AdobeOrg"})
        assert error.code == "EXEG-0504-401"
        assert error.cause == "The account does not belong to the organization in x-gw-ims-org-id."
        assert "0123456789ABCDEF" not in str(error)

    def test_e10d_with_unknown_detail_gives_general_advice(self) -> None:
        problem = {
            "type": "https://ns.adobe.com/aep/errors/EXEG-0504-401",
            "detail": "Something else.",
        }

        def refuse(got: Got) -> Answer:
            if got.path.startswith("/ims/"):
                return Answer(200, b'{"access_token": "t", "expires_in": 99}')
            return Answer(
                401, json.dumps(problem).encode(), {"Content-Type": "application/problem+json"}
            )

        with stub(refuse) as server:
            error = self.refused(edge_at(server.url))
        assert error.cause == edge_codes()["EXEG-0504-401"].cause

    @pytest.mark.parametrize(
        ("headers", "says"),
        [
            ({"Host": "evil.test"}, "not 'Host'"),
            ({"x-api-key": 5}, "printable ASCII text for x-api-key"),
            ({"x-api-key": "a\r\nHost: evil.test"}, "printable ASCII text for x-api-key"),
            ({"User-Agent": "a\nx: y"}, "printable ASCII text for User-Agent"),
            ({"user-agent": "日本"}, "printable ASCII text for User-Agent"),
            (
                {"Content-Type": "text/html"},
                "forwards User-Agent, .* and Sec-CH-…, not 'Content-Type'",
            ),
            ({"Cookie": "hush=1"}, "Cookies are not forwarded as a header.*kndctr_"),
            ({"Sec-CH-\r\nHost": "x"}, "not 'Sec-CH-"),
            ("x-api-key", "must be a dict of names and values"),
        ],
    )
    def test_other_headers_are_refused(self, demo: Any, edge: Any, headers: Any, says: str) -> None:
        demo.requests.clear()
        with pytest.raises(ArgumentError, match=says) as caught:
            edge.interact(WEB, PAGE_VIEW, headers=headers)
        assert "hush" not in str(caught.value)
        assert not demo.requests

    @pytest.mark.parametrize("header", ["Authorization", "X-API-KEY", "x-gw-ims-org-id"])
    def test_three_headers_are_refused_without_authentication(
        self, demo: Any, edge: Any, header: str
    ) -> None:
        demo.requests.clear()
        with pytest.raises(ArgumentError, match="events without authentication carry none"):
            edge.interact(WEB, PAGE_VIEW, authenticated=False, headers={header: "Bearer hush"})
        with pytest.raises(ArgumentError, match="is set by the session"):
            edge.visitor(WEB, headers={header: "Bearer hush"})
        assert not demo.requests

    def test_header_names_ignore_case(self, edge: Any) -> None:
        assert (
            self.refused(edge, headers={"X-API-Key": None}).cause == "The request lacks x-api-key."
        )

    @pytest.mark.parametrize("authenticated", ["no", None, 0])
    def test_authenticated_requires_a_boolean(self, edge: Any, authenticated: Any) -> None:
        with pytest.raises(ArgumentError, match="authenticated must be True or False"):
            edge.interact(WEB, PAGE_VIEW, authenticated=authenticated)

    def test_expired_session_token_is_renewed_and_event_sent_again(self, simulate: Any) -> None:
        simulator = simulate(seed="empty")
        session = sign_in(simulator)
        simulator.ims.revoke(simulator.ims.issued[-1])
        assert len(session.edge.interact(WEB, PAGE_VIEW)) == 5


class TestOtherAnswers:
    @pytest.mark.parametrize(
        ("name", "code"), [("disabled", "EXEG-0004-422"), ("no_platform", "EXEG-0011-422")]
    )
    def test_refused_datastream_says_why(self, edge: Any, name: str, code: str) -> None:
        with pytest.raises(EdgeError, match=code) as caught:
            edge.interact(DATASTREAMS[name].id, PAGE_VIEW)
        assert caught.value.request_id is not None
        assert caught.value.send_again == "after the fix"

    def test_unknown_datastream_is_named(self, edge: Any) -> None:
        unknown = "00000000-0000-4000-8000-000000000000"
        with pytest.raises(EdgeError, match="EXEG-0003-400") as caught:
            edge.interact(f" {unknown}\n", PAGE_VIEW)  # blanks come with copying
        assert f"There is no datastream with the id {unknown}. Copy it again" in str(caught.value)
        assert str(caught.value).count("no datastream") == 1

    def test_upstream_failure_is_a_row_instead_of_an_error(self, edge: Any) -> None:
        frame = edge.interact(DATASTREAMS["upstream_down"].id, PAGE_VIEW)
        row = frame[frame["type"] == "error"].iloc[0]
        assert row["code"] == "EXEG-0201-503"
        assert "resending it would duplicate it" in row["advice"]
        assert len(frame) == 6

    def test_warning_is_a_row(self, edge: Any) -> None:
        frame = edge.interact(DATASTREAMS["upstream_warning"].id, PAGE_VIEW)
        assert frame[frame["type"] == "warning"]["code"].tolist() == ["EXEG-0204-200"]
        frame = edge.interact(WEB, PAGE_VIEW, query={"identity": {"fetch": ["Phone"]}})
        assert frame[frame["type"] == "warning"]["code"].tolist() == ["EXEG-0303-200"]

    def test_page_of_a_proxy_is_refused(self, session: Any) -> None:
        def page(got: Got) -> Answer:
            if got.path.startswith("/ims/"):
                return Answer(200, b'{"access_token": "t", "expires_in": 99}')
            return Answer(403, b"<html>hush</html>", {"Content-Type": "text/html"})

        with stub(page) as server:
            other = adobe_nb.connect(
                client_id="c" * 12,
                client_secret="hush",
                org_id="A@AdobeOrg",
                retry_pause=0,
                reactor_url=server.url,
                ims_url=server.url,
                edge_server_url=server.url,
            )
            with pytest.raises(EdgeError, match="probably a proxy") as caught:
                other.edge.interact(WEB, PAGE_VIEW)
        assert "hush" not in str(caught.value)

    @pytest.mark.parametrize(
        ("status", "body", "kind", "says"),
        [
            (404, b"<html>", "text/html", "probably a proxy or a login page"),
            (429, b"", "text/plain", "Wait a minute, then send it again"),
            (503, b"", "text/plain", "not known whether the event arrived"),
            (400, b'{"detail": "Something."}', "application/json", 'The service says: "Something"'),
        ],
    )
    def test_response_without_code_is_explained_by_status_and_content(
        self, status: int, body: bytes, kind: str, says: str
    ) -> None:
        def answer(got: Got) -> Answer:
            if got.path.startswith("/ims/"):
                return Answer(200, b'{"access_token": "t", "expires_in": 99}')
            return Answer(status, body, {"Content-Type": kind, "Retry-After": "0"})

        with stub(answer) as server:
            edge = edge_at(server.url)
            with pytest.raises(EdgeError, match=says):
                edge.interact(WEB, PAGE_VIEW)
            sent = [got for got in server.got if got.path.startswith("/ee/")]
        assert len(sent) == 1 or status == 429

    def test_event_may_have_arrived_after_500_of_gateway(self) -> None:
        def second_fails(got: Got) -> Answer:
            if got.path.startswith("/ims/"):
                return Answer(200, b'{"access_token": "t", "expires_in": 99}')
            if b'"number":0' in got.body:
                return Answer(500, b"<html>", {"Content-Type": "text/html"})
            return Answer(202, b'{"requestId": "r-1"}', {"Content-Type": "application/json"})

        events = [
            {**PAGE_VIEW, "data": {"number": number, "fill": "x" * 40_000}} for number in range(2)
        ]
        with stub(second_fails) as server, pytest.warns(DeliveryWarning):
            frame = edge_at(server.url).collect(WEB, events)
        assert frame["outcome"].tolist() == ["may have arrived; not sent again", "accepted"]


class TestCollect:
    def events(self, count: int, size: int = 10) -> list[dict[str, Any]]:
        return [
            {**PAGE_VIEW, "data": {"number": number, "fill": "x" * size}} for number in range(count)
        ]

    def test_returns_one_row_per_event(self, demo: Any, edge: Any) -> None:
        frame = edge.collect(WEB, self.events(3))
        assert list(frame.columns) == [
            "event",
            "request",
            "request_id",
            "status",
            "outcome",
            "code",
            "advice",
        ]
        assert frame["event"].tolist() == [0, 1, 2]
        assert frame["status"].tolist() == [202] * 3
        assert frame["outcome"].tolist() == ["accepted"] * 3
        assert last(demo).path == "/ee/v2/collect"

    def test_splits_below_limit_and_sends_every_event_once(self, demo: Any, edge: Any) -> None:
        demo.requests.clear()
        frame = edge.collect(WEB, self.events(40, 5_000))
        bodies = [json.loads(request.body) for request in demo.requests]
        assert max(len(request.body) for request in demo.requests) <= LIMIT
        assert len(bodies) == frame["request"].nunique() == 4
        sent = sorted(event["data"]["number"] for body in bodies for event in body["events"])
        assert sent == list(range(40))
        assert frame["request_id"].nunique() == 4

    def test_silent_request_has_no_request_id(self, edge: Any) -> None:
        frame = edge.collect(WEB, self.events(1), silent=True)
        assert frame["status"].tolist() == [204]
        assert frame["request_id"].isna().all()

    def test_too_large_event_is_named_and_nothing_is_sent(self, demo: Any, edge: Any) -> None:
        demo.requests.clear()
        with pytest.raises(ArgumentError, match="Event 1 alone has"):
            edge.collect(WEB, [PAGE_VIEW, {**PAGE_VIEW, "data": {"a": "x" * LIMIT}}, PAGE_VIEW])
        assert not demo.requests

    @pytest.mark.parametrize(
        ("events", "says"),
        [
            ([], "no event to send"),
            ("x", "a list of events"),
            ([{"event": PAGE_VIEW}], "Event 0 is a whole request. Pass the content of its event"),
            (
                [{**PAGE_VIEW, "meta": {}}],
                'Event 0 contains meta, which belongs beside it: pass meta=.*"events"',
            ),
            (
                [{**PAGE_VIEW, "query": {}}],
                "Event 0 contains query, which belongs beside it: pass query=",
            ),
            ({"events": PAGE_VIEW["xdm"]["eventType"]}, "a list of events"),
            (
                [PAGE_VIEW, {"xdm": {"identityMap": {"Email": [{"id": "a"}]}}}],
                "Event 1 has no primary identity",
            ),
            (
                [PAGE_VIEW, {"xdm": {"eventType": "x"}}],
                'Event 1 has no identity. Add "identityMap"',
            ),
        ],
    )
    def test_invalid_batch_is_refused(self, edge: Any, events: Any, says: str) -> None:
        with pytest.raises(ArgumentError, match=says):
            edge.collect(WEB, events)

    def test_raises_when_every_request_is_refused(self, edge: Any) -> None:
        with pytest.raises(EdgeError, match="EXEG-0004-422") as caught:
            edge.collect(DATASTREAMS["disabled"].id, self.events(2))
        assert "The request held events 0 to 1: none was accepted." in str(caught.value)
        with pytest.raises(EdgeError) as caught:
            edge.collect(DATASTREAMS["disabled"].id, self.events(20, 5_000))
        assert str(caught.value).startswith(
            "None of the 20 events (2 requests) was accepted. The first request:"
        )

    def test_refused_event_marks_all_events_of_its_request(self) -> None:
        problem = {
            "type": "https://ns.adobe.com/aep/errors/EXEG-0308-400",
            "detail": "At index 2.",
            "report": {},
        }

        def refuse_the_second(got: Got) -> Answer:
            if got.path.startswith("/ims/"):
                return Answer(200, b'{"access_token": "t", "expires_in": 99}')
            if b'"number":15' in got.body:
                return Answer(
                    400, json.dumps(problem).encode(), {"Content-Type": "application/problem+json"}
                )
            return Answer(202, b'{"requestId": "r-1"}', {"Content-Type": "application/json"})

        with stub(refuse_the_second) as server:
            with pytest.warns(DeliveryWarning, match="Of 20 events: 8 refused"):
                frame = edge_at(server.url).collect(WEB, self.events(20, 5_000))
        refused = frame[frame["outcome"] == "refused"]
        first, last = refused["event"].min(), refused["event"].max()
        said = refused["advice"].iloc[0]
        assert 0 < first < 15 <= last
        assert f"The request held events {first} to {last}: none was accepted." in said
        assert 'The service says: "At index 2".' in said
        assert f"count from event {first}," in said
        assert set(frame[frame["outcome"] != "refused"]["outcome"]) == {"accepted"}

    @pytest.mark.parametrize("visitor", [False, True])
    def test_interrupt_says_which_events_were_sent(self, monkeypatch: Any, visitor: bool) -> None:
        arrived, go_on = threading.Event(), threading.Event()

        def hang_on_the_second(got: Got) -> Answer:
            if got.path.startswith("/ims/"):
                return Answer(200, b'{"access_token": "t", "expires_in": 99}')
            if b'"number":15' in got.body:
                arrived.set()
                go_on.wait(60)
            return Answer(202, b'{"requestId": "r-1"}', {"Content-Type": "application/json"})

        with stub(hang_on_the_second) as server:
            edge = edge_at(server.url)
            edge._session.edge_client.limiter.ceiling = 1
            collect = edge.visitor(WEB).collect if visitor else edge.collect

            def interrupt() -> None:
                arrived.wait(60)
                _thread.interrupt_main()
                # The main thread gets it when it comes back from a wait; a wait of its own socket
                # ends late.
                time.sleep(0.5)
                go_on.set()

            presser = threading.Thread(target=interrupt)
            presser.start()
            with pytest.raises(KeyboardInterrupt) as caught:
                collect(WEB, self.events(40, 5_000)) if not visitor else collect(
                    self.events(40, 5_000)
                )
            presser.join()
        said = str(caught.value)
        assert said.startswith("Interrupted; accepted: events 0 to ")
        assert "may have arrived: events " in said
        assert "not sent: events " in said
        assert said.endswith("39. Resend only the events that were not sent.")

    def test_upstream_failure_is_reported_for_each_event(self, edge: Any) -> None:
        frame = edge.collect(DATASTREAMS["upstream_down"].id, self.events(2))
        assert frame["outcome"].tolist() == ["accepted, but a downstream service failed"] * 2
        assert frame["code"].tolist() == ["EXEG-0201-503"] * 2

    def test_request_that_may_have_arrived_is_not_sent_again(self) -> None:
        def cut(got: Got) -> Answer:
            if got.path.startswith("/ims/"):
                return Answer(200, b'{"access_token": "t", "expires_in": 99}')
            return Answer(
                202, b'{"req', {"Content-Length": "100", "Content-Type": "application/json"}
            )

        with stub(cut) as server:
            edge = edge_at(server.url)
            with pytest.raises(TransportError):
                edge.collect(WEB, self.events(1))
            assert sum(got.path.startswith("/ee/") for got in server.got) == 1

    def test_interrupted_response_affects_only_its_own_events(self) -> None:
        def one_cut(got: Got) -> Answer:
            if got.path.startswith("/ims/"):
                return Answer(200, b'{"access_token": "t", "expires_in": 99}')
            if b'"number":0' in got.body:
                return Answer(
                    202, b"{", {"Content-Length": "100", "Content-Type": "application/json"}
                )
            return Answer(202, b'{"requestId": "r-1"}', {"Content-Type": "application/json"})

        with stub(one_cut) as server:
            with pytest.warns(DeliveryWarning, match="12 may have arrived"):
                frame = edge_at(server.url).collect(WEB, self.events(20, 5_000))
        assert "sending it again may count it twice" in frame["advice"][0]
        assert frame.attrs["outcomes"] == {"may have arrived; not sent again": 12, "accepted": 8}
        first = frame["request"] == 0
        assert set(frame[first]["outcome"]) == {"may have arrived; not sent again"}
        assert set(frame[~first]["outcome"]) == {"accepted"}

    def test_sign_out_between_requests_marks_events_as_not_sent(self, simulate: Any) -> None:
        simulator = simulate(seed="empty")
        session = sign_in(simulator)

        def sign_out_after_one(request: Any) -> Any:
            if simulator.requests:
                session._auth.forget()
            return signer(request)

        signer = session.edge_client.signer
        once = EdgeClient(
            session.edge_client.transport,
            _Signer(sign_out_after_one),
            session.edge_client.edge_url,
            session.edge_client.server_url,
            session.service,
            session.org_id,
        )
        simulator.requests.clear()
        visitor = Edge(SimpleNamespace(edge_client=once)).visitor(WEB)
        with pytest.warns(DeliveryWarning, match="8 not sent"):
            frame = visitor.collect(self.events(20, 5_000))
        assert frame[frame["request"] == 0]["outcome"].unique().tolist() == ["accepted"]
        assert frame[frame["request"] == 1]["outcome"].unique().tolist() == ["not sent"]
        assert "signed out" in frame["advice"].iloc[-1]


class _Signer:
    def __init__(self, sign: Any) -> None:
        self._sign = sign

    def __call__(self, request: Any) -> Any:
        return self._sign(request)

    def renew(self, refused: Any) -> bool:
        return False


class TestFrames:
    def frame(self, **more: Any) -> pd.DataFrame:
        columns = {
            "eventType": ["view", "click"],
            "web.webPageDetails.name": ["home", None],
            "timestamp": pd.to_datetime(["2026-01-01T00:00:00Z", None], utc=True),
            "data.price": [9.5, np.nan],
            "data.count": pd.array([1, None], dtype="Int64"),
            "identityMap.Email": ["a@b.test", "c@d.test"],
        }
        return pd.DataFrame({**columns, **more})

    def sent(self, demo: Any) -> list[dict[str, Any]]:
        return json.loads(last(demo).body)["events"]

    def test_dotted_columns_nest_and_missing_values_are_omitted(self, demo: Any, edge: Any) -> None:
        edge.collect(WEB, self.frame())
        first, second = self.sent(demo)
        assert first == {
            "xdm": {
                "eventType": "view",
                "web": {"webPageDetails": {"name": "home"}},
                "timestamp": "2026-01-01T00:00:00.000Z",
                "identityMap": {"Email": [{"id": "a@b.test", "primary": True}]},
            },
            "data": {"price": 9.5, "count": 1},
        }
        assert second == {
            "xdm": {
                "eventType": "click",
                "identityMap": {"Email": [{"id": "c@d.test", "primary": True}]},
            }
        }

    def test_primary_namespace_can_be_chosen(self, demo: Any, edge: Any) -> None:
        edge.collect(WEB, self.frame(**{"identityMap.CRM": ["1", "2"]}), primary="CRM")
        identities = self.sent(demo)[0]["xdm"]["identityMap"]
        assert (identities["Email"][0]["primary"], identities["CRM"][0]["primary"]) == (False, True)

    @pytest.mark.parametrize(
        ("changes", "primary", "says"),
        [
            ({"identityMap.Email": ["a", None]}, None, "Row 1 has no identity"),
            ({"identityMap.CRM": ["1", None]}, "CRM", "Row 1 has no value in identityMap.CRM"),
            ({}, "Phone", "no column identityMap.Phone for primary='Phone'. Choose from: Email"),
            ({}, "identityMap.email", "Did you mean Email"),
            ({"identitymap.Phone": ["1", "2"]}, None, "has a capital M"),
            ({"data": [1, 2]}, None, "The column 'data' holds whole members"),
            ({"web..x": [1, 2]}, None, "two dots in a row"),
            ({" web.x": [1, 2]}, None, "begins or ends with a space"),
            (
                {"identityMap.Email": [True, "a"]},
                None,
                "Row 0 has a value of type bool in identityMap.Email",
            ),
            ({"identityMap.Email": ["a", [1]]}, None, "Row 1 has a value of type list"),
            ({"identityMap.Email": ["", "a"]}, None, "Row 0 has empty text"),
            ({"identityMap.CRM": [1.5, 2.0]}, None, r"Row 0 has 1.5 in identityMap.CRM.*dtype="),
            ({"identityMap.CRM": [1e19, 2.0]}, None, "digits were lost"),
            (
                {"timestamp": [1782900000, 1782900001]},
                None,
                'unit="s", utc=True\\).* 1 more has a problem',
            ),
            ({"timestamp": [1782900000000, 1]}, None, 'unit="ms"'),
            (
                {"timestamp": pd.to_datetime(["2026-01-01", "2026-01-02"])},
                None,
                r'Row 0 has a timestamp without .* = frame\["timestamp"\].dt.tz_localize',
            ),
            (
                {"timestamp": ["2026-01-01 10:00", None]},
                None,
                "Row 0 has the timestamp .*pd.to_datetime",
            ),
            ({"identityMap": [{"Email": [{"id": "a"}]}] * 2}, None, "contradict each other"),
            ({"web": ["x", "y"]}, None, "contradict each other"),
            (
                {"identityMap.Phone.id": ["1", "2"]},
                None,
                "Invalid identity column 'identityMap.Phone.id'",
            ),
            (
                {"data.odd": [object(), 1]},
                None,
                r"Event 0 cannot be sent as JSON: data.odd is of type object",
            ),
        ],
    )
    def test_invalid_rows_are_named_and_nothing_is_sent(
        self, demo: Any, edge: Any, changes: dict[str, Any], primary: str | None, says: str
    ) -> None:
        demo.requests.clear()
        with pytest.raises(ArgumentError, match=says):
            edge.collect(WEB, self.frame(**changes), primary=primary)
        assert not demo.requests

    @pytest.mark.parametrize("dry_run", [False, True])
    def test_frame_without_identities_is_refused_before_any_request(
        self, demo: Any, edge: Any, dry_run: bool
    ) -> None:
        demo.requests.clear()
        frame = self.frame().drop(columns="identityMap.Email")
        with pytest.raises(
            ArgumentError, match=r"Row 0 has no identity. Add a column such as identityMap.Email"
        ):
            edge.collect(WEB, frame, dry_run=dry_run)
        assert not demo.requests
        assert len(edge.collect(WEB, frame, authenticated=False)) == 2

    def test_column_of_identity_maps_is_checked(self, demo: Any, edge: Any) -> None:
        frame = self.frame().drop(columns="identityMap.Email")
        frame["identityMap"] = [{"Email": [{"id": "a"}]}] * 2
        with pytest.raises(ArgumentError, match="Row 0 has no primary identity"):
            edge.collect(WEB, frame)

    def test_integral_floats_become_integer_ids(self, demo: Any, edge: Any) -> None:
        edge.collect(WEB, self.frame(**{"identityMap.CRM": [1234567.0, np.nan]}), primary=None)
        assert self.sent(demo)[0]["xdm"]["identityMap"]["CRM"] == [
            {"id": "1234567", "primary": False}
        ]
        assert "CRM" not in self.sent(demo)[1]["xdm"]["identityMap"]

    def test_named_index_is_refused(self, edge: Any) -> None:
        with pytest.raises(
            ArgumentError, match=r"index of the frame has names \(eventType\).*reset_index"
        ):
            edge.collect(WEB, self.frame().set_index("eventType"))

    def test_message_names_row_by_position_and_index(self, edge: Any) -> None:
        frame = self.frame(**{"identityMap.Email": ["a", None]})
        frame.index = pd.Index([10, 20])
        with pytest.raises(ArgumentError, match=r"Row 1 \(index 20\) has no identity"):
            edge.collect(WEB, frame)

    def test_column_name_that_is_not_text_is_refused(self, edge: Any) -> None:
        with pytest.raises(ArgumentError, match="Expected column names that are text, got 7"):
            edge.collect(WEB, self.frame().assign(more=1).rename(columns={"more": 7}))

    def test_duplicate_columns_are_refused(self, edge: Any) -> None:
        frame = self.frame()
        with pytest.raises(ArgumentError, match="two columns 'eventType'"):
            edge.collect(WEB, pd.concat([frame, frame[["eventType"]]], axis=1))

    def test_without_authentication_rows_need_no_identity(self, demo: Any, edge: Any) -> None:
        edge.collect(WEB, self.frame(**{"identityMap.Email": [None, "a"]}), authenticated=False)
        assert "identityMap" not in self.sent(demo)[0]["xdm"]

    def test_empty_frame_is_refused(self, edge: Any) -> None:
        with pytest.raises(ArgumentError, match="no event to send"):
            edge.collect(WEB, self.frame().head(0))


class TestWholeRequests:
    """As they stand on Adobe's pages."""

    QUERY = {"identity": {"fetch": ["ECID"]}, "personalization": {"decisionScopes": ["home"]}}
    META = {
        "state": {
            "domain": "shop.example",
            "entries": [{"key": "kndctr_0_AdobeOrg_optout", "value": ""}],
        }
    }

    @pytest.mark.parametrize(
        ("request_", "sent"),
        [
            ({"event": PAGE_VIEW, "query": QUERY}, {"event": PAGE_VIEW, "query": QUERY}),
            (
                {"query": QUERY, "meta": META, "event": PAGE_VIEW},
                {"event": PAGE_VIEW, "query": QUERY, "meta": META},
            ),
            ({"events": [PAGE_VIEW], "query": QUERY}, {"event": PAGE_VIEW, "query": QUERY}),
            ({"event": PAGE_VIEW}, {"event": PAGE_VIEW}),
        ],
    )
    def test_interact_sends_event_with_query_and_meta(
        self, demo: Any, edge: Any, request_: Any, sent: Any
    ) -> None:
        frame = edge.interact(WEB, request_)
        assert json.loads(last(demo).body) == sent
        assert ("personalization:decisions" in frame["type"].tolist()) == ("query" in sent)
        assert edge.interact(WEB, request_, dry_run=True)["body"].map(json.loads).tolist() == [sent]
        assert (
            json.loads(edge.as_curl("interact", WEB, request_).partition("-d '")[2].rstrip("'"))
            == sent
        )

    @pytest.mark.parametrize(
        ("request_", "sent"),
        [
            (
                {"events": [PAGE_VIEW, PAGE_VIEW], "meta": META},
                {"events": [PAGE_VIEW, PAGE_VIEW], "meta": META},
            ),
            ({"event": PAGE_VIEW, "query": QUERY}, {"events": [PAGE_VIEW], "query": QUERY}),
            (PAGE_VIEW, {"events": [PAGE_VIEW]}),
        ],
    )
    def test_collect_sends_events_of_whole_request(
        self, demo: Any, edge: Any, request_: Any, sent: Any
    ) -> None:
        frame = edge.collect(WEB, request_)
        assert json.loads(last(demo).body) == sent
        assert len(frame) == len(sent["events"])
        assert (
            json.loads(edge.as_curl("collect", WEB, request_).partition("-d '")[2].rstrip("'"))
            == sent
        )

    def test_duplicate_query_is_refused(self, edge: Any) -> None:
        with pytest.raises(
            ArgumentError, match=r"query is in the request and in query=\. Pass it once"
        ):
            edge.interact(WEB, {"event": PAGE_VIEW, "query": self.QUERY}, query=self.QUERY)
        with pytest.raises(ArgumentError, match="not both"):
            edge.interact(WEB, {"event": PAGE_VIEW}, xdm={})

    def test_visitor_state_is_added_to_meta_of_request(self, demo: Any, edge: Any) -> None:
        visitor = edge.visitor(WEB, state={"kndctr_0_AdobeOrg_optout": "in"})
        visitor.interact({"event": PAGE_VIEW, "meta": self.META})
        assert json.loads(last(demo).body)["meta"] == {
            "state": {
                "domain": "shop.example",
                "entries": [{"key": "kndctr_0_AdobeOrg_optout", "value": "in"}],
            }
        }
        with pytest.raises(ArgumentError, match="meta.state must be a dict, such as"):
            visitor.interact(PAGE_VIEW, meta={"state": {"entries": 5}})

    def test_identity_in_meta_is_enough_for_a_batch(self, demo: Any, edge: Any) -> None:
        nobody = {"xdm": {"eventType": "view"}}
        meta = {"state": {"entries": [{"key": "kndctr_0_AdobeOrg_identity", "value": "x"}]}}
        assert edge.collect(WEB, [nobody], meta=meta)["outcome"].tolist() == ["accepted"]

    @pytest.mark.parametrize("column", ["query.identity.fetch", "meta.state", "query", "meta"])
    def test_query_and_meta_columns_are_refused(self, edge: Any, column: str) -> None:
        frame = pd.DataFrame(
            {"eventType": ["view"], "identityMap.Email": ["a@b.test"], column: ["x"]}
        )
        with pytest.raises(
            ArgumentError, match="belongs beside the events, not inside. Pass (query|meta)="
        ):
            edge.collect(WEB, frame)


class TestForwarding:
    BROWSER = {
        "user-agent": "Mozilla/5.0",
        "X-Forwarded-For": "192.0.2.7",
        "Sec-CH-UA-Platform": '"Linux"',
        "Accept-Language": None,
    }
    SENT = {
        "user-agent": "Mozilla/5.0",
        "x-forwarded-for": "192.0.2.7",
        "sec-ch-ua-platform": '"Linux"',
    }

    @pytest.mark.parametrize("authenticated", [True, False])
    def test_browser_headers_are_forwarded(self, demo: Any, edge: Any, authenticated: bool) -> None:
        how = {"authenticated": authenticated, "headers": self.BROWSER}
        visitor = edge.visitor(WEB, **how)
        for send in (
            lambda: edge.interact(WEB, PAGE_VIEW, **how),
            lambda: edge.collect(WEB, [PAGE_VIEW], **how),
            lambda: visitor.interact(PAGE_VIEW),
            lambda: visitor.collect([PAGE_VIEW]),
        ):
            send()
            headers = last(demo).headers
            assert {name: headers[name] for name in self.SENT} == self.SENT
            assert "accept-language" not in headers
            assert ("authorization" in headers) == authenticated
            assert headers["content-type"] == "application/json"

    def test_dry_run_names_headers_to_be_sent(self, edge: Any) -> None:
        headers = {"x-api-key": None, "User-Agent": "Mozilla/5.0"}
        shown = edge.interact(WEB, PAGE_VIEW, headers=headers, dry_run=True)
        assert shown["headers"].tolist() == [
            "Authorization, x-gw-ims-org-id, Content-Type, User-Agent"
        ]

    def test_refused_token_is_renewed_when_headers_are_forwarded(self, simulate: Any) -> None:
        simulator = simulate(seed="empty")
        session = sign_in(simulator)
        simulator.ims.revoke(simulator.ims.issued[-1])
        assert (
            len(session.edge.interact(WEB, PAGE_VIEW, headers={"User-Agent": "Mozilla/5.0"})) == 5
        )


def answering(status: int, body: bytes, kind: str = "application/json") -> Any:
    """A server that answers every event so."""

    def answer(got: Got) -> Answer:
        if got.path.startswith("/ims/"):
            return Answer(200, b'{"access_token": "t", "expires_in": 99}')
        return Answer(status, body, {"Content-Type": kind, "Retry-After": "0"})

    return stub(answer)


def answered(handle: object, **more: object) -> bytes:
    return json.dumps({"requestId": "r", "handle": handle, **more}).encode()


DEEP = b"[" * 100_000 + b"]" * 100_000


class TestOddAnswers:
    def rows(self, body: bytes) -> list[list[Any]]:
        with answering(200, body) as server:
            frame = edge_at(server.url).interact(WEB, PAGE_VIEW)
        assert {str(dtype) for dtype in frame.dtypes} == {"string"}
        return (
            frame[["type", "scope", "content", "code"]]
            .astype(object)
            .where(frame.notna(), None)
            .values.tolist()
        )

    def test_each_item_of_a_handle_is_a_row(self) -> None:
        handle = [
            {"type": "a", "payload": {"k": 1}},
            {"type": "b", "payload": "text"},
            {"type": "c", "payload": [{"scope": "s", "x": 1}, 2, None]},
            {"type": "d", "payload": None},
            {"type": "e", "payload": []},
            {"type": "f"},
            {"type": 5, "payload": [{"scope": ["s"], "x": "\ud800"}]},
            "text",
            None,
        ]
        assert self.rows(answered(handle)) == [
            ["a", None, '{"k":1}', None],
            ["b", None, '"text"', None],
            ["c", "s", '{"x":1}', None],
            ["c", None, "2", None],
            ["c", None, "null", None],
            ["d", None, "null", None],
            ["f", None, "{}", None],
            ["5", '["s"]', '{"x":"\\ud800"}', None],
            [None, None, '"text"', None],
            [None, None, "null", None],
        ]

    @pytest.mark.parametrize(
        ("handle", "rows"),
        [
            (None, []),
            ({"type": "a", "payload": 1}, [["a", None, "1", None]]),
            ("x", [[None, None, '"x"', None]]),
        ],
    )
    def test_handle_that_is_not_a_list_is_read(self, handle: object, rows: list[Any]) -> None:
        assert self.rows(answered(handle)) == rows

    def test_errors_and_warnings_of_any_shape_are_rows(self) -> None:
        errors = [
            5,
            {
                "type": "https://ns.adobe.com/aep/errors/EXEG-0201-503",
                "report": {"cause": {"message": [1]}},
            },
        ]
        rows = self.rows(answered([], errors=errors, warnings="careful"))
        assert [row[0] for row in rows] == ["error", "error", "warning"]
        assert [row[3] for row in rows] == [None, "EXEG-0201-503", None]
        assert rows[2][2] == '"careful"'

    def test_batch_with_malformed_errors_is_not_reported_as_accepted(self) -> None:
        with answering(207, b'{"requestId": "r\\ud800", "errors": "down"}') as server:
            frame = edge_at(server.url).collect(WEB, [PAGE_VIEW])
        assert frame["outcome"].tolist() == ["accepted, but a downstream service failed"]
        assert frame["request_id"].tolist() == ["r\\ud800"]

    @pytest.mark.parametrize(
        ("status", "body", "kind", "says"),
        [
            (200, DEEP, "application/json", "JSON that is nested too deep"),
            (200, b'{"requestId": "r", "x": "\xff"}', "application/json", "not valid UTF-8"),
            (200, b"[]", "application/json", "JSON that is not an object"),
            (200, b"{}", "application/json", "JSON without a request id"),
            (200, b'{"requestId": 5}', "application/json", "JSON without a request id"),
            (200, b'{"requestId": null}', "application/json", "JSON without a request id"),
            (200, b"", "application/json", "instead of a response of the Edge Network"),
            (
                200,
                b"<html>hush</html>",
                "text/html",
                "200 and text/html instead of a response of the Edge Network",
            ),
            (202, b"1" * 5000, "application/json", "instead of a response of the Edge Network"),
        ],
    )
    def test_foreign_response_is_not_a_receipt(
        self, status: int, body: bytes, kind: str, says: str
    ) -> None:
        with answering(status, body, kind) as server:
            edge = edge_at(server.url)
            for send in (
                lambda: edge.interact(WEB, PAGE_VIEW),
                lambda: edge.interact(WEB, PAGE_VIEW, raw=True),
                lambda: edge.collect(WEB, [PAGE_VIEW]),
                lambda: edge.visitor(WEB).interact(PAGE_VIEW),
            ):
                with pytest.raises(IncompleteResult, match=says) as caught:
                    send()
                assert "hush" not in str(caught.value)
                assert "It is not known whether the event arrived" in str(caught.value)

    def test_empty_response_is_a_receipt_for_collect_only(self) -> None:
        with answering(204, b"") as server:
            edge = edge_at(server.url)
            assert edge.collect(WEB, [PAGE_VIEW])["outcome"].tolist() == ["accepted"]
            with pytest.raises(IncompleteResult, match="204"):
                edge.interact(WEB, PAGE_VIEW)

    def test_events_may_have_arrived_when_a_page_answers(self) -> None:
        def second_is_a_page(got: Got) -> Answer:
            if got.path.startswith("/ims/"):
                return Answer(200, b'{"access_token": "t", "expires_in": 99}')
            if b'"number":0' in got.body:
                return Answer(200, b"<html>", {"Content-Type": "text/html"})
            return Answer(202, b'{"requestId": "r-1"}', {"Content-Type": "application/json"})

        events = [
            {**PAGE_VIEW, "data": {"number": number, "fill": "x" * 40_000}} for number in range(2)
        ]
        with stub(second_is_a_page) as server, pytest.warns(DeliveryWarning):
            frame = edge_at(server.url).collect(WEB, events)
        assert frame["outcome"].tolist() == ["may have arrived; not sent again", "accepted"]

    def test_visitor_keeps_only_valid_state_and_hints(self) -> None:
        handle = [
            {
                "type": "state:store",
                "payload": [
                    {"key": 5, "value": "x"},
                    {"key": "a", "value": None},
                    {"key": "gone", "value": "x", "maxAge": 0},
                    {"key": "kept", "value": "x", "maxAge": "soon"},
                    {"key": "long", "value": "x", "maxAge": 10**400},
                    "x",
                ],
            },
            {
                "type": "locationHint:result",
                "payload": [
                    {"scope": "EdgeNetwork", "hint": "../../x", "ttlSeconds": 1800},
                    {"scope": "EdgeNetwork"},
                    {"scope": "EdgeNetwork", "hint": "or2", "ttlSeconds": None},
                    5,
                ],
            },
            {"type": ["state:store"], "payload": "x"},
        ]
        with answering(200, answered(handle)) as server:
            visitor = edge_at(server.url).visitor(WEB)
            visitor.interact(PAGE_VIEW)
        assert visitor.state == {"kept": "x", "long": "x"}
        assert visitor.hint == "or2"


class TestRefusalsOfOtherShapes:
    def refused(self, status: int, document: object, **how: Any) -> EdgeError:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        with answering(status, body) as server, pytest.raises(EdgeError) as caught:
            edge_at(server.url).interact(WEB, PAGE_VIEW, **how)
        return caught.value

    def test_refusal_of_gateway_is_explained_as_for_reactor(self) -> None:
        error = self.refused(403, {"error_code": "403025", "message": "Profile is not valid"})
        cause, fix = explanation("403025")
        assert str(error) == (
            "POST /ee/v2/interact was answered with 403 403025 (Profile is not valid). "
            f"{cause} {fix}"
        )
        assert (error.code, error.cause, error.fix) == ("403025", cause, fix)

    @pytest.mark.parametrize(
        ("status", "document", "says"),
        [
            (
                403,
                {"error_code": "403221", "message": "Forbidden"},
                "no product profile of Experience Platform",
            ),
            (
                401,
                {"error_code": 401013, "message": "Oauth token is not valid"},
                "401013 .*Sign in again",
            ),
            (403, {"error_code": "403999", "message": "New"}, 'says: "New". Check the credentials'),
            (418, {"teapot": True}, "no known code, only these members: teapot"),
            (400, {"message": ["\ud800"]}, r"\\ud800"),
            (408, {"message": "Timeout"}, "not known whether the event arrived"),
            (
                400,
                {"type": "https://ns.adobe.com/aep/errors/EXEG-0104-422", "report": {"errors": 5}},
                '"5"',
            ),
            (
                400,
                {
                    "type": "https://ns.adobe.com/aep/errors/EXEG-0104-422",
                    "detail": {"a": 1},
                    "report": 1,
                },
                '{"a":1}',
            ),
            (400, {"type": 5, "errors": 7}, "these members: type, errors"),
            (400, DEEP, "not the Edge Network's"),
        ],
    )
    def test_refusal_of_unknown_shape_is_described(
        self, status: int, document: object, says: str
    ) -> None:
        error = self.refused(status, document)
        assert re.search(says, str(error)), str(error)
        assert "proxy" not in str(error) or document is DEEP
        str(error).encode()

    def test_codes_in_errors_of_a_document_are_explained(self) -> None:
        problems = [
            {"title": "Something else"},
            {"type": "https://ns.adobe.com/aep/errors/EXEG-0104-422", "detail": "Look at xdm.web."},
            {"type": "https://ns.adobe.com/aep/errors/EXEG-0305-400"},
        ]
        error = self.refused(422, {"requestId": "r-1", "handle": [], "errors": problems})
        assert error.code == "EXEG-0104-422"
        assert 'The service says: "Look at xdm.web".' in str(error)
        assert "Further errors: EXEG-0305-400." in str(error)
        assert (error.request_id, len(error.errors)) == ("r-1", 3)

    def test_title_is_quoted_as_received(self) -> None:
        problem = {
            "type": "https://ns.adobe.com/aep/errors/EXEG-0506-401",
            "title": "Sandbox not accessible for write",
        }
        assert "EXEG-0506-401 (Sandbox not accessible for write)" in str(self.refused(401, problem))

    @pytest.mark.parametrize(
        ("status", "document", "outcome"),
        [
            (
                504,
                {"error_code": "504000", "message": "Gateway timeout"},
                "may have arrived; not sent again",
            ),
            (500, {"errors": [{"type": "EXEG-0202-502"}]}, "may have arrived; not sent again"),
            (500, {"type": "https://ns.adobe.com/aep/errors/EXEG-0001-500"}, "refused"),
            (403, {"error_code": "403025"}, "refused"),
        ],
    )
    def test_only_a_fatal_code_means_that_nothing_arrived(
        self, status: int, document: object, outcome: str
    ) -> None:
        def one_fails(got: Got) -> Answer:
            if got.path.startswith("/ims/"):
                return Answer(200, b'{"access_token": "t", "expires_in": 99}')
            if b'"number":0' in got.body:
                return Answer(
                    status, json.dumps(document).encode(), {"Content-Type": "application/json"}
                )
            return Answer(202, b'{"requestId": "r-1"}', {"Content-Type": "application/json"})

        events = [
            {**PAGE_VIEW, "data": {"number": number, "fill": "x" * 40_000}} for number in range(2)
        ]
        with stub(one_fails) as server, pytest.warns(DeliveryWarning):
            assert edge_at(server.url).collect(WEB, events)["outcome"][0] == outcome

    @pytest.mark.parametrize("request_id", ["a\nb", "\ud800", 5, ["x"]])
    def test_request_id_requires_printable_text(self, edge: Any, request_id: Any) -> None:
        for call in (
            edge.interact,
            lambda _, event, **how: edge.visitor(WEB).interact(event, **how),
        ):
            with pytest.raises(ArgumentError, match="request_id must be printable ASCII text"):
                call(WEB, PAGE_VIEW, request_id=request_id)


class TestVisitor:
    def test_starts_with_state_of_a_browser(self, demo: Any, edge: Any) -> None:
        name = f"kndctr_{demo.accounts['demo'].org_id.replace('@', '_')}"
        cookies = {f"{name}_identity": "Q0hBTkdF", f"{name}_cluster": "irl1"}
        visitor = edge.visitor(WEB, state=cookies)
        assert (visitor.state, visitor.hint) == (cookies, "irl1")
        frame = visitor.interact({"xdm": {"eventType": "view"}})
        request = last(demo)
        assert request.path == "/ee/irl1/v2/interact"
        entries = json.loads(request.body)["meta"]["state"]["entries"]
        assert {entry["key"]: entry["value"] for entry in entries} == cookies
        # The person is known: no new identity is made.
        assert (frame["type"] == "state:store").sum() == 1
        assert visitor.state[f"{name}_identity"] == "Q0hBTkdF"

    def test_starts_in_the_given_region(self, demo: Any, edge: Any) -> None:
        visitor = edge.visitor(
            WEB, state={"kndctr_0_AdobeOrg_cluster": "va6"}, location_hint="jpn3"
        )
        visitor.interact(PAGE_VIEW)
        assert last(demo).path == "/ee/jpn3/v2/interact"

    def test_state_of_one_visitor_starts_another(self, edge: Any) -> None:
        first = edge.visitor(WEB)
        first.interact({"xdm": {"eventType": "view"}})
        second = edge.visitor(WEB, state=first.state)
        assert second.collect([{"xdm": {"eventType": "view"}}])["outcome"].tolist() == ["accepted"]
        assert second.hint == first.hint

    @pytest.mark.parametrize(
        ("how", "says"),
        [
            (
                {"state": {"sessionid": "hush"}},
                "whose names begin with kndctr_, not 'sessionid'. Select them",
            ),
            ({"state": "kndctr_0_AdobeOrg_identity=hush"}, "state= must be a dict of cookies"),
            ({"state": {"kndctr_0_AdobeOrg_identity": None}}, "must be text, not None"),
            ({"location_hint": "../x"}, "location_hint= must be a region"),
            ({"location_hint": 5}, "location_hint= must be a region"),
            ({"location_hint": ""}, "location_hint= must be a region"),
        ],
    )
    def test_invalid_cookies_and_regions_are_refused(self, edge: Any, how: Any, says: str) -> None:
        with pytest.raises(ArgumentError, match=says) as caught:
            edge.visitor(WEB, **how)
        assert "hush" not in str(caught.value)

    def test_batch_requires_an_identity_in_the_state(self, edge: Any) -> None:
        visitor = edge.visitor(WEB, state={"kndctr_0_AdobeOrg_cluster": "irl1"})
        with pytest.raises(ArgumentError, match="Event 0 has no identity"):
            visitor.collect([{"xdm": {"eventType": "view"}}])

    def test_state_entries_expire(self, edge: Any) -> None:
        visitor = edge.visitor(WEB)
        visitor.interact(PAGE_VIEW)
        began = time.monotonic()
        visitor._now = lambda: began + 3600
        assert [name.rpartition("_")[2] for name in visitor.state] == ["identity"]

    def test_sends_state_and_hint_of_the_last_response(self, demo: Any, edge: Any) -> None:
        visitor = edge.visitor(WEB)
        first = visitor.interact(PAGE_VIEW)
        assert visitor.hint == "va6"
        assert len(visitor.state) == 2
        second = visitor.interact(PAGE_VIEW)
        assert last(demo).path == "/ee/va6/v2/interact"
        entries = json.loads(last(demo).body)["meta"]["state"]["entries"]
        assert {entry["key"] for entry in entries} == set(visitor.state)
        # The identity is stored once; then only the cluster comes back.
        assert (first["type"] == "state:store").sum() == 2
        assert (second["type"] == "state:store").sum() == 1

    def test_refused_hint_is_dropped_and_request_repeated(self, demo: Any, edge: Any) -> None:
        visitor = edge.visitor(WEB)
        visitor.interact(PAGE_VIEW)
        visitor._hint = ("gone1", visitor._hint[1])
        assert len(visitor.interact(PAGE_VIEW)) == 4
        assert last(demo).path == "/ee/v2/interact"

    def test_hint_expires(self, edge: Any) -> None:
        visitor = edge.visitor(WEB)
        visitor.interact(PAGE_VIEW)
        visitor._now = lambda: visitor._hint[1] + 1
        assert visitor.hint is None

    def test_two_visitors_have_separate_state(self, edge: Any) -> None:
        one, two = edge.visitor(WEB), edge.visitor(WEB)
        event = {"xdm": {"eventType": "view"}}
        one.interact(event)
        two.interact(event)
        assert one.state != two.state

    def test_dry_run_shows_state_and_sends_nothing(self, demo: Any, edge: Any) -> None:
        visitor = edge.visitor(WEB)
        visitor.interact(PAGE_VIEW)
        demo.requests.clear()
        for shown in (
            visitor.interact(PAGE_VIEW, dry_run=True),
            visitor.collect([PAGE_VIEW], dry_run=True),
        ):
            assert "/ee/va6/v2/" in shown["url"][0]
            assert "state" in json.loads(shown["body"][0])["meta"]
        assert not demo.requests

    def test_batch_without_identities_requires_a_first_response(self, edge: Any) -> None:
        visitor = edge.visitor(WEB)
        nobody = {"xdm": {"eventType": "view"}}
        with pytest.raises(ArgumentError, match=r"Start with visitor.interact\(event\), or add"):
            visitor.collect([nobody])
        with pytest.raises(
            ArgumentError, match=r"Start with visitor.interact\(event\), or add a column"
        ):
            visitor.collect(pd.DataFrame({"eventType": ["view"]}))
        visitor.interact(nobody)
        assert (
            visitor.collect([nobody], request_id="mine")["request_id"].str.startswith("mine-").all()
        )

    def test_collect_sends_state_of_the_visitor(self, demo: Any, edge: Any) -> None:
        visitor = edge.visitor(WEB, authenticated=False)
        visitor.interact(PAGE_VIEW)
        assert visitor.collect([PAGE_VIEW])["outcome"].tolist() == ["accepted"]
        assert "state" in json.loads(last(demo).body)["meta"]


class TestCodes:
    def test_all_codes_of_adobe_are_listed_with_their_facts(self) -> None:
        if not SHARED.exists():
            pytest.skip("Adobe's list of codes is not beside this checkout")
        facts = {
            row["code"]: row for row in json.loads(SHARED.read_text(encoding="utf-8"))["errors"]
        }
        assert set(edge_codes()) == set(facts)
        for code, row in edge_codes().items():
            fact = facts[code]
            assert (row.title, row.fatal, row.status) == (
                fact["title"],
                fact["fatal"],
                fact["response_status"],
            ), code
            assert fact["cause"] != row.cause, "in our own words"
            assert fact["fix"] != row.fix, code

    def test_errors_and_explain_are_frames(self, edge: Any) -> None:
        assert len(edge.errors()) == 46
        row = edge.explain("EXEG-0503-401")
        assert row["title"].tolist() == ["Authorization token expired"]
        assert edge.explain("https://ns.adobe.com/aep/errors/exeg-0503-401").equals(row)

    @pytest.mark.parametrize(
        ("seen", "codes"),
        [
            ("Invalid authorization token", ["EXEG-0500-401", "EXEG-0502-401", "EXEG-0503-401"]),
            ("Required product context is missing", ["EXEG-0504-401"]),
            ("required authorization token scope is missing", ["EXEG-0505-401"]),
            ("Sandbox not accessible for write", ["EXEG-0506-401"]),
            ("not accessible  for", ["EXEG-0506-401"]),
            ("Missing sandbox write permissions", ["EXEG-0506-401"]),
            ("Invalid request", ["EXEG-0111-415", "EXEG-0112-413", "EXEG-0113-400"]),
            ("401 EXEG-0503-401 (Authorization token expired).", ["EXEG-0503-401"]),
        ],
    )
    def test_explain_accepts_titles_messages_and_parts(
        self, edge: Any, seen: str, codes: list[str]
    ) -> None:
        assert edge.explain(seen)["code"].tolist() == codes

    def test_errors_has_message_beside_title(self, edge: Any) -> None:
        errors = edge.errors().set_index("code")
        assert errors["message"]["EXEG-0506-401"] == "Sandbox not accessible for write"
        assert errors["title"]["EXEG-0506-401"] == "Missing sandbox write permissions"
        assert errors["message"]["EXEG-0004-422"] == "Datastream disabled"
        assert errors["message"].notna().all()

    @pytest.mark.parametrize(
        ("code", "says"),
        [
            ("EXEG-0503-400", "Did you mean EXEG-0503-401"),
            ("x", "lists them all"),
            ("503", "Pass the whole code"),
            ("", "lists them all"),
            ("403025", "a code of Adobe's gateway: The token"),
        ],
    )
    def test_unknown_code_is_refused(self, edge: Any, code: str, says: str) -> None:
        with pytest.raises(ArgumentError, match=says):
            edge.explain(code)

    def test_as_curl_has_placeholders_and_valid_json(self, edge: Any, demo: Any) -> None:
        command = edge.as_curl("interact", WEB, {"data": {"a": "it's"}})
        assert "Bearer {ACCESS_TOKEN}" in command
        assert f"/ee/v2/interact?datastreamId={WEB}" in command
        assert "it'\\''s" in command
        assert demo.accounts["demo"].client_id not in command
        assert "Authorization" not in edge.as_curl("collect", WEB, PAGE_VIEW, authenticated=False)

    def test_as_curl_shows_a_batch_of_dicts_or_rows(self, edge: Any) -> None:
        frame = pd.DataFrame({"eventType": ["view"], "identityMap.Email": ["a@b.test"]})
        assert '"eventType": "view"' in edge.as_curl("collect", WEB, frame)
        assert edge.as_curl("collect", WEB, [PAGE_VIEW, PAGE_VIEW]).count("eventType") == 2

    @pytest.mark.parametrize(
        ("endpoint", "event", "says"),
        [
            ("send", PAGE_VIEW, "Invalid endpoint 'send'"),
            ("interact", [PAGE_VIEW], "use edge.collect"),
            ("collect", [{**PAGE_VIEW, "data": {"a": "x" * 40_000}}] * 2, "these events need 2"),
        ],
    )
    def test_as_curl_refuses_more_than_one_request(
        self, edge: Any, endpoint: Any, event: Any, says: str
    ) -> None:
        with pytest.raises(ArgumentError, match=says):
            edge.as_curl(endpoint, WEB, event)


def test_edge_never_shows_a_secret(demo: Any, edge: Any) -> None:
    token = demo.expired_token()
    RECORDER.secrets.add(token)
    with pytest.raises(EdgeError) as caught:
        edge.interact(WEB, PAGE_VIEW, headers={"Authorization": f"Bearer {token}"})
    RECORDER.lines += [
        str(caught.value),
        repr(edge),
        repr(vars(caught.value)),
        repr(edge._session.edge_client),
    ]
    assert token not in RECORDER.lines[-2]
