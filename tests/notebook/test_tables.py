"""Which columns of a table are shown, in which order, and how the others are announced."""

import json
import re
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from html import escape
from typing import Any

import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell

import adobe_nb
from adobe_nb import analysis, edge
from adobe_nb.notebook.tables import html_view
from adobe_nb.registry import RESOURCES
from tests.conftest import sign_in

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


def hidden_columns(text: str) -> int:
    """How many columns the line below a table says are hidden."""
    return sum(map(int, re.findall(r"(\d+) (?:empty )?columns? hidden", text)))


def hidden_rows(text: str) -> int:
    return sum(map(int, re.findall(r"(\d+) rows? hidden", text)))


def is_id(name: str) -> bool:
    return name == "id" or (name.endswith("_id") and name != "delegate_descriptor_id")


@pytest.mark.parametrize("resource_type", TABLES)
def test_whole_table_begins_with_names_ends_with_ids_and_counts_hidden_columns(
    shell: InteractiveShell, session: Any, resource_type: str
) -> None:
    frame = tables(session, resource_type)
    with pd.option_context("display.max_columns", 0):
        html, text = display_of(shell, frame)
    shown = headers(html)
    first_id = shown.index("id")
    assert first_id > 0
    assert all(map(is_id, shown[first_id:]))
    assert not any(map(is_id, shown[:first_id]))
    assert not shown[0].endswith("_at")
    caption = re.search(r"× (\d+) columns( \(.*?\))?", html)
    assert caption
    assert int(caption[1]) == len(frame.columns) == len(shown) + hidden_columns(html)
    # A terminal has 80 characters. Below the table is the caption.
    *lines, _ = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines[0].split()) == len(frame.columns) - hidden_columns(text)


def test_name_kind_state_and_last_change_come_in_this_order(session: Any) -> None:
    elements = session.reactor.data_elements(session.reactor.properties())
    with pd.option_context("display.max_columns", None):
        shown = list(html_view(elements).frame.columns)
    order = ["name", "delegate_descriptor_id", "enabled", "dirty", "updated_at", "created_at", "id"]
    assert sorted(order, key=shown.index) == order
    assert set(shown) == {name for name in elements if elements[name].notna().any()}
    assert elements.columns[0] == "id"


def test_names_of_others_come_right_after_the_own_name(session: Any) -> None:
    site = session.reactor.find("properties", "Magazine")
    named = session.reactor.with_names(session.reactor.rule_components(site).head(3))
    assert list(html_view(named).frame.columns)[:3] == ["name", "rule_name", "extension_name"]
    assert "rule_id" not in html_view(named).frame
    assert {"delegate_kind", "delegate_name"} <= set(html_view(named).frame.columns)
    assert "delegate_descriptor_id" not in html_view(named).frame
    assert "rule_id" in html_view(session.reactor.rule_components(site)).frame


def test_columns_that_the_user_selected_or_sorted_stay(session: Any) -> None:
    frame = session.reactor.rules(session.reactor.properties())
    chosen = frame[["created_at", "name", "id"]]
    assert list(html_view(chosen).frame.columns) == ["created_at", "name", "id"]
    by_alphabet = frame[sorted(frame.columns)]
    assert html_view(by_alphabet).frame.columns[0] == "created_at"
    assert "updated_by_email" in html_view(by_alphabet).frame


def test_columns_that_the_user_selected_are_shown_with_what_they_hold(
    shell: InteractiveShell, session: Any
) -> None:
    parts = session.reactor.rule_components(session.reactor.find("properties", "Magazine"))
    parts.loc[0, "settings"] = json.dumps({"selector": "a " * 50, "bubble": True})
    parts["review_status"] = pd.array([None] * len(parts), dtype="string")
    html, _ = display_of(shell, parts[["name", "review_status", "settings"]].head(1))
    assert headers(html) == ["name", "review_status", "settings"]
    assert hidden_columns(html) == 0
    assert 'bubble": true}' in html.replace("<wbr>", "")
    assert "bubble" not in display_of(shell, parts)[0]


def test_column_that_the_user_added_is_shown(session: Any) -> None:
    frame = session.reactor.rules(session.reactor.properties())
    frame["owner of the rule"] = [f"team {number}" for number in range(len(frame))]
    assert "owner of the rule" in html_view(frame).frame


def test_column_with_one_value_gives_way_to_others(session: Any) -> None:
    rules = session.reactor.rules(session.reactor.find("properties", "Web Store US"))
    rules["dirty"], rules["name"] = True, rules["name"] + " of this very long rule"
    rules["enabled"] = [number % 2 == 0 for number in range(len(rules))]
    with pd.option_context("display.max_colwidth", 60):
        wide = html_view(rules.assign(published=True)).frame
    assert {"enabled", "updated_at"} <= set(wide.columns)
    assert "published" not in wide


