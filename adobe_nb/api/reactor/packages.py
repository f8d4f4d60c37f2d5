"""Extensions and their packages: install, upgrade, upload, release."""

import io
import json
import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from adobe_nb.api.reactor.client import Client, attrs_of
from adobe_nb.api.reactor.filters import Filter, Sort
from adobe_nb.api.reactor.frames import json_text
from adobe_nb.api.reactor.inputs import Ids, asked, ids_in, ids_of_type, type_of
from adobe_nb.api.reactor.jsonapi import Document, needed_id
from adobe_nb.api.reactor.payloads import Change, Placeholder, document_of, shown
from adobe_nb.api.reactor.polling import Waitable
from adobe_nb.api.reactor.relations import versions_of
from adobe_nb.api.reactor.writes import (
    Creatable,
    Deletable,
    Revisable,
    attribute,
    check_confirm,
    check_head,
    checked_name,
    name_of,
    state_of,
    states_of,
    update_change,
)
from adobe_nb.errors import ArgumentError
from adobe_nb.registry import RESOURCES

_PACKAGER = "Make the zip with Adobe's packager: npx @adobe/reactor-packager."
AVAILABILITIES = ("development", "private", "public")


class Extensions(Revisable):
    """Extensions: ``create`` installs a package in a property, ``upgrade`` moves to another version
    of it.
    """

    def upgrade(
        self,
        extension: Ids,
        package: Ids | None = None,
        /,
        *,
        dry_run: bool = False,
        **attributes: Any,
    ) -> pd.DataFrame:
        """Move the extension to another version of its package; a frame of one row.

        Without ``package`` it is the newer one that the service names; a dry run, which sends
        nothing, shows ``{id of the newer package of EX…}``. ``settings`` and
        ``delegate_descriptor_id`` can be changed along. Until it is published, every library has to
        carry a revision of the upgraded extension.

        Raises ArgumentError when there is no newer one; ApiError, OutcomeUnknown.
        """
        identifier = self._one_id(extension, "upgrade")
        if "extension_package" in attributes:
            if package is not None:
                raise ArgumentError(
                    "upgrade takes one package: as second argument, or as extension_package=."
                )
            package = attributes.pop("extension_package")
        unknown = Placeholder(f"id of the newer package of {identifier}")
        # Wrong arguments cost no request, so they are checked before the service is asked for the
        # newer package.
        given = {"extension_package": unknown if package is None else package, **attributes}
        document = document_of(self.row, "update", given, identifier)
        client = self._session.client
        if asked(dry_run):
            return shown(
                client.base_url, [update_change(self.row, identifier, document, "upgrade")]
            )
        before = state_of(client, self.row, identifier)
        check_head(self.row, before)
        if package is None:
            document = document_of(
                self.row, "update", {**given, "extension_package": _newer(before)}, identifier
            )
        return self._perform(
            client, update_change(self.row, identifier, document, "upgrade"), before
        )


