"""Reading resources of one type: lists, ``get``, ``find``, ``iterate``."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any, ClassVar

import pandas as pd

from adobe_nb.api.reactor.client import Client, HasClient, Params, attrs_of, in_parallel, path_to
from adobe_nb.api.reactor.decoding import Page, decoder_of, plain_page
from adobe_nb.api.reactor.filters import (
    FUTURE,
    PAST,
    Condition,
    Filter,
    Sort,
    check_filter,
    check_rows,
    check_sort,
    span_of,
)
from adobe_nb.api.reactor.frames import DTYPES, FrameBuilder, columns_of, sort_frame, to_frame
from adobe_nb.api.reactor.inputs import (
    Ids,
    checked_limit,
    ids_in,
    ids_of_type,
    listed_under,
    parents_of_one_type,
)
from adobe_nb.api.reactor.jsonapi import Document, linked_id, one_of
from adobe_nb.api.reactor.paging import (
    STEADY_ORDER,
    Listing,
    iterate_pages,
    read_documents,
    read_lists,
    steady,
)
from adobe_nb.errors import ArgumentError, NameLookupError
from adobe_nb.registry import RESOURCES, Resource
from adobe_nb.suggest import candidates


@dataclass(frozen=True, slots=True)
class _Query:
    """Checked arguments: nothing in them can be wrong any more without asking the service."""

    parent: str | None
    ids: tuple[str, ...]
    conditions: tuple[Condition, ...]
    sort: tuple[str, ...]
    limit: int | None
    through: str | None = None
    """The type of ``ids``, when the parents are listed under these and have to be asked for."""
    found_now: bool = False
    """The parents were asked for a moment ago."""
    extra: Params = ()
    in_order: bool = False
    """The service sorts, since nobody can do it afterwards."""


class Collection:
    """Resources of one type: list them by calling it, ``get`` them by id, ``find`` one by name,
    ``iterate``.
    """

    _looked_up: ClassVar[tuple[str, ...]] = ()
    """Keywords of ``create`` that follow from the parent."""

    def __init__(self, session: HasClient, row: Resource) -> None:
        self.row = row
        self._session = session
        self.__doc__ = describe(row, type(self))

    def __repr__(self) -> str:
        return f"<{self.row.type}: call it for a DataFrame; help: reactor.{self.row.type}?>"

    def __call__(
        self,
        parents: Ids | None = None,
        *,
        filter: Filter | None = None,
        sort: Sort | None = None,
        limit: int | None = None,
    ) -> pd.DataFrame:
        """List them as a DataFrame, one row each: complete, typed, or an error.

        ``parents`` an id, or a list, frame, column or row of ids: their prefix says what they are.
        ``filter`` maps attributes to an operator and value (``"CONTAINS home"``) or to a bool,
        number, date or list. ``sort`` names attributes, ``-`` before one for descending. ``limit``
        is a total over all parents.

        Times are UTC. Raises ArgumentError before any request, ApiError, TransportError,
        IncompleteResult.
        """
        return self._listed(parents, filter=filter, sort=sort, limit=limit)

    def _listed(
        self,
        parents: Ids | None,
        *,
        filter: Filter | None,
        sort: Sort | None,
        limit: int | None,
        extra: Params = (),
    ) -> pd.DataFrame:
        query = replace(self._query(parents, filter, sort, limit), extra=extra)
        client = self._session.client
        client.refuse_preview_ids(*query.ids)
        if query.through is not None:
            query = self._with_parents(query, client)
        rows = Rows(self.row, query.parent, query.conditions)
        total = self._read(query, client, rows)
        path = (
            f"/{self.row.type}"
            if query.parent is None
            else path_to(query.parent, query.ids, self.row.type)
        )
        frame = rows.frame(attrs_of(client, path, total))
        if query.sort:
            frame = sort_frame(frame, query.sort)
        return (
            frame if query.limit is None or len(frame) <= query.limit else _head(frame, query.limit)
        )

    def iterate(
        self,
        parents: Ids | None = None,
        *,
        filter: Filter | None = None,
        sort: Sort | None = None,
        limit: int | None = None,
    ) -> Iterator[Document]:
        """The resources as the API gives them (dicts), page by page, parent by parent; constant
        memory.

        Arguments and errors as for the list. ``sort`` orders within each parent. Wrong arguments
        raise at once.
        """
        query = self._query(parents, filter, sort, limit)
        client = self._session.client
        client.refuse_preview_ids(*query.ids)
        return self._iterate(query, client)

    def get(self, *ids: Ids) -> pd.DataFrame:
        """Those with these ids as a DataFrame, in the order given, duplicates once.

        Raises ArgumentError for ids of another type, NotFound for unknown ones.
        """
        wanted = ids_of_type(self.row, ids)
        client = self._session.client
        client.refuse_preview_ids(*wanted)
        documents = in_parallel(
            client, lambda each: client.get(f"/{self.row.type}/{each}"), wanted, self.row.type
        )
        resources = [
            one_of(document, self.row.type, each)
            for document, each in zip(documents, wanted, strict=True)
        ]
        path = path_to(self.row.type, wanted)
        return to_frame(self.row, resources, attrs=attrs_of(client, path, len(resources)))

    def find(self, name: str, parents: Ids | None = None) -> pd.DataFrame:
        """The one of exactly that name, as a frame of one row.

        Raises NameLookupError, which lists the candidates, when there is none or several.
        """
        if not isinstance(name, str) or not name.strip():
            raise ArgumentError('find wants a name, as in reactor.find("properties", "My site").')
        if parents is not None and not isinstance(parents, pd.DataFrame):
            parents = ids_in(parents)  # an iterator is spent after one use
        # A comma cannot be asked for: then look through all.
        askable = "," not in name and name == name.strip()
        frame = self(parents, filter={"name": f"EQ {name}"} if askable else None)
        same = frame[frame["name"] == name]
        if len(same) == 1:
            found = same.reset_index(drop=True)
            found.attrs = frame.attrs
            return found
        if len(same) > 1:
            which = [f"{each.id} ({_told_apart(each)})" for each in same.itertuples()]
            raise NameLookupError(
                f"{len(same)} {self.row.type} are called {name!r}: {', '.join(which)}. Use the id, or one parent.",
                list(same["id"]),
            )
        names = [str(each) for each in self(parents)["name"].dropna()]
        close = candidates(name, names)
        more = f" and {len(names) - len(close)} more" if len(names) > len(close) else ""
        hint = (
            f"There are: {', '.join(repr(each) for each in close)}{more}."
            if close
            else "There are none at all."
        )
        raise NameLookupError(
            f"No {self.row.singular.replace('_', ' ')} is called {name!r}. {hint}", close
        )

    @property
    def columns(self) -> dict[str, str]:
        """The promised columns with their dtypes."""
        parent = self.row.parents[0] if self.row.parents else None
        return {name: DTYPES[kind] for name, kind in columns_of(self.row, parent).items()}

    def _query(
        self, parents: Ids | None, given: Filter | None, sort: Sort | None, limit: int | None
    ) -> _Query:
        conditions = () if given is None else check_filter(self.row, given)
        keys = () if sort is None else check_sort(self.row, sort)
        if limit is not None:
            limit = checked_limit(limit)
        if not self.row.listed:
            raise ArgumentError(
                f"There is no list of {self.row.type}. Yours is reactor.{self.row.singular}()."
            )
        if self.row.root and (parents is None or not self.row.parents):
            if parents is not None:
                raise ArgumentError(
                    f"{self.row.type} are not listed under anything: call reactor.{self.row.type}()."
                )
            return _Query(None, (), conditions, keys, limit)
        if parents is None:
            if self.row.default_parent is None:
                raise ArgumentError(
                    f"{self.row.type} are listed under {listed_under(self.row)}: hand one over, "
                    f'as in reactor.{self.row.type}(reactor.find("properties", "My site")).'
                )
            return _Query(
                self.row.default_parent,
                (),
                conditions,
                keys,
                limit,
                through=self.row.default_parent,
            )
        parent, ids = parents_of_one_type(self.row, parents)
        if parent is not None and parent in self.row.through:
            return _Query(
                self.row.through[parent], tuple(ids), conditions, keys, limit, through=parent
            )
        return _Query(parent or self._likely_parent(parents), tuple(ids), conditions, keys, limit)

    def _likely_parent(self, parents: Ids) -> str:
        """Of what type no parents at all are: a frame of ours says it, so that its columns are
        those of a full one.
        """
        path = str(parents.attrs.get("path", "")) if isinstance(parents, pd.DataFrame) else ""
        named = [part for part in path.split("/") if part in self.row.parents]
        return named[-1] if named else self.row.parents[0]

    def _with_parents(self, query: _Query, client: Client) -> _Query:
        """Fill in the parents that have to be asked for: all companies, the rules of these
        properties.
        """
        parent = query.parent or ""
        above = [f"/{query.through}/{each}" for each in query.ids]
        if query.through == parent:
            above = [""]
        listings = [steady(f"{each}/{parent}", RESOURCES[parent]) for each in above]
        lists = read_documents(client, listings, parent)
        ids = dict.fromkeys(resource["id"] for resources in lists for resource in resources)
        return replace(query, ids=tuple(ids), through=None, found_now=True)

    def _listings(self, query: _Query) -> list[Listing]:
        """The lists to read: one, or one for each parent."""
        # Without a limit the frame is sorted at the end, so the service is asked for the order that
        # never changes.
        is_steady = not query.sort or not (query.in_order or query.limit is not None)
        order = STEADY_ORDER if is_steady else ("sort", ",".join(query.sort))
        params = (*(condition.param for condition in query.conditions), order, *query.extra)
        # From when to when the resources were created; None when the filter cannot be said so.
        dated: tuple[datetime, datetime] | None = (PAST, FUTURE)
        for condition in query.conditions:
            if condition.name == "created_at":
                dated = span_of(condition)
        undated: Params | None = None
        if dated is not None and is_steady and "created_at" in self.row.filters:
            undated = tuple(each for each in params if each[0] != "filter[created_at]")
        low, high = dated or (PAST, FUTURE)
        listing = Listing(
            f"/{self.row.type}",
            self.row.type,
            params,
            undated=undated,
            low=low,
            high=high,
            filtered=bool(query.conditions),
            deepest=self.row.deepest_page,
        )
        if query.parent is None:
            return [listing]
        above = f"/{query.parent}"
        return [
            replace(listing, path=f"{above}/{parent}{listing.path}", parent_id=parent)
            for parent in query.ids
        ]

    def _read(self, query: _Query, client: Client, rows: "Rows") -> int | None:
        """Read what was asked for; gives how many the service says there are (None: it was not
        asked).
        """
        listings = self._listings(query)
        if query.limit is None:
            sinks = [rows] * len(listings)
            lists = read_lists(
                client, listings, sinks, self.row.type, parents_may_vanish=query.found_now
            )
            return sum(each.rows for each in lists)
        totals: list[int | None] = []
        received = 0
        for at, listing in enumerate(listings):
            # Sorted over several parents, the first rows of the whole can all come from the last
            # parent.
            wanted = query.limit if query.sort else query.limit - received
            if wanted <= 0:
                return None
            [found] = read_lists(client, [listing], [rows], self.row.type, first=wanted, at=at)
            received += found.rows
            totals.append(found.total)
        known = [total for total in totals if total is not None]
        return sum(known) if len(known) == len(totals) else None

    def _iterate(self, query: _Query, client: Client) -> Iterator[Document]:
        if query.through is not None:
            query = self._with_parents(query, client)
        query = replace(query, in_order=True)
        yield from islice(self._resources(query, client), query.limit)

    def _resources(self, query: _Query, client: Client) -> Iterator[Document]:
        for listing in self._listings(query):
            for page in iterate_pages(client, listing):
                check_rows(self.row, query.conditions, page.documents)
                yield from page.documents


class AuditEvents(Collection):
    """Audit events: of everything that you can see, or of some properties."""

    def __call__(
        self,
        parents: Ids | None = None,
        *,
        filter: Filter | None = None,
        sort: Sort | None = None,
        limit: int | None = None,
    ) -> pd.DataFrame:
        """List them as a DataFrame, one row each. With properties: those about something in them.

        The API cannot filter by property: the events of the whole organization are read, and those
        of other properties left out. ``filter={"created_at": "GT 2026-01-01"}`` makes that shorter;
        ``limit`` does not. The rest as for every list.
        """
        if parents is None:
            return self._listed(None, filter=filter, sort=sort, limit=limit)
        properties = frozenset(ids_of_type(RESOURCES["properties"], [parents]))
        query = replace(self._query(None, filter, sort, limit), limit=None)
        client = self._session.client
        rows = _RowsOfProperties(self.row, query.conditions, properties)
        if properties:
            self._read(query, client, rows)
        frame = rows.frame(attrs_of(client, f"/{self.row.type}", None))
        frame.attrs["total_count"] = len(frame)
        frame = sort_frame(frame, query.sort)
        most = checked_limit(limit)
        return frame if most is None else _head(frame, most)

    def iterate(
        self,
        parents: Ids | None = None,
        *,
        filter: Filter | None = None,
        sort: Sort | None = None,
        limit: int | None = None,
    ) -> Iterator[Document]:
        """As for every type; of properties as in the list."""
        if parents is None:
            return super().iterate(None, filter=filter, sort=sort, limit=limit)
        properties = frozenset(ids_of_type(RESOURCES["properties"], [parents]))
        query = replace(self._query(None, filter, sort, limit), limit=None)
        events = self._iterate(query, self._session.client) if properties else iter(())
        own = (event for event in events if linked_id(event, "property") in properties)
        return islice(own, checked_limit(limit))


class Rows(FrameBuilder):
    """Pages become rows of a frame; under a filter each resource is checked against it."""

    def __init__(
        self, row: Resource, parent: str | None = None, conditions: Sequence[Condition] = ()
    ) -> None:
        super().__init__(row, parent)
        self._conditions = conditions

    def decode(self, body: Any, listing: Any) -> Page:
        """As columns, or as documents where they have to be checked. Raises IncompleteResult."""
        if self._conditions:
            return plain_page(body, listing.path, listing.type)
        return decoder_of(self._row)(body, listing.path)

    def add(self, page: Page, order: tuple[int, ...], parent_id: str | None = None) -> None:
        """Take it. Raises IncompleteResult for a resource that does not match the filter."""
        if self._conditions:
            check_rows(self._row, self._conditions, page.documents)
        super().add(page, order, parent_id)


class _RowsOfProperties(Rows):
    """Audit events of some properties become rows; the others are only counted, as proof that the
    list is whole.
    """

    def __init__(
        self, row: Resource, conditions: Sequence[Condition], properties: frozenset[str]
    ) -> None:
        super().__init__(row, None, conditions)
        self._properties = properties

    def add(self, page: Page, order: tuple[int, ...], parent_id: str | None = None) -> None:
        """Take its rows of these properties. Raises IncompleteResult for one that does not match
        the filter.
        """
        check_rows(self._row, self._conditions, page.documents)
        if page.columns is None:
            owners = [linked_id(event, "property") for event in page.documents]
        else:
            owners = list(page.columns["property_id"])
        others = {at for at, owner in enumerate(owners) if owner not in self._properties}
        super().add(page.without(others), order, parent_id)


def describe(row: Resource, kind: "type[Collection] | None" = None) -> str:
    """The help text of a type: what it is, where it is listed, columns, filters, Adobe's page."""
    parent = row.parents[0] if row.parents else None
    meanings = {attribute.name: attribute.meaning for attribute in row.columns}
    meanings |= {f"meta_{attribute.name}": attribute.meaning for attribute in row.meta}
    lines = [
        f"{row.about}",
        "",
        f"Listed: {_where(row)}.",
        f"Filters: {', '.join(row.filters) or 'none'}.",
        "Sort: any column below that is an attribute.",
        f"Example: {_example(row)}",
        *_writing(row, kind or Collection),
        "",
        "Columns:",
    ]
    lines += [
        f"  {name:<36}{DTYPES[kind]:<22}{meanings.get(name, '')}".rstrip()
        for name, kind in columns_of(row, parent).items()
    ]
    return "\n".join([*lines, "", f"Adobe's page: {row.docs}"])


