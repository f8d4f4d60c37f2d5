"""``inventory`` and ``delegates``: which resources exist, and how often."""

from typing import Any

import pandas as pd
import pytest

from adobe_nb import analysis
from adobe_nb.analysis import Tags
from tests.support.tag_frames import (
    CODE_ACTION,
    CODE_ELEMENT,
    code_element,
    components,
    dtypes,
    elements,
    extensions,
    no_tags,
    rules,
    store,
)

INVENTORY = {
    "property_id": "string",
    "what": "string",
    "total": "Int64",
    "enabled": "Int64",
    "disabled": "Int64",
    "unpublished": "Int64",
    "dirty": "Int64",
    "last_updated_at": "datetime64[us, UTC]",
}
DELEGATES = {
    "delegate_descriptor_id": "string",
    "extension_name": "string",
    "kind": "string",
    "name": "string",
    "used_by": "Int64",
    "rules": "Int64",
}
KINDS = [
    "rules",
    "rule_components",
    "data_elements",
    "extensions",
    "custom_code",
    "code_lines",
    "code_characters",
]


def counts(tags: Tags, what: str) -> dict[str, Any]:
    frame = tags.inventory().set_index("what")
    row = frame.loc[what, ["total", "enabled", "disabled", "unpublished", "dirty"]]
    return {str(name): None if pd.isna(value) else int(value) for name, value in row.items()}


def test_an_empty_property_has_rows_of_zero() -> None:
    inventory = no_tags().inventory()
    assert dtypes(inventory) == INVENTORY
    assert inventory["what"].tolist() == KINDS
    assert inventory["total"].tolist() == [0] * len(KINDS)
    assert inventory["property_id"].isna().all()
    assert inventory["last_updated_at"].isna().all()


def test_an_empty_property_is_named_when_it_is_known() -> None:
    tags = Tags(rules=rules(), properties=pd.DataFrame({"id": ["PR1", "PR2"]}))
    inventory = tags.inventory()
    assert inventory["property_id"].tolist() == ["PR1"] * len(KINDS) + ["PR2"] * len(KINDS)


def test_a_store_is_counted(reactor: Any) -> None:
    tags = store(reactor)
    inventory = tags.inventory()
    assert dtypes(inventory) == INVENTORY
    assert inventory["what"].tolist() == [*KINDS[:4], "libraries", *KINDS[4:]]
    heads = tags.frames["rules"]
    assert counts(tags, "rules") == {
        "total": len(heads),
        "enabled": int(heads["enabled"].sum()),
        "disabled": int((~heads["enabled"]).sum()),
        "unpublished": counts(tags, "rules")["unpublished"],
        "dirty": int(heads["dirty"].sum()),
    }
    assert 0 < counts(tags, "rules")["disabled"] < len(heads)
    code = tags.custom_code()
    assert counts(tags, "custom_code")["total"] == len(code)
    assert counts(tags, "code_lines")["total"] == code["lines"].sum()
    assert counts(tags, "code_characters")["total"] == code["chars"].sum()
    last = inventory.set_index("what")["last_updated_at"]
    assert last["rules"] == heads["updated_at"].max()


def test_what_plain_frames_do_not_show_is_missing() -> None:
    tags = Tags(
        rules=rules(("RL1", "a"), ("RL2", "b"), enabled=[True, False]),
        rule_components=components(("RC1", "RL1", CODE_ACTION, {})),
        extensions=extensions(("EX1", "core", None, None)),
    )
    nothing = dict.fromkeys(["total", "enabled", "disabled", "unpublished", "dirty"])
    assert counts(tags, "rules") == {**nothing, "total": 2, "enabled": 1, "disabled": 1}
    assert counts(tags, "rule_components") == {**nothing, "total": 1}
    assert counts(tags, "extensions") == {**nothing, "total": 1}
    assert counts(tags, "data_elements") == nothing
    assert any("unpublished is unknown" in text for text in tags.inventory().attrs["limits"])


def test_components_have_no_switch_even_if_the_frame_has_such_a_column() -> None:
    tags = Tags(
        rules=rules(("RL1", "a"), enabled=[False]),
        rule_components=components(("RC1", "RL1", CODE_ACTION, {}), enabled=[True], dirty=[True]),
    )
    row = counts(tags, "rule_components")
    assert (row["enabled"], row["disabled"], row["dirty"]) == (None, None, 1)