class ExtensionPackages(Deletable, Waitable):
    """Extension packages: the catalogue, and those of your own."""

    def __call__(
        self,
        parents: Ids | None = None,
        *,
        filter: Filter | None = None,
        sort: Sort | None = None,
        limit: int | None = None,
        max_availability: str | None = None,
    ) -> pd.DataFrame:
        """List the newest versions as a DataFrame, one row each.

        ``max_availability="public"`` lists public ones only, ``"private"`` private ones of your own
        too; otherwise also those in development. Older versions: ``versions``. The rest as for
        every list.
        """
        if max_availability is not None and not (
            isinstance(max_availability, str) and max_availability in AVAILABILITIES
        ):
            raise ArgumentError(
                f"max_availability is one of {', '.join(AVAILABILITIES)}, not {max_availability!r}."
            )
        extra = (("max_availability", max_availability),) if max_availability else ()
        return self._listed(parents, filter=filter, sort=sort, limit=limit, extra=extra)

    def versions(self, *packages: Ids) -> pd.DataFrame:
        """All versions of these packages, one row each. Raises ArgumentError, ApiError,
        TransportError.
        """
        return versions_of(self._session.client, ids_of_type(self.row, packages))

    def delegates(self, *packages: Ids) -> pd.DataFrame:
        """What these packages, or installed extensions, offer to rules and data elements: one row
        each.

        Columns (all ``string``): package, version, kind (``events conditions actions dataElements
        extensionConfiguration``), name, display_name, delegate_descriptor_id, schema (JSON text:
        which settings it takes). Raises ArgumentError, ApiError, TransportError.

        Example:
            >>> import adobe_nb
            >>> reactor = adobe_nb.connect(simulator=True).reactor
            >>> core = reactor.extensions.find("core", reactor.find("properties", "Web Store US"))
            >>> "core::events::click" in set(reactor.extension_packages.delegates(core)["delegate_descriptor_id"])
            True
        """
        wanted = [each for given in packages for each in ids_in(given)]
        installed = [each for each in wanted if type_of(each) == "extensions"]
        client = self._session.client
        states = states_of(client, RESOURCES["extensions"], installed)
        ids = [needed_id(state, "extension_package") for state in states]
        ids += ids_of_type(self.row, [each for each in wanted if each not in installed])
        found = states_of(client, self.row, list(dict.fromkeys(ids)))
        rows = [row for package in found for row in _delegates_of(package)]
        frame = pd.DataFrame(rows, columns=list(_DELEGATE_COLUMNS), dtype="string")
        frame.attrs.update(attrs_of(client, f"/{self.row.type}/{{id}}", len(frame)))
        return frame

    def upload(
        self, path: str | Path, *, replaces: Ids | None = None, dry_run: bool = False
    ) -> pd.DataFrame:
        """Send the zip of an extension; a frame of one row, pending at first: ``wait`` for it.

        ``replaces`` names a package of yours in development, which gets the new zip. The file is
        looked at before: a zip, with an extension.json that names name, version and platform.

        Raises ArgumentError before any request, ApiError, OutcomeUnknown.
        """
        if not isinstance(path, (str, os.PathLike)):
            raise ArgumentError(f"upload wants the path of a zip, not {type(path).__name__}.")
        data, about = _checked_zip(Path(path))
        if replaces is None:
            next_step = (
                f'Look for it: reactor.extension_packages(filter={{"name": "EQ {about["name"]}"}}).'
            )
            change = Change(
                "reactor.extension_packages.upload",
                "POST",
                f"/{self.row.type}",
                type=self.row.type,
                next_step=next_step,
            )
        else:
            change = update_change(self.row, self._one_id(replaces, "upload"), None, "upload")
        change = replace(change, upload=data)
        client = self._session.client
        if asked(dry_run):
            return shown(client.base_url, [change])
        before = state_of(client, self.row, change.id) if change.id else None
        return self._perform(client, change, before)

    def release_private(
        self, package: Ids, *, confirm: str | None = None, dry_run: bool = False
    ) -> pd.DataFrame:
        """Release a package in development to your own properties; it cannot be changed after that.

        Its name has to be said: ``confirm="my-extension"``. Public releases are arranged with
        Adobe. Raises ConfirmationRequired before anything is released; ApiError, OutcomeUnknown. A
        dry run sends nothing, so it does not check the name.
        """
        confirm = checked_name(confirm)
        if not asked(dry_run):
            state = state_of(
                self._session.client, self.row, self._one_id(package, "release_private")
            )
            check_confirm(
                f"release {name_of(state)} {attribute(state, 'version')}", name_of(state), confirm
            )
        return self._act(package, "release_private", dry_run=dry_run)

    def discontinue(self, package: Ids, *, dry_run: bool = False) -> pd.DataFrame:
        """Mark a released package as ended; installed ones go on. Raises ApiError, OutcomeUnknown.
        """
        return self._act(package, "discontinue", dry_run=dry_run)


