"""The simulator as a pure function with a clock that tests set, and shortcuts for tests."""

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adobe_nb.registry import RESOURCES, Resource
from adobe_nb.simulator.accounts import ACCOUNTS, ORG_ID
from adobe_nb.simulator.app import App
from adobe_nb.simulator.calls import Options
from adobe_nb.simulator.ims import Account, Ims
from adobe_nb.simulator.messages import JSON_API, Request
from adobe_nb.simulator.seed import COMPANY_ID, Bulk, seeded
from adobe_nb.simulator.store import Store

BASE = "http://127.0.0.1:1"
ACCEPT = "application/vnd.api+json;revision=1"
COMPANY = COMPANY_ID
LATER = 60
"""Seconds after which every build, upload and exchange has finished."""
SCRIPT = {
    "name": "Path",
    "delegate_descriptor_id": "core::dataElements::javascript-variable",
    "settings": '{"path":"a.b"}',
}
LOADED = {
    "name": "Loaded",
    "delegate_descriptor_id": "core::events::library-loaded",
    "settings": "{}",
}


@dataclass(frozen=True)
class Answer:
    """A response."""

    status: int
    content_type: str
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)

    @property
    def data(self) -> Any:
        return self.document["data"]

    @property
    def id(self) -> str:
        return str(self.data["id"])

    @property
    def refusal(self) -> tuple[int, str]:
        """Status and code of an error."""
        return self.status, self.document["errors"][0]["code"]

    @property
    def pointer(self) -> str | None:
        return self.document["errors"][0].get("source", {}).get("pointer")


