"""Fixtures, and the recorder that proves that no secret leaked in the whole run."""

import gc
import logging
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from adobe_nb import session as sessions
from adobe_nb.simulator import server as simulator_server
from adobe_nb.simulator.ims import Ims
from adobe_nb.simulator.server import Simulator
from adobe_nb.simulator.store import Store

# Tests set their own credentials, and must use neither the history nor the keyring of this machine.
for _name in [name for name in os.environ if name.startswith("ADOBE_")]:
    del os.environ[_name]
os.environ["IPYTHONDIR"] = tempfile.mkdtemp(prefix="adobe_nb-ipython-")
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Background processes of a shell ignore interrupts: tests of interrupts would wait forever.
    signal.signal(signal.SIGINT, signal.default_int_handler)


# jsonschema's check of internationalized addresses takes five seconds to import, and no test
# requires it.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]

_LONGEST = (
    "test_notebooks.py",
    "test_refresh.py",
    "test_cluster.py",
    "test_bad_days.py",
    "test_guard.py",
    "test_store.py",
    "test_forks.py",
    "test_channels.py",
    "test_pull.py",
)

# The same examples in every run, so a test that fails on one machine fails on all; without
# deadlines, which a busy machine would miss. --hypothesis-profile=thorough tries more examples.
settings.register_profile(
    "plain",
    max_examples=8,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile("thorough", settings.get_profile("plain"), max_examples=150)
settings.load_profile("plain")


class Recorder(logging.Handler):
    """Keeps every log line, captured output and traceback of the run, and searches for secrets."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.services: list[Ims] = []
        """The sign-in services of the simulators. The simulators themselves would slow down later
        tests.
        """
        self.secrets: set[str] = set()
        self.leaks_elsewhere = 0
        """Leaks that other test processes have found."""

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    def known_secrets(self) -> set[str]:
        built_in = simulator_server._built_in
        secrets = set(self.secrets)
        for ims in [*self.services, *([built_in.ims] if built_in else [])]:
            secrets |= {account.client_secret for account in ims.accounts.values()}
            secrets |= set(ims.issued)
        return secrets

    def leaks(self) -> list[str]:
        """Return the secrets that appear somewhere."""
        # Searching for thousands of secrets takes long, but they share few prefixes.
        text = "\n".join(dict.fromkeys(self.lines))
        by_prefix: dict[str, set[str]] = {}
        for secret in self.known_secrets():
            by_prefix.setdefault(secret[:8], set()).add(secret)
        found = set()
        for prefix, secrets in by_prefix.items():
            position = text.find(prefix)
            while position >= 0:
                found |= {secret for secret in secrets - found if text.startswith(secret, position)}
                position = text.find(prefix, position + 1)
        return sorted(found)


RECORDER = Recorder()


def pytest_configure(config: pytest.Config) -> None:
    logging.getLogger().addHandler(RECORDER)
    logging.getLogger().setLevel(logging.DEBUG)
    # Otherwise pytest-xdist starts with the files of most tests, but the few of the browser take
    # longest.
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # The longest tests come first: at the end they would keep one process busy and the others idle.
    items.sort(key=lambda item: (*_LONGEST, item.path.name).index(item.path.name))


def pytest_collection_finish() -> None:
    # Modules and tests stay in memory, so the collector need not scan them again and again.
    gc.freeze()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    RECORDER.lines += [text for _, text in report.sections]
    RECORDER.lines.append(report.longreprtext)


def pytest_sessionfinish(session: pytest.Session) -> None:
    leaks = len(RECORDER.leaks()) + RECORDER.leaks_elsewhere
    # One of several processes: the first one reports.
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["leaks"] = leaks
    elif leaks:
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.write_line(
                f"\n{leaks} secrets were found in the logs, output or tracebacks of this run",
                red=True,
            )
        session.exitstatus = 1


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    RECORDER.leaks_elsewhere += getattr(node, "workeroutput", {}).get("leaks", 0)


@pytest.fixture
def recorder() -> Recorder:
    return RECORDER


class NoSession:
    """The session of a Reactor that sends no request."""

    @property
    def client(self) -> Any:
        raise AssertionError("no request expected")


def started(*, stores: dict[str, Store] | None = None, **options: object) -> Simulator:
    """Start a simulator; with ``stores`` in place of its seed."""
    simulator = Simulator(**options)  # type: ignore[arg-type]
    simulator.stores = stores or simulator.stores
    simulator.start()
    RECORDER.services.append(simulator.ims)
    return simulator


def until(true: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Wait until ``true`` returns true, and return whether it did in that time."""
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.01)
    return bool(true())


@pytest.fixture(scope="session")
def demo() -> Iterator[Simulator]:
    """The demo company. Tests do not change it."""
    simulator = started()
    yield simulator
    simulator.stop()


@pytest.fixture
def simulate() -> Iterator[object]:
    """Start simulators with options."""
    running: list[Simulator] = []

    def start(**options: object) -> Simulator:
        running.append(started(**options))
        return running[-1]

    yield start
    for simulator in running:
        simulator.stop()


SIGN_IN_VALUES = (
    "client_id",
    "client_secret",
    "org_id",
    "scopes",
    "reactor_url",
    "ims_url",
    "edge_url",
    "edge_server_url",
)
"""Details of a simulator's connection that ``connect()`` and a ``.env`` file take."""


def sign_in(simulator: Simulator, account: str = "demo", **more: object) -> sessions.Session:
    """Sign in by OAuth Server-to-Server, with a session that retries without a pause."""
    details = simulator.connection(account)
    values = {name: details[name] for name in SIGN_IN_VALUES}
    return sessions.connect(**{"retry_pause": 0, **values, **more})  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _apart(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Run each test in an empty folder, without a session, profiles or proxies of the machine."""
    monkeypatch.chdir(tmp_path_factory.mktemp("empty"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
    for name in [key for key in os.environ if key.startswith("ADOBE_")]:
        monkeypatch.delenv(name)
    yield
    sessions._state.default = None
    sessions._listeners.clear()
    from adobe_nb.notebook import panel

    panel._panel = None


@pytest.fixture
def session(demo: Simulator) -> sessions.Session:
    """Signed in to the demo company."""
    return sign_in(demo)


@pytest.fixture
def reactor(session: sessions.Session) -> object:
    return session.reactor
