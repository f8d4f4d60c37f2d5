"""Read the list of variables of a design: a frame, or a CSV or Excel file, as people keep it."""

import os
import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, cast

import pandas as pd

from adobe_nb.analysis.uses.index import fold
from adobe_nb.analysis.variables.names import RANGES, Variable, similar, spelled
from adobe_nb.analysis.words import enumerated, switch
from adobe_nb.errors import ArgumentError
from adobe_nb.suggest import did_you_mean

Design: TypeAlias = pd.DataFrame | str | os.PathLike[str]
_VARIABLE_COLUMNS = (
    "variable",
    "variables",
    "variableid",
    "variablename",
    "analyticsvariable",
    "dimension",
    "dimensionid",
    "metric",
    "id",
)
# Columns of one family, whose cells can be bare numbers.
_FAMILY_COLUMNS = {
    "evar": "eVar",
    "evars": "eVar",
    "prop": "prop",
    "props": "prop",
    "event": "event",
    "events": "event",
    "list": "list",
    "listvar": "list",
    "hier": "hier",
}
_NAME_COLUMNS = (
    "friendlyname",
    "name",
    "title",
    "displayname",
    "label",
    "designname",
    "description",
)
_VALUE_COLUMNS = ("value", "tagvalue", "dataelement", "dataelements", "source")
_SWITCH_COLUMNS = ("enabled", "status", "active", "state")
# One column that says it, or one for each report suite: "rsid shop-us", "Report suite: DE".
_SUITE_COLUMNS = ("rsid", "reportsuiteid", "reportsuite", "suite", "reportsuitename")
_SUITE_PREFIXES = ("rsid", "reportsuite")
_EXCEL = (".xlsx", ".xlsm", ".xls", ".ods")
_TEXT = (".csv", ".tsv", ".txt")
_SEPARATORS = ",;\t|"
_ENOUGH = 0.5
"""The share of values that must be variables in a column that is found by its contents."""
Key = tuple[str | None, int | str]


class Entry(NamedTuple):
    """A cell in a column of variables, with its row."""

    row: str
    """Where it is: ``row 9``."""
    text: str
    variable: Variable | None
    """None when the text is not the name of one."""
    name: str | None
    value: str | None
    """What it should be set to, when the design says it."""


class Contents(NamedTuple):
    """What a design says."""

    variables: Mapping[Key, Entry]
    """Several rows of one variable are one entry with all of their names."""
    others: Sequence[Entry]
    """The entries that are not variables."""
    limits: Sequence[str]


def read_design(
    design: Design, *, column: str | None = None, report_suite: str | None = None
) -> Contents:
    """Return the variables of a design. Raises ArgumentError."""
    sheets = _usable_sheets(design, column)
    if report_suite is not None and not any(map(_suite_columns, sheets.values())):
        raise ArgumentError(
            f"The design has no column of report suites to find {report_suite!r} in. Name the "
            "column 'Report suite', or leave out report_suite."
        )
    entries: list[Entry] = []
    for name, sheet in sheets.items():
        of_sheet = f" of sheet {name!r}" if len(sheets) > 1 else ""
        entries += _entries(_of_suite(sheet, report_suite), column, of_sheet)
    others = [entry for entry in entries if entry.variable is None]
    limits = [*_limits(entries), *_duplicates(entries)]
    return Contents(_by_variable(entries), others, limits)


def _usable_sheets(design: Design, column: str | None) -> dict[str, pd.DataFrame]:
    """Return the frames that have a column of variables. Raises ArgumentError without any."""
    sheets = _sheets(design)
    usable = {}
    for name, sheet in sheets.items():
        if _variable_columns(sheet, column):
            usable[name] = sheet
    if not usable:
        raise ArgumentError(_no_column(sheets.values(), column))
    return usable


def _by_variable(entries: Iterable[Entry]) -> dict[Key, Entry]:
    """Return one entry for each variable, with the names of all of its rows."""
    variables: dict[Key, Entry] = {}
    for entry in entries:
        if entry.variable is None:
            continue
        first = variables.setdefault(entry.variable.key, entry)
        names = dict.fromkeys(filter(None, (first.name, entry.name)))
        value = first.value or entry.value
        variables[entry.variable.key] = first._replace(name=", ".join(names) or None, value=value)
    return variables


