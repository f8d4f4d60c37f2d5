"""``adobe-nb``: the command line. Parses, and calls one function."""

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from adobe_nb import __version__


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns its exit status."""
    options = _parser().parse_args(arguments)
    if options.command == "lab":
        return _lab(options)
    return _simulate(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="adobe-nb", description="Adobe's tags (Reactor) API and Edge Network in notebooks.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"adobe-nb {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)

    lab = commands.add_parser("lab", help="open JupyterLab on the tutorials")
    lab.add_argument(
        "--dir", type=Path, default=Path("adobe-nb-tutorials"), help="working folder (default: %(default)s)"
    )
    lab.add_argument("--port", type=_port, help="port of JupyterLab (default: a free one)")
    lab.add_argument("--no-browser", action="store_true", help="print the address instead of opening a browser")

    from adobe_nb.simulator.faults import KINDS  # noqa: PLC0415

    kinds = "\n".join(f"  {kind:<16} {text}" for kind, text in KINDS.items())
    simulator = commands.add_parser(
        "simulator",
        help="serve the stand-in for IMS, Reactor and Edge Network on this machine",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f"kinds of faults:\n{kinds}",
    )
    simulator.add_argument("--json", action="store_true", help="print one line of JSON when ready")
    simulator.add_argument("--port", type=_port, default=0, help="port of Reactor and IMS (default: a free one)")
    simulator.add_argument("--seed", choices=["demo", "empty"], default="demo", help="what it holds (default: demo)")
    simulator.add_argument("--properties", type=_count, default=0, metavar="N", help="generate N more properties")
    simulator.add_argument("--rules", type=_count, default=0, metavar="N", help="rules in each generated property")
    simulator.add_argument("--components", type=_count, default=0, metavar="N", help="components in each such rule")
    simulator.add_argument("--data-elements", type=_count, default=0, metavar="N", help="data elements in each")
    simulator.add_argument("--events", type=_count, default=0, metavar="N", help="audit events about what is generated")
    simulator.add_argument("--latency", type=_number, default=0.0, metavar="MS", help="milliseconds before each answer")
    simulator.add_argument("--token-ttl", type=_number, default=86399, metavar="SECONDS", help="life of a token")
    simulator.add_argument("--build-seconds", type=_number, default=0.5, metavar="S", help="duration of a build")
    simulator.add_argument("--failing-builds", action="store_true", help="every build fails, with a reason")
    simulator.add_argument(
        "--most-in-flight", type=_count, metavar="N", help="answer 429 when more requests than that are in flight"
    )
    simulator.add_argument(
        "--fault", action="append", default=[], metavar="KIND:RATE", help="trouble on purpose, as in 429:0.05"
    )
    return parser


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError(text)
    return number


def _number(text: str) -> float:
    number = float(text)
    if not 0 <= number < float("inf"):
        raise ValueError(text)
    return number


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65535:
        raise ValueError(text)
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
        bulk=Bulk(options.properties, options.rules, options.components, options.data_elements, options.events),
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
        return _fail(f"Port {options.port} cannot be used ({error.strerror}). Choose another, or leave --port out.")
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
    print(f"adobe-nb: {message}", file=sys.stderr)  # noqa: T201
    return 2
