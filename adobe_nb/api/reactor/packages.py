"""Extensions and their packages: install, upgrade, upload, release."""

import io
import json
import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd

from adobe_nb.api.reactor.client import Client, Params, attrs_of
from adobe_nb.api.reactor.filters import Filter, Sort
from adobe_nb.api.reactor.frames import json_text
from adobe_nb.api.reactor.inputs import Ids, asked, ids_in, ids_of_type, type_of
from adobe_nb.api.reactor.jsonapi import Document, Write, needed_id
from adobe_nb.api.reactor.payloads import Placeholder, document_of
from adobe_nb.api.reactor.polling import Waitable
from adobe_nb.api.reactor.relations import versions_of
from adobe_nb.api.reactor.writes import (
    Creatable,
    Deletable,
    Revisable,
    answered,
    attribute,
    check_confirm,
    checked_name,
    name_of,
    state_of,
    states_of,
    update_write,
)
from adobe_nb.errors import ArgumentError
from adobe_nb.registry import RESOURCES

AVAILABILITIES = ("development", "private", "public")
_DELEGATE_COLUMNS = (
    "package",
    "version",
    "kind",
    "name",
    "display_name",
    "delegate_descriptor_id",
    "schema",
)
_DELEGATE_LISTS = {
    "events": "events",
    "conditions": "conditions",
    "actions": "actions",
    "dataElements": "data_elements",
}
"""Kinds of delegates in ids, with the attribute of a package that lists them."""
_REQUIRED_IN_MANIFEST = ("name", "version", "platform")


class Extensions(Revisable):
    """Extensions: ``create`` installs a package in a property, ``upgrade`` changes its version."""

    def upgrade(
        self,
        extension: Ids,
        package: Ids | None = None,
        /,
        *,
        dry_run: bool = False,
        **attributes: Any,
    ) -> pd.DataFrame:
        """Upgrade the extension to another version of its package.

        Until the upgrade is published, every library needs a revision of the upgraded extension.

        Parameters
        ----------
        package
            Id or row of the other version. By default the newer one that the service names.
        dry_run
            Show the request and send nothing; a default package is
            ``{id of the newer package of EX…}``.
        **attributes
            ``settings`` and ``delegate_descriptor_id`` can change at the same time.

        Returns
        -------
        DataFrame
            One row: the extension after the upgrade.

        Raises
        ------
        ArgumentError
            There is no newer version, or it is not a head. Nothing was changed.
        ApiError, OutcomeUnknown
        """
        extension_id = self._one_id(extension, "upgrade")
        if "extension_package" in attributes:
            if package is not None:
                raise ArgumentError(
                    "upgrade takes one package: as second argument, or as extension_package=."
                )
            package = attributes.pop("extension_package")
        chosen: Any = package
        if package is None:
            chosen = Placeholder(f"id of the newer package of {extension_id}")
        # Check the arguments before the newer package is looked up.
        write = self._upgrade(extension_id, chosen, attributes)
        if package is not None or asked(dry_run):
            return self._send(write, dry_run=dry_run)
        client = self._session.client
        [before] = self._read_before(client, [write])
        write = self._upgrade(extension_id, _newer_package(before), attributes)
        return self._written(client, [answered(client.write(write, before), write)], write.path)

    def _upgrade(self, extension_id: str, package: Ids, attributes: Mapping[str, Any]) -> Write:
        keywords = {"extension_package": package, **attributes}
        document = document_of(self.row, "update", keywords, extension_id)
        return update_write(self.row, extension_id, document, "upgrade")


