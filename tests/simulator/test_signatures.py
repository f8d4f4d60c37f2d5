"""Authors of a resource: attributes of the responses, columns of the frames."""

from typing import Any

import pytest

from adobe_nb.registry import RESOURCES
from adobe_nb.simulator.accounts import ACCOUNTS
from tests.conftest import sign_in, started
from tests.support.caller import Caller, Site, made, samples, site

SIGNED = ("properties", "rules", "rule_components", "data_elements", "extensions")
COLUMNS = [
    "created_by_email",
    "created_by_display_name",
    "updated_by_email",
    "updated_by_display_name",
]
BOSS, DEVELOPER = ACCOUNTS["demo"], ACCOUNTS["developer"]


@pytest.fixture
def api() -> Caller:
    return Caller()


@pytest.fixture
def shop(api: Caller) -> Site:
    return site(api)


def emails(attributes: dict[str, Any]) -> tuple[str, str]:
    return attributes["created_by_email"], attributes["updated_by_email"]


@pytest.mark.parametrize("kind", SIGNED)
def test_new_resource_names_its_creator(api: Caller, shop: Site, kind: str) -> None:
    sample = samples(api, shop)[kind]
    attributes = api.post(sample.parent, sample.data()).data["attributes"]
    assert [attributes[name] for name in COLUMNS] == [BOSS.email, BOSS.display_name] * 2
    assert BOSS.email.endswith("@techacct.adobe.com")


def test_update_names_its_author(api: Caller, shop: Site) -> None:
    rule = api.rule(shop.place)
    assert api.update(f"/rules/{rule}", "developer", name="Better").status == 200
    assert emails(api.attributes(f"/rules/{rule}")) == (BOSS.email, DEVELOPER.email)


def test_refused_update_changes_no_author(api: Caller, shop: Site) -> None:
    element = made(api.data_element(shop.place))
    assert api.update(f"/data_elements/{element}", "developer", settings="{").status == 409
    assert emails(api.attributes(f"/data_elements/{element}")) == (BOSS.email, BOSS.email)


def test_component_update_names_author_in_rule(api: Caller, shop: Site) -> None:
    rule = api.rule(shop.place)
    component = made(api.component(shop.place, rule))
    api.update(f"/rule_components/{component}", "developer", order=2)
    assert emails(api.attributes(f"/rules/{rule}")) == (BOSS.email, DEVELOPER.email)


def test_revision_and_components_name_their_creator(api: Caller, shop: Site) -> None:
    rule = api.rule(shop.place)
    api.component(shop.place, rule)
    revision = made(api.act(f"/rules/{rule}", "revise", "developer"), 200)
    (component,) = api.ids(f"/rules/{revision}/rule_components")
    for path in (f"/rules/{revision}", f"/rule_components/{component}"):
        assert emails(api.attributes(path)) == (DEVELOPER.email, DEVELOPER.email)
    assert emails(api.attributes(f"/rules/{rule}")) == (BOSS.email, BOSS.email)


def test_client_cannot_set_the_author(api: Caller, shop: Site) -> None:
    rule = api.rule(shop.place)
    api.update(f"/rules/{rule}", name="Better", updated_by_email="ana@hearth-harbor.example")
    assert emails(api.attributes(f"/rules/{rule}")) == (BOSS.email, BOSS.email)


@pytest.mark.parametrize("kind", [*SIGNED, "extension_packages"])
def test_author_attributes_are_read_only_in_registry(kind: str) -> None:
    attributes = [column for column in RESOURCES[kind].attributes if column.name in COLUMNS]
    assert [(column.name, column.kind, column.write) for column in attributes] == [
        (name, "text", "") for name in COLUMNS
    ]


def test_author_columns_exist_in_empty_frames(shop_session: Any) -> None:
    reactor, place = shop_session
    for frame in (
        reactor.rules(place),
        reactor.rule_components(place),
        reactor.data_elements(place),
    ):
        assert len(frame) == 0
        assert [str(frame[name].dtype) for name in COLUMNS] == ["string"] * 4
    rule = reactor.rules.create(place, name="Signed")
    assert rule.loc[0, COLUMNS].tolist() == [BOSS.email, BOSS.display_name] * 2
    extensions = reactor.extensions(place)
    assert extensions["created_by_email"].tolist() == [BOSS.email]


@pytest.fixture
def shop_session() -> Any:
    simulator = started(seed="empty")
    reactor = sign_in(simulator).reactor
    yield reactor, reactor.properties.create(name="Shop", platform="web", domains=["shop.example"])
    simulator.stop()