class Caller:
    """Calls one App as one of its accounts."""

    def __init__(
        self, seed: str = "empty", accounts: Mapping[str, Account] = ACCOUNTS, **options: Any
    ) -> None:
        self.now = 2_000_000_000.0
        stores = seeded(seed, Bulk())
        self.store: Store = stores[ORG_ID]
        self.store.clock = lambda: self.now
        self.options = Options(**{"build_seconds": LATER - 1, **options})
        self.app = App(Ims(accounts), stores, BASE, self.options)
        self._tokens = {name: self.app.ims.issue(account) for name, account in accounts.items()}
        self._accounts = accounts

    def headers(self, account: str = "demo", content_type: str = JSON_API) -> dict[str, str]:
        owner = self._accounts[account]
        return {
            "authorization": f"Bearer {self._tokens[account]}",
            "x-api-key": owner.client_id,
            "x-gw-ims-org-id": owner.org_id,
            "accept": ACCEPT,
            "content-type": content_type,
        }

    def send(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *query: tuple[str, str],
        account: str = "demo",
        content_type: str = JSON_API,
    ) -> Answer:
        request = Request(method, path, query, self.headers(account, content_type), body)
        response = self.app(request)
        return Answer(response.status, response.content_type, response.body)

    def get(self, path: str, *query: tuple[str, str], account: str = "demo") -> Answer:
        return self.send("GET", path, b"", *query, account=account)

    def post(self, path: str, data: Any = None, account: str = "demo") -> Answer:
        return self.send("POST", path, json.dumps({"data": data}).encode(), account=account)

    def patch(self, path: str, data: Any = None, account: str = "demo") -> Answer:
        return self.send("PATCH", path, json.dumps({"data": data}).encode(), account=account)

    def delete(self, path: str, data: Any = None, account: str = "demo") -> Answer:
        body = b"" if data is None else json.dumps({"data": data}).encode()
        return self.send("DELETE", path, body, account=account)

    def wait(self, seconds: float = LATER) -> None:
        self.now += seconds

    # -- shortcuts

    def listed(self, path: str, *query: tuple[str, str]) -> list[dict[str, Any]]:
        return list(self.get(path, ("page[size]", "100"), *query).data)

    def ids(self, path: str) -> list[str]:
        return [resource["id"] for resource in self.listed(path)]

    def attributes(self, path: str) -> dict[str, Any]:
        return dict(self.get(path).data["attributes"])

    def act(self, path: str, action: str, account: str = "demo") -> Answer:
        return self.patch(path, {"meta": {"action": action}}, account)

    def update(self, path: str, account: str = "demo", /, **attributes: Any) -> Answer:
        return self.patch(path, {"attributes": attributes}, account)

    def property(self, name: str = "Shop", platform: str = "web", **attributes: Any) -> str:
        attributes = {"name": name, "platform": platform, "domains": ["shop.example"], **attributes}
        return made(
            self.post(
                f"/companies/{COMPANY}/properties", {"type": "properties", "attributes": attributes}
            )
        )

    def core(self, place: str) -> str:
        """Return the id of the core extension (its head)."""
        extensions = self.listed(f"/properties/{place}/extensions")
        return next(extension["id"] for extension in extensions if is_core(extension))

    def package(self, name: str, version: str, platform: str = "web") -> str:
        expected = {"name": name, "version": version, "platform": platform}
        return next(
            package.id
            for package in self.store.all("extension_packages")
            if expected.items() <= package.attributes.items()
        )

    def install(self, place: str, package: str, **attributes: Any) -> Answer:
        linked = {"extension_package": {"data": {"id": package, "type": "extension_packages"}}}
        data = {"type": "extensions", "attributes": attributes, "relationships": linked}
        return self.post(f"/properties/{place}/extensions", data)

    def data_element(self, place: str, extension: str | None = None, **attributes: Any) -> Answer:
        linked = {
            "extension": {"data": {"id": extension or self.core(place), "type": "extensions"}}
        }
        data = {
            "type": "data_elements",
            "attributes": {**SCRIPT, **attributes},
            "relationships": linked,
        }
        return self.post(f"/properties/{place}/data_elements", data)

    def rule(self, place: str, name: str = "All pages") -> str:
        data = {"type": "rules", "attributes": {"name": name}}
        return made(self.post(f"/properties/{place}/rules", data))

    def component(
        self, place: str, rule: str, extension: str | None = None, **attributes: Any
    ) -> Answer:
        linked = {
            "extension": {"data": {"id": extension or self.core(place), "type": "extensions"}},
            "rules": {"data": [{"id": rule, "type": "rules"}]},
        }
        data = {
            "type": "rule_components",
            "attributes": {**LOADED, **attributes},
            "relationships": linked,
        }
        return self.post(f"/properties/{place}/rule_components", data)

    def revise(self, kind: str, head: str) -> str:
        return made(self.act(f"/{kind}/{head}", "revise"), 200)

    def host(self, place: str, **attributes: Any) -> str:
        attributes = {"name": "Managed", "type_of": "akamai", **attributes}
        return made(
            self.post(f"/properties/{place}/hosts", {"type": "hosts", "attributes": attributes})
        )

    def environment(
        self, place: str, host: str, stage: str = "development", **attributes: Any
    ) -> Answer:
        linked = {"host": {"data": {"id": host, "type": "hosts"}}}
        attributes = {"name": stage.capitalize(), "stage": stage, **attributes}
        data = {"type": "environments", "attributes": attributes, "relationships": linked}
        return self.post(f"/properties/{place}/environments", data)

    def library(self, place: str, name: str = "Library", **linked: Any) -> str:
        relationships = {relation: {"data": data} for relation, data in linked.items()}
        data = {"type": "libraries", "attributes": {"name": name}, "relationships": relationships}
        return made(self.post(f"/properties/{place}/libraries", data))

    def assign(self, library: str, environment: str | None) -> Answer:
        data = {"id": environment, "type": "environments"} if environment else None
        return self.patch(f"/libraries/{library}/relationships/environment", data)

    def put(self, library: str, kind: str, *ids: str, how: str = "POST") -> Answer:
        body = json.dumps(
            {"data": [{"id": identifier, "type": kind} for identifier in ids]}
        ).encode()
        return self.send(how, f"/libraries/{library}/relationships/{kind}", body)

    def build(self, library: str, account: str = "demo") -> Answer:
        return self.send("POST", f"/libraries/{library}/builds", account=account)

    def upload(
        self, data: bytes, path: str = "/extension_packages", method: str = "POST", **how: Any
    ) -> Answer:
        kind = "multipart/form-data; boundary=edge"
        return self.send(method, path, form(data), content_type=kind, **how)

    def events(self) -> list[tuple[str, str]]:
        """Return type and name of all audit events, oldest first."""
        return [
            (event.attributes["type_of"], event.attributes["display_name"])
            for event in self.store.all("audit_events")
        ]


@dataclass(frozen=True)
class Site:
    """A property with core, a host and one environment of each stage."""

    place: str
    core: str
    host: str
    development: str
    staging: str
    production: str


def site(api: Caller, name: str = "Shop") -> Site:
    place = api.property(name)
    host = api.host(place)
    stages = [
        made(api.environment(place, host, stage))
        for stage in ("development", "staging", "production")
    ]
    return Site(place, api.core(place), host, *stages)


