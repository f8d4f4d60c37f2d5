"""Properties full of traps, with the answers that were written by hand beside them.

Each JSON file in this folder holds a list of properties (``percent_tokens.json`` holds strings).
A property is written in short form:

``data_elements``
    A name (a constant), or a record: ``name``, then ``value`` (a constant), ``code`` (custom
    code), or ``delegate`` and ``settings``; any column of the table besides.
``rules``
    Records with ``name`` and ``components``. ``components`` of the property itself belong to one
    rule called "Rule". A web rule without an event gets a click, so that it can fire, unless it has
    ``without_event``.
``components``
    ``[name, delegate, settings]``, and a record with further columns if there are any. Some
    delegates have a short name, whose settings are one text: see ``SHORT_FORMS``. The order is the
    place in the list, unless the further columns have one.
``extensions``
    Packages with settings. Packages that a delegate names are installed without settings.
``libraries``
    ``name``, ``state``, and the short ids that it ``holds``.
``sequencing``
    Whether components run strictly in order; not known if the key is absent.
``secrets``, ``extension_packages``
    Records of the table. The frame is absent if the property does not have the key.

``text`` instead of ``settings`` is the text of the column, which need not be JSON. Code may be a
list of lines. ``<DE1>`` anywhere is the id of the first data element; ids count from 1 per table.
``property`` 2 puts a record into a second property.

The answers: ``references`` (without relations; ``relations`` are those that must be among them),
``dangling`` (nothing if the key is absent), ``not_names`` (further names with ``all=True``),
``unused`` (verdicts of all data elements), ``unused_others``, ``impact`` and ``duplicates``.
``variables``, ``sends``, ``rule_flow``, ``execution_order`` (a list for each event, in order),
``execution_order_all`` and ``direct_calls`` hold rows of these questions; ``selected`` holds what
``variables`` returns for one variable. With ``access``, only these kinds of access are compared.
``why`` gives the reason; ``choice`` marks an answer that the known facts leave open.
"""

import copy
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from adobe_nb.api.reactor.frames import columns_of, json_text, typed_series
from adobe_nb.registry import RESOURCES

FOLDER = Path(__file__).parent
Record = dict[str, Any]

SHORT_FORMS: Mapping[str, tuple[str, str]] = {
    "js": ("core::actions::custom-code", "javascript"),
    "html": ("core::actions::custom-code", "html"),
    "condition code": ("core::conditions::custom-code", "source"),
    "event code": ("core::events::custom-code", "source"),
    "setup code": ("adobe-analytics::actions::set-variables", "customSetup"),
    "link": ("adobe-analytics::actions::send-beacon", "linkName"),
}
_ID = re.compile(r"<((?:DE|EN|EP|EX|LB|PR|RC|RL|SE)\d+)>")
_HEAD = {
    "created_at": "2026-01-05T09:00:00Z",
    "updated_at": "2026-02-10T14:30:00Z",
    "dirty": False,
    "published": False,
    "revision_number": 0,
    "enabled": True,
    "review_status": "unsubmitted",
    "negate": False,
    "delay_next": True,
    "timeout": 2000,
    "rule_order": 50,
    "clean_text": False,
    "force_lower_case": False,
    "meta_latest_revision_number": 0,
}


def properties() -> Iterator[Record]:
    """Yield the properties of all files, with full ids."""
    for path in sorted(FOLDER.glob("*.json")):
        if path.name != "percent_tokens.json":
            yield from _with_full_ids(json.loads(path.read_text(encoding="utf-8")))


