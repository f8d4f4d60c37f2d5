"""The Edge Network as its user sees it: events, visitors, error codes, and cURL commands.

Source: https://developer.adobe.com/data-collection-apis/docs/
"""

import json
import math
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal, overload

import pandas as pd

from adobe_nb.api.edge.client import (
    Delivery,
    Document,
    EdgeClient,
    HasEdgeClient,
    send,
    send_all,
)
from adobe_nb.api.edge.error_catalog import EdgeCode, edge_codes, gateway_explanation
from adobe_nb.api.edge.events import Batch, Event, Events, Members, batches_of, event_batch
from adobe_nb.api.edge.frames import (
    codes_frame,
    delivery_frame,
    dry_run_frame,
    handle_items,
    response_frame,
)
from adobe_nb.api.edge.target import (
    Endpoint,
    Headers,
    Target,
    checked_request_id,
    checked_target,
)
from adobe_nb.api.edge.validation import (
    checked_hint,
    checked_state,
    is_hint,
    refused,
    split_headers,
)
from adobe_nb.api.reactor.client import CURL_HEADERS
from adobe_nb.errors import ArgumentError

_SHORTEST_PART = 4
"""Characters of a part of a message that are enough to search for it."""
_HINT_SECONDS = 1800.0
"""How long a location hint is valid if no response says so: the usual ``ttlSeconds``."""
_LONGEST_SECONDS = 10 * 365 * 86_400.0

__all__ = ["Edge", "EdgeClient", "Visitor"]


