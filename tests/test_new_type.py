"""A made-up resource type: one row and one binding, and lists, frames, routes, checks and docs
follow.
"""

import importlib.util
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from adobe_nb import ArgumentError, NotFound, registry
from adobe_nb.api.reactor.bindings import Reactor
from adobe_nb.api.reactor.writes import Editable
from adobe_nb.registry import CREATED, UPDATED, Attribute, Relation, Resource
from tests.conftest import NoSession, sign_in, started

ROW = Resource(
    type="widgets",
    singular="widget",
    prefix="WG",
    about="Something that Adobe does not have.",
    attributes=(
        CREATED,
        UPDATED,
        Attribute("name", "text", "its name", "create+update", required=True),
        Attribute("size", "integer", "how large it is", "create+update"),
        Attribute("settings", "json", "its settings", "create+update", form="text"),
    ),
    relations=(Relation("property", ("properties",)),),
    filters=("name", "created_at"),
    parents=("properties",),
    verbs=("create", "update", "delete"),
    deletion="hard",
)


class WithWidgets(Reactor):
    def __init__(self, session: Any) -> None:
        super().__init__(session)
        self.widgets = Editable(session, ROW)


@pytest.fixture
def reactor(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setitem(registry._BY_TYPE, ROW.type, ROW)
    monkeypatch.setitem(registry._BY_PREFIX, ROW.prefix, ROW)
    simulator = started()
    session = sign_in(simulator)
    yield WithWidgets(session)
    simulator.stop()


def test_lists_frames_routes_and_checks_follow(reactor: Any) -> None:
    shop = reactor.find("properties", "Web Store US")
    empty = reactor.widgets(shop)
    made = [
        reactor.widgets.create(shop, name=name, size=size, settings={"a": 1})
        for name, size in (("b", 2), ("a", 1))
    ]
    frame = reactor.widgets(shop, sort="name", filter={"name": ["a", "b"]})
    assert frame["name"].tolist() == ["a", "b"]
    assert (
        frame.dtypes.astype(str).to_dict()
        == empty.dtypes.astype(str).to_dict()
        == reactor.widgets.columns
    )
    assert frame["property_id"].unique().tolist() == shop["id"].tolist()
    assert reactor.widgets.find("a", shop)["size"].tolist() == [1]
    assert reactor.widgets.update(made[0], size=3)["size"].tolist() == [3]
    assert [each["id"] for each in reactor.widgets.iterate(shop)] == [
        each.loc[0, "id"] for each in made
    ]
    pd.testing.assert_frame_equal(reactor.get(made[1])["widgets"], made[1])
    reactor.widgets.delete(made[0])
    with pytest.raises(NotFound):
        reactor.widgets.get(made[0])
    with pytest.raises(ArgumentError, match="widgets.create requires name"):
        reactor.widgets.create(shop, size=1)
    with pytest.raises(ArgumentError, match="widgets are listed under a property, not a rule"):
        reactor.widgets("RL" + "0" * 32)


def test_help_and_the_reference_page_follow(reactor: Any) -> None:
    assert "size" in reactor.widgets.__doc__
    make = _module(Path(__file__).parents[1] / "docs" / "reference" / "make.py")
    make._REACTOR = WithWidgets(NoSession())
    page = make.page(ROW)
    assert 'under a property | `reactor.widgets("PR…")`' in page
    assert "| `size` | Int64 | how large it is | create, update |" in page
    assert "`reactor.widgets.create(…)`" in page


def _module(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location("adobe_nb_reference", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
