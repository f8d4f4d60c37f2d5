"""The simulator over HTTP: starts, stops, faults, ports."""

import json
import threading
import time
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from adobe_nb import DelayedError
from adobe_nb.simulator.faults import KINDS, Fault, Faults
from adobe_nb.simulator.server import Simulator
from tests.conftest import sign_in
from tests.support.stub import Answer, Got, stub


def test_simulator_serves_until_stopped() -> None:
    before = threading.active_count()
    with Simulator(seed="empty") as simulator:
        assert requests.get(f"{simulator.reactor_url}/simulator", timeout=60).status_code == 200
        url = simulator.reactor_url
    assert threading.active_count() == before
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=60)
    simulator.stop()


def test_connection_details_work(demo: Any) -> None:
    details = requests.get(f"{demo.reactor_url}/simulator", timeout=60).json()
    assert list(details) == [
        "reactor_url",
        "ims_url",
        "edge_url",
        "edge_server_url",
        "client_id",
        "client_secret",
        "org_id",
        "company_id",
        "scopes",
        "access_token",
        "datastream_id",
    ]
    answer = requests.get(
        f"{details['reactor_url']}/companies/{details['company_id']}",
        headers={
            "Authorization": f"Bearer {details['access_token']}",
            "x-api-key": details["client_id"],
            "x-gw-ims-org-id": details["org_id"],
            "Accept": "application/vnd.api+json;revision=1",
        },
        timeout=60,
    )
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/vnd.api+json"
    assert answer.json()["data"]["links"]["self"].startswith(demo.reactor_url)


def test_edge_hosts_have_their_own_ports(demo: Any) -> None:
    details = demo.connection()
    assert len({details["reactor_url"], details["edge_url"], details["edge_server_url"]}) == 3
    answer = requests.post(f"{details['edge_url']}/ee/v2/interact", timeout=60)
    assert answer.json()["type"].endswith("EXEG-0109-408")


def test_taken_port_raises_oserror(demo: Any) -> None:
    port = int(demo.reactor_url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        Simulator(port=port).start()


class TestForeignPages:
    """A page whose host name leads to 127.0.0.1 can neither read credentials nor write."""

    def ask(self, demo: Any, path: str = "/simulator", **headers: str) -> requests.Response:
        return requests.get(f"{demo.reactor_url}{path}", headers=headers, timeout=60)

    @pytest.mark.parametrize(
        "host",
        [
            "evil.example",
            "evil.example:8000",
            "127.0.0.1.evil.example",
            "localhost.evil.example:1",
            "10.0.0.1",
            "127.0.0.1@evil.example",
            "evil.example#127.0.0.1",
            "localhost:x",
            "[::2]:80",
            "",
        ],
    )
    def test_foreign_host_is_refused(self, demo: Any, host: str) -> None:
        for path in ("/simulator", "/companies", "/ims/token/v3"):
            answer = self.ask(demo, path, Host=host)
            assert answer.status_code in {400, 403}
            assert demo.accounts["demo"].client_secret not in answer.text

    @pytest.mark.parametrize(
        "host", ["127.0.0.1", "localhost", "LOCALHOST:8000", "[::1]:9", "127.0.0.1:1"]
    )
    def test_local_host_names_are_accepted(self, demo: Any, host: str) -> None:
        assert self.ask(demo, Host=host).status_code == 200

    @pytest.mark.parametrize(
        "origin", ["https://evil.example", "null", "http://localhost.evil.example", "file://", ""]
    )
    def test_foreign_origin_is_refused(self, demo: Any, origin: str) -> None:
        answer = self.ask(demo, Origin=origin)
        assert (answer.status_code, answer.json()["error"]) == (403, "foreign_host")

    @pytest.mark.parametrize(
        "origin", ["http://localhost:8888", "http://127.0.0.1:8888", "https://[::1]"]
    )
    def test_local_origins_are_accepted(self, demo: Any, origin: str) -> None:
        assert self.ask(demo, Origin=origin).status_code == 200

    def test_edge_hosts_refuse_foreign_hosts(self, demo: Any) -> None:
        for url in (demo.connection()["edge_url"], demo.connection()["edge_server_url"]):
            answer = requests.post(
                f"{url}/ee/v2/interact", headers={"Host": "evil.example"}, timeout=60
            )
            assert answer.status_code == 403


def test_large_bodies_are_truncated_in_requests(simulate: Any) -> None:
    simulator = simulate(seed="empty")
    requests.post(f"{simulator.reactor_url}/search", data=b"x" * 5_000_000, timeout=60)
    requests.post(f"{simulator.reactor_url}/search", data=b"y" * 1000, timeout=60)
    large, small = simulator.requests
    assert (len(large.body), len(small.body)) == (64 * 1024, 1000)
    assert simulator.requests.maxlen is not None


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"slow", "reset", "cut", "drift"}))
def test_fault_at_rate_1_strikes_every_request(simulate: Any, kind: str) -> None:
    simulator = simulate(seed="empty", faults=(Fault(kind, 1),))
    answer = requests.get(f"{simulator.reactor_url}/companies", timeout=60)
    assert answer.status_code == (404 if kind == "html" else int(kind[:3]))
    assert ("Retry-After" in answer.headers) == (kind == "429-retry-after")


