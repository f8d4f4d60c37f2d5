"""The Edge Network: events sent with the three headers from a server, or without them as a browser
does.

Source: https://developer.adobe.com/data-collection-apis/docs/
"""

import json
import math
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, overload

import pandas as pd

from adobe_nb.api.edge.client import (
    Call,
    Document,
    EdgeClient,
    Endpoint,
    HasEdgeClient,
    Outcome,
    call_of,
    checked_request_id,
    send,
    send_all,
)
from adobe_nb.api.edge.error_catalog import EDGE_CODES, EDGE_GATEWAY, EdgeCode
from adobe_nb.api.edge.events import (
    Event,
    Events,
    batches,
    body_of,
    event_of,
    events_of,
    names_a_person,
    parts_of,
    with_state,
)
from adobe_nb.api.edge.frames import (
    answer_frame,
    codes_frame,
    handle_items,
    sent_frame,
    shown_frame,
)
from adobe_nb.api.edge.validation import (
    checked_hint,
    checked_state,
    client_headers,
    is_hint,
    refused,
)
from adobe_nb.api.reactor.client import CURL_HEADERS
from adobe_nb.errors import ArgumentError

_SHORTEST_PART = 4
"""Characters of a message that say enough to look for it."""
_HINT_SECONDS = 1800.0
"""How long a location hint is good, where no answer says it."""
_LONGEST = 10 * 365 * 86_400.0

__all__ = ["Edge", "EdgeClient", "Visitor"]


