"""The map of variables: one row for each that the tags touch, as a solution design lists them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

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
# The best verdict of the places that set a variable decides.
_STATUS = {
    "certain": "set",
    "possible": "possibly set",
    "dynamic": "possibly set",
    "misspelled": "misspelled",
    "out of range": "out of range",
}


def variable_map(model: Model) -> pd.DataFrame:
    """Return one row for each variable, with everything that sets it."""
    model.require("variables", "rules", "rule_components")
    frame = variables(model)
    groups: dict[tuple[str | None, str], list[Row]] = defaultdict(list)
    for row in records(frame):
        groups[row.get("property_id"), row["variable"]].append(row)
    rows = []
    for (property_id, variable), places in groups.items():
        row = _row(places, element_ids(model))
        rows.append({"property_id": property_id, "variable": variable, **row})
    rows.sort(key=lambda row: _position(row, groups))
    return answer(model, COLUMNS, rows, limits=frame.attrs["limits"])


def _row(places: Sequence[Row], ids: dict[tuple[str | None, str], str]) -> dict[str, object]:
    sets = [place for place in places if place["access"] == "set"]
    sets = [place for place in sets if place["verdict"] != "commented"] or sets
    elements: dict[str, None] = {}
    rules = {}
    sources = {}
    for place in sets:
        sources[place["source_id"]] = place["source_name"] or place["source_id"]
        elements |= dict.fromkeys((place["data_elements"] or "").split(", "))
        if place["rule_id"]:
            rules[place["rule_id"]] = place["rule_name"] or place["rule_id"]
    elements.pop("", None)
    row: dict[str, object] = {
        "family": places[0]["family"],
        "status": _status(places),
        "value": lines(place["value"] for place in sets),
        "data_elements": lines(elements),
        "rules": lines(rules.values()),
        "found_in": lines(sources.values()),
        "how": lines(place["how"] for place in sets),
        "places": len(places),
    }
    # A cell leads to one place only.
    if len(elements) == 1:
        (element,) = elements
        row["element_id"] = ids.get((places[0].get("property_id"), element))
    if len(rules) == 1:
        (row["rule_id"],) = rules
    if len(sources) == 1:
        (row["source_id"],) = sources
    return row


def _status(places: Iterable[Row]) -> str:
    live = [place for place in places if place["verdict"] != "commented"]
    if not live:
        return "in comments only"
    sets = [place for place in live if place["access"] == "set"]
    if not sets:
        accesses = sorted({place["access"] for place in live})
        return f"not set ({', '.join(accesses)})"
    enabled = [place for place in sets if place["rule_enabled"] is not False]
    if not enabled:
        return "disabled rules only"
    verdicts = {place["verdict"] for place in enabled}
    return next(status for verdict, status in _STATUS.items() if verdict in verdicts)


def _position(row: Row, groups: dict[tuple[str | None, str], list[Row]]) -> tuple[object, ...]:
    """Return the place of a variable: by family, then by number."""
    property_id, variable = row["property_id"], row["variable"]
    number = groups[property_id, variable][0]["number"]
    family = len(_FAMILIES)
    if row["family"] in _FAMILIES:
        family = _FAMILIES.index(row["family"])
    return property_id or "", family, number or 0, variable
