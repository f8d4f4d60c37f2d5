"""Every kind of bad input gives a next step and no secret, in every traceback mode."""

import io
import json
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from types import FunctionType, MappingProxyType, ModuleType
from typing import Any

import pytest
import requests
from IPython.core.ultratb import VerboseTB
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPHeaderDict

import adobe_nb
from adobe_nb import session as sessions
from adobe_nb.auth.credentials import Secret
from tests.conftest import Recorder, sign_in
from tests.support.stub import Answer, Got, stub

HUSH = "hush-5b1f9c-client-secret"
ORG = "ABCDEF0123456789ABCDEF01@AdobeOrg"


def connect(**changes: Any) -> Any:
    values = {
        "client_id": "client-1234567890",
        "client_secret": HUSH,
        "org_id": ORG,
        "retry_pause": 0,
    }
    return sessions.connect(**{**values, **changes})


def wrong_secret(demo: Any) -> None:
    sign_in(demo, client_secret=HUSH)


def unreachable(demo: Any) -> None:
    connect(ims_url="http://127.0.0.1:9", reactor_url="http://127.0.0.1:9")


def outside_hosts(demo: Any) -> None:
    connect(ims_url="https://evil.test")


def invalid_organization(demo: Any) -> None:
    connect(org_id="nonsense")


def half(demo: Any) -> None:
    sessions.connect(client_secret=HUSH)


def redirected(demo: Any) -> None:
    with stub(lambda _: Answer(307, headers={"Location": "https://evil.test"})) as server:
        connect(ims_url=server.url, reactor_url=server.url)


def html_from_ims(demo: Any) -> None:
    with stub(lambda got: Answer(200, b"<html>" + got.body)) as server:
        connect(ims_url=server.url, reactor_url=server.url)


def echoing_ims(demo: Any) -> None:
    with stub(
        lambda got: Answer(400, b'{"error": "other", "error_description": "' + got.body + b'"}')
    ) as server:
        connect(ims_url=server.url, reactor_url=server.url)


def cut_token(demo: Any) -> None:
    sessions.connect(access_token=f"{HUSH}.eyJhbGciOi", client_id="client-1234567890", org_id=ORG)


def half_env_file(demo: Any) -> None:
    path = Path.cwd() / ".env"
    path.write_text(f"ADOBE_CLIENT_SECRET={HUSH}\n")
    path.chmod(0o600)
    sessions.connect()


def readable_env_file(demo: Any) -> None:
    path = Path.cwd() / ".env"
    path.write_text(f"ADOBE_CLIENT_SECRET={HUSH}\n")
    path.chmod(0o644)
    sessions.connect()


def unknown_id(demo: Any) -> None:
    sign_in(demo).reactor.rules.get("RL" + "0" * 32)


def interrupted(demo: Any) -> None:
    import _thread

    def interrupt(_: Any) -> Answer:
        _thread.interrupt_main()
        return Answer(200, b"{}")

    with stub(interrupt) as server:
        for _ in range(2):
            connect(ims_url=server.url, reactor_url=server.url)


def half_environment(demo: Any) -> None:
    with environment(ADOBE_CLIENT_SECRET=HUSH):
        sessions.connect()


def wrong_value_in_the_environment(demo: Any) -> None:
    with environment(
        ADOBE_CLIENT_SECRET=HUSH, ADOBE_CLIENT_ID="client-1234567890", ADOBE_ORG_ID="nonsense"
    ):
        sessions.connect()


def secret_as_bytes(demo: Any) -> None:
    connect(client_secret=HUSH.encode())


def organization_as_number(demo: Any) -> None:
    connect(org_id=123)


def host_with_an_empty_label(demo: Any) -> None:
    connect(ims_url="https://foo..adobelogin.com")


def invalid_proxy(demo: Any) -> None:
    with environment(HTTPS_PROXY=f"http://user:{HUSH}@foo..bar:8080"):
        connect()


def odd_token_from_ims(demo: Any) -> None:
    with stub(
        lambda _: Answer(200, f'{{"access_token": "{HUSH}é", "expires_in": 9}}'.encode())
    ) as server:
        connect(ims_url=server.url, reactor_url=server.url)