class Edge:
    """The Edge Network. ``interact`` sends one event and answers; ``collect`` sends many."""

    def __init__(self, session: HasEdgeClient) -> None:
        self._session = session

    def __repr__(self) -> str:
        return "<Edge: interact, collect, visitor, errors, explain, as_curl>"

    @overload
    def interact(
        self,
        datastream_id: str,
        event: Event | None = None,
        *,
        xdm: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        meta: Mapping[str, Any] | None = None,
        authenticated: bool = True,
        request_id: str | None = None,
        headers: Mapping[str, str | None] | None = None,
        dry_run: bool = False,
        raw: Literal[False] = False,
    ) -> pd.DataFrame: ...
    @overload
    def interact(
        self,
        datastream_id: str,
        event: Event | None = None,
        *,
        xdm: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        meta: Mapping[str, Any] | None = None,
        authenticated: bool = True,
        request_id: str | None = None,
        headers: Mapping[str, str | None] | None = None,
        dry_run: bool = False,
        raw: Literal[True],
    ) -> Document: ...
    def interact(
        self,
        datastream_id: str,
        event: Event | None = None,
        *,
        xdm: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        meta: Mapping[str, Any] | None = None,
        authenticated: bool = True,
        request_id: str | None = None,
        headers: Mapping[str, str | None] | None = None,
        dry_run: bool = False,
        raw: bool = False,
    ) -> pd.DataFrame | Document:
        """Send one event and get the answer: one row per payload item, error and warning.

        ``event`` is ``{"xdm": …, "data": …}``, or a whole request as Adobe's pages print it,
        ``{"event": …, "query": …}``; or give ``xdm`` and ``data`` apart. ``query`` (decisions,
        identities) and ``meta`` (state) stand beside the event. ``authenticated=False`` sends it to
        the edge host without the three headers, as a browser does.

        ``headers`` forwards those of the browser in whose name you send: User-Agent,
        X-Forwarded-For, Accept-Language, Referer, Sec-CH-…; its cookies go to ``edge.visitor``. Of
        the three headers it leaves one out (None) or replaces it, to meet an error on purpose.
        ``dry_run`` shows the request and sends nothing. ``raw`` gives the JSON document.

        Columns (all ``string``): request_id, type, scope, content (JSON text), code, advice; the
        last two for errors and warnings. Raises EdgeError when it was refused, ArgumentError before
        any request, NotSignedIn, TransportError.
        """
        call = call_of(
            "interact",
            datastream_id,
            authenticated=authenticated,
            request_id=request_id,
            headers=headers,
        )
        parts = parts_of(event, query, meta, one=True)
        body = body_of([event_of(parts.events, xdm, data)], parts.query, one=True, meta=parts.meta)
        client = self._session.edge_client
        if dry_run:
            return shown_frame(client, call, [body])
        outcome = send(client, call, body)
        if outcome.problem is not None:
            raise outcome.problem
        return outcome.document if raw else answer_frame(client, call, outcome)

    def collect(
        self,
        datastream_id: str,
        events: Events,
        *,
        query: Mapping[str, Any] | None = None,
        meta: Mapping[str, Any] | None = None,
        primary: str | None = None,
        authenticated: bool = True,
        silent: bool = False,
        request_id: str | None = None,
        headers: Mapping[str, str | None] | None = None,
        dry_run: bool = False,
    ) -> pd.DataFrame:
        """Send events; one row per event says what became of it.

        ``events`` is a list of dicts, one dict, a whole request as Adobe's pages print it
        (``{"events": […]}``), or a frame of one row per event: dotted columns are XDM members
        (``web.webPageDetails.name``), ``data.…`` go to data, ``identityMap.<namespace>`` hold ids
        (the first one with a value is primary, or the namespace named in ``primary``). Missing
        values are left out; times need a zone. ``query``, ``meta`` and ``headers`` are as in
        ``interact``.

        Split below 64 KB a request and sent at once. A request that may have arrived is not sent
        again.

        Columns: event, request, status (``Int64``), request_id, outcome, code, advice (``string``).
        Raises EdgeError when every request was refused, ArgumentError before any request,
        NotSignedIn, TransportError when none arrived.
        """
        call = call_of(
            "collect",
            datastream_id,
            authenticated=authenticated,
            request_id=request_id,
            silent=silent,
            headers=headers,
        )
        given = parts_of(events, query, meta)
        needed = authenticated and not names_a_person(given.meta)
        prepared = events_of(given.events, primary, identity_needed=needed)
        parts = batches(prepared, given.query, given.meta)
        client = self._session.edge_client
        bodies = [
            body_of([prepared[index] for index in part], given.query, meta=given.meta)
            for part in parts
        ]
        if dry_run:
            return shown_frame(client, call, bodies)
        outcomes = send_all(
            lambda body, part: send(client, call, body, part), bodies, parts, client
        )
        return sent_frame(client, call, parts, outcomes)

    def visitor(
        self,
        datastream_id: str,
        *,
        authenticated: bool = True,
        state: Mapping[str, str] | None = None,
        location_hint: str | None = None,
        headers: Mapping[str, str | None] | None = None,
    ) -> "Visitor":
        """One person's calls: keeps identity and location hint from answer to call.

        Begin with its ``interact`` when the events have no identities of their own. To go on for a
        browser that the Edge Network knows already, give its cookies
        ``kndctr_<ORG>_AdobeOrg_identity``, ``…_cluster`` and their like as ``state``. The region is
        the one in ``…_cluster``, unless ``location_hint`` names another. ``headers`` are the
        browser's that go along with each call: User-Agent, X-Forwarded-For, Accept-Language,
        Referer, Sec-CH-…. Raises ArgumentError for other cookies and headers.

        Example:
            >>> import adobe_nb
            >>> edge = adobe_nb.connect(simulator=True, make_default=False).edge
            >>> datastream_id = "8b0d3f0a-5f6e-4c1d-9a52-1c7e60f4d201"
            >>> edge.visitor(datastream_id, state={"kndctr_0_AdobeOrg_cluster": "irl1"}).hint
            'irl1'
        """
        call = replace(
            call_of("interact", datastream_id, authenticated=authenticated),
            forwarded=client_headers(headers),
        )
        return Visitor(self._session, call, checked_state(state), checked_hint(location_hint))

    def errors(self) -> pd.DataFrame:
        """All codes as a frame: code, status, title, message, kind, fatal, send_again, cause, fix.

        ``title`` is that of Adobe's list of errors; ``message`` is what its page on authentication
        says instead, else the title.
        """
        return codes_frame(EDGE_CODES.values())

    def explain(self, code: str) -> pd.DataFrame:
        """The rows of ``errors()`` for what you saw: a code, its URI, a title or a message, or a
        part of those.

        One row for a code; a message that stands for several codes gives all of them. Raises
        ArgumentError when nothing fits.

        Example:
            >>> import adobe_nb
            >>> edge = adobe_nb.connect(simulator=True, make_default=False).edge
            >>> edge.explain("Sandbox not accessible for write")["code"].tolist()
            ['EXEG-0506-401']
        """
        text = " ".join(str(code).split())
        if rows := _codes_in(text) or _codes_worded(text.casefold()):
            return codes_frame(rows)
        number = text.upper().removeprefix("EXEG-")
        if text in EDGE_GATEWAY:
            hint = f"It is one of the gateway before it: {' '.join(EDGE_GATEWAY[text])}"
        elif near := [
            known for known in EDGE_CODES if known[5:9] == number[:4] and len(number) >= 4
        ]:
            hint = f"Did you mean {near[0]}?"
        elif re.fullmatch(r"[0-9]{3}", number):
            hint = "That is a status. Give the whole code, as EXEG-0503-401; edge.errors() lists them all."
        else:
            hint = "edge.errors() lists them all."
        raise ArgumentError(f"{code!r} is no code, title or message of the Edge Network. {hint}")

    def as_curl(
        self,
        endpoint: Endpoint,
        datastream_id: str,
        event: Event | Events,
        *,
        query: Mapping[str, Any] | None = None,
        meta: Mapping[str, Any] | None = None,
        primary: str | None = None,
        authenticated: bool = True,
    ) -> str:
        """The request as a cURL command, with placeholders for the secrets. Sends nothing.

        ``event`` is one event; for ``collect`` also a list or a frame, when they fit into one
        request.
        """
        call = call_of(endpoint, datastream_id, authenticated=authenticated)
        if endpoint == "collect":
            given = parts_of(event, query, meta)
            needed = authenticated and not names_a_person(given.meta)
            prepared = events_of(given.events, primary, identity_needed=needed)
            if (count := len(batches(prepared, given.query, given.meta))) > 1:
                raise refused(
                    f"cURL shows one request; these events need {count}. Give fewer of them."
                )
            body = body_of(prepared, given.query, meta=given.meta)
        else:
            given = parts_of(event, query, meta, one=True)
            body = body_of(
                [event_of(given.events, None, None)], given.query, one=True, meta=given.meta
            )
        lines = [f"curl -X POST '{call.full_url(self._session.edge_client)}'"]
        if authenticated:
            lines += CURL_HEADERS
        quoted = json.dumps(json.loads(body), indent=2, ensure_ascii=False).replace("'", "'\\''")
        return " \\\n  ".join((*lines, '-H "Content-Type: application/json"', f"-d '{quoted}'"))


