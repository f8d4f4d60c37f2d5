"""``adobe-nb``: the command line. Parses the arguments, and calls one function."""

import argparse
import json
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from adobe_nb import __version__
from adobe_nb.errors import AdobeError, ArgumentError
from adobe_nb.masking import printable
from adobe_nb.registry import ID_PATTERN

if TYPE_CHECKING:
    from adobe_nb.session import Session
    from adobe_nb.snapshot import Snapshot


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except AdobeError as error:
        return _fail(str(error))


class _Parser(argparse.ArgumentParser):
    """A parser, also of a command, whose errors are printable."""

    def error(self, message: str) -> NoReturn:
        super().error(printable(message))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="adobe-nb",
        description="Adobe's tags (Reactor) API and Edge Network in notebooks.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"adobe-nb {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    _add_lab(commands)
    _add_pull(commands)
    _add_simulator(commands)
    return parser


def _add_lab(commands: "argparse._SubParsersAction[_Parser]") -> None:
    lab = commands.add_parser("lab", help="open JupyterLab with the tutorials")
    lab.set_defaults(run=_lab)
    lab.add_argument(
        "--dir",
        type=Path,
        default=Path("adobe-nb-tutorials"),
        help="working folder (default: %(default)s)",
    )
    lab.add_argument("--port", type=_port, help="port of JupyterLab (default: a free one)")
    lab.add_argument(
        "--no-browser", action="store_true", help="print the address instead of opening a browser"
    )


def _add_pull(commands: "argparse._SubParsersAction[_Parser]") -> None:
    pull = commands.add_parser(
        "pull",
        help="store properties as tables on disk",
        description="Store everything in some properties (default: all that you can access) as the "
        "next snapshot in a folder. An interrupted pull resumes when it is run again.",
    )
    pull.set_defaults(run=_pull)
    pull.add_argument("folder", type=Path, help="folder of the snapshots")
    pull.add_argument(
        "--refresh", action="store_true", help="read only what changed since the latest snapshot"
    )
    pull.add_argument(
        "--property", action="append", metavar="ID|NAME", help="a property; can be repeated"
    )
    pull.add_argument("--table", action="append", metavar="NAME", help="a table; can be repeated")
    pull.add_argument("--keep", type=_count, metavar="N", help="keep only the latest N snapshots")
    pull.add_argument(
        "--concurrency", type=_count, metavar="N", help="maximum number of parallel requests (16)"
    )
    pull.add_argument(
        "--no-resume", action="store_true", help="start over instead of resuming an earlier pull"
    )
    source = pull.add_mutually_exclusive_group()
    source.add_argument(
        "--profile", metavar="NAME", help="credentials: a profile saved on this machine"
    )
    source.add_argument("--env-file", type=Path, metavar="FILE", help="credentials: a .env file")
    source.add_argument("--simulator", action="store_true", help="pull from the built-in simulator")


def _add_simulator(commands: "argparse._SubParsersAction[_Parser]") -> None:
    from adobe_nb.simulator.faults import KINDS  # noqa: PLC0415

    lines = ["kinds of faults:"]
    for kind, text in KINDS.items():
        lines.append(f"  {kind:<16} {text}")
    simulator = commands.add_parser(
        "simulator",
        help="run the simulator of IMS, Reactor and Edge Network on this machine",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="\n".join(lines),
    )
    simulator.set_defaults(run=_simulate)
    simulator.add_argument("--json", action="store_true", help="print one line of JSON when ready")
    simulator.add_argument(
        "--port", type=_port, default=0, help="port of Reactor and IMS (default: a free one)"
    )
    simulator.add_argument(
        "--seed", choices=["demo", "empty"], default="demo", help="initial data (default: demo)"
    )
    counts = {
        "--properties": "properties to generate",
        "--rules": "rules in each generated property",
        "--components": "components in each generated rule",
        "--data-elements": "data elements in each generated property",
        "--events": "audit events about the generated resources",
    }
    for option, text in counts.items():
        simulator.add_argument(option, type=_count, default=0, metavar="N", help=text)
    for option, metavar, default, text in (
        ("--latency", "MS", 0.0, "milliseconds before each response"),
        ("--token-ttl", "SECONDS", 86399, "lifetime of a token"),
        ("--build-seconds", "S", 0.5, "duration of a build"),
    ):
        simulator.add_argument(option, type=_number, default=default, metavar=metavar, help=text)
    simulator.add_argument("--failing-builds", action="store_true", help="make every build fail")
    simulator.add_argument(
        "--most-in-flight", type=_count, metavar="N", help="answer more parallel requests with 429"
    )
    simulator.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="KIND:RATE",
        help="inject a fault, for example 429:0.05; can be repeated",
    )


