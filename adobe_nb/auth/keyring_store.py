"""The system's keyring, with a time limit: a dialogue that nobody sees must not hang a kernel."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from adobe_nb.auth.credentials import Secret
from adobe_nb.errors import CredentialsError

SERVICE = "adobe_nb"
SECONDS = 15.0
_INSTALL = 'pip install "adobe_nb[keyring]"'


def works() -> bool:
    """Whether this machine has a keyring that can keep a secret. Asks it nothing."""
    if find_spec("keyring") is None:
        return False
    try:
        return bool(_limited(_keeps_secrets))
    except CredentialsError:
        return False


def what_is_missing() -> str:
    """Why no keyring can be used here, and what to install; for where ``works()`` is false."""
    if find_spec("keyring") is None:
        return f"the package keyring is not installed. Run: {_INSTALL}"
    return "no keyring of this system can be used: none is installed, or it is not running."


def keep(entry: str, secret: Secret) -> None:
    """Store a secret. Raises CredentialsError when there is no keyring, or it does not answer."""
    _limited(
        lambda: _keyring().set_password(SERVICE, entry, secret.reveal()),
        undo=lambda: _keyring().delete_password(SERVICE, entry),
    )


def fetch(entry: str) -> Secret | None:
    """Read a secret; None when it is not there. Raises CredentialsError as ``keep``."""
    found = _limited(lambda: _hidden(_keyring().get_password(SERVICE, entry)))
    return found if isinstance(found, Secret) else None


def drop(entry: str) -> None:
    """Delete a secret; that there is none is no error."""
    if fetch(entry) is not None:
        _limited(lambda: _keyring().delete_password(SERVICE, entry))


def _keyring() -> Any:
    import keyring  # noqa: PLC0415

    return keyring


def _keeps_secrets() -> bool:
    """Whether the first backend is a real one: recommended by keyring itself, and no file of plain
    text.
    """
    chosen = _keyring().get_keyring()
    first = next(iter(getattr(chosen, "backends", None) or [chosen]))
    return float(first.priority) >= 1 and not type(first).__module__.startswith("keyrings.alt")


def _hidden(text: object) -> Secret | None:
    return Secret(text) if isinstance(text, str) and text else None


@dataclass(slots=True)
class _Answer:
    value: Any = None
    problem: str = ""
    abandoned: bool = False
    done: threading.Event = field(default_factory=threading.Event)


def _limited(work: Callable[[], Any], undo: Callable[[], Any] | None = None) -> Any:
    """Do it in a thread, and give up waiting after a while; what comes to pass after that is
    undone.
    """
    if find_spec("keyring") is None:
        raise CredentialsError(f"The package keyring is not installed. Run: {_INSTALL}")
    answer = _Answer()

    def run() -> None:
        try:
            answer.value = work()
            if answer.abandoned and undo is not None:
                undo()
        except BaseException as error:  # noqa: BLE001 - backends raise what they like; the text may hold anything
            answer.problem = type(error).__name__
        finally:
            answer.done.set()

    threading.Thread(target=run, name="adobe_nb-keyring", daemon=True).start()
    if not answer.done.wait(SECONDS):
        answer.abandoned = True
        raise CredentialsError(
            f"The system's keyring did not answer within {SECONDS:.0f} seconds. It may ask for its password in a "
            "window: unlock it, then run this again."
        )
    if answer.problem:
        raise CredentialsError(
            f"The system's keyring cannot be used ({answer.problem}). Unlock it, or keep the secret in a file that "
            "only you can read: in_file=True, --in-file."
        )
    return answer.value
