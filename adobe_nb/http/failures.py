"""Why no usable response arrived, in our own words: the library's can quote a proxy's password.

Whether the request can have arrived decides what a user may do next. It is read from the types of
the library's errors, because their texts prove nothing: a server can write anything into a status
line.
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

_CERTIFICATE_ERRORS = (ssl.SSLCertVerificationError, CertificateError)
# A name resolution error is a new-connection error, too, so it comes first.
_PROXY_PROBLEMS = (
    (NameResolutionError, "has an unknown host name", "HTTPS_PROXY."),
    (
        NewConnectionError,
        "refused the connection",
        "HTTPS_PROXY, and whether the proxy is running.",
    ),
    (ConnectTimeoutError, "did not accept a connection in time", "HTTPS_PROXY and VPN."),
)


@dataclass(frozen=True, slots=True)
class Failure:
    """An attempt without a usable response."""

    message: str
    never_sent: bool = False
    """It is certain that the service did not receive the request."""
    final: bool = False
    """Another attempt would fail, too."""


def error_of(request: Request, outcome: Response | Failure) -> TransportError:
    """Return the error to raise for a failure, or for a redirect."""
    if isinstance(outcome, Failure):
        return TransportError(outcome.message, never_sent=outcome.never_sent)
    # A Location is any text of the server, so only a plain host name is quoted.
    match = re.match(r"https?://([A-Za-z0-9.-]+)", outcome.headers.get("Location", ""))
    target = "another address"
    if match:
        target = match[1]
    return RedirectRefused(
        f"{request.host} responded with a redirect to {target}, which is not followed because it "
        "would receive the credentials. This is often the login page of a proxy: sign in to your "
        "network, then run this again."
    )


def unusable(request: Request, problem: str) -> Failure:
    """Return the failure for a response that cannot be read."""
    text = f"{request.host} {problem}. Is this really Adobe's address? Check proxy and VPN."
    if not request.repeatable:
        text += f" {_next_step(request)}"
    return Failure(text, final=True)


def failure_of(request: Request, error: Exception, *, is_local: bool = False) -> Failure:
    """Return what an error of the HTTP library means for this request."""
    host = request.host
    cause = _cause(error)
    tunnel_status = _tunnel_status(cause)
    if tunnel_status is not None:
        return _tunnel_refused(host, tunnel_status)
    if isinstance(error, exceptions.ProxyError):
        return _proxy_failure(request, cause)
    if isinstance(error, exceptions.SSLError):
        return _tls_failure(request, cause)
    if isinstance(error, exceptions.ConnectTimeout):
        text = (
            f"{host} did not accept a connection in time. Check network and VPN, then run it again."
        )
        return Failure(text, never_sent=True)
    if isinstance(error, exceptions.Timeout):
        return Failure(f"{host} did not respond in time. {_next_step(request)}")
    if isinstance(error, exceptions.ConnectionError):
        return _connection_failure(request, cause, is_local=is_local)
    if isinstance(error, (exceptions.InvalidSchema, exceptions.InvalidProxyURL)):
        text = f"The proxy set for {host} cannot be used. Check HTTPS_PROXY and ALL_PROXY."
        return Failure(text, never_sent=True)
    problem = f"The request to {host} failed ({type(error).__name__})"
    if isinstance(error, (exceptions.ChunkedEncodingError, exceptions.ContentDecodingError)):
        problem = f"{host} closed the connection in the middle of its response"
    return Failure(f"{problem}. {_next_step(request)}")


def _next_step(request: Request) -> str:
    if request.repeatable:
        return "Run it again."
    return "The request may have arrived; sending it again may count it twice."


def _cause(error: Exception) -> object:
    """Return the innermost error, which the library wraps up to three times."""
    cause = next(iter(error.args), None)
    if isinstance(cause, MaxRetryError):
        cause = cause.reason
    # ProtocolError("Connection aborted.", the error itself)
    elif isinstance(cause, ProtocolError) and len(cause.args) > 1:
        cause = cause.args[1]
    if isinstance(error, exceptions.ProxyError):
        cause = getattr(cause, "original_error", cause)
    return cause


def _tls_failure(request: Request, cause: object) -> Failure:
    causes = (cause, *getattr(cause, "args", ()))
    if any(isinstance(error, _CERTIFICATE_ERRORS) for error in causes):
        return Failure(
            f"The certificate of {request.host} was not accepted. If your company's proxy re-signs "
            "traffic, set REQUESTS_CA_BUNDLE to its certificate file.",
            never_sent=True,
        )
    return Failure(
        f"The encrypted connection to {request.host} failed. Check VPN and proxy. "
        f"{_next_step(request)}"
    )


def _connection_failure(request: Request, cause: object, *, is_local: bool) -> Failure:
    advice = "Check network, VPN and proxy."
    if is_local:
        advice = "Is the simulator running (adobe-nb simulator)?"
    if isinstance(cause, (NewConnectionError, NameResolutionError)):
        return Failure(f"{request.host} cannot be reached. {advice}", never_sent=True)
    text = f"{request.host} closed the connection. {advice}"
    if not request.repeatable:
        text += f" {_next_step(request)}"
    return Failure(text)


def _proxy_failure(request: Request, cause: object) -> Failure:
    for error_type, problem, advice in _PROXY_PROBLEMS:
        if isinstance(cause, error_type):
            text = (
                f"The proxy set for this machine {problem}, so {request.host} was not reached. "
                f"Check {advice}"
            )
            return Failure(text, never_sent=True)
    # The library blames the proxy for a connection that breaks later, too.
    return Failure(f"The proxy for {request.host} closed the connection. {_next_step(request)}")


def _tunnel_status(cause: object) -> int | None:
    """Return the status with which a proxy refused to open a tunnel, if it did.

    The standard library has no error type for it: it is a plain OSError without a number, whose
    text begins like this. The proxy's own words come after the status.
    """
    if type(cause) is not OSError or cause.errno is not None or not cause.args:
        return None
    match = re.match(r"Tunnel connection failed: ([0-9]{3})\b", str(cause.args[0]), re.ASCII)
    if match is None:
        return None
    return int(match[1])


def _tunnel_refused(host: str, status: int) -> Failure:
    # Not retried: some proxies lock an account after a few wrong passwords.
    final = status in {401, 403, 407}
    advice = ". Check HTTPS_PROXY."
    if status == 407:
        advice = (
            ": the proxy requires a user name and password, or does not accept those in "
            "HTTPS_PROXY. Set HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT in the environment, with "
            "special characters as %XX."
        )
    elif final:
        advice = ": it does not allow this address. Ask your network's administrators."
    elif status >= 500:
        advice = f": it could not reach {host}. Check VPN and proxy, then run it again."
    text = f"The proxy for {host} refused with {status}{advice}"
    return Failure(text, never_sent=True, final=final)
