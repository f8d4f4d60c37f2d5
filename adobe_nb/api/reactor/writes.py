"""Writing resources of one type: ``create``, ``update``, ``delete``, ``revise``.

Every write is checked against the registry before a request, can be shown by ``dry_run=True``, is
recorded in the journal with the state before it, and is not retried when it may have arrived.

A dry run sends no request at all. Ids that only the service knows are placeholders in it, such as
``{id of the company}``, and what only the service can tell is not checked: whether a resource
exists, whether it is a head, and its name for ``confirm``.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from inspect import Parameter, Signature, signature
from operator import attrgetter
from typing import Any

import pandas as pd

from adobe_nb.api.reactor.client import Client, HasClient, attrs_of, in_parallel, path_to
from adobe_nb.api.reactor.collection import Collection
from adobe_nb.api.reactor.frames import to_frame
from adobe_nb.api.reactor.inputs import (
    Ids,
    asked,
    ids_in,
    ids_of_type,
    listed_under,
    parents_of_one_type,
)
from adobe_nb.api.reactor.jsonapi import Document, Write, linked_id, needed_id, one_of
from adobe_nb.api.reactor.paging import Listing, read_documents
from adobe_nb.api.reactor.payloads import Placeholder, document_of, shown
from adobe_nb.api.reactor.relations import component_notes, related
from adobe_nb.errors import (
    AdobeError,
    ArgumentError,
    ConfirmationRequired,
    IncompleteResult,
)
from adobe_nb.registry import RESOURCES, Resource, Verb

Confirm = str | list[str]
"""A name, a number of resources, or the names of several: a list, since a name can hold a comma."""


class Writing(Collection):
    """What all writing verbs share."""

    def _one_id(self, resource: Ids, verb: str) -> str:
        ids = ids_of_type(self.row, [resource])
        if len(ids) == 1:
            return ids[0]
        example = ""
        if ids:
            example = f', as in [reactor.{self.row.type}.{verb}(id, …) for id in frame["id"]]'
        raise ArgumentError(f"{self.row.type}.{verb} takes exactly one, not {len(ids)}{example}.")

    def _some_ids(self, resources: Sequence[Ids], verb: str) -> list[str]:
        ids = ids_of_type(self.row, resources)
        if not ids:
            raise ArgumentError(f"{self.row.type}.{verb} requires at least one id.")
        return ids

    def _states(self, client: Client, ids: Sequence[str]) -> list[Document]:
        """Return the resources as they are now."""
        return states_of(client, self.row, ids)

    def _frame(self, client: Client, resources: Sequence[Document], path: str) -> pd.DataFrame:
        return to_frame(self.row, resources, attrs=attrs_of(client, path, len(resources)))

    def _written(self, client: Client, resources: Sequence[Document], path: str) -> pd.DataFrame:
        """Return the frame of a write; an error says that the write was done."""
        try:
            return self._frame(client, resources, path)
        except IncompleteResult as error:
            raise IncompleteResult(
                f"The write was done, but its response cannot be shown as a table. {error}"
            ) from None

    def _send(self, write: Write, *, dry_run: bool = False) -> pd.DataFrame:
        """Send one write, after reading what it changes. The frame of the response."""
        client = self._session.client
        if asked(dry_run):
            return shown(client, [write])
        before = None
        if write.id:
            [before] = self._read_before(client, [write])
        document = client.write(write, before)
        return self._written(client, [answered(document, write)], write.path)

    def _read_before(self, client: Client, writes: Sequence[Write]) -> list[Document]:
        """Read what the writes change. Raises ArgumentError for revisions and deleted resources."""
        # All of them before the first write, so that a mistake leaves nothing half done.
        for write in writes:
            client.refuse_preview_ids(write.path, write.masked)
        states = self._states(client, list(map(attrgetter("id"), writes)))
        for state in states:
            check_head(self.row, state)
        return states

    def _act(self, resource: Ids, action: str, *, dry_run: bool) -> pd.DataFrame:
        """PATCH with ``meta.action``."""
        resource_id = self._one_id(resource, action)
        return self._send(action_write(self.row, resource_id, action), dry_run=dry_run)

    def _show_keywords(self, verb: Verb) -> None:
        """Give the verb of this type a signature with its own keywords, for Tab and ``?``."""
        method = getattr(self, verb)
        # Not a function around the method: its frame would hold the arguments, secrets among them.
        bound: Any = partial(method)
        bound.__doc__ = method.__doc__
        bound.__signature__ = _signature_of(self, verb, signature(method))
        setattr(self, verb, bound)


class Creatable(Writing):
    """``create``."""

    def __init__(self, session: HasClient, row: Resource) -> None:
        super().__init__(session, row)
        self._show_keywords("create")

    def create(
        self, parent: Ids | None = None, /, *, dry_run: bool = False, **attributes: Any
    ) -> pd.DataFrame:
        """Create one resource under its parent.

        Parameters
        ----------
        parent
            Id or row of the parent. A property or an app configuration needs none when there is
            only one company.
        dry_run
            Show the request and send nothing.
        **attributes
            Attributes and relations. Relations take ids or rows (``extension="EX…"``),
            ``settings`` a dict or JSON text.

        Returns
        -------
        DataFrame
            One row with the columns of the list; with ``dry_run`` the columns method, url, body.

        Raises
        ------
        ArgumentError
            A keyword or value is wrong. No request was sent.
        ApiError
            The service refused it.
        OutcomeUnknown
            No response came: it may have been created.
        """
        document = document_of(self.row, "create", attributes)
        client = self._session.client
        # Most organizations have one company, so it need not be named.
        if parent is None and self.row.creators == ("companies",):
            owner = f"companies/{Placeholder('id of the company')}"
            if not asked(dry_run):
                client.refuse_preview_ids(str(document))
                owner = _only_company(client, self.row)
        else:
            owner = self._owner(parent)
        return self._send(self._creation(owner, document), dry_run=dry_run)

    def _creation(self, owner: str, document: Document) -> Write:
        parent_id = owner.partition("/")[2]
        return Write(
            f"reactor.{self.row.type}.create",
            "POST",
            f"/{owner}/{self.row.type}",
            document,
            type=self.row.type,
            next_step=f'Look for it before you retry: reactor.{self.row.type}("{parent_id}").',
        )

    def _owner(self, parent: Ids | None) -> str:
        """Return the parent's type and id, as in a path."""
        creators = self.row.creators
        if parent is None:
            raise _no_parent(self.row)
        resource_type, ids = parents_of_one_type(self.row, parent, creators)
        if resource_type is None or len(ids) != 1:
            parents = listed_under(self.row, creators)
            raise ArgumentError(
                f"{self.row.type}.create requires one parent, {parents}, not {len(ids)}."
            )
        return f"{resource_type}/{ids[0]}"


