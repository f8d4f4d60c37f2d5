"""Organizations pulled on a cluster: two worker processes, two simulators, a killed worker."""

import _thread
import os
import signal
import sys
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import quote

import dask
import pandas as pd
import pytest
from distributed import Client, LocalCluster
from distributed.protocol.pickle import dumps
from pandas.testing import assert_frame_equal

from adobe_nb import snapshot
from adobe_nb.errors import ArgumentError
from adobe_nb.simulator.faults import Fault
from adobe_nb.simulator.seed import Bulk
from adobe_nb.snapshot import cluster
from adobe_nb.snapshot.store import SnapshotFolder
from tests.conftest import sign_in, started, until
from tests.support.organizations import Gate, organization, secrets_of
from tests.support.snapshot_edits import lists_of, stored

pytestmark = pytest.mark.filterwarnings("default")
TABLES = ["rule_components", "data_elements"]
PATIENCE = 60.0
"""Seconds until a test gives up. It waits for events, so this does not decide what it finds."""
LEASE = 1.0
"""Seconds after which the scheduler takes a lock away from a silent worker."""


class Agency:
    """Two simulators with three organizations, and a cluster with two workers."""

    def __init__(self, home: Path) -> None:
        self.home = home
        few = Bulk(properties=4, rules=4, components=1, data_elements=4)
        self.calm = started(seed="empty", bulk=few)
        faults = (Fault("503", 0.1), Fault("429", 0.05), Fault("reset", 0.05))
        self.troubled = started(seed="empty", bulk=few, faults=faults)
        self.ids = {
            "acme": organization(self.calm, "acme"),
            "borealis": organization(self.calm, "borealis"),
            "corvid": organization(self.troubled, "corvid"),
        }
        locks = "distributed.scheduler.locks"
        settings = {
            f"{locks}.lease-timeout": LEASE,
            f"{locks}.lease-validation-interval": 0.2,
            # It can deadlock a worker that starts threads (CPython issue 106883).
            "distributed.worker.profile.enabled": False,
        }
        with dask.config.set(settings):
            self.cluster = LocalCluster(
                n_workers=2,
                threads_per_worker=2,
                dashboard_address="127.0.0.1:0",
                local_directory=str(home / "local"),
                env={
                    "XDG_CONFIG_HOME": str(home),
                    "DASK_DISTRIBUTED__SCHEDULER__LOCKS__LEASE_TIMEOUT": str(LEASE),
                },
            )
        self.client = Client(self.cluster, set_as_default=False)
        # Otherwise the first pull would wait for the imports of the workers.
        self.client.run(import_module, cluster.__name__)

    def close(self) -> None:
        self.client.close()
        self.cluster.close()
        self.calm.stop()
        self.troubled.stop()

    def session(self, name: str) -> Any:
        return sign_in(self.troubled if name == "corvid" else self.calm, name)

    def worker_of(self, name: str) -> tuple[str, int]:
        """The address and the process of the worker that pulls the organization now."""
        for address, keys in self.client.processing().items():
            if any(self.ids[name] in str(key) for key in keys):
                return address, self.client.run(os.getpid, workers=[address])[address]
        raise AssertionError(f"no worker pulls {name}")

    def set_status(self, address: str, status: str) -> None:
        """Let the scheduler give the worker no further task, or as before."""
        scheduler = self.cluster.scheduler
        scheduler.loop.add_callback(
            scheduler.handle_worker_status_change, status, address, "a test"
        )

    def reports(self, without: set[str]) -> int:
        """The number of reports that workers have sent, but for these runs."""
        events = self.client.get_events()
        runs = [name for name in events if name.startswith("adobe_nb") and name not in without]
        return sum(len(events[name]) for name in runs)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agency]:
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("home")
        patch.setenv("XDG_CONFIG_HOME", str(home))
        agency = Agency(home)
    yield agency
    agency.close()


