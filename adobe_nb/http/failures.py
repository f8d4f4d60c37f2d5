"""Why no usable response came, in our words: never the library's, which can quote a proxy's
password.

Whether the request can have arrived decides what a user may do next, so it is read from the types
of the library's errors. Their texts prove nothing: a server can write whatever it likes into a
status line.
"""

import re
import ssl
from dataclasses import dataclass

from requests import exceptions
from urllib3.exceptions import (
    ConnectTimeoutError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
)
from urllib3.util.ssl_match_hostname import CertificateError

from adobe_nb.errors import RedirectRefused, TransportError
from adobe_nb.http.messages import Request, Response


@dataclass(frozen=True, slots=True)
class Failure:
    """An attempt without a usable response."""

    message: str
    never_sent: bool = False
    """It is certain that the service did not receive the request."""
    final: bool = False
    """Sending it again would give the same."""


def error_of(request: Request, outcome: Response | Failure) -> TransportError:
    """The error to raise for a failure, or for a redirect."""
    if isinstance(outcome, Failure):
        return TransportError(outcome.message, never_sent=outcome.never_sent)
    # A Location is the server's own text and may be no URL at all: only a plain host name is
    # repeated.
    target = re.match(r"https?://([A-Za-z0-9.-]+)", outcome.headers.get("Location", ""))
    where = target[1] if target else "another address"
    return RedirectRefused(
        f"{request.place} answered with a redirect to {where}, which is not followed because credentials would "
        "go along. Often this is a proxy's login page: sign in to your network, then run it again."
    )


def unexpected_encoding(request: Request) -> Failure:
    """The response is compressed in a way that nobody asked for."""
    return _unusable(request, "answered in an encoding that it was not asked for")


def too_large(request: Request, limit: int) -> Failure:
    """The response has more bytes than the limit."""
    size = f"{limit / 2**20:g} MiB"
    return _unusable(request, f"answered with more than {size}, so the rest was not read")


def _unusable(request: Request, what: str) -> Failure:
    text = f"{request.place} {what}. Is this really Adobe's address? Check proxy and VPN."
    if not request.repeatable:
        text += f" {_next_step(request)}"
    return Failure(text, final=True)


def failure_of(request: Request, error: Exception, *, is_local: bool = False) -> Failure:
    """What an error of the HTTP library means for this request."""
    place = request.place
    cause = _cause(error)
    if isinstance(error, exceptions.ProxyError):
        return _proxy_failure(request, getattr(cause, "original_error", cause))
    tunnel_status = _tunnel_status(cause)
    if tunnel_status is not None:
        return _tunnel_refused(place, tunnel_status)
    if isinstance(error, exceptions.SSLError):
        return _tls_failure(request, cause)
    if isinstance(error, exceptions.Timeout):
        return _timeout(request, error)
    if isinstance(error, exceptions.ConnectionError):
        return _connection_failure(request, cause, is_local=is_local)
    if isinstance(error, (exceptions.InvalidSchema, exceptions.InvalidProxyURL)):
        text = f"The proxy set for {place} cannot be used. Check HTTPS_PROXY, ALL_PROXY."
        return Failure(text, never_sent=True)
    if isinstance(error, (exceptions.ChunkedEncodingError, exceptions.ContentDecodingError)):
        return Failure(f"{place} broke off in the middle of its answer. {_next_step(request)}")
    kind = type(error).__name__
    return Failure(f"The request to {place} failed ({kind}). {_next_step(request)}")


def _next_step(request: Request) -> str:
    if request.repeatable:
        return "Run it again."
    return "It may have arrived, and sending it again may count it twice."


def _cause(error: Exception) -> object:
    """The innermost error, which the library wraps up to twice."""
    first = error.args[0] if error.args else None
    if isinstance(first, MaxRetryError):
        return first.reason
    # ProtocolError("Connection aborted.", the error itself)
    if isinstance(first, ProtocolError) and len(first.args) > 1:
        return first.args[1]
    return first