def test_nested_values_are_cut_shorter_than_texts_unless_nothing_is_to_be_cut(
    session: Any,
) -> None:
    elements = session.reactor.data_elements(session.reactor.properties()).head(5)
    values = {"settings": '{"code": "' + "x" * 90 + '"}', "name": "n" * 90}
    elements = elements.assign(**values).astype(dict.fromkeys(values, "string"))
    with pd.option_context("display.max_columns", None):
        shown = html_view(elements).frame
        assert shown["settings"].str.len().max() == 30
        assert shown["name"].str.len().max() == 90
        with pd.option_context("display.max_colwidth", None):
            assert html_view(elements).frame["settings"].equals(elements["settings"])


def test_search_over_several_types_shows_names_first(session: Any) -> None:
    found = session.reactor.search("Page Name")
    assert list(html_view(found).frame.columns)[:3] == ["name", "type", "updated_at"]


def test_headers_wrap_at_underscores_and_stay_the_same_when_copied(
    shell: InteractiveShell, session: Any
) -> None:
    html, _ = display_of(shell, session.reactor.properties().assign(**{"a_<b>": 1}))
    assert "updated_<wbr>at" in html
    assert "a_<wbr>&lt;b&gt;" in html
    # The class that keeps MathJax away, whole.
    assert "tex2jax_ignore" in html.partition("<table")[2].partition(">")[0]


def test_answers_show_words_first_and_ids_last(shell: InteractiveShell, session: Any) -> None:
    tags = analysis.read(session.reactor.find("properties", "Magazine"))
    flow = tags.rule_flow()
    shown = headers(display_of(shell, flow)[0])
    assert {"rule_name", "component_name", "settings_summary"} <= set(shown)
    hidden = len(flow.columns) - len(shown)
    assert f"{hidden} columns hidden; .columns lists them" in display_of(shell, flow)[0]
    with pd.option_context("display.max_columns", None):
        everything = list(html_view(flow).frame.columns)
    first_id = next(number for number, name in enumerate(everything) if is_id(name))
    assert {"rule_id", "component_id"} <= set(everything[first_id:])
    chosen = flow[["rule_id", "step"]]
    assert list(html_view(chosen).frame.columns) == ["rule_id", "step"]


@pytest.fixture(scope="module")
def tags_of() -> Callable[..., analysis.Tags]:
    """Properties by name, each set read once."""

    @cache
    def read(session: Any, *names: str) -> analysis.Tags:
        return analysis.read(names, audit_events=True, session=session)

    return read


@pytest.mark.parametrize(
    ("question", "columns"),
    [
        (lambda tags: tags.who_changed(), "when who action name columns_changed"),
        (lambda tags: tags.audit(), "rule severity source_name rule_name message"),
        (lambda tags: tags.dangling(), "source_name name reason did_you_mean"),
        (lambda tags: tags.unpublished(), "name state columns_changed libraries"),
        (lambda tags: tags.publish_history(), "name published_at lead_time_h failed_builds"),
        (lambda tags: tags.impact("Product Price"), "source_name rule_name evidence in_production"),
        (lambda tags: tags.references(), "source_name rule_name name verdict evidence"),
        (lambda tags: tags.variables("eVar5"), "variable source_name rule_name value verdict"),
        (lambda tags: tags.consent(), "rule_name sends_to has_consent without_consent"),
        (lambda tags: tags.search_code("Storage"), "source_name line match evidence"),
        (lambda tags: analysis.diff(tags, tags), "type name_a name_b change path before after"),
    ],
)
@pytest.mark.parametrize("names", [["Web Store US"], ["Web Store US", "Web Store DE"]])
def test_answers_show_the_columns_that_answer(
    session: Any,
    tags_of: Callable[..., analysis.Tags],
    question: Callable[[analysis.Tags], pd.DataFrame],
    columns: str,
    names: list[str],
) -> None:
    frame = question(tags_of(session, *names))
    expected = set(columns.split())
    if len(names) > 1:
        expected.add("property_name")
    # Columns without a value are hidden.
    expected &= set(frame.columns[frame.notna().any() | frame.empty])
    assert expected <= set(html_view(frame).frame.columns)


def test_long_words_of_an_answer_can_wrap_and_stay_the_same(
    shell: InteractiveShell, session: Any
) -> None:
    tags = analysis.read("Web Store DE", session=session)
    html, _ = display_of(shell, tags.variables("eVar5")[["variable", "path"]])
    assert "trackerProperties.<wbr>eVars[0].<wbr>value" in html
    unused = tags.unused().head(1).assign(reason="a=b.c && d.e <f>,g")
    html, _ = display_of(shell, unused)
    assert "a=<wbr>b.<wbr>c &amp;&amp; d.<wbr>e &lt;f&gt;,<wbr>g" in html


