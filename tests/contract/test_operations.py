"""Each call in the index of operations sends what the index says. Needs no file of Adobe's."""

import subprocess
import sys
from pathlib import Path

import pytest

from adobe_nb.api.reactor.bindings import Reactor
from adobe_nb.api.reactor.collection import Collection
from tests.conftest import NoSession
from tests.contract.operations import EXCUSED, OPERATIONS, Operation
from tests.contract.places import PREPARED
from tests.contract.recording import Exchange

CALLS = [(operation, call) for operation, calls in OPERATIONS.items() for call in calls]
UNLISTED = {"columns", "find", "iterate", "row"}
"""Verbs that send what other calls send."""


@pytest.mark.parametrize(("operation", "call"), CALLS, ids=[call for _, call in CALLS])
def test_call_sends_its_operation(
    operation: Operation, call: str, exchanges: dict[str, Exchange]
) -> None:
    exchange = exchanges[call]
    assert exchange.problem == ""
    assert exchange.requests, f"it sent {exchange.sent}"
    assert len(exchange.requests) == len(exchange.answers)
    assert all(answer.status < 300 for answer in exchange.answers)


@pytest.mark.parametrize(("operation", "call"), CALLS, ids=[call for _, call in CALLS])
def test_call_sends_no_other_writes(
    operation: Operation, call: str, exchanges: dict[str, Exchange]
) -> None:
    writes = {sent for sent in exchanges[call].sent if sent[0] != "GET" and sent[1] != "/search"}
    if operation[0] == "GET" or operation[1] == "/search":
        assert writes == set()
    elif call.startswith("reactor.libraries.replace("):
        assert len(writes) == 3  # one for each type that a library holds
    else:
        assert len(writes) == 1


def test_every_call_belongs_to_one_operation() -> None:
    calls = [call for _, call in CALLS]
    assert len(calls) == len(set(calls))
    assert set(PREPARED) <= set(calls)
    assert OPERATIONS.keys().isdisjoint(EXCUSED)


def test_index_has_every_verb_of_every_binding() -> None:
    calls = "\n".join(call for _, call in CALLS)
    reactor = Reactor(NoSession())
    bindings = {
        name: value for name, value in vars(reactor).items() if isinstance(value, Collection)
    }
    verbs = [
        f"reactor.{name}.{verb}("
        for name, binding in bindings.items()
        for verb in dir(binding)
        if not verb.startswith("_") and verb not in UNLISTED
    ]
    waits = [
        verb for verb in verbs if verb.endswith(".wait(")
    ]  # looks as get does, again and again
    unread = {
        "reactor.profiles.get(",
        "reactor.extension_package_usage_authorizations.get(",
    }  # neither has an address
    assert [verb for verb in verbs if verb not in calls and verb not in {*waits, *unread}] == []
    assert [name for name in bindings if f"reactor.{name}" not in calls] == ["profiles"]


def test_index_can_be_read_without_the_tests() -> None:
    code = (
        "import runpy, sys; runpy.run_path(sys.argv[1]); print(sorted({'pytest', "
        "'adobe_nb'} & set(sys.modules)))"
    )
    file = Path(__file__).with_name("operations.py")
    done = subprocess.run(
        [sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
