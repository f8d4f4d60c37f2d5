"""Stores for tests: one that counts what arrives and is killed, simulated S3 and Azure."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
import requests
from fsspec.implementations.memory import MemoryFileSystem

S3_SECRET = "s3-hush-4f0c2a9b1d7e5a6b8c3d"
# The well-known key of every Azurite.
AZURE_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)


class Killed(BaseException):
    """The process ended here."""


class Counting(MemoryFileSystem):
    """A store that records each change, and is killed before, or in the middle of, one of them."""

    protocol = "counting"
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]
    steps: ClassVar[list[tuple[str, str, int]]] = []
    """What was done, to which path, and the bytes that were sent."""
    kill_at: ClassVar[int | None] = None

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        stripped: str = super()._strip_protocol(path.replace("counting://", "memory://"))
        return stripped

    @classmethod
    def reset(cls) -> None:
        cls.store.clear()
        cls.pseudo_dirs[:] = [""]
        cls.begin()

    @classmethod
    def begin(cls, *, kill_at: int | None = None) -> None:
        cls.steps.clear()
        cls.kill_at = kill_at

    @classmethod
    def sent(cls) -> dict[str, int]:
        """The Parquet files that were sent, with their sizes."""
        return {path: size for act, path, size in cls.steps if act == "put"}

    def step(self, act: str, path: str, size: int = 0) -> None:
        if len(self.steps) == self.kill_at:
            raise Killed
        self.steps.append((act, self._strip_protocol(path), size))

    def find(self, *arguments: Any, **options: Any) -> Any:
        # Stores promise no order.
        found = super().find(*arguments, **options)
        if isinstance(found, dict):
            return dict(reversed(found.items()))
        return found[::-1]

    def put_file(self, lpath: str, rpath: str, **options: Any) -> None:
        content = Path(lpath).read_bytes()
        if len(self.steps) == self.kill_at:
            # Half of it arrives, as on a disk.
            super().pipe_file(rpath, content[: len(content) // 2])
        self.step("put", rpath, len(content))
        super().pipe_file(rpath, content)

    def pipe_file(self, path: str, value: bytes, **options: Any) -> None:
        self.step("write", path)
        super().pipe_file(path, value)

    def cp_file(self, path1: str, path2: str, **options: Any) -> None:
        self.step("copy", path2)
        super().cp_file(path1, path2)

    def rm(self, path: Any, recursive: bool = False, maxdepth: Any = None) -> None:
        for name in [path] if isinstance(path, str) else path:
            self.step("remove", name)
            super().rm(name, recursive=recursive)


@contextmanager
def s3() -> Iterator[str]:
    """Run moto's S3 in another process, because deltalake blocks all threads of this one."""
    command = [sys.executable, "-u", __file__]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, text=True, **pipes) as server:  # type: ignore[call-overload]
        try:
            yield server.stdout.readline().strip()
        finally:
            server.kill()


@contextmanager
def azure(folder: Path) -> Iterator[str]:
    """Run Azurite, an npm package: ``npm install azurite``, with its folder ``.bin`` on PATH."""
    program = shutil.which("azurite-blob")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("CI has to install Azurite: npm install azurite")
        pytest.skip("azurite-blob is not on PATH: npm install azurite")
    options = ["--blobHost", "127.0.0.1", "--blobPort", "0", "--location", str(folder)]
    # The client may be newer than the simulation.
    options += ["--silent", "--disableTelemetry", "--skipApiVersionCheck"]
    with subprocess.Popen([program, *options], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            for line in server.stdout:
                if match := re.search(r"listens on (http://\S+)", line):
                    yield match[1]
                    break
            else:
                pytest.fail("Azurite did not start")
        finally:
            server.kill()


def make_bucket(url: str, name: str) -> None:
    requests.put(f"{url}/{name}", timeout=10).raise_for_status()


if __name__ == "__main__":
    from moto.server import ThreadedMotoServer

    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    print("http://{}:{}".format(*moto.get_host_and_port()), flush=True)
    # Until the test ends, even if it is killed.
    sys.stdin.read()
    os._exit(0)