class ExtensionPackages(Deletable, Waitable):
    """Extension packages: the catalog and your own packages."""

    def __call__(
        self,
        parents: Ids | None = None,
        *,
        filter: Filter | None = None,
        sort: Sort | None = None,
        limit: int | None = None,
        max_availability: str | None = None,
    ) -> pd.DataFrame:
        """List the newest versions; ``versions`` lists older ones.

        Parameters
        ----------
        max_availability
            ``"public"`` for public packages only, ``"private"`` for private ones of your own as
            well. By default also those in development. Other parameters are those of every list.

        Returns
        -------
        DataFrame
            One row per package.

        Raises
        ------
        ArgumentError, ApiError, TransportError, IncompleteResult
        """
        if max_availability not in (None, *AVAILABILITIES):
            raise ArgumentError(
                f"max_availability is one of {', '.join(AVAILABILITIES)}, not {max_availability!r}."
            )
        extra: Params = ()
        if max_availability is not None:
            extra = (("max_availability", max_availability),)
        return self._list(self._query(parents, filter, sort, limit), extra)

    def versions(self, *packages: Ids) -> pd.DataFrame:
        """Return all versions of these packages, one row each.

        Raises ArgumentError, ApiError, TransportError.
        """
        return versions_of(self._session.client, ids_of_type(self.row, packages))

    def delegates(self, *packages: Ids) -> pd.DataFrame:
        """Return what these packages, or installed extensions, offer to rules and data elements.

        Returns
        -------
        DataFrame
            One row per delegate, all ``string``: package, version, kind (``events``,
            ``conditions``, ``actions``, ``dataElements``, ``extensionConfiguration``), name,
            display_name, delegate_descriptor_id, schema (JSON text: the settings that it takes).

        Raises
        ------
        ArgumentError, ApiError, TransportError

        Examples
        --------
        >>> import adobe_nb
        >>> reactor = adobe_nb.connect(simulator=True).reactor
        >>> core = reactor.extensions.find("core", reactor.find("properties", "Web Store US"))
        >>> delegates = reactor.extension_packages.delegates(core)
        >>> "core::events::click" in set(delegates["delegate_descriptor_id"])
        True
        """
        # Extensions stand for the package that they have installed.
        installed = []
        direct = []
        for resource_id in chain.from_iterable(map(ids_in, packages)):
            if type_of(resource_id) == "extensions":
                installed.append(resource_id)
            else:
                direct.append(resource_id)
        direct = ids_of_type(self.row, direct)
        client = self._session.client
        client.refuse_preview_ids(*direct)
        package_ids = []
        for extension in states_of(client, RESOURCES["extensions"], installed):
            package_ids.append(needed_id(extension, "extension_package"))
        # Several extensions can be of one package.
        package_ids = list(dict.fromkeys([*package_ids, *direct]))
        states = states_of(client, self.row, package_ids)
        rows = chain.from_iterable(map(_delegates_of, states))
        frame = pd.DataFrame(rows, columns=list(_DELEGATE_COLUMNS), dtype="string")
        frame.attrs.update(attrs_of(client, f"/{self.row.type}/{{id}}", len(frame)))
        return frame

    def upload(
        self, path: str | Path, *, replaces: Ids | None = None, dry_run: bool = False
    ) -> pd.DataFrame:
        """Upload the zip of an extension; ``wait`` until it has been processed.

        The zip is checked first: its extension.json must have a name, version and platform.

        Parameters
        ----------
        replaces
            A package of yours in development, which gets the new zip.
        dry_run
            Show the request and send nothing.

        Returns
        -------
        DataFrame
            One row: the package, pending at first.

        Raises
        ------
        ArgumentError
            The file is not the zip of an extension. No request was sent.
        ApiError, OutcomeUnknown
        """
        if not isinstance(path, (str, os.PathLike)):
            raise ArgumentError(
                f"upload requires the path of a zip file, not {type(path).__name__}."
            )
        data, manifest = _checked_zip(Path(path))
        if replaces is None:
            same_name = f'reactor.extension_packages(filter={{"name": "EQ {manifest["name"]}"}})'
            write = Write(
                "reactor.extension_packages.upload",
                "POST",
                f"/{self.row.type}",
                type=self.row.type,
                next_step=f"Look for it: {same_name}.",
            )
        else:
            write = update_write(self.row, self._one_id(replaces, "upload"), None, "upload")
        return self._send(replace(write, upload=data), dry_run=dry_run)

    def release_private(
        self, package: Ids, *, confirm: str | None = None, dry_run: bool = False
    ) -> pd.DataFrame:
        """Release a package in development to your own properties. It cannot be changed afterwards.

        Public releases are arranged with Adobe.

        Parameters
        ----------
        confirm
            Required: the name of the package, ``confirm="my-extension"``.
        dry_run
            Show the request and send nothing. ``confirm`` is not checked.

        Returns
        -------
        DataFrame
            One row.

        Raises
        ------
        ConfirmationRequired
            Nothing was released.
        ApiError, OutcomeUnknown
        """
        confirm = checked_name(confirm)
        if not asked(dry_run):
            package_id = self._one_id(package, "release_private")
            state = state_of(self._session.client, self.row, package_id)
            name = name_of(state)
            check_confirm(f"release {name} {attribute(state, 'version')}", name, confirm)
        return self._act(package, "release_private", dry_run=dry_run)

    def discontinue(self, package: Ids, *, dry_run: bool = False) -> pd.DataFrame:
        """Mark a released package as discontinued; installed extensions keep working.

        Returns
        -------
        DataFrame
            One row.

        Raises
        ------
        ArgumentError, ApiError, OutcomeUnknown
        """
        return self._act(package, "discontinue", dry_run=dry_run)