def _tls_failure(request: Request, cause: object) -> Failure:
    place = request.place
    wrapped = cause.args[0] if isinstance(cause, BaseException) and cause.args else None
    about_certificate = (ssl.SSLCertVerificationError, CertificateError)
    if isinstance(cause, about_certificate) or isinstance(wrapped, about_certificate):
        return Failure(
            f"The certificate of {place} was not accepted. If your company's proxy re-signs traffic, point "
            "REQUESTS_CA_BUNDLE at its certificate file.",
            never_sent=True,
        )
    return Failure(
        f"The encrypted connection to {place} failed. Check VPN and proxy. {_next_step(request)}"
    )


def _timeout(request: Request, error: exceptions.Timeout) -> Failure:
    if isinstance(error, exceptions.ConnectTimeout):
        text = f"{request.place} did not accept a connection in time. Check network and VPN, then run it again."
        return Failure(text, never_sent=True)
    return Failure(f"{request.place} did not answer in time. {_next_step(request)}")


def _connection_failure(request: Request, cause: object, *, is_local: bool) -> Failure:
    advice = "Check network, VPN, proxy."
    if is_local:
        advice = "Is the simulator running (adobe-nb simulator)?"
    if isinstance(cause, (NewConnectionError, NameResolutionError)):
        return Failure(f"{request.place} cannot be reached. {advice}", never_sent=True)
    text = f"{request.place} broke off the connection. {advice}"
    if not request.repeatable:
        text += f" {_next_step(request)}"
    return Failure(text)


def _proxy_failure(request: Request, cause: object) -> Failure:
    """The library blames the proxy for a connection that breaks later, too."""
    place = request.place
    tunnel_status = _tunnel_status(cause)
    if tunnel_status is not None:
        return _tunnel_refused(place, tunnel_status)
    if isinstance(cause, NameResolutionError):
        return Failure(
            f"The name of the proxy set for this machine is unknown, so {place} was not reached. Check HTTPS_PROXY.",
            never_sent=True,
        )
    if isinstance(cause, NewConnectionError):
        return Failure(
            f"The proxy set for this machine refused the connection, so {place} was not reached. Check HTTPS_PROXY, "
            "and whether the proxy is running.",
            never_sent=True,
        )
    if isinstance(cause, ConnectTimeoutError):
        return Failure(
            f"The proxy set for this machine did not accept a connection in time, so {place} was not reached. Check "
            "HTTPS_PROXY and VPN.",
            never_sent=True,
        )
    return Failure(
        f"The proxy on the way to {place} broke off the connection. {_next_step(request)}"
    )


def _tunnel_status(cause: object) -> int | None:
    """The status with which a proxy refused to open a tunnel; None for every other error.

    The standard library has no type of its own for it: a plain OSError without a number whose text
    begins like this. The proxy's own words come after the status.
    """
    if type(cause) is not OSError or cause.errno is not None or not cause.args:
        return None
    match = re.match(r"Tunnel connection failed: ([0-9]{3})\b", str(cause.args[0]), re.ASCII)
    return int(match[1]) if match else None


def _tunnel_refused(place: str, status: int) -> Failure:
    text = f"The proxy on the way to {place} refused with {status}"
    if status == 407:
        # Not again with the same: some proxies lock an account after a few wrong passwords.
        return Failure(
            f"{text}: the proxy asks for a user name and password, or does not accept those in HTTPS_PROXY. Set "
            "HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT in the environment, with special characters as %XX.",
            never_sent=True,
            final=True,
        )
    if status in {401, 403}:
        text += ": it does not allow this address. Ask your network's administrators."
        return Failure(text, never_sent=True, final=True)
    if status >= 500:
        text += f": it could not reach {place}. Check VPN and proxy, then run it again."
        return Failure(text, never_sent=True)
    return Failure(f"{text}. Check HTTPS_PROXY.", never_sent=True)