def verbs_of(row: Resource, kind: "type[Collection]") -> list[str]:
    """The verbs of a binding that are not in every one, those of the table first."""
    found = [name for name in dir(kind) if not name.startswith("_") and name not in dir(Collection)]
    order = [*row.verbs, *row.actions]
    return [each for each in order if each in found] + [each for each in found if each not in order]


def _writing(row: Resource, kind: "type[Collection]") -> list[str]:
    """What can be written, and with which keywords."""
    found = verbs_of(row, kind)
    lines = [f"Verbs: {', '.join(found)}. See reactor.{row.type}.{found[0]}?"] if found else []
    for verb in row.verbs:
        if verb != "delete" and verb in found:
            taken = [
                f"{name} (needed)" if needed and name not in kind._looked_up else name
                for name, needed in row.keywords(verb).items()
            ]
            lines.append(f"  {verb}: {', '.join(taken)}.")
    return lines


def _where(row: Resource) -> str:
    places = ["at the root"] if row.root else []
    places += [f"under {listed_under(row)}"] if row.parents else []
    return ", and ".join(places) or "nowhere: there is one"


def _example(row: Resource) -> str:
    if not row.listed:
        return f"reactor.{row.singular}()"
    if row.root or not row.filters:
        return f"reactor.{row.type}()"
    dated = "updated_at" if "updated_at" in row.filters else "created_at"
    return f'reactor.{row.type}({row.parents[0]}, filter={{"{dated}": "GT 2026-01-01"}}, sort="-created_at")'


def _told_apart(row: Any) -> str:
    """What tells resources of the same name apart."""
    names = ("platform", "version", "availability", "stage", "state")
    told = [str(getattr(row, name)) for name in names if hasattr(row, name)]
    return ", ".join([*told, f"created {row.created_at:%Y-%m-%d}"])


def _head(frame: pd.DataFrame, rows: int) -> pd.DataFrame:
    head = frame.head(rows).copy()
    head.attrs = frame.attrs
    return head
