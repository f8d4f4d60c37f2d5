"""How sessions and checks show themselves: HTML in a browser, text elsewhere, all escaped.

A fact about the session is one line of ``facts_of``: the panel, its HTML and its text show it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from html import escape
from itertools import repeat
from typing import TYPE_CHECKING, Any

from adobe_nb.api.reactor.rights import listed, listed_rights, short
from adobe_nb.errors import (
    AdobeError,
    RetiredCredentials,
    SignInError,
    TokenExpired,
    TransportError,
)
from adobe_nb.masking import printable

if TYPE_CHECKING:
    from adobe_nb.session import Check, Session

ORGANIZATION_CODES = ("400003", "403025", "invalid-org")
"""The codes with which the service refuses an organization."""
NOT_MATH = "tex2jax_ignore mathjax_ignore"
"""Classes that keep MathJax away: version 2 (nbconvert), versions 3 and 4 (JupyterLab)."""
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
        state["companies"] = list(map(short, check.companies))
        state["rights"] = list(map(short, check.rights))
        if check.property_rights is not None:
            state["property_rights"] = check.property_rights.lines()
    if session.writes == "preview":
        state["writes"] = "Preview: no writes are sent"
    return state


def facts_of(state: dict[str, Any]) -> list[tuple[str, str]]:
    """Return label and text of each fact that the panel and the card show."""
    company_rights = ""
    if state["companies"]:
        company_rights = listed_rights(state["rights"])
    facts = [
        ("Account", state["account"]),
        ("Organization ID", state["org_id"]),
        ("Company", listed(state["companies"])),
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
        return printable("\n  ".join([self.title, *aligned(self.rows)]))

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


def aligned(rows: Collection[tuple[Any, object]]) -> list[str]:
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
