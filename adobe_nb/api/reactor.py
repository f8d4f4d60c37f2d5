"""The typed bindings: one line per resource type, and the verbs, written once.

Every list and every answer is a DataFrame (see ``frames``). Source: Adobe's endpoint guides,
https://experienceleague.adobe.com/en/docs/experience-platform/tags/api/overview
"""

import difflib
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pandas as pd

from adobe_nb.api.filters import Condition, Filter, Sort, check_filter, check_rows, check_sort
from adobe_nb.api.frames import DTYPES, columns_of, sort_frame, to_frame
from adobe_nb.api.ids import Ids, ids_in, ids_of_type, listed_under, parents_of_one_type, type_of
from adobe_nb.api.jsonapi import (
    ACCEPT,
    CURL_HEADERS,
    PAGE_SIZE,
    Client,
    Document,
    Listing,
    Params,
    in_parallel,
    is_resource,
)
from adobe_nb.errors import ArgumentError, IncompleteResult, NoSuchName, NotFound
from adobe_nb.resources import RESOURCES, Resource

# The default order of Adobe's lists is not documented, and pages of an undefined order can overlap.
_STEADY_ORDER = ("sort", "created_at")


@dataclass(frozen=True, slots=True)
class _Query:
    """A checked question: nothing in it can be wrong any more without asking the service."""

    parent: str | None
    ids: tuple[str, ...]
    conditions: tuple[Condition, ...]
    sort: tuple[str, ...]
    limit: int | None
    through: str | None = None

    @property
    def params(self) -> Params:
        order = ("sort", ",".join(self.sort)) if self.sort else _STEADY_ORDER
        return (*(condition.param for condition in self.conditions), order)


