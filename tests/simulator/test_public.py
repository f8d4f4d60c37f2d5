"""``adobe_nb.simulator`` as a notebook uses it."""

import adobe_nb
from adobe_nb import simulator


def test_connection_details_sign_in() -> None:
    details = simulator.connection()
    session = adobe_nb.connect(
        access_token=details["access_token"],
        org_id=details["org_id"],
        reactor_url=details["reactor_url"],
        ims_url=details["ims_url"],
        make_default=False,
    )
    assert session.test().ok
    assert details["reactor_url"] == adobe_nb.connect(simulator=True).credentials.hosts.reactor


def test_start_accepts_options() -> None:
    with simulator.start(seed="empty", token_ttl=60) as other:
        details = other.connection()
        names = ("client_id", "client_secret", "org_id", "reactor_url", "ims_url")
        session = adobe_nb.connect(**{name: details[name] for name in names}, make_default=False)
        assert session.reactor.properties().empty


def test_accounts_and_datastreams_are_public() -> None:
    assert simulator.ACCOUNTS["no_company"].org_id != simulator.ACCOUNTS["demo"].org_id
    assert simulator.DATASTREAMS["web"].id


def test_every_resource_type_is_listed() -> None:
    types = adobe_nb.connect(simulator=True).reactor.types()
    assert types.columns.tolist() == ["type", "prefix", "about", "call", "guide"]
    assert set(types.dtypes.astype(str)) == {"string"}
    assert types.set_index("type").loc["rules", "prefix"] == "RL"
    assert types["guide"].str.startswith("https://").all()
