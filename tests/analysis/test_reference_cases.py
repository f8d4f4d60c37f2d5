"""Names that a text asks the tags engine for, as the engine itself answers."""

import json
from pathlib import Path
from typing import Any

import pytest

from adobe_nb.analysis import Tags
from adobe_nb.analysis.uses.tokens import edge_tokens, percent_tokens
from tests.analysis.truth.loader import FOLDER, frames

CASES = json.loads((FOLDER / "percent_tokens.json").read_text(encoding="utf-8"))
SHARED = Path(__file__).parents[3] / "shared" / "analysis" / "reference-cases.json"


def names(case: dict[str, Any]) -> str:
    return ascii(case["text"])


@pytest.mark.parametrize("case", [*CASES["engine"], *CASES["further"]], ids=names)
def test_percent_tokens_are_paired_as_the_engine_pairs_them(case: dict[str, Any]) -> None:
    assert percent_tokens(case["text"]) == case["candidates"]


@pytest.mark.parametrize("case", CASES["engine"], ids=names)
def test_a_candidate_counts_if_an_element_or_the_event_defines_it(case: dict[str, Any]) -> None:
    prop = {
        "data_elements": CASES["data_elements"],
        "components": [["Send", "link", case["text"]]],
    }
    found = Tags(**frames(prop)).references()
    defined = found[(found["verdict"] == "certain") & (found["source_name"] == "Send")]
    tokens = defined[defined["kind"].isin(["token", "event-token"])]
    known = tokens[tokens["target_id"].notna() | (tokens["kind"] == "event-token")]
    assert sorted(set(known["name"])) == sorted(set(case["references"]))


@pytest.mark.parametrize("case", CASES["edge"], ids=names)
def test_edge_tokens_are_in_double_braces(case: dict[str, Any]) -> None:
    assert edge_tokens(case["text"]) == case["candidates"]


def test_our_cases_are_those_of_the_recording_of_the_engine() -> None:
    if not SHARED.exists():
        pytest.skip("the recording of Adobe's engine is outside this repository and absent here")
    recorded = json.loads(SHARED.read_text(encoding="utf-8"))
    ours = {case["text"]: case for case in CASES["engine"]}
    for case in recorded["cases"]:
        mine = ours[case["string"]]
        assert mine["candidates"] == case["candidates"]
        assert mine["references"] == case["references"]
        assert percent_tokens(case["string"]) == case["candidates"]
    assert len(ours) == len(recorded["cases"])
    assert CASES["data_elements"] == recorded["data_elements"]