class Collection:
    """Resources of one type: list them by calling it, ``get`` them by id, ``find`` one by name, ``iterate``."""

    def __init__(self, client: Callable[[], Client], row: Resource) -> None:
        self.row = row
        self._client = client
        self.__doc__ = describe(row)

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

        ``parents`` an id, or a list, frame, column or row of ids: their prefix says what they are. ``filter`` maps
        attributes to an operator and value (``"CONTAINS home"``) or to a bool, number, date or list. ``sort`` names
        attributes, ``-`` before one for descending. ``limit`` is a total over all parents.

        Times are UTC. Raises ArgumentError before any request, ApiError, TransportError, IncompleteResult.
        """
        query = self._query(parents, filter, sort, limit)
        client = self._client()
        query = self._resolve(query, client)
        found, total = self._read(query, client)
        resources = [resource for _, resource in found]
        check_rows(self.row, query.conditions, resources)
        frame = to_frame(
            self.row,
            resources,
            parent=query.parent,
            parent_ids=[parent for parent, _ in found],
            attrs=_attrs(client, self._path(query), total),
        )
        frame = sort_frame(frame, query.sort)
        return frame if query.limit is None or len(frame) <= query.limit else _head(frame, query.limit)

    def iterate(
        self,
        parents: Ids | None = None,
        *,
        filter: Filter | None = None,
        sort: Sort | None = None,
        limit: int | None = None,
    ) -> Iterator[Document]:
        """The resources as the API gives them (dicts), page by page, parent by parent; constant memory.

        Arguments and errors as for the list. ``sort`` orders within each parent. Wrong arguments raise at once.
        """
        query = self._query(parents, filter, sort, limit)
        return self._iterate(query, self._client())

    def get(self, *ids: Ids) -> pd.DataFrame:
        """Those with these ids as a DataFrame, in the order given, duplicates once.

        Raises ArgumentError for ids of another type, NotFound for unknown ones.
        """
        wanted = ids_of_type(self.row, ids)
        client = self._client()
        documents = in_parallel(
            lambda each: client.get(f"/{self.row.type}/{each}"), wanted, client.progress, self.row.type
        )
        resources = [_one(document, self.row.type, each) for document, each in zip(documents, wanted, strict=True)]
        path = f"/{self.row.type}/{wanted[0] if len(wanted) == 1 else '{id}'}"
        return to_frame(self.row, resources, attrs=_attrs(client, path, len(resources)))

    def find(self, name: str, parents: Ids | None = None) -> pd.DataFrame:
        """The one of exactly that name, as a frame of one row.

        Raises NoSuchName, which lists the candidates, when there is none or several.
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
            which = [f"{each.id} (created {each.created_at:%Y-%m-%d})" for each in same.itertuples()]
            raise NoSuchName(
                f"{len(same)} {self.row.type} are called {name!r}: {', '.join(which)}. Use the id, or one parent.",
                list(same["id"]),
            )
        names = [str(each) for each in self(parents)["name"].dropna()]
        close = _closest(name, names)
        hint = f"There are: {', '.join(repr(each) for each in close)}." if close else "There are none at all."
        raise NoSuchName(f"No {self.row.singular.replace('_', ' ')} is called {name!r}. {hint}", close)

    def revisions(self, *ids: Ids) -> pd.DataFrame:
        """All revisions of these, the head (number 0) among them; the id that was asked about stands second.

        Raises ArgumentError for a type without revisions, or ids of another type, ApiError, TransportError.
        """
        if not self.row.revisionable:
            raise ArgumentError(f"{self.row.type} have no revisions of their own.")
        wanted = ids_of_type(self.row, ids)
        return Reactor(self._client).related(wanted, "revisions")

    @property
    def columns(self) -> dict[str, str]:
        """The promised columns with their dtypes."""
        parent = self.row.parents[0] if self.row.parents else None
        return {name: DTYPES[kind] for name, kind in columns_of(self.row, parent).items()}

    def _query(self, parents: Ids | None, given: Filter | None, sort: Sort | None, limit: int | None) -> _Query:
        conditions, keys = check_filter(self.row, given), check_sort(self.row, sort)
        limit = _checked_limit(limit)
        if not self.row.listed:
            raise ArgumentError(f"There is no list of {self.row.type}. Yours is reactor.{self.row.singular}().")
        if self.row.root and (parents is None or not self.row.parents):
            if parents is not None:
                raise ArgumentError(f"{self.row.type} are not listed under anything: call reactor.{self.row.type}().")
            return _Query(None, (), conditions, keys, limit)
        if parents is None:
            if self.row.default_parent is None:
                raise ArgumentError(
                    f"{self.row.type} are listed under {listed_under(self.row)}: hand one over, "
                    f'as in reactor.{self.row.type}(reactor.find("properties", "My site")).'
                )
            return _Query(self.row.default_parent, (), conditions, keys, limit, through=self.row.default_parent)
        parent, ids = parents_of_one_type(self.row, parents)
        if parent is not None and parent in self.row.through:
            return _Query(self.row.through[parent], tuple(ids), conditions, keys, limit, through=parent)
        return _Query(parent or self._likely_parent(parents), tuple(ids), conditions, keys, limit)

    def _likely_parent(self, parents: Ids) -> str:
        """Of what type no parents at all are: a frame of ours says it, so that its columns are those of a full one."""
        path = str(parents.attrs.get("path", "")) if isinstance(parents, pd.DataFrame) else ""
        named = [part for part in path.split("/") if part in self.row.parents]
        return named[-1] if named else self.row.parents[0]

    def _resolve(self, query: _Query, client: Client) -> _Query:
        """Fill in the parents that have to be asked for: all companies, the rules of these properties."""
        if query.through is None or query.parent is None:
            return query
        if query.through == query.parent:
            listings = [Listing(f"/{query.parent}", query.parent, (_STEADY_ORDER,))]
        else:
            parent = query.parent
            listings = [Listing(f"/{query.through}/{each}/{parent}", parent, (_STEADY_ORDER,)) for each in query.ids]
        lists = client.read_all(listings, query.parent)
        ids = tuple(dict.fromkeys(resource["id"] for resources in lists for resource in resources))
        return _Query(query.parent, ids, query.conditions, query.sort, query.limit)

    def _listings(self, query: _Query) -> list[Listing]:
        if query.parent is None:
            return [Listing(f"/{self.row.type}", self.row.type, query.params)]
        kind = self.row.type
        return [Listing(f"/{query.parent}/{each}/{kind}", kind, query.params) for each in query.ids]

    def _path(self, query: _Query) -> str:
        listings = self._listings(query)
        return listings[0].path if len(listings) == 1 else f"/{query.parent}/{{id}}/{self.row.type}"

    def _read(self, query: _Query, client: Client) -> tuple[list[tuple[str | None, Document]], int | None]:
        """Pairs of parent and resource, and how many the service says there are (None: it was not asked)."""
        listings = self._listings(query)
        parents: tuple[str | None, ...] = query.ids if query.parent else (None,)
        if query.limit is None:
            lists = client.read_all(listings, self.row.type)
            found = [(parent, resource) for parent, each in zip(parents, lists, strict=True) for resource in each]
            return found, len(found)
        found = []
        totals: list[int | None] = []
        for parent, listing in zip(parents, listings, strict=True):
            # Sorted over several parents, the first rows of the whole can all come from the last parent.
            want = query.limit if query.sort else query.limit - len(found)
            if want <= 0:
                totals.append(None)
                break
            resources, total = _first(client, listing, want)
            found += [(parent, resource) for resource in resources]
            totals.append(total)
        return found, None if None in totals else sum(each or 0 for each in totals)

    def _iterate(self, query: _Query, client: Client) -> Iterator[Document]:
        query = self._resolve(query, client)
        pages = (page for listing in self._listings(query) for page in client.pages(listing))
        checked = (resource for page in pages for resource in self._checked(query, page.resources))
        yield from islice(checked, query.limit)

    def _checked(self, query: _Query, resources: list[Document]) -> list[Document]:
        check_rows(self.row, query.conditions, resources)
        return resources


