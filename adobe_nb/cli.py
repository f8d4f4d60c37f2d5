"""``adobe-nb``: the command line. Parses, and calls one function."""

import argparse
import json
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from adobe_nb import __version__
from adobe_nb.masking import printable

if TYPE_CHECKING:
    from adobe_nb.session import Session


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns its exit status."""
    options = _parser().parse_args(arguments)
    return {"lab": _lab, "pull": _pull, "simulator": _simulate}[str(options.command)](options)


class _Parser(argparse.ArgumentParser):
    """Also for the sub-commands. What it quotes is printable."""

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

    lab = commands.add_parser("lab", help="open JupyterLab on the tutorials")
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

    _add_pull(commands)

    from adobe_nb.simulator.faults import KINDS  # noqa: PLC0415

    kinds = "\n".join(f"  {kind:<16} {text}" for kind, text in KINDS.items())
    simulator = commands.add_parser(
        "simulator",
        help="serve the stand-in for IMS, Reactor and Edge Network on this machine",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f"kinds of faults:\n{kinds}",
    )
    simulator.add_argument("--json", action="store_true", help="print one line of JSON when ready")
    simulator.add_argument(
        "--port", type=_port, default=0, help="port of Reactor and IMS (default: a free one)"
    )
    simulator.add_argument(
        "--seed", choices=["demo", "empty"], default="demo", help="what it holds (default: demo)"
    )
    simulator.add_argument(
        "--properties", type=_count, default=0, metavar="N", help="generate N more properties"
    )
    simulator.add_argument(
        "--rules", type=_count, default=0, metavar="N", help="rules in each generated property"
    )
    simulator.add_argument(
        "--components", type=_count, default=0, metavar="N", help="components in each such rule"
    )
    simulator.add_argument(
        "--data-elements", type=_count, default=0, metavar="N", help="data elements in each"
    )
    simulator.add_argument(
        "--events", type=_count, default=0, metavar="N", help="audit events about what is generated"
    )
    simulator.add_argument(
        "--latency", type=_number, default=0.0, metavar="MS", help="milliseconds before each answer"
    )
    simulator.add_argument(
        "--token-ttl", type=_number, default=86399, metavar="SECONDS", help="life of a token"
    )
    simulator.add_argument(
        "--build-seconds", type=_number, default=0.5, metavar="S", help="duration of a build"
    )
    simulator.add_argument(
        "--failing-builds", action="store_true", help="every build fails, with a reason"
    )
    simulator.add_argument(
        "--most-in-flight",
        type=_count,
        metavar="N",
        help="answer 429 when more requests than that are in flight",
    )
    simulator.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="KIND:RATE",
        help="trouble on purpose, as in 429:0.05",
    )
    return parser


def _add_pull(commands: "argparse._SubParsersAction[_Parser]") -> None:
    pull = commands.add_parser(
        "pull",
        help="store everything about properties as tables on disk",
        description="Store everything about some properties (all that you can see) as the next snapshot of a folder. "
        "What ends early goes on where it ended when it is run again.",
    )
    pull.add_argument("folder", type=Path, help="folder of the snapshots")
    pull.add_argument(
        "--refresh", action="store_true", help="ask only for what changed since the latest snapshot"
    )
    pull.add_argument(
        "--property",
        action="append",
        default=[],
        metavar="ID|NAME",
        help="one property; can be given several times",
    )
    pull.add_argument(
        "--table", action="append", metavar="NAME", help="one table; can be given several times"
    )
    pull.add_argument("--keep", type=_count, metavar="N", help="keep only the latest N snapshots")
    pull.add_argument(
        "--concurrency", type=_count, metavar="N", help="requests in flight at once, at most (16)"
    )
    pull.add_argument(
        "--no-resume", action="store_true", help="begin anew instead of where an earlier run ended"
    )
    source = pull.add_mutually_exclusive_group()
    source.add_argument(
        "--profile", metavar="NAME", help="credentials: a profile saved on this machine"
    )
    source.add_argument("--env-file", type=Path, metavar="FILE", help="credentials: a .env file")
    source.add_argument("--simulator", action="store_true", help="pull from the built-in simulator")


def _pull(options: argparse.Namespace) -> int:
    from adobe_nb import session as sessions  # noqa: PLC0415
    from adobe_nb import snapshot  # noqa: PLC0415
    from adobe_nb.errors import AdobeError  # noqa: PLC0415

    if options.refresh and (options.property or options.table or options.no_resume):
        return _fail(
            "--refresh takes the properties and tables of the latest snapshot, and goes on where it ended. Leave "
            "--property, --table and --no-resume out."
        )
    if options.keep == 0:
        return _fail("--keep 0 would remove every snapshot. Give 1 or more.")
    source = {
        "profile": options.profile,
        "env_file": options.env_file,
        "simulator": options.simulator,
    }
    try:
        session = sessions.connect(
            **{name: value for name, value in source.items() if value},
            concurrency=options.concurrency,
        )
        if options.refresh:
            made = snapshot.refresh(options.folder, session=session)
        else:
            chosen = [_property_of(session, each) for each in options.property] or None
            made = snapshot.pull(
                chosen,
                to=options.folder,
                tables=options.table,
                resume=not options.no_resume,
                session=session,
            )
        removed = (
            snapshot.prune(options.folder, keep=options.keep) if options.keep is not None else []
        )
    except AdobeError as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        _fail("stopped. The snapshots are as they were; the same command goes on from here.")
        return 130
    for table in made.tables:
        print(f"{sum(part.rows for part in made.parts_of(table)):>10,}  {table}")  # noqa: T201
    gone = f"; removed: {', '.join(removed)}" if removed else ""
    print(printable(f"Snapshot {made.number} in {made.data}{gone}"))  # noqa: T201
    return 0


def _property_of(session: "Session", given: str) -> str:
    """An id as it is, a name looked up."""
    from adobe_nb.registry import ID_PATTERN  # noqa: PLC0415

    if ID_PATTERN.fullmatch(given):
        return given
    return str(session.reactor.find("properties", given).loc[0, "id"])


def _count(text: str) -> int:
    return int(_within(int, text, "a whole number, 0 or more", 0))


def _number(text: str) -> float:
    return _within(float, text, "a number, 0 or more", 0, sys.float_info.max)


def _port(text: str) -> int:
    return int(_within(int, text, "a port, from 0 to 65535", 0, 65535))


def _within(
    read: Callable[[str], float], text: str, wanted: str, low: float, high: float = sys.maxsize
) -> float:
    number = None
    with suppress(ValueError):
        number = read(text)
    if number is None or not low <= number <= high:
        raise argparse.ArgumentTypeError(f"{text!r} is not {wanted}")
    return number


def _simulate(options: argparse.Namespace) -> int:
    from adobe_nb.simulator.faults import Fault  # noqa: PLC0415
    from adobe_nb.simulator.seed import Bulk  # noqa: PLC0415
    from adobe_nb.simulator.server import Simulator  # noqa: PLC0415

    try:
        faults = tuple(Fault.parse(text) for text in options.fault)
    except ValueError as error:
        return _fail(str(error))
    done = _until_told_to_stop()
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
        return _fail(
            f"Port {options.port} cannot be used ({error.strerror}). Choose another, or leave --port out."
        )
    try:
        if options.json:
            print(json.dumps(simulator.connection()), flush=True)  # noqa: T201
        else:
            print(  # noqa: T201
                f"The simulator answers at {simulator.reactor_url}\nIn another terminal or notebook:\n"
                f"  export ADOBE_NB_SIMULATOR={simulator.reactor_url}\nCtrl-C ends it.",
                flush=True,
            )
        done.wait()
    finally:
        simulator.stop()
    return 0


def _until_told_to_stop() -> threading.Event:
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    return done


def _lab(options: argparse.Namespace) -> int:
    from adobe_nb.lab import LabError, run  # noqa: PLC0415

    try:
        return run(options.dir, port=options.port, browser=not options.no_browser)
    except LabError as error:
        return _fail(str(error))


def _fail(message: str) -> int:
    print(printable(f"adobe-nb: {message}"), file=sys.stderr)  # noqa: T201
    return 2
