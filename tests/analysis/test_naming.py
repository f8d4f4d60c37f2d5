"""``naming``: each rule with a name that breaks it, and the nearest name that does not."""

from typing import Any

import pandas as pd
import pytest

from adobe_nb import ArgumentError
from adobe_nb.analysis import Tags
from adobe_nb.analysis.governance.naming import RULES
from tests.support.tag_frames import (
    CODE_ACTION,
    CODE_ELEMENT,
    components,
    dtypes,
    elements,
    extensions,
    no_tags,
    rules,
    store,
)

COLUMNS = dict.fromkeys(["type", "id", "name", "rule", "problem", "suggestion"], "string")


def element(*names: str, **tables: Any) -> Tags:
    rows = [(f"DE{index}", name, CODE_ELEMENT, {}) for index, name in enumerate(names)]
    return Tags(data_elements=elements(*rows), **tables)


def found(name: str) -> list[str]:
    return element(name).naming()["rule"].tolist()


def test_columns_are_the_same_with_no_row_one_and_many(reactor: Any) -> None:
    assert dtypes(no_tags().naming()) == COLUMNS
    assert dtypes(element("a ").naming()) == COLUMNS
    answer = store(reactor).naming().set_index("name")
    assert dtypes(store(reactor).naming()) == COLUMNS
    assert answer.loc["Copy of Home - Hero Click", "rule"] == "copy"
    assert set(answer.loc["Coupon Code ", "rule"]) == {"outer-blanks", "same-name-in-other-case"}
    assert answer.loc["Search term", "rule"] == "same-name-in-other-case"


@pytest.mark.parametrize(
    ("rule", "bad", "good", "suggestion"),
    [
        ("empty", " ", "x", None),
        ("outer-blanks", "Page Name ", "Page Name", "Page Name"),
        ("outer-blanks", "\tPage", "Page", "Page"),
        ("double-blanks", "Page  Name", "Page Name", "Page Name"),
        ("control-characters", "Page\u200bName", "Päge Näme", "PageName"),
        ("control-characters", "Page\x07", "Page", "Page"),
        ("copy", "Copy of Page Name", "Copy link clicked", "Page Name"),
        ("copy", "Page Name (copy)", "Page Name (copywriter)", "Page Name"),
        ("copy", "Page Name - Copy 2", "Page Name - Copyright", "Page Name"),
        ("copy", "Page Name copy 3", "Hero copy", "Page Name"),
        ("default-name", "New Data Element 2", "New Customer", None),
        ("default-name", "Untitled", "Untitled Page", None),
        ("default-name", "Data element", "Data element count", None),
        ("token-sign", "Discount %", "Discount", "Discount"),
        ("token-sign", "{{page}}", "(page)", "page"),
        ("event-name", "event.detail", "event detail", "detail"),
        ("event-name", "this.value", "thisvalue.a", "value"),
        ("event-name", "target", "targeted", None),
        ("delegate-prefix", "core::dataElements::cookie id", "cookie::id", "cookie id"),
    ],
)
def test_a_rule_reports_a_bad_name_and_not_the_name_nearest_to_it(
    rule: str, bad: str, good: str, suggestion: str | None
) -> None:
    answer = element(bad).naming().set_index("rule")
    assert rule in answer.index
    value = answer.loc[rule, "suggestion"]
    assert (None if value is pd.NA else value) == suggestion
    assert rule not in found(good)


def test_every_built_in_rule_says_why() -> None:
    assert all(rule.why.endswith(".") and rule.name == name for name, rule in RULES.items())


def test_the_usual_name_of_a_component_is_not_a_default_name() -> None:
    tags = Tags(
        rules=rules(("RL1", "Rule 1")),
        rule_components=components(
            ("RC1", "RL1", CODE_ACTION, {}), ("RC2", "RL1", CODE_ACTION, {}),
            name=["Core - Custom Code", "Rule"],
        ),
    )  # fmt: skip
    assert tags.naming()[["id", "rule"]].values.tolist() == [["RL1", "default-name"]]


@pytest.mark.parametrize(
    ("platform", "name", "is_reported"),
    [
        ("web", "a%", True),
        ("edge", "a%", False),
        ("edge", "{a}", True),
        ("edge", "event.a", False),
        ("web", "event.a", True),
    ],
)
def test_signs_of_tokens_depend_on_the_platform(
    platform: str, name: str, is_reported: bool
) -> None:
    site = pd.DataFrame({"id": ["PR1"], "platform": [platform]})
    assert bool(len(element(name, properties=site).naming())) == is_reported


def test_names_that_differ_in_case_or_blanks_are_paired_within_a_type() -> None:
    answer = element("Page Name", "page name", "page  name", "Pages Name").naming()
    same = answer[answer["rule"] == "same-name-in-other-case"]
    assert sorted(same["name"]) == ["Page Name", "page  name", "page name"]
    assert element("Page", "Page").naming().empty
    other_type = element("Page", rules=rules(("RL1", "page")))
    assert other_type.naming().empty


def test_a_suggestion_that_another_resource_has_is_left_out() -> None:
    answer = element("Page", "Copy of Page").naming()
    assert answer["rule"].tolist() == ["copy"]
    assert answer["suggestion"].isna().all()


def test_own_rules_apply_to_their_type_only() -> None:
    tags = element(
        "a - b",
        rules=rules(("RL1", "Scope - Trigger"), ("RL2", "Scope")),
        extensions=extensions(("EX1", "core", None, None)),
    )
    answer = tags.naming({"rules": r"^[^-]+ - [^-]+$"})
    assert answer[["type", "id", "rule"]].values.tolist() == [["rules", "RL2", "own rule"]]
    assert answer["problem"].tolist() == ["Does not match ^[^-]+ - [^-]+$."]


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"rules": "["}, "Invalid regular expression for rules"),
        ({"rules": None}, "Invalid regular expression for rules"),
        ({"rule": "a"}, "Unknown type 'rule'"),
        ("^a", "requires a mapping"),
    ],
)
def test_own_rules_of_another_form_are_refused(own: Any, message: str) -> None:
    with pytest.raises(ArgumentError) as error:
        no_tags().naming(own)
    assert message in str(error.value)
