"""What a scenario plays on: a simulator behind a proxy, an empty folder, and the record of its
steps.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pandas as pd
from proxy import Arrival, Fault, Proxy

import adobe_nb

_ISO = re.compile(r"20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)?")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DATASTREAM = "8b0d3f0a-5f6e-4c1d-9a52-1c7e60f4d2"
_TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")
_ID = re.compile(r"[A-Z]{2}[0-9a-f]{32}")
# Names of errors that are stable; others are recorded by their nearest ancestor here.
_ERRORS = (
    "ApiError",
    "ArgumentError",
    "CredentialsError",
    "DelayedError",
    "EdgeError",
    "HostNotAllowed",
    "IncompleteCredentials",
    "IncompleteResult",
    "NoCredentials",
    "NotAllowed",
    "NotFound",
    "NotSignedIn",
    "OutcomeUnknown",
    "RateLimited",
    "RedirectRefused",
    "SignInError",
    "SnapshotError",
    "TransportError",
)
_ABOUT_ERRORS = ("status", "code", "candidates", "wanted", "ids", "gaps", "never_sent")
_WINDOW = re.compile(r"BETWEEN [^&]*")
_FEW = 3
_LONG = 400


def command(*arguments: str) -> list[str]:
    """The command line of this environment."""
    beside = Path(sys.executable).with_name("adobe-nb")
    found = str(beside) if beside.exists() else shutil.which("adobe-nb")
    if found is None:
        raise FileNotFoundError("adobe-nb is not installed.")
    return [found, *arguments]


class Simulators:
    """Simulator processes by their options; those that a scenario changes are its own."""

    def __init__(self) -> None:
        self._processes: list[subprocess.Popen[str]] = []
        self._shared: dict[tuple[str, ...], dict[str, Any]] = {}

    def shared(self, *options: str) -> dict[str, Any]:
        """Return the connection of the simulator that no scenario changes."""
        if options not in self._shared:
            self._shared[options] = self.fresh(*options)
        return self._shared[options]

    def fresh(self, *options: str) -> dict[str, Any]:
        """The connection of one that is not used by anybody else."""
        process = subprocess.Popen(
            command("simulator", "--json", *options), stdout=subprocess.PIPE, text=True
        )
        self._processes.append(process)
        if process.stdout is None:
            raise RuntimeError("no output")
        return dict(json.loads(process.stdout.readline()))

    def close(self) -> None:
        """End them."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


