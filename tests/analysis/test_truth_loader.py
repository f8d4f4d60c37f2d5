"""The truth itself: it can be read, and its tables are like those that reactor.* returns."""

import json
from collections import Counter
from functools import cache
from itertools import chain

import pandas as pd
import pytest

from adobe_nb.api.reactor.frames import columns_of, to_frame
from adobe_nb.registry import ID_PATTERN, RESOURCES
from tests.analysis.test_variables_truth import VARIABLE_ROW
from tests.analysis.truth.loader import Record, frames, properties

PROPERTIES = list(properties())
PARENTS = {
    "rule_components": "rules",
    "rule_revision_components": "rules",
    "library_rules": "libraries",
    "library_data_elements": "libraries",
    "library_extensions": "libraries",
}
VERDICTS = {
    "used",
    "used by disabled rules only",
    "unreachable",
    "possibly used",
    "cannot tell",
    "unused (mentioned in a comment)",
    "unused",
}
REFERENCE_VERDICTS = {"certain", "conditional", "possible", "dynamic", "commented", "masked"}
REASONS = {
    "no such element",
    "target_disabled",
    "target_not_in_library",
    "other property",
    "masked",
    "possibly set by page code",
    "no such instance",
    "no such secret",
}
VARIABLE_WORDS = {
    "access": {"set", "read", "declare", "clear"},
    "how": {
        "settings",
        "code",
        "products string",
        "doPlugins",
        "xdm",
        "data object",
        "other extension",
    },
    "verdict": {"certain", "possible", "dynamic", "commented", "misspelled", "out of range"},
}
SEND_KINDS = {"s.t", "s.tl", "sendEvent", "other", "none"}
STEP_LOGIC = {"event": {"OR"}, "condition": {"AND", "NOT"}, "action": {"then"}}
CALL_VERDICTS = {
    "called here",
    "disabled rules only",
    "page or nobody",
    "no rule listens",
    "blank in name",
    "rule is disabled",
    "dynamic",
}
KEYS = {
    "access",
    "choice",
    "columns",
    "components",
    "dangling",
    "data_elements",
    "direct_calls",
    "duplicates",
    "execution_order",
    "execution_order_all",
    "extension_packages",
    "extensions",
    "impact",
    "in_library",
    "libraries",
    "limits",
    "name",
    "not_names",
    "platform",
    "references",
    "relations",
    "rule_flow",
    "rules",
    "secrets",
    "selected",
    "sends",
    "sequencing",
    "unused",
    "unused_others",
    "variables",
    "why",
}


BY_NAME = {prop["name"]: prop for prop in PROPERTIES}


@cache
def tables_of(name: str) -> dict[str, pd.DataFrame]:
    return frames(BY_NAME[name])


@cache
def pulled_dtypes(resource: str) -> dict[str, object]:
    """Return the dtypes of a table that reactor returns."""
    return to_frame(RESOURCES[resource], []).dtypes.to_dict()


def resource_type(table: str) -> str:
    if table == "rule_revision_components":
        return "rule_components"
    return table.removeprefix("library_")


each_property = pytest.mark.parametrize("prop", PROPERTIES, ids=lambda prop: prop["name"])


@each_property
def test_tables_have_the_columns_and_dtypes_of_reactor(prop: Record) -> None:
    for table, frame in tables_of(prop["name"]).items():
        row = RESOURCES[resource_type(table)]
        columns = columns_of(row, PARENTS.get(table))
        assert list(frame.columns) == list(columns), table
        pulled = pulled_dtypes(resource_type(table))
        shared = [column for column in frame.columns if column in pulled]
        assert frame.dtypes[shared].to_dict() == {column: pulled[column] for column in shared}


@each_property
def test_ids_are_unique_and_have_the_form_of_the_service(prop: Record) -> None:
    for table, frame in tables_of(prop["name"]).items():
        assert frame["id"].map(ID_PATTERN.fullmatch).notna().all(), table
        if not table.startswith("library_"):
            assert frame["id"].is_unique, table


