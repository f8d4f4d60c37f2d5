"""The error tree. Every message is a short sentence with a next step.

::

    AdobeError
    ├── ArgumentError (also ValueError)     an argument is wrong; nothing was sent
    │   ├── NameLookupError                 find() found no such name, or several
    │   └── ConfirmationRequired            the write requires confirm=; nothing was sent
    ├── CredentialsError                    credentials are missing or unusable; nothing was sent
    │   ├── NoCredentials                   no source has a complete set
    │   │   └── IncompleteCredentials       but some have a part of one
    │   ├── RetiredCredentials              the credentials are of the retired JWT method
    │   └── NotSignedIn                     there is no session
    ├── TransportError                      no usable response arrived
    │   ├── HostNotAllowed                  the host may not receive credentials; nothing was sent
    │   ├── RedirectRefused                 the server responded with a redirect
    │   └── OutcomeUnknown                  a write was sent, and its outcome is unknown
    ├── SignInError                         IMS refused the sign-in
    │   └── TokenExpired                    a pasted token has expired
    ├── ApiError                            Reactor or its gateway responded with an error
    │   ├── NotFound                        404
    │   ├── NotAllowed                      401 and 403
    │   ├── RateLimited                     429
    │   ├── DelayedError                    a build, upload or exchange failed after it was accepted
    │   └── EdgeError                       the Edge Network refused an event
    ├── WaitTimeout                         wait() reached its time limit; the work continues
    ├── JournalError                        the journal of writes is not writable; nothing was sent
    ├── SnapshotError                       a snapshot cannot be written, found, read or queried
    └── IncompleteResult                    a response arrived, but it contradicts itself

    SnapshotWarning (UserWarning)           a snapshot is complete, but was made in an unusual way
    InsecureFileWarning (UserWarning)       other accounts can read a file with secrets
    DeliveryWarning (UserWarning)           some events of a batch were not accepted
"""

import re
import textwrap
from collections.abc import Mapping, Sequence
from traceback import walk_tb
from types import TracebackType
from typing import Any, NamedTuple

from adobe_nb.masking import masked_message, printable

_LINE_LENGTH = 100
_LONGEST_WRAPPED = 10_000
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*+"|(?<!\w)\'(?:[^\'\\]|\\.)*+\'(?!\w)')
_HELD = {ord(" "): "\0", ord("\t"): "\1"}
_RELEASED = {0: " ", 1: "\t"}


def __dir__() -> list[str]:
    return [name for name, value in globals().items() if _is_public_class(name, value)]


def _is_public_class(name: str, value: object) -> bool:
    return isinstance(value, type) and value.__module__ == __name__ and not name.startswith("_")


class _Printable(Exception):
    """Shows control characters as escapes, because messages quote text of the service."""

    def __str__(self) -> str:
        return printable(super().__str__())

    def add_note(self, note: str) -> None:
        """Add a line below the message."""
        super().add_note(printable(note))


class AdobeError(_Printable):
    """Base of all errors that this package raises on purpose.

    The secrets of this process's sessions are masked in the message. Errors can be pickled, because
    a parent process would otherwise wait forever for the error of its worker.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(masked_message(message))

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, (type(self), self.args), dict(self.__dict__)

    def _render_traceback_(self) -> list[str]:
        """Return what a notebook shows: the message, and no page of traceback."""
        name = type(self).__name__
        line = _line_of_cell(self.__traceback__)
        if line:
            # Only the number of the line: its text could hold a secret that was typed there.
            name += f" (line {line} of the cell)"
        notes = getattr(self, "__notes__", ())
        lines = "\n".join((f"{name}: {self}", *notes)).splitlines()
        return ["\n".join(map(_wrapped, lines))]


def _wrapped(line: str) -> str:
    # JupyterLab breaks a line of text at its edge, in the middle of a word.
    if len(line) > _LONGEST_WRAPPED:
        return line
    # A quoted text, such as confirm="Old site", is copied from the message, so it stays whole. A
    # message has no control characters of its own.
    whole = _QUOTED.sub(lambda match: match[0].translate(_HELD), line)
    text = textwrap.fill(whole, _LINE_LENGTH, break_long_words=False, break_on_hyphens=False)
    return text.translate(_RELEASED)


def _unpickled(error_type: type[AdobeError], args: tuple[Any, ...]) -> AdobeError:
    error = error_type.__new__(error_type)
    error.args = args
    return error


def _line_of_cell(frames: TracebackType | None) -> int | None:
    for frame, line in walk_tb(frames):
        name = frame.f_code.co_filename
        if "ipykernel_" in name or name.startswith("<ipython-input"):
            return line
    return None


class ArgumentError(AdobeError, ValueError):
    """An argument is wrong. No request was sent."""


class NameLookupError(ArgumentError):
    """``find`` found no resource with that name, or more than one. ``candidates`` lists similar names."""

    def __init__(self, message: str, candidates: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.candidates = tuple(candidates)


class ConfirmationRequired(ArgumentError):
    """The write requires ``confirm``. Nothing was changed.

    ``wanted`` is the value to pass: a text, or a list of names for several resources.
    """

    def __init__(self, message: str, wanted: str | list[str]) -> None:
        super().__init__(message)
        self.wanted = wanted


class CredentialsError(AdobeError):
    """Credentials are missing, incomplete or unusable. No request was sent.

    ``value_name`` is the value that it is about, such as ``org_id``, if it is about one.
    """

    def __init__(self, message: str = "", *, value_name: str = "") -> None:
        super().__init__(message)
        self.value_name = value_name


class NoCredentials(CredentialsError):
    """No source has a complete set of credentials."""


class IncompleteCredentials(NoCredentials):
    """Some sources have a part of the credentials, but none has a complete set."""


class RetiredCredentials(CredentialsError):
    """The credentials are of the retired Service Account (JWT) method."""


class NotSignedIn(CredentialsError):
    """There is no session yet."""


class TransportError(AdobeError):
    """No usable response arrived: the service is unreachable, too slow, or closed the connection.

    ``never_sent`` is True when it is certain that the request did not arrive.
    """

    def __init__(self, message: str, *, never_sent: bool = False) -> None:
        super().__init__(message)
        self.never_sent = never_sent


class HostNotAllowed(TransportError):
    """The host may not receive credentials. No request was sent."""

    def __init__(self, message: str) -> None:
        super().__init__(message, never_sent=True)


class RedirectRefused(TransportError):
    """The server responded with a redirect, which could send secrets to another host."""


class OutcomeUnknown(TransportError):
    """A write was sent, but no response arrived. The message says how to check the outcome."""


class SignInError(AdobeError):
    """The sign-in failed. ``status`` and ``code`` are those of IMS, if it responded.

    ``value_name`` is the value that was refused, such as ``client_id``, if it is known.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        value_name: str = "",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.value_name = value_name