def _lab(options: argparse.Namespace) -> int:
    # Commands import what they need: loading pandas would delay --help.
    from adobe_nb.lab import run  # noqa: PLC0415

    return run(options.dir, port=options.port, browser=not options.no_browser)


def _pull(options: argparse.Namespace) -> int:
    # A refresh continues what the latest snapshot contains.
    if options.refresh and (options.property or options.table or options.no_resume):
        raise ArgumentError(
            "--refresh reads the properties and tables of the latest snapshot, and resumes by "
            "itself. Leave --property, --table and --no-resume out."
        )
    if options.keep == 0:
        raise ArgumentError("--keep 0 would remove every snapshot. Pass 1 or more.")
    try:
        stored, removed = _store(options)
    except KeyboardInterrupt:
        # 130 is what shells report after Ctrl-C.
        _fail("interrupted. The snapshots are unchanged. Run the same command again to resume.")
        return 130
    for table in stored.tables:
        rows = sum(part.rows for part in stored.parts_of(table))
        print(f"{rows:>10,}  {table}")  # noqa: T201
    text = f"Snapshot {stored.number} in {stored.data}"
    if removed:
        text += f"; removed: {', '.join(removed)}"
    print(printable(text))  # noqa: T201
    return 0


def _store(options: argparse.Namespace) -> "tuple[Snapshot, list[str]]":
    """Store a snapshot; return it, and the names of those that were removed."""
    from adobe_nb import session as sessions  # noqa: PLC0415
    from adobe_nb import snapshot  # noqa: PLC0415

    session = sessions.connect(
        profile=options.profile,
        env_file=options.env_file,
        simulator=options.simulator,
        concurrency=options.concurrency,
    )
    if options.refresh:
        stored = snapshot.refresh(options.folder, session=session)
    else:
        properties = list(map(partial(_property_id, session), options.property or ()))
        stored = snapshot.pull(
            properties or None,
            to=options.folder,
            tables=options.table,
            resume=not options.no_resume,
            session=session,
        )
    if not options.keep:
        return stored, []
    return stored, snapshot.prune(options.folder, keep=options.keep)


def _property_id(session: "Session", name: str) -> str:
    if ID_PATTERN.fullmatch(name):
        return name
    return str(session.reactor.find("properties", name).loc[0, "id"])


def _simulate(options: argparse.Namespace) -> int:
    from adobe_nb.simulator.faults import Fault  # noqa: PLC0415
    from adobe_nb.simulator.seed import Bulk  # noqa: PLC0415
    from adobe_nb.simulator.server import Simulator  # noqa: PLC0415

    try:
        faults = tuple(map(Fault.parse, options.fault))
    except ValueError as error:
        raise ArgumentError(str(error)) from None
    # Before the start, so that an early signal stops the simulator too.
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    simulator = Simulator(
        port=options.port,
        seed=options.seed,
        bulk=Bulk(
            options.properties,
            options.rules,
            options.components,
            options.data_elements,
            options.events,
        ),
        latency=options.latency / 1000,
        token_ttl=options.token_ttl,
        build_seconds=options.build_seconds,
        failing_builds=options.failing_builds,
        most_in_flight=options.most_in_flight,
        faults=faults,
    )
    try:
        simulator.start()
    except OSError as error:
        raise ArgumentError(
            f"Port {options.port} is unavailable ({error.strerror}). Choose another one, or leave "
            "--port out."
        ) from None
    message = (
        f"The simulator is running at {simulator.reactor_url}\n"
        "To use it in another terminal or notebook:\n"
        f"  export ADOBE_NB_SIMULATOR={simulator.reactor_url}\n"
        "Press Ctrl-C to stop it."
    )
    if options.json:
        message = json.dumps(simulator.connection())
    try:
        # Flushed, because programs wait for this line.
        print(message, flush=True)  # noqa: T201
        stop.wait()
    finally:
        simulator.stop()
    return 0


def _within(convert: Callable[[str], float], expected: str, maximum: float, text: str) -> float:
    with suppress(ValueError):
        number = convert(text)
        if 0 <= number <= maximum:
            return number
    raise argparse.ArgumentTypeError(f"{text!r} is not {expected}")


_count = partial(_within, int, "an integer of 0 or more", sys.maxsize)
_number = partial(_within, float, "a number of 0 or more", sys.float_info.max)
_port = partial(_within, int, "a port from 0 to 65535", 65535)


def _fail(message: str) -> int:
    print(printable(f"adobe-nb: {message}"), file=sys.stderr)  # noqa: T201
    return 2
