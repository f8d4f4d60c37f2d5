"""A dry run sends nothing at all, and says in words what only the service knows. For every write of
the API.
"""

import ast
import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import adobe_nb
from adobe_nb.api.reactor.bindings import Reactor
from adobe_nb.api.reactor.collection import Collection
from tests.conftest import NoSession
from tests.contract.operations import OPERATIONS
from tests.contract.places import zipped
from tests.support.stub import Answer, Got, stub

ZEROS = "0" * 32
NAMES = {
    "app_configuration": "AC",
    "authorization": "EA",
    "build": "BL",
    "callback": "CB",
    "company": "CO",
    "data_element": "DE",
    "environment": "EN",
    "extension": "EX",
    "extension_package": "EP",
    "host": "HT",
    "library": "LB",
    "property": "PR",
    "rule": "RL",
    "rule_component": "RC",
    "secret": "SE",
}
WRITES = [
    call
    for (method, path), calls in OPERATIONS.items()
    for call in calls
    if method != "GET" and path != "/search"
]
MORE = [
    'reactor.properties.delete(property, "PR" + "1" * 32)',
    'reactor.rules.delete(rule, "RL" + "1" * 32)',
    "reactor.libraries.add(library, [data_element, rule, extension])",
    "reactor.libraries.replace(library, [])",
    "reactor.extensions.upgrade(extension, extension_package)",
    'reactor.rule_components.create(property, name="x", delegate_descriptor_id="core::events::click", '
    "extension=extension, rules=rule)",
    'reactor.app_configurations.create(name="x")',
    'reactor.request("POST", "/properties/PR1/rules", body={"data": {"type": "rules"}})',
    'reactor.request("PATCH", f"/rules/{rule}", body={"data": {"type": "rules"}})',
    'reactor.request("DELETE", f"/rules/{rule}")',
    'reactor.request("GET", "/companies")',
]


@pytest.fixture(scope="module")
def service() -> Iterator[Any]:
    """A session with a service that fails at everything but the sign-in, and what it received
    since.
    """

    def answer(got: Got) -> Answer:
        if got.path.startswith("/ims/"):
            return Answer(
                200,
                b'{"access_token": "t", "expires_in": 99}',
                {"Content-Type": "application/json"},
            )
        return Answer(400)

    with stub(answer) as server:
        session = adobe_nb.connect(
            client_id="c" * 12,
            client_secret="hush",
            org_id="A@AdobeOrg",
            retry_pause=0,
            ims_url=server.url,
            reactor_url=server.url,
        )
        yield session.reactor, server.got


def shown(service: Any, call: str) -> Any:
    """What a call shows in a dry run; it has to send nothing."""
    reactor, got = service
    Path("my-extension.zip").write_bytes(zipped("1.0.0"))
    names: dict[str, Any] = {name: prefix + ZEROS for name, prefix in NAMES.items()}
    names |= {
        "token": "hush",
        "key": "hush",
        "push_credential": {"key": "hush"},
        "reactor": reactor,
    }
    got.clear()
    frame = eval(f"{call[:-1]}, dry_run=True)", names)
    assert got == []
    return frame


@pytest.mark.parametrize("call", [*WRITES, *MORE])
def test_no_request_is_sent(service: Any, call: str) -> None:
    frame = shown(service, call)
    assert list(frame.columns) == ["method", "url", "body"]
    assert len(frame) > 0
    assert "hush" not in frame.to_csv()
    assert len(adobe_nb.journal()) == 0


def test_covers_every_function_with_a_dry_run() -> None:
    reactor = Reactor(NoSession())
    bindings = {
        name: value for name, value in vars(reactor).items() if isinstance(value, Collection)
    }
    dry = {
        f"reactor.{name}.{verb}"
        for name, binding in bindings.items()
        for verb in dir(binding)
        if not verb.startswith("_") and callable(getattr(binding, verb))
        if "dry_run" in inspect.signature(getattr(binding, verb)).parameters
    }
    tried = {ast.unparse(ast.parse(call, mode="eval").body.func) for call in [*WRITES, *MORE]}  # type: ignore[attr-defined]
    assert dry | {"reactor.request"} == tried


@pytest.mark.parametrize(
    ("call", "placeholder"),
    [
        (
            'reactor.properties.create(name="Shop", platform="web")',
            "/companies/{id of the company}/properties",
        ),
        (
            'reactor.app_configurations.create(name="x")',
            "/companies/{id of the company}/app_configurations",
        ),
        (
            'reactor.rule_components.create(rule, name="x", delegate_descriptor_id="core::events::click", '
            "extension=extension)",
            f"/properties/{{id of the property of RL{ZEROS}}}/rule_components",
        ),
    ],
)
def test_an_unknown_parent_is_a_placeholder_in_the_url(
    service: Any, call: str, placeholder: str
) -> None:
    assert shown(service, call).loc[0, "url"].endswith(placeholder)


def test_the_revision_in_a_library_is_a_placeholder(service: Any) -> None:
    frame = shown(service, "reactor.libraries.remove(library, data_element)")
    (item,) = json.loads(frame.loc[0, "body"])["data"]
    assert item == {
        "id": f"{{id of DE{ZEROS}, or of its revision in LB{ZEROS}}}",
        "type": "data_elements",
    }


def test_the_newer_package_is_a_placeholder(service: Any) -> None:
    data = json.loads(
        shown(service, 'reactor.extensions.upgrade(extension, settings={"a": 1})').loc[0, "body"]
    )["data"]
    assert data["relationships"]["extension_package"]["data"] == {
        "id": f"{{id of the newer package of EX{ZEROS}}}",
        "type": "extension_packages",
    }
    assert data["attributes"] == {"settings": '{"a":1}'}


def test_a_placeholder_is_not_an_id(service: Any) -> None:
    reactor, _ = service
    with pytest.raises(adobe_nb.ArgumentError, match="is not an id"):
        reactor.rules.get("{id of the company}")
    with pytest.raises(adobe_nb.ArgumentError, match="the result of a dry run"):
        reactor.rules.revise(shown(service, "reactor.rules.revise(rule)"))
