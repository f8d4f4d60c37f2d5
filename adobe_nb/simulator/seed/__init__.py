"""The state of a new simulator, with fixed ids and dates: the demo company, or an empty one."""

import pickle

from adobe_nb.simulator.accounts import ORG_ID, digest
from adobe_nb.simulator.datastreams import DATASTREAMS
from adobe_nb.simulator.demo import COMPANY, PROPERTIES
from adobe_nb.simulator.seed.bulk import Bulk, generate
from adobe_nb.simulator.seed.packages import add_catalog
from adobe_nb.simulator.seed.properties import build_property, set_current_extensions
from adobe_nb.simulator.seed.records import jitter, make_id, parse_day
from adobe_nb.simulator.seed.surroundings import surround
from adobe_nb.simulator.store import Record, Store, stamp

__all__ = ["COMPANY_ID", "DATASTREAM_ID", "Bulk", "seeded"]

DATASTREAM_ID = DATASTREAMS["web"].id
COMPANY_ID = make_id("companies", ORG_ID)
# Tests start hundreds of simulators: to load a copy takes an eighth of the time of building it.
_pickles: dict[str, bytes] = {}


def seeded(seed: str, bulk: Bulk) -> dict[str, Store]:
    """Return the store of each organization that has one. Raises ValueError for an unknown seed."""
    if seed not in {"demo", "empty"}:
        raise ValueError(f"Unknown seed {seed!r}: must be 'demo' or 'empty'.")
    if seed in _pickles:
        store: Store = pickle.loads(_pickles[seed])  # noqa: S301 - our own
    else:
        store = _build(seed)
        _pickles[seed] = pickle.dumps(store, pickle.HIGHEST_PROTOCOL)
    for company in store.all("companies"):
        generate(store, company, bulk)
    return {ORG_ID: store}


def _build(seed: str) -> Store:
    store = Store()
    company = store.add(_company())
    add_catalog(store)
    if seed == "demo":
        for spec in PROPERTIES:
            build_property(store, company, spec)
        # Audit events hold whole records, so they come when those are complete.
        set_current_extensions(store)
        surround(store, company)
    return store


def _company() -> Record:
    created = parse_day(COMPANY["created"]) + jitter("company", 8)
    attributes = {
        "created_at": stamp(created),
        "updated_at": stamp(parse_day(COMPANY["updated"])),
        "name": COMPANY["name"],
        "org_id": ORG_ID,
        "token": digest("company token", 6),
        **COMPANY["attributes"],
    }
    rights = ["develop_extensions", "manage_properties"]
    meta = {"rights": rights, "platform_rights": dict.fromkeys(("web", "mobile", "edge"), rights)}
    return Record("companies", COMPANY_ID, attributes, meta=meta)
