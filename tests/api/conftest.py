"""A simulator for one test, with a property that may be changed."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from tests.conftest import sign_in, started


@pytest.fixture
def shop() -> Iterator[Any]:
    """An empty company with one property, its core extension, a host and three environments."""
    simulator = started(seed="empty", build_seconds=0.03)
    session = sign_in(simulator)
    reactor = session.reactor
    site = reactor.properties.create(name="Shop", platform="web", domains=["shop.example"])
    host = reactor.hosts.create(site, name="Adobe", type_of="akamai")
    environments = {
        stage: reactor.environments.create(site, name=stage, stage=stage, host=host).loc[0, "id"]
        for stage in ("development", "staging", "production")
    }
    core = reactor.extensions(site)
    simulator.requests.clear()
    yield SimpleNamespace(
        simulator=simulator,
        session=session,
        reactor=reactor,
        property=site,
        id=site.loc[0, "id"],
        host=host,
        core=core,
        **environments,
    )
    simulator.stop()
