"""Files as people have them: paths with a ~, text in UTF-8 or UTF-16, variables as several shells
write them.
"""

import codecs
import os
import re
import stat
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

from dotenv import dotenv_values

from adobe_nb.errors import ArgumentError, InsecureFileWarning

# set X=v and set "X=v" of cmd, $env:X = "v" of PowerShell; export X=v is read by python-dotenv
# itself.
_SHELL = r"^[ \t]*(?:set[ \t]+|\$env:|export[ \t]+)"
_COMMENT = re.compile(r"\s*(#|;|//|::|rem\b)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Variables:
    """The variables of a ``.env`` file."""

    values: Mapping[str, str | None] = field(repr=False)
    unread: tuple[str, ...]
    """Lines that name one of those wanted, but not as ``NAME=value``."""


def expanded(path: str | Path) -> Path:
    """The path with ~ replaced. Raises ArgumentError where ~ stands for no folder."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        problem = f"{path} has a ~ that stands for no folder here. Give the whole path."
    raise ArgumentError(problem)


def warn_if_readable_by_others(path: Path) -> None:
    """A warning when other accounts of this machine can read the file."""
    if os.name == "posix" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        warnings.warn(
            f"{path} holds secrets and other accounts of this machine can read it. Run: chmod 600 {path}",
            InsecureFileWarning,
            stacklevel=2,
        )


def read_text(path: Path) -> str:
    """The text of a file in UTF-8 or UTF-16, with or without a byte order mark. Raises OSError,
    UnicodeDecodeError.
    """
    data = path.read_bytes()
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16")
    # Names and punctuation are ASCII: in UTF-16 without a mark one of the first two bytes is zero.
    if data[1:2] == b"\0":
        return data.decode("utf-16-le")
    if data[:1] == b"\0":
        return data.decode("utf-16-be")
    return data.decode("utf-8-sig")


def read_variables(text: str, wanted: Iterable[str]) -> Variables:
    """The variables of a text; nothing is interpolated. ``wanted``: names that may have a shell's
    words before them.

    A line that was not read is noted where it begins with a name that can only be meant for us.
    """
    text = text.replace("\r\n", "\n")
    names = "|".join(map(re.escape, wanted))
    text = re.sub(
        rf'{_SHELL}"((?:{names})=[^\r\n]*)"[ \t]*$', r"\1", text, flags=re.MULTILINE | re.IGNORECASE
    )
    text = re.sub(
        rf"{_SHELL}((?:{names})[ \t]*=[^\r\n]*?)[ \t;]*$",
        r"\1",
        text,
        flags=re.MULTILINE | re.IGNORECASE,
    )
    values = dotenv_values(stream=StringIO(text), interpolate=False)
    read = {name.upper() for name, value in values.items() if value is not None}
    unread = []
    for number, line in enumerate(text.splitlines(), start=1):
        named = re.match(rf"[^=]*?(?<!\w)({names})(?!\w)", line, re.IGNORECASE)
        if named and not named[1].upper().startswith(("ADOBE_", "IMS_OAUTH_")):
            continue
        if named and named[1].upper() not in read and not _COMMENT.match(line):
            unread.append(
                f"line {number} names {named[1].upper()}, but is not of the form NAME=value"
            )
    return Variables(values, tuple(unread))