def test_unpublished_counts_the_rows_of_that_question(reactor: Any) -> None:
    tags = analysis.read(reactor.find("properties", "Web Store US"))
    unpublished = tags.unpublished()
    heads = unpublished[unpublished["state"] != "deleted but live"]
    for table in ("rules", "data_elements", "extensions"):
        assert counts(tags, table)["unpublished"] == (heads["type"] == table).sum()
    assert counts(tags, "rule_components")["unpublished"] is None


@pytest.mark.parametrize(
    ("table", "column"), [("libraries", "state"), ("library_rules", "library_id")]
)
def test_without_the_columns_that_decide_unpublished_is_unknown(table: str, column: str) -> None:
    tables = {
        "libraries": pd.DataFrame({"id": ["LB1"], "state": ["published"]}),
        "library_rules": rules(("RLr", "a"), origin_id=["RL1"], library_id=["LB1"]),
    }
    tables[table] = tables[table].drop(columns=column)
    assert counts(Tags(rules=rules(("RL1", "a")), **tables), "rules")["unpublished"] is None


def test_times_can_be_text() -> None:
    times = ["2026-01-02T03:04:05Z", "2026-01-02T03:04:06.5+00:00", None, ""]
    four = [(f"RL{number}", "a") for number in range(4)]
    tags = Tags(rules=rules(*four, updated_at=times))
    last = tags.inventory()["last_updated_at"][0]
    assert last == pd.Timestamp("2026-01-02T03:04:06.5Z")


def test_each_property_is_counted_on_its_own() -> None:
    tags = Tags(
        rules=rules(("RL1", "a"), ("RL2", "b"), ("RL3", "c"), property_id=["PR2", "PR1", "PR2"]),
        rule_components=components(
            ("RC1", "RL1", CODE_ACTION, {"source": "a\nb", "language": "javascript"})
        ),
        secrets=pd.DataFrame({"id": ["SE1"], "property_id": ["PR1"]}),
    )
    inventory = tags.inventory().set_index(["property_id", "what"])["total"]
    assert inventory["PR1", "rules"] == 1
    assert inventory["PR2", "rules"] == 2
    assert inventory["PR1", "secrets"] == 1
    assert inventory["PR2", "secrets"] == 0
    assert inventory["PR1", "code_lines"] == 0
    assert inventory["PR2", "code_lines"] == 2


# Delegates


def test_delegates_have_the_same_columns_with_no_row_one_and_many(reactor: Any) -> None:
    assert dtypes(no_tags().delegates()) == DELEGATES
    one = code_element("return 1").delegates()
    assert dtypes(one) == DELEGATES
    [row] = one.astype("object").values.tolist()
    assert row[:5] == [CODE_ELEMENT, "core", "data_element", "custom-code", 1]
    assert row[5] is pd.NA
    tags = store(reactor)
    delegates = tags.delegates()
    assert dtypes(delegates) == DELEGATES
    tables = ("rule_components", "data_elements", "extensions")
    assert delegates["used_by"].sum() == sum(len(tags.frames[table]) for table in tables)
    kinds = ["event", "condition", "action", "data_element", "configuration"]
    assert delegates["kind"].drop_duplicates().tolist() == kinds


def test_the_most_frequent_delegate_of_each_kind_comes_first(reactor: Any) -> None:
    tags = store(reactor)
    delegates = tags.delegates()
    for _, uses in delegates.groupby("kind")["used_by"]:
        assert uses.is_monotonic_decreasing
    used = tags.frames["rule_components"]["delegate_descriptor_id"].value_counts()
    events = used[used.index.str.contains("::events::")]
    assert delegates["delegate_descriptor_id"][0] in events[events == events.max()].index
    assert delegates["used_by"][0] == events.max()


def test_a_rule_that_uses_a_delegate_twice_counts_once() -> None:
    tags = Tags(
        rule_components=components(
            ("RC1", "RL1", CODE_ACTION, {}),
            ("RC2", "RL1", CODE_ACTION, {}),
            ("RC3", "RL2", CODE_ACTION, {}),
        )
    )
    delegates = tags.delegates()
    assert delegates[["used_by", "rules"]].values.tolist() == [[3, 2]]


def test_an_extension_without_settings_has_no_descriptor() -> None:
    tags = Tags(
        extensions=extensions(("EX1", "core", None, None)),
        data_elements=elements(("DE1", "a", "odd", None), ("DE2", "b", "a::b", None)),
    )
    delegates = tags.delegates()
    assert delegates["kind"].tolist() == ["data_element", "data_element", "configuration"]
    assert delegates["extension_name"].tolist() == ["a", "odd", "core"]
    assert delegates["delegate_descriptor_id"].isna().tolist() == [False, False, True]
    assert delegates["rules"].isna().all()