class TokenExpired(SignInError):
    """The pasted access token has expired, and cannot be renewed."""


class ApiError(AdobeError):
    """Reactor, or the gateway in front of it, responded with an error.

    Attributes
    ----------
    status : int
        The HTTP status.
    code : str or None
        The JSON:API or gateway code.
    errors : list of dict
        The error objects of the response.
    cause, fix : str
        Our explanation of the code, and what to do.
    request_id : str or None
        For Adobe's support.
    method, url : str
        Those of the request.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str | None = None,
        errors: Sequence[Mapping[str, Any]] = (),
        request_id: str | None = None,
        method: str = "",
        url: str = "",
        cause: str = "",
        fix: str = "",
    ) -> None:
        super().__init__(message)
        self.cause = cause
        self.fix = fix
        self.status = status
        self.code = code
        self.errors: list[dict[str, Any]] = list(map(dict, errors))
        self.request_id = request_id
        self.method = method
        self.url = url


class NotFound(ApiError):
    """404: this session can see no resource of that id."""


class NotAllowed(ApiError):
    """401 or 403: the token, client ID or organization is refused, or a right is missing."""


class RateLimited(ApiError):
    """429, even after waiting and retrying."""


class DelayedError(ApiError):
    """A build, upload or exchange was accepted but failed later.

    ``errors`` are those of ``meta.status_details``; ``status`` is that of the first one, or 0.
    ``resource_id`` is the resource that failed.
    """

    def __init__(self, message: str, *, resource_id: str, **details: Any) -> None:
        super().__init__(message, **details)
        self.resource_id = resource_id


class EdgeError(ApiError):
    """The Edge Network refused an event. ``send_again`` says whether to send it again."""

    def __init__(self, message: str, *, send_again: str = "", **details: Any) -> None:
        super().__init__(message, **details)
        self.send_again = send_again


class WaitTimeout(AdobeError):
    """``wait`` reached its time limit; the work continues. ``ids`` are those still pending."""

    def __init__(self, message: str, ids: Sequence[str]) -> None:
        super().__init__(message)
        self.ids = tuple(ids)


class JournalError(AdobeError):
    """The journal of writes is not writable, so nothing was sent."""


class SnapshotError(AdobeError):
    """A snapshot cannot be written, found, read or queried. Existing snapshots are unchanged."""


class Gap(NamedTuple):
    """A list that could not be read completely."""

    path: str
    announced: int | None
    """The number of resources according to the service."""
    received: int
    twice: int = 0
    """How many of them arrived a second time."""

    @property
    def missing(self) -> int:
        """The number of announced resources that did not arrive."""
        return max(0, (self.announced or 0) - (self.received - self.twice))

    def __str__(self) -> str:
        if self.twice:
            return f"{self.path} gave {self.twice} of its resources twice"
        if self.announced != self.received:
            return f"{self.path} reported {self.announced} resources but returned {self.received}"
        return f"{self.path} changed while its {self.received} resources were read"


class IncompleteResult(AdobeError):
    """The response contradicts itself, the filter or the resource type, so no table is returned.

    ``gaps`` are the lists that are incomplete, with the number of missing resources.
    """

    def __init__(self, message: str, *, gaps: Sequence[Gap] = ()) -> None:
        super().__init__(message)
        self.gaps = tuple(gaps)


class SnapshotWarning(_Printable, UserWarning):
    """A snapshot is complete, but was made in an unusual way, which the message describes."""


class DeliveryWarning(_Printable, UserWarning):
    """Some events of a batch were not accepted, or this is unknown. See the table's rows."""


class InsecureFileWarning(_Printable, UserWarning):
    """Other accounts of this machine can read a file that holds secrets."""
