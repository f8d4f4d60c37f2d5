"""How sessions, checks and frames show themselves: HTML where there is a browser, text elsewhere.
All escaped.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd

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
_FIRST = (
    "name",
    "display_name",
    "version",
    "enabled",
    "platform",
    "stage",
    "state",
    "delegate_descriptor_id",
)
_BY = tuple(
    f"{verb}_by_{what}" for verb in ("updated", "created") for what in ("display_name", "email")
)
_LAST = (
    *_BY,
    "dirty",
    "published",
    "published_at",
    "revision_number",
    "review_status",
    "origin_id",
)
_PROSE = {"advice", "cause", "fix", "content", "title"}
NOT_MATH = "tex2jax_ignore mathjax_ignore"
"""Classes that keep MathJax off an element: of its version 2 (nbconvert), of versions 3 and 4
(JupyterLab).
"""
_TABLE_STYLE = (
    ".adobe-nb-frame{overflow-x:auto}"
    ".adobe-nb-frame :is(td,th){white-space:nowrap;text-align:left!important;max-width:24em;overflow:hidden;"
    "text-overflow:ellipsis}"
    ".adobe-nb-prose :is(td,th){white-space:normal;overflow-wrap:anywhere;vertical-align:top;min-width:5em}"
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an action came to, in a sentence."""

    kind: str = ""
    """``ok``, ``warning`` or ``error``; nothing where there is nothing to say."""
    text: str = ""
    topic: str = ""
    """The part of the panel's help that goes with it."""
    field: str = ""
    """The field of the panel that it is about."""


def outcome_of(check: "Check") -> Outcome:
    """What Adobe's own test of the credentials found."""
    topic = {403: "access", 401: "token", 404: "organisation"}.get(check.status or 0, "")
    kind = "ok" if check.ok else "error"
    if check.ok and topic:
        kind = "warning"
    return Outcome(kind, check.message, topic)


def topic_of(error: AdobeError) -> str:
    """The part of the help that goes with an error."""
    if isinstance(error, RetiredCredentials):
        return "retired"
    if isinstance(error, TokenExpired):
        return "token"
    if isinstance(error, TransportError):
        return "network"
    if isinstance(error, SignInError):
        return {"invalid_scope": "scopes", "invalid_client": "values"}.get(
            error.code or "", "network"
        )
    return "values"


def _facts(session: "Session") -> list[tuple[str, str]]:
    """Label and value, the same for HTML and text. Never a secret."""
    check = session.checked
    refused = check is not None and not check.ok
    rows = [
        ("Status", "signed in, but requests are refused" if refused else "signed in"),
        ("Organization ID", session.org_id),
        ("Service", service_name(session)),
        ("Credentials", f"from {session.source}"),
        ("Client ID", session.credentials.masked_client_id),
        ("Scopes", ", ".join(session.scopes)),
        (
            "Token",
            session.time_left_text + (", renewed by itself" if session.renewable else ", pasted"),
        ),
    ]
    if session.account:
        rows.insert(1, ("Account", session.account))
    if check is not None and check.companies:
        rows.insert(3, ("Company", ", ".join(check.companies)))
    if check is not None and check.rights:
        rows.insert(-1, ("Rights", ", ".join(right.replace("_", " ") for right in check.rights)))
    rows += [("Not used", text) for text in notes(session)]
    return rows


def service_name(session: "Session") -> str:
    """``Adobe``, or ``Simulator (no Adobe account involved)``."""
    return (
        "Simulator (no Adobe account involved)"
        if session.service == "simulator"
        else session.service
    )


def notes(session: "Session") -> list[str]:
    """A clock that is off, and what lost against the source that won."""
    clock = [session.clock_note] if session.clock_note else []
    shadowed = [f"{source} (complete, but later in the order)" for source in session.shadowed]
    return [*clock, *shadowed, *session.incomplete]


