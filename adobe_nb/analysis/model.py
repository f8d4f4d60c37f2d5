"""The resources of some properties, read from plain frames: the input of every question."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, wraps
from operator import attrgetter
from threading import RLock
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import pandas as pd

from adobe_nb.analysis.words import counted
from adobe_nb.errors import ArgumentError
from adobe_nb.forks import run_after_fork

REQUIRED: Mapping[str, tuple[str, ...]] = {
    "rules": ("id", "name", "enabled"),
    "rule_components": ("id", "rule_id", "name", "delegate_descriptor_id", "settings"),
    "data_elements": ("id", "name", "enabled", "delegate_descriptor_id", "settings"),
    "extensions": ("id", "name", "delegate_descriptor_id", "settings"),
}
"""The tables of a property's content, each with the columns that no question can do without."""
OPTIONAL = (
    "properties",
    "libraries",
    "builds",
    "environments",
    "hosts",
    "callbacks",
    "secrets",
    "audit_events",
    "extension_packages",
    "other_data_elements",
    "library_rules",
    "library_data_elements",
    "library_extensions",
    "rule_revision_components",
    "build_rules",
    "build_data_elements",
    "build_extensions",
)
# Tables that are read on request only.
_READ_WITH = {"audit_events": "analysis.read(…, audit_events=True)"}
PLATFORMS = ("web", "mobile", "edge")
TABLES = (*REQUIRED, *OPTIONAL)
_Result = TypeVar("_Result")
_NO_FRAME = pd.DataFrame()
_NO_IDS = pd.DataFrame({"id": []}, dtype="object")


@dataclass(frozen=True, slots=True, eq=False)
class Resource:
    """A rule, rule component, data element or extension: one row of its frame."""

    type: str
    """The name of its table, for example ``data_elements``."""
    id: str
    origin_id: str
    """The id of its head; its own id when it is one."""
    name: str
    property_id: str
    enabled: bool
    """Whether it and its rule are switched on."""
    delegate: str
    """Its ``delegate_descriptor_id``; empty for a rule, and for an extension without settings."""
    settings: Any
    """Its settings, parsed; None without settings, and when they cannot be read."""
    problem: str
    """Why its settings cannot be read; empty when they can."""
    row: Mapping[str, Any] = field(repr=False)
    """All columns of its row. Missing values are None."""
    rule: "Resource | None" = None
    """The rule of a component."""

    @property
    def package(self) -> str:
        """The name of the extension package that its delegate belongs to."""
        if self.type == "extensions":
            return str(self.row.get("name") or "")
        return self.delegate.partition("::")[0]

    @property
    def kind(self) -> str:
        """``events``, ``conditions``, ``actions``, ``dataElements`` or ``extensionConfiguration``."""
        return self.delegate.partition("::")[2].partition("::")[0]

    def setting(self, name: str) -> Any:
        """Return a member of its settings; None when they are not an object, or lack it."""
        if isinstance(self.settings, dict):
            return self.settings.get(name)
        return None

    def get(self, column: str) -> Any:
        """Return a value of its row; None when the column or the value is missing."""
        return self.row.get(column)