def frames(prop: Record) -> dict[str, pd.DataFrame]:
    """Return the tables of a property, with the columns and dtypes of the registry."""
    prop = copy.deepcopy(prop)
    elements = _data_elements(prop)
    rules, components = _rules(prop)
    extensions = _extensions(prop, [*elements, *components])
    for row in [*elements, *components]:
        package = row["delegate_descriptor_id"].split("::")[0]
        row.setdefault("extension_id", extensions[package, row["property_id"]]["id"])
    heads = {"data_elements": elements, "rules": rules, "extensions": list(extensions.values())}
    tables = {
        "properties": _frame("properties", _property_rows(prop, heads)),
        "rules": _frame("rules", rules),
        "rule_components": _frame("rule_components", components, "rules"),
        "data_elements": _frame("data_elements", elements),
        "extensions": _frame("extensions", heads["extensions"]),
    }
    for table in ("secrets", "extension_packages"):
        if table in prop:
            tables[table] = _frame(table, _numbered(table, prop[table]))
    if "libraries" in prop:
        tables |= _libraries(prop["libraries"], heads, components)
    return tables


def full_id(short: str) -> str:
    """Return an id of the length that the service gives: ``DE1`` is ``DE000…1``."""
    return short[:2] + short[2:].zfill(32)


def _with_full_ids(value: Any) -> Any:
    if isinstance(value, str):
        return _ID.sub(lambda match: full_id(match[1]), value)
    if isinstance(value, list):
        return [_with_full_ids(item) for item in value]
    if isinstance(value, dict):
        return {_with_full_ids(key): _with_full_ids(item) for key, item in value.items()}
    return value


def _frame(table: str, rows: Sequence[Record], parent: str | None = None) -> pd.DataFrame:
    kinds = columns_of(RESOURCES[table], parent)
    columns = {}
    for name, kind in kinds.items():
        columns[name] = typed_series(kind, [row.get(name) for row in rows])
    return pd.DataFrame(columns)


def _numbered(table: str, records: Sequence[Record]) -> list[Record]:
    """Return complete rows: the defaults, what the record says, an id and the settings as text."""
    rows = []
    for number, record in enumerate(records, start=1):
        row = {**_HEAD, **record}
        row.setdefault("id", full_id(f"{RESOURCES[table].prefix}{number}"))
        row.setdefault("origin_id", row["id"])
        row["property_id"] = full_id(f"PR{row.pop('property', 1)}")
        row["settings"] = _settings_text(row)
        rows.append(row)
    return rows


def _settings_text(record: Record) -> str | None:
    if "text" in record:
        return record["text"]
    if record.get("settings") is None:
        return None
    return json_text(record["settings"])


def _data_elements(prop: Record) -> list[Record]:
    records = []
    for short in prop.get("data_elements", []):
        record = {"name": short} if isinstance(short, str) else short
        delegate = "core::dataElements::constant"
        settings = {"value": record.pop("value", "1")}
        if "code" in record:
            delegate = "core::dataElements::custom-code"
            settings = {"source": _lines(record.pop("code"))}
        record.setdefault("delegate_descriptor_id", record.pop("delegate", delegate))
        record.setdefault("settings", settings)
        records.append(record)
    return _numbered("data_elements", records)


def _rules(prop: Record) -> tuple[list[Record], list[Record]]:
    """Return the rows of rules and of their components."""
    records = prop.get("rules", [])
    if "components" in prop:
        records = [{"name": "Rule", "components": prop["components"]}, *records]
    rules = _numbered("rules", records)
    components = []
    for rule in rules:
        rows = [_component(short) for short in rule.pop("components", [])]
        silent = rule.pop("without_event", False)
        has_event = silent or any("::events::" in row["delegate_descriptor_id"] for row in rows)
        if not has_event and prop.get("platform", "web") == "web":
            click = {"elementSelector": "a", "bubbleStop": False}
            rows.insert(0, _component(["Click", "core::events::click", click]))
        for order, row in enumerate(rows):
            row["rule_id"] = rule["id"]
            row.setdefault("order", order)
            row["property"] = int(rule["property_id"][2:])
        components += rows
    return rules, _numbered("rule_components", components)