@dataclass(frozen=True, slots=True)
class Card:
    """A titled list of facts, as text and as HTML."""

    title: str
    rows: tuple[tuple[str, str], ...]

    def __repr__(self) -> str:
        width = max((len(label) for label, _ in self.rows), default=0)
        return printable(
            "\n".join((self.title, *(f"  {label:<{width}}  {value}" for label, value in self.rows)))
        )

    def _repr_html_(self) -> str:
        cells = "".join(
            f'<tr><th style="text-align:left;padding:2px 12px 2px 0;font-weight:normal;opacity:.7">{escape(label)}</th>'
            f'<td style="text-align:left;padding:2px 0">{escape(value)}</td></tr>'
            for label, value in self.rows
        )
        return f'<div class="{NOT_MATH}"><b>{escape(self.title)}</b><table style="margin:4px 0">{cells}</table></div>'


def card(session: "Session | None") -> Card:
    """The session as a card; without one, how to get one where there is no panel."""
    if session is not None and not session.signed_out:
        return Card("Adobe tags", tuple(_facts(session)))
    status = "not signed in" if session is None else "signed out"
    ways = "%adobe_auth login asks for credentials; %adobe_auth --or-simulator needs none"
    return Card("Adobe tags", (("Status", status), ("Next", ways)))


def is_ours(frame: pd.DataFrame) -> bool:
    """Whether a frame came from this package (and still says so)."""
    plain = frame.columns.is_unique and not isinstance(frame.columns, pd.MultiIndex)
    return plain and "service" in frame.attrs and "path" in frame.attrs


