"""Questions about the service that need a request of their own; each has an assumed answer.

The values in filters come from the account and go back to the same service. No answer quotes one.
"""

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adobe_nb.checkup.reader import Reader, Reply
from adobe_nb.checkup.shapes import form_of, members_of
from adobe_nb.registry import RESOURCES

if TYPE_CHECKING:
    from adobe_nb.checkup.tour import Listing

_ABSENT = "adobe_nb-doctor-no-such-name"
_LARGEST_PAGE = 100
_DEFAULT_PAGE = 25
_NO_RULE = f"RL{'0' * 32}"
_ALL = "all resources"
_NOTHING = "no resource"
_PLAIN_NAME = re.compile(r"(?! )[^,%_\x00-\x1f\x7f-\U0010ffff]+(?<! )")
_MEMBERS_OF_ERRORS = {"code", "detail", "id", "meta", "source", "status", "title"}


@dataclass(frozen=True, slots=True)
class Probe:
    """A question, and its assumed and its observed answer."""

    question: str
    assumed: str
    observed: str

    @property
    def deviates(self) -> bool:
        """Whether the service does something else."""
        return self.observed != self.assumed and not self.observed.startswith(NOT_SEEN)


NOT_SEEN = "not seen"
"""How an answer begins that the account cannot give, because it has too few resources."""


def of_lists(reader: Reader, lists: Sequence["Listing"]) -> Iterator[Probe]:
    """Yield the probes of pages, filters and sort."""
    yield _default_page(lists)
    yield _heads_only(lists)
    yield _order(lists)
    longest = max(lists, key=lambda listing: listing.reply.total, default=None)
    yield _largest_page(reader, longest)
    sample = _sample(lists)
    if sample is None:
        yield Probe("filters and sort", "as documented", f"{NOT_SEEN}: no list has two names")
        return
    zero = reader.get(sample.path, page_number=0)
    page_of_zero = form_of(zero.pagination.get("current_page"))
    if zero.pagination.get("current_page") == 1:
        page_of_zero = "page 1"
    yield Probe("page number 0", "page 1", _status_or(zero, page_of_zero))
    beyond = reader.get(sample.path, page_number=10_000)
    yield Probe("page after the last", _NOTHING, _status_or(beyond, _amount(beyond, sample)))
    yield from _filters(reader, sample)
    yield from _sorts(reader, sample)


def _sample(lists: Sequence["Listing"]) -> "Listing | None":
    """Return the longest list whose resources have names to filter and sort by."""
    best = None
    for listing in lists:
        has_names = len(set(map(str, _plain_names(listing)))) > 1
        is_named = "name" in RESOURCES[listing.type].filters and listing.type != "properties"
        if is_named and has_names and (best is None or listing.reply.total > best.reply.total):
            best = listing
    return best


def _plain_names(listing: "Listing") -> list[str]:
    """Return the names that a filter can express: without commas, wildcards and outer blanks.

    Of other letters than those of ASCII, two may differ in case in one language only.
    """
    names = []
    for name in listing.reply.values("name"):
        if isinstance(name, str) and _PLAIN_NAME.fullmatch(name):
            names.append(name)
    return names


# -- pages


def _default_page(lists: Sequence["Listing"]) -> Probe:
    question, assumed = "resources on a page by default", str(_DEFAULT_PAGE)
    for listing in lists:
        if listing.reply.total > len(listing.reply.resources):
            return Probe(question, assumed, str(len(listing.reply.resources)))
        if len(listing.reply.resources) > _DEFAULT_PAGE:
            return Probe(question, assumed, "more")
    return Probe(question, assumed, f"{NOT_SEEN}: all lists have one page")


def _largest_page(reader: Reader, longest: "Listing | None") -> Probe:
    question, assumed = "page[size] above 100", "a page of 100"
    if longest is None or longest.reply.total <= _LARGEST_PAGE:
        return Probe(question, assumed, f"{NOT_SEEN}: all lists are shorter than that")
    reply = reader.get(longest.path, page_size=_LARGEST_PAGE + 1)
    return Probe(question, assumed, _status_or(reply, f"a page of {len(reply.resources)}"))