@contextmanager
def environment(**values: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setenv(name, value)
        yield


SCENES: list[Callable[[Any], None]] = [
    wrong_secret,
    unreachable,
    outside_hosts,
    invalid_organization,
    half,
    redirected,
    html_from_ims,
    echoing_ims,
    cut_token,
    half_env_file,
    readable_env_file,
    unknown_id,
    interrupted,
    half_environment,
    wrong_value_in_the_environment,
    secret_as_bytes,
    organization_as_number,
    host_with_an_empty_label,
    invalid_proxy,
    odd_token_from_ims,
]


def tracebacks(error: BaseException) -> str:
    """Return the error as Python and IPython can show it, with the local variables of frames."""
    # The frames of the tests hold the secret on purpose.
    frames = error.__traceback__
    while frames is not None and Path(frames.tb_frame.f_code.co_filename).is_relative_to(
        Path(__file__).parents[1]
    ):
        frames = frames.tb_next
    plain = traceback.TracebackException(type(error), error, frames, capture_locals=True)
    texts = ["".join(plain.format()), repr(error), str(error)]
    if frames is not None:
        texts.append(VerboseTB(include_vars=True).text(type(error), error, frames))
    if isinstance(error, adobe_nb.AdobeError):
        texts += error._render_traceback_()
    return "\n".join(texts)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_no_output_shows_a_secret(
    scene: Callable[[Any], None], demo: Any, recorder: Recorder
) -> None:
    recorder.secrets.add(HUSH)
    with pytest.raises(
        (adobe_nb.AdobeError, adobe_nb.InsecureFileWarning, KeyboardInterrupt)
    ) as caught:
        scene(demo)
    shown = tracebacks(caught.value)
    recorder.lines.append(shown)
    assert HUSH not in shown
    assert not any(token in shown for token in demo.ims.issued)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_the_search_of_tracebacks_would_find_a_secret() -> None:
    namespace: dict[str, Any] = {}
    code = compile("def fail(secret):\n    raise ValueError('x')\n", "elsewhere.py", "exec")
    exec(code, namespace)
    with pytest.raises(ValueError, match="x") as caught:
        namespace["fail"](HUSH)
    assert HUSH in tracebacks(caught.value)


def test_the_recorder_finds_a_secret() -> None:
    own = Recorder()
    own.secrets.add(HUSH)
    assert own.leaks() == []
    own.lines.append(f"a line with {HUSH} in it")
    assert own.leaks() == [HUSH]


def test_the_recorder_finds_one_secret_that_begins_as_others_do() -> None:
    own = Recorder()
    own.secrets |= {f"{HUSH}-1", f"{HUSH}-2", "another"}
    own.lines += [f"{HUSH}-", f"twice {HUSH}{HUSH}-2."]
    assert own.leaks() == [f"{HUSH}-2"]


def test_objects_of_a_session_show_no_secret(demo: Any, recorder: Recorder) -> None:
    session = sign_in(demo)
    client = session.client
    out = io.StringIO()
    with redirect_stdout(out):
        for thing in (
            session,
            session.credentials,
            session.token,
            session._auth,
            client,
            client.__dict__,
            session.__dict__,
            session._auth.__dict__,
            session.reactor,
            session.headers(),
            session.reactor.companies().attrs,
        ):
            print(thing, repr(thing), f"{thing}")
    recorder.lines.append(out.getvalue())
    assert recorder.known_secrets()
    assert not [secret for secret in recorder.known_secrets() if secret in out.getvalue()]


def test_the_process_environment_is_unchanged(demo: Any) -> None:
    import os

    sign_in(demo)
    assert demo.accounts["demo"].client_secret not in "".join(os.environ.values())


def test_a_secret_is_not_in_sys_last_value_frames(demo: Any) -> None:
    try:
        sign_in(demo, client_secret=Secret(HUSH))
    except adobe_nb.SignInError:
        frame = sys.exc_info()[2]
    while frame is not None:
        names = {
            name: value
            for name, value in frame.tb_frame.f_locals.items()
            if isinstance(value, (str, bytes, dict))
        }
        assert HUSH not in repr(names)
        frame = frame.tb_next


def reached(error: BaseException) -> Iterator[str]:
    """Yield every text that ``%debug`` can reach from local variables, except hidden secrets."""
    seen: set[int] = set()
    todo: list[Any] = [error]
    while todo:
        thing = todo.pop()
        if id(thing) in seen or isinstance(thing, (Secret, type, ModuleType, FunctionType)):
            continue
        seen.add(id(thing))
        if isinstance(thing, (str, bytes)):
            yield thing if isinstance(thing, str) else thing.decode("latin-1")
        elif isinstance(thing, (dict, MappingProxyType, HTTPHeaderDict, CaseInsensitiveDict)):
            todo += [*thing.keys(), *thing.values()]
        elif isinstance(thing, (list, tuple, set, frozenset, deque)):
            todo += thing
        elif isinstance(thing, BaseException):
            todo += [thing.__cause__, thing.__context__, vars(thing), thing.args]
            for frame, _ in traceback.walk_tb(thing.__traceback__):
                if not Path(frame.f_code.co_filename).is_relative_to(Path(__file__).parents[1]):
                    todo += frame.f_locals.values()
        elif type(thing).__module__.split(".")[0] in {"adobe_nb", "requests", "urllib3", "http"}:
            todo += getattr(thing, "__dict__", {}).values()
            todo += [
                getattr(thing, name, None)
                for kind in type(thing).__mro__
                for name in vars(kind).get("__slots__", ())
            ]


SIGNED_IN = json.dumps({"access_token": f"{HUSH}.token.signed", "expires_in": 99}).encode()
JSON = {"Content-Type": "application/json"}


def answering(*replies: Any) -> Any:
    """Run a server that signs in once and then sends the replies, the last one forever."""
    left = [Answer(200, SIGNED_IN, JSON), *replies]

    def answer(got: Got) -> Answer:
        reply = left.pop(0) if len(left) > 1 else left[0]
        return reply(got) if callable(reply) and not isinstance(reply, tuple) else reply

    return stub(answer)


def interrupting(_: Got) -> Answer:
    import _thread

    _thread.interrupt_main()
    return Answer(200, SIGNED_IN, JSON)


def quoting(status: int) -> Callable[[Got], Answer]:
    return lambda got: Answer(
        status, json.dumps({"errors": [{"detail": repr(got), "code": "x"}]}).encode(), JSON
    )


REDIRECT = Answer(307, headers={"Location": f"https://evil.test/{HUSH}"})
REFUSED = Answer(401, b"{}", JSON)
PLACE = "PR" + "0" * 32
ATTEMPTS: dict[str, tuple[tuple[Any, ...], Callable[[Any], object]]] = {
    "a read is redirected": ((REDIRECT,), lambda session: session.client.get("/companies")),
    "a write is redirected": (
        (REDIRECT,),
        lambda session: session.reactor.rules.create(PLACE, name="x"),
    ),
    "the renewal is refused": (
        (REFUSED, quoting(400)),
        lambda session: session.client.get("/companies"),
    ),
    "the renewal is redirected": (
        (REFUSED, REDIRECT),
        lambda session: session.client.get("/companies"),
    ),
    "the renewal is interrupted": (
        (REFUSED, interrupting),
        lambda session: session.client.get("/companies"),
    ),
    "the renewal is no JSON": (
        (REFUSED, Answer(200, b"{]", JSON)),
        lambda session: session.client.get("/companies"),
    ),
    "a read is refused": ((quoting(404),), lambda session: session.client.get("/companies")),
    "a list is refused": ((quoting(404),), lambda session: session.reactor.companies()),
    "a write is refused": (
        (quoting(409),),
        lambda session: session.reactor.rules.create(PLACE, name="x"),
    ),
    "a read is interrupted": (
        (interrupting,),
        lambda session: [session.client.get("/x") for _ in range(2)],
    ),
    "a write is cut off": (
        (Answer(200, b"{", {"Content-Length": "9"}),),
        lambda session: session.reactor.rules.create(PLACE, name="x"),
    ),
    "an answer is too large": (
        (Answer(200, b"{}", {"Content-Encoding": "br", "Content-Length": "2"}),),
        lambda session: session.client.get("/companies"),
    ),
    "a refresh is refused": ((quoting(400),), lambda session: session.refresh()),
    "a refresh is redirected": ((REDIRECT,), lambda session: session.refresh()),
    "a refresh is interrupted": ((interrupting,), lambda session: session.refresh()),
    "an event is refused": (
        (quoting(403),),
        lambda session: session.edge.interact("9a35b0d2-9f4d-4d2e-8d38-0f3a2b8e9c11", {"xdm": {}}),
    ),
    "an event is redirected": (
        (REDIRECT,),
        lambda session: session.edge.interact("9a35b0d2-9f4d-4d2e-8d38-0f3a2b8e9c11", {"xdm": {}}),
    ),
}


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_no_local_variable_of_an_error_leads_to_a_secret(attempt: str) -> None:
    replies, act = ATTEMPTS[attempt]
    with answering(*replies) as server:
        session = connect(
            ims_url=server.url,
            reactor_url=server.url,
            edge_url=server.url,
            edge_server_url=server.url,
        )
        with pytest.raises((adobe_nb.AdobeError, KeyboardInterrupt)) as caught:
            act(session)
            time.sleep(20)  # The interrupt came late.
    texts = list(reached(caught.value))
    assert texts
    assert [text[:300] for text in texts if HUSH in text] == []


def test_the_search_through_variables_would_find_a_signed_request() -> None:
    request = requests.Request(
        "GET", "https://x.test", headers={"Authorization": f"Bearer {HUSH}"}
    ).prepare()
    error = ValueError("x")
    error.signed = [request]  # type: ignore[attr-defined]
    assert any(HUSH in text for text in reached(error))
