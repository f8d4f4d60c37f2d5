"""A simulator for one test, with a property that may be changed."""

import pickle
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from tests.conftest import sign_in, started


@pytest.fixture(scope="session")
def furnished() -> tuple[bytes, dict[str, pd.DataFrame]]:
    """The stores of the shop's simulator, and its resources.

    Each test loads a copy, because requests to create them again would take most of its time.
    """
    simulator = started(seed="empty", build_seconds=0.0)
    reactor = sign_in(simulator, journal=False).reactor
    site = reactor.properties.create(name="Shop", platform="web", domains=["shop.example"])
    host = reactor.hosts.create(site, name="Adobe", type_of="akamai")
    resources = {"property": site, "host": host, "core": reactor.extensions(site)}
    for stage in ("development", "staging", "production"):
        resources[stage] = reactor.environments.create(site, name=stage, stage=stage, host=host)
    simulator.stop()
    return pickle.dumps(simulator.stores), resources


@pytest.fixture
def shop(furnished: tuple[bytes, dict[str, pd.DataFrame]]) -> Iterator[Any]:
    """An empty company with one property, its core extension, a host and three environments."""
    stores, resources = furnished
    simulator = started(stores=pickle.loads(stores), seed="empty", build_seconds=0.03)
    session = sign_in(simulator)
    simulator.requests.clear()
    yield SimpleNamespace(
        simulator=simulator,
        session=session,
        reactor=session.reactor,
        property=resources["property"].copy(),
        id=resources["property"].loc[0, "id"],
        host=resources["host"].copy(),
        core=resources["core"].copy(),
        **{
            stage: resources[stage].loc[0, "id"]
            for stage in ("development", "staging", "production")
        },
    )
    simulator.stop()