@pytest.fixture(scope="module")
def unused() -> pd.DataFrame:
    return analysis.read("Web Store US", session=adobe_nb.connect(simulator=True)).unused()


def test_terminal_leaves_out_no_column_of_an_answer(
    shell: InteractiveShell, unused: pd.DataFrame
) -> None:
    with pd.option_context("display.max_columns", 0, "display.width", 80):
        _, text = display_of(shell, unused)
    assert set(unused.columns) <= set(text.split())
    assert hidden_columns(text) == 0


@pytest.mark.parametrize("most", [0, 1, 5, 20])
def test_columns_beyond_the_option_are_counted(
    shell: InteractiveShell, session: Any, unused: pd.DataFrame, most: int
) -> None:
    rules = session.reactor.rules(session.reactor.properties())
    wide = rules[["name"]].assign(**{f"c{number}": 1 for number in range(40)})
    for frame in (rules, unused, wide):
        with pd.option_context("display.max_columns", most, "display.width", 80):
            html, text = display_of(shell, frame.head(2))
            shown = [name for name in frame.columns if re.search(rf"\b{name}\b", text)]
        assert "..." not in headers(html)
        assert 0 < len(headers(html)) <= (most or 100)
        assert len(frame.columns) == len(headers(html)) + hidden_columns(html)
        assert len(frame.columns) == len(shown) + hidden_columns(text)


@pytest.mark.parametrize("most", [None, 0, 1, 7, 60, 2000])
def test_rows_beyond_the_option_are_counted_and_their_gap_is_marked(
    shell: InteractiveShell, session: Any, most: int | None
) -> None:
    rules = session.reactor.rules(session.reactor.properties())
    frame = pd.concat([rules] * 3)[["name", "id"]]
    with pd.option_context("display.max_rows", most):
        html, text = display_of(shell, frame)
        hidden = hidden_rows(html)
    assert (hidden == 0) == (most in (None, 2000))
    assert hidden_rows(text) == hidden
    # A head, a caption, and a row for the gap.
    assert len(text.splitlines()) == len(frame) - hidden + 2 + (hidden > 0)
    assert html.count("<tr") == len(frame) - hidden + 1 + (hidden > 0)
    assert ("<th>...</th>" in html) == (hidden > 0)


@pytest.mark.parametrize(
    "value",
    [["a", "b"], {"a": 1}, {1}, b"\xff", 1j, 10**30, float("inf"), Fraction(10**400, 3), "\ud800"],
)
def test_values_of_any_type_are_shown_beside_ours(
    shell: InteractiveShell, session: Any, value: Any
) -> None:
    rules = session.reactor.rules(session.reactor.properties())
    for missing in (0, 1):
        values = [None] * missing + [value] * (len(rules) - missing)
        frame = rules.assign(added=pd.Series(values, dtype=object))
        for shown in (frame, frame[["name", "added"]]):
            html, text = display_of(shell, shown)
            assert "rows × " in html
            assert "rows × " in text


@pytest.mark.parametrize("column", ["id", "property_id", "name"])
def test_column_without_values_is_hidden_whatever_it_is(
    shell: InteractiveShell, session: Any, column: str
) -> None:
    rules = session.reactor.rules(session.reactor.properties()).assign(**{column: pd.NA})
    html, text = display_of(shell, rules)
    assert column not in headers(html)
    assert hidden_columns(text) + len(text.splitlines()[0].split()) == len(rules.columns)


@pytest.mark.parametrize("limits", [("one", 2, None, "four"), ["one", 2, None, "four"]])
def test_limits_of_any_type_are_shown(shell: InteractiveShell, session: Any, limits: Any) -> None:
    frame = session.reactor.properties()
    frame.attrs["limits"] = limits
    html, text = display_of(shell, frame)
    more = 'attrs["limits"] has 1 more.'
    assert text.endswith(f"\none\n2\nNone\n{more}")
    assert f"<br>one<br>2<br>None<br>{escape(more)}" in html
    assert len(frame.attrs["limits"]) == 4


def test_frame_that_cannot_be_shown_like_ours_is_shown_by_pandas(
    shell: InteractiveShell, session: Any
) -> None:
    rules = session.reactor.rules(session.reactor.properties())
    odd = rules.copy()
    odd.attrs["outcomes"] = {"done": "some"}
    for frame in (odd, rules.assign(**{"x": 1}).rename(columns={"x": pd.NA})):
        html, text = display_of(shell, frame)
        assert frame._repr_html_() in html
        assert text == repr(frame)


