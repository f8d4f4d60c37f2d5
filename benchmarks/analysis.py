"""Ask questions of a large property: 2,000 components, 600 data elements and 5 MB of code.

Compares the seconds with those of ten properties of a tenth of that size, and the verdicts with those
of the usual method: a search of the raw settings for ``%name%`` and ``getVar("name")``. The truth
is known, because the property is generated: each data element is used in one way, which says
whether it is used. Seconds are processor seconds. Each size runs in a process of its own.

    python benchmarks/analysis.py
"""

import json
import random
import re
import tempfile
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import pandas as pd
from measuring import MIB, forget_peak, fresh, peak, reached, resident, show, worked

COMPONENTS = 2_000
ELEMENTS = 600
CODE = 5_000_000
_SITE = "PR1"
_FUNCTION = """function step%(n)d(a, b) {
  var c = document.querySelector('.x' + a), d = {e: 1, f: "text with 'quotes'", g: [1, 2, 3]};
  // a note about step %(n)d, which may be tracked
  if (c && c.value > 3) { s.eVar%(n)d = c.value; s.events = 'event%(n)d'; return d[b] || null; }
  for (var i = 0; i < 10; i++) { d.e += i * a %% 7; }
  return /re[g]ex/.test(b) ? d : undefined;
}
"""
# How a data element is used: the setting or code that does it, and whether it is used by that.
_CODE = {
    "getVar": ("x = _satellite.getVar('%s');", True),
    "getVar with the event": ("x = _satellite.getVar('%s', event);", True),
    "getVar through window": ('x = window._satellite.getVar("%s");', True),
    "getVar in a template": ("x = _satellite.getVar(`%s`);", True),
    "getVar of one of two": ("x = _satellite.getVar(a ? '%s' : '');", True),
    "a comment": ("// x = _satellite.getVar('%s');", False),
}
_TEXTS = {
    "a token": ("value", "%%%s%%", True),
    "a token in a text": ("value", "before %%%s%% after", True),
    "a masked token": ("value", "100%% of %%%s%%", False),
    "a key": ("key", "%%%s%%", False),
}
_WAYS = (*_CODE, *_TEXTS, "an extension", "a plain name", "a disabled rule", "nothing")


def is_used(way: str) -> bool:
    """Return whether a data element is used in this way."""
    if way in _CODE:
        return _CODE[way][1]
    if way in _TEXTS:
        return _TEXTS[way][2]
    return way in ("an extension", "a plain name")


def generated(share: float, seed: int = 7) -> tuple[dict[str, pd.DataFrame], dict[str, str]]:
    """Return the frames of a property, and the way in which each data element is used."""
    rng = random.Random(seed)
    ways = {f"page.{number}.name": way for number, way in _numbered(int(ELEMENTS * share))}
    texts, scripts, plain, disabled, configured = _sorted_by_place(ways)
    count = int(COMPONENTS * share) // 4
    size = int(CODE * share) // count
    components = []
    for rule in range(count):
        is_last = rule == count - 1
        settings: list[tuple[str, dict[str, Any]]] = [
            ("core::events::click", {"elementSelector": f".a{rule}", "bubbleStop": False}),
            ("adobe-analytics::actions::set-variables", _variables(texts[rule::count])),
            ("core::events::data-element-change", {"name": plain[rule % len(plain)]}),
            ("core::actions::custom-code", _script(scripts[rule::count], size, rng)),
        ]
        if is_last:
            settings[1] = ("core::actions::call", {"values": [f"%{name}%" for name in disabled]})
            settings[3] = ("core::actions::call", {})
        for delegate, values in settings:
            components.append((f"RL{rule}", delegate, values))
        if is_last:
            break
    rules = [_head("RL", number, f"Rule {number}") for number in range(count)]
    rules[-1]["enabled"] = False
    # What the disabled rule would have held stands in the first one.
    components.append(
        ("RL0", "adobe-analytics::actions::set-variables", _variables(texts[count - 1 :: count]))
    )
    components.append(
        ("RL0", "core::actions::custom-code", _script(scripts[count - 1 :: count], size, rng))
    )
    return {
        "rules": pd.DataFrame(rules),
        "rule_components": pd.DataFrame(map(_component, range(len(components)), components)),
        "data_elements": pd.DataFrame(map(_element, range(len(ways)), ways)),
        "extensions": pd.DataFrame(_extensions(configured)),
    }, ways


