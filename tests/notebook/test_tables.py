"""Which columns of a table are shown, in which order, and how the others are announced."""

import re
from typing import Any

import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell

from adobe_nb import analysis
from adobe_nb.notebook.tables import compact
from adobe_nb.registry import RESOURCES

TABLES = [name for name, row in RESOURCES.items() if row.listed]


def tables(session: Any, resource_type: str) -> pd.DataFrame:
    """The resources of the demo company of one type."""
    parents = RESOURCES[resource_type].parents
    if "properties" in (*parents, *RESOURCES[resource_type].through):
        return getattr(session.reactor, resource_type)(session.reactor.properties())
    return getattr(session.reactor, resource_type)()


def display_of(shell: InteractiveShell, frame: pd.DataFrame) -> tuple[str, str]:
    data, _ = shell.display_formatter.format(frame)
    return data["text/html"], data["text/plain"]


def headers(html: str) -> list[str]:
    head = html.partition("<thead>")[2].partition("</thead>")[0].replace("<wbr>", "")
    return re.findall("<th>(.+?)</th>", head)


def is_id(name: str) -> bool:
    return name == "id" or (name.endswith("_id") and name != "delegate_descriptor_id")


@pytest.mark.parametrize("resource_type", TABLES)
def test_whole_table_begins_with_names_ends_with_ids_and_counts_hidden_columns(
    shell: InteractiveShell, session: Any, resource_type: str
) -> None:
    frame = tables(session, resource_type)
    html, text = display_of(shell, frame)
    shown = headers(html)
    first_id = shown.index("id")
    assert first_id > 0
    assert all(map(is_id, shown[first_id:]))
    assert not any(map(is_id, shown[:first_id]))
    assert not shown[0].endswith("_at")
    caption = re.search(r"× (\d+) columns( \(.*?\))?", html)
    assert caption
    not_shown = sum(map(int, re.findall(r"(\d+) (?:empty|more)", caption[2] or "")))
    assert int(caption[1]) == len(frame.columns) == len(shown) + not_shown
    # A terminal has 80 characters. Below the table is the caption.
    *lines, _ = text.splitlines()
    assert max(map(len, lines)) <= 80


def test_name_kind_state_and_last_change_come_in_this_order(session: Any) -> None:
    elements = session.reactor.data_elements(session.reactor.properties())
    with pd.option_context("display.max_columns", None):
        shown = list(compact(elements).columns)
    order = ["name", "delegate_descriptor_id", "enabled", "dirty", "updated_at", "created_at", "id"]
    assert sorted(order, key=shown.index) == order
    assert set(shown) == {name for name in elements if elements[name].notna().any()}
    assert elements.columns[0] == "id"


def test_names_of_others_come_right_after_the_own_name(session: Any) -> None:
    site = session.reactor.find("properties", "Magazine")
    named = session.reactor.with_names(session.reactor.rule_components(site).head(3))
    assert list(compact(named).columns)[:3] == ["name", "rule_name", "extension_name"]
    assert "rule_id" not in compact(named)
    assert {"delegate_kind", "delegate_name"} <= set(compact(named).columns)
    assert "delegate_descriptor_id" not in compact(named)
    assert "rule_id" in compact(session.reactor.rule_components(site))


def test_columns_that_the_user_selected_or_sorted_stay(session: Any) -> None:
    frame = session.reactor.rules(session.reactor.properties())
    chosen = frame[["created_at", "name", "id"]]
    assert list(compact(chosen).columns) == ["created_at", "name", "id"]
    by_alphabet = frame[sorted(frame.columns)]
    assert compact(by_alphabet).columns[0] == "created_at"
    assert "updated_by_email" in compact(by_alphabet)


def test_column_that_the_user_added_is_shown(session: Any) -> None:
    frame = session.reactor.rules(session.reactor.properties())
    frame["owner of the rule"] = [f"team {number}" for number in range(len(frame))]
    assert "owner of the rule" in compact(frame)


def test_column_with_one_value_gives_way_to_others(session: Any) -> None:
    rules = session.reactor.rules(session.reactor.find("properties", "Web Store US"))
    rules["dirty"], rules["name"] = True, rules["name"] + " of this very long rule"
    rules["enabled"] = [number % 2 == 0 for number in range(len(rules))]
    with pd.option_context("display.max_colwidth", 60):
        wide = compact(rules.assign(published=True))
    assert {"enabled", "updated_at"} <= set(wide.columns)
    assert "published" not in wide


def test_nested_values_are_cut_shorter_than_texts_unless_nothing_is_to_be_cut(
    session: Any,
) -> None:
    elements = session.reactor.data_elements(session.reactor.properties()).head(5)
    values = {"settings": '{"code": "' + "x" * 90 + '"}', "name": "n" * 90}
    elements = elements.assign(**values).astype(dict.fromkeys(values, "string"))
    with pd.option_context("display.max_columns", None):
        shown = compact(elements)
        assert shown["settings"].str.len().max() == 30
        assert shown["name"].str.len().max() == 90
        with pd.option_context("display.max_colwidth", None):
            assert compact(elements)["settings"].equals(elements["settings"])


def test_search_over_several_types_shows_names_first(session: Any) -> None:
    found = session.reactor.search("Page Name")
    assert list(compact(found).columns)[:3] == ["name", "type", "updated_at"]


def test_headers_wrap_at_underscores_and_stay_the_same_when_copied(
    shell: InteractiveShell, session: Any
) -> None:
    html, _ = display_of(shell, session.reactor.properties().assign(**{"a_<b>": 1}))
    assert "updated_<wbr>at" in html
    assert "a_<wbr>&lt;b&gt;" in html


def test_answers_show_words_first_and_ids_last(shell: InteractiveShell, session: Any) -> None:
    tags = analysis.read(session.reactor.find("properties", "Magazine"))
    flow = tags.rule_flow()
    shown = headers(display_of(shell, flow)[0])
    assert {"rule_name", "component_name", "settings_summary"} <= set(shown)
    assert f"{len(flow.columns) - len(shown)} more columns: frame.columns" in str(
        display_of(shell, flow)
    )
    with pd.option_context("display.max_columns", None):
        everything = list(compact(flow).columns)
    first_id = next(number for number, name in enumerate(everything) if is_id(name))
    assert {"rule_id", "component_id"} <= set(everything[first_id:])
    chosen = flow[["rule_id", "step"]]
    assert list(compact(chosen).columns) == ["rule_id", "step"]