@pytest.mark.parametrize("kind", ["reset", "cut"])
def test_reset_and_cut_break_the_connection(simulate: Any, kind: str) -> None:
    simulator = simulate(seed="empty", faults=(Fault(kind, 1),))
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        requests.get(f"{simulator.reactor_url}/companies", timeout=60)


def test_slow_fault_delays_the_response(simulate: Any) -> None:
    simulator = simulate(seed="empty", latency=0.05)
    started = time.monotonic()
    requests.get(f"{simulator.reactor_url}/simulator", timeout=60)
    assert time.monotonic() - started >= 0.05


@pytest.mark.parametrize(("text", "rate"), [("429:0.05", 0.05), ("cut:5%", 0.05), ("slow:1", 1.0)])
def test_fault_is_parsed(text: str, rate: float) -> None:
    assert Fault.parse(text).rate == pytest.approx(rate)


@pytest.mark.parametrize("text", ["418:0.1", "429", "429:x", "429:2", "429:-1"])
def test_invalid_fault_raises_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="Unknown kind|requires a rate"):
        Fault.parse(text)


def test_simulator_can_be_restarted_but_not_started_twice() -> None:
    simulator = Simulator(seed="empty").start()
    with pytest.raises(RuntimeError, match="already running"):
        simulator.start()
    simulator.stop()
    simulator.start()
    assert requests.get(f"{simulator.reactor_url}/simulator", timeout=60).status_code == 200
    simulator.stop()


def test_retry_after_is_sent(simulate: Any) -> None:
    answer = requests.get(f"{simulate(seed='empty').reactor_url}/companies", timeout=60)
    assert abs(parsedate_to_datetime(answer.headers["Date"]).timestamp() - time.time()) < 60


@pytest.mark.parametrize("seed", [1, 2])
def test_faults_strike_the_same_requests_at_every_start(seed: int) -> None:
    several = (Fault("429", 0.2), Fault("drift", 0.2), Fault("500", 0.2))
    first, again, other = (Faults(several, number) for number in (seed, seed, seed + 10))
    kinds = [first.strike() for _ in range(200)]
    assert [again.strike() for _ in range(200)] == kinds
    assert [other.strike() for _ in range(200)] != kinds
    assert set(kinds) == {"429", "drift", "500", None}


def test_invalid_port_raises_oserror() -> None:
    with pytest.raises(OSError, match="70000"):
        Simulator(port=70_000).start()


class TestAtWork:
    """Callbacks, work that takes time, and concurrent requests."""

    def test_local_callback_is_called_once(self, simulate: Any) -> None:
        heard = threading.Event()

        def answer(got: Got) -> Answer:
            heard.set()
            return Answer(200)

        reactor = sign_in(simulate()).reactor
        shop = reactor.find("properties", "Magazine")
        with stub(answer) as listener:
            reactor.callbacks.create(
                shop, url=f"{listener.url}/tags", subscriptions=["rule.created"]
            )
            reactor.data_elements.update(
                reactor.data_elements(shop).head(1), enabled=False
            )  # not subscribed to
            rule = reactor.rules.create(shop, name="Heard")
            assert heard.wait(60)
            (got,) = listener.got
        event = json.loads(got.body)["data"]
        assert (got.method, got.path) == ("POST", "/tags")
        assert event["attributes"]["type_of"] == "rule.created"
        assert event["relationships"]["entity"]["data"]["id"] == rule.loc[0, "id"]

    def test_remote_callback_is_not_called(self, simulate: Any) -> None:
        simulator = simulate()
        reactor = sign_in(simulator).reactor
        shop = reactor.find("properties", "Magazine")
        reactor.callbacks.create(
            shop, url="https://hooks.example.com/x", subscriptions=["rule.created"]
        )
        reactor.rules.create(shop, name="Unheard")
        assert simulator._deliveries == set()

    def test_builds_take_time_and_fail_on_request(self, simulate: Any) -> None:
        simulator = simulate(build_seconds=2, failing_builds=True)
        reactor = sign_in(simulator).reactor
        shop = reactor.find("properties", "Magazine")
        environment = reactor.environments.create(
            shop, name="Mine", stage="development", host=reactor.hosts(shop)
        )
        library = reactor.libraries.create(shop, name="L", environment=environment)
        build = reactor.libraries.build(library)
        assert reactor.builds.get(build)["status"].tolist() == ["pending"]
        with pytest.raises(DelayedError):
            reactor.builds.wait(build, poll=0.05)

    def test_requests_beyond_the_limit_in_flight_get_429(self, simulate: Any) -> None:
        simulator = simulate(seed="empty", latency=0.6, most_in_flight=2)
        found: list[int] = []

        def ask() -> None:
            found.append(requests.get(f"{simulator.reactor_url}/companies", timeout=60).status_code)

        threads = [threading.Thread(target=ask) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(found) == [403, 403, 429, 429, 429]

    def test_unreadable_form_gets_json_error(self, simulate: Any) -> None:
        simulator = simulate(seed="empty")
        answer = requests.post(
            f"{simulator.reactor_url}/extension_packages",
            data=b"--x",
            headers={"Content-Type": "multipart/form-data; boundary=x"},
            timeout=60,
        )
        assert answer.json()["error_code"] == "403010"
        assert simulator.requests[-1].body == b"--x"