class Deletable(Writing):
    """``delete``."""

    def delete(
        self, *ids: Ids, confirm: Confirm | None = None, dry_run: bool = False
    ) -> pd.DataFrame:
        """Delete resources.

        Parameters
        ----------
        confirm
            Required to delete several at once, such as ``confirm="3 rules"``. To delete a property,
            host or environment: its name, or a list of names, ``confirm=["Old site", "Test"]``.
        dry_run
            Show the requests and send nothing. ``confirm`` is not compared with the names.

        Returns
        -------
        DataFrame
            The resources as they were, one row each.

        Raises
        ------
        ConfirmationRequired, ArgumentError
            Nothing was deleted.
        ApiError, OutcomeUnknown
            A note on the error names the resources that were deleted before.
        """
        resource_ids = self._some_ids(ids, "delete")
        confirm = checked_confirm(confirm)
        client = self._session.client
        writes = list(map(self._deletion, resource_ids))
        if asked(dry_run):
            return shown(client, writes)
        before = self._read_before(client, writes)
        # The names for confirm are those of the service, not of a frame that may be old.
        self._check_confirmed(before, confirm)
        send_in_turn(client, writes, before, resource_ids, "Deleted before that")
        return self._frame(client, before, path_to(self.row.type, resource_ids))

    def _deletion(self, resource_id: str) -> Write:
        read = f'reactor.{self.row.type}.get("{resource_id}")'
        return Write(
            f"reactor.{self.row.type}.delete",
            "DELETE",
            f"/{self.row.type}/{resource_id}",
            type=self.row.type,
            id=resource_id,
            next_step=f"Check whether it still exists: {read}.",
        )

    def _check_confirmed(self, before: Sequence[Document], confirm: Confirm | None) -> None:
        names = list(map(name_of, before))
        several = f"{len(names)} {self.row.type}"
        if len(names) > 1 and not self.row.guarded:
            check_confirm(f"delete these {several}", several, confirm)
        elif len(names) > 1:
            # A list of names, since names joined by commas could be the name of one.
            check_confirm(f"delete these {several}", names, confirm)
        elif self.row.guarded:
            check_confirm(f"delete the {self.row.singular} {names[0]!r}", names[0], confirm)