def test_caption_names_the_time_zones_that_are_shown(shell: InteractiveShell, session: Any) -> None:
    rules = session.reactor.rules(session.reactor.properties())
    rules = rules[["name", "created_at", "updated_at"]].head(1)
    utc = f"{rules['updated_at'][0]:%Y-%m-%d %H:%M:%S}"
    rules["updated_at"] = rules["updated_at"].dt.tz_convert("Asia/Tokyo")
    tokyo = f"{rules['updated_at'][0]:%Y-%m-%d %H:%M:%S}"
    for text in display_of(shell, rules):
        assert text.count("times in UTC · updated_at in Asia/Tokyo") == 1
        assert tokyo in text
        assert utc not in text
    for text in display_of(shell, rules[["name", "updated_at"]]):
        assert "times in Asia/Tokyo" in text
    assert not any("times" in text for text in display_of(shell, rules[["name"]]))


def test_answer_whose_columns_the_user_changed_is_shown_in_that_order(
    shell: InteractiveShell, unused: pd.DataFrame
) -> None:
    json.dumps(unused.attrs)
    first = ["name", "id", "type"]
    reordered = unused[first + [name for name in unused.columns if name not in first]]
    replaced = unused.drop(columns="type").assign(owner="me")
    for frame in (reordered, replaced):
        assert headers(display_of(shell, frame)[0]) == list(frame.columns)
    with pd.option_context("display.max_columns", None):
        assert headers(display_of(shell, unused)[0])[-1] == "id"


def test_ids_that_look_alike_have_tooltips_of_their_own(
    shell: InteractiveShell, session: Any
) -> None:
    properties = session.reactor.properties().head(2)
    ids = [f"PRaaaa{digit * 24}aaaa" for digit in "bc"]
    html, _ = display_of(shell, properties.assign(id=pd.array(ids, dtype="string")))
    assert re.findall('<td title="(PRaaaa.*?)">PRaaaa…aaaa</td>', html) == ids


def test_codes_beside_sentences_do_not_wrap(shell: InteractiveShell) -> None:
    html, _ = display_of(shell, edge.errors())
    assert '<td class="adobe-nb-word">EXEG-0500-401</td>' in html


@pytest.mark.parametrize("columns", [["method", "url", "body"], ["body"]])
def test_dry_run_shows_the_change(
    shell: InteractiveShell, session: Any, columns: list[str]
) -> None:
    rule = session.reactor.rules(session.reactor.properties()).head(1)
    frame = session.reactor.rules.update(rule, enabled=False, dry_run=True)
    for text in display_of(shell, frame[columns]):
        assert '"attributes": {"enabled": false}}}' in text.replace("<wbr>", "")
        assert "simulator dry run" in text


def test_dry_run_of_a_thousand_events_is_cut(shell: InteractiveShell, session: Any) -> None:
    session.reactor.properties()
    events = pd.DataFrame(
        {"xdm.eventType": ["purchase"] * 1000, "identityMap.Email": "a@b.example"}
    )
    frame = session.edge.collect("a" * 8 + "-0000-4000-8000-" + "0" * 12, events, dry_run=True)
    assert frame["body"].str.len().max() > 10_000
    for text in display_of(shell, frame.head(1)):
        assert "a@b.example" in text.replace("<wbr>", "")
        assert len(text) < 6000


def test_dry_run_masks_secrets(shell: InteractiveShell, session: Any) -> None:
    site = session.reactor.properties().head(1)
    frame = session.reactor.secrets.create(
        site,
        name="Partner",
        type_of="token",
        environment="EN" + "0" * 32,
        credentials={"token": "hush-hush"},
        dry_run=True,
    )
    for text in display_of(shell, frame):
        assert "Partner" in text
        assert "hush" not in text


def test_journal_begins_with_what_happened_to_what(shell: InteractiveShell, simulate: Any) -> None:
    reactor = sign_in(simulate()).reactor
    reactor.rules.create(reactor.properties().head(1), name="Journal")
    html, _ = display_of(shell, adobe_nb.journal())
    assert headers(html)[:6] == ["time", "call", "id", "outcome", "code", "before"]


def test_journal_is_shown_like_other_tables(shell: InteractiveShell, simulate: Any) -> None:
    reactor = sign_in(simulate()).reactor
    reactor.rules.create(reactor.properties().head(1), name="Journal")
    frame = adobe_nb.journal()
    for text in display_of(shell, frame):
        assert "rows × 14 columns" in text or "row × 14 columns" in text
        assert "adobe_nb journal() · times in UTC" in text
