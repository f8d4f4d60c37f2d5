"""The error tree. Every message is a short sentence with a next step.

::

    AdobeError
    ├── ArgumentError (also ValueError)     a wrong argument; nothing was sent
    │   ├── NameLookupError                      find() met no row, or several
    │   └── ConfirmationRequired                    a write that needs confirm=; nothing was sent
    ├── CredentialsError                    no, half or unusable credentials; nothing was sent
    │   ├── NoCredentials                   no source has a whole set
    │   │   └── IncompleteCredentials       but parts are there
    │   ├── RetiredCredentials              of the retired JWT method
    │   └── NotSignedIn                     there is no session
    ├── TransportError                      no usable answer arrived
    │   ├── HostNotAllowed                  the address is outside the allowed hosts; nothing was sent
    │   ├── RedirectRefused                 the server tried to send us elsewhere
    │   └── OutcomeUnknown                  a write went out, and no answer tells what became of it
    ├── SignInError                         IMS, or the expiry of a pasted token, ended the sign-in
    │   └── TokenExpired
    ├── ApiError                            Reactor or its gateway answered with an error
    │   ├── NotFound                        404
    │   ├── NotAllowed                      401 and 403
    │   ├── RateLimited                     429
    │   ├── DelayedError                    a build, upload or exchange failed after it was accepted
    │   └── EdgeError                       the Edge Network refused an event
    ├── WaitTimeout                        wait() came to its time limit; it goes on over there
    ├── JournalError                        the journal of writes cannot be written; nothing was sent
    ├── SnapshotError                       a snapshot cannot be written, found, read or queried
    └── IncompleteResult                    an answer arrived, but it cannot be the whole truth

    SnapshotWarning (UserWarning)           a snapshot is right, and took another way than usual
    InsecureFileWarning (UserWarning)       a file with secrets that others can read
    DeliveryWarning (UserWarning)           some events of a batch were not accepted
"""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, NamedTuple

from adobe_nb.masking import masked_message, printable


class _Printable(Exception):
    """Messages quote names and answers of the service: their control characters show as escapes."""

    def __str__(self) -> str:
        return printable(super().__str__())

    def add_note(self, note: str) -> None:
        """Add a line that shows below the message."""
        super().add_note(printable(note))


class AdobeError(_Printable):
    """Base of everything this package raises on purpose.

    Secrets of the sessions of this process are masked in the message, whatever it quotes. It can be
    pickled: an error in a worker process has to reach its parent, which would else wait for ever.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(masked_message(message))

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, (type(self), self.args), dict(self.__dict__)

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows: the line of the cell and the message, no page of traceback.

        The number of the line only: its text could hold a secret that was typed there.
        """
        where = f" (line {line} of the cell)" if (line := _line_of_cell(self.__traceback__)) else ""
        return [
            "\n".join((f"{type(self).__name__}{where}: {self}", *getattr(self, "__notes__", ())))
        ]


def _unpickled(kind: type[AdobeError], args: tuple[Any, ...]) -> AdobeError:
    error = kind.__new__(kind)
    error.args = args
    return error


def _line_of_cell(frames: TracebackType | None) -> int | None:
    while frames is not None:
        name = frames.tb_frame.f_code.co_filename
        if "ipykernel_" in name or name.startswith("<ipython-input"):
            return frames.tb_lineno
        frames = frames.tb_next
    return None


class ArgumentError(AdobeError, ValueError):
    """An argument is wrong. No request was sent."""


