"""The sign-in panel: shows the session, and passes what is typed to ``session``. No network here.

To add a field to the form, add it to ``FIELDS``: the front end shows it, and its value arrives in
the message of a click. To add a fact about the session, add it to ``display.facts_of``.

A secret travels from the browser as a custom message and is never a trait, so that no saved
notebook can hold it.

Messages may arrive in several threads: in the main one, and in a sub-shell while a cell is busy.
One thread acts at a time; a click that arrives meanwhile waits in a queue. Each click has an id: if
it is sent again, it is still handled once.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from importlib.resources import files
from typing import Any

import anywidget
import traitlets

from adobe_nb import session as sessions
from adobe_nb.auth import keyring_store
from adobe_nb.auth.credentials import Secret
from adobe_nb.auth.profiles import ProfileStore
from adobe_nb.auth.sources import announced_simulator
from adobe_nb.errors import AdobeError, CredentialsError, SignInError
from adobe_nb.http.client import is_loopback
from adobe_nb.notebook.display import (
    ORGANIZATION_CODES,
    Outcome,
    card,
    facts_of,
    outcome_of,
    outcome_of_error,
    state_of,
)

Message = Mapping[str, str | Secret]
"""What the front end sends for a click: the action, the id of the click, and what was typed."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the form. ``session.connect_by_hand`` gets its value by its name."""

    name: str
    label: str
    hint: str
    way: str = ""
    """The way to sign in that needs it, ``token`` or ``secret``; empty for both."""
    secret: bool = False
    required: str = ""
    """The message if it is left empty; empty for an optional field."""


FIELDS = (
    Field(
        "org_id",
        "Organization ID",
        "Ends in @AdobeOrg",
        required="Enter the organization ID.",
    ),
    Field(
        "client_id",
        "Client ID",
        "Adobe also calls it API key",
        way="secret",
        required="Enter the client ID.",
    ),
    Field(
        "client_secret",
        "Client secret",
        '"Retrieve client secret" on that page',
        way="secret",
        secret=True,
        required="Paste the client secret.",
    ),
    Field(
        "access_token",
        "Access token",
        '"Generate access token" on that page',
        way="token",
        secret=True,
        required="Paste the access token.",
    ),
    Field("scopes", "Scopes", "Leave empty for the default scopes", way="secret"),
)
_SET_BY_BINDER = ("BINDER_LAUNCH_HOST", "BINDER_REPO_URL")
"""Environment variables of a Binder server, which is a public machine."""
_FILES = files("adobe_nb.notebook")
_MOST_CLICKS = 100
"""Ids of clicks that are remembered, to recognize one that is sent again."""
_LONGEST_ID = 100
_LONGEST_TEXT = 20_000
"""Characters of a value: more than the longest token has."""
_LABELS = {
    **{field.name: field.label for field in FIELDS},
    "name": "Name of the profile",
    "save_as": "Name of the profile",
}
_VALUES_OF_CODES = {
    **dict.fromkeys(ORGANIZATION_CODES, "org_id"),
    "403003": "client_id",
    "401013": "access_token",
}
"""The value that the service refuses with each code."""
_STILL_SIGNED_IN = "You are still signed in as before."