class Reactor:
    """The Reactor API as tables. One attribute per resource type; ``reactor.rules?`` shows columns and filters."""

    def __init__(self, client: Callable[[], Client]) -> None:
        self._client = client
        self.companies = Collection(client, RESOURCES["companies"])
        self.properties = Collection(client, RESOURCES["properties"])
        self.rules = Collection(client, RESOURCES["rules"])
        self.rule_components = Collection(client, RESOURCES["rule_components"])
        self.data_elements = Collection(client, RESOURCES["data_elements"])
        self.extensions = Collection(client, RESOURCES["extensions"])
        self.environments = Collection(client, RESOURCES["environments"])
        self.libraries = Collection(client, RESOURCES["libraries"])
        self.hosts = Collection(client, RESOURCES["hosts"])
        self.builds = Collection(client, RESOURCES["builds"])
        self.extension_packages = Collection(client, RESOURCES["extension_packages"])
        self.extension_package_usage_authorizations = Collection(
            client, RESOURCES["extension_package_usage_authorizations"]
        )
        self.callbacks = Collection(client, RESOURCES["callbacks"])
        self.secrets = Collection(client, RESOURCES["secrets"])
        self.notes = Collection(client, RESOURCES["notes"])
        self.app_configurations = Collection(client, RESOURCES["app_configurations"])
        self.audit_events = Collection(client, RESOURCES["audit_events"])
        self.profiles = Collection(client, RESOURCES["profiles"])

    def __repr__(self) -> str:
        return f"<Reactor: {', '.join(RESOURCES)}>"

    def get(self, *ids: Ids) -> dict[str, pd.DataFrame]:
        """Resources of any types by id: ``{type: frame}``. Raises ArgumentError, NotFound."""
        wanted = list(dict.fromkeys(identifier for each in ids for identifier in ids_in(each)))
        types = {identifier: type_of(identifier) for identifier in wanted}
        return {
            kind: self._collection(kind).get([each for each in wanted if types[each] == kind])
            for kind in dict.fromkeys(types.values())
        }

    def profile(self) -> pd.DataFrame:
        """Whoever the token belongs to, as a frame of one row: ``reactor.profiles.columns`` has its columns.

        Raises ApiError, TransportError, IncompleteResult.
        """
        client = self._client()
        data = client.get("/profile").get("data")
        if not isinstance(data, dict) or not isinstance(data.get("id"), str):
            raise IncompleteResult("The answer is no profile. Run it again.")
        return to_frame(RESOURCES["profiles"], [data], attrs=_attrs(client, "/profile", 1))

    def related(self, resources: Ids, relation: str) -> pd.DataFrame:
        """What these resources are related to, as a DataFrame: ``related("RL…", "revisions")``, ``"origin"``.

        ``relation`` is one of the API's relationships (``revisions``, ``libraries``, ``rules``, ``notes`` …). Lists are
        complete, with ``<type>_id`` of the resource that was asked about; a relation to one gives one row each.
        Raises ArgumentError for wrong ones, NotFound where there is none, ApiError, TransportError.
        """
        ids = ids_in(resources)
        types = list(dict.fromkeys(type_of(identifier) for identifier in ids))
        if len(types) != 1:
            raise ArgumentError("related wants resources of one type, at least one.")
        row = RESOURCES[types[0]]
        found = row.relation(relation) if isinstance(relation, str) else None
        if found is None:
            known = ", ".join(each.name for each in row.relations)
            raise ArgumentError(f"{row.type} have no relation {relation!r}. They have: {known or 'none'}.")
        client = self._client()
        path = f"/{row.type}/{ids[0] if len(ids) == 1 else '{id}'}/{relation}"
        if found.many:
            target = RESOURCES[found.targets[0]]
            listings = [Listing(f"/{row.type}/{each}/{relation}", target.type, (_STEADY_ORDER,)) for each in ids]
            lists = client.read_all(listings, relation)
            pairs = [(each, resource) for each, several in zip(ids, lists, strict=True) for resource in several]
            return to_frame(
                target,
                [resource for _, resource in pairs],
                parent=row.type,
                parent_ids=[each for each, _ in pairs],
                attrs=_attrs(client, path, len(pairs)),
            )
        documents = in_parallel(
            lambda each: client.get(f"/{row.type}/{each}/{relation}"), ids, client.progress, relation
        )
        several = [_any(document, found.targets) for document in documents]
        kinds = list(dict.fromkeys(str(each["type"]) for each in several))
        if len(kinds) != 1:
            raise ArgumentError(f"These are related to several types ({', '.join(kinds)}). Ask for fewer at a time.")
        return to_frame(RESOURCES[kinds[0]], several, attrs=_attrs(client, path, len(several)))

    def find(self, resource_type: str, name: str, parents: Ids | None = None) -> pd.DataFrame:
        """The one resource of that type and name, as a frame of one row.

        Raises NoSuchName with the candidates; ArgumentError for an unknown type.

        Example:
            >>> import adobe_nb
            >>> reactor = adobe_nb.connect(simulator=True).reactor
            >>> len(reactor.find("properties", "Web Store US"))
            1
        """
        return self._collection(resource_type).find(name, parents)

    def request(self, method: str, path: str, params: Mapping[str, Any] | None = None) -> Document:
        """The raw JSON:API document, for what has no function here. Reads only (GET).

        Raises ArgumentError, ApiError, TransportError.
        """
        path, pairs = _checked_path(method, path, params)
        return self._client().get(path, pairs)

    def as_curl(self, method: str, path: str, params: Mapping[str, Any] | None = None) -> str:
        """The same request as a cURL command, with placeholders for the three secrets. Sends nothing."""
        path, pairs = _checked_path(method, path, params)
        query = f"?{urlencode(pairs)}" if pairs else ""
        return " \\\n  ".join(
            (
                f"curl -X {method.upper()} '{self._client().base_url}{path}{query}'",
                *CURL_HEADERS,
                f'-H "Accept: {ACCEPT}"',
            )
        )

    def with_names(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The frame with names beside ids: ``rule_name`` after ``rule_id``, ``property_name``, ``extension_name`` …

        Names are read by id; NA where the id is NA or no longer exists. Columns that are there already stay.
        Raises ApiError, TransportError.
        """
        if not isinstance(frame, pd.DataFrame):
            raise ArgumentError(f"with_names wants a frame, not a {type(frame).__name__}.")
        named = frame.copy()
        for row in RESOURCES.values():
            column, target = f"{row.singular}_id", f"{row.singular}_name"
            if not any(attribute.name == "name" for attribute in row.columns):
                continue
            if column in named.columns and target not in named.columns:
                names = self._names(row, named[column])
                at = list(named.columns).index(column) + 1
                named.insert(at, target, named[column].map(names).astype("string"))
        named.attrs = dict(frame.attrs)
        return named

    def _names(self, row: Resource, ids: "pd.Series[Any]") -> dict[str, str]:
        client = self._client()

        def name_of(identifier: str) -> str | None:
            problem: NotFound | None = None
            try:
                document = client.get(f"/{row.type}/{identifier}")
            except NotFound as error:
                problem = error
            if problem is not None:
                if problem.code != "not-found":  # a proxy's page says nothing about the resource
                    raise problem
                return None
            name = _one(document, row.type, identifier).get("attributes", {}).get("name")
            return name if isinstance(name, str) else None

        wanted = ids_in(ids)
        found = in_parallel(name_of, wanted, client.progress, f"names of {row.type}")
        return {identifier: name for identifier, name in zip(wanted, found, strict=True) if name is not None}

    def _collection(self, resource_type: str) -> Collection:
        if not isinstance(resource_type, str) or resource_type not in RESOURCES:
            close = difflib.get_close_matches(str(resource_type), RESOURCES, n=1)
            hint = f" Did you mean {close[0]}?" if close else f" There are: {', '.join(RESOURCES)}."
            raise ArgumentError(f"{resource_type!r} is not a resource type.{hint}")
        collection: Collection = getattr(self, resource_type)
        return collection


def describe(row: Resource) -> str:
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
        "",
        "Columns:",
    ]
    lines += [
        f"  {name:<36}{DTYPES[kind]:<22}{meanings.get(name, '')}".rstrip()
        for name, kind in columns_of(row, parent).items()
    ]
    return "\n".join([*lines, "", f"Adobe's page: {row.docs}"])


def _where(row: Resource) -> str:
    places = ["at the root"] if row.root else []
    places += [f"under {listed_under(row)}"] if row.parents else []
    return ", and ".join(places) or "nowhere: there is one"


def _example(row: Resource) -> str:
    if not row.listed:
        return f"reactor.{row.singular}()"
    if row.root or not row.filters:
        return f"reactor.{row.type}()"
    return f'reactor.{row.type}({row.parents[0]}, filter={{"{row.filters[-1]}": "GT 2026-01-01"}}, sort="-created_at")'


def _checked_limit(limit: object) -> int | None:
    if limit is None:
        return None
    try:
        number = 0 if isinstance(limit, bool) else operator.index(limit)  # type: ignore[arg-type]
    except TypeError:
        number = 0
    if number < 1:
        raise ArgumentError(f"limit is a whole number from 1, not {limit!r}. Leave it out for everything.")
    return number


def _first(client: Client, listing: Listing, want: int) -> tuple[list[Document], int | None]:
    """The first so many resources of a list, and how many the service says there are."""
    resources: list[Document] = []
    total: int | None = None
    for page in client.pages(listing, min(PAGE_SIZE, want)):
        total = page.total_count
        resources += page.resources
        if len(resources) >= want:
            break
    return resources[:want], total


def _one(document: Document, resource_type: str, identifier: str) -> Document:
    data = document.get("data")
    if not isinstance(data, dict) or not is_resource(data, resource_type) or data["id"] != identifier:
        raise IncompleteResult(f"The answer is not the one of {resource_type} that was asked for. Run it again.")
    return data


def _any(document: Document, types: Sequence[str]) -> Document:
    data = document.get("data")
    if not isinstance(data, dict) or not any(is_resource(data, each) for each in types):
        raise IncompleteResult(f"The answer is none of {', '.join(types)}. Run it again.")
    return data


def _attrs(client: Client, path: str, total: int | None) -> dict[str, Any]:
    return {
        "service": client.service,
        "path": path,
        "organisation": client.org_id,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "total_count": total,
    }


def _head(frame: pd.DataFrame, rows: int) -> pd.DataFrame:
    head = frame.head(rows).copy()
    head.attrs = frame.attrs
    return head


def _closest(name: str, names: Iterable[str], most: int = 10) -> list[str]:
    """Candidates to show: similar ones first, then the rest, ten at most."""
    unique = sorted(set(names), key=str.casefold)
    folded = {each.casefold(): each for each in unique}
    close = [folded[each] for each in difflib.get_close_matches(name.casefold(), folded, n=most, cutoff=0.4)]
    close += [each for each in unique if name.casefold() in each.casefold() and each not in close]
    return (close + [each for each in unique if each not in close])[:most]


def _checked_path(method: str, path: str, params: Mapping[str, Any] | None) -> tuple[str, tuple[tuple[str, str], ...]]:
    if method.upper() != "GET":
        raise ArgumentError("Only GET so far: this version reads, it does not write.")
    bare, _, query = str(path).partition("?")
    if not re.fullmatch(r"(/[A-Za-z0-9_-]+)+", bare):
        raise ArgumentError('The path begins with one slash, as in reactor.request("GET", "/companies").')
    if params is not None and not isinstance(params, Mapping):
        raise ArgumentError('params is a dict, as in {"page[size]": 5}.')
    pairs = [
        *parse_qsl(query, keep_blank_values=True),
        *((str(name), str(value)) for name, value in (params or {}).items()),
    ]
    return bare, tuple(pairs)