def _heads_only(lists: Sequence["Listing"]) -> Probe:
    question, assumed = "revisions in lists under a property", "heads only"
    for listing in lists:
        if listing.path.startswith("/properties/") and any(listing.reply.values("revision_number")):
            return Probe(question, assumed, "revisions, too")
    return Probe(question, assumed, assumed)


def _order(lists: Sequence["Listing"]) -> Probe:
    question, assumed = "order without sort", "by creation"
    observed = f"{NOT_SEEN}: no list has two dates"
    for listing in lists:
        dates = [str(date) for date in listing.reply.values("created_at") if date is not None]
        if len(set(dates)) < 2:
            continue
        if dates != sorted(dates):
            return Probe(question, assumed, "another order")
        observed = assumed
    return Probe(question, assumed, observed)


# -- filters and sort


def _filters(reader: Reader, sample: "Listing") -> Iterator[Probe]:
    names = sorted(set(_plain_names(sample)))
    first, last = names[0], names[-1]

    def amount(**filters: object) -> str:
        reply = reader.get(sample.path, **filters)
        return _status_or(reply, _amount(reply, sample))

    yield Probe("filter that no resource matches", _NOTHING, amount(filter_name=f"EQ {_ABSENT}"))
    future = "GT 2999-01-01T00:00:00.000Z"
    yield Probe("filter by a date in the future", _NOTHING, amount(filter_created_at=future))
    yield Probe("filter with an unknown operator", _ALL, amount(filter_name=f"LIKE {_ABSENT}"))
    yield Probe("filter by an unknown attribute", _ALL, amount(filter_adobe_nb=f"EQ {_ABSENT}"))
    matching = "resources that match"

    def matches(condition: str, accept: Callable[[str], bool]) -> str:
        reply = reader.get(sample.path, filter_name=condition)
        found = reply.values("name")
        if found and all(isinstance(name, str) and accept(name) for name in found):
            return matching
        return _status_or(reply, "other resources, too" if found else _NOTHING)

    yield Probe("filter EQ by a name", matching, matches(f"EQ {first}", first.__eq__))
    either = matches(f"EQ {first},EQ {last}", {first, last}.__contains__)
    yield Probe("filter with two values", matching, either)
    contains = matches(
        f"CONTAINS {first.swapcase()}", lambda name: first.casefold() in name.casefold()
    )
    yield Probe("CONTAINS in the other case", matching, contains)


def _sorts(reader: Reader, sample: "Listing") -> Iterator[Probe]:
    by_name = reader.get(sample.path, sort="name")
    names = [name for name in by_name.values("name") if isinstance(name, str)]
    observed = "not by name, or by another collation"
    if names == sorted(names, key=str.casefold):
        observed = "by name, ignoring case"
    elif names == sorted(names):
        observed = "by name, uppercase first"
    yield Probe("sort=name", "by name, ignoring case", _status_or(by_name, observed))
    by_date = reader.get(sample.path, sort="-created_at")
    dates = list(map(str, by_date.values("created_at")))
    observed = "newest first"
    if any(earlier < later for earlier, later in itertools.pairwise(dates)):
        observed = "another order"
    yield Probe("sort=-created_at", "newest first", _status_or(by_date, observed))
    unknown = reader.get(sample.path, sort="adobe_nb")
    observed = "another order"
    if unknown.ids == sample.reply.ids:
        observed = "ignored"
    yield Probe("sort by an unknown attribute", "ignored", _status_or(unknown, observed))


def _status_or(reply: Reply, text: str) -> str:
    """Return the text for a good response, or else its status."""
    if reply.status == 200:
        return text
    return f"HTTP {reply.status}"


def _amount(reply: Reply, whole: "Listing") -> str:
    if not reply.resources:
        return _NOTHING
    if reply.total >= whole.reply.total:
        return _ALL
    return "some resources"


# -- documents


def of_documents(reader: Reader, lists: Sequence["Listing"]) -> Iterator[Probe]:
    """Yield the probes of single resources, relationships and search."""
    yield _single(reader, lists)
    yield _null_relation(reader, lists)
    rules = _linkage(reader, lists, "libraries", "rules")
    many = "a list of identifiers, with pagination and links related, self"
    yield Probe("relationship to many (library: rules)", many, rules)
    host = _linkage(reader, lists, "environments", "host")
    one = "an identifier, with links related, self"
    yield Probe("relationship to one (environment: host)", one, host)
    yield _search(reader)


