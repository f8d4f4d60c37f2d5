"""``adobe-nb audit``."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adobe_nb import __version__
from adobe_nb.cli.options import (
    Commands,
    add_credentials,
    connect,
    property_id,
    property_name,
    show,
)
from adobe_nb.errors import ArgumentError
from adobe_nb.masking import masked_message, printable

if TYPE_CHECKING:
    import pandas as pd

    from adobe_nb.analysis import Tags

_SEVERITIES = ("high", "medium", "low")
_STATUSES = """\
exit status:
  0  no finding of that severity or above (--fail-on)
  1  findings
  2  wrong usage, or an error
"""


class _ListRules(argparse.Action):
    """An option that needs no property."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        """Show the rules, and exit."""
        from adobe_nb.analysis.audit import formats  # noqa: PLC0415

        show(formats.rules_table())
        parser.exit()


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    audit = commands.add_parser(
        "audit",
        help="check a property for mistakes",
        description="Check a property, or what a library or build of it holds, for mistakes.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_STATUSES,
    )
    audit.set_defaults(run=_run)
    audit.add_argument(
        "property",
        type=property_name,
        nargs="?",
        metavar="PROPERTY",
        help="its id or name; may be left out with --snapshot, to check all properties",
    )
    holder = audit.add_mutually_exclusive_group()
    holder.add_argument("--library", metavar="ID", help="check what a library of it would publish")
    holder.add_argument("--build", metavar="ID", help="check what a build of it delivered")
    audit.add_argument(
        "--rule",
        action="append",
        metavar="NAME",
        help="check only this rule, theme or severity; can be repeated",
    )
    audit.add_argument(
        "--list-rules", action=_ListRules, nargs=0, help="show the rules and their themes, and exit"
    )
    audit.add_argument(
        "--suppress",
        type=Path,
        metavar="FILE",
        help="findings to leave out: CSV, JSON or TOML with fingerprint, note, until",
    )
    audit.add_argument(
        "--earlier",
        type=Path,
        metavar="FILE",
        help="JSON of an earlier audit, whose notes and dates are kept",
    )
    audit.add_argument(
        "--fail-on",
        choices=[*_SEVERITIES, "never"],
        default="high",
        help="exit with 1 for findings of this severity or above (default: %(default)s)",
    )
    audit.add_argument(
        "--format",
        choices=["table", "json", "sarif", "html"],
        default="table",
        help="default: %(default)s",
    )
    audit.add_argument(
        "--verbose", action="store_true", help="show in the table all that could not be seen"
    )
    audit.add_argument("--output", type=Path, metavar="FILE", help="write to a file")
    source = audit.add_mutually_exclusive_group()
    source.add_argument(
        "--snapshot",
        type=Path,
        action="append",
        metavar="FOLDER",
        help="read the latest snapshot of a folder; requires no credentials; can be repeated, for "
        "several organizations",
    )
    add_credentials(source, "check a property of the built-in simulator")


def _run(options: argparse.Namespace) -> int:
    from adobe_nb.analysis.audit import formats  # noqa: PLC0415

    if options.format == "html":
        _check_html(options)
    tags = _tags(options)
    findings = tags.audit(
        options.rule, suppress=options.suppress, earlier=options.earlier, all=True
    )
    if options.format == "html":
        tags.to_html(options.output, suppress=options.suppress)
    else:
        text = _text(options, tags, findings)
        if options.output is None:
            show(text)
        else:
            _write(printable(text), options.output)
    if options.output is not None:
        show(f"{formats.summary(findings)} Written to {options.output}.")
    return int(_fails(findings.attrs["counts"], options.fail_on))


def _check_html(options: argparse.Namespace) -> None:
    """Raise ArgumentError for options that a report does not have."""
    if options.output is None:
        raise ArgumentError("--format html requires --output, a file that ends in .html.")
    if options.rule or options.earlier:
        raise ArgumentError(
            "--format html writes the whole report of tags.to_html(). Leave --rule and --earlier out."
        )


def _text(options: argparse.Namespace, tags: "Tags", findings: "pd.DataFrame") -> str:
    from adobe_nb.analysis.audit import formats  # noqa: PLC0415

    if options.format == "table":
        return formats.to_table(findings, verbose=options.verbose)
    if options.format == "json":
        return formats.to_json(findings)
    # Code scanning replaces the findings of a category.
    category = "/".join(["adobe-nb", *tags.model.property_ids, ""])
    return formats.to_sarif(findings, version=__version__, category=category)


def _tags(options: argparse.Namespace) -> "Tags":
    from adobe_nb import analysis  # noqa: PLC0415

    selected, session = options.property, None
    if options.snapshot is None:
        if selected is None:
            raise ArgumentError(
                "An audit requires a property: its id or name. Only with --snapshot it may be left "
                "out, to check all properties of the snapshot."
            )
        session = connect(options)
        selected = property_id(session, selected)
    return analysis.read(
        selected,
        library=options.library,
        build=options.build,
        snapshot=options.snapshot,
        session=session,
        redact=masked_message,
    )


def _write(text: str, file: Path) -> None:
    try:
        file.write_text(text + "\n", encoding="utf-8")
        return
    except OSError as error:
        problem = error.strerror
    raise ArgumentError(f"Cannot write {file} ({problem}). Choose another --output.")


def _fails(counts: dict[str, int], fail_on: str) -> bool:
    if fail_on == "never":
        return False
    severities = _SEVERITIES[: _SEVERITIES.index(fail_on) + 1]
    return any(counts[severity] for severity in severities)