class SignInPanel(anywidget.AnyWidget):  # type: ignore[misc]
    """One model for each kernel: shown twice, it is the same panel, until it is closed."""

    _esm = _FILES.joinpath("panel.js").read_text(encoding="utf-8")
    _css = _FILES.joinpath("panel.css").read_text(encoding="utf-8")
    _fields = traitlets.List(list(map(asdict, FIELDS))).tag(sync=True)
    _facts = traitlets.List().tag(sync=True)
    """Label and text of each fact about the session."""

    state = traitlets.Dict().tag(sync=True)
    """What the panel knows of the session. Never a secret."""
    busy = traitlets.Unicode("").tag(sync=True)
    """The running action, or nothing."""
    message = traitlets.Dict().tag(sync=True)
    """The outcome of the last action: kind (ok, warning, error), text, field and help topic."""
    issued_at = traitlets.Float(allow_none=True, default_value=None).tag(sync=True)
    expires_at = traitlets.Float(allow_none=True, default_value=None).tag(sync=True)
    """Milliseconds since the epoch: the front end counts down without the kernel."""
    answered = traitlets.List().tag(sync=True)
    """Ids of the clicks that were handled last: each view waits for its own."""

    def __init__(self) -> None:
        super().__init__()
        self._clicks: deque[Message] = deque()
        self._seen: deque[str] = deque(maxlen=_MOST_CLICKS)
        self._acting = threading.Lock()
        self._publish_lock = threading.RLock()
        self.on_msg(self._received)
        sessions.on_change(self.refresh)
        self.refresh()

    def __repr__(self) -> str:
        return repr(card(sessions.current_or_none()))

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """Return the widget, and the same facts as HTML and text for front ends without widgets."""
        bundle = super()._repr_mimebundle_(**kwargs)
        if not isinstance(bundle, tuple):
            bundle = (bundle, {})
        data, metadata = bundle
        fallback = card(sessions.current_or_none(), Outcome(**self.message))
        texts = {"text/plain": repr(fallback), "text/html": fallback._repr_html_()}
        return {**(data or {}), **texts}, metadata

    def close(self) -> None:
        """Close the model, as ``ipywidgets.Widget.close_all()`` does. It cannot be shown again."""
        sessions.off_change(self.refresh)
        super().close()

    def refresh(self, outcome: Outcome | None = None) -> None:
        """Show the current session, and the outcome of an action if there was one."""
        with self._published_together():
            session = sessions.current_or_none()
            self.state = _panel_state(session)
            facts = []
            if self.state["connected"]:
                facts = facts_of(self.state)
            self._facts = facts
            issued_at = expires_at = None
            if session is not None and (token := session.token):
                issued_at, expires_at = token.issued_at, token.expires_at
            self.issued_at = _milliseconds(issued_at)
            self.expires_at = _milliseconds(expires_at)
            if outcome is not None:
                self.message = asdict(outcome)

    @contextmanager
    def _published_together(self) -> Iterator[None]:
        """Send the traits that are set inside as one message.

        One thread at a time: ``hold_sync`` would lose what another thread sets while it ends.
        """
        with self._publish_lock, self.hold_sync():
            yield

    def _received(self, _: object, content: object, __: object) -> None:
        if not isinstance(content, dict):
            return
        # First of all, so that no error can show a secret.
        message = _with_hidden_secrets(content)
        content.clear()
        self._clicks.append(message)
        # The thread that releases the lock looks at the queue once more, so that a click which
        # arrived in the meantime is not left there.
        while self._clicks and self._acting.acquire(blocking=False):
            try:
                # Another thread may have handled the last click before this one got the lock.
                if self._clicks:
                    self._act(self._clicks.popleft())
            finally:
                self._acting.release()

    def _act(self, message: Message) -> None:
        # The panel repeats the id, so a long one is cut.
        click_id = str(message.get("click", ""))[:_LONGEST_ID]
        if click_id in self._seen:
            return
        if click_id:
            self._seen.append(click_id)
        action = _ACTIONS.get(str(message.get("action", "")))
        outcome = None
        if action is not None:
            label, act = action
            with self._published_together():
                self.message = {}
                self.busy = label
            outcome = _outcome_of(act, message)
        # The outcome and the permission for the next click reach the front end as one message.
        with self._published_together():
            self.refresh(outcome)
            self.busy = ""
            if click_id:
                self.answered = [*self.answered, click_id][-_MOST_CLICKS:]


def _milliseconds(timestamp: datetime | None) -> float | None:
    if timestamp is None:
        return None
    return timestamp.timestamp() * 1000


def _with_hidden_secrets(content: dict[str, Any]) -> Message:
    """Return the texts of a message, with the secrets hidden and removed from it.

    The panel sends only texts; anything else is left out.
    """
    message: dict[str, str | Secret] = {}
    for field in FIELDS:
        if field.secret:
            value = content.pop(field.name, None)
            if value and isinstance(value, str):
                message[field.name] = Secret(value)
    for name, value in content.items():
        if isinstance(value, str):
            message[str(name)] = value
    return message


def _check_lengths(message: Message) -> None:
    """Refuse a value that is too long to be one, before an error or a request repeats it."""
    for name, label in _LABELS.items():
        value = message.get(name, "")
        length = len(value.reveal()) if isinstance(value, Secret) else len(value)
        if length > _LONGEST_TEXT:
            raise CredentialsError(
                f"{label}: the text is too long. At most {_LONGEST_TEXT} characters are possible.",
                value_name=name,
            )


def _outcome_of(act: Callable[[Message], Outcome], message: Message) -> Outcome:
    """Perform an action; an error is an outcome too."""
    try:
        _check_lengths(message)
        return act(message)
    except AdobeError as error:
        outcome = outcome_of_error(error)
        text = outcome.text
        before = sessions.current_or_none()
        if message.get("action") in {"sign_in", "profile"} and before is not None and before.works:
            text = f"{text}\n{_STILL_SIGNED_IN}"
        value_name = ""
        if isinstance(error, CredentialsError | SignInError):
            value_name = error.value_name
        return replace(outcome, text=text, field=_field_of(message, value_name))
    except KeyboardInterrupt:
        return Outcome("warning", "Interrupted. Click again to retry.")
    except Exception as error:  # noqa: BLE001 - an error in a callback would end in a log, unseen
        return Outcome("error", f"Unexpected error ({type(error).__name__}). Please report it.")


def _field_of(message: Message, value_name: str) -> str:
    """Return the field in which a wrong value is corrected, so that the panel reports it there."""
    action = message.get("action")
    if action == "profile":
        return "profile"
    if action != "sign_in":
        return ""
    is_pasted = "access_token" in message
    # A pasted token names its client, which has no field then.
    if is_pasted and value_name == "client_id":
        return "access_token"
    # A token that was fetched has no field.
    if not is_pasted and value_name == "access_token":
        return ""
    return value_name


