"""The sign-in panel: shows the session, and hands what is typed to ``session``. No network here.

A secret travels from the browser as a custom message and is never a trait, so that no saved
notebook can hold it.

Messages may arrive in several threads: in the main one, and in a sub-shell while a cell is busy.
One of them acts at a time; a click that arrives meanwhile waits in a queue. Each click has an id:
sent again, it is still done once.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from importlib.resources import files
from typing import Any

import anywidget
import traitlets

from adobe_nb import session as sessions
from adobe_nb.auth import keyring_store
from adobe_nb.auth.credentials import Secret
from adobe_nb.auth.profiles import ProfileStore
from adobe_nb.auth.sources import announced_simulator
from adobe_nb.errors import AdobeError, SignInError
from adobe_nb.notebook.display import Outcome, card, notes, outcome_of, service_name, topic_of

_SET_BY_BINDER = ("BINDER_LAUNCH_HOST", "BINDER_REPO_URL")
"""For each of its servers, which others may share."""
_HERE = files("adobe_nb.notebook")
_REMEMBERED = 100
"""Ids of clicks that are kept to recognise one that is sent again."""


class SignInPanel(anywidget.AnyWidget):  # type: ignore[misc]
    """One model per kernel; shown twice, it is the same panel."""

    _esm = (_HERE / "panel.js").read_text(encoding="utf-8")
    _css = (_HERE / "panel.css").read_text(encoding="utf-8")

    state = traitlets.Dict().tag(sync=True)
    """What is shown: never a secret."""
    busy = traitlets.Unicode("").tag(sync=True)
    """What is going on, or nothing."""
    message = traitlets.Dict().tag(sync=True)
    """The outcome of the last action: kind (ok, warning, error), text, the field and the help topic
    it is about.
    """
    issued_at = traitlets.Float(allow_none=True, default_value=None).tag(sync=True)
    expires_at = traitlets.Float(allow_none=True, default_value=None).tag(sync=True)
    """Milliseconds since the epoch: the front end runs the time down by itself."""
    answered = traitlets.List().tag(sync=True)
    """Ids of the clicks that were answered last: each view waits for its own."""

    def __init__(self) -> None:
        super().__init__()
        self._queue_lock = threading.Lock()
        self._clicks: deque[Typed] = deque()
        self._seen: deque[str] = deque(maxlen=_REMEMBERED)
        self._acting = False
        self._publish_lock = threading.RLock()
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
        return {
            **(data or {}),
            "text/plain": repr(shown),
            "text/html": shown._repr_html_(),
        }, metadata

    def refresh(self, outcome: Outcome | None = None) -> None:
        """Show the current session, and the outcome of an action if there was one."""
        with self._published_together():
            session = sessions.current_or_none()
            token = session.token if session else None
            public = any(name in os.environ for name in _SET_BY_BINDER)
            self.state = {**_state(session), "public": public}
            self.issued_at = token.issued_at.timestamp() * 1000 if token else None
            self.expires_at = (
                token.expires_at.timestamp() * 1000 if token and token.expires_at else None
            )
            if outcome is not None:
                self.message = {
                    "kind": outcome.kind,
                    "text": outcome.text,
                    "field": outcome.field,
                    "topic": outcome.topic,
                }

    @contextmanager
    def _published_together(self) -> Iterator[None]:
        """Traits that are set inside reach the front end as one message.

        By one thread at a time: ``hold_sync`` would lose what another thread sets while it ends.
        """
        with self._publish_lock, self.hold_sync():
            yield

    def _received(self, _: object, content: object, __: object) -> None:
        if not isinstance(content, dict):
            return
        typed = _hide(content)  # before anything can fail
        content.clear()
        if not self._queued(typed):
            return
        try:
            while (click := self._next_click()) is not None:
                self._act(click)
        except BaseException:
            # Otherwise later clicks would join the queue, and no thread would work it off.
            self._acting = False
            raise

    def _queued(self, typed: "Typed") -> bool:
        """Put a click into the queue. Whether this thread has to work the queue off."""
        click_id = str(typed.get("click", ""))
        with self._queue_lock:
            if click_id in self._seen:
                return False
            if click_id:
                self._seen.append(click_id)
            self._clicks.append(typed)
            if self._acting:
                return False
            self._acting = True
            return True

    def _next_click(self) -> "Typed | None":
        """The next click; None, and the next one to arrive is acted upon by its own thread, when
        there is none.
        """
        with self._queue_lock:
            if self._clicks:
                return self._clicks.popleft()
            self._acting = False
            return None

    def _act(self, typed: "Typed") -> None:
        label, work = _ACTIONS.get(str(typed.get("action", "")), ("", None))
        if work is None:
            self._finish(typed)
            return
        with self._published_together():
            self.message = {}
            self.busy = label
        self._finish(typed, _outcome_of(work, typed))

    def _finish(self, typed: "Typed", outcome: Outcome | None = None) -> None:
        """Show how it ended, and allow the next click, in one message."""
        with self._published_together():
            self.refresh(outcome)
            self.busy = ""
            if click_id := str(typed.get("click", "")):
                self.answered = [*self.answered, click_id][-_REMEMBERED:]


Typed = Mapping[str, "str | Secret"]


def _outcome_of(work: "Callable[[Typed], Outcome]", typed: Typed) -> Outcome:
    """What the action came to; an error is an outcome, too."""
    try:
        return work(typed)
    except AdobeError as error:
        text = "\n".join((str(error), *getattr(error, "__notes__", ()), *_as_before(typed)))
        return Outcome("error", text, topic=topic_of(error), field=_field_of(typed, error))
    except KeyboardInterrupt:
        return Outcome("warning", "Interrupted. Click again to repeat it.")
    except Exception as error:  # noqa: BLE001 - an error in a callback must be seen, not end in a log
        return Outcome(
            "error", f"This should not happen ({type(error).__name__}). Please report it."
        )


def _hide(content: dict[str, Any]) -> Typed:
    """The typed values, the secret ones hidden and taken out of the message."""
    secrets = {
        name: Secret(str(content.pop(name)))
        for name in ("access_token", "client_secret")
        if content.get(name)
    }
    return {
        **{str(name): value for name, value in content.items() if isinstance(value, str)},
        **secrets,
    }


def _connect(_: Typed) -> Outcome:
    return outcome_of(sessions.connect().test())


def _simulate(_: Typed) -> Outcome:
    return outcome_of(sessions.connect(simulator=True).test())


def _sign_in(typed: Typed) -> Outcome:
    names = ("client_id", "client_secret", "org_id", "access_token", "scopes")
    values = {name: typed[name] for name in names if typed.get(name)}
    session = sessions.connect_by_hand(
        values, simulator=typed.get("service") == "simulator", make_default=False
    )
    outcome = _taken(session)
    if not typed.get("save_as"):
        return outcome
    if outcome.kind == "error":
        return replace(outcome, text=f"{outcome.text} The profile was not saved.")
    return _saved(session, typed, outcome)


def _taken(session: sessions.Session) -> Outcome:
    """Test a new session, and make it the current one; a refused one only when there is none that
    works.
    """
    before = sessions.current_or_none()
    outcome = outcome_of(session.test())
    if (
        outcome.kind == "error"
        and before is not None
        and not before.signed_out
        and before is not session
    ):
        return replace(
            outcome,
            text=f"{outcome.text}{' You are still signed in as before.' if before.works else ''}",
        )
    sessions.make_current(session)
    return outcome


def _saved(session: sessions.Session, typed: Typed, outcome: Outcome) -> Outcome:
    in_file = typed.get("in_file") == "yes"
    if not in_file and not keyring_store.works():
        text = (
            f"You are signed in, but the profile was not saved: {keyring_store.what_is_missing()} Or tick the box "
            "to keep the secret in a file, then click Save."
        )
        return Outcome("error", text, field="save_as")
    try:
        profile = session.save(str(typed["save_as"]), in_file=in_file)
    except AdobeError as error:
        return Outcome(
            "error", f"You are signed in, but the profile was not saved. {error}", field="save_as"
        )
    said = f"Saved as profile {profile.name}, which is used from now on."
    return replace(outcome, text=f"{outcome.text} {said}".strip())


def _save(typed: Typed) -> Outcome:
    return _saved(sessions.current(), typed, Outcome("ok", ""))


def _use_profile(typed: Typed) -> Outcome:
    name = str(typed.get("name", ""))
    session = sessions.connect(profile=name, make_default=False)
    outcome = _taken(session)
    if outcome.kind != "error":
        ProfileStore().use(name)
    return outcome


def _as_before(typed: Typed) -> list[str]:
    """For a sign-in that failed: what is still in force."""
    before = sessions.current_or_none()
    works = before is not None and before.works
    return (
        ["You are still signed in as before."]
        if works and typed.get("action") in {"sign_in", "profile"}
        else []
    )


def _test(_: Typed) -> Outcome:
    return outcome_of(sessions.current().test())


def _renew(_: Typed) -> Outcome:
    session = sessions.current()
    session.refresh()
    return Outcome("ok", f"A new token: {session.time_left_text}.")


def _sign_out(_: Typed) -> Outcome:
    session = sessions.current_or_none()
    if session is not None:  # another view of the panel, or a cell, may have signed out already
        session.sign_out()
    return Outcome("ok", "Signed out. The token is forgotten.")


_ACTIONS: dict[str, tuple[str, Callable[[Typed], Outcome]]] = {
    "connect": ("Connecting …", _connect),
    "simulate": ("Starting the simulator …", _simulate),
    "sign_in": ("Signing in …", _sign_in),
    "profile": ("Signing in …", _use_profile),
    "save": ("Saving …", _save),
    "test": ("Testing …", _test),
    "renew": ("Fetching a new token …", _renew),
    "sign_out": ("Signing out …", _sign_out),
}


def _field_of(typed: Typed, error: AdobeError) -> str:
    """The field that an error is about, so that it shows beside it."""
    if typed.get("action") == "profile":
        return "profile"
    if typed.get("action") != "sign_in":
        return ""
    if isinstance(error, SignInError) and error.code == "invalid_scope":
        return "scopes"
    lowered = str(error).lower()
    if "organization" in lowered:
        return "org_id"
    if "access_token" not in typed and "client id" in lowered:
        return "client_id"
    return "secret" if any(word in lowered for word in ("secret", "token", "pasted")) else ""


def _state(session: sessions.Session | None) -> dict[str, Any]:
    common = {
        "connected": False,
        "simulator_announced": bool(announced_simulator()),
        "profiles": _profiles(),
    }
    if session is None or session.signed_out:
        return common
    check = session.checked
    return {
        **common,
        "connected": True,
        "refused": check is not None and not check.ok,
        "service": session.service,
        "service_name": service_name(session),
        "account": session.account or "",
        "org_id": session.org_id,
        "companies": list(check.companies) if check else [],
        "rights": list(check.rights) if check else [],
        "scopes": list(session.scopes),
        "source": session.source,
        "client_id": session.credentials.masked_client_id,
        "renewable": session.renewable,
        "notes": notes(session),
    }


def _profiles() -> list[dict[str, Any]]:
    """Names and organisations for the chooser; a broken file shows when one is used."""
    try:
        found = ProfileStore().profiles()
    except AdobeError:
        return []
    return [{"name": each.name, "org_id": each.org_id, "active": each.active} for each in found]


_panel: SignInPanel | None = None


def panel(outcome: Outcome | None = None) -> SignInPanel:
    """This kernel's panel, with the outcome of what led to it."""
    global _panel  # noqa: PLW0603
    if _panel is None:
        _panel = SignInPanel()
    _panel.refresh(outcome)
    return _panel