@pytest.fixture
def agency(shared: Agency, monkeypatch: pytest.MonkeyPatch) -> Agency:
    """The agency, with its saved profiles."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(shared.home))
    return shared


@pytest.fixture
def elsewhere() -> Iterator[ThreadPoolExecutor]:
    """Threads for calls that take long."""
    with ThreadPoolExecutor(4) as pool:
        yield pool


def pull(agency: Agency, to: Path, *names: str) -> pd.DataFrame:
    return snapshot.pull_many(names, to=to, tables=TABLES, client=agency.client)


def plain(agency: Agency, name: str, to: Path) -> dict[str, pd.DataFrame]:
    """What a pull without a cluster stores."""
    folder = to / f"plain {name}"
    snapshot.pull(to=folder, tables=TABLES, session=agency.session(name))
    return snapshot.load(folder)


def assert_equal_to_plain_pull(agency: Agency, name: str, to: Path, other: Path) -> None:
    loaded = snapshot.load(to / agency.ids[name])
    for table, expected in plain(agency, name, other).items():
        assert_frame_equal(loaded[table], expected)


def state_of(dask_scheduler: Any) -> list[str]:
    """Everything that the scheduler keeps of its tasks."""
    texts = [repr(dask_scheduler.transition_log)]
    for key, task in dask_scheduler.tasks.items():
        texts += [repr(dask_scheduler.story(key)), dumps(task.run_spec).decode("latin-1")]
        texts += [repr(getattr(task, name, None)) for name in type(task).__slots__]
    return texts


def texts_of(agency: Agency, to: Path) -> str:
    """Everything that can be seen of a pull: scheduler, logs, dashboard, and files."""
    client = agency.client
    texts = client.run_on_scheduler(state_of)
    for logs in (client.get_events, client.get_scheduler_logs, client.get_worker_logs):
        texts.append(repr(logs()))
    texts.append(repr(client.get_worker_logs(nanny=True)))
    root = client.dashboard_link.removesuffix("/status")
    pages = ["info/main/workers.html", "json/counts.json", "json/index.html", "metrics"]
    for address in client.scheduler_info()["workers"]:
        pages += [f"info/worker/{quote(address, safe='')}.html"]
        pages += [f"info/logs/{quote(address, safe='')}.html"]
    for key in sum(client.processing().values(), ()):
        # The page of a task that ends meanwhile does not exist.
        if agency.ids["acme"] in str(key):
            pages += [f"info/task/{quote(str(key), safe='')}.html"]
    for page in pages:
        with urllib.request.urlopen(f"{root}/{page}") as response:
            texts.append(response.read().decode())
    for folder in (agency.home / "local", to):
        for path in folder.rglob("*"):
            if path.is_file():
                texts += [str(path), path.read_bytes().decode("latin-1")]
    return "\n".join(texts)


def test_killed_worker_loses_nothing_and_no_secret_can_be_seen(
    agency: Agency, tmp_path: Path, elsewhere: ThreadPoolExecutor
) -> None:
    to = tmp_path / "clients"
    folder = to / agency.ids["acme"]
    with Gate(agency.calm, agency.ids["acme"], passing=14) as gate:
        answer = elsewhere.submit(pull, agency, to, "acme", "borealis", "corvid")
        assert gate.reached.wait(PATIENCE)
        assert until(lambda: len(stored(folder)) > 4)
        seen = texts_of(agency, to)
        spared = lists_of(stored(folder), plain(agency, "borealis", tmp_path))
        os.kill(agency.worker_of("acme")[1], signal.SIGKILL)
        agency.calm.requests.clear()
        gate.open()
        frame = answer.result(PATIENCE)
    assert list(frame["state"]) == ["done"] * 3
    assert frame["error"].isna().all()
    paths = {
        request.path
        for request in agency.calm.requests
        if request.headers.get("x-gw-ims-org-id") == agency.ids["acme"]
    }
    assert len(spared) > 4
    assert not spared & paths
    for name in agency.ids:
        assert_equal_to_plain_pull(agency, name, to, tmp_path)
    # One worker tried again and again; the other organizations had no trouble.
    assert frame.loc[2, "waited"] > 0
    seen += texts_of(agency, to)
    # The search would find the secrets: it finds what surrounds them.
    assert "acme" in seen
    assert agency.ids["corvid"] in seen
    assert [secret for secret in secrets_of(agency.calm, agency.troubled) if secret in seen] == []


def test_expired_lease_does_not_let_two_pulls_overlap(
    agency: Agency, tmp_path: Path, elsewhere: ThreadPoolExecutor
) -> None:
    leases = agency.cluster.scheduler.extensions["semaphores"].leases
    lock = f"adobe_nb {agency.ids['acme']}"
    with Gate(agency.calm, agency.ids["acme"], passing=10) as gate:
        first = elsewhere.submit(pull, agency, tmp_path, "acme")
        assert gate.reached.wait(PATIENCE)
        address, process = agency.worker_of("acme")
        lease = set(leases[lock])
        # It lives, and holds the folder, but does not renew the lease of its lock.
        agency.set_status(address, "paused")
        os.kill(process, signal.SIGSTOP)
        try:
            runs = set(agency.client.get_events())
            second = elsewhere.submit(pull, agency, tmp_path, "acme")
            assert until(lambda: set(leases[lock]) - lease != set())
            agency.calm.requests.clear()
            reports = agency.reports(without=runs)
            assert until(lambda: agency.reports(without=runs) >= reports + 2)
            assert not agency.calm.requests
        finally:
            os.kill(process, signal.SIGCONT)
            agency.set_status(address, "running")
        gate.open()
        frames = [first.result(PATIENCE), second.result(PATIENCE)]
    assert [frame.loc[0, "snapshot"] for frame in frames] == [1, 2]
    history = snapshot.history(tmp_path / agency.ids["acme"])
    assert history.loc[0, "finished"] <= history.loc[1, "started"]
    assert frames[1].loc[0, "waited"] > 0


def test_interrupt_stops_the_workers_and_the_next_call_resumes(
    agency: Agency, tmp_path: Path, elsewhere: ThreadPoolExecutor
) -> None:
    folder = tmp_path / agency.ids["acme"]
    with Gate(agency.calm, agency.ids["acme"], passing=14) as gate:

        def interrupt() -> None:
            gate.reached.wait(PATIENCE)
            until(lambda: len(stored(folder)) > 4)
            _thread.interrupt_main()

        elsewhere.submit(interrupt)
        with pytest.raises(KeyboardInterrupt):
            pull(agency, tmp_path, "acme")
        # The worker stops by itself, though the service lets it wait.
        with SnapshotFolder(folder).reserved(lambda: time.sleep(0.05)):
            spared = stored(folder)
    assert len(spared) > 4
    assert not list(tmp_path.glob(".*"))
    agency.calm.requests.clear()
    frame = pull(agency, tmp_path, "acme")
    assert list(frame["state"]) == ["done"]
    paths = {request.path for request in agency.calm.requests}
    assert not lists_of(spared, snapshot.load(folder)) & paths


class TestUnfitWorkers:
    """Each is a row that says what to do."""

    def error(self, agency: Agency, to: str | Path) -> str:
        frame = snapshot.pull_many("acme", to=to, tables=TABLES, client=agency.client)
        assert list(frame["state"]) == ["failed"]
        return str(frame.loc[0, "error"])

    def test_worker_without_the_profile(self, agency: Agency, tmp_path: Path) -> None:
        def move(home: str) -> None:
            os.environ["XDG_CONFIG_HOME"] = home

        agency.client.run(move, str(tmp_path))
        try:
            error = self.error(agency, tmp_path)
        finally:
            agency.client.run(move, str(agency.home))
        assert error.startswith("On worker tcp://127.0.0.1:")
        assert "There is no profile 'acme' on this machine" in error

    def test_worker_without_the_package(self, agency: Agency, tmp_path: Path) -> None:
        name = "adobe_nb.snapshot.cluster"

        def remove() -> Any:
            return sys.modules.pop(name, None), sys.modules.update({name: None})  # type: ignore[dict-item]

        agency.client.run(lambda: remove() and None)
        try:
            error = self.error(agency, tmp_path)
        finally:
            agency.client.run(lambda: sys.modules.pop(name) and None)
        assert "cannot import adobe_nb" in error
        assert "Install it" in error

    @pytest.mark.skipif(sys.platform != "linux", reason="requires /proc")
    def test_folder_that_workers_do_not_share(self, agency: Agency) -> None:
        # Each process has its own folder of that name.
        error = self.error(agency, "/proc/self/cwd/clients")
        assert "All workers must share its storage" in error


class TestInvalidClients:
    def test_anything_but_a_connected_client_is_refused(
        self, agency: Agency, tmp_path: Path
    ) -> None:
        closed = Client(agency.cluster.scheduler_address, set_as_default=False)
        closed.close()
        for client, message in (
            ("tcp://x:1", "dask.distributed.Client, not str"),
            (closed, "clos"),
        ):
            with pytest.raises(ArgumentError, match=message):
                snapshot.pull_many("acme", to=tmp_path, client=client)  # type: ignore[arg-type]
        with pytest.raises(ArgumentError, match="--nthreads"):
            snapshot.pull_many("acme", to=tmp_path, client=agency.client, at_once=2)
        assert not list(tmp_path.iterdir())

    def test_missing_library_is_named_with_the_command(
        self, agency: Agency, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "distributed", None)
        with pytest.raises(ArgumentError, match=r'pip install "adobe_nb\[cluster\]"'):
            snapshot.pull_many("acme", to=tmp_path, client=agency.client)
