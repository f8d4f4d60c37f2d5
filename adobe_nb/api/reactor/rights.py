"""The rights of an account, as the service lists them on companies and properties."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adobe_nb.api.reactor.client import Client
from adobe_nb.api.reactor.jsonapi import mapping
from adobe_nb.errors import AdobeError, ApiError, IncompleteResult, NotAllowed, NotFound

MOST_COMPANIES = 3
"""Companies whose properties are read: an organization usually has one."""
_PAGE_SIZE = 100
_MOST_NAMES = 5
_MOST_RIGHTS = 20
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class PropertyRights:
    """The rights on properties, as far as they were read."""

    names: Mapping[tuple[str, ...], Sequence[str]]
    """The names of the properties by the rights on them."""
    total: int
    """How many properties the companies have that were read."""
    companies: int
    """How many companies there are."""
    companies_read: int
    """How many of them were read."""
    problems: tuple[str, ...] = ()
    """Which companies could not be read, and why."""

    def lines(self) -> list[str]:
        """Return one line for each set of rights, and lines about unread companies and properties."""
        lines = []
        for rights, names in self.names.items():
            noun = "property" if len(names) == 1 else "properties"
            lines.append(f"{len(names)} {noun} ({listed(names)}): {listed_rights(rights)}")
        lines += self.problems
        of_these = ""
        if self.companies_read + len(self.problems) < self.companies:
            lines.append(f"{self.companies_read} of {self.companies} companies were read")
            of_these = " of these companies"
        read = sum(map(len, self.names.values()))
        if read < self.total:
            lines.append(f"the first {read} of {self.total} properties{of_these} were read")
        return lines


def resources_of(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the resources of a list; whatever has no id is left out."""
    data = document.get("data")
    if not isinstance(data, list):
        return []
    return [item for item in data if isinstance(mapping(item).get("id"), str)]


def name_of(resource: Mapping[str, Any]) -> str:
    """Return the name of a company or a property, or else its id."""
    name = mapping(resource.get("attributes")).get("name")
    if isinstance(name, str) and name.strip():
        return name
    return str(resource.get("id") or "unnamed")


def rights_of(resource: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the rights of the account on a company or a property."""
    rights = mapping(resource.get("meta")).get("rights")
    if not isinstance(rights, list):
        return ()
    return tuple(sorted(map(str, rights)))


def property_rights(client: Client, companies: Mapping[str, Any]) -> PropertyRights:
    """Read the rights on properties: the first page of each company, at most three requests.

    Parameters
    ----------
    client
        Sends the requests.
    companies
        The list of companies, as the service returned it. A company that cannot be read is one of
        the ``problems`` of the result.
    """
    listed_companies = resources_of(companies)
    names: dict[tuple[str, ...], list[str]] = defaultdict(list)
    total = companies_read = 0
    problems = []
    for company in listed_companies[:MOST_COMPANIES]:
        path = f"/companies/{company['id']}/properties"
        try:
            document = client.get(path, [("page[size]", str(_PAGE_SIZE))])
        except AdobeError as error:
            problems.append(f"{short(name_of(company))} could not be read ({_cause(error)})")
            if isinstance(error, NotAllowed | NotFound | IncompleteResult):
                continue
            # The service is unavailable: the next company would only take as long to fail.
            break
        properties = resources_of(document)
        for item in properties:
            names[rights_of(item)].append(name_of(item))
        total += _count(document, properties)
        companies_read += 1
    count = _count(companies, listed_companies)
    return PropertyRights(names, total, count, companies_read, tuple(problems))


def listed(names: Sequence[str], most: int = _MOST_NAMES) -> str:
    """Return the first names for a line, each cut to a readable length, and how many follow."""
    text = ", ".join(map(short, names[:most]))
    if len(names) > most:
        text += f" and {len(names) - most} more"
    return text


def listed_rights(rights: Sequence[str]) -> str:
    """Return the rights for a line; ``none`` if there is none."""
    return listed(rights, _MOST_RIGHTS) or "none"


def short(name: str) -> str:
    """Return a name of the service as one line of a readable length."""
    line = name[:_LONGEST_NAME].replace("\n", " ")
    if len(name) > _LONGEST_NAME:
        line = f"{line[:-1]}…"
    # JSON can hold lone surrogates, which cannot be sent to a front end.
    return line.encode("utf-8", "backslashreplace").decode()


def _count(document: Mapping[str, Any], resources: Sequence[object]) -> int:
    """Return how many resources a list has on all of its pages."""
    count = mapping(mapping(document.get("meta")).get("pagination")).get("total_count")
    if isinstance(count, bool) or not isinstance(count, int):
        return len(resources)
    return max(count, len(resources))


def _cause(error: AdobeError) -> str:
    if isinstance(error, ApiError):
        return short(f"{error.status} {error.code or ''}".strip())
    return short(str(error).partition(". ")[0])
