"""Write files that are complete or absent, and that only this user may read."""

import os
import re
import shutil
import uuid
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from adobe_nb.errors import SnapshotError

TEMPORARY = re.compile(r"_adobe_nb-[0-9a-f]{32}")
"""Names that ``temporary`` creates. A killed process leaves such files and folders behind."""


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Report a disk error as a SnapshotError that names the folder."""
    try:
        yield
    except OSError as error:
        raise SnapshotError(
            f"Cannot write to the snapshot folder {folder} ({_reason(error)}). Free some space "
            "there, or choose another folder. Earlier snapshots are unchanged."
        ) from error


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Report a disk error as a SnapshotError that names the path."""
    try:
        yield
    except OSError as error:
        raise SnapshotError(
            f"Cannot read {path} ({_reason(error)}). Check the path and its permissions."
        ) from error


def _reason(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__


def temporary(folder: Path) -> Path:
    """Return a new name in that folder."""
    # Readers of Parquet folders skip names that begin with an underscore.
    return folder / f"_adobe_nb-{uuid.uuid4().hex}"


def make_folder(folder: Path) -> None:
    """Create a folder and its missing parents for this user only."""
    # Path.mkdir(parents=True) would apply the mode to the last folder only.
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def subfolders(folder: Path, name: re.Pattern[str]) -> list[Path]:
    """Return its folders with a matching name, sorted."""
    folders = []
    for path in sorted(folder.iterdir()):
        # Files and links with such a name belong to someone else, and are left alone.
        if name.fullmatch(path.name) and path.is_dir() and not path.is_symlink():
            folders.append(path)
    return folders


def write(file: Path, fill: Callable[[BinaryIO], object]) -> int:
    """Create or replace a file in one step, and return its size."""
    # A killed process leaves a temporary name, never a partial file under the final name. After a
    # power cut that holds only for what sync_tree has written before.
    unfinished = temporary(file.parent)
    try:
        with open(unfinished, "xb", opener=_private) as opened:
            fill(opened)
            size = opened.tell()
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)
    return size


def append(file: Path, line: bytes) -> None:
    """Add a line to a file. It survives when the process is killed."""
    with open(file, "ab", opener=_private) as opened:
        # A full disk may have cut off the line before: the first line break ends it.
        opened.write(b"\n" + line + b"\n")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def share(file: Path, other: Path) -> bool:
    """Give a file a second name: a hard link, or a copy where links are not supported.

    Returns whether it is a link.
    """
    # A link cannot replace a file, and renaming one link of a file to another does nothing.
    other.unlink(missing_ok=True)
    try:
        os.link(file, other)
        return True
    except OSError:
        with file.open("rb") as source:
            write(other, lambda copy: shutil.copyfileobj(source, copy))
    return False


def rename_to_new(folder: Path, name: Path) -> None:
    """Rename a folder in one step. Raises FileExistsError when the name is taken."""
    # Windows refuses every name that exists. POSIX refuses files and folders with content, but
    # silently replaces an empty folder: hence the check. The lock of the snapshot folder keeps
    # other writers out between the check and the rename, so at most an empty folder can be lost.
    if name.exists():
        raise FileExistsError(name)
    folder.rename(name)


def sync(path: Path) -> None:
    """Wait until the content of a file, or the names in a folder, are on the disk."""
    mode = os.O_RDONLY
    if os.name == "nt":
        # Windows cannot open a folder, but NTFS journals the names in it.
        if path.is_dir():
            return
        mode = os.O_RDWR
    handle = os.open(path, mode)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_tree(folder: Path, synced: Collection[Path] = ()) -> None:
    """Wait until a folder and everything in it is on the disk, except files that are already."""
    paths = [path for path in folder.rglob("*") if path not in synced]
    # In parallel, because the disk then writes many files at once.
    with ThreadPoolExecutor() as pool:
        list(pool.map(sync, [folder, *paths]))


def remove_tree(folder: Path) -> None:
    """Remove one of our folders."""
    # The name goes first: a partly removed folder must never look like a complete one.
    unnamed = temporary(folder.parent)
    folder.rename(unnamed)
    shutil.rmtree(unnamed)