def _codes_in(text: str) -> list[EdgeCode]:
    """The known codes that stand in a text."""
    found = dict.fromkeys(re.findall(r"EXEG-[0-9]{4}-[0-9]{3}", text.upper()))
    return [EDGE_CODES[code] for code in found if code in EDGE_CODES]


def _codes_worded(text: str) -> list[EdgeCode]:
    """The codes whose title or message is that text; else those in which it stands."""
    wordings = {
        row.code: (row.title.casefold(), row.message.casefold()) for row in EDGE_CODES.values()
    }
    exact = [code for code, words in wordings.items() if text and text in words]
    if not exact and len(text) >= _SHORTEST_PART:
        exact = [code for code, words in wordings.items() if any(text in each for each in words)]
    return [EDGE_CODES[code] for code in exact]


class Visitor:
    """One person: state and location hint go from each answer into the next call."""

    def __init__(
        self,
        session: HasEdgeClient,
        call: Call,
        state: Mapping[str, str],
        hint: str | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session = session
        self._first = call
        self._now = now
        # A browser does not say how long its cookies are good, only that they still are.
        self._state = {key: (value, math.inf) for key, value in state.items()}
        cluster = next(
            (value for key, value in state.items() if key.endswith("_cluster") and is_hint(value)),
            None,
        )
        hint = hint or cluster
        self._hint = (hint, now() + _HINT_SECONDS) if hint else None

    def __repr__(self) -> str:
        return f"<Visitor of {self._first.datastream_id}: {len(self.state)} state entries, hint {self.hint or 'none'}>"

    @property
    def state(self) -> dict[str, str]:
        """The entries that the service asked us to keep, those whose time is over left out."""
        return {key: value for key, (value, end) in self._state.items() if self._now() < end}

    @property
    def hint(self) -> str | None:
        """The location hint, while it is good."""
        return self._hint[0] if self._hint and self._now() < self._hint[1] else None

    def interact(
        self,
        event: Event | None = None,
        *,
        xdm: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        meta: Mapping[str, Any] | None = None,
        request_id: str | None = None,
        dry_run: bool = False,
    ) -> pd.DataFrame:
        """As ``edge.interact``, for this person."""
        parts = parts_of(event, query, meta, one=True)
        state = with_state(parts.meta, self.state)
        body = body_of([event_of(parts.events, xdm, data)], parts.query, one=True, meta=state)
        call = self._call("interact", request_id)
        client = self._session.edge_client
        if dry_run:
            return shown_frame(client, call, [body])
        outcome = self._send(call, body, (0,))
        if outcome.problem is not None:
            raise outcome.problem
        self._keep(outcome.document)
        return answer_frame(client, call, outcome)

    def collect(
        self,
        events: Events,
        *,
        query: Mapping[str, Any] | None = None,
        meta: Mapping[str, Any] | None = None,
        primary: str | None = None,
        request_id: str | None = None,
        dry_run: bool = False,
    ) -> pd.DataFrame:
        """As ``edge.collect``, for this person; one request after the other.

        Events without identities are this person's once ``interact`` has been answered.
        """
        given = parts_of(events, query, meta)
        state = with_state(given.meta, self.state)
        needed = self._first.authenticated and not names_a_person(state)
        prepared = events_of(given.events, primary, identity_needed=needed, visitor=True)
        parts = batches(prepared, given.query, meta=state)
        bodies = [
            body_of([prepared[index] for index in part], given.query, meta=state) for part in parts
        ]
        call = self._call("collect", request_id)
        client = self._session.edge_client
        if dry_run:
            return shown_frame(client, call, bodies)
        outcomes = send_all(
            lambda body, part: self._send(self._call("collect", request_id), body, part),
            bodies,
            parts,
            client,
            in_turn=True,
        )
        return sent_frame(client, call, parts, outcomes)

    def _call(self, endpoint: Endpoint, request_id: object = None) -> Call:
        return replace(
            self._first,
            endpoint=endpoint,
            hint=self.hint,
            request_id=checked_request_id(request_id),
        )

    def _send(self, call: Call, body: bytes, events: Sequence[int]) -> Outcome:
        outcome = send(self._session.edge_client, call, body, events)
        if call.hint and outcome.status == 404:
            # A hint that is refused was not acted on: forget it, and ask once more without.
            self._hint = None
            outcome = send(self._session.edge_client, replace(call, hint=None), body, events)
        return outcome

    def _keep(self, document: Document) -> None:
        """State and hint of an answer, as a browser keeps them. What has an odd shape is not kept."""
        for handle_type, item in handle_items(document):
            if not isinstance(item, dict):
                continue
            if handle_type == "state:store":
                key, value = item.get("key"), item.get("value")
                if isinstance(key, str) and isinstance(value, str):
                    self._state[key] = (value, self._end_of(item.get("maxAge"), math.inf))
            elif handle_type == "locationHint:result" and item.get("scope") == "EdgeNetwork":
                hint = item.get("hint")
                if is_hint(hint):
                    self._hint = (
                        hint,
                        self._end_of(item.get("ttlSeconds"), self._now() + _HINT_SECONDS),
                    )

    def _end_of(self, seconds: object, default: float) -> float:
        """When that many seconds are over."""
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
            return default
        return self._now() + min(seconds, _LONGEST)
