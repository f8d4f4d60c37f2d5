"""The Edge Network: events sent with the three headers from a server, or without them as a browser does.

Source: https://developer.adobe.com/data-collection-apis/docs/
"""

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, overload

import pandas as pd

from adobe_nb.api.edge_calls import Call, Document, EdgeClient, Endpoint, Outcome, call_of, send, send_all
from adobe_nb.api.edge_checks import refused
from adobe_nb.api.edge_errors import EDGE_CODES
from adobe_nb.api.edge_events import Event, Events, batches, body_of, event_of, events_of
from adobe_nb.api.edge_frames import answer_frame, codes_frame, handles, payload, sent_frame, shown_frame
from adobe_nb.api.jsonapi import CURL_HEADERS
from adobe_nb.errors import ArgumentError

__all__ = ["Edge", "EdgeClient", "Visitor"]


class Edge:
    """The Edge Network. ``interact`` sends one event and answers; ``collect`` sends many."""

    def __init__(self, client: Callable[[], EdgeClient]) -> None:
        self._client = client

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
        authenticated: bool = True,
        request_id: str | None = None,
        headers: Mapping[str, str | None] | None = None,
        dry_run: bool = False,
        raw: bool = False,
    ) -> pd.DataFrame | Document:
        """Send one event and get the answer: one row per payload item, error and warning.

        ``event`` is ``{"xdm": …, "data": …}``; or give ``xdm`` and ``data`` apart. ``authenticated=False`` sends it to
        the edge host without the three headers, as a browser does. ``headers`` leaves one of them out (None) or
        replaces it, to meet an error on purpose. ``dry_run`` shows the request and sends nothing. ``raw`` gives the
        JSON document.

        Columns (all ``string``): request_id, type, scope, content (JSON text), code, advice; the last two for errors
        and warnings. Raises EdgeError when it was refused, ArgumentError before any request, NotSignedIn,
        TransportError.
        """
        call = call_of("interact", datastream_id, authenticated=authenticated, request_id=request_id, headers=headers)
        body = body_of([event_of(event, xdm, data)], query, one=True)
        client = self._client()
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
        primary: str | None = None,
        authenticated: bool = True,
        silent: bool = False,
        request_id: str | None = None,
        headers: Mapping[str, str | None] | None = None,
        dry_run: bool = False,
    ) -> pd.DataFrame:
        """Send events; one row per event says what became of it.

        ``events`` is a list of dicts, or a frame of one row per event: dotted columns are XDM members
        (``web.webPageDetails.name``), ``data.…`` go to data, ``identityMap.<namespace>`` hold ids (the first one with
        a value is primary, or the namespace named in ``primary``). Missing values are left out; times need a zone.

        Split below 64 KB a request and sent at once. A request that may have arrived is not sent again.

        Columns: event, request, status (``Int64``), request_id, outcome, code, advice (``string``). Raises EdgeError
        when every request was refused, ArgumentError before any request, NotSignedIn, TransportError when none
        arrived.
        """
        call = call_of(
            "collect",
            datastream_id,
            authenticated=authenticated,
            request_id=request_id,
            silent=silent,
            headers=headers,
        )
        prepared = events_of(events, primary, identity_needed=authenticated)
        parts = batches(prepared, query)
        client = self._client()
        bodies = [body_of([prepared[index] for index in part], query) for part in parts]
        if dry_run:
            return shown_frame(client, call, bodies)
        outcomes = send_all(lambda body, part: send(client, call, body, part), bodies, parts, client)
        return sent_frame(client, call, parts, outcomes)

    def visitor(self, datastream_id: str, *, authenticated: bool = True) -> "Visitor":
        """One person's calls: keeps identity and location hint from answer to call.

        Begin with its ``interact`` when the events have no identities of their own.
        """
        return Visitor(self._client, call_of("interact", datastream_id, authenticated=authenticated))

    def errors(self) -> pd.DataFrame:
        """All codes as a frame: code, status, title, kind, fatal, send_again, cause, fix."""
        return codes_frame(EDGE_CODES.values())

    def explain(self, code: str) -> pd.DataFrame:
        """One code as a frame of one row. Raises ArgumentError for an unknown one."""
        wanted = str(code).strip().rpartition("/")[2].upper()
        if wanted in EDGE_CODES:
            return codes_frame([EDGE_CODES[wanted]])
        number = wanted.removeprefix("EXEG-")
        if near := [each for each in EDGE_CODES if each[5:9] == number[:4] and len(number) >= 4]:
            hint = f"Did you mean {near[0]}?"
        elif re.fullmatch(r"[0-9]{3}", number):
            hint = "That is a status. Give the whole code, as EXEG-0503-401; edge.errors() lists them all."
        else:
            hint = "edge.errors() lists them all."
        raise ArgumentError(f"{code!r} is not a code of the Edge Network. {hint}")

    def as_curl(
        self,
        endpoint: Endpoint,
        datastream_id: str,
        event: Event | Events,
        *,
        query: Mapping[str, Any] | None = None,
        primary: str | None = None,
        authenticated: bool = True,
    ) -> str:
        """The request as a cURL command, with placeholders for the secrets. Sends nothing.

        ``event`` is one event; for ``collect`` also a list or a frame, when they fit into one request.
        """
        call = call_of(endpoint, datastream_id, authenticated=authenticated)
        if endpoint == "collect":
            several = [event] if isinstance(event, Mapping) else event
            prepared = events_of(several, primary, identity_needed=authenticated)
            if (count := len(batches(prepared, query))) > 1:
                raise refused(f"cURL shows one request; these events need {count}. Give fewer of them.")
            body = body_of(prepared, query)
        else:
            body = body_of([event_of(event, None, None)], query, one=True)
        lines = [f"curl -X POST '{call.full_url(self._client())}'"]
        if authenticated:
            lines += CURL_HEADERS
        quoted = json.dumps(json.loads(body), indent=2, ensure_ascii=False).replace("'", "'\\''")
        return " \\\n  ".join((*lines, '-H "Content-Type: application/json"', f"-d '{quoted}'"))