def _search(reader: Reader) -> Probe:
    query = {"from": 0, "size": 1, "query": {"attributes.name": {"exists": True}}}
    found = reader.search(query)
    total = members_of(found.document, "meta").get("total_hits")
    hit = "resources" if found.resources else "no resources"
    observed = f"{hit}, meta.total_hits {form_of(total)}"
    return Probe("search", "resources, meta.total_hits integer", _status_or(found, observed))


def _first(lists: Sequence["Listing"], resource_type: str) -> tuple[str, dict[str, Any]] | None:
    """Return the id of the first resource of a type, and the resource."""
    for listing in lists:
        if listing.type == resource_type and listing.reply.by_id:
            return next(iter(listing.reply.by_id.items()))
    return None


def _single(reader: Reader, lists: Sequence["Listing"]) -> Probe:
    question, assumed = "a resource by its id", "the same members as in a list"
    first = _first(lists, "properties")
    if first is None:
        return Probe(question, assumed, f"{NOT_SEEN}: no property was found")
    property_id, resource = first
    reply = reader.get(f"/properties/{property_id}")
    observed = "other members than in a list"
    if reply.resources and _names_in(reply.resources[0]) == _names_in(resource):
        observed = assumed
    return Probe(question, assumed, _status_or(reply, observed))


def _names_in(resource: dict[str, Any]) -> set[tuple[str, str]]:
    names = set()
    for part in ("attributes", "relationships", "links", "meta"):
        names |= {(part, name) for name in members_of(resource, part)}
    return names


def _null_relation(reader: Reader, lists: Sequence["Listing"]) -> Probe:
    question, assumed = "related resource of a relationship that is null", "200 with data null"
    for listing in lists:
        if listing.type != "libraries":
            continue
        for library, resource in listing.reply.by_id.items():
            upstream = members_of(members_of(resource, "relationships"), "upstream_library")
            if upstream.get("data", "") is not None:
                continue
            reply = reader.get(f"/libraries/{library}/upstream_library")
            observed = "200 with other data"
            if reply.document.get("data", "") is None:
                observed = assumed
            return Probe(question, assumed, _status_or(reply, observed))
    return Probe(question, assumed, f"{NOT_SEEN}: every library has an upstream library")


def _linkage(reader: Reader, lists: Sequence["Listing"], owner: str, name: str) -> str:
    first = _first(lists, owner)
    if first is None:
        return f"{NOT_SEEN}: no {owner} were found"
    reply = reader.get(f"/{owner}/{first[0]}/relationships/{name}")
    links = sorted({"related", "self"} & members_of(reply.document, "links").keys())
    parts = [f"links {', '.join(links) or 'none'}"]
    form = "an identifier"
    if isinstance(reply.document.get("data"), list):
        form = "a list of identifiers"
        parts.insert(0, "pagination" if reply.pagination else "no pagination")
    if not all(item.keys() >= {"id", "type"} for item in reply.resources):
        form = "something else than identifiers"
    return _status_or(reply, f"{form}, with {' and '.join(parts)}")


# -- refusals


def of_refusals(reader: Reader) -> Iterator[Probe]:
    """Yield the probes of requests that the service refuses."""
    missing = reader.get(f"/rules/{_NO_RULE}")
    yield Probe("id that does not exist", "HTTP 404, code not-found", _refusal(missing))
    errors = missing.document.get("errors")
    observed = "another document"
    if isinstance(errors, list) and errors and isinstance(errors[0], dict):
        known = errors[0].keys() <= _MEMBERS_OF_ERRORS
        status = form_of(errors[0].get("status"))
        observed = f"errors with {'known' if known else 'unknown'} members, status as {status}"
    yield Probe("document of an error", "errors with known members, status as text", observed)
    other = reader.get_as("/companies", "application/json")
    yield Probe("GET with another Accept", "HTTP 406", f"HTTP {other.status}")


def _refusal(reply: Reply) -> str:
    errors = reply.document.get("errors")
    code = "none"
    if isinstance(errors, list) and errors and isinstance(errors[0], dict):
        code = "another"
        if errors[0].get("code") == "not-found":
            code = "not-found"
    return f"HTTP {reply.status}, code {code}"
