"""Sites on which the calls of ``operations`` run.

``Full`` is only read; each test changes a ``Fresh`` one of its own.
"""

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

import pandas as pd

from adobe_nb import DelayedError
from adobe_nb.session import Session

POLL = 0.02
_numbers = count(1)


class Fresh:
    """A site whose resources are created when they are first used."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.reactor = session.reactor
        self.number = next(_numbers)

    token = "a token of the contract tests"
    key = "an encrypted key"
    push_credential: Mapping[str, str] = {"key": "a push key"}
    property_name: str | None = None

    @cached_property
    def company(self) -> pd.DataFrame:
        return self.reactor.companies()

    @cached_property
    def property(self) -> pd.DataFrame:
        name = self.property_name or f"Site {self.number}"
        return self.reactor.properties.create(
            name=name, platform="web", domains=["www.example.com"], development=True
        )

    @cached_property
    def host(self) -> pd.DataFrame:
        return self.reactor.hosts.create(self.property, name="Managed by Adobe", type_of="akamai")

    @cached_property
    def environment(self) -> pd.DataFrame:
        return self.staged("development")

    def staged(self, stage: str) -> pd.DataFrame:
        name = stage.capitalize()
        return self.reactor.environments.create(
            self.property, name=name, stage=stage, host=self.host
        )

    @cached_property
    def extension(self) -> pd.DataFrame:
        return self.reactor.extensions.find("core", self.property)

    @cached_property
    def data_element(self) -> pd.DataFrame:
        return self.reactor.data_elements.create(
            self.property,
            name="page",
            extension=self.extension,
            delegate_descriptor_id="core::dataElements::javascript-variable",
            settings={"path": "page.name"},
        )

    @cached_property
    def rule(self) -> pd.DataFrame:
        return self.reactor.rules.create(self.property, name="Checkout")

    @cached_property
    def rule_component(self) -> pd.DataFrame:
        return self.reactor.rule_components.create(
            self.rule,
            name="Click",
            extension=self.extension,
            delegate_descriptor_id="core::events::library-loaded",
        )

    @cached_property
    def library(self) -> pd.DataFrame:
        return self.reactor.libraries.create(self.property, name="Release 12")

    @cached_property
    def callback(self) -> pd.DataFrame:
        return self.reactor.callbacks.create(
            self.property, url="https://hooks.example.com/tags", subscriptions=["rule.updated"]
        )

    @cached_property
    def app_configuration(self) -> pd.DataFrame:
        return self.reactor.app_configurations.create(
            self.company,
            name="Store App",
            app_id=f"com.example.store{self.number}",
            platform="mobile",
            messaging_service="apns",
            key_type="p8_file",
            push_credential=dict(self.push_credential),
        )

    # -- packages

    @cached_property
    def extension_package(self) -> pd.DataFrame:
        """An own package in development."""
        self.write_zip()
        uploaded = self.reactor.extension_packages.upload("my-extension.zip")
        return self.reactor.extension_packages.wait(uploaded, poll=POLL)

    def write_zip(self) -> None:
        Path("my-extension.zip").write_bytes(zipped(f"1.0.{self.number}"))

    def released(self) -> pd.DataFrame:
        return self.reactor.extension_packages.release_private(
            self.extension_package, confirm="my-extension"
        )

    def public_package(self, name: str) -> pd.DataFrame:
        packages = self.reactor.extension_packages(
            max_availability="public", filter={"platform": "EQ web"}
        )
        return packages[packages["name"] == name]

    def outdated_extension(self) -> pd.DataFrame:
        """An extension with a newer package."""
        versions = self.reactor.extension_packages.versions(self.public_package("adobe-analytics"))
        oldest = versions.sort_values("created_at").head(1)
        return self.reactor.extensions.create(self.property, extension_package=oldest)

    @cached_property
    def authorization(self) -> pd.DataFrame:
        return self.reactor.extension_package_usage_authorizations.create(
            self.released(), authorized_org_id="0123456789ABCDEF01234567@AdobeOrg"
        )

    # -- event forwarding

    @cached_property
    def edge(self) -> "Fresh":
        """A site with a property for event forwarding."""
        other = Fresh(self.session)
        other.property = self.reactor.properties.create(
            name=f"Forwarding {other.number}", platform="edge"
        )
        return other

    @cached_property
    def secret(self) -> pd.DataFrame:
        return self.secret_of(type_of="token", credentials={"token": self.token})

    def secret_of(self, **about: Any) -> pd.DataFrame:
        return self.reactor.secrets.create(
            self.edge.property,
            name=f"Secret {next(_numbers)}",
            environment=self.edge.environment,
            **about,
        )

    def failed_secret(self) -> pd.DataFrame:
        secret = self.secret_of(
            type_of="oauth2-client_credentials",
            credentials={
                "client_id": "us",
                "client_secret": self.token,
                "token_url": "https://nowhere.invalid/token",
            },
        )
        with suppress(DelayedError):
            self.reactor.secrets.wait(secret, poll=POLL)
        return secret

    # -- publishing

    def built(self, library: Any, stage: str) -> pd.DataFrame:
        self.reactor.libraries.assign(library, self.staged(stage))
        confirm = self.reactor.libraries.get(library)["name"].item()
        return self.reactor.builds.wait(
            self.reactor.libraries.build(library, confirm=confirm), poll=POLL
        )

    def published(self) -> pd.DataFrame:
        """Publish the library; return its production build."""
        libraries = self.reactor.libraries
        libraries.add(self.library, [self.extension, self.data_element, self.rule], revise=True)
        self.built(self.library, "development")
        libraries.submit(self.library)
        self.built(self.library, "staging")
        libraries.approve(self.library)
        return self.built(self.library, "production")

    def submitted(self) -> pd.DataFrame:
        return self.reactor.libraries.submit(self.library)

    def filled(self) -> pd.DataFrame:
        things = [self.extension, self.data_element, self.rule]
        return self.reactor.libraries.add(self.library, things, revise=True)


class Full(Fresh):
    """A site with something in each of its lists."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        reactor = self.reactor
        assert not self.rule_component.empty
        assert not self.callback.empty
        assert not self.app_configuration.empty
        assert not self.authorization.empty
        self.build = self.published()
        self.library = reactor.libraries.create(self.property, name="Release 13")
        self.environment = reactor.environments.find("Development", self.property)
        reactor.libraries.assign(self.filled(), self.environment)
        reactor.builds.wait(reactor.libraries.build(self.library), poll=POLL)
        for place in (
            self.property,
            self.data_element,
            self.rule,
            self.rule_component,
            self.library,
            self.extension,
        ):
            self.note = reactor.notes.create(place, text="Seen by the contract tests.")
        reactor.notes.create(self.secret, text="Seen by the contract tests.")
        named = {"id": self.secret.loc[0, "id"], "name": self.secret.loc[0, "name"]}
        reactor.data_elements.create(
            self.edge.property,
            name="The secret",
            delegate_descriptor_id="core::dataElements::secret",
            settings={"secrets": {"development": named}},
            extension=reactor.extensions(self.edge.property),
        )
        self.secret_of(
            type_of="oauth2-client_credentials",
            credentials={
                "client_id": "us",
                "client_secret": self.token,
                "token_url": "https://id.example.com/token",
            },
        )
        self.audit_event = reactor.audit_events(limit=1)


