"""Libraries and builds: fill a library, move it through its states, build it, publish it."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from operator import itemgetter

import pandas as pd

from adobe_nb.api.reactor.client import Client
from adobe_nb.api.reactor.inputs import Ids, asked, ids_in, ids_of_type, type_of
from adobe_nb.api.reactor.jsonapi import (
    Document,
    Write,
    identifier,
    linkage_of,
    linked_id,
    needed_id,
)
from adobe_nb.api.reactor.paging import Listing, read_documents
from adobe_nb.api.reactor.payloads import Placeholder, shown
from adobe_nb.api.reactor.polling import Waitable
from adobe_nb.api.reactor.writes import (
    Editable,
    answered,
    attribute,
    check_confirm,
    checked_name,
    name_of,
    send_in_turn,
    state_of,
    states_of,
)
from adobe_nb.errors import AdobeError, ArgumentError
from adobe_nb.registry import RESOURCES, STAGES

CONTENTS = ("extensions", "data_elements", "rules")
"""What a library holds. Extensions go first: the others depend on them."""

_METHODS = {
    "add": "POST",
    "replace": "PATCH",
    "remove": "DELETE",
    "assign": "PATCH",
    "unassign": "DELETE",
}
_REVISE = {"meta": {"action": "revise"}}
"""Makes the service revise a head and take the new revision."""


class Libraries(Editable):
    """Libraries: their contents, their environment, and their way to production.

    Source:
    https://experienceleague.adobe.com/en/docs/experience-platform/tags/api/endpoints/libraries
    """

    def add(
        self, library: Ids, resources: Ids, *, revise: bool = False, dry_run: bool = False
    ) -> pd.DataFrame:
        """Add revisions of rules, data elements and extensions.

        All of them are read and checked first; then there is one request for each type.

        Parameters
        ----------
        revise
            Accept heads as well: each is revised, and its new revision is added.
        dry_run
            Show the requests and send nothing. With ``revise`` every resource is shown as a head.

        Returns
        -------
        DataFrame
            One row: the library afterwards.

        Raises
        ------
        ArgumentError
            A head without ``revise``, a deleted resource, another type. Nothing was changed.
        ApiError, OutcomeUnknown
            A note on the error says what was added before.
        """
        return self._fill("add", library, resources, revise=revise, dry_run=dry_run)

    def replace(
        self, library: Ids, resources: Ids, *, revise: bool = False, dry_run: bool = False
    ) -> pd.DataFrame:
        """Make the library hold exactly these; types that are not among them are emptied.

        Three requests, one for each type. ``[]`` empties the library; an empty frame is refused.
        Parameters, result and errors are those of ``add``.
        """
        return self._fill("replace", library, resources, revise=revise, dry_run=dry_run)

    def remove(self, library: Ids, resources: Ids, *, dry_run: bool = False) -> pd.DataFrame:
        """Remove resources from the library; a head stands for its revision in the library.

        Parameters
        ----------
        dry_run
            Show the requests and send nothing. Ids are ``{id of DE…, or of its revision in LB…}``.

        Returns
        -------
        DataFrame
            One row: the library afterwards.

        Raises
        ------
        ArgumentError
            The library does not hold one of them. Nothing was changed.
        ApiError, OutcomeUnknown
            A note on the error says what was removed before.
        """
        return self._fill("remove", library, resources, dry_run=dry_run)

    def assign(self, library: Ids, environment: Ids, *, dry_run: bool = False) -> pd.DataFrame:
        """Assign an environment of the stage that the state of the library requires.

        A library in development takes a development environment, a submitted one staging, an
        approved one production.

        Returns
        -------
        DataFrame
            One row: the library afterwards.

        Raises
        ------
        ArgumentError
            It is an environment of another property.
        ApiError
            ``environment-in-use`` and others.
        OutcomeUnknown
        """
        library_id = self._one_id(library, "assign")
        ids = ids_of_type(RESOURCES["environments"], [environment])
        if len(ids) != 1:
            raise ArgumentError(
                "assign takes one environment. To take it away: "
                "reactor.libraries.unassign(library)."
            )
        return self._link_environment("assign", library_id, ids[0], dry_run=dry_run)

    def unassign(self, library: Ids, *, dry_run: bool = False) -> pd.DataFrame:
        """Take the environment away from the library.

        Returns
        -------
        DataFrame
            One row: the library afterwards.

        Raises
        ------
        ArgumentError, ApiError, OutcomeUnknown
        """
        library_id = self._one_id(library, "unassign")
        return self._link_environment("unassign", library_id, "", dry_run=dry_run)

    def submit(self, library: Ids, *, dry_run: bool = False) -> pd.DataFrame:
        """Move the library from development to submitted.

        The environment is released: assign one for staging and build.

        Returns
        -------
        DataFrame
            One row: the library afterwards.

        Raises
        ------
        ArgumentError, ApiError, OutcomeUnknown
        """
        return self._act(library, "submit", dry_run=dry_run)

    def approve(self, library: Ids, *, dry_run: bool = False) -> pd.DataFrame:
        """Move the library from submitted to approved.

        The environment is released: assign the one for production and build.

        Returns
        -------
        DataFrame
            One row: the library afterwards.

        Raises
        ------
        ArgumentError, ApiError, OutcomeUnknown
        """
        return self._act(library, "approve", dry_run=dry_run)

    def reject(self, library: Ids, *, dry_run: bool = False) -> pd.DataFrame:
        """Move the library from submitted or approved to rejected; ``develop`` brings it back.

        Returns
        -------
        DataFrame
            One row: the library afterwards.

        Raises
        ------
        ArgumentError, ApiError, OutcomeUnknown
        """
        return self._act(library, "reject", dry_run=dry_run)

    def develop(self, library: Ids, *, dry_run: bool = False) -> pd.DataFrame:
        """Move the library from rejected back to development.

        Returns
        -------
        DataFrame
            One row: the library afterwards.

        Raises
        ------
        ArgumentError, ApiError, OutcomeUnknown
        """
        return self._act(library, "develop", dry_run=dry_run)

    def build(
        self, library: Ids, *, confirm: str | None = None, dry_run: bool = False
    ) -> pd.DataFrame:
        """Start a build for the environment of the library.

        ``reactor.builds.wait(…)`` waits until it is done. When a build on production succeeds, the
        library is published.

        Parameters
        ----------
        confirm
            Required on production: the name of the library, ``confirm="Release 12"``.
        dry_run
            Show the request and send nothing. ``confirm`` is not checked.

        Returns
        -------
        DataFrame
            One row: the build, pending at first.

        Raises
        ------
        ConfirmationRequired
            Nothing was built.
        ApiError
            With the reason: ``environment-required``, ``extension-not-found`` …
        OutcomeUnknown
        """
        library_id = self._one_id(library, "build")
        confirm = checked_name(confirm)
        builds = f'reactor.builds("{library_id}", sort="-created_at", limit=1)'
        write = Write(
            "reactor.libraries.build",
            "POST",
            f"/libraries/{library_id}/builds",
            type="builds",
            next_step=f"Check whether it has started: {builds}.",
        )
        client = self._session.client
        if asked(dry_run):
            return shown(client, [write])
        state = state_of(client, self.row, library_id)
        # A successful build on production publishes, which cannot be taken back.
        if _may_be_production(client, state):
            name = name_of(state)
            check_confirm(f"build the library {name!r} on production", name, confirm)
        build = answered(client.write(write, state), write)
        return Builds(self._session, RESOURCES["builds"])._written(client, [build], write.path)

    def _fill(
        self,
        verb: str,
        library: Ids,
        resources: Ids,
        *,
        revise: bool = False,
        dry_run: bool,
    ) -> pd.DataFrame:
        """Add, replace or remove contents."""
        revise = asked(revise, "revise")
        # An empty frame is more likely a filter that matched nothing than a wish to empty it.
        empties = verb == "replace" and isinstance(resources, list) and not resources
        library_id = self._one_id(library, verb)
        ids_by_type = _by_type(resources, may_be_empty=empties)
        client = self._session.client
        items = {}
        if asked(dry_run):
            for resource_type, ids in ids_by_type.items():
                items[resource_type] = _unchecked_items(library_id, verb, ids, revise=revise)
            return shown(client, self._filling(verb, library_id, items))
        client.refuse_preview_ids(library_id, str(ids_by_type))
        for resource_type, ids in ids_by_type.items():
            if verb == "remove":
                contents = read_list(client, f"/libraries/{library_id}/{resource_type}")
                items[resource_type] = _identifiers(map(partial(_id_in_library, contents), ids))
            else:
                states = states_of(client, RESOURCES[resource_type], ids)
                heads = _checked_heads(resource_type, states, verb, revise=revise)
                items[resource_type] = _identifiers(ids, heads)
        writes = self._filling(verb, library_id, items)
        return self._send_filling(client, library_id, verb, writes)

    def _filling(
        self, verb: str, library_id: str, items: Mapping[str, Sequence[Document]]
    ) -> list[Write]:
        """Return one write for each type; to replace, for all types."""
        writes = []
        if verb == "replace":
            items = {**dict.fromkeys(CONTENTS, ()), **items}
        for resource_type, identifiers in items.items():
            contents = f'reactor.relationships("{library_id}", "{resource_type}")'
            next_step = f"Check what it holds now: {contents}."
            document = {"data": list(identifiers)}
            writes.append(_linkage_write(verb, library_id, resource_type, document, next_step))
        return writes

    def _send_filling(
        self, client: Client, library_id: str, verb: str, writes: Sequence[Write]
    ) -> pd.DataFrame:
        # Everything that the library holds is read before the first write, for the journal.
        before = []
        labels = []
        for write in writes:
            resource_type = write.path.rpartition("/")[2]
            before.append({resource_type: ids_of(read_list(client, write.path))})
            sent_ids = ids_of((write.document or {})["data"])
            labels.append(f"{resource_type} ({', '.join(sent_ids)})")
        words = f"Done before that ({verb}; leave it out when you retry)"
        send_in_turn(client, writes, before, labels, words)
        return self._read_back(client, library_id)

    def _read_back(self, client: Client, library_id: str) -> pd.DataFrame:
        """Return the library after writes that were done."""
        try:
            library = state_of(client, self.row, library_id)
        except (AdobeError, KeyboardInterrupt) as error:
            error.add_note(
                "The change was made; only reading the library back failed. Check the library instead "
                "of running this again."
            )
            raise
        return self._written(client, [library], f"/libraries/{library_id}")

    def _link_environment(
        self, verb: str, library_id: str, environment_id: str, *, dry_run: bool
    ) -> pd.DataFrame:
        document = None
        # The DELETE of unassign has no body.
        if environment_id:
            document = {"data": identifier(environment_id)}
        next_step = f'Check which one it has now: reactor.libraries.get("{library_id}").'
        write = _linkage_write(verb, library_id, "environment", document, next_step)
        client = self._session.client
        if asked(dry_run):
            return shown(client, [write])
        client.refuse_preview_ids(library_id, environment_id)
        before = state_of(client, self.row, library_id)
        if environment_id:
            environment = state_of(client, RESOURCES["environments"], environment_id)
            _check_same_property(before, environment)
        client.write(write, {"environment": linked_id(before, "environment") or None})
        return self._read_back(client, library_id)


class Builds(Waitable):
    """Builds, started by ``reactor.libraries.build``.

    Source: https://experienceleague.adobe.com/en/docs/experience-platform/tags/api/endpoints/builds
    """

    def republish(
        self, build: Ids, *, confirm: str | None = None, dry_run: bool = False
    ) -> pd.DataFrame:
        """Deliver the build of one of the five newest published libraries again. It goes live.

        Parameters
        ----------
        confirm
            Required: the name of the library, ``confirm="Release 12"``.
        dry_run
            Show the request and send nothing. ``confirm`` is not checked.

        Returns
        -------
        DataFrame
            One row. ``meta_republish_status`` is the progress; read it again with ``get``.

        Raises
        ------
        ConfirmationRequired
            Nothing was delivered.
        ApiError, OutcomeUnknown
        """
        confirm = checked_name(confirm)
        if not asked(dry_run):
            client = self._session.client
            state = state_of(client, self.row, self._one_id(build, "republish"))
            library = state_of(client, RESOURCES["libraries"], needed_id(state, "library"))
            name = name_of(library)
            check_confirm(f"put the build of {name!r} on production again", name, confirm)
        return self._act(build, "republish", dry_run=dry_run)


def _linkage_write(
    verb: str, library_id: str, name: str, document: Document | None, next_step: str
) -> Write:
    """Return the write of one relationship of a library."""
    return Write(
        f"reactor.libraries.{verb}",
        _METHODS[verb],
        f"/libraries/{library_id}/relationships/{name}",
        document,
        type="libraries",
        id=library_id,
        next_step=next_step,
    )


def _check_same_property(library: Document, environment: Document) -> None:
    own, other = linked_id(library, "property"), linked_id(environment, "property")
    if own and other and own != other:
        raise ArgumentError(
            f"The environment {name_of(environment)!r} belongs to the property {other}, the "
            f"library to {own}."
        )


def _may_be_production(client: Client, library: Document) -> bool:
    """Whether a build would go live, or that cannot be known."""
    # The response does not show the environment, so assume the worst.
    if "data" not in linkage_of(library, "environment"):
        return True
    environment_id = linked_id(library, "environment")
    if not environment_id:
        return False
    environment = state_of(client, RESOURCES["environments"], environment_id)
    # A stage that is not known here may be production as well.
    return attribute(environment, "stage") not in STAGES[:2]


def _by_type(resources: Ids, *, may_be_empty: bool = False) -> dict[str, list[str]]:
    """Return ids by type, in the order of CONTENTS. Raises ArgumentError for other types."""
    ids = ids_in(resources)
    for resource_id in ids:
        resource_type = type_of(resource_id)
        if resource_type not in CONTENTS:
            hint = ""
            if resource_type == "rule_components":
                hint = " The revision of its rule includes it: add the rule."
            raise ArgumentError(
                "A library holds rules, data elements and extensions, not "
                f"{resource_type} ({resource_id}).{hint}"
            )
    if not ids and not may_be_empty:
        raise ArgumentError("There is nothing to add or remove: give at least one id.")
    ids_by_type: dict[str, list[str]] = {}
    # Sorting keeps the order of ids of the same type.
    for resource_id in sorted(ids, key=lambda item: CONTENTS.index(type_of(item))):
        ids_by_type.setdefault(type_of(resource_id), []).append(resource_id)
    return ids_by_type


def _checked_heads(
    resource_type: str, states: Sequence[Document], verb: str, *, revise: bool
) -> list[str]:
    """Return the ids of the heads, to be revised. Raises ArgumentError for deleted resources, and
    for heads without ``revise``.
    """
    deleted = []
    heads = []
    for state in states:
        if attribute(state, "deleted_at"):
            deleted.append(state)
        elif attribute(state, "revision_number") == 0:
            heads.append(state)
    if deleted:
        raise ArgumentError(
            f"Deleted resources cannot be added to a library: {_quoted_names(deleted)}. Leave them out."
        )
    # A library holds revisions, so that a later change of the head does not go live with it.
    if heads and not revise:
        are = "is a head"
        if len(heads) > 1:
            are = "are heads"
        # A longer list would bury the advice behind it.
        raise ArgumentError(
            f"{_quoted_names(heads[:5])} {are}, and a library holds revisions. Use "
            f"libraries.{verb}(…, revise=True), or {verb} the result of "
            f"reactor.{resource_type}.revise(…)."
        )
    return ids_of(heads)


def _quoted_names(resources: Iterable[Document]) -> str:
    return ", ".join(map(repr, map(name_of, resources)))


def _identifiers(ids: Iterable[str], heads: Iterable[str] = ()) -> list[Document]:
    """Return identifiers; those of heads ask the service to revise them."""
    items = []
    for resource_id in ids:
        item = identifier(resource_id)
        if resource_id in heads:
            item |= _REVISE
        items.append(item)
    return items


def _unchecked_items(
    library_id: str, verb: str, ids: Sequence[str], *, revise: bool
) -> list[Document]:
    """Return the identifiers for a dry run, which reads nothing."""
    if revise:
        return _identifiers(ids, ids)
    items = _identifiers(ids)
    if verb == "remove":
        # Only the service knows the revision in a library.
        for item in items:
            words = f"id of {item['id']}, or of its revision in {library_id}"
            item["id"] = str(Placeholder(words))
    return items


def _id_in_library(contents: Sequence[Document], resource_id: str) -> str:
    """Return the id of the revision that the library holds. Raises ArgumentError."""
    for state in contents:
        if resource_id in {state["id"], linked_id(state, "origin")}:
            return str(state["id"])
    names = ", ".join(f"{name_of(state)} ({state['id']})" for state in contents[:10])
    raise ArgumentError(
        f"{resource_id} is not in the library. It holds: {names or 'nothing of that type'}."
    )


def read_list(client: Client, path: str) -> list[Document]:
    """Return the resources of the list at a path that ends with their type."""
    resource_type = path.rpartition("/")[2]
    return read_documents(client, [Listing(path, resource_type)], resource_type)[0]


def ids_of(resources: Iterable[Document]) -> list[str]:
    """Return the ids of resources or identifiers."""
    return list(map(itemgetter("id"), resources))