def _numbered(count: int) -> Iterator[tuple[int, str]]:
    yield from zip(range(count), cycle(_WAYS), strict=False)


def _sorted_by_place(ways: dict[str, str]) -> tuple[list[Any], ...]:
    """Return what stands in settings, in code, in plain names, in the disabled rule, and outside."""
    texts, scripts, plain, disabled, configured = [], [], [], [], []
    for name, way in ways.items():
        if way in _TEXTS:
            place, pattern, _ = _TEXTS[way]
            texts.append((place, pattern % name))
        elif way in _CODE:
            scripts.append(_CODE[way][0] % name)
        elif way == "a plain name":
            plain.append(name)
        elif way == "a disabled rule":
            disabled.append(name)
        elif way == "an extension":
            configured.append(f"%{name}%")
    return texts, scripts, plain, disabled, configured


def _head(prefix: str, number: int, name: str) -> dict[str, Any]:
    return {"id": f"{prefix}{number}", "name": name, "enabled": True, "property_id": _SITE}


def _element(number: int, name: str) -> dict[str, Any]:
    return {
        **_head("DE", number, name),
        "delegate_descriptor_id": "core::dataElements::javascript-variable",
        "settings": json.dumps({"path": f"digitalData.{name}"}),
    }


def _component(number: int, spec: tuple[str, str, dict[str, Any]]) -> dict[str, Any]:
    rule_id, delegate, settings = spec
    return {
        "id": f"RC{number}",
        "rule_id": rule_id,
        "name": f"Component {number}",
        "delegate_descriptor_id": delegate,
        "settings": json.dumps(settings),
        "property_id": _SITE,
    }


def _variables(texts: list[tuple[str, str]]) -> dict[str, Any]:
    variables: list[dict[str, str]] = []
    for place, text in texts:
        if place == "key":
            variables.append({"name": "eVar1", "type": "value", text: "constant"})
        else:
            variables.append({"name": "eVar1", "type": "value", "value": text})
    return {"trackerProperties": {"eVars": variables}}


def _script(lines: list[str], size: int, rng: random.Random) -> dict[str, str]:
    parts = list(lines)
    length = sum(map(len, parts))
    while length < size:
        part = _FUNCTION % {"n": rng.randrange(1, 250)}
        parts.append(part)
        length += len(part)
    rng.shuffle(parts)
    return {"language": "javascript", "source": "\n".join(parts)}


def _extensions(configured: list[str]) -> list[dict[str, Any]]:
    settings = {"trackerProperties": {"hierarchies": [{"sections": configured}]}}
    core = {**_head("EX", 0, "core"), "delegate_descriptor_id": None, "settings": None}
    analytics = {
        **_head("EX", 1, "adobe-analytics"),
        "delegate_descriptor_id": "adobe-analytics::extensionConfiguration::config",
        "settings": json.dumps(settings),
    }
    return [core, analytics]


def searched(frames: dict[str, pd.DataFrame]) -> set[str]:
    """Return the names that the usual method calls used: a search of the raw settings."""
    found: set[str] = set()
    for table in ("rule_components", "data_elements"):
        for settings in frames[table]["settings"]:
            found.update(re.findall(r"%(?=([^%]+)%)", settings))
            found.update(re.findall(r"""getVar\(\\?["']([^"'\\]+)\\?["']\)""", settings))
    return found