def _component(short: Sequence[Any]) -> Record:
    name, delegate, settings, *further = short
    if delegate in SHORT_FORMS:
        delegate, form = SHORT_FORMS[delegate]
        settings = _short_settings(form, _lines(settings))
    row = {"name": name, "delegate_descriptor_id": delegate, "settings": settings}
    if further:
        row |= further[0]
    return row


def _short_settings(form: str, text: str) -> Record:
    if form in {"javascript", "html"}:
        return {"global": False, "language": form, "source": text}
    if form == "customSetup":
        return {"trackerProperties": {}, "customSetup": {"source": text}}
    if form == "linkName":
        return {"type": "link", "linkType": "o", "linkName": text}
    return {form: text}


def _lines(code: str | list[str]) -> str:
    return code if isinstance(code, str) else "\n".join(code)


def _extensions(prop: Record, users: Sequence[Record]) -> dict[tuple[str, str], Record]:
    """Return the installed extensions by the name of their package and their property."""
    records = list(prop.get("extensions", []))
    installed = {(record["name"], record.get("property", 1)) for record in records}
    for user in users:
        package = user["delegate_descriptor_id"].split("::")[0]
        number = int(user["property_id"][2:])
        if (package, number) not in installed:
            installed.add((package, number))
            records.append({"name": package, "property": number})
    for record in records:
        record.setdefault("display_name", record["name"])
        record.setdefault("version", "1.0.0")
        if "settings" in record or "text" in record:
            record["delegate_descriptor_id"] = f"{record['name']}::extensionConfiguration::config"
    # The newest version is the last one of the list, and is the one installed.
    packages = {package["name"]: package["id"] for package in prop.get("extension_packages", [])}
    rows = _numbered("extensions", records)
    for number, row in enumerate(rows, start=1):
        row["extension_package_id"] = packages.get(row["name"], full_id(f"EP{900 + number}"))
    return {(row["name"], row["property_id"]): row for row in rows}


def _property_rows(prop: Record, heads: Mapping[str, Sequence[Record]]) -> list[Record]:
    ids = {full_id("PR1")}
    for rows in heads.values():
        ids |= {row["property_id"] for row in rows}
    shared = {
        "platform": prop.get("platform", "web"),
        "rule_component_sequencing_enabled": prop.get("sequencing"),
        "enabled": True,
    }
    records = []
    for property_id in sorted(ids):
        name = f"Property {int(property_id[2:])}"
        records.append({"id": property_id, "name": name, **shared})
    return records


def _libraries(
    libraries: Sequence[Record], heads: Mapping[str, list[Record]], components: Sequence[Record]
) -> dict[str, pd.DataFrame]:
    """Return the libraries, and the revisions that they hold with their components."""
    rows = _numbered("libraries", libraries)
    held: dict[str, list[Record]] = {table: [] for table in heads}
    parts: list[Record] = []
    for library in rows:
        for table, records in heads.items():
            for head in records:
                if head["id"] not in library["holds"]:
                    continue
                revision = _revision(head, library)
                held[table].append({**revision, "library_id": library["id"]})
                parts += _revision_components(head, revision, components)
    tables = {"libraries": _frame("libraries", rows)}
    for table, revisions in held.items():
        tables[f"library_{table}"] = _frame(table, revisions, "libraries")
    tables["rule_revision_components"] = _frame("rule_components", parts, "rules")
    return tables


def _revision(head: Record, library: Record) -> Record:
    """Return the first revision of a resource, as a library holds it."""
    published = library["state"] == "published"
    return {
        **head,
        "id": head["id"][:2] + "e" + head["id"][3:],
        "revision_number": 1,
        "published": published,
        "published_at": library.get("published_at"),
    }


def _revision_components(
    head: Record, revision: Record, components: Sequence[Record]
) -> list[Record]:
    rows = []
    for component in components:
        if component["rule_id"] == head["id"]:
            copied = {**component, "rule_id": revision["id"], "revision_number": 1}
            rows.append({**copied, "id": "RCe" + component["id"][3:]})
    return rows
