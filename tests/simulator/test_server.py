"""The simulator over HTTP: starts, stops, faults, ports."""

import threading
import time
from typing import Any

import pytest
import requests

from adobe_nb.simulator.faults import KINDS, Fault
from adobe_nb.simulator.server import Simulator


def test_it_serves_until_stopped_and_leaves_no_thread() -> None:
    before = threading.active_count()
    with Simulator(seed="empty") as simulator:
        assert requests.get(f"{simulator.reactor_url}/simulator", timeout=5).status_code == 200
        url = simulator.reactor_url
    assert threading.active_count() == before
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=5)
    simulator.stop()


def test_the_connection_has_everything_and_works(demo: Any) -> None:
    details = requests.get(f"{demo.reactor_url}/simulator", timeout=5).json()
    assert list(details) == [
        "reactor_url", "ims_url", "edge_url", "edge_server_url", "client_id", "client_secret", "org_id", "company_id",
        "scopes", "access_token", "datastream_id",
    ]  # fmt: skip
    answer = requests.get(
        f"{details['reactor_url']}/companies/{details['company_id']}",
        headers={
            "Authorization": f"Bearer {details['access_token']}",
            "x-api-key": details["client_id"],
            "x-gw-ims-org-id": details["org_id"],
            "Accept": "application/vnd.api+json;revision=1",
        },
        timeout=5,
    )
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/vnd.api+json"
    assert answer.json()["data"]["links"]["self"].startswith(demo.reactor_url)


def test_the_edge_hosts_have_ports_of_their_own(demo: Any) -> None:
    details = demo.connection()
    assert len({details["reactor_url"], details["edge_url"], details["edge_server_url"]}) == 3
    answer = requests.post(f"{details['edge_url']}/ee/v2/interact", timeout=5)
    assert answer.json()["type"].endswith("EXEG-0109-408")


def test_a_taken_port_is_an_error(demo: Any) -> None:
    port = int(demo.reactor_url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        Simulator(port=port).start()


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"slow", "reset", "cut"}))
def test_a_fault_at_rate_1_strikes_every_request(simulate: Any, kind: str) -> None:
    simulator = simulate(seed="empty", faults=(Fault(kind, 1),))
    answer = requests.get(f"{simulator.reactor_url}/companies", timeout=5)
    assert answer.status_code == (404 if kind == "html" else int(kind[:3]))
    assert ("Retry-After" in answer.headers) == (kind == "429-retry-after")


@pytest.mark.parametrize("kind", ["reset", "cut"])
def test_a_broken_connection_is_really_broken(simulate: Any, kind: str) -> None:
    simulator = simulate(seed="empty", faults=(Fault(kind, 1),))
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        requests.get(f"{simulator.reactor_url}/companies", timeout=5)


def test_slow_is_slow(simulate: Any) -> None:
    simulator = simulate(seed="empty", latency=0.05)
    started = time.monotonic()
    requests.get(f"{simulator.reactor_url}/simulator", timeout=5)
    assert time.monotonic() - started >= 0.05


@pytest.mark.parametrize(("text", "rate"), [("429:0.05", 0.05), ("cut:5%", 0.05), ("slow:1", 1.0)])
def test_faults_are_read(text: str, rate: float) -> None:
    assert Fault.parse(text).rate == pytest.approx(rate)


@pytest.mark.parametrize("text", ["418:0.1", "429", "429:x", "429:2", "429:-1"])
def test_faults_that_cannot_be_say_what_can(text: str) -> None:
    with pytest.raises(ValueError, match="There are|needs a rate"):
        Fault.parse(text)


def test_it_can_be_started_again_but_not_twice() -> None:
    simulator = Simulator(seed="empty").start()
    with pytest.raises(RuntimeError, match="running already"):
        simulator.start()
    simulator.stop()
    simulator.start()
    assert requests.get(f"{simulator.reactor_url}/simulator", timeout=5).status_code == 200
    simulator.stop()


def test_a_port_that_is_none_is_an_error() -> None:
    with pytest.raises(OSError, match="70000"):
        Simulator(port=70_000).start()