class UsageAuthorizations(Creatable, Deletable):
    """Leave for another organisation to use a private package; the other organisation approves or
    rejects it.
    """

    def approve(self, authorization: Ids, *, dry_run: bool = False) -> pd.DataFrame:
        """Accept it, so that the package can be installed. Raises ApiError, OutcomeUnknown."""
        return self._answer(authorization, "approve", "approved", dry_run=dry_run)

    def reject(self, authorization: Ids, *, dry_run: bool = False) -> pd.DataFrame:
        """Refuse it. Raises ApiError, OutcomeUnknown."""
        return self._answer(authorization, "reject", "rejected", dry_run=dry_run)

    def _answer(self, authorization: Ids, verb: str, state: str, *, dry_run: bool) -> pd.DataFrame:
        identifier = self._one_id(authorization, verb)
        document = document_of(self.row, "update", {"state": state}, identifier)
        change = update_change(self.row, identifier, document, verb)
        client = self._session.client
        if asked(dry_run):
            return shown(client.base_url, [change])
        return self._perform(client, change, self._states(client, [identifier])[0])

    def get(self, *ids: Ids) -> pd.DataFrame:
        """Those with these ids as a DataFrame; found in the list, since the API gives none by id.

        Raises ArgumentError for ids of another type, and for unknown ones.
        """
        wanted = ids_of_type(self.row, ids)
        client = self._session.client
        return self._frame(client, self._states(client, wanted), f"/{self.row.type}")

    def _states(self, client: Client, ids: Sequence[str]) -> list[Document]:  # noqa: ARG002
        found = {each["id"]: each for each in self.iterate()} if ids else {}
        unknown = [each for each in ids if each not in found]
        if unknown:
            raise ArgumentError(f"You can see no {self.row.type} {', '.join(unknown)}.")
        return [found[each] for each in ids]


_DELEGATE_COLUMNS = (
    "package", "version", "kind", "name", "display_name", "delegate_descriptor_id", "schema",
)  # fmt: skip
_KINDS = {
    "events": "events",
    "conditions": "conditions",
    "actions": "actions",
    "dataElements": "data_elements",
}


def _delegates_of(package: Mapping[str, Any]) -> Iterator[tuple[str | None, ...]]:
    name, version = attribute(package, "name"), attribute(package, "version")
    configuration = attribute(package, "configuration")
    if isinstance(configuration, Mapping):
        yield _delegate(
            name, version, "extensionConfiguration", {**configuration, "name": "config"}
        )
    for kind, listed in _KINDS.items():
        several = attribute(package, listed)
        for each in several if isinstance(several, list) else ():
            if isinstance(each, Mapping):
                yield _delegate(name, version, kind, each)


def _delegate(
    package: Any, version: Any, kind: str, about: Mapping[str, Any]
) -> tuple[str | None, ...]:
    schema = about.get("schema")
    text = None if schema is None else json_text(schema)
    descriptor = f"{package}::{kind}::{about.get('name')}"
    names = [
        None if each is None else json_text(each)
        for each in (about.get("name"), about.get("displayName"))
    ]
    return package, version, kind, *names, descriptor, text


def _newer(extension: Mapping[str, Any]) -> str:
    """The package that the service offers for an upgrade. Raises ArgumentError when it offers none.
    """
    package = (extension.get("meta") or {}).get("upgrade_extension_package_id")
    if package is None:
        named = f"{name_of(extension)} {attribute(extension, 'version')}"
        raise ArgumentError(
            f"The service offers nothing newer than {named}. A package of your own can be named: upgrade(extension, "
            '"EP…").'
        )
    return str(package)


def _checked_zip(path: Path) -> tuple[bytes, dict[str, Any]]:
    """The bytes of the zip, and its extension.json. Raises ArgumentError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        problem = error.strerror or type(error).__name__
    except ValueError:  # a null character
        problem = "this is no path"
    else:
        problem = ""
    if problem:
        raise ArgumentError(f"{path} cannot be read ({problem}). {_PACKAGER}")
    about: object = None
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            about = json.loads(archive.read("extension.json"))
    except KeyError:
        problem = "has no extension.json at its top"
    except ValueError:
        problem = "has an extension.json that is no JSON"
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, NotImplementedError, EOFError):
        problem = "is no zip that can be opened"
    missing = [
        name
        for name in ("name", "version", "platform")
        if not (isinstance(about, dict) and about.get(name))
    ]
    if not problem and missing:
        problem = f"has an extension.json without {', '.join(missing)}"
    if problem:
        raise ArgumentError(f"{path} {problem}. {_PACKAGER}")
    return data, about  # type: ignore[return-value]
