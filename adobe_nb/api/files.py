"""Files that take the place of an earlier one only when they are complete."""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adobe_nb.errors import ArgumentError


def target_file(path: str | os.PathLike[str], suffix: str) -> Path:
    """Return where to write a file that a user named. Raises ArgumentError."""
    if not isinstance(path, str | os.PathLike) or not os.fspath(path):
        raise ArgumentError(f'Expected the path of a file such as "site{suffix}", got {path!r}.')
    target = Path(path).expanduser()
    if target.suffix.lower() != suffix:
        raise ArgumentError(f"The path must end in {suffix}, got {target.name!r}.")
    if target.is_dir():
        raise ArgumentError(f"{target} is a folder. Name a file in it.")
    if not target.parent.is_dir():
        raise ArgumentError(f"The folder {target.parent} does not exist. Create it first.")
    # A link stays, and the file that it points to is replaced.
    return target.resolve()


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Yield the path of a new file, in a temporary folder, that becomes the target at the end.

    After an error the target is what it was.
    """
    mode = _mode_of(target)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".adobe-nb-") as folder:
        written = Path(folder) / f"new{target.suffix}"
        yield written
        written.chmod(mode)
        written.replace(target)


def _mode_of(target: Path) -> int:
    """Return the permissions of a file; for a new one, what the umask leaves of the usual ones."""
    if target.exists():
        return stat.S_IMODE(target.stat().st_mode)
    umask = os.umask(0o077)
    os.umask(umask)
    return 0o666 & ~umask
