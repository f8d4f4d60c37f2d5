"""How sessions, checks and frames show themselves: HTML in a browser, text elsewhere, all escaped.

A fact about the session is one line of ``facts_of``: the panel, its HTML and its text show it.
"""

import re
from collections.abc import Collection, Hashable
from dataclasses import dataclass
from html import escape
from itertools import repeat
from typing import TYPE_CHECKING, Any

import pandas as pd
from pandas.api.types import is_extension_array_dtype

from adobe_nb.errors import (
    AdobeError,
    RetiredCredentials,
    SignInError,
    TokenExpired,
    TransportError,
)
from adobe_nb.masking import printable
from adobe_nb.registry import ID_PATTERN, RESOURCES

if TYPE_CHECKING:
    from adobe_nb.session import Check, Session

_MOST_ROWS = 30
_MOST_COLUMNS = 20
_MOST_PROSE_ROWS = 3
"""Rows with sentences that are shown value by value in a terminal."""
_FIRST_COLUMNS = (
    "name",
    "display_name",
    "version",
    "enabled",
    "platform",
    "stage",
    "state",
    "delegate_descriptor_id",
)
_LAST_COLUMNS = (
    "updated_by_display_name",
    "updated_by_email",
    "created_by_display_name",
    "created_by_email",
    "dirty",
    "published",
    "published_at",
    "revision_number",
    "review_status",
    "origin_id",
)
_PROSE_COLUMNS = {"advice", "cause", "fix", "content", "title"}
_ANSWERS = ("tags.", "analysis.", "doctor()")
"""How the path of an answer begins, which is the call that gave it."""
_MOST_LIMITS = 3
ORGANIZATION_CODES = ("400003", "403025", "invalid-org")
"""The codes with which the service refuses an organization."""
_PREVIEW_NOTE = "Preview session: no writes are sent to Adobe."
NOT_MATH = "tex2jax_ignore mathjax_ignore"
"""Classes that keep MathJax away: version 2 (nbconvert), versions 3 and 4 (JupyterLab)."""
_TABLE_STYLE = (
    ".adobe-nb-frame{overflow-x:auto}"
    ".adobe-nb-frame :is(td,th){white-space:nowrap;text-align:left!important;max-width:24em;"
    "overflow:hidden;text-overflow:ellipsis}"
    ".adobe-nb-prose :is(td,th){white-space:normal;overflow-wrap:anywhere;vertical-align:top;"
    "min-width:5em}"
    ".adobe-nb-answer :is(td,th){white-space:normal;overflow-wrap:break-word;vertical-align:top}"
)
_HEADER_STYLE = "text-align:left;padding:2px 12px 2px 0;font-weight:normal;opacity:.7"
_CELL_STYLE = "text-align:left;padding:2px 0"
_OUTCOME_LABELS = {"warning": "Note", "error": "Problem"}
_WAYS_TO_SIGN_IN = (
    ("Prompt", "%adobe_auth login asks for the values, and hides the secret"),
    (
        "File",
        "put ADOBE_CLIENT_ID, ADOBE_CLIENT_SECRET and ADOBE_ORG_ID into .env, then %adobe_auth",
    ),
    (
        "Secrets",
        'adobe_nb.connect(secrets="colab") on Colab, secrets="databricks:SCOPE" on Databricks',
    ),
    ("Simulator", "%adobe_auth --or-simulator requires no account"),
)
"""What works where no widget is shown."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of an action, in a sentence."""

    kind: str = ""
    """``ok``, ``warning`` or ``error``; empty if there is nothing to say."""
    text: str = ""
    field: str = ""
    """The field of the panel that it is about."""
    topic: str = ""
    """The topic of the panel's help that explains it."""


def outcome_of(check: "Check") -> Outcome:
    """Return the outcome of Adobe's own test of the credentials."""
    topic = {403: "access", 401: "token", 404: "organization"}.get(check.status or 0, "")
    if check.code in ORGANIZATION_CODES:
        topic = "organization"
    kind = "ok"
    if not check.ok:
        kind = "error"
    elif topic:
        kind = "warning"
    return Outcome(kind, check.message, topic=topic)


def outcome_of_error(error: AdobeError) -> Outcome:
    """Return an error with its notes as an outcome."""
    lines = [str(error), *getattr(error, "__notes__", ())]
    return Outcome("error", "\n".join(lines), topic=topic_of(error))


