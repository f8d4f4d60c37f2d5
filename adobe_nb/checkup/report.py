"""The report for the maintainers: shapes and deviations in one JSON file, without any value."""

import json
import os
import platform
import re
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from adobe_nb.api.files import replacing, target_file
from adobe_nb.checkup import assumptions, tour
from adobe_nb.checkup.machine import version_of
from adobe_nb.checkup.reader import MOST_REQUESTS
from adobe_nb.checkup.results import Result, problem_of
from adobe_nb.checkup.shapes import Forms, Shape
from adobe_nb.checkup.tour import Tour
from adobe_nb.errors import AdobeError, ArgumentError
from adobe_nb.registry import RESOURCES
from adobe_nb.session import Session

_FORMAT = "adobe-nb doctor report"
_ABOUT = [
    "In which form the service answers, for the maintainers of adobe_nb. Read it before you send it.",
    "It has names and types of attributes, counts, HTTP statuses and names of headers. It has no "
    "value of your account: no name, id, address, host, setting or secret.",
    "deviations: what the service does otherwise than adobe_nb and its simulator assume.",
    "not_seen: what the account could not show. behavior: questions, with the assumed answer.",
    "resources: per type, each name with the forms of its values and how many resources have them.",
]
# An id, an address of mail or of the web. None of our own words has them.
_VALUE = re.compile(r"[A-Z]{2}[0-9a-f]{32}|@|://")


def announcement(target: Path) -> str:
    """Say before the first request what a report takes."""
    return (
        f"The report takes at most {MOST_REQUESTS} requests that read, and none that writes. "
        f"{target.name} will hold shapes, and no value of your account."
    )


def target_of(file: str | os.PathLike[str]) -> Path:
    """Return where to write a report. Raises ArgumentError for a file that is not a report."""
    target = target_file(file, ".json")
    document: Any = None
    if target.exists():
        with suppress(OSError, ValueError, RecursionError):
            document = json.loads(target.read_bytes())
        if not isinstance(document, dict) or document.get("format") != _FORMAT:
            raise ArgumentError(
                f"{target} exists and is not a report of the doctor. Choose another name."
            )
    return target


def not_written(reason: str) -> Result:
    """Return the result when there can be no report."""
    return Result("report", "problem", f"not written: {reason}", "Run it again after that works.")


def results(session: Session, target: Path) -> list[Result]:
    """Read what a report describes, write it, and return the result."""
    try:
        seen = tour.take(session.client)
    except AdobeError as error:
        return [problem_of("report", f"not written: {error}")]
    document = document_of(seen, session.service)
    text = json.dumps(document, indent=1) + "\n"
    if _VALUE.search(text):
        # A mistake of ours. The file would have a value of the account.
        return [not_written("it would have held a value of your account")]
    try:
        with replacing(target) as file:
            file.write_text(text, encoding="utf-8")
    except OSError as error:
        problem = f"{target} cannot be written ({error.strerror}). Choose another file."
        return [problem_of("report", problem)]
    return [_written(document, target)]


def _written(document: dict[str, Any], target: Path) -> Result:
    deviations = len(document["deviations"])
    sent = document["requests"]["sent"]
    if not deviations:
        detail = f"{target}: the service does what is assumed ({sent} requests)"
        return Result("report", "ok", detail)
    detail = f"{target}: {deviations} deviations ({sent} requests)"
    advice = "Read the file, then send it to the maintainers: it has no value of your account."
    return Result("report", "warning", detail, advice)


def document_of(seen: Tour, service: str) -> dict[str, Any]:
    """Return the report."""
    reader = seen.reader
    shapes = {}
    for resource_type, shape in seen.shapes.items():
        if shape.resources:
            shapes[resource_type] = _of_shape(shape)
    return {
        "format": _FORMAT,
        "about": _ABOUT,
        "adobe_nb": version_of("adobe_nb"),
        "python": platform.python_version(),
        "service": service,
        "requests": {"sent": reader.sent, "at most": MOST_REQUESTS},
        "deviations": list(map(asdict, assumptions.deviations(seen))),
        "not_seen": _not_seen(seen, shapes),
        "behavior": list(map(asdict, seen.probes)),
        "statuses": _sorted(reader.statuses),
        "content_types": _sorted(reader.media_types),
        "headers": sorted(reader.headers),
        "resources": shapes,
    }


def _not_seen(seen: Tour, shapes: Iterable[str]) -> list[str]:
    lines = []
    for resource_type in RESOURCES.keys() - set(shapes):
        statuses = seen.refused.get(resource_type, Counter())
        reason = ", ".join(f"HTTP {status}" for status in sorted(statuses)) or "no resource"
        lines.append(f"{resource_type}: {reason}")
    return sorted(lines)


def _of_shape(shape: Shape) -> dict[str, Any]:
    return {
        "resources": shape.resources,
        "members": _sorted(shape.members),
        "ids": _sorted(shape.ids),
        "attributes": _sorted_forms(shape.attributes),
        "relationships": _sorted_forms(shape.relationships),
        "relationship_links": _sorted_forms(shape.relationship_links),
        "links": _sorted_forms(shape.links),
        "meta": _sorted_forms(shape.meta),
        "json_texts": _sorted_forms(shape.texts),
        "states": _sorted(shape.states),
    }


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items()))


def _sorted_forms(forms: Forms) -> dict[str, dict[str, int]]:
    return {name: _sorted(counts) for name, counts in sorted(forms.items())}