class UsageAuthorizations(Creatable, Deletable):
    """Permission for another organization to use a private package.

    The other organization approves or rejects it.
    """

    def approve(self, authorization: Ids, *, dry_run: bool = False) -> pd.DataFrame:
        """Approve the authorization, so that the package can be installed; return it as one row.

        Raises ArgumentError, ApiError, OutcomeUnknown.
        """
        return self._decide(authorization, "approve", "approved", dry_run=dry_run)

    def reject(self, authorization: Ids, *, dry_run: bool = False) -> pd.DataFrame:
        """Refuse it. A frame of one row.

        Raises ArgumentError, ApiError, OutcomeUnknown.
        """
        return self._decide(authorization, "reject", "rejected", dry_run=dry_run)

    def _decide(self, authorization: Ids, verb: str, state: str, *, dry_run: bool) -> pd.DataFrame:
        resource_id = self._one_id(authorization, verb)
        document = document_of(self.row, "update", {"state": state}, resource_id)
        return self._send(update_write(self.row, resource_id, document, verb), dry_run=dry_run)

    def get(self, *ids: Ids) -> pd.DataFrame:
        """Return authorizations by id. They are found in the list: the API returns none by id.

        Raises ArgumentError for ids of another type and for unknown ones.
        """
        resource_ids = ids_of_type(self.row, ids)
        client = self._session.client
        return self._frame(client, self._states(client, resource_ids), f"/{self.row.type}")

    def _states(self, client: Client, ids: Sequence[str]) -> list[Document]:
        client.refuse_preview_ids(*ids)
        if not ids:
            return []
        states: dict[str, Document] = {}
        for state in self.iterate():
            states[state["id"]] = state
        unknown = [resource_id for resource_id in ids if resource_id not in states]
        if unknown:
            raise ArgumentError(
                f"{', '.join(unknown)}: no such usage authorization exists, or you have no access to "
                "it. reactor.extension_package_usage_authorizations() lists those that you can see."
            )
        return list(map(states.__getitem__, ids))


def _delegates_of(package: Mapping[str, Any]) -> Iterator[tuple[str | None, ...]]:
    """Yield the rows of a package."""
    delegates: list[tuple[str, Any]] = []
    # There is one, without a name of its own; ids call it config.
    configuration = attribute(package, "configuration")
    if isinstance(configuration, Mapping):
        delegates.append(("extensionConfiguration", {**configuration, "name": "config"}))
    for kind, name in _DELEGATE_LISTS.items():
        listed = attribute(package, name)
        if isinstance(listed, list):
            for delegate in listed:
                delegates.append((kind, delegate))
    package_name, version = attribute(package, "name"), attribute(package, "version")
    for kind, delegate in delegates:
        if isinstance(delegate, Mapping):
            yield (
                package_name,
                version,
                kind,
                _text(delegate.get("name")),
                _text(delegate.get("displayName")),
                f"{package_name}::{kind}::{delegate.get('name')}",
                _text(delegate.get("schema")),
            )


def _text(value: object) -> str | None:
    if value is None:
        return None
    return json_text(value)


def _newer_package(extension: Mapping[str, Any]) -> str:
    """Return the package that the service offers for an upgrade. Raises ArgumentError for none."""
    package_id = (extension.get("meta") or {}).get("upgrade_extension_package_id")
    if package_id is None:
        version = f"{name_of(extension)} {attribute(extension, 'version')}"
        raise ArgumentError(
            f"The service offers nothing newer than {version}. To use a package of your own, name "
            'it: upgrade(extension, "EP…").'
        )
    return str(package_id)


def _checked_zip(path: Path) -> tuple[bytes, dict[str, Any]]:
    """Return the bytes of the zip, and its extension.json. Raises ArgumentError."""
    try:
        data = path.read_bytes()
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            manifest = json.loads(archive.read("extension.json"))
        problem = _problem_of_manifest(manifest)
    except KeyError:
        problem = "has no extension.json at its top"
    except OSError as error:
        problem = f"cannot be read ({error.strerror or type(error).__name__})"
    except (json.JSONDecodeError, UnicodeDecodeError):
        problem = "has an extension.json that is not valid JSON"
    except ValueError:
        # A null character in the path.
        problem = "is not a path"
    # Whatever zipfile raises for a file that is damaged, encrypted or packed in another way.
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError):
        problem = "is not a zip file that can be opened"
    if problem:
        raise ArgumentError(
            f"{path} {problem}. Create the zip with Adobe's packager: npx @adobe/reactor-packager."
        )
    return data, manifest


def _problem_of_manifest(manifest: object) -> str:
    if not isinstance(manifest, dict):
        manifest = {}
    missing = [name for name in _REQUIRED_IN_MANIFEST if not manifest.get(name)]
    if not missing:
        return ""
    return f"has an extension.json without {', '.join(missing)}"