def topic_of(error: AdobeError) -> str:
    """Return the topic of the panel's help that explains an error."""
    topics = {RetiredCredentials: "retired", TokenExpired: "token", TransportError: "network"}
    for error_class, topic in topics.items():
        if isinstance(error, error_class):
            return topic
    if isinstance(error, SignInError):
        codes = {"invalid_scope": "scopes", "invalid_client": "values"}
        return codes.get(error.code or "", "network")
    return "values"


def state_of(session: "Session") -> dict[str, Any]:
    """Return what the panel knows of a session, as JSON values. Never a secret."""
    service_name = session.service
    if service_name == "simulator":
        service_name = "Simulator (no Adobe account involved)"
    notes = [f"{source} (complete, but later in the order)" for source in session.shadowed]
    notes += session.incomplete
    # A wrong clock explains more than a source that lost.
    if session.clock_note:
        notes.insert(0, session.clock_note)
    state = {
        "connected": True,
        "refused": False,
        "service": session.service,
        "service_name": service_name,
        "account": session.account or "",
        "org_id": session.org_id,
        "companies": [],
        "rights": [],
        "property_rights": [],
        "scopes": list(session.scopes),
        "source": session.source,
        "client_id": session.credentials.masked_client_id,
        "renewable": session.renewable,
        "notes": notes,
    }
    if check := session.checked:
        state["refused"] = not check.ok
        state["companies"] = list(check.companies)
        state["rights"] = list(check.rights)
        if check.property_rights is not None:
            state["property_rights"] = check.property_rights.lines()
    if session.writes == "preview":
        state["writes"] = "Preview: no writes are sent"
    return state


def facts_of(state: dict[str, Any]) -> list[tuple[str, str]]:
    """Return label and text of each fact that the panel and the card show."""
    company_rights = ", ".join(state["rights"])
    if state["companies"] and not company_rights:
        company_rights = "none"
    facts = [
        ("Account", state["account"]),
        ("Organization ID", state["org_id"]),
        ("Company", ", ".join(state["companies"])),
        ("Service", state["service_name"]),
        ("Writes", state.get("writes", "")),
        ("Credentials", f"from {state['source']}"),
        ("Client ID", state["client_id"]),
        ("Scopes", ", ".join(state["scopes"])),
        ("Company rights", company_rights),
        ("Property rights", "; ".join(state["property_rights"])),
        *zip(repeat("Not used"), state["notes"], strict=False),
    ]
    return [(label, text) for label, text in facts if text]


@dataclass(frozen=True, slots=True)
class Card:
    """A titled list of facts, as text and as HTML."""

    title: str
    rows: tuple[tuple[str, str], ...]

    def __repr__(self) -> str:
        return printable("\n  ".join([self.title, *_aligned(self.rows)]))

    def _repr_html_(self) -> str:
        cells = ""
        for label, value in self.rows:
            cells += (
                f'<tr><th style="{_HEADER_STYLE}">{escape(label)}</th>'
                f'<td style="{_CELL_STYLE}">{escape(value)}</td></tr>'
            )
        return (
            f'<div class="{NOT_MATH}"><b>{escape(self.title)}</b>'
            f'<table style="margin:4px 0">{cells}</table></div>'
        )


def _aligned(rows: Collection[tuple[Any, object]]) -> list[str]:
    """Return one line for each label and value, the values below each other."""
    width = max(map(len, map(str, dict(rows))), default=0)
    return [f"{label!s:<{width}}  {value}" for label, value in rows]


def card(session: "Session | None", outcome: Outcome | None = None) -> Card:
    """Return the session as a card, with the outcome of the last action.

    Without a session it has the ways to sign in that work without the panel.
    """
    rows = _rows_of(session)
    if outcome is not None and outcome.text:
        label = _OUTCOME_LABELS.get(outcome.kind, "Result")
        rows.insert(1, (label, outcome.text.replace("\n", " ")))
    return Card("Adobe tags", tuple(rows))


def _rows_of(session: "Session | None") -> list[tuple[str, str]]:
    if session is None:
        return [("Status", "not signed in"), *_WAYS_TO_SIGN_IN]
    if session.signed_out:
        return [("Status", "signed out"), *_WAYS_TO_SIGN_IN]
    state = state_of(session)
    status = "signed in"
    if state["refused"]:
        status = "signed in, but requests are refused"
    renewal = "pasted"
    if session.renewable:
        renewal = "renews automatically"
    facts = facts_of(state)
    token = ("Token", f"{session.time_left_text}, {renewal}")
    facts.insert(len(facts) - len(state["notes"]), token)
    return [("Status", status), *facts]


