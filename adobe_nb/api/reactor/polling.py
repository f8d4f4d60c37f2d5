"""Waiting for what the service does later: builds, uploads, connections, exchanges."""

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from adobe_nb.api.reactor.client import path_to
from adobe_nb.api.reactor.error_catalog import explanation
from adobe_nb.api.reactor.inputs import Ids, ids_of_type
from adobe_nb.api.reactor.jsonapi import Document
from adobe_nb.api.reactor.writes import Editable, Writing, attribute, states_of
from adobe_nb.errors import ArgumentError, DelayedError, WaitTimeout
from adobe_nb.registry import Resource

POLL = 1.0
"""Seconds between two looks, as Adobe's own tools do it."""
LIMIT = 600.0
"""Seconds."""


class Waitable(Writing):
    """``wait``: of types whose ``status`` is pending for a while."""

    def wait(self, *ids: Ids, timeout: float = LIMIT, poll: float = POLL) -> pd.DataFrame:
        """Wait until these are no longer pending; a frame of what they are then.

        Looks every ``poll`` seconds, for ``timeout`` seconds at most. Raises DelayedError when one
        failed, with Adobe's reason and our advice; WaitTimeout when the time is over, and then
        nothing is lost; ApiError.
        """
        wanted = ids_of_type(self.row, ids)
        if not wanted:
            raise ArgumentError(f"{self.row.type}.wait wants at least one id.")
        for name, value in (("timeout", timeout), ("poll", poll)):
            if (
                isinstance(value, bool)
                or not isinstance(value, (int, float, np.integer, np.floating))
                or not value > 0
            ):
                raise ArgumentError(f"{name} is a number of seconds above 0, not {value!r}.")
        client = self._session.client
        states: list[Document] = []
        ends = time.monotonic() + timeout
        with client.progress(f"waiting for {self.row.type}") as meter:
            meter.expect(len(wanted))
            done = 0
            while True:
                states = states_of(client, self.row, wanted)
                settled = sum(not _is_pending(state) for state in states)
                meter.done(settled - done)
                done = settled
                if done == len(wanted) or time.monotonic() >= ends:
                    break
                time.sleep(min(poll, max(ends - time.monotonic(), 0.001)))
        failed = [
            failure_of(self.row, state)
            for state in states
            if attribute(state, "status") == "failed"
        ]
        if failed:
            for other in failed[1:]:
                failed[0].add_note(str(other))
            raise failed[0]
        pending = [state["id"] for state in states if _is_pending(state)]
        if pending:
            listed = '", "'.join(pending)
            raise WaitTimeout(
                f"{len(pending)} of {len(wanted)} {self.row.type} are still pending after {timeout:g} s. They go on "
                f'over there; wait again: reactor.{self.row.type}.wait("{listed}").',
                pending,
            )
        return self._frame(client, states, path_to(self.row.type, wanted))


class Hosts(Editable, Waitable):
    """Hosts: one by SFTP is pending until the connection was tried."""


def failure_of(row: Resource, resource: Mapping[str, Any]) -> DelayedError:
    """The exception for a resource that failed: Adobe's first reason, and what to do."""
    meta = resource.get("meta")
    details = meta.get("status_details") if isinstance(meta, Mapping) else None
    errors = _errors(details)
    first = errors[0] if errors else {}
    code = str(first["code"]) if first.get("code") else None
    said = str(first.get("detail") or first.get("title") or "").strip().rstrip(".")
    known = explanation(code)
    advice = (
        " ".join(known)
        if known
        else "The service did not say what to do; meta_status_details may hold more."
    )
    named = f" with {code}" if code else ""
    status = str(first.get("status", ""))
    return DelayedError(
        f"The {row.singular.replace('_', ' ')} {resource['id']} failed{named}{f' ({said})' if said else ''}. {advice}",
        resource_id=resource["id"],
        status=int(status) if re.fullmatch("[1-5][0-9]{2}", status) else 0,
        code=code,
        errors=errors,
        method="GET",
        url=f"/{row.type}/{resource['id']}",
        **(known._asdict() if known else {}),
    )


def _errors(details: object) -> list[Mapping[str, Any]]:
    found: Sequence[object] = ()
    if isinstance(details, Mapping) and isinstance(details.get("errors"), list):
        found = details["errors"]
    elif isinstance(details, list):
        found = details
    elif isinstance(details, Mapping) and details:
        found = [details]
    return [each for each in found if isinstance(each, Mapping)]


def _is_pending(resource: Mapping[str, Any]) -> bool:
    return attribute(resource, "status") not in {"succeeded", "failed"}
