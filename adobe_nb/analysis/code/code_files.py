"""Write custom code to files that can be compared, versioned and opened in an editor."""

import hashlib
import io
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd

from adobe_nb.analysis.answers import encoded
from adobe_nb.analysis.code.custom_code import custom_code
from adobe_nb.analysis.questions.base import Questions
from adobe_nb.errors import ArgumentError
from adobe_nb.snapshot.disk import make_folder, write

_INDEX = "index.csv"
_REQUIRED = ("source_type", "source_id", "path", "language", "code")
_SUFFIXES = {"html": ".html"}
_FILE_NAME = re.compile(r"[A-Za-z0-9_-]+/[A-Za-z0-9._-]+\.(?:js|html)")
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST_NAME = 80
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)
_FORMULA = re.compile(r"[=+\-@\t\r]")


def to_files(
    code: pd.DataFrame | Questions, folder: str | os.PathLike[str], *, prune: bool = False
) -> pd.DataFrame:
    """Write each piece of code to a file of its own, and an index of them.

    The files are ``<source_type>/<id>.js`` or ``.html``; where a resource has several pieces, the
    path inside its settings follows its id. ``index.csv`` lists them. Names stay the same from run
    to run, so that the folder can be compared or versioned. A later run into the same folder
    updates the files of the code that it is given.

    Parameters
    ----------
    code
        What ``tags.custom_code()`` returns, or some rows of it; or the tags, for all of it.
    folder
        Created when missing. Only this user can read the files, because code can hold secrets.
    prune
        Whether to remove files of earlier runs that are not among these: pass all of the code.
        Files that are not in the index are never touched.

    Returns
    -------
    DataFrame
        The index: ``file`` (relative to the folder), then the columns of ``code`` without the code
        itself, in the order of the rows.

    Raises
    ------
    ArgumentError
        A column is missing, a source appears twice with different code, or a file of that name
        exists that is not in the index of an earlier run. Nothing is written. Also when the folder
        cannot be written.

    Examples
    --------
    >>> import adobe_nb
    >>> from adobe_nb import analysis
    >>> reactor = adobe_nb.connect(simulator=True).reactor
    >>> site = reactor.find("properties", "Web Store US")
    >>> tags = analysis.Tags(data_elements=reactor.data_elements(site))
    >>> index = analysis.to_files(tags, "code").set_index("source_name")
    >>> index.loc["Login Status", "file"]
    'data_elements/DEaa519441f2b23077653204b7b90f5c16.js'
    """
    if isinstance(code, Questions):
        code = custom_code(code.model)
    rows = _rows_to_write(code)
    if prune and rows.empty:
        raise ArgumentError(
            "Found no code in this frame. With prune=True, all files of earlier runs would be "
            "removed. Check the frame, or remove the folder."
        )
    names = _file_names(rows)
    contents = dict(zip(names, map(encoded, rows["code"]), strict=True))
    index = rows.drop(columns=["code", "file"], errors="ignore")
    index.insert(0, "file", pd.Series(names, dtype="string"))
    if not isinstance(folder, str | os.PathLike) or not os.fspath(folder):
        raise ArgumentError(f'Expected the path of a folder such as "code", got {folder!r}.')
    target = Path(folder).expanduser()
    try:
        earlier = _check_folder(target, contents)
        _write_all(target, contents, earlier, index, prune=prune)
    except OSError as error:
        raise ArgumentError(
            f"Cannot write to {target} ({error.strerror or error}). Choose another folder."
        ) from None
    return index


def _rows_to_write(code: pd.DataFrame) -> pd.DataFrame:
    if not isinstance(code, pd.DataFrame):
        raise ArgumentError(
            f"Expected the frame that tags.custom_code() returns, got {type(code).__name__}."
        )
    for column in _REQUIRED:
        if column not in code:
            raise ArgumentError(
                f"The frame has no column {column!r}. Pass the frame that tags.custom_code() "
                "returns, or some rows of it."
            )
    source = ["source_type", "source_id", "path"]
    rows = code.dropna(subset="code").drop_duplicates([*source, "code"], ignore_index=True)
    repeated = rows.loc[rows.duplicated(source), "source_id"]
    if len(repeated):
        raise ArgumentError(
            f"{repeated.iloc[0]} appears twice with different code. Pass the code of one state of "
            "the property."
        )
    return rows