class Model:
    """Rules, components, data elements and extensions, with what else is known about them.

    Frames of users go through ``frames.normalized`` first.
    A frame with heads and revisions counts by its heads only. A frame of revisions alone, such as
    the contents of a library, counts as it is. Deleted resources are left out.
    """

    def __init__(
        self,
        frames: Mapping[str, pd.DataFrame],
        *,
        limits: Iterable[str] = (),
        as_of: str | None = None,
        redact: Callable[[str], str] | None = None,
        show_secrets: bool = False,
    ) -> None:
        self.frames = dict(frames)
        self._only_property = _only_property(frames)
        self.as_of = as_of
        self.redact = redact
        self.show_secrets = show_secrets
        self.rules = list(self._read("rules", {}))
        rules = {rule.id: rule for rule in self.rules}
        # Deleted rules do not count, nor do revisions beside heads. Missing rules do.
        dropped = {row["id"] for row in self.rows("rules")} - rules.keys()
        components = self._read("rule_components", rules)
        self.rule_components = [part for part in components if part.row["rule_id"] not in dropped]
        self.data_elements = list(self._read("data_elements", rules))
        self.extensions = list(self._read("extensions", rules))
        self.secrets = list(self._read("secrets", rules))
        self.limits = [*limits, *self._limits()]

    @property
    def resources(self) -> list[Resource]:
        """All resources: rules, components, data elements, extensions."""
        return [*self.rules, *self.rule_components, *self.data_elements, *self.extensions]

    @cached_property
    def property_ids(self) -> list[str]:
        """The ids of the properties, in order of appearance."""
        ids = map(attrgetter("property_id"), self.resources)
        return list(dict.fromkeys([*self.platforms, *ids]))

    @property
    def service(self) -> str:
        """Where the frames came from: Adobe, or simulator."""
        services = [frame.attrs.get("service") for frame in self.frames.values()]
        return next(filter(None, services), "frames")

    @cached_property
    def platforms(self) -> dict[str, str | None]:
        """The platform of each property whose row is known: web, mobile or edge."""
        platforms = {}
        for row in self.rows("properties"):
            platform = str(row.get("platform")).lower()
            platforms[row["id"]] = platform if platform in PLATFORMS else None
        return platforms

    def platform(self, resource: Resource) -> str | None:
        """Return the platform of the property of a resource; None when it is not known."""
        return self.platforms.get(resource.property_id)

    def is_edge(self, resource: Resource) -> bool:
        """Return whether a resource belongs to a property for event forwarding."""
        return self.platform(resource) == "edge"

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return the rows of a table as dicts, missing values as None; none without the table."""
        return records(self.frames.get(table, _NO_FRAME))

    def require(self, question: str, *tables: str) -> None:
        """Raise ArgumentError when a table is missing that a question requires."""
        for table in tables:
            if table not in self.frames:
                raise ArgumentError(
                    f"{question}() requires the table {table!r}. Read the property with "
                    f"{_READ_WITH.get(table, 'analysis.read(…)')}, or pass it: "
                    f"analysis.Tags(…, {table}=frame)."
                )

    def require_columns(self, question: str, table: str, *columns: str) -> None:
        """Raise ArgumentError when a table lacks a column that a question requires."""
        for column in columns:
            if column not in self.frames[table]:
                raise ArgumentError(
                    f"{question}() requires the column {column!r} of {table}. Pass the frame with "
                    "all columns that reactor returns."
                )

    def _read(self, table: str, rules: Mapping[str, Resource]) -> Iterator[Resource]:
        for row in records(_heads(self.frames.get(table, _NO_FRAME))):
            # A component has no switch of its own. Without its rule, it may well run.
            is_enabled = table == "rule_components" or row.get("enabled") is not False
            property_id = row.get("property_id") or self._only_property
            rule = rules.get(row.get("rule_id", ""))
            if rule is not None:
                is_enabled = rule.enabled
                property_id = row.get("property_id") or rule.property_id
            settings, problem = parse_json(row.get("settings"))
            yield Resource(
                type=table,
                id=row["id"],
                origin_id=row.get("origin_id") or row["id"],
                name=str(row.get("display_name") or row.get("name") or ""),
                property_id=property_id or "",
                enabled=is_enabled,
                delegate=str(row.get("delegate_descriptor_id") or ""),
                settings=settings,
                problem=problem,
                row=row,
                rule=rule,
            )

    def _limits(self) -> Iterator[str]:
        """Yield a sentence for each thing that the frames do not show."""
        for table in REQUIRED:
            if table not in self.frames:
                yield f"The {table.replace('_', ' ')} are missing."
        unreadable = [resource for resource in self.resources if resource.problem]
        if unreadable:
            first = unreadable[0]
            resources = counted(len(unreadable), "resource", "resources")
            yield (
                f"The settings of {resources} cannot be read, the first being "
                f"{first.id} ({first.name}): {first.problem}."
            )
        orphans = list(map(attrgetter("rule"), self.rule_components)).count(None)
        if orphans:
            components = counted(orphans, "rule component", "rule components")
            yield f"The rules of {components} are missing; they count as enabled."


# Questions are asked from several threads. Steps use each other, so that the lock is reentrant.
_lock = RLock()


@run_after_fork
def _replace_lock() -> None:
    global _lock  # noqa: PLW0603
    _lock = RLock()


def once_per_model(function: Callable[[Model], _Result]) -> Callable[[Model], _Result]:
    """Keep what a function returns for a model as long as the model exists."""
    results: WeakKeyDictionary[Model, _Result] = WeakKeyDictionary()

    @wraps(function)
    def kept(model: Model) -> _Result:
        with _lock:
            if model not in results:
                results[model] = function(model)
            return results[model]

    return kept


def parse_json(value: Any) -> tuple[Any, str]:
    """Return what JSON text says, and why it cannot be parsed."""
    if value is None or value == "":
        return None, ""
    if isinstance(value, dict | list | int | float):
        return value, ""
    if not isinstance(value, str):
        return None, f"they are neither JSON text nor an object, but {type(value).__name__}"
    try:
        # A byte order mark comes from files.
        return json.loads(value.removeprefix("\ufeff")), ""
    except RecursionError:
        return None, "they are nested too deeply"
    except ValueError as error:
        return None, f"they are not JSON ({error})"


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame as dicts, missing values as None."""
    # Four times as fast as DataFrame.to_dict after where(notna).
    names: list[Any] = list(frame)
    columns = []
    for name in names:
        columns.append(frame[name].to_numpy(dtype="object", na_value=None).tolist())
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _heads(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that count: without deleted ones, and no revisions of heads."""
    if "deleted_at" in frame:
        frame = frame[frame["deleted_at"].isna()]
    if not {"revision_number", "origin_id"} <= set(frame.columns):
        return frame
    is_head = frame["revision_number"].fillna(0) == 0
    has_head = frame["origin_id"].isin(frame.loc[is_head, "id"])
    return frame[is_head | ~has_head]


def _only_property(frames: Mapping[str, pd.DataFrame]) -> str:
    """Return the only property of the frames; empty when they do not say it.

    Raises ArgumentError when there are several, and rows that do not name theirs.
    """
    ids = set(frames.get("properties", _NO_IDS)["id"].dropna())
    for table in REQUIRED:
        ids.update(frames.get(table, _NO_FRAME).get("property_id", _NO_IDS["id"]).dropna())
    if len(ids) == 1:
        return str(ids.pop())
    # A component belongs to the property of its rule.
    for table in ("rules", "data_elements", "extensions"):
        frame = frames.get(table, _NO_FRAME)
        named = frame.get("property_id", _NO_IDS["id"]).notna().sum()
        if ids and named < len(frame):
            raise ArgumentError(
                f"The frames have {len(ids)} properties, and the frame {table} has rows without "
                "property_id. Pass the frame with that column."
            )
    return ""
