"""Files that are whole or not there. All of them are this user's only: they are data of a company."""

import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from adobe_nb.errors import SnapshotError

_TEMPORARY = re.compile(r"_adobe_nb-[0-9a-f]{32}")


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """A problem with the disk, as a SnapshotError that names the folder."""
    try:
        yield
    except OSError as error:
        raise SnapshotError(
            f"The snapshot folder {folder} cannot be written ({_reason(error)}). Make room there, or choose another "
            "folder. The snapshots in it are as they were."
        ) from error


@contextmanager
def reading(place: Path) -> Iterator[None]:
    """A problem with the disk, as a SnapshotError that names the place."""
    try:
        yield
    except OSError as error:
        raise SnapshotError(
            f"{place} cannot be read ({_reason(error)}). Check the path and your rights on it."
        ) from error


def _reason(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__


def temporary(folder: Path) -> Path:
    """A new name in that folder. It begins with ``_``, which readers of Parquet folders skip."""
    return folder / f"_adobe_nb-{uuid.uuid4().hex}"


def is_temporary(path: Path) -> bool:
    """Whether the name is one of ``temporary``: what has it was left behind, and is of no use."""
    return bool(_TEMPORARY.fullmatch(path.name))


def make_folder(folder: Path) -> None:
    """The folder, for this user only, if it is not there yet."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def write(file: Path, fill: Callable[[BinaryIO], object]) -> int:
    """What ``fill`` writes, whole or not at all: under a temporary name, then renamed. Gives its size.

    A kill of the process leaves it so; only ``sync_tree`` makes that true of a power cut, too.
    """
    unfinished = temporary(file.parent)
    try:
        with open(unfinished, "xb", opener=_for_us_only) as opened:
            fill(opened)
            size = opened.tell()
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)
    return size


def append(file: Path, line: bytes) -> None:
    """One more line; a kill of the process leaves it there."""
    with open(file, "ab", opener=_for_us_only) as opened:
        opened.write(b"\n" + line + b"\n")  # the first one ends a line that a full disk may have cut off


def _for_us_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def share(file: Path, other: Path) -> None:
    """The same content under another name: a hard link, or a copy where there are none."""
    other.unlink(missing_ok=True)  # to rename one link over another of the same file does nothing
    try:
        os.link(file, other)
    except OSError:
        with file.open("rb") as opened:
            write(other, lambda copy: shutil.copyfileobj(opened, copy))


def publish(file: Path, name: Path) -> None:
    """Give the file its name, or raise FileExistsError: unlike a rename, a link never takes the place of another."""
    try:
        os.link(file, name)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links; there the lock alone has to do
        if name.exists():
            raise FileExistsError(name) from None
        file.rename(name)


def sync(path: Path) -> None:
    """The content of a file, or the names in a folder, on the disk."""
    if os.name == "nt" and path.is_dir():  # Windows does it by itself, and cannot open a folder
        return
    handle = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_tree(folder: Path) -> None:
    """All files and names in that folder and below, on the disk."""
    paths = [Path(place) / name for place, _, names in os.walk(folder) for name in ("", *names)]
    with ThreadPoolExecutor() as pool:  # the disk writes many of them in one go
        list(pool.map(sync, paths))


def remove_tree(folder: Path) -> None:
    """Away with a folder of ours: first with its name, so that a half removed one never looks like a whole one."""
    going = temporary(folder.parent)
    folder.rename(going)
    remove(going)


def remove(path: Path) -> None:
    """Away with a file, or with a folder and all that is in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