class Stage:
    """One run of a scenario."""

    def __init__(self, connection: dict[str, Any]) -> None:
        self.connection = connection
        self.proxy = Proxy(connection)
        self.folder = Path(tempfile.mkdtemp(prefix="guard-")).resolve()
        self.began = datetime.now(UTC) - timedelta(hours=1)
        self.record: dict[str, Any] = {"headers": {}, "steps": []}
        self._environment = dict(os.environ)
        self._before = Path.cwd()
        self.seen = 0
        (self.folder / "here").mkdir()
        os.chdir(self.folder / "here")
        os.environ["XDG_CONFIG_HOME"] = str(self.folder / "config")
        os.environ["XDG_STATE_HOME"] = str(self.folder / "state")

    def close(self) -> None:
        """Leave nothing behind: session, settings, folder, proxy."""
        with suppress(adobe_nb.NotSignedIn):
            adobe_nb.current().sign_out()
        os.environ.clear()
        os.environ.update(self._environment)
        os.chdir(self._before)
        self.proxy.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    # What scenarios use

    @property
    def credentials(self) -> dict[str, str]:
        """The three values of the demo account."""
        return {name: self.connection[name] for name in ("client_id", "client_secret", "org_id")}

    def sign_in(self, **more: Any) -> "adobe_nb.Session":
        """A session of the demo account, by way of the proxy. Not recorded as a step."""
        arguments = {**self.credentials, **self.proxy.settings, "progress": False, **more}
        return adobe_nb.connect(**arguments)

    def variables(self, **more: str) -> dict[str, str]:
        """Credentials and addresses under their names of environment variables."""
        values = {**self.credentials, **self.proxy.settings}
        return {**{f"ADOBE_{name.upper()}": value for name, value in values.items()}, **more}

    def fault(self, kind: str, where: str, times: int = 1, **headers: str) -> Fault:
        """Let the first requests that match ``where`` meet a fault."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        made = Fault(kind, where, times, named)
        self.proxy.faults.append(made)
        return made

    def step(
        self, title: str, act: Callable[[], Any], *, ordered: bool = False, windows: bool = False
    ) -> Any:
        """Do something; record what arrived and what came of it. Errors are recorded, and None
        comes back.

        ``ordered`` when one request follows the other; else their order is left to chance.
        ``windows`` when spans of time are requested, whose number and bounds depend on the clock.
        """
        result: Any = None
        self.skip_requests()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                result = act()
                outcome = self.described(result)
            except (adobe_nb.AdobeError, KeyboardInterrupt) as error:
                outcome = self._described_error(error)
        step: dict[str, Any] = {"step": title}
        requests = self._requests(ordered=ordered, windows=windows)
        if requests:
            step["requests"] = requests
        step["result"] = outcome
        ours = {each.category for each in caught if each.category.__module__.startswith("adobe_nb")}
        if ours:
            step["warnings"] = sorted(each.__name__ for each in ours)
        self.record["steps"].append(step)
        return result

    def skip_requests(self) -> None:
        """Leave what arrived until now out of the record."""
        self.seen = len(self.proxy.arrivals)

    # How things are written down

    def described(self, value: Any) -> Any:
        """Any result as JSON that is the same on each run."""
        if isinstance(value, pd.DataFrame):
            return self._described_frame(value)
        if isinstance(value, Mapping):
            return {str(name): self._member(str(name), each) for name, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.described(each) for each in value]
        if isinstance(value, str):
            text = self.text(value)
            if len(text) <= _LONG:
                return text
            return f"<{len(text)} characters {hashlib.sha256(text.encode()).hexdigest()[:8]}>"
        if value is None or isinstance(value, (bool, int, float)):
            return value
        return type(value).__name__

    def text(self, text: str) -> str:
        """Without what differs from run to run: addresses, tokens, made-up ids, times."""
        for service, url in self.proxy.urls.items():
            text = text.replace(url, f"<{service}>")
        for name in ("client_id", "client_secret"):
            text = text.replace(self.connection[name], f"<{name}>")
        text = text.replace(str(self.folder), "<folder>")
        text = _TOKEN.sub(self._token, text)
        text = _ID.sub(lambda found: self.proxy.made.get(found[0], found[0]), text)
        text = _UUID.sub(lambda found: found[0] if _DATASTREAM in found[0] else "<uuid>", text)
        text = re.sub(r"\b\d{38}\b", "<ecid>", text)
        # Names of made-up files and addresses depend on what was made before.
        text = re.sub(r"(?<![0-9a-f]-)\b(?:[0-9a-f]{12}|[0-9a-f]{16})\b(?!@)", "<hex>", text)
        return _ISO.sub(self._moment, text)

    def _member(self, name: str, value: Any) -> Any:
        if name.endswith("_identity") and isinstance(value, str):
            return "<identity>"
        if name == "value" and isinstance(value, str) and re.fullmatch(r"[\w-]{51}=", value):
            return "<identity>"
        return self.described(value)

    def _token(self, found: re.Match[str]) -> str:
        if found[0] in self.proxy.tokens:
            return f"<token {self.proxy.tokens.index(found[0]) + 1}>"
        return "<token>"

    def _moment(self, found: re.Match[str]) -> str:
        text = found[0].replace("Z", "+00:00")
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        # A refresh asks for the events of the hour before, too.
        recent = self.began - timedelta(hours=2) <= moment <= self.began + timedelta(days=2)
        return "<now>" if recent else found[0]

    def _described_error(self, error: BaseException) -> dict[str, Any]:
        kinds = [name for name in _ERRORS if isinstance(error, getattr(adobe_nb, name))]
        kinds += [
            each.__name__ for each in (ValueError, KeyboardInterrupt) if isinstance(error, each)
        ]
        about = {name: getattr(error, name) for name in _ABOUT_ERRORS if hasattr(error, name)}
        about = {name: value for name, value in about.items() if value not in (None, (), False)}
        return {"error": kinds, **self.described(about)}

    def _described_frame(self, frame: pd.DataFrame) -> dict[str, Any]:
        """Columns with dtype and digest of all values; the rows themselves where they are few."""
        columns = {}
        texts = {}
        for name in frame.columns:
            texts[str(name)] = values = [self._cell(value) for value in frame[name]]
            digest = hashlib.sha256(json.dumps(values).encode()).hexdigest()[:8]
            columns[str(name)] = f"{frame[name].dtype} {digest}"
        shown: dict[str, Any] = {"rows": len(frame), "columns": columns}
        if frame.index.tolist() != list(range(len(frame))):
            shown["index"] = [self.text(str(each)) for each in frame.index]
        if frame.attrs:
            shown["attrs"] = sorted(frame.attrs)
            kept = ("path", "total_count", "since", "until", "snapshot", "table")
            shown |= {
                name: self.described(frame.attrs[name]) for name in kept if name in frame.attrs
            }
        lead = [name for name in ("id", "name", "outcome", "status", "code") if name in texts]
        for number in range(min(len(frame), _FEW) if lead else 0):
            row = {name: texts[name][number] for name in lead}
            shown.setdefault("first", []).append(row)
        return shown

    def _cell(self, value: Any) -> Any:
        if isinstance(value, (list, tuple, dict)):
            return self.described(value)
        if pd.isna(value):
            return None
        if isinstance(value, pd.Timestamp):
            return self.text(value.isoformat())
        if isinstance(value, bool) or type(value).__name__ == "bool":
            return bool(value)
        if isinstance(value, str):
            document = _json_of(value)
            return self.text(value) if document is None else self.described(document)
        return self.text(str(value))

    def _requests(self, *, ordered: bool, windows: bool) -> list[str]:
        arrivals = self.proxy.arrivals[self.seen :]
        self.seen += len(arrivals)
        lines = [self._line(each) for each in arrivals]
        for arrival in arrivals:
            self._note_headers(arrival)
        if ordered:
            return _in_order(lines)
        if windows:
            return sorted({_WINDOW.sub("<window>", line) for line in lines})
        counts = Counter(lines)
        return [
            line if number == 1 else f"{number} × {line}" for line, number in sorted(counts.items())
        ]

    def _line(self, arrival: Arrival) -> str:
        line = f"{arrival.service}: {self.text(arrival.line)} -> {arrival.status}"
        if not arrival.body:
            return line
        kind = arrival.headers.get("Content-Type", "")
        if "json" in kind:
            document: Any = json.loads(arrival.body)
        elif "form" in kind:
            document = dict(parse_qsl(arrival.body.decode()))
        else:
            document = f"{len(arrival.body)} bytes"
        return f"{line} {json.dumps(self.described(document), sort_keys=True, ensure_ascii=False)}"

    def _note_headers(self, arrival: Arrival) -> None:
        """Which headers go along, once for each service and method."""
        sent = ", ".join(
            f"{name}: {self.text(value.split(';')[0])}" for name, value in arrival.headers.items()
        )
        kept = self.record["headers"].setdefault(f"{arrival.service} {arrival.method}", [])
        if sent not in kept:
            kept.append(sent)
            kept.sort()


def _in_order(lines: list[str]) -> list[str]:
    """Writes in their order. Reads between two of them may have been sent together, so they are
    sorted.
    """
    ordered: list[str] = []
    for reads, run in groupby(lines, lambda line: ": GET " in line):
        # Repeated requests stay in their order: each answer decides what comes next.
        group = list(run)
        if reads:
            group.sort(key=lambda line: line.partition(" -> ")[0])
        ordered += group
    return ordered


def _json_of(text: str) -> Any:
    if text[:1] not in "{[":
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None
