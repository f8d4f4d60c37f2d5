"""Libraries and builds: fill a library, take it through its states, build it, publish it."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import pandas as pd

from adobe_nb.api.reactor.client import Client
from adobe_nb.api.reactor.inputs import Ids, asked, ids_in, ids_of_type, type_of
from adobe_nb.api.reactor.jsonapi import Document, identifier, linkage_of, linked_id, needed_id
from adobe_nb.api.reactor.paging import Listing, read_documents
from adobe_nb.api.reactor.payloads import Change, Placeholder, shown
from adobe_nb.api.reactor.polling import Waitable
from adobe_nb.api.reactor.writes import (
    Editable,
    attribute,
    check_confirm,
    checked_name,
    name_of,
    perform,
    read_back,
    state_of,
    states_of,
    with_note,
)
from adobe_nb.errors import ArgumentError
from adobe_nb.registry import RESOURCES, STAGES

CONTENTS = ("extensions", "data_elements", "rules")
"""What a library holds, in the order in which it is put in."""


class Libraries(Editable):
    """Libraries: what is in them, where they are built to, and their way to production.

    Source:
    https://experienceleague.adobe.com/en/docs/experience-platform/tags/api/endpoints/libraries
    """

    def add(
        self, library: Ids, resources: Ids, *, revise: bool = False, dry_run: bool = False
    ) -> pd.DataFrame:
        """Add revisions of rules, data elements and extensions; the library as a frame of one row.

        ``revise=True`` takes heads as well, and puts their next revisions in. All are looked at
        before the first call; there is one call for each type. A dry run looks at nothing: it shows
        each as ``revise`` says, though revisions go in as they are. Raises ArgumentError for heads,
        deleted ones and other types, before anything is changed; ApiError, OutcomeUnknown, whose
        note says what was added before.
        """
        return self._change("add", "POST", library, resources, revise=revise, dry_run=dry_run)

    def replace(
        self, library: Ids, resources: Ids, *, revise: bool = False, dry_run: bool = False
    ) -> pd.DataFrame:
        """Make the library hold exactly these; types that are not among them are emptied. Otherwise
        like ``add``.

        That is three requests, one for each type, in any case. An empty list, written ``[]``,
        empties the library; an empty frame is refused.
        """
        return self._change("replace", "PATCH", library, resources, revise=revise, dry_run=dry_run)

    def remove(self, library: Ids, resources: Ids, *, dry_run: bool = False) -> pd.DataFrame:
        """Take these out; the library as a frame of one row. A head stands for its revision in the
        library.

        A dry run looks at nothing, so that the ids in it are placeholders: ``{id of DE…, or of its
        revision in LB…}``. Raises ArgumentError for what is not in it, before anything is changed;
        ApiError, OutcomeUnknown.
        """
        place, wanted = self._one_id(library, "remove"), _by_type(resources)
        client = self._session.client
        if asked(dry_run):
            items = {
                kind: [_unknown_revision(place, each) for each in ids]
                for kind, ids in wanted.items()
            }
            return shown(client.base_url, self._changes("remove", "DELETE", place, items).values())
        held = {kind: self._held(client, place, kind) for kind in wanted}
        items = {
            kind: [identifier(_in_library(held[kind], each)) for each in ids]
            for kind, ids in wanted.items()
        }
        return self._send(client, place, "remove", self._changes("remove", "DELETE", place, items))

    def assign(self, library: Ids, environment: Ids, *, dry_run: bool = False) -> pd.DataFrame:
        """Give the library an environment, of the stage that its state wants; the library as a
        frame of one row.

        Development libraries take a development environment, submitted ones staging, approved ones
        production. Raises ApiError (``environment-in-use``), OutcomeUnknown.
        """
        place = self._one_id(library, "assign")
        target = ids_of_type(RESOURCES["environments"], [environment])
        if len(target) != 1:
            raise ArgumentError(
                "assign takes one environment. To take it away: reactor.libraries.unassign(library)."
            )
        return self._link_environment(
            "assign", "PATCH", place, {"data": identifier(target[0])}, dry_run=dry_run
        )

    def unassign(self, library: Ids, *, dry_run: bool = False) -> pd.DataFrame:
        """Take the library's environment away.

        The library as a frame of one row. Raises ArgumentError, ApiError, OutcomeUnknown.
        """
        return self._link_environment(
            "unassign", "DELETE", self._one_id(library, "unassign"), None, dry_run=dry_run
        )

    def submit(self, library: Ids, *, dry_run: bool = False) -> pd.DataFrame:
        """From development to submitted. Its environment is released; assign one for staging and
        build.

        The library as a frame of one row. Raises ArgumentError, ApiError, OutcomeUnknown.
        """
        return self._act(library, "submit", dry_run=dry_run)

    def approve(self, library: Ids, *, dry_run: bool = False) -> pd.DataFrame:
        """From submitted to approved. Its environment is released; assign the one for production
        and build.

        The library as a frame of one row. Raises ArgumentError, ApiError, OutcomeUnknown.
        """
        return self._act(library, "approve", dry_run=dry_run)

    def reject(self, library: Ids, *, dry_run: bool = False) -> pd.DataFrame:
        """From submitted or approved to rejected; ``develop`` brings it back.

        The library as a frame of one row. Raises ArgumentError, ApiError, OutcomeUnknown.
        """
        return self._act(library, "reject", dry_run=dry_run)

    def develop(self, library: Ids, *, dry_run: bool = False) -> pd.DataFrame:
        """From rejected back to development.

        The library as a frame of one row. Raises ArgumentError, ApiError, OutcomeUnknown.
        """
        return self._act(library, "develop", dry_run=dry_run)

    def build(
        self, library: Ids, *, confirm: str | None = None, dry_run: bool = False
    ) -> pd.DataFrame:
        """Begin a build for its environment; the build as a frame of one row, pending at first.

        ``reactor.builds.wait(…)`` waits for it. On production the library's name has to be said
        (``confirm="Release 12"``): when that build succeeds, the library is published. A dry run
        sends nothing, so it does not ask for that.

        Raises ConfirmationRequired before anything is built; ApiError with the reason
        (``environment-required``, ``extension-not-found`` …); OutcomeUnknown.
        """
        place, confirm = self._one_id(library, "build"), checked_name(confirm)
        next_step = (
            f'Look whether it has begun: reactor.builds("{place}", sort="-created_at", limit=1).'
        )
        change = Change(
            "reactor.libraries.build",
            "POST",
            f"/libraries/{place}/builds",
            type="builds",
            next_step=next_step,
        )
        client = self._session.client
        if asked(dry_run):
            return shown(client.base_url, [change])
        state = state_of(client, self.row, place)
        if _may_be_production(client, state):
            check_confirm(
                f"build the library {name_of(state)!r} on production", name_of(state), confirm
            )
        builds = Builds(self._session, RESOURCES["builds"])
        return builds._perform(client, change, state)

    # -- how

    def _change(
        self, verb: str, method: str, library: Ids, resources: Ids, *, revise: bool, dry_run: bool
    ) -> pd.DataFrame:
        revise = asked(revise, "revise")
        emptied = method == "PATCH" and isinstance(resources, list) and not resources
        place, wanted = self._one_id(library, verb), _by_type(resources, may_be_none=emptied)
        client = self._session.client
        if asked(dry_run):
            action = {"meta": {"action": "revise"}} if revise else {}
            items = {
                kind: [identifier(each) | action for each in ids] for kind, ids in wanted.items()
            }
            return shown(client.base_url, self._changes(verb, method, place, items).values())
        states = {kind: states_of(client, RESOURCES[kind], ids) for kind, ids in wanted.items()}
        items = {
            kind: _items(kind, ids, states[kind], verb, revise=revise)
            for kind, ids in wanted.items()
        }
        return self._send(client, place, verb, self._changes(verb, method, place, items))

    def _changes(
        self, verb: str, method: str, place: str, items: dict[str, list[Document]]
    ) -> dict[str, Change]:
        """One request for each type; to replace, for all types, in the order in which a library
        takes them.
        """
        kinds = CONTENTS if method == "PATCH" else items
        return {
            kind: Change(
                f"reactor.libraries.{verb}",
                method,
                f"/libraries/{place}/relationships/{kind}",
                {"data": items.get(kind, [])},
                type="libraries",
                id=place,
                next_step=f'Look what it holds now: reactor.relationships("{place}", "{kind}").',
            )
            for kind in kinds
        }

    def _send(
        self, client: Client, place: str, verb: str, changes: dict[str, Change]
    ) -> pd.DataFrame:
        """These changes, by type, one after the other; then the library."""
        held = {kind: _linkage(client, change.path, kind) for kind, change in changes.items()}
        done: list[str] = []
        for kind, change in changes.items():
            before = {kind: [each["id"] for each in held[kind]]}
            with_note(
                partial(perform, client, change, before),
                done,
                f"Done before that ({verb}; leave it out when you do it again)",
            )
            sent = [each["id"] for each in (change.document or {})["data"]]
            done.append(f"{kind} ({', '.join(sent)})")
        return self._read_back(client, place)

    def _read_back(self, client: Client, place: str) -> pd.DataFrame:
        """The library as it is after writes that were done."""
        return self._frame_of(
            client, [read_back(partial(state_of, client, self.row, place))], f"/libraries/{place}"
        )

    def _held(self, client: Client, place: str, kind: str) -> list[Document]:
        return read_documents(client, [Listing(f"/libraries/{place}/{kind}", kind)], kind)[0]

    def _link_environment(
        self, verb: str, method: str, place: str, document: Document | None, *, dry_run: bool
    ) -> pd.DataFrame:
        path = f"/libraries/{place}/relationships/environment"
        next_step = f'Look which it has now: reactor.libraries.get("{place}").'
        change = Change(
            f"reactor.libraries.{verb}",
            method,
            path,
            document,
            type="libraries",
            id=place,
            next_step=next_step,
        )
        client = self._session.client
        if asked(dry_run):
            return shown(client.base_url, [change])
        before = state_of(client, self.row, place)
        if document is not None:
            _check_same_property(
                before, state_of(client, RESOURCES["environments"], document["data"]["id"])
            )
        perform(client, change, {"environment": linked_id(before, "environment") or None})
        return self._read_back(client, place)


class Builds(Waitable):
    """Builds: begun by ``reactor.libraries.build``.

    Source: https://experienceleague.adobe.com/en/docs/experience-platform/tags/api/endpoints/builds
    """

    def republish(
        self, build: Ids, *, confirm: str | None = None, dry_run: bool = False
    ) -> pd.DataFrame:
        """Deliver the build of one of the five newest published libraries once more; a frame of one
        row.

        It goes live, so the library's name has to be said: ``confirm="Release 12"``.
        ``meta_republish_status`` tells how far it is; look again with ``get``. Raises
        ConfirmationRequired before anything is delivered, ApiError, OutcomeUnknown. A dry run sends
        nothing, so it does not check the name.
        """
        confirm = checked_name(confirm)
        if not asked(dry_run):
            client = self._session.client
            state = state_of(client, self.row, self._one_id(build, "republish"))
            library = state_of(client, RESOURCES["libraries"], needed_id(state, "library"))
            check_confirm(
                f"put the build of {name_of(library)!r} on production again",
                name_of(library),
                confirm,
            )
        return self._act(build, "republish", dry_run=dry_run)


def _check_same_property(library: Document, environment: Document) -> None:
    mine, other = linked_id(library, "property"), linked_id(environment, "property")
    if mine and other and mine != other:
        raise ArgumentError(
            f"The environment {name_of(environment)!r} belongs to the property {other}, the library to {mine}."
        )


def _may_be_production(client: Client, library: Document) -> bool:
    """Whether a build of the library would go live; also when the answer does not say for which
    environment it is.
    """
    if "data" not in linkage_of(library, "environment"):
        return True
    target = linked_id(library, "environment")
    return (
        bool(target)
        and attribute(state_of(client, RESOURCES["environments"], target), "stage")
        not in STAGES[:2]
    )


def _by_type(resources: Ids, *, may_be_none: bool = False) -> dict[str, list[str]]:
    """Ids by type, in the order in which a library takes them. Raises ArgumentError for what it
    does not hold.
    """
    ids = ids_in(resources)
    found: dict[str, list[str]] = {}
    for each in ids:
        kind = type_of(each)
        if kind not in CONTENTS:
            hint = " Its rule brings it along: take the rule." if kind == "rule_components" else ""
            raise ArgumentError(
                f"A library holds rules, data elements and extensions, not {kind} ({each}).{hint}"
            )
        found.setdefault(kind, []).append(each)
    if not found and not may_be_none:
        raise ArgumentError("There is nothing to put in or take out: hand over at least one id.")
    return {kind: found[kind] for kind in CONTENTS if kind in found}


def _items(
    kind: str, ids: Sequence[str], states: Sequence[Document], verb: str, *, revise: bool
) -> list[Document]:
    """The identifiers to send; heads with the wish to revise them. Raises ArgumentError."""
    deleted = [name_of(state) for state in states if attribute(state, "deleted_at")]
    if deleted:
        raise ArgumentError(
            f"{', '.join(map(repr, deleted))}: deleted, so no library takes it. Leave it out."
        )
    heads = [state for state in states if attribute(state, "revision_number") == 0]
    if heads and not revise:
        names = ", ".join(repr(name_of(state)) for state in heads[:5])
        are = "are heads" if len(heads) > 1 else "is a head"
        raise ArgumentError(
            f"{names} {are}, and a library holds revisions. Say libraries.{verb}(…, revise=True), or {verb} what "
            f"reactor.{kind}.revise(…) answers."
        )
    is_head = {state["id"] for state in heads}
    return [
        identifier(each) | ({"meta": {"action": "revise"}} if each in is_head else {})
        for each in ids
    ]


def _unknown_revision(library: str, given: str) -> Document:
    """For a dry run: which revision of a head is in a library, only the service knows."""
    return {
        **identifier(given),
        "id": str(Placeholder(f"id of {given}, or of its revision in {library}")),
    }


def _in_library(held: Sequence[Document], wanted: str) -> str:
    """The id of the revision that is in the library. Raises ArgumentError."""
    for state in held:
        if wanted in {state["id"], linked_id(state, "origin")}:
            return str(state["id"])
    inside = ", ".join(f"{name_of(state)} ({state['id']})" for state in held[:10])
    raise ArgumentError(
        f"{wanted} is not in the library. It holds: {inside or 'nothing of that type'}."
    )


def _linkage(client: Client, path: str, kind: str) -> list[dict[str, Any]]:
    return read_documents(client, [Listing(path, kind)], kind)[0]
