"""A second organization with tags, which the simulator does not have by itself."""

from pathlib import Path

from adobe_nb import snapshot
from adobe_nb.simulator.accounts import ACCOUNTS
from adobe_nb.simulator.seed import Bulk, seeded
from tests.conftest import sign_in, started


def pull_second_company(folder: Path) -> None:
    """Pull an organization with two generated properties."""
    simulator = started(seed="empty")
    bulk = Bulk(properties=2, rules=2, components=2, data_elements=2)
    [company] = seeded("empty", bulk).values()
    simulator.stores[ACCOUNTS["no_company"].org_id] = company
    try:
        snapshot.pull(to=folder, session=sign_in(simulator, "no_company", make_default=False))
    finally:
        simulator.stop()