class Editable(Creatable, Deletable):
    """``create``, ``update`` and ``delete``."""

    def __init__(self, session: HasClient, row: Resource) -> None:
        super().__init__(session, row)
        self._show_keywords("update")

    def update(self, resource: Ids, /, *, dry_run: bool = False, **attributes: Any) -> pd.DataFrame:
        """Change attributes and relations of one resource.

        Of types with revisions only the head can be changed.

        Parameters
        ----------
        dry_run
            Show the request and send nothing.
        **attributes
            As for ``create``. None clears a value, where the API allows that.

        Returns
        -------
        DataFrame
            One row: the resource after the change.

        Raises
        ------
        ArgumentError
            A keyword or value is wrong, or it is not a head. Nothing was changed.
        ApiError
            The service refused it.
        OutcomeUnknown
            No response came: it may have been changed.
        """
        resource_id = self._one_id(resource, "update")
        document = document_of(self.row, "update", attributes, resource_id)
        return self._send(update_write(self.row, resource_id, document, "update"), dry_run=dry_run)


class Revisable(Editable):
    """``create``, ``update``, ``delete``, ``revise`` and ``revisions``."""

    def revise(self, *resources: Ids, dry_run: bool = False) -> pd.DataFrame:
        """Freeze heads into their next revisions, which is what libraries hold.

        The revision of a rule includes its components.

        Parameters
        ----------
        dry_run
            Show the requests and send nothing. Whether these are heads is not checked.

        Returns
        -------
        DataFrame
            The new revisions, one row each, in the order of the heads.

        Raises
        ------
        ArgumentError
            One of them is a revision. Nothing was revised.
        ApiError, OutcomeUnknown
            A note on the error names the heads that were revised before.
        """
        resource_ids = self._some_ids(resources, "revise")
        client = self._session.client
        writes = []
        for resource_id in resource_ids:
            writes.append(action_write(self.row, resource_id, "revise"))
        if asked(dry_run):
            return shown(client, writes)
        before = self._read_before(client, writes)
        documents = send_in_turn(client, writes, before, resource_ids, "Revised before that")
        revisions = list(map(answered, documents, writes))
        return self._written(client, revisions, path_to(self.row.type, resource_ids))

    def revisions(self, *ids: Ids) -> pd.DataFrame:
        """Return all revisions of these, heads (``revision_number`` 0) included.

        The second column is the id whose revision a row is. Raises ArgumentError for ids of
        another type, ApiError, TransportError.
        """
        return related(self._session.client, ids_of_type(self.row, ids), "revisions")


