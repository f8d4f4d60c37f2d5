"""The sign-in panel: shows the session, and hands what is typed to ``session``. No network here.

A secret travels from the browser as a custom message and is never a trait, so that no saved notebook can hold it.
Handlers may run in a sub-shell thread while a cell is busy; one lock keeps them apart.
"""

import os
import threading
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any

import anywidget
import traitlets

from adobe_nb import practice
from adobe_nb import session as sessions
from adobe_nb.auth.credentials import Secret
from adobe_nb.errors import AdobeError
from adobe_nb.notebook.display import card, notes, service_name

_HERE = files("adobe_nb.notebook")


class SignInPanel(anywidget.AnyWidget):  # type: ignore[misc]
    """One model per kernel; shown twice, it is the same panel."""

    _esm = (_HERE / "panel.js").read_text(encoding="utf-8")
    _css = (_HERE / "panel.css").read_text(encoding="utf-8")

    state = traitlets.Dict().tag(sync=True)
    """What is shown: never a secret."""
    busy = traitlets.Unicode("").tag(sync=True)
    """What is going on, or nothing."""
    message = traitlets.Dict().tag(sync=True)
    """The outcome of the last action: kind (ok, error), text, and the field it is about."""
    issued_at = traitlets.Float(allow_none=True, default_value=None).tag(sync=True)
    expires_at = traitlets.Float(allow_none=True, default_value=None).tag(sync=True)
    """Milliseconds since the epoch: the front end runs the time down by itself."""

    def __init__(self) -> None:
        super().__init__()
        self._working = threading.Lock()
        self._refused = False
        self.on_msg(self._received)
        sessions.on_change(self.refresh)
        self.refresh()

    def __repr__(self) -> str:
        return repr(card(sessions.current_or_none()))

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The widget, and for front ends without widgets the same facts as HTML and text."""
        bundle = super()._repr_mimebundle_(**kwargs)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        shown = card(sessions.current_or_none())
        return {**(data or {}), "text/plain": repr(shown), "text/html": shown._repr_html_()}, metadata

    def refresh(self) -> None:
        """Show the current session."""
        session = sessions.current_or_none()
        token = session.token if session else None
        with self.hold_sync():
            self.state = {
                **_state(session),
                "public": _on_public_machine(),
                "refused": self._refused and session is not None,
            }
            self.issued_at = token.issued_at.timestamp() * 1000 if token else None
            self.expires_at = token.expires_at.timestamp() * 1000 if token and token.expires_at else None

    def say(self, kind: str, text: str, field: str = "") -> None:
        """Show the outcome of an action."""
        self.message = {"kind": kind, "text": text, "field": field}

    def _received(self, _: object, content: object, __: object) -> None:
        if not isinstance(content, dict) or not self._working.acquire(blocking=False):
            return
        try:
            self._act(content)
        finally:
            self.busy = ""
            self._working.release()

    def _act(self, content: dict[str, Any]) -> None:
        action = content.get("action")
        if action not in _ACTIONS:
            return
        label, work = _ACTIONS[action]
        typed = _hide(content)
        self.message = {}
        self.busy = label
        try:
            kind, text = work(typed)
        except AdobeError as error:
            self.say("error", str(error), _field_of(typed, str(error)))
        except Exception as error:  # noqa: BLE001 - an error in a callback must be seen, not end in a log
            self.say("error", f"This should not happen ({type(error).__name__}). Please report it.")
        else:
            self.say("error" if kind == "refused" else kind, text)
            self._refused = kind == "refused"
        self.refresh()


Typed = Mapping[str, "str | Secret"]


def _hide(content: dict[str, Any]) -> Typed:
    """The typed values, the secret ones hidden and taken out of the message."""
    secrets = {name: Secret(str(content.pop(name))) for name in ("access_token", "client_secret") if content.get(name)}
    return {**{name: str(value) for name, value in content.items()}, **secrets}


def _connect(_: Typed) -> tuple[str, str]:
    return _tested(sessions.connect())


def _simulate(_: Typed) -> tuple[str, str]:
    return _tested(sessions.connect(simulator=True))


def _sign_in(typed: Typed) -> tuple[str, str]:
    names = ("client_id", "client_secret", "org_id", "access_token")
    values = {name: typed[name] for name in names if name in typed}
    before = sessions.current_or_none()
    session = sessions.connect_by_hand(values, simulator=typed.get("service") == "simulator", make_default=False)
    kind, text = _tested(session)
    if kind != "ok" and before is not None and not before.signed_out:
        return "error", f"{text} You are still signed in as before."
    sessions.make_current(session)
    return kind, text


def _test(_: Typed) -> tuple[str, str]:
    return _tested(sessions.current())


def _sign_out(_: Typed) -> tuple[str, str]:
    sessions.current().sign_out()
    return "ok", "Signed out. The token is forgotten."


def _tested(session: sessions.Session) -> tuple[str, str]:
    check = session.test()
    return ("ok" if check.ok else "refused" if check.status == 403 else "error"), check.message


_ACTIONS: dict[object, tuple[str, Callable[[Typed], tuple[str, str]]]] = {
    "connect": ("Connecting …", _connect),
    "simulate": ("Starting the simulator …", _simulate),
    "sign_in": ("Signing in …", _sign_in),
    "test": ("Testing …", _test),
    "sign_out": ("Signing out …", _sign_out),
}


def _field_of(typed: Typed, text: str) -> str:
    """The field that an error is about, so that it shows beside it."""
    if typed.get("action") != "sign_in":
        return ""
    lowered = text.lower()
    if "organisation id" in lowered or "adobe_org_id" in lowered:
        return "org_id"
    if "access_token" not in typed and ("client id" in lowered or "adobe_client_id" in lowered):
        return "client_id"
    return "secret" if any(word in lowered for word in ("secret", "token", "pasted")) else ""


def _on_public_machine() -> bool:
    """Binder sets these for each of its servers."""
    return any(name in os.environ for name in ("BINDER_LAUNCH_HOST", "BINDER_REPO_URL"))


def _state(session: sessions.Session | None) -> dict[str, Any]:
    if session is None or session.signed_out:
        return {"connected": False, "simulator_announced": bool(practice.announced_url())}
    return {
        "connected": True,
        "service": session.service,
        "service_name": service_name(session),
        "org_id": session.org_id,
        "source": session.source,
        "client_id": session.credentials.masked_client_id,
        "renewable": session.renewable,
        "notes": notes(session),
        "simulator_announced": bool(practice.announced_url()),
    }


_panel: SignInPanel | None = None


def panel() -> SignInPanel:
    """This kernel's panel."""
    global _panel  # noqa: PLW0603
    if _panel is None:
        _panel = SignInPanel()
    _panel.refresh()
    return _panel
