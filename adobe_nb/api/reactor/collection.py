"""Reading resources of one type: lists, ``get``, ``find``, ``iterate``."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from operator import attrgetter, itemgetter
from typing import Any, ClassVar

import pandas as pd

from adobe_nb.api.reactor.client import Client, HasClient, Params, attrs_of, in_parallel, path_to
from adobe_nb.api.reactor.decoding import Page, decoder_of, plain_page
from adobe_nb.api.reactor.filters import (
    Condition,
    Filter,
    Sort,
    check_filter,
    check_rows,
    check_sort,
    created_span,
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
    steady_under,
)
from adobe_nb.errors import ArgumentError, NameLookupError
from adobe_nb.registry import RESOURCES, Kind, Resource
from adobe_nb.suggest import candidates


@dataclass(frozen=True, slots=True)
class _Query:
    """The checked arguments of a list."""

    conditions: tuple[Condition, ...] = ()
    sort: tuple[str, ...] = ()
    limit: int | None = None
    parent: str | None = None
    """The type of the parents; None for a list at the root."""
    parent_ids: Sequence[str] = ()
    through: str | None = None
    """The type of ``parent_ids``, when the parents must first be listed under these."""
    properties: frozenset[str] | None = None
    """The properties to keep; None for all. The API cannot filter audit events by property."""


class Collection:
    """Resources of one type: call it for a list, ``get`` by id, ``find`` by name, ``iterate``."""

    _looked_up: ClassVar[tuple[str, ...]] = ()
    """Required keywords of ``create`` that follow from the parent."""

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
        """List the resources as a DataFrame, complete and typed.

        Parameters
        ----------
        parents
            An id, or a list, frame, column or row of ids. Their prefix gives their type.
        filter
            Attributes with an operator and a value (``"CONTAINS home"``), or with a bool, number,
            date or list, which mean ``EQ``.
        sort
            Attributes, with ``-`` in front for descending order.
        limit
            The maximum number of rows, over all parents.

        Returns
        -------
        DataFrame
            One row per resource, with the columns of ``columns``. Times are in UTC.

        Raises
        ------
        ArgumentError
            For a wrong argument, before any request.
        IncompleteResult
            When the service does not deliver the whole list.
        ApiError, TransportError
            When a request fails.

        Examples
        --------
        >>> import adobe_nb
        >>> reactor = adobe_nb.connect(simulator=True).reactor
        >>> shop = reactor.find("properties", "Checkout")
        >>> reactor.rules(shop, filter={"name": "CONTAINS cart"}, sort="name")["name"].tolist()
        ['Cart - View']
        """
        return self._list(self._query(parents, filter, sort, limit))

    def _list(self, query: _Query, extra: Params = ()) -> pd.DataFrame:
        client = self._session.client
        # Events of other properties are dropped, so a limit cannot end the reading early.
        first = query.limit
        if query.properties is not None:
            first = None
        # When everything is read, the frame is sorted at the end.
        listings = self._listings(client, query, in_order=first is not None, extra=extra)
        rows = Rows(self.row, query.parent, query.conditions, query.properties)
        total = self._read(client, query, listings, rows, first)
        if len(listings) == 1:
            path = listings[0].path
        elif query.parent is None:
            path = f"/{self.row.type}"
        else:
            path = f"/{query.parent}/{{id}}/{self.row.type}"
        frame = rows.frame(attrs_of(client, path, total))
        if query.properties is not None:
            frame.attrs["total_count"] = len(frame)
        if query.sort:
            frame = sort_frame(frame, query.sort)
        if query.limit is None or len(frame) <= query.limit:
            return frame
        head = frame.head(query.limit).copy()
        head.attrs = frame.attrs
        return head

    def iterate(
        self,
        parents: Ids | None = None,
        *,
        filter: Filter | None = None,
        sort: Sort | None = None,
        limit: int | None = None,
    ) -> Iterator[Document]:
        """Iterate over the resources as the API returns them, page by page, in constant memory.

        Parameters and errors are those of the list, except that ``sort`` orders the resources of
        each parent separately. Wrong arguments raise at once, before the first resource.

        Returns
        -------
        Iterator of dict
            JSON:API resources, parent by parent.

        Examples
        --------
        >>> import adobe_nb
        >>> reactor = adobe_nb.connect(simulator=True).reactor
        >>> [company["type"] for company in reactor.companies.iterate()]
        ['companies']
        """
        query = self._query(parents, filter, sort, limit)
        client = self._session.client
        client.refuse_preview_ids(*query.parent_ids)
        return islice(self._resources(client, query), query.limit)

    def get(self, *ids: Ids) -> pd.DataFrame:
        """Get resources by their ids.

        Returns
        -------
        DataFrame
            One row per id, in the order of the ids; duplicates are dropped.

        Raises
        ------
        ArgumentError
            For ids of another type, before any request.
        NotFound
            For an unknown id.

        Examples
        --------
        >>> import adobe_nb
        >>> reactor = adobe_nb.connect(simulator=True).reactor
        >>> shop = reactor.find("properties", "Checkout")
        >>> reactor.properties.get(shop)["name"].tolist()
        ['Checkout']
        """
        unique_ids = ids_of_type(self.row, ids)
        client = self._session.client
        client.refuse_preview_ids(*unique_ids)

        def fetch(resource_id: str) -> Document:
            document = client.get(f"/{self.row.type}/{resource_id}")
            return one_of(document, self.row.type, resource_id)

        resources = in_parallel(client, fetch, unique_ids, self.row.type)
        path = path_to(self.row.type, unique_ids)
        return to_frame(self.row, resources, attrs=attrs_of(client, path, len(resources)))

    def find(self, name: str, parents: Ids | None = None) -> pd.DataFrame:
        """Find the resource with exactly this name.

        Parameters
        ----------
        parents
            Where to look; as for the list.

        Returns
        -------
        DataFrame
            One row.

        Raises
        ------
        NameLookupError
            When no resource, or more than one, has this name; ``candidates`` lists similar names.

        Examples
        --------
        >>> import adobe_nb
        >>> reactor = adobe_nb.connect(simulator=True).reactor
        >>> reactor.properties.find("Checkout")["platform"].tolist()
        ['web']
        """
        if not isinstance(name, str) or not name.strip():
            raise ArgumentError(
                "find() requires a non-empty name, for example "
                'reactor.find("properties", "My site").'
            )
        if parents is not None and not isinstance(parents, pd.DataFrame):
            # An iterator can be read only once, and the parents may be listed twice.
            parents = ids_in(parents)
        conditions: Filter | None = None
        # The API cannot filter by a value that has a comma, or spaces at its ends.
        if "," not in name and name == name.strip():
            conditions = {"name": f"EQ {name}"}
        frame = self(parents, filter=conditions)
        matches = frame[frame["name"] == name].reset_index(drop=True)
        matches.attrs = frame.attrs
        if len(matches) > 1:
            listed = ", ".join(f"{row.id} ({_traits(row)})" for row in matches.itertuples())
            raise NameLookupError(
                f"{len(matches)} {self.row.type} are called {name!r}: {listed}. "
                "Use the id, or a single parent.",
                matches["id"].tolist(),
            )
        if matches.empty:
            names = self(parents)["name"].dropna().tolist()
            raise self._unknown_name(name, names)
        return matches

    def _unknown_name(self, name: str, names: list[str]) -> NameLookupError:
        shown = candidates(name, names)
        available = ", ".join(map(repr, shown)) or "none"
        if len(names) > len(shown):
            available += f" and {len(names) - len(shown)} more"
        singular = self.row.singular.replace("_", " ")
        message = f"No {singular} is called {name!r}. Available: {available}."
        return NameLookupError(message, shown)

    @property
    def columns(self) -> dict[str, str]:
        """The columns of every list of this type, with their dtypes."""
        return {name: DTYPES[kind] for name, kind in _columns(self.row).items()}

    def _query(
        self, parents: Ids | None, filter: Filter | None, sort: Sort | None, limit: int | None
    ) -> _Query:
        """Return the checked arguments. Raises ArgumentError."""
        row = self.row
        query = _Query()
        if filter is not None:
            query = replace(query, conditions=check_filter(row, filter))
        if sort is not None:
            query = replace(query, sort=check_sort(row, sort))
        if limit is not None:
            query = replace(query, limit=checked_limit(limit))
        if not row.listed:
            raise ArgumentError(
                f"The API does not list {row.type}. Get your own with reactor.{row.singular}()."
            )
        if parents is None:
            return self._without_parents(query)
        if not row.parents:
            return self._of_properties(query, parents)
        parent, ids = parents_of_one_type(row, parents)
        if parent is None:
            return replace(query, parent=self._likely_parent(parents))
        # For example, the components of a property are listed rule by rule.
        if parent in row.through:
            return replace(query, parent=row.through[parent], parent_ids=ids, through=parent)
        return replace(query, parent=parent, parent_ids=ids)

    def _without_parents(self, query: _Query) -> _Query:
        """Read the list at the root, or of all default parents. Raises ArgumentError."""
        row = self.row
        if row.root:
            return query
        if row.default_parent is not None:
            return replace(query, parent=row.default_parent, through=row.default_parent)
        raise ArgumentError(
            f"{row.type} are listed under {listed_under(row)}. Pass one, for example "
            f'reactor.{row.type}(reactor.find("properties", "My site")).'
        )

    def _of_properties(self, query: _Query, parents: Ids) -> _Query:
        """Read the list at the root, and keep what belongs to these properties."""
        if not self.row.relation("property"):
            raise ArgumentError(
                f"{self.row.type} are not listed under a parent. Call reactor.{self.row.type}()."
            )
        ids = ids_of_type(RESOURCES["properties"], [parents])
        return replace(query, parent_ids=ids, properties=frozenset(ids))

    def _likely_parent(self, parents: Ids) -> str:
        """Return the type of an empty collection of parents.

        The attrs of an empty frame of ours say it, and then the columns are those of a full list.
        """
        if isinstance(parents, pd.DataFrame):
            for part in reversed(str(parents.attrs.get("path", "")).split("/")):
                if part in self.row.parents:
                    return part
        return self.row.parents[0]

    def _listings(
        self, client: Client, query: _Query, *, in_order: bool, extra: Params = ()
    ) -> list[Listing]:
        """Return the list to read, or the list of each parent."""
        listing = self._listing(query, in_order=in_order, extra=extra)
        if query.properties is not None and not query.properties:
            return []
        if query.parent is None:
            return [listing]
        parent_ids = query.parent_ids
        if query.through is not None:
            parent_ids = _listed_parents(client, query.parent, query.through, parent_ids)
        return [
            replace(listing, path=f"/{query.parent}/{parent}{listing.path}", parent_id=parent)
            for parent in parent_ids
        ]

    def _listing(self, query: _Query, *, in_order: bool, extra: Params) -> Listing:
        filters = tuple(map(attrgetter("param"), query.conditions))
        # Pages are read in parallel, so a list needs an order that never changes.
        listing = Listing(
            f"/{self.row.type}",
            self.row.type,
            (*filters, STEADY_ORDER, *extra),
            deepest=self.row.deepest_page,
        )
        if filters:
            # A change can bring an old resource into the list.
            listing = replace(listing, dates=("created_at", "updated_at"))
        if in_order and query.sort:
            order = ("sort", ",".join(query.sort))
            return replace(listing, params=(*filters, order, *extra))
        if "created_at" not in self.row.filters:
            return listing
        if query.conditions:
            span = created_span(query.conditions)
            if span is None:
                return listing
            listing = replace(listing, low=span[0], high=span[1])
        # A list in the steady order can be read again in windows of created_at.
        undated = tuple(param for param in listing.params if param[0] != "filter[created_at]")
        return replace(listing, undated=undated)

    def _read(
        self,
        client: Client,
        query: _Query,
        listings: Sequence[Listing],
        rows: "Rows",
        limit: int | None,
    ) -> int | None:
        """Read the lists; return the total that the service reports, None when it is unknown."""
        if limit is None:
            lists = read_lists(
                client,
                listings,
                [rows] * len(listings),
                self.row.type,
                parents_may_vanish=query.through is not None,
            )
            # Complete lists have as many rows as the service reports.
            return sum(result.rows for result in lists)
        total: int | None = 0
        received = 0
        # One list after the other, because the rows of one may be enough.
        for number, listing in enumerate(listings):
            # Sorted over several parents, the first rows of all can come from the last parent.
            first = limit if query.sort else limit - received
            if first <= 0:
                return None
            [result] = read_lists(client, [listing], [rows], self.row.type, first=first, at=number)
            received += result.rows
            if total is None or result.total is None:
                total = None
            else:
                total += result.total
        return total

    def _resources(self, client: Client, query: _Query) -> Iterator[Document]:
        for listing in self._listings(client, query, in_order=True):
            for page in iterate_pages(client, listing):
                check_rows(query.conditions, page.documents)
                for resource in page.documents:
                    if (
                        query.properties is None
                        or linked_id(resource, "property") in query.properties
                    ):
                        yield resource


class Rows(FrameBuilder):
    """Builds a frame from pages; under a filter, each resource is checked against it.

    ``properties`` drops the resources of other properties, which still prove that the list is
    complete.
    """

    def __init__(
        self,
        row: Resource,
        parent: str | None = None,
        conditions: Sequence[Condition] = (),
        properties: frozenset[str] | None = None,
    ) -> None:
        super().__init__(row, parent)
        self._conditions = conditions
        self._properties = properties

    def decode(self, body: Any, listing: Any) -> Page:
        """Decode a page. Raises IncompleteResult."""
        # Only documents can be checked against a filter; columns are faster.
        if self._conditions:
            return plain_page(body, listing.path, listing.type)
        return decoder_of(self._row)(body, listing.path)

    def add(self, page: Page, order: tuple[int, ...], parent_id: str | None = None) -> None:
        """Add a page. Raises IncompleteResult for a resource that does not match the filter."""
        if self._conditions:
            check_rows(self._conditions, page.documents)
        if self._properties is not None:
            if page.columns is None:
                owners = [linked_id(resource, "property") for resource in page.documents]
            else:
                owners = list(page.columns["property_id"])
            page = page.without(
                {number for number, owner in enumerate(owners) if owner not in self._properties}
            )
        super().add(page, order, parent_id)


def _listed_parents(client: Client, parent: str, through: str, ids: Sequence[str]) -> Sequence[str]:
    """Return the ids of parents that must be listed: all companies, or the rules of properties."""
    row = RESOURCES[parent]
    listings = steady_under(through, ids, row)
    if through == parent:
        listings = [steady(f"/{parent}", row)]
    resources = chain.from_iterable(read_documents(client, listings, parent))
    return list(dict.fromkeys(map(itemgetter("id"), resources)))


def _columns(row: Resource) -> dict[str, Kind]:
    return columns_of(row, next(iter(row.parents), None))


def describe(row: Resource, binding: type[Collection]) -> str:
    """Return the help text of a type: where it is listed, verbs, columns, filters, Adobe's page."""
    places = []
    if row.root:
        places.append("at the root")
    if row.parents:
        places.append(f"under {listed_under(row)}")
    elif row.relation("property"):
        places.append("for properties (reads all and drops the others; created_at narrows it)")
    meanings = {attribute.name: attribute.meaning for attribute in row.columns}
    for attribute in row.meta:
        meanings[f"meta_{attribute.name}"] = attribute.meaning
    lines = [
        row.about,
        "",
        f"Listed: {', and '.join(places) or 'nowhere: there is only your own'}.",
        f"Filters: {', '.join(row.filters) or 'none'}.",
        "Sort: any column below that is an attribute.",
        f"Example: {_example(row)}",
        *_writing(row, binding),
        "",
        "Columns:",
    ]
    for name, kind in _columns(row).items():
        lines.append(f"  {name:<36}{DTYPES[kind]:<22}{meanings.get(name, '')}".rstrip())
    return "\n".join([*lines, "", f"Adobe's page: {row.docs}"])