def _connect(_: Message) -> Outcome:
    return _test_session(sessions.connect(writes=sessions.current_writes()))


def _simulate(_: Message) -> Outcome:
    return _test_session(sessions.connect(simulator=True, writes=sessions.current_writes()))


def _test_session(session: sessions.Session) -> Outcome:
    return outcome_of(session.test(property_rights=True))


def _sign_in(message: Message) -> Outcome:
    values = {}
    for field in FIELDS:
        if value := message.get(field.name):
            values[field.name] = value
    simulator = message.get("service") == "simulator"
    session = sessions.connect_by_hand(values, simulator=simulator, make_default=False)
    outcome = _adopt(session, message)
    if not message.get("save_as"):
        return outcome
    if outcome.kind == "error":
        return replace(outcome, text=f"{outcome.text} The profile was not saved.")
    return _save_profile(session, message, outcome)


def _adopt(session: sessions.Session, message: Message) -> Outcome:
    """Test a new session, and make it current unless it is refused.

    A session that is refused for its account is shown, with the help for it, if there is no other.
    One with a wrong value is not: the value is corrected in its field.
    """
    before = sessions.current_or_none()
    check = session.test(property_rights=True)
    outcome = outcome_of(check)
    if wrong_value := _VALUES_OF_CODES.get(check.code or ""):
        outcome = replace(outcome, field=_field_of(message, wrong_value))
    is_alone = before is None or before.signed_out
    if outcome.kind != "error" or (is_alone and not outcome.field):
        sessions.make_current(session)
    elif before is not None and before.works:
        outcome = replace(outcome, text=f"{outcome.text} {_STILL_SIGNED_IN}")
    return outcome


def _save_profile(session: sessions.Session, message: Message, outcome: Outcome) -> Outcome:
    not_saved = "You are signed in, but the profile was not saved"
    in_file = message.get("in_file") == "yes"
    if not in_file and not keyring_store.works():
        text = (
            f"{not_saved}: {keyring_store.what_is_missing()} Or tick the box to keep the secret in "
            "a file, then click Save."
        )
        return Outcome("error", text, field="save_as")
    try:
        profile = session.save(str(message.get("save_as", "")), in_file=in_file)
    except AdobeError as error:
        return Outcome("error", f"{not_saved}. {error}", field="save_as")
    saved = f"Saved as profile {profile.name}, which is used from now on."
    return replace(outcome, text=f"{outcome.text} {saved}".strip())


def _save(message: Message) -> Outcome:
    return _save_profile(sessions.current(), message, Outcome("ok"))


def _use_profile(message: Message) -> Outcome:
    name = str(message.get("name", ""))
    writes = sessions.current_writes()
    outcome = _adopt(sessions.connect(profile=name, writes=writes, make_default=False), message)
    if outcome.kind != "error":
        ProfileStore().use(name)
    return outcome


def _test(_: Message) -> Outcome:
    return _test_session(sessions.current())


def _renew(_: Message) -> Outcome:
    session = sessions.current()
    session.refresh()
    return Outcome("ok", f"New token: {session.time_left_text}.")


def _sign_out(_: Message) -> Outcome:
    session = sessions.current_or_none()
    # Another view of the panel, or a cell, may have signed out already.
    if session is not None:
        session.sign_out()
    return Outcome("ok", "Signed out. The token is forgotten.")


_ACTIONS: dict[str, tuple[str, Callable[[Message], Outcome]]] = {
    "connect": ("Connecting…", _connect),
    "simulate": ("Starting the simulator…", _simulate),
    "sign_in": ("Signing in…", _sign_in),
    "profile": ("Signing in…", _use_profile),
    "save": ("Saving…", _save),
    "test": ("Testing…", _test),
    "renew": ("Fetching a new token…", _renew),
    "sign_out": ("Signing out…", _sign_out),
}


def _panel_state(session: sessions.Session | None) -> dict[str, Any]:
    state = {
        "connected": False,
        "simulator_announced": bool(announced_simulator()),
        "profiles": _profiles(),
    }
    if session is not None and not session.signed_out:
        state |= state_of(session)
    return {**state, "public": not os.environ.keys().isdisjoint(_SET_BY_BINDER)}


def _profiles() -> list[dict[str, Any]]:
    """Return the profiles to choose from. A broken file is reported when a profile is used."""
    try:
        profiles = ProfileStore().profiles()
    except AdobeError:
        return []
    choices = []
    for profile in profiles:
        choices.append(
            {
                "name": profile.name,
                "org_id": profile.org_id,
                "active": profile.active,
                "simulator": is_loopback(profile.reactor_url),
            }
        )
    return choices


_panel: SignInPanel | None = None


def panel(outcome: Outcome | None = None) -> SignInPanel:
    """Return this kernel's panel, showing the outcome."""
    global _panel  # noqa: PLW0603
    if _panel is None or _panel.comm is None:
        _panel = SignInPanel()
    _panel.refresh(outcome)
    return _panel
