"""The system's keyring, with a time limit: a dialog that no user sees must not hang a kernel."""

import threading
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from adobe_nb.auth.credentials import Secret
from adobe_nb.errors import CredentialsError

SERVICE = "adobe_nb"
SECONDS = 15.0
_NOT_INSTALLED = 'the package keyring is not installed. Run: pip install "adobe_nb[keyring]"'


def works() -> bool:
    """Return whether this machine has a keyring that can keep a secret. Reads no entry of it."""
    try:
        return bool(_limited(_is_secure))
    except CredentialsError:
        return False


def what_is_missing() -> str:
    """Say why ``works()`` is false, and what to do."""
    if find_spec("keyring") is None:
        return _NOT_INSTALLED
    return "this system has no usable keyring. Install or start one."


def keep(entry: str, secret: Secret) -> None:
    """Store a secret. Raises CredentialsError when the keyring is missing or does not respond."""
    _limited(
        lambda keyring: keyring.set_password(SERVICE, entry, secret.reveal()),
        undo=lambda keyring: keyring.delete_password(SERVICE, entry),
    )


def fetch(entry: str) -> Secret | None:
    """Return a secret, or None when the keyring has none. Raises CredentialsError as ``keep``."""
    secret: Secret | None = _limited(lambda keyring: _hidden(keyring.get_password(SERVICE, entry)))
    return secret


def drop(entry: str) -> None:
    """Delete a secret, if there is one. Raises CredentialsError as ``keep``."""
    if fetch(entry) is not None:
        _limited(lambda keyring: keyring.delete_password(SERVICE, entry))


def _is_secure(keyring: Any) -> bool:
    """Return whether keyring itself recommends the first backend, and it encrypts what it keeps."""
    chosen = keyring.get_keyring()
    backends = getattr(chosen, "backends", None) or [chosen]
    first = next(iter(backends))
    return float(first.priority) >= 1 and not type(first).__module__.startswith("keyrings.alt")


def _hidden(text: object) -> Secret | None:
    if not text or not isinstance(text, str):
        return None
    return Secret(text)


def _limited(work: Callable[[Any], Any], undo: Callable[[Any], Any] | None = None) -> Any:
    """Call the work in a thread, and stop waiting at the time limit; work done later is undone."""
    if find_spec("keyring") is None:
        raise CredentialsError(f"The system's keyring is not available: {_NOT_INSTALLED}")
    done = threading.Event()
    abandoned = threading.Event()
    # What the thread leaves here: the value, or the name of an error's type.
    results: list[Any] = []
    problems: list[str] = []

    def run() -> None:
        try:
            import keyring  # noqa: PLC0415

            results.append(work(keyring))
            if abandoned.is_set() and undo is not None:
                undo(keyring)
        # Backends raise errors of any type, whose text may quote the secret.
        except BaseException as error:  # noqa: BLE001
            problems.append(type(error).__name__)
        finally:
            done.set()

    # A daemon: a keyring that never responds must not keep the interpreter from exiting.
    threading.Thread(target=run, name="adobe_nb-keyring", daemon=True).start()
    if not done.wait(SECONDS):
        abandoned.set()
        raise CredentialsError(
            f"The system's keyring did not respond within {SECONDS:.0f} seconds. It may be showing "
            "a password prompt: unlock it, then run this again."
        )
    if problems:
        raise CredentialsError(
            f"The system's keyring cannot be used ({problems[0]}). Unlock it, or keep the secret "
            "in a file that only you can read: in_file=True, --in-file."
        )
    return results[0]