def is_ours(frame: pd.DataFrame) -> bool:
    """Return whether a frame came from this package and still says so."""
    if isinstance(frame.columns, pd.MultiIndex) or not frame.columns.is_unique:
        return False
    return {"service", "path"} <= frame.attrs.keys()


def compact(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame as it is shown: short ids, timestamps to the second, no empty columns.

    Of a long frame it has only both ends, which is what is shown anyway.
    """
    kept = frame
    if len(frame):
        kept = frame.dropna(axis="columns", how="all")
    ends = _ends(kept)[_display_order(frame, list(kept.columns))]
    shown = pd.DataFrame(index=ends.index)
    for name in ends.columns:
        column = ends[name]
        if isinstance(column.dtype, pd.DatetimeTZDtype):
            column = column.dt.strftime("%Y-%m-%d %H:%M:%S").astype("string").fillna("")
        elif isinstance(column.dtype, pd.StringDtype):
            column = column.map(_short, na_action="ignore").astype("string").fillna("")
        elif column.hasnans and is_extension_array_dtype(column.dtype):
            column = column.astype("string").fillna("")
        shown[name] = column
    return shown


def _display_order(frame: pd.DataFrame, names: list[Hashable]) -> list[Hashable]:
    """Return the columns of a whole table: names first, bookkeeping last."""
    # If columns are missing, the user chose them, and their order too.
    if is_answer(frame):
        return _answer_order(frame, names)
    if not _is_whole_table(frame):
        return names
    # The ids of the resource and its parent come first.
    ids = filter(re.compile("(.*_)?id").fullmatch, map(str, frame.columns[:2]))
    others = [name for name in names if name not in _LAST_COLUMNS]
    # A name keeps its first position.
    order = dict.fromkeys([*ids, *_FIRST_COLUMNS, *others, *_LAST_COLUMNS])
    return [name for name in order if name in names]


def is_answer(frame: pd.DataFrame) -> bool:
    """Return whether a frame is the answer to a question about tags."""
    return str(frame.attrs["path"]).startswith(_ANSWERS)


def _answer_order(frame: pd.DataFrame, names: list[Hashable]) -> list[Hashable]:
    """Return the columns of a whole answer: ids last."""
    if len(frame.columns) != frame.attrs.get("columns"):
        return names
    ids = [name for name in names if re.fullmatch("(.*_)?id(_[ab])?", str(name))]
    return [name for name in names if name not in ids] + ids


def _is_whole_table(frame: pd.DataFrame) -> bool:
    """Return whether a frame has all columns of the resource type that is last in its path."""
    for part in reversed(str(frame.attrs["path"]).split("/")):
        if part in RESOURCES:
            return {column.name for column in RESOURCES[part].columns} <= set(frame.columns)
    return False


def _ends(frame: pd.DataFrame) -> pd.DataFrame:
    # One row more than pandas shows at each end, so that it marks the gap.
    half = max(_MOST_ROWS, int(pd.get_option("display.max_rows") or 0)) // 2 + 1
    if len(frame) <= 2 * half:
        return frame
    return pd.concat([frame.head(half), frame.tail(half)])


def frame_html(frame: pd.DataFrame) -> str | None:
    """Return HTML for our frames; any other keeps that of pandas."""
    if not is_ours(frame):
        return _html_of_pandas(frame)
    classes = "adobe-nb-frame"
    width = pd.get_option("display.max_colwidth")
    # A sentence that is cut off helps no one.
    if has_prose(frame):
        classes = "adobe-nb-frame adobe-nb-prose"
        width = None
    elif is_answer(frame):
        classes = "adobe-nb-frame adobe-nb-answer"
        width = None
    with pd.option_context("display.max_colwidth", width):
        table = compact(frame).to_html(
            max_rows=_MOST_ROWS,
            max_cols=_MOST_COLUMNS,
            border=0,
            classes="dataframe",
            notebook=True,
            na_rep="",
        )
    table = _with_tooltips(table, frame)
    return (
        f'<div class="{NOT_MATH}"><style>{_TABLE_STYLE}</style>'
        f'<div class="{classes}">{table}</div>'
        f"<small>{escape(_caption(frame))}{_limits_html(frame)}</small>"
        f"{_preview_html(frame)}</div>"
    )


def _limits_html(frame: pd.DataFrame) -> str:
    return "".join(f"<br>{escape(limit)}" for limit in _limits(frame))


def _limits(frame: pd.DataFrame) -> list[str]:
    """Return the sentences about what an answer could not see."""
    limits = frame.attrs.get("limits")
    if not isinstance(limits, list):
        return []
    shown = limits[:_MOST_LIMITS]
    if len(limits) > _MOST_LIMITS:
        shown.append(f'{len(limits) - _MOST_LIMITS} more are in attrs["limits"].')
    return shown


def _html_of_pandas(frame: Any) -> str | None:
    table = frame._repr_html_()
    if not isinstance(table, str):
        return None
    table += _preview_html(frame)
    # A table that was merged or grouped out of ours is pandas' own, and shows the same names.
    if pd.get_option("display.html.use_mathjax"):
        return table
    return f'<div class="{NOT_MATH}">{table}</div>'


def _preview_html(frame: pd.DataFrame) -> str:
    if frame.attrs.get("preview"):
        return f"<br><small>{_PREVIEW_NOTE}</small>"
    return ""


def has_prose(frame: pd.DataFrame) -> bool:
    """Return whether a frame has sentences to be read whole, as those of the Edge Network do."""
    path, service = str(frame.attrs["path"]), frame.attrs["service"]
    of_edge = path.startswith("/ee/") or service == "Edge Network"
    return of_edge and not _PROSE_COLUMNS.isdisjoint(frame.columns)


def _with_tooltips(table: str, frame: pd.DataFrame) -> str:
    """Show the whole id over each shortened one."""
    ends = _ends(frame)
    values: set[str] = set()
    for name in _text_columns(ends):
        values.update(ends[name].dropna())
    for value in filter(ID_PATTERN.fullmatch, values):
        short = _short(value)
        table = table.replace(f"<td>{short}</td>", f'<td title="{value}">{short}</td>')
    return table


def frame_text(frame: pd.DataFrame, printer: Any, cycle: bool) -> None:  # noqa: FBT001
    """Print text for our frames; IPython's formatter hands over its printer."""
    if cycle or not is_ours(frame):
        text = repr(frame)
    else:
        text = "\n".join([_table_text(frame), _caption(frame), *_limits(frame)])
    if frame.attrs.get("preview"):
        text = f"{text}\n{_PREVIEW_NOTE}"
    printer.text(printable(text))


def _table_text(frame: pd.DataFrame) -> str:
    if has_prose(frame) and 0 < len(frame) <= _MOST_PROSE_ROWS:
        rows = []
        for _, row in frame.iterrows():
            # One line for each value, sentences whole.
            rows.append("\n".join(_aligned(list(row.dropna().items()))))
        return "\n\n".join(rows)
    with pd.option_context("display.show_dimensions", False):
        return repr(_printable(compact(frame)))


def _printable(frame: pd.DataFrame) -> pd.DataFrame:
    """Escape the texts of a frame before their widths are measured."""
    shown = frame.copy()
    for name in _text_columns(shown):
        shown[name] = shown[name].map(printable, na_action="ignore")
    return shown


def _text_columns(frame: pd.DataFrame) -> list[Hashable]:
    return [name for name in frame.columns if isinstance(frame[name].dtype, pd.StringDtype)]


def _caption(frame: pd.DataFrame) -> str:
    rows, columns = frame.shape
    size = f"{_count(rows, 'row')} × {_count(columns, 'column')}"
    outcomes = frame.attrs.get("outcomes")
    # Of a part of the rows, the counts would be wrong.
    if isinstance(outcomes, dict) and sum(outcomes.values()) == rows:
        size += ": " + ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
    empty = int(frame.isna().all().sum())
    if rows and empty:
        size += f" ({_count(empty, 'empty column')} not shown)"
    parts = [size, f"{frame.attrs['service']} {frame.attrs['path']}"]
    if len(frame.select_dtypes("datetimetz").columns):
        parts.append("times in UTC")
    return " · ".join(parts)


def _count(number: int, noun: str) -> str:
    if number != 1:
        noun = f"{noun}s"
    return f"{number} {noun}"


def _short(value: str) -> str:
    if ID_PATTERN.fullmatch(value):
        return f"{value[:6]}…{value[-4:]}"
    return value
