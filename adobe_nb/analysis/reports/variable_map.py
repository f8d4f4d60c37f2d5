"""The map of variables: one row for each that the tags touch, as a solution design lists them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import pandas as pd

from adobe_nb.analysis.answers import Columns, Row, answer
from adobe_nb.analysis.model import Model, records
from adobe_nb.analysis.reports.names import element_ids, lines
from adobe_nb.analysis.variables.listing import variables
from adobe_nb.analysis.variables.names import RANGES

COLUMNS: Columns = {
    "variable": "string",
    "friendly_name": "string",
    "family": "string",
    "status": "string",
    "value": "string",
    "data_elements": "string",
    "element_id": "string",
    "rules": "string",
    "rule_id": "string",
    "found_in": "string",
    "source_id": "string",
    "how": "string",
    "places": "Int64",
    "notes": "string",
}
_FAMILIES = (*RANGES, "products", "page", "contextData", "xdm")
_STATUSES = {
    "certain": "set",
    "possible": "possibly set",
    "dynamic": "possibly set",
    "misspelled": "misspelled",
    "out of range": "out of range",
    "disabled": "disabled rules only",
    "not set": "not set",
    "commented": "in comments only",
}
"""By verdict, or by why a place does not set the variable. The first one that applies decides."""


def variable_map(model: Model) -> pd.DataFrame:
    """Return one row for each variable, with everything that sets it."""
    model.require("variables", "rules", "rule_components")
    frame = variables(model)
    groups: dict[tuple[str | None, str], list[Row]] = defaultdict(list)
    for row in records(frame):
        groups[row.get("property_id"), row["variable"]].append(row)
    rows = [_row(places, element_ids(model)) for places in groups.values()]
    return answer(model, COLUMNS, sorted(rows, key=_position), limits=frame.attrs["limits"])


def _row(places: Sequence[Row], ids: Mapping[tuple[str | None, str], str]) -> dict[str, Any]:
    first = places[0]
    sets = _sets(places)
    names = ", ".join(filter(None, map(itemgetter("data_elements"), sets)))
    elements = list(dict.fromkeys(filter(None, names.split(", "))))
    rules = {}
    sources = {}
    for place in sets:
        sources[place["source_id"]] = place["source_name"] or place["source_id"]
        if place["rule_id"]:
            rules[place["rule_id"]] = place["rule_name"] or place["rule_id"]
    row = {
        "property_id": first.get("property_id"),
        "variable": first["variable"],
        "family": first["family"],
        "number": first["number"],
        "status": _status(places),
        "value": lines(map(itemgetter("value"), sets)),
        "data_elements": lines(elements),
        "rules": lines(rules.values()),
        "found_in": lines(sources.values()),
        "how": lines(map(itemgetter("how"), sets)),
        "places": len(places),
    }
    # A cell leads to one place only.
    if len(elements) == 1:
        row["element_id"] = ids.get((row["property_id"], elements[0]))
    if len(rules) == 1:
        (row["rule_id"],) = rules
    if len(sources) == 1:
        (row["source_id"],) = sources
    return row


def _sets(places: Iterable[Row]) -> list[Row]:
    """Return the places that set a variable; what is commented out only without others."""
    sets = [place for place in places if place["access"] == "set"]
    return [place for place in sets if place["verdict"] != "commented"] or sets


def _status(places: Iterable[Row]) -> str:
    reasons = set(map(_reason, places))
    status = next(status for reason, status in _STATUSES.items() if reason in reasons)
    if status == "not set":
        live = filter(lambda place: place["verdict"] != "commented", places)
        status += f" ({', '.join(sorted(set(map(itemgetter('access'), live))))})"
    return status


def _reason(place: Row) -> Any:
    if place["verdict"] == "commented":
        return "commented"
    if place["access"] != "set":
        return "not set"
    if place["rule_enabled"] is False:
        return "disabled"
    return place["verdict"]


def _position(row: Row) -> tuple[Any, ...]:
    """Return the place of a variable: by family, then by number."""
    family = [*_FAMILIES, row["family"]].index(row["family"])
    return row["property_id"] or "", family, row["number"] or 0, row["variable"]