class Visitor:
    """One person: state and location hint go from each answer into the next call."""

    def __init__(self, client: Callable[[], EdgeClient], call: Call, now: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._first = call
        self._now = now
        self._state: dict[str, str] = {}
        self._hint: tuple[str, float] | None = None

    def __repr__(self) -> str:
        return f"<Visitor of {self._first.datastream_id}: {len(self._state)} state entries, hint {self.hint or 'none'}>"

    @property
    def state(self) -> dict[str, str]:
        """The entries that the service asked us to keep."""
        return dict(self._state)

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
        request_id: str | None = None,
        dry_run: bool = False,
    ) -> pd.DataFrame:
        """As ``edge.interact``, for this person."""
        body = body_of([event_of(event, xdm, data)], query, one=True, meta=self._meta())
        call = self._call("interact", request_id)
        client = self._client()
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
        primary: str | None = None,
        request_id: str | None = None,
        dry_run: bool = False,
    ) -> pd.DataFrame:
        """As ``edge.collect``, for this person; one request after the other.

        Events without identities are this person's once ``interact`` has been answered.
        """
        needed = self._first.authenticated and not self._state
        prepared = events_of(events, primary, identity_needed=needed, visitor=True)
        parts = batches(prepared, query, meta=self._meta())
        bodies = [body_of([prepared[index] for index in part], query, meta=self._meta()) for part in parts]
        call = self._call("collect", request_id)
        client = self._client()
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

    def _call(self, endpoint: Endpoint, request_id: str | None = None) -> Call:
        return replace(self._first, endpoint=endpoint, hint=self.hint, request_id=request_id)

    def _send(self, call: Call, body: bytes, events: Sequence[int]) -> Outcome:
        outcome = send(self._client(), call, body, events)
        if call.hint and outcome.status == 404:
            # A hint that is refused was not acted on: forget it, and ask once more without.
            self._hint = None
            outcome = send(self._client(), replace(call, hint=None), body, events)
        return outcome

    def _meta(self) -> Document | None:
        if not self._state:
            return None
        return {"state": {"entries": [{"key": key, "value": value} for key, value in self._state.items()]}}

    def _keep(self, document: Document) -> None:
        for handle in handles(document):
            for item in payload(handle):
                if handle.get("type") == "state:store" and "key" in item:
                    self._state[str(item["key"])] = str(item.get("value", ""))
                elif handle.get("type") == "locationHint:result" and item.get("scope") == "EdgeNetwork":
                    self._hint = (str(item.get("hint")), self._now() + float(item.get("ttlSeconds", 0)))
