"""Files as people have them: paths with ~, UTF-8 or UTF-16, variables in the syntax of shells."""

import codecs
import os
import re
import stat
import warnings
from collections.abc import Iterable
from io import StringIO
from pathlib import Path

from dotenv import dotenv_values

from adobe_nb.errors import ArgumentError, InsecureFileWarning

_COMMENT = re.compile(r"\s*(#|;|//|::|rem\b)", re.IGNORECASE)
# Names that no other program uses, so that a line with one of them is meant for us.
_OWN_PREFIXES = ("ADOBE_", "IMS_OAUTH_")


def expanded(path: str | Path) -> Path:
    """Return the path with ~ replaced. Raises ArgumentError for an unknown home folder."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise ArgumentError(
            f"The ~ in {path} does not stand for a folder here. Give the full path."
        ) from None


def warn_if_readable_by_others(path: Path) -> None:
    """Warn when other accounts of this machine can read the file."""
    if os.name == "posix" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        warnings.warn(
            f"{path} holds secrets, and other accounts of this machine can read it. "
            f"Run: chmod 600 {path}",
            InsecureFileWarning,
            stacklevel=2,
        )


def read_text(path: Path) -> str:
    """Return the text of a UTF-8 or UTF-16 file. Raises OSError, UnicodeDecodeError."""
    data = path.read_bytes()
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16")
    # Names and punctuation are ASCII, so UTF-16 without a mark has a zero among its first bytes.
    if data[1:2] == b"\0":
        return data.decode("utf-16-le")
    if data[:1] == b"\0":
        return data.decode("utf-16-be")
    return data.decode("utf-8-sig")


def read_variables(
    text: str, names: Iterable[str]
) -> tuple[dict[str, str | None], tuple[str, ...]]:
    """Return the variables of a ``.env`` text, and notes about lines that could not be read.

    Nothing is interpolated. Only the given names may follow ``set``, ``$env:`` or ``export``. A
    line is noted if it has a name that only we use, but is not of the form ``NAME=value``.
    """
    text = text.replace("\r\n", "\n")
    name = "|".join(map(re.escape, names))
    # cmd: set X=v, set "X=v"; PowerShell: $env:X = "v"; other shells: export X=v.
    keyword = r"^[ \t]*(?:set[ \t]+|\$env:|export[ \t]+)"
    assignment = rf"(?:{name})[ \t]*=[^\r\n]*?"
    text = re.sub(
        rf'{keyword}("?)({assignment})\1[ \t;]*$',
        r"\2",
        text,
        flags=re.MULTILINE | re.IGNORECASE,
    )
    values = dotenv_values(stream=StringIO(text), interpolate=False)
    read = {variable.upper() for variable, value in values.items() if value is not None}
    unread = []
    for number, line in enumerate(text.splitlines(), start=1):
        match = re.match(rf"[^=]*?(?<!\w)({name})(?!\w)", line, re.IGNORECASE)
        if not match or _COMMENT.match(line):
            continue
        variable = match[1].upper()
        if variable.startswith(_OWN_PREFIXES) and variable not in read:
            unread.append(f"line {number} names {variable}, but is not of the form NAME=value")
    return values, tuple(unread)
