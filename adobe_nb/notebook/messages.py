"""What came of an action, in a sentence, and the part of the panel's help that goes with it."""

from dataclasses import dataclass

from adobe_nb.errors import AdobeError, RetiredCredentials, SignInError, TokenExpired, TransportError
from adobe_nb.session import Session


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an action came to, in a sentence."""

    kind: str
    text: str
    topic: str = ""
    field: str = ""


def tested(session: Session) -> Outcome:
    """Adobe's own test of the credentials. Raises TransportError."""
    check = session.test()
    topic = {403: "access", 401: "token", 404: "organisation"}.get(check.status or 0, "")
    return Outcome("ok" if check.ok and not topic else "warning" if check.ok else "error", check.message, topic)


def topic_of(error: AdobeError) -> str:
    """The part of the help that goes with an error."""
    if isinstance(error, RetiredCredentials):
        return "retired"
    if isinstance(error, TokenExpired):
        return "token"
    if isinstance(error, TransportError):
        return "network"
    if isinstance(error, SignInError):
        return "scopes" if error.code == "invalid_scope" else "values" if error.code == "invalid_client" else "network"
    return "values"
