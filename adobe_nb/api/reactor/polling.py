"""Waiting for what the service completes later: builds, uploads, connections, exchanges."""

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from adobe_nb.api.reactor.client import Client, path_to
from adobe_nb.api.reactor.error_catalog import Explanation, explanation
from adobe_nb.api.reactor.inputs import Ids
from adobe_nb.api.reactor.jsonapi import Document
from adobe_nb.api.reactor.writes import Editable, Writing, attribute, states_of
from adobe_nb.errors import ArgumentError, DelayedError, WaitTimeout
from adobe_nb.registry import Resource

POLL = 1.0
"""Seconds between two reads, as in Adobe's own tools."""
LIMIT = 600.0
"""Seconds."""


class Waitable(Writing):
    """``wait``, for types whose ``status`` is pending at first."""

    def wait(self, *ids: Ids, timeout: float = LIMIT, poll: float = POLL) -> pd.DataFrame:
        """Wait until these are no longer pending.

        Parameters
        ----------
        timeout
            Seconds to wait at most.
        poll
            Seconds between two reads.

        Returns
        -------
        DataFrame
            The resources afterwards, one row each.

        Raises
        ------
        DelayedError
            One of them failed. The error has Adobe's reason and our advice.
        WaitTimeout
            The timeout expired. The operation is still running; call ``wait`` again.
        ArgumentError, ApiError, TransportError
        """
        resource_ids = self._some_ids(ids, "wait")
        _check_seconds("timeout", timeout)
        _check_seconds("poll", poll)
        client = self._session.client
        states = self._poll(client, resource_ids, timeout, poll)
        failures = []
        pending = []
        for state in states:
            if attribute(state, "status") == "failed":
                failures.append(failure_of(self.row, state))
            elif _is_pending(state):
                pending.append(state["id"])
        # One error for all: the others are its notes.
        if failures:
            for other in failures[1:]:
                failures[0].add_note(str(other))
            raise failures[0]
        if pending:
            listed = '", "'.join(pending)
            raise WaitTimeout(
                f"{len(pending)} of {len(resource_ids)} {self.row.type} are still pending after "
                f"{timeout:g} s. The operation is still running; wait again: "
                f'reactor.{self.row.type}.wait("{listed}").',
                pending,
            )
        return self._frame(client, states, path_to(self.row.type, resource_ids))

    def _poll(
        self, client: Client, ids: Sequence[str], timeout: float, poll: float
    ) -> list[Document]:
        """Read the resources until none is pending or the time is over."""
        deadline = time.monotonic() + timeout
        with client.progress(f"waiting for {self.row.type}") as meter:
            meter.expect(len(ids))
            done = 0
            while True:
                states = states_of(client, self.row, ids)
                settled = len(ids) - sum(map(_is_pending, states))
                meter.done(settled - done)
                done = settled
                left = deadline - time.monotonic()
                if done == len(ids) or left <= 0:
                    return states
                # Not beyond the deadline.
                time.sleep(min(poll, left))


class Hosts(Editable, Waitable):
    """Hosts: an SFTP host is pending until its connection has been tested."""


def _check_seconds(name: str, value: object) -> None:
    is_number = isinstance(value, (int, float, np.integer, np.floating))
    # In Python, True is a number too.
    if not is_number or isinstance(value, bool) or not value > 0:  # type: ignore[operator]
        raise ArgumentError(f"{name} is a number of seconds above 0, not {value!r}.")


def failure_of(row: Resource, resource: Mapping[str, Any]) -> DelayedError:
    """Return the exception for a resource that failed: Adobe's first reason, and our advice."""
    errors = _errors_in(resource)
    first = next(iter(errors), {})
    detail = str(first.get("detail") or first.get("title") or "").strip().rstrip(".")
    message = f"The {row.singular.replace('_', ' ')} {resource['id']} failed"
    code = None
    if first.get("code"):
        code = str(first["code"])
        message += f" with {code}"
    if detail:
        message += f" ({detail})"
    explained = explanation(code) or Explanation("", "")
    advice = " ".join(explained).strip()
    if not advice:
        advice = "The service did not say what to do; meta_status_details may hold more."
    # Adobe writes the status as a text.
    status = re.fullmatch("[1-5][0-9]{2}", str(first.get("status")))
    return DelayedError(
        f"{message}. {advice}",
        resource_id=resource["id"],
        status=int(status[0]) if status else 0,
        code=code,
        errors=errors,
        method="GET",
        url=f"/{row.type}/{resource['id']}",
        **explained._asdict(),
    )


def _errors_in(resource: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the error objects of ``status_details``: in a document, in a list, or a single one."""
    meta = resource.get("meta")
    if not isinstance(meta, Mapping):
        return []
    details = meta.get("status_details")
    if isinstance(details, Mapping) and isinstance(details.get("errors"), list):
        details = details["errors"]
    elif isinstance(details, Mapping):
        details = [details]
    if not isinstance(details, list):
        return []
    # Without the empty one, which says nothing.
    return [error for error in details if isinstance(error, Mapping) and error]


def _is_pending(resource: Mapping[str, Any]) -> bool:
    return attribute(resource, "status") not in {"succeeded", "failed"}