def measured(share: float) -> dict[str, float]:
    """Return the figures of a property of this share of the full size."""
    from adobe_nb.analysis import Tags

    frames, ways = generated(share)
    truth = {name: is_used(way) for name, way in ways.items()}
    # Once before, so that imports and the grammar do not count.
    Tags(**generated(0.05)[0]).references()
    before = resident()
    forget_peak()
    tags = Tags(**frames)
    questions: dict[str, Callable[[], object]] = {
        "references": tags.references,
        "unused": tags.unused,
        "dangling": tags.dangling,
        "impact": lambda: tags.impact("page.0.name"),
        "duplicates": tags.duplicates,
        "custom_code": tags.custom_code,
        "search_code": lambda: tags.search_code("querySelector"),
        "inventory": tags.inventory,
        "delegates": tags.delegates,
    }
    figures = {name: worked(question) for name, question in questions.items()}
    figures["memory"] = peak() - before
    with tempfile.TemporaryDirectory() as folder:
        # Nothing is parsed yet for the first of the two.
        reported = Tags(**frames)
        figures["to_excel"] = worked(lambda: reported.to_excel(Path(folder) / "site.xlsx"))
        figures["to_html"] = worked(lambda: reported.to_html(Path(folder) / "site.html"))
    # All questions that an audit asks, with nothing parsed before.
    figures["audit"] = worked(Tags(**frames).audit)
    figures["search"] = worked(lambda: searched(frames))
    answers = tags.unused(all=True).set_index("name")["verdict"] == "used"
    usual = searched(frames)
    figures["right"] = sum(bool(answers[name]) == used for name, used in truth.items())
    figures["right by search"] = sum((name in usual) == used for name, used in truth.items())
    figures["elements"] = len(truth)
    figures["code"] = frames["rule_components"]["settings"].str.len().sum() / MIB
    return figures


def seconds_of_tenths() -> float:
    """Return the seconds of references for ten properties of a tenth, one after the other.

    That is as much work as for the whole. One alone takes less than 0.1 s, where a single
    collection of garbage or a switch of the processor counts for a third.
    """
    from adobe_nb.analysis import Tags

    Tags(**generated(0.05)[0]).references()
    tenths = [Tags(**generated(0.1, seed)[0]) for seed in range(10)]
    return sum(worked(tags.references) for tags in tenths)


def main() -> None:
    whole = fresh(measured, 1)
    tenths = fresh(seconds_of_tenths)
    elements = int(whole["elements"])
    print(
        f"{COMPONENTS:,} components, {elements} data elements, {whole['code']:.1f} MiB of settings"
    )
    ratio = whole["references"] / tenths
    rows = [
        (
            "references",
            f"{whole['references']:.2f} s",
            "",
            "",
            reached(whole["references"], most=2),
        ),
        (
            "ten properties of a tenth",
            f"{tenths:.2f} s",
            "",
            f"{ratio:.2f}",
            reached(ratio, most=1.1),
        ),
        (
            "memory above the frames",
            f"{whole['memory']:.0f} MiB",
            "",
            "",
            reached(whole["memory"], most=400),
        ),
        (
            "verdicts used or not",
            f"{whole['right']:.0f} right, {elements - whole['right']:.0f} wrong",
            f"search: {whole['right by search']:.0f} right, {elements - whole['right by search']:.0f} wrong",
            "",
            reached(whole["right"], least=elements),
        ),
        (
            "",
            f"{whole['references'] + whole['unused']:.2f} s",
            f"search: {whole['search']:.2f} s",
            "",
            "",
        ),
    ]
    for name, start, most in ("to_excel", "from the frames", 10), ("to_html", "once parsed", 5):
        seconds = whole[name]
        rows.append((f"{name}, {start}", f"{seconds:.2f} s", "", "", reached(seconds, most=most)))
    names = (
        "unused",
        "dangling",
        "impact",
        "duplicates",
        "custom_code",
        "search_code",
        "inventory",
        "delegates",
    )
    for name in names:
        rows.append(
            (f"{name}, once parsed", f"{whole[name]:.2f} s", "", "", reached(whole[name], most=1))
        )
    rows.append(("audit", f"{whole['audit']:.2f} s", "", "", reached(whole["audit"], most=5)))
    show(rows, "what", "ours", "against", "ratio", "target")


if __name__ == "__main__":
    main()