def zipped(version: str) -> bytes:
    """The zip of an extension."""
    manifest = {
        "name": "my-extension",
        "displayName": "My Extension",
        "version": version,
        "platform": "web",
        "description": "Of the contract tests.",
        "author": {"name": "Us", "email": "us@example.com"},
        "viewBasePath": "views/",
        "exchangeUrl": "https://exchange.example.com/my-extension",
        "iconPath": "icon.svg",
        "main": "main.js",
        "configuration": {"viewPath": "configuration.html", "schema": {"type": "object"}},
        "actions": [
            {
                "name": "send",
                "displayName": "Send",
                "libPath": "send.js",
                "viewPath": "send.html",
                "categoryName": "Ours",
                "schema": {"$schema": "http://json-schema.org/draft-04/schema#", "type": "object"},
            }
        ],
        "events": [
            {
                "name": "ping",
                "displayName": "Ping",
                "libPath": "send.js",
                "schema": {"type": "object"},
            }
        ],
        "conditions": [
            {
                "name": "odd",
                "displayName": "Odd",
                "libPath": "send.js",
                "schema": {"type": "object"},
            }
        ],
        "dataElements": [
            {
                "name": "now",
                "displayName": "Now",
                "libPath": "send.js",
                "schema": {"type": "object"},
            }
        ],
        "sharedModules": [{"name": "shared", "libPath": "send.js"}],
        "hostedLibFiles": ["send.js"],
    }
    files = ("send.js", "main.js", "icon.svg", "views/configuration.html", "views/send.html")
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("extension.json", json.dumps(manifest))
        for file in files:
            archive.writestr(file, "// nothing")
    return data.getvalue()