def _file_names(rows: pd.DataFrame) -> list[str]:
    """Return a name for each row: safe on every system, and different by more than case."""
    stems = rows["source_type"].map(_safe) + "/" + rows["source_id"].map(_safe)
    paths = rows["path"].map(lambda path: "." + _safe(path, "-"))
    stems = stems.mask(stems.duplicated(keep=False), stems + paths)
    # Windows and macOS ignore case.
    counts = Counter(stems.str.casefold())
    names = []
    for stem, row in zip(stems, rows.to_dict("records"), strict=True):
        name = stem
        if counts[stem.casefold()] > 1:
            name += "-" + _digest(f"{row['source_id']} {row['path']}")
        names.append(name + _SUFFIXES.get(row["language"], ".js"))
    return names


def _safe(text: Any, replacement: str = "_") -> str:
    """Return a text as part of a file name; an altered one gets a hash unless it is a path."""
    text = str(text)
    safe = _UNSAFE.sub(replacement, text).strip(replacement)[:_LONGEST_NAME]
    is_altered = safe != text and replacement == "_"
    if is_altered or not safe or len(text) > _LONGEST_NAME or _RESERVED.fullmatch(safe):
        safe += "-" + _digest(text)
    return safe.lstrip("-")


def _digest(text: str) -> str:
    return hashlib.sha256(encoded(text)).hexdigest()[:8]


def _check_folder(folder: Path, names: Iterable[str]) -> pd.DataFrame:
    """Return the index of earlier runs. Raises ArgumentError if other files are in the way."""
    if folder.exists() and not folder.is_dir():
        raise ArgumentError(f"{folder} is a file. Name a folder.")
    index = _read_index(folder / _INDEX)
    earlier = set(index["file"])
    for name in [*names, *sorted(earlier)]:
        file = folder / name
        parent = file.parent
        if os.path.lexists(parent) and (parent.is_symlink() or not parent.is_dir()):
            raise ArgumentError(
                f"{parent} is not a folder of its own. Remove it, or choose another folder."
            )
        if os.path.lexists(file) and not (name in earlier and _is_regular(file)):
            raise ArgumentError(
                f"{file} exists, and is not in the index of an earlier run. Choose another folder."
            )
    return index


def _is_regular(file: Path) -> bool:
    return file.is_file() and not file.is_symlink()


def _read_index(file: Path) -> pd.DataFrame:
    """Return the index of earlier runs; an empty one when there is none."""
    if not os.path.lexists(file):
        return pd.DataFrame({"file": []}, dtype="string")
    problem = f"{file} is not an index of custom code. Remove it, or choose another folder."
    if not _is_regular(file):
        raise ArgumentError(problem)
    text = file.read_bytes().decode("utf-8-sig", "replace")
    try:
        index = pd.read_csv(io.StringIO(text, newline=""), dtype="string", keep_default_na=False)
    except (ValueError, pd.errors.ParserError):
        raise ArgumentError(problem) from None
    # Another program's list of files could begin with the same column.
    is_index = index.columns[:1].tolist() == ["file"] and {*_REQUIRED} - {"code"} <= {*index}
    # Whoever can write the index must not be able to have other files removed.
    if not is_index or not all(map(_FILE_NAME.fullmatch, index["file"])):
        raise ArgumentError(problem)
    return index


def _write_all(
    folder: Path,
    contents: Mapping[str, bytes],
    earlier: pd.DataFrame,
    index: pd.DataFrame,
    *,
    prune: bool,
) -> None:
    make_folder(folder)
    others = earlier[~earlier["file"].isin(list(contents))]
    # First the index with the old names and the new ones: after an interruption, it knows them all.
    rows = [index.astype("string").fillna(""), others]
    _write(folder / _INDEX, _csv(pd.concat([frame for frame in rows if len(frame)] or rows)))
    for name, content in contents.items():
        make_folder((folder / name).parent)
        _write(folder / name, content)
    if not prune:
        return
    for name in others["file"]:
        (folder / name).unlink(missing_ok=True)
        # Fails when other files are in it.
        with suppress(OSError):
            (folder / name).parent.rmdir()
    _write(folder / _INDEX, _csv(index))


def _csv(index: pd.DataFrame) -> bytes:
    """Return the index as CSV, in which no name is a formula to a spreadsheet."""
    text = index.astype("object").map(_not_a_formula).to_csv(index=False, lineterminator="\r\n")
    # Excel reads UTF-8 only with a byte order mark.
    return text.encode("utf-8-sig", "backslashreplace")


def _not_a_formula(value: Any) -> Any:
    if isinstance(value, str) and _FORMULA.match(value):
        return f"'{value}"
    return value


def _write(file: Path, content: bytes) -> None:
    # A file that has this content keeps its time.
    if not file.exists() or file.read_bytes() != content:
        write(file, lambda opened: opened.write(content))
