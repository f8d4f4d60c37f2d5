"""Every question has its documented columns: of nothing, of one resource, and of a property full of traps."""

from functools import cache, partial

import pandas as pd
import pytest

from adobe_nb import analysis
from adobe_nb.api.reactor.frames import columns_of, typed_series
from adobe_nb.registry import RESOURCES
from tests.analysis.truth.loader import frames, properties
from tests.support.tag_frames import (
    assert_columns,
    components,
    elements,
    extensions,
    no_tags,
    rules,
)

SOURCE = "source_type source_id source_name rule_id rule_name"
COLUMNS = {
    "inventory": "property_id what total enabled disabled unpublished dirty last_updated_at",
    "delegates": "delegate_descriptor_id extension_name kind name used_by rules",
    "rule_flow": "rule_id rule_name rule_enabled step kind logic component_id component_name "
    "delegate_descriptor_id order rule_order timeout delay_next settings_summary refers_to tie",
    "execution_order": "event_key position rule_order tie rule_id rule_name",
    "rule_graph": "from_id from_name from_type to_id to_name to_type kind verdict",
    "direct_calls": "identifier rule_id rule_name callers called_from verdict",
    "references": f"{SOURCE} kind name target_type target_id path line verdict evidence",
    "unused": "id name type verdict reason mentioned_in updated_at in_library",
    "dangling": f"{SOURCE} name kind path line verdict reason did_you_mean evidence",
    "impact": f"level via {SOURCE} path line verdict evidence rule_enabled in_production",
    "duplicates": "group type id name property_id same_settings differs_in used_by",
    "variables": f"variable family number access how {SOURCE} path line value data_elements "
    "condition_count rule_enabled verdict evidence",
    "sends": "rule_id rule_name component_id kind link_name event_type sets_in_same_rule "
    "payload_element cleared_after rule_enabled path line",
    "sdr": "variable in_design in_tags design_name tag_value rules verdict found_in",
    "free_variables": "variable free reason",
    "custom_code": f"{SOURCE} delegate_descriptor_id path language code chars lines hash minified "
    "inline_in_library same_as",
    "search_code": f"{SOURCE} path line column match evidence",
    "code_risks": f"{SOURCE} path line rule severity evidence why",
    "consent": "rule_id rule_name sends_to has_consent consent_by verdict",
    "stale": "type id name reason updated_at age_days in_production used_by",
    "naming": "type id name rule problem suggestion",
    "unpublished": "type id name state head_updated_at published_revision latest_revision updated_by "
    "columns_changed",
    "library_contents": "library_id library_name state environment type revision_id origin_id name "
    "revision_number origin_latest behind inherited_from",
    "library_size": "library_id components settings_chars code_chars share largest",
    "publish_history": "library_id name created_at submitted_at approved_at published_at lead_time_h "
    "builds failed_builds resources published_by",
    "who_changed": "when who action type id name property_id columns_changed before after",
    "extension_versions": "extension_id name display_name version latest_version behind platform "
    "availability upgrade_blocked_by delegates_removed settings_new_required",
    "plumbing": "kind id name stage detail problem",
    "audit": f"rule severity {SOURCE} path line message evidence fingerprint first_seen note",
}
SURROUNDINGS = {
    "libraries": ("libraries", None),
    "builds": ("builds", "libraries"),
    "environments": ("environments", None),
    "hosts": ("hosts", None),
    "callbacks": ("callbacks", None),
    "secrets": ("secrets", None),
    "audit_events": ("audit_events", None),
    "extension_packages": ("extension_packages", None),
    "library_rules": ("rules", "libraries"),
    "library_data_elements": ("data_elements", "libraries"),
    "library_extensions": ("extensions", "libraries"),
    "rule_revision_components": ("rule_components", "rules"),
}
ARGUMENTS = {
    "search_code": ["e"],
    "sdr": [pd.DataFrame({"variable": ["eVar1", "prop2"]})],
}


def with_surroundings(tables: dict[str, pd.DataFrame]) -> analysis.Tags:
    """Return the tags of some tables, and empty ones for all others."""
    for table, (name, parent) in SURROUNDINGS.items():
        if table not in tables:
            kinds = columns_of(RESOURCES[name], parent)
            columns = {column: typed_series(kind, []) for column, kind in kinds.items()}
            tables[table] = pd.DataFrame(columns)
    return analysis.Tags(**tables)


def nothing() -> analysis.Tags:
    tables = dict(no_tags().frames)
    tables["extensions"] = tables["extensions"].assign(version=[])
    return with_surroundings(tables)


def one_of_each() -> analysis.Tags:
    tables = {
        "rules": rules(("RL1", "Rule")),
        "rule_components": components(("RC1", "RL1", "core::events::click", {})),
        "data_elements": elements(("DE1", "Element", "core::dataElements::cookie", {"name": "e"})),
        "extensions": extensions(("EX1", "core", None, None), version="3.4.4"),
    }
    return with_surroundings(tables)


def traps(name: str) -> analysis.Tags:
    """Return the tags of a property of the truth."""
    prop = next(prop for prop in properties() if prop["name"] == name)
    return with_surroundings(frames(prop))


MAKERS = {
    "nothing": nothing,
    "one of each": one_of_each,
    "traps": partial(traps, "the property full of traps"),
    "traps of variables": partial(traps, "the shop full of traps about variables"),
}


@cache
def tags_of(maker: str) -> analysis.Tags:
    return MAKERS[maker]()


# impact() of nothing is an error: something must have the name.
CASES = [(question, maker) for question in COLUMNS for maker in MAKERS]
CASES.remove(("impact", "nothing"))


@pytest.mark.parametrize(("question", "maker"), CASES)
def test_has_the_documented_columns_and_the_same_dtypes(question: str, maker: str) -> None:
    tags = tags_of(maker)
    arguments = ARGUMENTS.get(question, [])
    if question == "impact":
        arguments = [tags.model.data_elements[0].id]
    answer = getattr(tags, question)(*arguments)
    assert_columns(answer, COLUMNS[question].split())
    if question != "impact":
        without_rows = getattr(tags_of("nothing"), question)(*arguments)
        assert answer.dtypes.to_dict() == without_rows.dtypes.to_dict()