class Edge:
    """The Edge Network: ``interact`` sends an event for a response, ``collect`` sends many."""

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
        xdm: Members = None,
        data: Members = None,
        query: Members = None,
        meta: Members = None,
        authenticated: bool = True,
        request_id: str | None = None,
        headers: Headers = None,
        dry_run: bool = False,
        raw: Literal[False] = False,
    ) -> pd.DataFrame: ...
    @overload
    def interact(
        self,
        datastream_id: str,
        event: Event | None = None,
        *,
        xdm: Members = None,
        data: Members = None,
        query: Members = None,
        meta: Members = None,
        authenticated: bool = True,
        request_id: str | None = None,
        headers: Headers = None,
        dry_run: bool = False,
        raw: Literal[True],
    ) -> Document: ...
    def interact(
        self,
        datastream_id: str,
        event: Event | None = None,
        *,
        xdm: Members = None,
        data: Members = None,
        query: Members = None,
        meta: Members = None,
        authenticated: bool = True,
        request_id: str | None = None,
        headers: Headers = None,
        dry_run: bool = False,
        raw: bool = False,
    ) -> pd.DataFrame | Document:
        """Send one event and return the response.

        Parameters
        ----------
        event
            A dict with the members ``xdm`` and ``data``, or a whole request as Adobe's pages print
            it (``{"event": …, "query": …, "meta": …}``).
        xdm, data
            The members of the event, instead of ``event``.
        query, meta
            What stands beside the event: what to fetch (decisions, identities), and state.
        authenticated
            False sends the event to the edge host without the three headers, as a browser does.
        headers
            Headers of the browser for which you send: User-Agent, X-Forwarded-For,
            Accept-Language, Referer, Sec-CH-…. Its cookies belong to ``edge.visitor``. To
            trigger an error deliberately, set one of the three authentication headers to another
            value, or to None to omit it.
        dry_run
            Return the request as a frame and send nothing.
        raw
            Return the JSON document.

        Returns
        -------
        DataFrame
            One row for each payload item, error and warning. Columns (all ``string``):
            request_id, type, scope, content (JSON text), and for errors and warnings code, advice.

        Raises
        ------
        EdgeError
            The Edge Network refused the event.
        ArgumentError
            An argument is invalid; nothing was sent.
        NotSignedIn
            Sign in first.
        TransportError
            The service did not respond; the event may have arrived.
        IncompleteResult
            The response is not the Edge Network's; the event may have arrived.

        Examples
        --------
        >>> import adobe_nb
        >>> edge = adobe_nb.connect(simulator=True, make_default=False).edge
        >>> datastream_id = "8b0d3f0a-5f6e-4c1d-9a52-1c7e60f4d201"
        >>> response = edge.interact(datastream_id, xdm={"eventType": "view"})
        >>> response["type"].unique().tolist()
        ['locationHint:result', 'state:store']
        """
        target = checked_target(
            "interact",
            datastream_id,
            authenticated=authenticated,
            request_id=request_id,
            headers=headers,
        )
        batch = event_batch(event, xdm, data, query, meta)
        client = self._session.edge_client
        if dry_run:
            return dry_run_frame(client, target, [batch])
        document = send(client, target, batch).checked_document()
        if raw:
            return document
        return response_frame(client, target, document)

    def collect(
        self,
        datastream_id: str,
        events: Events,
        *,
        query: Members = None,
        meta: Members = None,
        primary: str | None = None,
        authenticated: bool = True,
        silent: bool = False,
        request_id: str | None = None,
        headers: Headers = None,
        dry_run: bool = False,
    ) -> pd.DataFrame:
        """Send events in as few requests as fit, and return the outcome of each.

        A request that may have arrived is not sent again.

        Parameters
        ----------
        events
            A list of dicts, one dict, a whole request as Adobe's pages print it
            (``{"events": […]}``), or a frame with one row per event. In a frame, dotted columns
            are XDM members (``web.webPageDetails.name``), ``data.…`` belong to data, and
            ``identityMap.<namespace>`` hold ids. Missing values are left out; timestamps require a
            time zone.
        query, meta, authenticated, headers, dry_run
            As for ``interact``.
        primary
            For a frame: the namespace whose id is primary; by default the first with a value.
        silent
            Ask for an empty response.

        Returns
        -------
        DataFrame
            One row for each event: event, request, status (``Int64``), request_id, outcome, code,
            advice (``string``).

        Raises
        ------
        EdgeError
            The Edge Network refused every request.
        ArgumentError
            An argument is invalid; nothing was sent.
        NotSignedIn
            Sign in first.
        TransportError
            None of the requests was sent.

        Examples
        --------
        >>> import adobe_nb
        >>> import pandas as pd
        >>> edge = adobe_nb.connect(simulator=True, make_default=False).edge
        >>> datastream_id = "8b0d3f0a-5f6e-4c1d-9a52-1c7e60f4d201"
        >>> events = pd.DataFrame({"eventType": ["view"], "identityMap.CRM": ["42"]})
        >>> edge.collect(datastream_id, events)["outcome"].tolist()
        ['accepted']
        """
        target = checked_target(
            "collect",
            datastream_id,
            authenticated=authenticated,
            request_id=request_id,
            silent=silent,
            headers=headers,
        )
        batches = batches_of(events, query, meta, primary=primary, authenticated=authenticated)
        client = self._session.edge_client
        if dry_run:
            return dry_run_frame(client, target, batches)
        deliveries = send_all(lambda batch: send(client, target, batch), batches, client)
        return delivery_frame(client, target, deliveries)

    def visitor(
        self,
        datastream_id: str,
        *,
        authenticated: bool = True,
        state: Mapping[str, str] | None = None,
        location_hint: str | None = None,
        headers: Headers = None,
    ) -> "Visitor":
        """Return a visitor, who keeps identity and location hint from one response to the next.

        Start with its ``interact`` if the events have no identities of their own.

        Parameters
        ----------
        state
            Cookies of a browser that the Edge Network already knows
            (``kndctr_<ORG>_AdobeOrg_identity``, ``…_cluster`` and so on), to continue for it.
        location_hint
            A region of the Edge Network; by default the one in ``…_cluster``.
        headers
            Headers of the browser for every request: User-Agent, X-Forwarded-For,
            Accept-Language, Referer, Sec-CH-….

        Raises
        ------
        ArgumentError
            Other cookies or headers.

        Examples
        --------
        >>> import adobe_nb
        >>> edge = adobe_nb.connect(simulator=True, make_default=False).edge
        >>> datastream_id = "8b0d3f0a-5f6e-4c1d-9a52-1c7e60f4d201"
        >>> edge.visitor(datastream_id, state={"kndctr_0_AdobeOrg_cluster": "irl1"}).hint
        'irl1'
        """
        target = checked_target("interact", datastream_id, authenticated=authenticated)
        # The three headers cannot be changed here, whether the events are signed or not.
        _, forwarded = split_headers(headers, authenticated=False)
        return Visitor(
            self._session,
            replace(target, forwarded=forwarded),
            checked_state(state),
            checked_hint(location_hint),
        )

    def errors(self) -> pd.DataFrame:
        """Return all error codes.

        Returns
        -------
        DataFrame
            code, status, title, message, kind, fatal, send_again, cause, fix. ``title`` is that of
            Adobe's list of errors; ``message`` is the wording on its page about authentication,
            or else the title.
        """
        return codes_frame(edge_codes().values())

    def explain(self, code: str) -> pd.DataFrame:
        """Return the rows of ``errors()`` for a code, its URI, a title, a message or a part of one.

        A message that several codes share returns all of them.

        Raises
        ------
        ArgumentError
            No code matches.

        Examples
        --------
        >>> import adobe_nb
        >>> edge = adobe_nb.connect(simulator=True, make_default=False).edge
        >>> edge.explain("Sandbox not accessible for write")["code"].tolist()
        ['EXEG-0506-401']
        """
        text = " ".join(str(code).split())
        rows = _codes_in(text) or _codes_worded(text.casefold())
        if rows:
            return codes_frame(rows)
        raise ArgumentError(
            f"{code!r} is not a code, title or message of the Edge Network. {_code_advice(text)}"
        )

    def as_curl(
        self,
        endpoint: Endpoint,
        datastream_id: str,
        event: Event | Events,
        *,
        query: Members = None,
        meta: Members = None,
        primary: str | None = None,
        authenticated: bool = True,
    ) -> str:
        """Return the request as a cURL command, with placeholders for the secrets. Send nothing.

        ``event`` is one event; for ``collect`` also a list or a frame that fits into one request.

        Raises
        ------
        ArgumentError
            An argument is invalid, or the events need several requests.
        """
        target = checked_target(endpoint, datastream_id, authenticated=authenticated)
        if endpoint == "interact":
            batches = [event_batch(event, None, None, query, meta)]
        else:
            batches = batches_of(event, query, meta, primary=primary, authenticated=authenticated)
        if len(batches) > 1:
            raise refused(
                f"A cURL command shows one request; these events need {len(batches)}. Pass fewer."
            )
        url = f"{self._session.edge_client.base_url(target)}{target.path_and_query}"
        body = json.dumps(json.loads(batches[0].body), indent=2, ensure_ascii=False)
        # A single quote would end the quoted body in a shell.
        quoted = body.replace("'", "'\\''")
        lines = [f"curl -X POST '{url}'"]
        if authenticated:
            lines += CURL_HEADERS
        lines += ['-H "Content-Type: application/json"', f"-d '{quoted}'"]
        return " \\\n  ".join(lines)