def _limits(entries: Sequence[Entry]) -> Iterator[str]:
    """Yield how many rows are not about a variable that exists."""
    others, outside = [], []
    for entry in entries:
        described = f"{entry.row}, {entry.text!r}"
        if entry.variable is None:
            name = similar(entry.text)
            others.append(f"{described} (did you mean {name}?)" if name else described)
        elif entry.variable.problem == "out of range":
            last = f"{entry.variable.family}{RANGES[str(entry.variable.family)]}"
            outside.append(f"{described} (the last one is {last})")
    total = len({entry.row for entry in entries})
    if others:
        verb = "is not a variable" if len(others) == 1 else "are not variables"
        listed = enumerated(others, separator="; ")
        yield f"{len(others)} of {total} rows of the design {verb}: {listed}."
    if outside:
        verb = "is" if len(outside) == 1 else "are"
        listed = enumerated(outside, separator="; ")
        yield f"{len(outside)} of {total} rows of the design {verb} out of range: {listed}."


def _duplicates(entries: Iterable[Entry]) -> Iterator[str]:
    """Yield which variables have several rows."""
    rows: dict[str, list[str]] = defaultdict(list)
    for entry in entries:
        if entry.variable is not None:
            rows[entry.variable.name].append(entry.row)
    repeated = []
    for variable, places in rows.items():
        if len(places) > 1:
            repeated.append(f"{variable} ({', '.join(places)})")
    if repeated:
        listed = enumerated(repeated, separator="; ")
        yield f"The design has several rows for these variables: {listed}."


def _no_column(sheets: Iterable[pd.DataFrame], column: str | None) -> str:
    names = list(dict.fromkeys(str(name) for sheet in sheets for name in sheet.columns))
    if column is not None:
        return f"The design has no column {column!r} with variables.{did_you_mean(column, names)}"
    return (
        "No column of the design has variables such as eVar5, prop3 or event12. Its columns: "
        f"{', '.join(names) or 'none'}. Pass the name of the one that has them: column='…'."
    )


def _sheets(design: Design) -> dict[str, pd.DataFrame]:
    """Return the frame of a design, or those of the sheets of a file, by name.

    The rows of a file have the numbers that Excel shows.
    """
    if isinstance(design, pd.DataFrame):
        return {"": design}
    if not isinstance(design, str | os.PathLike):
        raise ArgumentError(
            "The design must be a DataFrame, or the path of a CSV or Excel file, "
            f"not {type(design).__name__}."
        )
    if not str(design).strip():
        raise ArgumentError(
            "The path of the design is empty. Pass a DataFrame, or the path of a CSV or Excel file."
        )
    path = Path(design).expanduser()
    if not path.is_file():
        raise ArgumentError(f"There is no file {str(path)!r}.")
    sheets = _read(path)
    for name, sheet in sheets.items():
        sheets[name] = sheet.set_axis(range(2, len(sheet) + 2))
    return sheets


def _read(path: Path) -> dict[str, pd.DataFrame]:
    suffix = path.suffix.lower()
    try:
        if suffix in _EXCEL:
            return dict(pd.read_excel(path, sheet_name=None, dtype="string"))
        if suffix in _TEXT:
            return {"": _read_text(path)}
    except ImportError as error:
        raise ArgumentError(
            f"Reading {path.name} requires another package ({error}). Install adobe_nb[excel], "
            "or save the design as CSV."
        ) from None
    except pd.errors.EmptyDataError:
        raise ArgumentError(f"{path.name} is empty.") from None
    except (ValueError, OSError) as error:
        raise ArgumentError(f"{path.name} cannot be read: {error}.") from None
    raise ArgumentError(f"{path.name} must be a CSV or Excel file: {', '.join(_TEXT + _EXCEL)}.")


def _read_text(path: Path) -> pd.DataFrame:
    encoding = "utf-8-sig"
    try:
        text = path.read_text(encoding=encoding)
    except UnicodeDecodeError:
        # Excel on Windows writes CSV in the code page of the system.
        encoding = "cp1252"
        text = path.read_text(encoding=encoding)
    # The separator differs from country to country.
    header = text.lstrip().partition("\n")[0]
    unquoted = re.sub(r'"[^"]*"', "", header)
    separator = max(_SEPARATORS, key=unquoted.count)
    return pd.read_csv(path, dtype="string", sep=separator, encoding=encoding)