@dataclass(frozen=True)
class Sample:
    """How to create a resource of a type (parent, attributes, relationships), and a change."""

    parent: str
    attributes: dict[str, Any]
    change: dict[str, Any]
    linked: dict[str, Any]

    @property
    def needed(self) -> list[str]:
        return [attribute.name for attribute in self.row.writable("create") if attribute.required]

    @property
    def row(self) -> Resource:
        return RESOURCES[self.parent.rpartition("/")[2]]

    def data(self) -> dict[str, Any]:
        linked = {name: {"data": data} for name, data in self.linked.items()}
        return {"type": self.row.type, "attributes": dict(self.attributes), "relationships": linked}


def samples(api: Caller, shop: Site) -> dict[str, Sample]:
    """Return a sample of every type that can be created, except usage authorizations."""
    place = f"/properties/{shop.place}"
    core = {"extension": {"id": shop.core, "type": "extensions"}}
    rule = {"rules": [{"id": api.rule(shop.place, "Other"), "type": "rules"}]}
    analytics = {"id": api.package("adobe-mcid", "4.6.0"), "type": "extension_packages"}
    host = {"host": {"id": shop.host, "type": "hosts"}}
    edge = api.property("Forwarding", "edge")
    production = made(api.environment(edge, api.host(edge), "production"))
    configuration = {"delegate_descriptor_id": "adobe-mcid::extensionConfiguration::config"}
    sftp = {
        "name": "Ours",
        "type_of": "sftp",
        "server": "sftp.example",
        "encrypted_private_key": "x",
    }
    return {
        "properties": Sample(
            f"/companies/{COMPANY}/properties",
            {"name": "New", "platform": "web", "domains": ["new.example"]},
            {"name": "Newer", "development": True},
            {},
        ),
        "rules": Sample(
            f"{place}/rules", {"name": "Rule"}, {"name": "Better", "enabled": False}, {}
        ),
        "rule_components": Sample(
            f"{place}/rule_components", LOADED, {"order": 3, "rule_order": 1.5}, core | rule
        ),
        "data_elements": Sample(
            f"{place}/data_elements", SCRIPT, {"default_value": "none", "clean_text": True}, core
        ),
        "extensions": Sample(
            f"{place}/extensions",
            configuration | {"settings": '{"orgId":"A@AdobeOrg"}'},
            {"enabled": False},
            {"extension_package": analytics},
        ),
        "environments": Sample(
            f"{place}/environments",
            {"name": "Second", "stage": "development"},
            {"name": "Third"},
            host,
        ),
        "hosts": Sample(f"{place}/hosts", sftp, {"path": "/tags", "port": 22}, {}),
        "libraries": Sample(f"{place}/libraries", {"name": "Library"}, {"name": "Better"}, {}),
        "callbacks": Sample(
            f"{place}/callbacks",
            {"url": "https://us.example/tags", "subscriptions": ["rule.created"]},
            {"subscriptions": ["rule.updated", "rule.deleted"]},
            {},
        ),
        "secrets": Sample(
            f"/properties/{edge}/secrets",
            {"name": "Key", "type_of": "token", "credentials": {"token": "hush"}},
            {"name": "Other key"},
            {"environment": {"id": production, "type": "environments"}},
        ),
        "app_configurations": Sample(
            f"/companies/{COMPANY}/app_configurations",
            {
                "name": "App",
                "app_id": "app.example",
                "platform": "mobile",
                "push_credential": {"p8": "hush"},
            },
            {"name": "Other app"},
            {},
        ),
        "notes": Sample(f"{place}/notes", {"text": "Ask Ana first."}, {}, {}),
    }


def made(answer: Answer, status: int = 201) -> str:
    """Return the id of the created resource."""
    assert answer.status == status, answer.body
    return answer.id


def is_core(extension: Mapping[str, Any]) -> bool:
    return bool(extension["attributes"]["name"] == "core")


def zipped(files: Mapping[str, str | bytes], **manifest: Any) -> bytes:
    """Return a zip of these files, and of a manifest if there are members for it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        if manifest:
            archive.writestr("extension.json", json.dumps(manifest))
    return packed.getvalue()


def form(data: bytes, field: str = "package") -> bytes:
    head = f'--edge\r\nContent-Disposition: form-data; name="{field}"; filename="p.zip"\r\n\r\n'
    return head.encode() + data + b"\r\n--edge--\r\n"