def _codes_in(text: str) -> list[EdgeCode]:
    """Return the known codes that a text contains."""
    codes = dict.fromkeys(re.findall(r"EXEG-[0-9]{4}-[0-9]{3}", text.upper()))
    return list(filter(None, map(edge_codes().get, codes)))


def _codes_worded(text: str) -> list[EdgeCode]:
    """Return the codes with that title or message, or else those that contain the text."""
    exact, partial = [], []
    for code in edge_codes().values():
        wordings = (code.title.casefold(), code.message.casefold())
        if text in wordings:
            exact.append(code)
        elif len(text) >= _SHORTEST_PART and text in "\n".join(wordings):
            partial.append(code)
    return exact or partial


def _code_advice(text: str) -> str:
    explanation = gateway_explanation(text)
    if explanation:
        return f"It is a code of Adobe's gateway: {' '.join(explanation)}"
    # The number is right, but the status at its end is not.
    number = text.upper().removeprefix("EXEG-")[:4]
    for code in edge_codes():
        if len(number) == 4 and code.startswith(f"EXEG-{number}-"):
            return f"Did you mean {code}?"
    if re.fullmatch(r"[0-9]{3}", text):
        return (
            "That is a status. Pass the whole code, such as EXEG-0503-401; edge.errors() lists all."
        )
    return "edge.errors() lists them all."