class RuleComponents(Editable):
    """Rule components: created in a rule, although the API expects the property."""

    _looked_up = ("rules",)

    def create(
        self, parent: Ids | None = None, /, *, dry_run: bool = False, **attributes: Any
    ) -> pd.DataFrame:
        """Create one component in a rule.

        The parent is a rule, whose property is looked up, or a property; then ``rules=`` is
        required. A dry run shows ``{id of the property of RL…}``. Otherwise as for every type.

        Returns
        -------
        DataFrame
            One row, with its ``rule_id``.

        Raises
        ------
        ArgumentError, ApiError, OutcomeUnknown
            As for every type.
        """
        if parent is None or "rules" in attributes:
            frame = super().create(parent, dry_run=dry_run, **attributes)
            rules = ids_in(attributes["rules"])
        else:
            resource_type, rules = parents_of_one_type(self.row, parent, ("rules", "properties"))
            if resource_type != "rules" or len(rules) != 1:
                raise ArgumentError(
                    'Pass the rule as the first argument: rule_components.create("RL…", name=…).'
                )
            document = document_of(self.row, "create", {**attributes, "rules": rules})
            owner = f"properties/{Placeholder(f'id of the property of {rules[0]}')}"
            if not asked(dry_run):
                client = self._session.client
                client.refuse_preview_ids(str(document))
                rule = state_of(client, RESOURCES["rules"], rules[0])
                check_head(RESOURCES["rules"], rule)
                owner = f"properties/{needed_id(rule, 'property')}"
            frame = self._send(self._creation(owner, document), dry_run=dry_run)
        # The response does not name the rule of a component. With one rule named, it is that.
        if len(rules) == 1 and not asked(dry_run):
            frame["rule_id"] = pd.Series(rules, dtype="string")
        return frame


class Notes(Creatable):
    """Notes: created on a resource, neither changed nor deleted."""

    def of_components(self, *rules: Ids) -> pd.DataFrame:
        """Return the notes on all components of these rules, one row each.

        Raises ArgumentError, ApiError, TransportError.
        """
        return component_notes(self._session.client, ids_of_type(RESOURCES["rules"], rules))


def _signature_of(collection: Writing, verb: Verb, general: Signature) -> Signature:
    """Return the signature of create or update with the keywords of the registry."""
    # The last one is **attributes; dry_run, before it, comes after what a user has to give.
    *parameters, dry_run, _ = general.parameters.values()
    for name, required in collection.row.keywords(verb).items():
        parameter = Parameter(name, Parameter.KEYWORD_ONLY)
        if not required or name in collection._looked_up:
            parameter = parameter.replace(default=None)
        parameters.append(parameter)
    return general.replace(parameters=[*parameters, dry_run])


def _only_company(client: Client, row: Resource) -> str:
    """Return the only company, as in a path. Raises ArgumentError when there are several."""
    [companies] = read_documents(client, [Listing("/companies", "companies")], "companies")
    if len(companies) != 1:
        raise _no_parent(row)
    return f"companies/{companies[0]['id']}"


def _no_parent(row: Resource) -> ArgumentError:
    parents = []
    for creator in row.creators:
        name = RESOURCES[creator].singular.replace("_", " ")
        parents.append(f"{name} ({RESOURCES[creator].prefix}…)")
    return ArgumentError(
        f"Pass the {' or '.join(parents)} as the first argument of {row.type}.create."
    )


def send_in_turn(
    client: Client,
    writes: Sequence[Write],
    before: Sequence[object],
    labels: Sequence[str],
    words: str,
) -> list[Document | None]:
    """Send writes one by one. A note on an error has the labels of the writes done before it."""
    documents: list[Document | None] = []
    for write, state in zip(writes, before, strict=True):
        try:
            documents.append(client.write(write, state))
        except (AdobeError, KeyboardInterrupt) as error:
            if documents:
                error.add_note(f"{words}: {', '.join(labels[: len(documents)])}.")
            raise
    return documents