@each_property
def test_sources_of_the_answers_exist(prop: Record) -> None:
    tables = tables_of(prop["name"])
    names = set(chain(tables["data_elements"]["name"], tables["rule_components"]["name"])) | set(
        tables["extensions"]["display_name"]
    )
    place = prop.get("columns", ["source_name"]).index("source_name")
    assert {row[place] for row in prop.get("references", [])} <= names
    assert {row[place] for row in prop.get("variables", [])} <= names
    assert {row[0] for row in prop.get("dangling", [])} <= names
    for rows in prop.get("impact", {}).values():
        assert {row[1] for row in rows} <= names


@each_property
def test_answers_use_the_words_of_the_design(prop: Record) -> None:
    assert set(prop) <= KEYS
    assert prop["why"]
    assert set(prop.get("unused", {}).values()) <= VERDICTS
    if "columns" not in prop:
        assert {row[4] for row in prop.get("references", [])} <= REFERENCE_VERDICTS
    assert {row[4] for row in prop.get("dangling", [])} <= REASONS


def test_rows_of_variables_use_the_words_of_the_design() -> None:
    for prop in PROPERTIES:
        columns = prop.get("columns", VARIABLE_ROW)
        for row in prop.get("variables", []):
            values = dict(zip(columns, row, strict=False))
            for column, words in VARIABLE_WORDS.items():
                assert column not in values or values[column] in words, row


def test_rows_about_rules_use_the_words_of_the_design() -> None:
    for prop in PROPERTIES:
        assert {row[2] for row in prop.get("sends", [])} <= SEND_KINDS
        assert {row[4] for row in prop.get("direct_calls", [])} <= CALL_VERDICTS
        for row in prop.get("rule_flow", []):
            assert row[3] in STEP_LOGIC[row[2]], row


def test_rows_about_rules_name_rules_and_components_that_exist() -> None:
    for prop in PROPERTIES:
        tables = tables_of(prop["name"])
        rules = {None, *tables["rules"]["name"]}
        components = {None, *tables["rule_components"]["name"]}
        assert {row[0] for row in prop.get("sends", [])} <= rules
        assert {row[1] for row in prop.get("sends", [])} <= components
        assert {row[1] for row in prop.get("direct_calls", [])} <= rules
        if "rule_flow" in prop:
            assert {row[0] for row in prop["rule_flow"]} <= rules
            assert {None, *(row[4] for row in prop["rule_flow"])} == components


@each_property
def test_every_data_element_has_a_verdict_or_none_has(prop: Record) -> None:
    elements = tables_of(prop["name"])["data_elements"]
    heads = elements[(elements["revision_number"] == 0) & elements["deleted_at"].isna()]
    names = sorted(heads["name"])
    assert sorted(prop.get("unused", names)) == names


@each_property
def test_references_to_an_unused_element_are_not_uses(prop: Record) -> None:
    """The two answers agree with each other."""
    if "columns" in prop:
        return
    uses = {
        row[3]
        for row in prop.get("references", [])
        if row[4] in {"certain", "conditional", "possible"} and row[2] != "setVar"
    }
    unused = {
        name for name, verdict in prop.get("unused", {}).items() if verdict.startswith("unused")
    }
    assert uses.isdisjoint(unused)


def test_names_of_the_properties_are_unique() -> None:
    names = Counter(prop["name"] for prop in PROPERTIES)
    assert [name for name, count in names.items() if count > 1] == []


def test_settings_are_json_unless_the_trap_says_otherwise() -> None:
    for prop in PROPERTIES:
        if "not JSON" in prop["name"]:
            continue
        tables = tables_of(prop["name"])
        for table in ("rule_components", "data_elements", "extensions"):
            for settings in tables[table]["settings"].dropna():
                json.loads(settings)
