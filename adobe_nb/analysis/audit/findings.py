"""All findings about a property in one frame. ``Tags.audit`` documents it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import pandas as pd

from adobe_nb.analysis.answers import SOURCE, Columns, answer, source_of
from adobe_nb.analysis.audit.fingerprints import Fingerprints
from adobe_nb.analysis.audit.notes import Note, Source, read_notes
from adobe_nb.analysis.audit.questions import QUESTIONS
from adobe_nb.analysis.audit.rules import SEVERITIES, Rule, Selection, all_rules
from adobe_nb.analysis.audit.scripts import read_scripts
from adobe_nb.analysis.masks import mask_of
from adobe_nb.analysis.model import Model, records
from adobe_nb.analysis.times import utc_time
from adobe_nb.analysis.words import enumerated
from adobe_nb.errors import ArgumentError

COLUMNS: Columns = {
    "rule": "string",
    "severity": "string",
    **SOURCE,
    "path": "string",
    "line": "Int64",
    "message": "string",
    "evidence": "string",
    "fingerprint": "string",
    "first_seen": "datetime64[us, UTC]",
    "note": "string",
    "suppressed": "boolean",
}
_KNOWN_COLUMNS = ("until", "property_id", *COLUMNS)
# Questions that read the scripts.
_ABOUT_CODE = {"code_risks", "dangling", "variables"}
Row = Mapping[str, Any]


def audit(
    model: Model,
    rules: Iterable[str] | str | None = None,
    suppress: Source | None = None,
    *,
    earlier: Source | None = None,
    all: bool = False,
) -> pd.DataFrame:
    """Return the findings of all questions; with ``all``, suppressed ones, too."""
    selection = Selection.of(rules)
    suppressions = _notes(suppress, "suppress", ("fingerprint", "note"))
    notes = _notes(earlier, "earlier", ("fingerprint", "first_seen", "note"))
    now = _time_of(model)
    search = _Search(model)
    rows = []
    unmatched = dict(suppressions)
    for row in search.findings(selection):
        suppression = suppressions.get(row["fingerprint"])
        unmatched.pop(row["fingerprint"], None)
        row.update(_history(suppression, notes.get(row["fingerprint"]), model.as_of and now))
        row["suppressed"] = suppression is not None and not suppression.is_expired(now)
        if all or not row["suppressed"]:
            rows.append(row)
    limits = [*search.limits, *_expired(suppressions, now)]
    if unmatched and selection.is_complete:
        sentence = f"Suppressions that match nothing: {enumerated(sorted(unmatched))}."
        if search.skipped:
            sentence += " Some of them may belong to rules that were not checked."
        limits.append(sentence)
    frame = answer(model, COLUMNS, sorted(rows, key=_position), limits=limits)
    counts = Counter(frame.loc[~frame["suppressed"], "severity"])
    frame.attrs["counts"] = {severity: counts[severity] for severity in SEVERITIES}
    about = search.limits_of(frame.loc[~frame["suppressed"], "rule"].unique())
    frame.attrs["limits_of_findings"] = [text for text in frame.attrs["limits"] if text in about]
    return frame


def _position(row: Row) -> tuple[Any, ...]:
    """Return the place of a finding in the answer: the most severe first."""
    names = list(all_rules())
    texts = [row[column] or "" for column in ("source_type", "source_name", "source_id", "path")]
    position = [SEVERITIES.index(row["severity"]), names.index(row["rule"])]
    return *position, *texts, row["line"] or 0, row["fingerprint"]


def _notes(source: Source | None, parameter: str, required: Sequence[str]) -> dict[str, Note]:
    if source is None:
        return {}
    return read_notes(source, parameter, required, _KNOWN_COLUMNS)


def _time_of(model: Model) -> pd.Timestamp:
    """Return when the frames were read: the findings of an old snapshot are those of its day."""
    try:
        return utc_time(model.as_of or datetime.now(UTC))
    except (TypeError, ValueError):
        raise ArgumentError(
            f"as_of={model.as_of!r} is not a time. Pass one to Tags, such as "
            "'2026-12-31T12:00:00Z'."
        ) from None


def _history(
    suppression: Note | None, note: Note | None, default: pd.Timestamp | str | None
) -> dict[str, Any]:
    """Return the note about a finding, and when it was first seen: by default when it was read."""
    text, times = None, []
    for earlier in filter(None, (suppression, note)):
        text = text or earlier.text
        if earlier.first_seen is not None:
            times.append(earlier.first_seen)
    return {"note": text, "first_seen": min(times, default=default or None)}


def _expired(suppressions: Mapping[str, Note], now: pd.Timestamp) -> Iterator[str]:
    expired = []
    for fingerprint, note in suppressions.items():
        if note.is_expired(now):
            expired.append(f"{fingerprint} ({note.until})")
    if expired:
        yield f"Suppressions that expired: {enumerated(expired)}."


class _Search:
    """Asks the questions, and turns their rows into findings."""

    def __init__(self, model: Model) -> None:
        self.skipped: dict[str, list[str]] = {}
        """The names of the rules that could not be checked, by reason."""
        self._model = model
        self._answers: dict[tuple[str, str], list[Row]] = {}
        self._question_limits: dict[tuple[str, str], list[str]] = {}
        self._limits: dict[str, list[str]] = {}
        """What the questions could not see, by the name of a rule that asks."""
        self._resources = {}
        for resource in [*model.resources, *model.secrets]:
            self._resources[resource.id] = resource

    @property
    def limits(self) -> list[str]:
        """What the questions could not see."""
        skipped = []
        for reason, names in self.skipped.items():
            skipped.append(f"Not checked: {', '.join(names)}. {reason}")
        return [*skipped, *chain.from_iterable(self._limits.values())]

    def limits_of(self, rules: Iterable[str]) -> set[str]:
        """Return what could not be seen by the questions of these rules."""
        return set(chain.from_iterable(self._limits[name] for name in rules))

    def findings(self, selection: Selection) -> Iterator[dict[str, Any]]:
        """Yield the findings that are selected."""
        fingerprints = Fingerprints()
        rules = selection.rules()
        if len({rule.question for rule in rules} & _ABOUT_CODE) > 1:
            read_scripts(self._model)
        for rule in rules:
            for row in filter(rule.is_finding, self._rows(rule)):
                finding = self._finding(rule, row, fingerprints)
                if selection.includes(rule.name, finding["severity"]):
                    yield finding

    def _rows(self, rule: Rule) -> Sequence[Row]:
        """Return the rows of an answer. Several rules share one."""
        key = (rule.question, repr(rule.options))
        if key not in self._answers:
            try:
                frame = QUESTIONS[rule.question](self._model, **rule.options)
            except ArgumentError as error:
                # The arguments are those of our table: what remains is a missing table or column.
                self.skipped.setdefault(str(error), []).append(rule.name)
                return []
            self._answers[key] = list(records(frame))
            self._question_limits[key] = frame.attrs["limits"]
        self._limits[rule.name] = self._question_limits[key]
        return self._answers[key]

    def _finding(self, rule: Rule, row: Row, fingerprints: Fingerprints) -> dict[str, Any]:
        source_id = str(row[rule.source])
        resource = self._resources.get(source_id)
        severity = rule.severity
        if resource is None:
            # A deleted head, or a rule whose components alone are known.
            source = {
                "property_id": row.get("property_id"),
                "source_type": row.get("type") or "rules",
                "source_id": source_id,
                "source_name": row.get("name") or row.get("rule_name"),
            }
        else:
            source = source_of(resource)
            source_id = resource.origin_id
            if not resource.enabled:
                severity = "low"
        path = row.get("path")
        # The same fingerprint when secrets are shown, and no hash of one.
        mask = mask_of(self._model)
        subject = [mask(str(row[column])) for column in rule.subject]
        return {
            "rule": rule.name,
            "severity": severity,
            **source,
            "path": path,
            "line": row.get("line"),
            "message": rule.message_of(row),
            "evidence": row.get("evidence"),
            "fingerprint": fingerprints.of(rule.name, source_id, path, subject),
        }