def verbs_of(row: Resource, binding: type[Collection]) -> list[str]:
    """Return the verbs that only this binding has, those of the registry first."""
    reading = dir(Collection)
    verbs = [name for name in dir(binding) if name not in reading and not name.startswith("_")]
    listed = [verb for verb in (*row.verbs, *row.actions) if verb in verbs]
    return list(dict.fromkeys([*listed, *verbs]))


def _writing(row: Resource, binding: type[Collection]) -> list[str]:
    """Return the lines of the help text about the verbs and their keywords."""
    verbs = verbs_of(row, binding)
    if not verbs:
        return []
    lines = [f"Verbs: {', '.join(verbs)}. See reactor.{row.type}.{verbs[0]}?"]
    for verb in row.verbs:
        if verb == "delete" or verb not in verbs:
            continue
        keywords = []
        for name, required in row.keywords(verb).items():
            note = ""
            if required and name not in binding._looked_up:
                note = " (required)"
            keywords.append(name + note)
        lines.append(f"  {verb}: {', '.join(keywords)}.")
    return lines


def _example(row: Resource) -> str:
    if row.root or not row.listed or not row.filters:
        return row.call
    dated = "created_at"
    if "updated_at" in row.filters:
        dated = "updated_at"
    conditions = f'filter={{"{dated}": "GT 2026-01-01"}}, sort="-created_at"'
    return f"reactor.{row.type}({row.parents[0]}, {conditions})"


def _traits(row: Any) -> str:
    """Return what distinguishes resources of the same name."""
    names = ("platform", "version", "availability", "stage", "state")
    traits = [str(getattr(row, name)) for name in names if hasattr(row, name)]
    return ", ".join([*traits, f"created {row.created_at:%Y-%m-%d}"])
