"""``adobe-nb doctor``."""

import argparse
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from adobe_nb.cli.options import Commands, add_credentials, show

if TYPE_CHECKING:
    from adobe_nb.checkup.results import Result

_STATUSES = """\
exit status:
  0  everything works, perhaps with warnings
  1  a problem
  2  wrong usage, or an error
"""


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    doctor = commands.add_parser(
        "doctor",
        help="check sign-in, rights, network and installation",
        description="Check sign-in, rights, network and installation. Reads only; without\n"
        "credentials, or offline, it says what to do.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_STATUSES,
    )
    doctor.set_defaults(run=_run)
    doctor.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        help="also write, for the maintainers, in which form the service answers: names and types "
        "of attributes, and no value of your account (JSON)",
    )
    source = doctor.add_mutually_exclusive_group()
    add_credentials(source, "check the built-in simulator")


def _run(options: argparse.Namespace) -> int:
    from adobe_nb.checkup import report  # noqa: PLC0415
    from adobe_nb.checkup.account import Source  # noqa: PLC0415
    from adobe_nb.checkup.doctor import examine  # noqa: PLC0415

    if options.report is not None:
        show(report.announcement(report.target_of(options.report)))
    source = Source(options.profile, options.env_file, options.simulator)
    results = examine(source, options.report)
    for result in results:
        _show(result)
    counts = Counter(result.status for result in results)
    show(
        f"{counts['ok']} ok, {counts['warning']} warnings, {counts['problem']} problems, "
        f"{counts['unknown']} not checked."
    )
    return int(counts["problem"] > 0)


def _show(result: "Result") -> None:
    detail = " ".join(result.detail.split())
    show(f"{result.status:8}  {result.check:13}  {detail}")
    if result.advice and result.status != "ok":
        show(f"{'':25}{result.advice}")
