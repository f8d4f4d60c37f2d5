"""Pictures show the counts of the answers, and can be drawn on the user's own axes."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pandas as pd
import pytest
from matplotlib import pyplot
from matplotlib.axes import Axes

from adobe_nb import ArgumentError, analysis
from tests.support.tag_frames import (
    CODE_ACTION,
    components,
    elements,
    extensions,
    no_tags,
    rules,
)


@pytest.fixture(autouse=True)
def _closed_figures() -> Iterator[None]:
    yield
    pyplot.close("all")


def tags(element: str = "Page Name") -> analysis.Tags:
    """Return two rules on click, the second one disabled, and a data element that is read twice."""
    action = {"language": "html", "source": f"%{element}% and %{element}%"}
    return analysis.Tags(
        rules=rules(("RL1", "One"), ("RL2", "Two"), enabled=[True, False]),
        rule_components=components(
            ("RC1", "RL1", "core::events::click", {}),
            ("RC2", "RL1", "core::events::click", {}),
            ("RC3", "RL2", "core::events::click", {}),
            ("RC4", "RL1", CODE_ACTION, action),
            updated_at="2026-01-15T00:00:00Z",
        ),
        data_elements=elements(
            ("DE1", element, "core::dataElements::cookie", {}), updated_at="2024-06-01T00:00:00Z"
        ),
        extensions=extensions(("EX1", "core", None, None)),
        as_of="2026-02-01T00:00:00Z",
    )


def bars(axes: Axes) -> dict[str, dict[str, int]]:
    """Return the lengths of the bars, by name and part."""
    names = [label.get_text() for label in axes.get_yticklabels()]
    lengths: dict[str, dict[str, int]] = {name: {} for name in names}
    for part in axes.containers:
        for name, bar in zip(names, part, strict=True):
            lengths[name][str(part.get_label())] = int(bar.get_width())
    return lengths


def test_triggers_count_rules_and_not_their_events() -> None:
    assert bars(tags().plot.triggers()) == {"core: click": {"enabled": 1, "disabled": 1}}


def test_most_used_counts_places_by_what_holds_them() -> None:
    assert bars(tags().plot.most_used()) == {"Page Name": {"rules": 2}}


def test_code_counts_characters_by_extension() -> None:
    length = len("%Page Name% and %Page Name%")
    assert bars(tags().plot.code()) == {"core": {"rules": length}}


def test_ages_count_up_to_the_time_of_reading() -> None:
    ages = bars(tags().plot.ages())
    assert ages["under a month"]["rule components"] == 4
    assert ages["1 to 2 years"]["data elements"] == 1
    later = bars(tags().plot.ages(now="2026-04-01"))
    assert later["1 to 3 months"]["rule components"] == 4


def test_pictures_are_drawn_on_the_axes_that_are_passed() -> None:
    _, axes = pyplot.subplots()
    assert tags().plot.triggers(axes) is axes


def test_long_names_are_cut_and_dollar_signs_are_not_formulas() -> None:
    axes = tags("$price$ " * 20).plot.most_used()
    label = axes.get_yticklabels()[0]
    assert len(label.get_text()) < 50
    axes.figure.canvas.draw()
    assert not label.get_parse_math()


@pytest.mark.parametrize("name", ["triggers", "most_used", "code", "ages"])
def test_pictures_of_nothing_say_so(name: str) -> None:
    axes = getattr(no_tags().plot, name)()
    texts = [text.get_text() for text in axes.texts]
    assert texts == ([] if name == "ages" else ["Nothing to draw"])


def test_missing_tables_are_named() -> None:
    with pytest.raises(ArgumentError, match=r"rule_components=frame"):
        analysis.Tags(rules=tags().frames["rules"]).plot.triggers()


def test_timeline_of_no_libraries_says_so() -> None:
    none = {"libraries": pd.DataFrame({"id": []}), "builds": pd.DataFrame({"id": []})}
    none["builds"] = none["builds"].assign(library_id=[], status=[])
    axes = analysis.Tags(**none).plot.timeline()
    assert [text.get_text() for text in axes.texts] == ["Nothing to draw"]


def test_timeline_draws_published_waiting_and_failed_libraries() -> None:
    libraries = pd.DataFrame(
        {
            "id": ["LB1", "LB2"],
            "name": ["May", "June"],
            "state": ["published", "development"],
            "created_at": ["2026-05-01T00:00:00Z", "2026-06-01T00:00:00Z"],
            "published_at": ["2026-05-04T00:00:00Z", None],
        }
    )
    builds = pd.DataFrame({"id": ["BL1"], "library_id": ["LB2"], "status": ["failed"]})
    axes = analysis.Tags(libraries=libraries, builds=builds).plot.timeline()
    drawn = {str(line.get_label()): list(line.get_ydata()) for line in axes.get_lines()}
    assert drawn == {"published": [0], "not published": [1], "failed builds": [1]}
    assert [label.get_text() for label in axes.get_yticklabels()] == ["May", "June"]


CELLS = """
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from tests.analysis.test_pictures import tags

shell = InteractiveShell.instance(user_ns={"plot": tags().plot})
for cell in ("plot.most_used();", "plot.triggers();", "plot.code();"):
    with capture_output() as captured:
        shell.run_cell(cell).raise_error()
    print(len(captured.outputs))
"""


def test_each_picture_is_shown_below_its_own_cell() -> None:
    backend = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    command = [sys.executable, "-c", CELLS]
    run = subprocess.run(
        command, env=os.environ | backend, capture_output=True, text=True, timeout=60, check=True
    )
    assert run.stdout.split() == ["1", "1", "1"]
