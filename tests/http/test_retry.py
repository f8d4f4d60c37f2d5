"""The retry policy: a table of attempts and decisions."""

from typing import Any

import pytest

from adobe_nb.http.failures import Failure
from adobe_nb.http.messages import Request, Response
from adobe_nb.http.retry import Action, Attempt, Decision, RetryPolicy

JSON = "application/json"
READ = Request("GET", "https://reactor.adobe.io/companies", repeatable=True, expects=(JSON,))
WRITE = Request("POST", "https://reactor.adobe.io/companies", body=b"{}", expects=(JSON,))

UNREACHABLE = Failure("cannot be reached", never_sent=True)
CUT_OFF = Failure("broke off in the middle of its answer")
TOO_LARGE = Failure("answered with too much", final=True)
PROXY_PASSWORD = Failure("the proxy asks for a password", never_sent=True, final=True)

RETURN = Decision(Action.RETURN)
RAISE = Decision(Action.RAISE)
RENEW_FIRST = Decision(Action.RENEW, counted=False)


def wait(seconds: float) -> Decision:
    return Decision(Action.WAIT, seconds)


def wait_with_all_threads(seconds: float) -> Decision:
    return Decision(Action.WAIT, seconds, for_all_threads=True)


def response(status: int, body: bytes = b"{}", media_type: str = JSON) -> Response:
    is_foreign = bool(body) and media_type != JSON
    return Response(status, {"Content-Type": media_type}, body, media_type, is_foreign)


LOGIN_PAGE = response(200, b"<html>", "text/html")


def decision(request: Request, outcome: Response | Failure, **facts: Any) -> Decision:
    return RetryPolicy().decide(Attempt(request, outcome, **facts))


@pytest.mark.parametrize(
    ("request_", "outcome", "facts", "expected"),
    [
        # Final responses.
        (READ, response(200), {}, RETURN),
        (READ, response(404), {}, RETURN),
        (READ, response(501), {}, RETURN),
        (WRITE, response(409), {}, RETURN),
        (READ, response(302), {}, RAISE),
        # A busy service: reads wait; writes only after 429, which means that they had no effect.
        (READ, response(503), {}, wait(0.5)),
        (READ, response(500), {"number": 2}, wait(1.0)),
        (READ, response(502), {"number": 4}, wait(4.0)),
        (READ, response(504), {"number": 8, "responding": True}, wait(8.0)),
        (READ, response(429), {}, wait(0.5)),
        (WRITE, response(429), {}, wait(0.5)),
        (WRITE, response(503), {}, RETURN),
        (WRITE, response(503), {"retry_after": 5.0}, RETURN),
        # Five attempts for a service that has never responded, ten for one that has.
        (READ, response(503), {"number": 5}, RETURN),
        (READ, response(503), {"number": 5, "responding": True}, wait(8.0)),
        (READ, response(503), {"number": 10, "responding": True}, RETURN),
        # Retry-After: all threads wait, up to five minutes; without jitter.
        (READ, response(429), {"retry_after": 7.0}, wait_with_all_threads(7.0)),
        (READ, response(503), {"retry_after": 7.0, "jitter": 0.75}, wait_with_all_threads(7.0)),
        (READ, response(429), {"retry_after": 300.0}, wait_with_all_threads(300.0)),
        (READ, response(429), {"retry_after": 301.0}, RETURN),
        (READ, response(429), {"retry_after": 0.0}, wait(0.5)),
        (READ, response(404), {"retry_after": 7.0}, RETURN),
        (READ, LOGIN_PAGE, {"retry_after": 7.0}, wait(7.0)),
        # Jitter spreads the back-off.
        (READ, response(503), {"jitter": 1.25}, wait(0.625)),
        (READ, response(503), {"number": 9, "responding": True, "jitter": 0.75}, wait(6.0)),
        # 401: a new token; the first renewal does not count as an attempt.
        (READ, response(401), {}, RENEW_FIRST),
        (WRITE, response(401), {}, RENEW_FIRST),
        (READ, response(401), {"number": 5}, RENEW_FIRST),
        (READ, response(401), {"renewable": False}, RETURN),
        (READ, response(401), {"renewed": True}, RETURN),
        (READ, response(401), {"renewed": True, "responding": True}, Decision(Action.RENEW, 0.5)),
        (
            READ,
            response(401),
            {"renewed": True, "responding": True, "number": 4},
            Decision(Action.RENEW, 4.0),
        ),
        (READ, response(401), {"renewed": True, "responding": True, "number": 5}, RETURN),
        (READ, response(401, b"<html>", "text/html"), {"renewable": False}, wait(0.5)),
        # A page of a proxy.
        (READ, LOGIN_PAGE, {}, wait(0.5)),
        (READ, LOGIN_PAGE, {"number": 2}, RETURN),
        (READ, LOGIN_PAGE, {"number": 2, "responding": True}, wait(1.0)),
        (WRITE, LOGIN_PAGE, {}, RETURN),
        (READ, response(204, b"", ""), {}, RETURN),
        # No usable response.
        (READ, UNREACHABLE, {}, wait(0.5)),
        (WRITE, UNREACHABLE, {"number": 2}, wait(1.0)),
        (READ, UNREACHABLE, {"number": 3, "responding": True}, RAISE),
        (READ, CUT_OFF, {}, wait(0.5)),
        (READ, CUT_OFF, {"number": 5}, RAISE),
        (READ, CUT_OFF, {"number": 5, "responding": True}, wait(8.0)),
        (WRITE, CUT_OFF, {}, RAISE),
        (READ, TOO_LARGE, {}, RAISE),
        (WRITE, PROXY_PASSWORD, {}, RAISE),
    ],
)
def test_each_attempt_has_one_decision(
    request_: Request, outcome: Response | Failure, facts: dict[str, Any], expected: Decision
) -> None:
    assert decision(request_, outcome, **facts) == expected


def test_a_pause_of_zero_never_waits() -> None:
    policy = RetryPolicy(pause=0)
    assert [
        policy.decide(Attempt(READ, response(503), number)).seconds for number in (1, 2, 3, 4)
    ] == [0, 0, 0, 0]


def test_one_attempt_is_the_last_one_even_for_a_responding_service() -> None:
    policy = RetryPolicy(attempts=1)
    assert policy.decide(Attempt(READ, response(503), responding=True)) == RETURN
    assert policy.decide(Attempt(READ, CUT_OFF, responding=True)) == RAISE


@pytest.mark.parametrize(
    ("status", "retry_after", "refused", "closed"),
    [
        (200, None, False, None),
        (404, 7.0, False, None),
        (429, None, True, None),
        (429, 7.0, True, 7.0),
        (429, 301.0, True, None),
        (503, None, False, None),
        (503, 7.0, True, 7.0),
        (503, 301.0, True, None),
    ],
)
def test_the_limiter_learns_of_429_and_of_any_retry_after(
    status: int, retry_after: float | None, refused: bool, closed: float | None
) -> None:
    policy = RetryPolicy()
    assert policy.is_refusal(response(status), retry_after) is refused
    assert policy.closing_time(response(status), retry_after) == closed