def compact(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame as it is shown: ids shortened, times in UTC to the second, empty columns left out.

    Of a long frame only the two ends, which is what is shown of it anyway.
    """
    kept = frame.loc[:, ~frame.isna().all()] if len(frame) else frame
    ends = _ends(kept)[_as_people_read(frame, list(kept.columns))]
    shown = pd.DataFrame(index=ends.index)
    for name in ends.columns:
        column = ends[name]
        if isinstance(column.dtype, pd.DatetimeTZDtype):
            shown[name] = column.dt.strftime("%Y-%m-%d %H:%M:%S").astype("string").fillna("")
        elif isinstance(column.dtype, pd.StringDtype):
            shown[name] = column.map(_short, na_action="ignore").astype("string").fillna("")
        else:
            shown[name] = column
    return shown


def _as_people_read(frame: pd.DataFrame, names: list[Hashable]) -> list[Hashable]:
    """Names first, bookkeeping last; only for a whole table, not where somebody chose the columns."""
    types = [part for part in str(frame.attrs["path"]).split("/") if part in RESOURCES]
    row = RESOURCES[types[-1]] if types else None
    if row is None or not {attribute.name for attribute in row.columns} <= set(frame.columns):
        return names
    lead = len(
        [name for name in list(frame.columns)[:2] if name == "id" or str(name).endswith("_id")]
    )
    first = [name for name in (*list(frame.columns)[:lead], *_FIRST) if name in names]
    last = [name for name in _LAST if name in names]
    return [*first, *(name for name in names if name not in first and name not in last), *last]


def _ends(frame: pd.DataFrame) -> pd.DataFrame:
    half = max(_MOST_ROWS, int(pd.get_option("display.max_rows") or 0)) // 2 + 1
    return frame if len(frame) <= 2 * half else pd.concat([frame.head(half), frame.tail(half)])


def frame_html(frame: pd.DataFrame) -> str | None:
    """HTML for our frames; anything else keeps pandas' own."""
    if not is_ours(frame):
        plain: Any = frame
        own = plain._repr_html_()
        if not isinstance(own, str):
            return None
        # A table that was merged or grouped out of ours is pandas' own, and shows the same names.
        typeset = pd.get_option("display.html.use_mathjax")
        return own if typeset else f'<div class="{NOT_MATH}">{own}</div>'
    prose = has_prose(frame)
    with pd.option_context(
        "display.max_colwidth", None if prose else pd.get_option("display.max_colwidth")
    ):
        table = compact(frame).to_html(
            max_rows=_MOST_ROWS,
            max_cols=_MOST_COLUMNS,
            border=0,
            classes="dataframe",
            notebook=True,
            na_rep="",
        )
    table = _with_tooltips(table, frame)
    caption = f"<small>{escape(_caption(frame))}</small>"
    kind = "adobe-nb-frame adobe-nb-prose" if prose else "adobe-nb-frame"
    return f'<div class="{NOT_MATH}"><style>{_TABLE_STYLE}</style><div class="{kind}">{table}</div>{caption}</div>'


def has_prose(frame: pd.DataFrame) -> bool:
    """Whether it has sentences to be read whole, as answers and codes of the Edge Network do."""
    edge = str(frame.attrs["path"]).startswith("/ee/") or frame.attrs["service"] == "Edge Network"
    return edge and bool(_PROSE & set(frame.columns))


def _with_tooltips(table: str, frame: pd.DataFrame) -> str:
    """The whole id over each shortened one."""
    ends = _ends(frame)
    texts = [ends[name] for name in ends.columns if isinstance(ends[name].dtype, pd.StringDtype)]
    ids = {value for column in texts for value in column.dropna() if ID_PATTERN.fullmatch(value)}
    for value in ids:
        table = table.replace(
            f"<td>{_short(value)}</td>", f'<td title="{value}">{_short(value)}</td>'
        )
    return table


def frame_text(frame: pd.DataFrame, printer: Any, cycle: bool) -> None:  # noqa: FBT001
    """Text for our frames; IPython's plain-text formatter hands over its printer."""
    if cycle or not is_ours(frame):
        printer.text(printable(repr(frame)))
        return
    if has_prose(frame) and 0 < len(frame) <= 3:
        lines = "\n\n".join(_as_lines(row) for _, row in frame.iterrows())
        printer.text(printable(f"{lines}\n{_caption(frame)}"))
        return
    with pd.option_context("display.show_dimensions", False):
        printer.text(printable(f"{_escaped(compact(frame))!r}\n{_caption(frame)}"))


def _escaped(shown: pd.DataFrame) -> pd.DataFrame:
    """Its texts printable, before their widths are measured."""
    texts = [name for name in shown.columns if isinstance(shown[name].dtype, pd.StringDtype)]
    return shown.assign(
        **{str(name): shown[name].map(printable, na_action="ignore") for name in texts}
    )


def _as_lines(row: "pd.Series[Any]") -> str:
    """A row for a terminal: a line per value, sentences whole."""
    shown = row.dropna()
    width = max(len(str(name)) for name in shown.index)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in shown.items())


def _caption(frame: pd.DataFrame) -> str:
    rows, columns = frame.shape
    empty = int(frame.isna().all().sum()) if rows else 0
    hidden = f" ({empty} empty {'one' if empty == 1 else 'ones'} not shown)" if empty else ""
    times = (
        " · times in UTC"
        if any(isinstance(dtype, pd.DatetimeTZDtype) for dtype in frame.dtypes)
        else ""
    )
    size = f"{rows} {'row' if rows == 1 else 'rows'} × {columns} {'column' if columns == 1 else 'columns'}"
    outcomes = frame.attrs.get("outcomes")
    if isinstance(outcomes, dict) and sum(outcomes.values()) == rows:
        size = f"{size}: {', '.join(f'{count} {outcome}' for outcome, count in outcomes.items())}"
    preview = " · preview session, writes are not sent" if frame.attrs.get("preview") else ""
    return f"{size}{hidden} · {frame.attrs['service']} {frame.attrs['path']}{times}{preview}"


def _short(value: str) -> str:
    return f"{value[:6]}…{value[-4:]}" if ID_PATTERN.fullmatch(value) else value
