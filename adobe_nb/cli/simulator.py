"""``adobe-nb simulator``."""

import argparse
import json
import signal
import threading

from adobe_nb.cli.options import Commands, count, number, port
from adobe_nb.errors import ArgumentError


def add(commands: Commands) -> None:
    """Add the command to the parser."""
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
    simulator.set_defaults(run=_run)
    simulator.add_argument("--json", action="store_true", help="print one line of JSON when ready")
    simulator.add_argument(
        "--port", type=port, default=0, help="port of Reactor and IMS (default: a free one)"
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
        simulator.add_argument(option, type=count, default=0, metavar="N", help=text)
    for option, metavar, default, text in (
        ("--latency", "MS", 0.0, "milliseconds before each response"),
        ("--token-ttl", "SECONDS", 86399, "lifetime of a token"),
        ("--build-seconds", "S", 0.5, "duration of a build"),
    ):
        simulator.add_argument(option, type=number, default=default, metavar=metavar, help=text)
    simulator.add_argument("--failing-builds", action="store_true", help="make every build fail")
    simulator.add_argument(
        "--most-in-flight", type=count, metavar="N", help="answer more parallel requests with 429"
    )
    simulator.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="KIND:RATE",
        help="inject a fault, for example 429:0.05; can be repeated",
    )


def _run(options: argparse.Namespace) -> int:
    from adobe_nb.simulator.faults import Fault  # noqa: PLC0415
    from adobe_nb.simulator.seed import Bulk  # noqa: PLC0415
    from adobe_nb.simulator.server import Simulator  # noqa: PLC0415

    try:
        faults = tuple(map(Fault.parse, options.fault))
    except ValueError as error:
        raise ArgumentError(str(error)) from None
    # Before the start, so that an early signal stops the simulator too.
    stop = threading.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, lambda *_: stop.set())
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