class Visitor:
    """One person: state and location hint of each response are part of the next request."""

    def __init__(
        self, session: HasEdgeClient, target: Target, state: Mapping[str, str], hint: str | None
    ) -> None:
        self._session = session
        self._target = target
        self._now = time.monotonic
        self._state = dict(state)
        # A browser does not say when its cookies expire, only that they have not.
        self._expiries: dict[str, float] = {}
        self._hint: tuple[str, float] | None = None
        for key, value in state.items():
            if hint is None and key.endswith("_cluster") and is_hint(value):
                hint = value
        if hint is not None:
            self._hint = (hint, self._now() + _HINT_SECONDS)

    def __repr__(self) -> str:
        return (
            f"<Visitor of {self._target.datastream_id}: {len(self.state)} state entries, "
            f"hint {self.hint or 'none'}>"
        )

    @property
    def state(self) -> dict[str, str]:
        """The entries that the service asked to keep and that have not expired."""
        now = self._now()
        for key, expiry in self._expiries.items():
            if now >= expiry:
                self._state.pop(key, None)
        return dict(self._state)

    @property
    def hint(self) -> str | None:
        """The location hint, until it expires."""
        if self._hint is None or self._now() >= self._hint[1]:
            return None
        return self._hint[0]

    def interact(
        self,
        event: Event | None = None,
        *,
        xdm: Members = None,
        data: Members = None,
        query: Members = None,
        meta: Members = None,
        request_id: str | None = None,
        dry_run: bool = False,
    ) -> pd.DataFrame:
        """Send one event of this person.

        Parameters, the frame that is returned, and the errors are those of ``edge.interact``.

        See Also
        --------
        Edge.interact
        """
        batch = event_batch(event, xdm, data, query, meta, self.state)
        target = self._target_of("interact", request_id)
        client = self._session.edge_client
        if dry_run:
            return dry_run_frame(client, target, [batch])
        document = self._send(target, batch).checked_document()
        self._keep(document)
        return response_frame(client, target, document)

    def collect(
        self,
        events: Events,
        *,
        query: Members = None,
        meta: Members = None,
        primary: str | None = None,
        request_id: str | None = None,
        dry_run: bool = False,
    ) -> pd.DataFrame:
        """Send events of this person, one request after the other.

        After a first ``interact``, events need no identities of their own. Parameters, the frame
        that is returned, and the errors are those of ``edge.collect``.

        See Also
        --------
        Edge.collect
        """
        batches = batches_of(
            events,
            query,
            meta,
            primary=primary,
            authenticated=self._target.authenticated,
            state=self.state,
        )
        target = self._target_of("collect", request_id)
        client = self._session.edge_client
        if dry_run:
            return dry_run_frame(client, target, batches)

        def send_batch(batch: Batch) -> Delivery:
            # The hint may have been refused by the request before.
            return self._send(replace(target, hint=self.hint), batch)

        deliveries = send_all(send_batch, batches, client, in_order=True)
        return delivery_frame(client, target, deliveries)

    def _target_of(self, endpoint: Endpoint, request_id: object) -> Target:
        checked = checked_request_id(request_id)
        return replace(self._target, endpoint=endpoint, hint=self.hint, request_id=checked)

    def _send(self, target: Target, batch: Batch) -> Delivery:
        client = self._session.edge_client
        delivery = send(client, target, batch)
        if target.hint and delivery.status == 404:
            # A refused hint means that nothing was delivered: forget it, and send without it.
            self._hint = None
            delivery = send(client, replace(target, hint=None), batch)
        return delivery

    def _keep(self, document: Document) -> None:
        """Keep state and hint of a response, as a browser does. Ignore entries of another shape."""
        for item in handle_items(document):
            match item:
                case "state:store", {"key": str(key), "value": str(value), **others}:
                    self._state[key] = value
                    self._expiries[key] = self._expiry(others.get("maxAge"), math.inf)
                case "locationHint:result", {"scope": "EdgeNetwork", "hint": hint, **others}:
                    if is_hint(hint):
                        self._hint = (hint, self._expiry(others.get("ttlSeconds"), _HINT_SECONDS))

    def _expiry(self, seconds: object, default: float) -> float:
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
            seconds = default
        else:
            # An integer can be larger than any float.
            seconds = min(seconds, _LONGEST_SECONDS)
        return self._now() + seconds
