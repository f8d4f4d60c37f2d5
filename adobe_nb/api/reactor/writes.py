"""Writing resources of one type: ``create``, ``update``, ``delete``, ``revise``. Each answers a
frame.

Every write is checked against the registry before a request, can be shown by ``dry_run=True``, is
kept in the journal with the state before, and is never repeated when it may have arrived.

A dry run sends no request at all. Ids that only the service knows are placeholders in it, as ``{id
of the company}``, and what only the service can tell is not checked: whether a resource exists,
whether it is a head, its name for ``confirm``.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd
from urllib3.filepost import encode_multipart_formdata

from adobe_nb.api.reactor.client import (
    Body,
    Client,
    attrs_of,
    in_parallel,
    path_to,
    plain,
    secrets_in,
)
from adobe_nb.api.reactor.collection import Collection
from adobe_nb.api.reactor.error_catalog import unsure
from adobe_nb.api.reactor.frames import to_frame
from adobe_nb.api.reactor.inputs import (
    Ids,
    asked,
    ids_in,
    ids_of_type,
    listed_under,
    parents_of_one_type,
)
from adobe_nb.api.reactor.jsonapi import Document, linked_id, needed_id, one_of
from adobe_nb.api.reactor.paging import Listing, read_documents
from adobe_nb.api.reactor.payloads import Change, Placeholder, action_of, document_of, shown
from adobe_nb.api.reactor.relations import component_notes, related
from adobe_nb.errors import (
    AdobeError,
    ApiError,
    ArgumentError,
    ConfirmationRequired,
    CredentialsError,
    IncompleteResult,
    SignInError,
    TransportError,
)
from adobe_nb.registry import RESOURCES, Resource

Confirm = str | list[str]
"""A name or a number of things; or the names of several, so that no name with a comma can stand for
two.
"""


class Writing(Collection):
    """What all writing verbs share."""

    def _one_id(self, given: Ids, verb: str) -> str:
        ids = ids_of_type(self.row, [given])
        if len(ids) != 1:
            many = (
                f', as in [reactor.{self.row.type}.{verb}(each, …) for each in frame["id"]]'
                if ids
                else ""
            )
            raise ArgumentError(f"{self.row.type}.{verb} takes exactly one, not {len(ids)}{many}.")
        return ids[0]

    def _frame(self, client: Client, resources: Sequence[Document], path: str) -> pd.DataFrame:
        return to_frame(self.row, resources, attrs=attrs_of(client, path, len(resources)))

    def _states(self, client: Client, ids: Sequence[str]) -> list[Document]:
        """The resources as they are now."""
        return states_of(client, self.row, ids)

    def _perform(self, client: Client, change: Change, before: object = None) -> pd.DataFrame:
        """Send it; the answer is the resource."""
        return self._frame_of(
            client, [answered(perform(client, change, before), change)], change.path
        )

    def _frame_of(self, client: Client, resources: Sequence[Document], path: str) -> pd.DataFrame:
        """The frame of what was written; an error says that it was."""
        problem = ""
        try:
            return self._frame(client, resources, path)
        except IncompleteResult as error:
            problem = str(error)
        raise IncompleteResult(f"It was done, but the answer cannot be shown as a table. {problem}")

    def _act(
        self, given: Ids, action: str, *, verb: str = "", dry_run: bool = False
    ) -> pd.DataFrame:
        """PATCH with ``meta.action``."""
        identifier = self._one_id(given, verb or action)
        change = action_change(self.row, identifier, action, verb or action)
        client = self._session.client
        if asked(dry_run):
            return shown(client.base_url, [change])
        return self._perform(client, change, state_of(client, self.row, identifier))


class Creatable(Writing):
    """``create``."""

    def create(
        self, parent: Ids | None = None, /, *, dry_run: bool = False, **attributes: Any
    ) -> pd.DataFrame:
        """Make one under its parent; a frame of one row.

        Attributes and relations by keyword; ``reactor.rules?`` lists those of rules, and so on.
        Relations are given by id or row (``extension="EX…"``), ``settings`` as a dict or JSON text.
        ``dry_run`` shows the request and sends nothing; a company that is not named is ``{id of the
        company}`` in it.

        Raises ArgumentError before any request, ApiError, OutcomeUnknown when it may have been made
        and no answer came.
        """
        only_shown = asked(dry_run)
        client = self._session.client
        document = document_of(self.row, "create", attributes)
        owner = self._owner(None if only_shown else client, parent)
        change = self._creation(owner, document)
        if only_shown:
            return shown(client.base_url, [change])
        return self._perform(client, change)

    def _creation(self, owner: str, document: Document) -> Change:
        path = f"/{owner}/{self.row.type}"
        next_step = f'Look for it before you run it again: reactor.{self.row.type}("{owner.partition("/")[2]}").'
        return Change(
            f"reactor.{self.row.type}.create",
            "POST",
            path,
            document,
            type=self.row.type,
            next_step=next_step,
        )

    def _owner(self, client: Client | None, parent: Ids | None) -> str:
        """The parent's type and id, as in a path; the only company when nothing is said. A dry run
        has no client.
        """
        creators = self.row.creators
        if parent is None and creators == ("companies",):
            if client is None:
                return f"companies/{Placeholder('id of the company')}"
            [companies] = read_documents(client, [Listing("/companies", "companies")], "companies")
            if len(companies) == 1:
                return f"companies/{companies[0]['id']}"
        if parent is None:
            names = " or ".join(
                f"{RESOURCES[each].singular} ({RESOURCES[each].prefix}…)" for each in creators
            )
            raise ArgumentError(
                f"{self.row.type}.create wants its {names.replace('_', ' ')} first."
            )
        kind, ids = parents_of_one_type(self.row, parent, creators)
        if kind is None or len(ids) != 1:
            raise ArgumentError(
                f"{self.row.type}.create wants one parent, {listed_under(self.row, creators)}, not {len(ids)}."
            )
        return f"{kind}/{ids[0]}"


class Deletable(Writing):
    """``delete``."""

    def delete(
        self, *ids: Ids, confirm: Confirm | None = None, dry_run: bool = False
    ) -> pd.DataFrame:
        """Delete them; a frame of what they were.

        Several at once need ``confirm``, such as ``confirm="3 rules"``; a property, host or
        environment needs its name, several of them the list of their names: ``confirm=["Old site",
        "Test site"]``. ``dry_run`` shows the requests and sends nothing, so it does not check
        ``confirm`` against the names.

        Raises ConfirmationRequired and ArgumentError before anything is deleted, ApiError,
        OutcomeUnknown. When one of several fails, the error's note says which are gone.
        """
        wanted = ids_of_type(self.row, ids)
        if not wanted:
            raise ArgumentError(f"{self.row.type}.delete wants at least one id.")
        confirm = checked_confirm(confirm)
        client = self._session.client
        changes = [self._deletion(each) for each in wanted]
        if asked(dry_run):
            return shown(client.base_url, changes)
        before = self._states(client, wanted)
        self._check_confirmed(before, confirm)
        for state in before:
            check_head(self.row, state)
        done: list[str] = []
        for change, state in zip(changes, before, strict=True):
            with_note(partial(perform, client, change, state), done, "Deleted before that")
            done.append(change.id)
        return self._frame(client, before, path_to(self.row.type, wanted))

    def _deletion(self, identifier: str) -> Change:
        next_step = f'Look whether it is still there: reactor.{self.row.type}.get("{identifier}").'
        path = f"/{self.row.type}/{identifier}"
        return Change(
            f"reactor.{self.row.type}.delete",
            "DELETE",
            path,
            type=self.row.type,
            id=identifier,
            next_step=next_step,
        )

    def _check_confirmed(self, before: Sequence[Document], confirm: Confirm | None) -> None:
        if len(before) > 1 and self.row.guarded:
            names = [name_of(state) for state in before]
            check_confirm(f"delete these {len(before)} {self.row.type}", names, confirm)
        elif len(before) > 1:
            check_confirm(
                f"delete these {len(before)} {self.row.type}",
                f"{len(before)} {self.row.type}",
                confirm,
            )
        elif self.row.guarded:
            name = name_of(before[0])
            check_confirm(f"delete the {self.row.singular} {name!r}", name, confirm)


class Editable(Creatable, Deletable):
    """``create``, ``update`` and ``delete``."""

    def update(self, resource: Ids, /, *, dry_run: bool = False, **attributes: Any) -> pd.DataFrame:
        """Change attributes and relations of one; a frame of one row, as it is then.

        Keywords as for ``create``; None empties what can be empty. Of types with revisions only the
        head can be changed; a dry run, which sends nothing, cannot tell.

        Raises ArgumentError before anything is changed, ApiError, OutcomeUnknown.
        """
        identifier = self._one_id(resource, "update")
        document = document_of(self.row, "update", attributes, identifier)
        client = self._session.client
        change = update_change(self.row, identifier, document, "update")
        if asked(dry_run):
            return shown(client.base_url, [change])
        before = state_of(client, self.row, identifier)
        check_head(self.row, before)
        return self._perform(client, change, before)


class Revisable(Editable):
    """And ``revise``, ``revisions``."""

    def revise(self, *resources: Ids, dry_run: bool = False) -> pd.DataFrame:
        """Freeze heads into their next revisions; a frame of the new revisions, in that order.

        A rule takes its components along. Libraries hold revisions only. ``dry_run`` shows the
        requests and sends nothing; whether these are heads only the service knows. Raises
        ArgumentError for revisions, before anything is revised; ApiError, OutcomeUnknown, whose
        note says which were revised before.
        """
        wanted = ids_of_type(self.row, resources)
        if not wanted:
            raise ArgumentError(f"{self.row.type}.revise wants at least one id.")
        client = self._session.client
        changes = [action_change(self.row, each, "revise", "revise") for each in wanted]
        if asked(dry_run):
            return shown(client.base_url, changes)
        before = states_of(client, self.row, wanted)
        for state in before:
            check_head(self.row, state)
        made: list[Document] = []
        names: list[str] = []
        for change, state in zip(changes, before, strict=True):
            document = with_note(
                partial(perform, client, change, state), names, "Revised before that"
            )
            names.append(change.id)
            made.append(answered(document, change))
        return self._frame_of(client, made, path_to(self.row.type, wanted))

    def revisions(self, *ids: Ids) -> pd.DataFrame:
        """All revisions of these, the head (number 0) among them; the id that was asked about
        stands second.

        Raises ArgumentError for ids of another type, ApiError, TransportError.
        """
        return related(self._session.client, ids_of_type(self.row, ids), "revisions")


class RuleComponents(Editable):
    """Rule components: made in a rule, though the API wants the property."""

    _looked_up = ("rules",)

    def create(
        self, parent: Ids | None = None, /, *, dry_run: bool = False, **attributes: Any
    ) -> pd.DataFrame:
        """Make one in a rule; a frame of one row, with its ``rule_id``. The property is looked up.

        ``reactor.rule_components.create("RL…", name=…, delegate_descriptor_id=…, extension="EX…",
        settings={…})``. A property is taken as well, then with ``rules=``. A dry run looks nothing
        up, and shows ``{id of the property of RL…}``. Otherwise as for the other types.
        """
        if parent is None or "rules" in attributes:
            made = super().create(parent, dry_run=dry_run, **attributes)
            return made if asked(dry_run) else _with_rule(made, ids_in(attributes["rules"]))
        kind, ids = parents_of_one_type(self.row, parent, ("rules", "properties"))
        if kind != "rules" or len(ids) != 1:
            raise ArgumentError(
                'rule_components.create wants its rule first, as in create("RL…", name=…).'
            )
        document = document_of(
            self.row, "create", {**attributes, "rules": ids}
        )  # wrong arguments cost no request
        client = self._session.client
        if asked(dry_run):
            unknown = Placeholder(f"id of the property of {ids[0]}")
            return shown(client.base_url, [self._creation(f"properties/{unknown}", document)])
        rule = state_of(client, RESOURCES["rules"], ids[0])
        check_head(RESOURCES["rules"], rule)
        change = self._creation(f"properties/{needed_id(rule, 'property')}", document)
        return _with_rule(self._perform(client, change), ids)


def _with_rule(made: pd.DataFrame, rules: Sequence[str]) -> pd.DataFrame:
    """The answer does not say the rule of a component. Where one was named, that is it."""
    if len(rules) == 1:
        made["rule_id"] = pd.Series(rules, dtype="string")
    return made


class Notes(Creatable):
    """Notes: made on a resource, neither changed nor deleted."""

    def of_components(self, *rules: Ids) -> pd.DataFrame:
        """The notes on all components of these rules. Raises ArgumentError, ApiError,
        TransportError.
        """
        return component_notes(self._session.client, ids_of_type(RESOURCES["rules"], rules))


def perform(client: Client, change: Change, before: object = None) -> Document | None:
    """Send a change, and record the state before and the outcome in the journal."""
    entry = client.note(change, before)
    problem: AdobeError | None = None
    document: Document | None = None
    try:
        document = client.write(
            change.method,
            change.path,
            body_of(change),
            params=change.params,
            next_step=change.next_step,
        )
    except AdobeError as error:
        problem = error
    except KeyboardInterrupt as interrupt:
        client.note_end(entry, "unknown")
        interrupt.add_note(f"It may have been done. {change.next_step}")
        raise
    if problem is None:
        data = document.get("data") if document and not change.id else None
        client.note_end(
            entry, "done", made=str(data["id"]) if isinstance(data, dict) and "id" in data else ""
        )
        return document
    status = getattr(problem, "status", None)
    client.note_end(
        entry, _outcome(problem), status=status, code=getattr(problem, "code", None) or ""
    )
    raise problem


def _outcome(problem: AdobeError) -> str:
    if isinstance(problem, ApiError):
        return "unknown" if unsure(problem.status) else "refused"
    if isinstance(problem, (SignInError, CredentialsError)):
        return "not sent"
    return "not sent" if isinstance(problem, TransportError) and problem.never_sent else "unknown"


def body_of(change: Change) -> Body | None:
    """The bytes of a change, made when they are sent."""
    if change.upload is not None:
        fields = {"package": ("package.zip", change.upload, "application/zip")}
        data, content_type = encode_multipart_formdata(fields)
        return Body(lambda: data, content_type)
    if change.document is None:
        return None
    document = change.document
    return Body(lambda: _json(document), secrets=tuple(secrets_in(document)))


def _json(document: Document) -> bytes:
    return json.dumps(plain(document), ensure_ascii=False, allow_nan=False).encode()


def with_note(
    send: Callable[[], Document | None], done: Sequence[str], words: str
) -> Document | None:
    """Run it; an error tells what had been done before."""
    try:
        document: Document | None = send()
    except (AdobeError, KeyboardInterrupt) as error:
        if done:
            error.add_note(f"{words}: {', '.join(done)}.")
        raise
    return document


def answered(document: Document | None, change: Change) -> Document:
    """The resource that a write answered with. Raises IncompleteResult, which says that the write
    was done.
    """
    problem = ""
    try:
        return one_of(document or {}, change.type)
    except IncompleteResult as error:
        problem = f"{str(error).partition('. Repeating the request')[0]}."
    raise IncompleteResult(
        f"{change.method} {change.path} was done, but its answer cannot be read: {problem} {change.next_step}"
    )


def read_back(read: Callable[[], Document]) -> Document:
    """What there is after writes that were done; an error says that they were."""
    try:
        return read()
    except (AdobeError, KeyboardInterrupt) as error:
        error.add_note(
            "All of it was done; only reading it back failed. Do not run it again: look at it."
        )
        raise


def action_change(row: Resource, identifier: str, action: str, verb: str) -> Change:
    """PATCH with ``meta.action``."""
    return update_change(row, identifier, action_of(row, identifier, action), verb)


def update_change(row: Resource, identifier: str, document: Document | None, verb: str) -> Change:
    """PATCH of one resource."""
    next_step = f'Look at it before you run it again: reactor.{row.type}.get("{identifier}").'
    path = f"/{row.type}/{identifier}"
    return Change(
        f"reactor.{row.type}.{verb}",
        "PATCH",
        path,
        document,
        type=row.type,
        id=identifier,
        next_step=next_step,
    )


def state_of(client: Client, row: Resource, identifier: str) -> Document:
    """The resource as it is now."""
    return one_of(client.get(f"/{row.type}/{identifier}"), row.type, identifier)


def states_of(client: Client, row: Resource, ids: Sequence[str]) -> list[Document]:
    """The resources as they are now."""
    return in_parallel(client, lambda each: state_of(client, row, each), ids, row.type)


def attribute(resource: Mapping[str, Any], name: str) -> Any:
    """One attribute of a resource as the API gives it, or None."""
    attributes = resource.get("attributes")
    return attributes.get(name) if isinstance(attributes, Mapping) else None


def name_of(resource: Mapping[str, Any]) -> str:
    """Its name, else its id."""
    return str(attribute(resource, "name") or resource["id"])


def check_head(row: Resource, resource: Mapping[str, Any]) -> None:
    """Raises ArgumentError for a revision: it is frozen."""
    number = attribute(resource, "revision_number")
    if number:
        head = linked_id(resource, "origin")
        raise ArgumentError(
            f"{resource['id']} is revision {number} of {name_of(resource)!r} and frozen. Change its head, {head}."
        )
    if attribute(resource, "deleted_at"):
        raise ArgumentError(
            f"The {row.singular.replace('_', ' ')} {name_of(resource)!r} is deleted."
        )


def checked_name(confirm: object) -> str | None:
    """``confirm`` of one thing: a text, or None. Raises ArgumentError."""
    if confirm is None:
        return None
    if not isinstance(confirm, str):
        raise ArgumentError(
            f'confirm is a text, as in confirm="Release 12", not {repr(confirm)[:40]}. Nothing was changed.'
        )
    return str(confirm)


def checked_confirm(confirm: object) -> Confirm | None:
    """``confirm`` of what can be several things: a text, a list of texts, or None. Raises
    ArgumentError.
    """
    if not isinstance(confirm, (list, tuple)):
        return checked_name(confirm)
    names = [checked_name(each) for each in confirm]
    if None in names:
        raise ArgumentError(
            'confirm has a None among its names. Write each name: confirm=["Old site", "Test site"].'
        )
    return [each for each in names if each is not None]


def check_confirm(what: str, wanted: Confirm, confirm: Confirm | None) -> None:
    """Raises ConfirmationRequired unless exactly that was said; names of several things may come in
    any order.
    """
    said = sorted(confirm) if isinstance(confirm, list) else confirm
    due = sorted(wanted) if isinstance(wanted, list) else wanted
    if said != due:
        given = "" if confirm is None else f" You said {confirm!r}."
        raise ConfirmationRequired(
            f"To {what}, add confirm={wanted!r}.{given} Nothing was changed.", wanted
        )