_Names = Mapping[str, Any]
_Prepare = Callable[[Fresh], _Names]


def _called(site: Fresh, name: str) -> pd.DataFrame:
    site.property_name = name
    return site.property


def _asked(site: Fresh) -> _Names:
    """An authorization of another organization's package, which the demo company may approve."""
    grants = site.reactor.extension_package_usage_authorizations()
    return {"authorization": grants[grants["authorized_org_id"] == site.session.org_id]}


def _forwarding(site: Fresh) -> _Names:
    return {"property": site.edge.property, "environment": site.edge.environment}


PREPARED: dict[str, _Prepare] = {
    "reactor.rules.delete(rule)": lambda site: {
        "rule": site.reactor.rules.create(site.property, name="Old")
    },
    "reactor.extensions.create(property, extension_package=extension_package)": lambda site: {
        "extension_package": site.public_package("facebook-pixel")
    },
    "reactor.extensions.upgrade(extension)": lambda site: {"extension": site.outdated_extension()},
    'reactor.extension_packages.upload("my-extension.zip")': lambda site: site.write_zip() or {},
    "reactor.extension_packages.discontinue(extension_package)": lambda site: {
        "extension_package": site.released()
    },
    "reactor.extension_package_usage_authorizations.create(extension_package, "
    'authorized_org_id="0123456789ABCDEF01234567@AdobeOrg")': lambda site: {
        "extension_package": site.released()
    },
    "reactor.extension_package_usage_authorizations.approve(authorization)": _asked,
    "reactor.extension_package_usage_authorizations.reject(authorization)": _asked,
    "reactor.libraries(rule)": lambda site: {"rule": site.reactor.rules(site.library)},
    "reactor.libraries(data_element)": lambda site: {
        "data_element": site.reactor.data_elements(site.library)
    },
    "reactor.libraries(extension)": lambda site: {
        "extension": site.reactor.extensions(site.library)
    },
    'reactor.hosts.update(host, server="sftp2.example.com")': lambda site: {
        "host": site.reactor.hosts.create(
            site.property,
            name="Ours",
            type_of="sftp",
            server="sftp.example.com",
            encrypted_private_key=site.key,
        )
    },
    "reactor.libraries.approve(library)": lambda site: {"library": site.submitted()},
    "reactor.libraries.reject(library)": lambda site: {"library": site.submitted()},
    "reactor.libraries.develop(library)": lambda site: {
        "library": site.reactor.libraries.reject(site.submitted())
    },
    "reactor.libraries.unassign(library)": lambda site: {
        "library": site.reactor.libraries.assign(site.library, site.environment)
    },
    "reactor.libraries.remove(library, data_element)": lambda site: {"library": site.filled()},
    "reactor.libraries.remove(library, extension)": lambda site: {"library": site.filled()},
    "reactor.libraries.remove(library, rule)": lambda site: {"library": site.filled()},
    "reactor.libraries.build(library)": lambda site: {
        "library": site.reactor.libraries.assign(site.filled(), site.environment)
    },
    'reactor.builds.republish(build, confirm="Release 12")': lambda site: {
        "build": site.published()
    },
    'reactor.properties.delete(property, confirm="Old site")': lambda site: {
        "property": _called(site, "Old site")
    },
    'reactor.secrets.create(property, name="Warehouse", type_of="token", credentials={"token": '
    "token}, "
    "environment=environment)": _forwarding,
    "reactor.secrets.retry(secret)": lambda site: {"secret": site.failed_secret()},
    "reactor.secrets.reauthorize(secret)": lambda site: {
        "secret": site.secret_of(
            type_of="oauth2-google", credentials={"scopes": ["https://example.com/scope"]}
        )
    },
    "reactor.secrets(property)": _forwarding,
    "reactor.secrets(environment)": _forwarding,
}
"""Preparations of calls, where the names alone are not enough."""