class NameLookupError(ArgumentError):
    """``find`` met no row of that name, or more than one. ``candidates`` lists what there is."""

    def __init__(self, message: str, candidates: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.candidates = tuple(candidates)


class ConfirmationRequired(ArgumentError):
    """The write is one that ``confirm`` has to be given for. Nothing was changed.

    ``wanted`` is what to give: a text, or a list of names for several things.
    """

    def __init__(self, message: str, wanted: str | list[str]) -> None:
        super().__init__(message)
        self.wanted = wanted


class CredentialsError(AdobeError):
    """Credentials are missing, incomplete or unusable. No request was sent."""


class NoCredentials(CredentialsError):
    """No source has a whole set of credentials."""


class IncompleteCredentials(NoCredentials):
    """Parts of credentials were found, but no source has a whole set."""


class RetiredCredentials(CredentialsError):
    """The credentials are of the retired method, Service Account (JWT). The message says what to do
    instead.
    """


class NotSignedIn(CredentialsError):
    """There is no session yet."""


class TransportError(AdobeError):
    """No usable answer: unreachable, cut off, too slow. ``never_sent`` when it is certain that
    nothing arrived.
    """

    def __init__(self, message: str, *, never_sent: bool = False) -> None:
        super().__init__(message)
        self.never_sent = never_sent


class HostNotAllowed(TransportError):
    """The address is outside the allowed hosts. No request was sent."""

    def __init__(self, message: str) -> None:
        super().__init__(message, never_sent=True)


class RedirectRefused(TransportError):
    """The server answered with a redirect; following it could carry secrets elsewhere."""


class OutcomeUnknown(TransportError):
    """A write went out and its answer did not come. It may have been done: the message says what to
    look for.
    """


class SignInError(AdobeError):
    """The sign-in failed. ``status`` and ``code`` are what IMS said, if it said anything."""

    def __init__(self, message: str, *, status: int | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class TokenExpired(SignInError):
    """The pasted access token is past its end, and nothing is at hand to get another one."""


class ApiError(AdobeError):
    """Reactor, or the gateway before it, answered with an error.

    ``status`` HTTP status · ``code`` JSON:API or gateway code, if any · ``errors`` the error
    objects as they came · ``cause`` and ``fix`` our advice on the code · ``request_id`` for Adobe's
    support · ``method`` and ``url`` of the request.
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
        self.errors = [dict(error) for error in errors]
        self.request_id = request_id
        self.method = method
        self.url = url


class NotFound(ApiError):
    """404: nothing of that id is visible to this session."""


class NotAllowed(ApiError):
    """401 or 403: the token, the client id, the organisation or a right is missing."""


class RateLimited(ApiError):
    """429, still, after waiting and repeating."""


class DelayedError(ApiError):
    """Something that was accepted failed later; ``errors`` are those of ``meta.status_details``.

    ``status`` is the first error's, 0 when it names none. ``resource_id`` is the build, package …
    that failed.
    """

    def __init__(self, message: str, *, resource_id: str, **about: Any) -> None:
        super().__init__(message, **about)
        self.resource_id = resource_id


class EdgeError(ApiError):
    """The Edge Network refused an event. ``send_again`` is our advice on its code, too."""

    def __init__(self, message: str, *, send_again: str = "", **about: Any) -> None:
        super().__init__(message, **about)
        self.send_again = send_again


class WaitTimeout(AdobeError):
    """The time limit of ``wait`` is over and the work is not. Nothing is lost; ``ids`` are those
    still pending.
    """

    def __init__(self, message: str, ids: Sequence[str]) -> None:
        super().__init__(message)
        self.ids = tuple(ids)


class JournalError(AdobeError):
    """The journal of writes cannot be written, so nothing was sent."""


class SnapshotError(AdobeError):
    """A snapshot cannot be written, found, read or queried. The snapshots of the folder are as they
    were.
    """


class Gap(NamedTuple):
    """A list that could not be read whole."""

    path: str
    announced: int | None
    """Resources that the service says there are."""
    received: int
    twice: int = 0
    """Of those, how many came a second time."""

    @property
    def missing(self) -> int:
        """Resources that were announced and did not come."""
        return max(0, (self.announced or 0) - (self.received - self.twice))

    def __str__(self) -> str:
        if self.twice:
            return f"{self.path} gave {self.twice} of its resources twice"
        if self.announced != self.received:
            return f"{self.path} announced {self.announced} resources and gave {self.received}"
        return f"{self.path} changed while its {self.received} resources were read"


class IncompleteResult(AdobeError):
    """The answer contradicts itself, the filter or the table of resource types. It is not returned
    as a table.

    ``gaps`` says of which lists something is missing, and how much.
    """

    def __init__(self, message: str, *, gaps: Sequence[Gap] = ()) -> None:
        super().__init__(message)
        self.gaps = tuple(gaps)


class SnapshotWarning(_Printable, UserWarning):
    """A snapshot is right, and took another way than usual. The message says which."""


class DeliveryWarning(_Printable, UserWarning):
    """Some events of a batch were not accepted, or it is not known. The table's rows tell which."""


class InsecureFileWarning(_Printable, UserWarning):
    """A file that holds secrets can be read by other accounts of this machine."""
