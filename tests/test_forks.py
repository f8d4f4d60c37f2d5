"""Forked processes: each reads its own responses, nothing hangs, and writes are sent once."""

import errno
import json
import logging
import multiprocessing
import os
import pickle
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import adobe_nb
from adobe_nb import session as sessions
from adobe_nb.api.reactor.client import in_parallel
from adobe_nb.api.reactor.decoding import decoder_of
from adobe_nb.auth import keyring_store
from adobe_nb.auth.credentials import Secret
from adobe_nb.auth.profiles import ProfileStore
from adobe_nb.errors import AdobeError, NotFound, TransportError
from adobe_nb.http import limiter as limiters
from adobe_nb.http.limiter import Limiter
from adobe_nb.http.workers import map_unordered
from adobe_nb.registry import RESOURCES
from adobe_nb.simulator import server as simulator_server
from tests.conftest import SIGN_IN_VALUES, sign_in, until
from tests.support.stub import Answer, Got, stub

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning"),
]
WATCHDOG = 60
"""Seconds after which a child counts as hanging; each is done in less than one."""


_one_fork = threading.Lock()
"""The library of file locks refuses a fork while another thread forks."""


class Child:
    """A forked process that does some work, and is killed when it does not come to an end."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._read, write = os.pipe()
        with _one_fork:
            self._pid = os.fork()
        if self._pid:
            os.close(write)
            return
        try:
            os.close(self._read)
            # The buffer of a log file has its own lock, which stays held if another thread wrote.
            logging.disable(logging.CRITICAL)
            signal.alarm(WATCHDOG)  # Also if the parent has exited.
            try:
                outcome: tuple[bool, Any] = True, work()
            except BaseException:  # noqa: BLE001 - shown by the parent
                outcome = False, traceback.format_exc()
            with os.fdopen(write, "wb") as pipe:
                pipe.write(pickle.dumps(outcome))
        finally:
            os._exit(0)

    def result(self) -> Any:
        """What the work gave. Fails when it failed, or hangs."""
        data = b""
        end = time.monotonic() + WATCHDOG
        while select.select([self._read], [], [], max(0.0, end - time.monotonic()))[0]:
            part = os.read(self._read, 2**16)
            if not part:
                break
            data += part
        else:
            os.kill(self._pid, signal.SIGKILL)
        os.close(self._read)
        os.waitpid(self._pid, 0)
        assert data, "the child hangs, or ended early"
        good, outcome = pickle.loads(data)
        assert good, outcome
        return outcome


def in_child(work: Callable[[], Any]) -> Any:
    return Child(work).result()


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[dict[str, Any]]:
    """Connection details of a simulator in another process."""
    command = [
        sys.executable,
        "-c",
        "from adobe_nb.cli import main; raise SystemExit(main())",
        "simulator",
        "--json",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    yield json.loads(process.stdout.readline())
    process.terminate()
    process.wait()
    process.stdout.close()


@pytest.fixture(params=["in this process", "in another process"])
def anywhere(request: pytest.FixtureRequest) -> sessions.Session:
    if request.param == "in this process":
        return sign_in(request.getfixturevalue("demo"))
    details = request.getfixturevalue("elsewhere")
    return sessions.connect(**{name: details[name] for name in SIGN_IN_VALUES})


def tables(session: sessions.Session) -> dict[str, pd.DataFrame]:
    """The rules of each property; opens several connections."""
    ids = list(session.reactor.properties()["id"])[:4]
    session.reactor.rules(ids)
    return {each: session.reactor.rules(each) for each in ids}


def compare(session: sessions.Session, right: dict[str, pd.DataFrame], first: int = 0) -> int:
    """How many tables were read and right."""
    ids = list(right)
    ids = ids[first % len(ids) :] + ids[: first % len(ids)]
    for identifier in ids:
        frame = session.reactor.rules(identifier)
        pd.testing.assert_frame_equal(frame, right[identifier])
        assert set(frame["property_id"]) == {identifier}
    assert len(session.reactor.rules(ids)) == sum(len(frame) for frame in right.values())
    return len(ids)


class TestReads:
    def test_children_and_parent_read_their_own_tables_at_once(
        self, anywhere: sessions.Session
    ) -> None:
        right = tables(anywhere)
        children = [Child(lambda at=number: compare(anywhere, right, at)) for number in range(4)]
        compare(anywhere, right)
        assert [child.result() for child in children] == [len(right)] * 4

    def test_children_forked_while_another_thread_reads(self, anywhere: sessions.Session) -> None:
        right = tables(anywhere)
        stop = threading.Event()
        rounds: list[int] = []

        def read() -> None:
            while not stop.is_set():
                rounds.append(compare(anywhere, right, len(rounds)))

        with ThreadPoolExecutor(1) as pool:
            readers = [pool.submit(read)]
            try:
                children = []
                for number in range(4):
                    children.append(Child(lambda at=number: compare(anywhere, right, at)))
                    time.sleep(0.01)  # Fork at different points of the other thread.
                assert [child.result() for child in children] == [len(right)] * 4
            finally:
                stop.set()
            for reader in readers:
                reader.result()

    def test_after_the_threads_have_ended(self, session: sessions.Session) -> None:
        right = tables(session)
        assert until(
            lambda: not any(thread.name == "adobe_nb worker" for thread in threading.enumerate())
        )
        children = [Child(lambda at=number: compare(session, right, at)) for number in range(3)]
        assert [child.result() for child in children] == [len(right)] * 3

    def test_children_of_children(self, session: sessions.Session) -> None:
        right = tables(session)
        assert in_child(
            lambda: in_child(lambda: compare(session, right)) + compare(session, right)
        ) == 2 * len(right)

    def test_iteration_continues_in_both_processes(self, simulate: Any) -> None:
        from adobe_nb.simulator.seed import Bulk

        session = sign_in(simulate(seed="empty", bulk=Bulk(properties=1, rules=250, components=0)))
        place = session.reactor.properties()["id"].iloc[0]
        right = list(session.reactor.rules(place)["id"])
        walk = session.reactor.rules.iterate(place)
        begun = [next(walk)["id"] for _ in range(20)]
        child = Child(lambda: [each["id"] for each in walk])
        here = [each["id"] for each in walk]
        assert sorted(begun + here) == sorted(right)
        assert child.result() == here

    def test_a_child_connects_on_its_own(self, anywhere: sessions.Session, demo: Any) -> None:
        right = tables(anywhere)
        url = anywhere.credentials.hosts.reactor

        def work() -> int:
            own = (
                sign_in(demo)
                if url == demo.reactor_url
                else adobe_nb.connect(
                    client_id=anywhere.credentials.client_id,
                    client_secret=anywhere.credentials.client_secret,
                    org_id=anywhere.org_id,
                    reactor_url=url,
                    ims_url=url,
                )
            )
            return compare(own, right)

        assert in_child(work) == len(right)

    def test_a_pool_of_processes(self, session: sessions.Session) -> None:
        right = tables(session)
        with multiprocessing.get_context("fork").Pool(3, _hold, (session,)) as pool:
            found = pool.map_async(_read, list(right) * 2, chunksize=1).get(WATCHDOG)
        assert all(frame.equals(right[identifier]) for identifier, frame in found)
        assert len(found) == 2 * len(right)

    def test_a_snapshot_in_a_child(self, session: sessions.Session, tmp_path: Path) -> None:
        from adobe_nb import snapshot

        tables(session)
        place = session.reactor.properties()["id"].iloc[0]

        def pull() -> int:
            with adobe_nb.use(session):
                snapshot.pull([place], to=tmp_path / "tags", tables=["rules"])
            return len(snapshot.load(tmp_path / "tags", "rules"))

        assert in_child(pull) == len(session.reactor.rules(place))


_held: list[sessions.Session] = []


def _hold(session: sessions.Session) -> None:
    _held.append(session)


def _read(identifier: str) -> tuple[str, pd.DataFrame]:
    return identifier, _held[0].reactor.rules(identifier)


class TestLocks:
    def test_locks_of_other_threads_are_free_in_the_child(
        self, session: sessions.Session, demo: Any
    ) -> None:
        right = tables(session)
        pools = session._transport._adapter.poolmanager.pools._container.values()
        locks = [
            session._auth._lock,
            session.client.limiter._changed,
            sessions._lock,
            limiters._lock,
            simulator_server._lock,
            decoder_of(RESOURCES["rules"])._lock,
            *(pool.pool.mutex for pool in pools),
        ]
        held, release = threading.Event(), threading.Event()

        def hold() -> None:
            with ExitStack() as stack:
                for lock in locks:
                    stack.enter_context(lock)
                held.set()
                release.wait(WATCHDOG)

        def work() -> int:
            session.refresh()
            count = compare(session, right)
            sign_in(demo)
            session._transport.close()
            return count

        holder = threading.Thread(target=hold)
        holder.start()
        held.wait()
        try:
            child = Child(work)
        finally:
            release.set()
            holder.join()
        assert child.result() == len(right)

    def test_a_decoder_completes_what_another_thread_started(self, simulate: Any) -> None:
        simulator = simulate()
        for record in simulator.stores[simulator.accounts["demo"].org_id].all("rules"):
            record.attributes["colour"] = "red"
        session = sign_in(simulator)
        place = session.reactor.properties()["id"].iloc[0]
        decoder = decoder_of(RESOURCES["rules"])
        decoder._learned["attributes"].append(
            "colour"
        )  # Another thread was about to create a decoder for it.
        try:
            assert set(in_child(lambda: session.reactor.rules(place))["colour"]) == {"red"}
        finally:
            decoder.after_fork()

    def test_requests_in_flight_in_the_parent_do_not_count_in_the_child(self) -> None:
        release = threading.Event()

        def answer(got: Got) -> Answer:
            if got.path.startswith("/ims/"):
                return Answer(
                    200,
                    b'{"access_token": "t", "expires_in": 99}',
                    {"Content-Type": "application/json"},
                )
            identifier = got.path.rpartition("/")[2]
            if identifier.startswith("RL1"):
                release.wait(WATCHDOG)
            body = f'{{"data": {{"id": "{identifier}", "type": "rules"}}}}'
            return Answer(200, body.encode(), {"Content-Type": "application/vnd.api+json"})

        hanging = [f"RL1{number:031x}" for number in range(40)]
        fine = [f"RL2{number:031x}" for number in range(40)]
        with stub(answer) as server, ThreadPoolExecutor(1) as pool:
            session = sessions.connect(
                client_id="c" * 12,
                client_secret="hush",
                org_id="F@AdobeOrg",
                retry_pause=0,
                ims_url=server.url,
                reactor_url=server.url,
            )
            limiter = session.client.limiter
            reading = pool.submit(session.reactor.rules.get, *hanging)
            try:
                assert until(lambda: limiter.in_flight == limiter.limit)
                assert list(in_child(lambda: session.reactor.rules.get(*fine))["id"]) == fine
            finally:
                release.set()
            assert list(reading.result()["id"]) == hanging
            assert limiter.in_flight == 0

    def test_a_turn_of_the_parent_is_not_released_in_the_child(self) -> None:
        limiter = Limiter()
        with limiter.turn():
            child = Child(lambda: limiter.in_flight)
        assert child.result() == 0

        def leave() -> int:
            with limiter.turn() as turn:
                limiter.after_fork()
                assert turn
            return limiter.in_flight

        assert leave() == 0


class TestFromInside:
    def test_a_worker_thread(self, session: sessions.Session) -> None:
        right = tables(session)
        found = in_parallel(
            session.client, lambda at: in_child(lambda: compare(session, right, at)), range(3)
        )
        assert found == [len(right)] * 3

    def test_a_thread_of_a_users_pool(self, session: sessions.Session) -> None:
        right = tables(session)
        with ThreadPoolExecutor(3) as pool:
            found = list(
                pool.map(lambda at: in_child(lambda: compare(session, right, at)), range(3))
            )
        assert found == [len(right)] * 3

    def test_a_running_call_fails_in_the_child_and_continues_in_the_parent(self) -> None:
        children: list[int] = []
        read, write = os.pipe()

        def run() -> None:
            for number, _ in map_unordered(lambda number: number, range(20), threads=lambda: 2):
                if number == 3:
                    children.append(os.fork())

        here = os.getpid()
        try:
            run()
        except TransportError as error:
            if os.getpid() == here:
                raise
            os.write(write, str(error).encode())
        finally:
            if os.getpid() != here:
                os._exit(0)
        os.close(write)
        assert select.select([read], [], [], WATCHDOG)[0], "the child hangs"
        assert b"forked during the call" in os.read(read, 1000)
        os.close(read)
        os.waitpid(children[0], 0)


class TestWritesTokensAndEvents:
    def test_writes_of_children_are_sent_once_and_journaled(self, simulate: Any) -> None:
        simulator = simulate()
        session = sign_in(simulator)
        place = session.reactor.properties()["id"].iloc[0]
        tables(session)

        def work(number: int) -> str:
            made = session.reactor.rules.create(place, name=f"rule {number}")
            return str(
                session.reactor.rules.update(made["id"].iloc[0], enabled=False)["id"].iloc[0]
            )

        children = [Child(lambda at=number: work(at)) for number in range(4)]
        work(99)
        ids = [child.result() for child in children]
        assert len(set(ids)) == 4
        sent = [(request.method, request.path) for request in simulator.requests]
        assert sum(each == ("POST", f"/properties/{place}/rules") for each in sent) == 5
        for identifier in ids:
            assert sent.count(("PATCH", f"/rules/{identifier}")) == 1
        journal = adobe_nb.journal()
        assert len(journal) == 10
        assert set(journal["outcome"]) == {"done"}

    def test_a_token_is_renewed_and_an_event_sent(self, demo: Any) -> None:
        session = sign_in(demo)
        tables(session)
        stream = demo.connection()["datastream_id"]
        event = {
            "xdm": {
                "eventType": "test",
                "identityMap": {"Email": [{"id": "a@b.test", "primary": True}]},
            }
        }
        session.edge.interact(stream, event)
        before = session.token

        def work() -> tuple[bool, int, int]:
            session.refresh()
            assert before is not None
            assert session.token is not None
            frame = session.edge.interact(stream, event)
            sent = session.edge.collect(stream, [event] * 3)
            return session.token.value != before.value, len(frame), len(sent)

        children = [Child(work) for _ in range(3)]
        assert [child.result() for child in children] == [
            (True, len(session.edge.interact(stream, event)), 3)
        ] * 3
        assert session.token == before

    def test_a_profile_and_the_keyring(self, demo: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        import keyring
        from keyring.backend import KeyringBackend

        class Kept(KeyringBackend):
            priority = 5.0
            kept: dict[tuple[str, str], str] = {}

            def get_password(self, service: str, username: str) -> str | None:
                return self.kept.get((service, username))

            def set_password(self, service: str, username: str, password: str) -> None:
                self.kept[service, username] = password

            def delete_password(self, service: str, username: str) -> None:
                del self.kept[service, username]

        before = keyring.get_keyring()
        keyring.set_keyring(Kept())
        try:
            keyring_store.keep("entry", Secret("hush"))
            assert in_child(lambda: keyring_store.fetch("entry") == Secret("hush"))
        finally:
            keyring.set_keyring(before)
        sign_in(demo).save("work", in_file=True)
        assert in_child(lambda: len(adobe_nb.connect(profile="work").reactor.companies())) == 1

        def save() -> int:
            ProfileStore().save("other", sign_in(demo).credentials, in_file=True)
            return len(adobe_nb.profiles())

        assert in_child(save) == 2


class TestDisplays:
    def test_children_show_no_bars_and_call_no_listeners(
        self, demo: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from adobe_nb.api.progress import _Bar, bar

        class Terminal:
            text = ""

            def write(self, text: str) -> None:
                Terminal.text += text

            def flush(self) -> None:
                pass

            def isatty(self) -> bool:
                return True

        session = sign_in(demo)
        told: list[bool] = []
        sessions.on_change(lambda: told.append(True))
        monkeypatch.setattr(sys, "stderr", Terminal())
        limiter = Limiter()

        def work() -> tuple[bool, list[bool], str]:
            with bar(limiter, "rules") as meter:
                meter.update()
            told.clear()
            session.refresh()
            return isinstance(meter, _Bar), told, Terminal.text

        with bar(limiter, "rules") as meter:
            assert isinstance(meter, _Bar)
            assert in_child(work) == (False, [], "")
        session.refresh()
        assert told == [True]


BUILT_IN = """\
import atexit, multiprocessing, os, sys, warnings
import adobe_nb
from adobe_nb import reactor
from adobe_nb.simulator import discovery