def answered(document: Document | None, write: Write) -> Document:
    """Return the resource of a response. Raises IncompleteResult, which says that it was done."""
    try:
        return one_of(document or {}, write.type)
    except IncompleteResult as error:
        # The advice to repeat a request is for reads: this write would be done twice.
        problem = str(error).partition(". Repeating the request")[0]
        raise IncompleteResult(
            f"{write.method} {write.path} was done, but its response cannot be read: {problem}. "
            f"{write.next_step}"
        ) from None


def action_write(row: Resource, resource_id: str, action: str) -> Write:
    """Return the PATCH with ``meta.action``."""
    data = {"id": resource_id, "type": row.type, "meta": {"action": action}}
    return update_write(row, resource_id, {"data": data}, action)


def update_write(row: Resource, resource_id: str, document: Document | None, verb: str) -> Write:
    """Return the PATCH of one resource."""
    return Write(
        f"reactor.{row.type}.{verb}",
        "PATCH",
        f"/{row.type}/{resource_id}",
        document,
        type=row.type,
        id=resource_id,
        next_step=f'Look at it before you retry: reactor.{row.type}.get("{resource_id}").',
    )


def state_of(client: Client, row: Resource, resource_id: str) -> Document:
    """Return the resource as it is now."""
    return one_of(client.get(f"/{row.type}/{resource_id}"), row.type, resource_id)


def states_of(client: Client, row: Resource, ids: Sequence[str]) -> list[Document]:
    """Return the resources as they are now. Refuses made-up ids before the first request."""
    client.refuse_preview_ids(*ids)
    return in_parallel(client, partial(state_of, client, row), ids, row.type)


def attribute(resource: Mapping[str, Any], name: str) -> Any:
    """Return one attribute of a resource, or None."""
    attributes = resource.get("attributes")
    if not isinstance(attributes, Mapping):
        return None
    return attributes.get(name)


def name_of(resource: Mapping[str, Any]) -> str:
    """Return the name of a resource, else its id."""
    return str(attribute(resource, "name") or resource["id"])


def check_head(row: Resource, resource: Mapping[str, Any]) -> None:
    """Raise ArgumentError for a revision, which is frozen, and for a deleted resource."""
    # 0 is the head, and types without revisions have no number.
    number = attribute(resource, "revision_number")
    name = name_of(resource)
    if number:
        head = linked_id(resource, "origin")
        raise ArgumentError(
            f"{resource['id']} is revision {number} of {name!r} and frozen. Change its head, "
            f"{head}."
        )
    # A soft-deleted resource can still be fetched.
    if attribute(resource, "deleted_at"):
        raise ArgumentError(f"The {row.singular.replace('_', ' ')} {name!r} is deleted.")


def checked_name(confirm: object) -> str | None:
    """Return ``confirm`` of one resource: a text or None. Raises ArgumentError."""
    if confirm is None or isinstance(confirm, str):
        return confirm
    raise ArgumentError(
        f'confirm is a text, as in confirm="Release 12", not {repr(confirm)[:40]}. '
        "Nothing was changed."
    )


def checked_confirm(confirm: object) -> Confirm | None:
    """Return ``confirm`` of one or several: text, list of texts or None. Raises ArgumentError."""
    if not isinstance(confirm, (list, tuple)):
        return checked_name(confirm)
    names: list[Any] = list(map(checked_name, confirm))
    if None in names:
        raise ArgumentError(
            "confirm has a None among its names. Write each name: "
            'confirm=["Old site", "Test site"].'
        )
    return names


def check_confirm(action: str, required: Confirm, confirm: Confirm | None) -> None:
    """Raise ConfirmationRequired unless ``confirm`` is that; the order of names does not matter."""
    # Compared exactly, with case: a name has to be read to be repeated.
    if confirm == required:
        return
    both_lists = isinstance(confirm, list) and isinstance(required, list)
    if both_lists and sorted(confirm or ()) == sorted(required):
        return
    answer = ""
    if confirm is not None:
        answer = f" You gave {confirm!r}."
    raise ConfirmationRequired(
        f"To {action}, add confirm={required!r}.{answer} Nothing was changed.", required
    )
