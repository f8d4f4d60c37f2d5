"""All calls of the contract are made once."""

import pytest

from tests.contract.recording import Exchange, run_all


@pytest.fixture(scope="session")
def exchanges(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Exchange]:
    """What went over the wire, by call."""
    return run_all(tmp_path_factory.mktemp("contract"))