session = adobe_nb.connect(simulator=True)
ids = list(reactor.properties()["id"])

def read(identifier):
    return set(reactor.rules(identifier)["property_id"]) == {identifier}

def fresh(identifier):
    own = adobe_nb.connect(simulator=True)
    details = discovery.connection_details()
    pasted = adobe_nb.connect(access_token=details["access_token"], org_id=details["org_id"],
        reactor_url=details["reactor_url"], ims_url=details["ims_url"], make_default=False)
    assert pasted.reactor.properties()["id"].tolist() == ids
    return own.credentials.hosts == session.credentials.hosts and read(identifier)

def missing(identifier):
    return reactor.rules.get("RL" + "0" * 32)

if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert all(pool.map_async(read, ids).get(30))
        assert all(pool.map_async(fresh, ids).get(30))
        try:
            pool.apply_async(missing, ids[:1]).get(30)
        except adobe_nb.NotFound as error:
            assert error.status == 404, error
        else:
            raise SystemExit("no error came back")
    child = os.fork()
    if not child:
        assert read(ids[0])
        sys.exit(0)  # Exit handlers run here, too.
    assert os.waitpid(child, 0)[1] == 0
    assert read(ids[1])
    print("good")
"""


def test_children_use_the_built_in_simulator_of_their_parent_and_leave_it_running(
    tmp_path: Path,
) -> None:
    script = tmp_path / "script.py"
    script.write_text(BUILT_IN)
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        timeout=WATCHDOG,
        check=False,
        cwd=tmp_path,
    )
    assert done.stdout == "good\n", done.stderr


def test_a_child_keeps_no_port_of_the_simulator_open(simulate: Any) -> None:
    simulator = simulate(seed="empty")
    sign_in(simulator)
    read, write = os.pipe()

    def wait() -> int:
        os.close(write)
        simulator.stop()  # Harmless in the child.
        return len(os.read(read, 1))

    child = Child(wait)
    place = ("127.0.0.1", int(simulator.reactor_url.rpartition(":")[2]))
    socket.create_connection(place).close()
    simulator.stop()

    def refused() -> bool:
        with socket.socket() as trying:
            return trying.connect_ex(place) == errno.ECONNREFUSED

    assert until(refused)
    os.write(write, b"x")
    os.close(write)
    assert child.result() == 1
    os.close(read)


class TestOtherProcesses:
    """What travels to a process that was not forked from this one."""

    @pytest.mark.parametrize(
        "error",
        [
            NotFound("no rule", status=404, code="not-found", method="GET", url="/rules/RL1"),
            TransportError("no answer", never_sent=True),
            adobe_nb.WaitTimeout("still", ["BL1"]),
            adobe_nb.ConfirmationRequired("say so", "A"),
            adobe_nb.EdgeError("refused", status=400, send_again="no"),
            adobe_nb.DelayedError("failed", resource_id="BL1", status=0),
            adobe_nb.IncompleteResult("short"),
            adobe_nb.SignInError("no", status=400, code="invalid_client"),
            adobe_nb.HostNotAllowed("no"),
        ],
        ids=lambda error: type(error).__name__,
    )
    def test_errors_arrive_complete(self, error: AdobeError) -> None:
        error.add_note("a note")
        copy = pickle.loads(pickle.dumps(error))
        assert type(copy) is type(error)
        assert str(copy) == str(error)
        assert copy.__dict__ == error.__dict__

    def test_a_session_refuses_pickle_and_says_what_to_do(self, demo: Any) -> None:
        with pytest.raises(TypeError, match=r"A session .* connect\(\) in"):
            pickle.dumps(sign_in(demo))