def _variable_columns(frame: pd.DataFrame, column: str | None) -> list[Hashable]:
    """Return the columns that hold variables: by name, else the one with the most of them."""
    if column is not None:
        return [column] if column in frame else []
    if named := _named_columns(frame):
        return named
    shares = {name: _share(frame, name) for name in frame.columns}
    best = max(shares, key=shares.__getitem__, default=None)
    if best is None or shares[best] < _ENOUGH:
        return []
    return [best]


def _named_columns(frame: pd.DataFrame) -> list[Hashable]:
    folded = {fold(str(name)): name for name in reversed(list(frame.columns))}
    for known in _VARIABLE_COLUMNS:
        name = folded.get(known)
        if name is not None and (frame.empty or _share(frame, name) > 0):
            return [name]
    named = [folded[known] for known in _FAMILY_COLUMNS.keys() & folded.keys()]
    return [name for name in frame.columns if name in named]


def _share(frame: pd.DataFrame, column: Any) -> float:
    values = frame[column].dropna()
    if values.empty:
        return 0
    return sum(_variable(value, column) is not None for value in values) / len(values)


def _variable(value: Any, column: Any) -> Variable | None:
    text = str(value).strip().removesuffix(".0")
    family = _FAMILY_COLUMNS.get(fold(str(column)))
    if family is not None and text.isdecimal():
        text = f"{family}{text}"
    return spelled(text)


def _of_suite(frame: pd.DataFrame, report_suite: str | None) -> pd.DataFrame:
    """Return the rows of one report suite. Raises ArgumentError when there are several."""
    columns = _suite_columns(frame)
    if not columns:
        return frame
    column = _first_column(frame, _SUITE_COLUMNS, ())
    if column is not None:
        suites = frame[column].astype("string").str.strip()
        names = sorted(suites.dropna().unique())
        if report_suite is None and len(names) <= 1:
            return frame
        return frame[(suites == _chosen(report_suite, names)).fillna(value=False)]
    cells = frame[columns[_chosen(report_suite, list(columns))]]
    # An empty cell says that the report suite does not have the variable.
    return frame[[not pd.isna(cell) and switch(cell) is not False for cell in cells]]


def _suite_columns(frame: pd.DataFrame) -> dict[str, Hashable]:
    """Return the columns about report suites, by name."""
    columns: dict[str, Hashable] = {}
    for name in frame.columns:
        folded = fold(str(name))
        if folded in _SUITE_COLUMNS or folded.startswith(_SUITE_PREFIXES):
            columns[str(name)] = name
    return columns


def _chosen(report_suite: str | None, names: Sequence[str]) -> str:
    if report_suite is None:
        raise ArgumentError(
            f"The design has {len(names)} report suites: {', '.join(names)}. Choose one: "
            f"report_suite={names[0]!r}."
        )
    if report_suite not in names:
        raise ArgumentError(
            f"The design has no report suite {report_suite!r}.{did_you_mean(report_suite, names)}"
        )
    return report_suite


def _entries(frame: pd.DataFrame, column: str | None, of_sheet: str) -> Iterator[Entry]:
    variables = _variable_columns(frame, column)
    names = _first_column(frame, _NAME_COLUMNS, variables)
    values = _first_column(frame, _VALUE_COLUMNS, variables)
    switches = _first_column(frame, _SWITCH_COLUMNS, variables)
    for label, row in zip(frame.index, frame.to_dict("records"), strict=True):
        if switches is not None and switch(row[switches]) is False:
            continue
        for name in variables:
            text = _text(row, name)
            if text is not None:
                place = f"row {label}{of_sheet}"
                variable = _variable(text, name)
                yield Entry(place, text, variable, _text(row, names), _text(row, values))


def _first_column(
    frame: pd.DataFrame, known: Sequence[str], variables: Sequence[Hashable]
) -> Hashable | None:
    folded = {fold(str(name)): name for name in frame.columns if name not in variables}
    for name in known:
        if name in folded:
            return cast("Hashable", folded[name])
    return None


def _text(row: dict[Any, Any], column: Hashable | None) -> str | None:
    if column is None or pd.isna(row[column]):
        return None
    return str(row[column]).strip() or None
