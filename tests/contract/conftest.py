"""Run all calls of the contract once per session."""

import pytest

from tests.contract.recording import Exchange, run_all


@pytest.fixture(scope="session")
def exchanges(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Exchange]:
    """The HTTP traffic of each call."""
    return run_all(tmp_path_factory.mktemp("contract"))
