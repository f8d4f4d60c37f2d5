"""The typed bindings: one line per resource type, the calls across types, and raw requests.

Every list and every response is a DataFrame (see ``frames``). Source: Adobe's endpoint guides,
https://experienceleague.adobe.com/en/docs/experience-platform/tags/api/overview
"""

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal, NoReturn, overload
from urllib.parse import parse_qsl, urlencode

import numpy as np
import pandas as pd

from adobe_nb.api.reactor import delegates
from adobe_nb.api.reactor.client import (
    ACCEPT,
    CURL_HEADERS,
    HasClient,
    attrs_of,
    in_parallel,
)
from adobe_nb.api.reactor.collection import Collection
from adobe_nb.api.reactor.filters import Sort
from adobe_nb.api.reactor.frames import to_frame
from adobe_nb.api.reactor.inputs import Ids, asked, ids_in, is_null, type_of
from adobe_nb.api.reactor.jsonapi import (
    JSON_API,
    Document,
    Write,
    masked,
    one_of,
    problem_of,
    wrong_shape,
)
from adobe_nb.api.reactor.libraries import Builds, Libraries
from adobe_nb.api.reactor.packages import ExtensionPackages, Extensions, UsageAuthorizations
from adobe_nb.api.reactor.payloads import hidden_in, shown
from adobe_nb.api.reactor.polling import Hosts
from adobe_nb.api.reactor.relations import linked, related, rules_of
from adobe_nb.api.reactor.search import EVERYWHERE, search
from adobe_nb.api.reactor.secrets import Secrets
from adobe_nb.api.reactor.writes import (
    Editable,
    Notes,
    Revisable,
    RuleComponents,
    attribute,
    name_of,
)
from adobe_nb.errors import ArgumentError, NotFound
from adobe_nb.registry import RESOURCES, Resource
from adobe_nb.suggest import did_you_mean


class Reactor:
    """The Reactor API as tables: one attribute per resource type.

    ``reactor.rules?`` shows the columns, filters and verbs of rules. Across types: ``get``,
    ``find``, ``search``, ``related``, ``relationships``, ``with_names``; ``profile``,
    ``heartbeat``; ``request`` and ``as_curl`` for calls that have no function here.
    """

    def __init__(self, session: HasClient) -> None:
        self._session = session
        self.companies = Collection(session, RESOURCES["companies"])
        self.properties = Editable(session, RESOURCES["properties"])
        self.rules = Revisable(session, RESOURCES["rules"])
        self.rule_components = RuleComponents(session, RESOURCES["rule_components"])
        self.data_elements = Revisable(session, RESOURCES["data_elements"])
        self.extensions = Extensions(session, RESOURCES["extensions"])
        self.environments = Editable(session, RESOURCES["environments"])
        self.libraries = Libraries(session, RESOURCES["libraries"])
        self.hosts = Hosts(session, RESOURCES["hosts"])
        self.builds = Builds(session, RESOURCES["builds"])
        self.extension_packages = ExtensionPackages(session, RESOURCES["extension_packages"])
        self.extension_package_usage_authorizations = UsageAuthorizations(
            session, RESOURCES["extension_package_usage_authorizations"]
        )
        self.callbacks = Editable(session, RESOURCES["callbacks"])
        self.secrets = Secrets(session, RESOURCES["secrets"])
        self.notes = Notes(session, RESOURCES["notes"])
        self.app_configurations = Editable(session, RESOURCES["app_configurations"])
        self.audit_events = Collection(session, RESOURCES["audit_events"])
        self.profiles = Collection(session, RESOURCES["profiles"])

    # Type checkers must not see this: to them an unknown name stays a mistake.
    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            hint = ""
            if not name.startswith("_"):
                public = [known for known in dir(self) if not known.startswith("_")]
                hint = did_you_mean(name, public)
            raise AttributeError(f"'Reactor' has no {name!r}.{hint}", name=name, obj=self)

    def __repr__(self) -> str:
        return f"<Reactor: {', '.join(RESOURCES)}>"

    def types(self) -> pd.DataFrame:
        """Return every resource type. No request is sent.

        Returns
        -------
        DataFrame
            One row per type, all ``string``: type, prefix (of its ids), about, call (which lists
            it), guide (the address of Adobe's page about it).
        """
        fields = attrgetter("type", "prefix", "about", "call", "docs")
        rows = map(fields, RESOURCES.values())
        return pd.DataFrame(
            rows, columns=["type", "prefix", "about", "call", "guide"], dtype="string"
        )

    def get(self, *ids: Ids) -> dict[str, pd.DataFrame]:
        """Return resources of any types by id: ``{type: frame}``.

        Raises ArgumentError, NotFound.
        """
        ids_by_type: dict[str, list[str]] = {}
        for resource_id in chain.from_iterable(map(ids_in, ids)):
            ids_by_type.setdefault(type_of(resource_id), []).append(resource_id)
        frames = {}
        for resource_type, resource_ids in ids_by_type.items():
            frames[resource_type] = self._collection(resource_type).get(resource_ids)
        return frames

    def profile(self) -> pd.DataFrame:
        """Return the account of the token.

        Returns
        -------
        DataFrame
            One row with the columns ``reactor.profiles.columns``.

        Raises
        ------
        ApiError, TransportError, IncompleteResult
        """
        client = self._session.client
        data = client.get("/profile").get("data")
        # The type of a profile is not documented, so any is accepted.
        resource_type = "profiles"
        if isinstance(data, dict) and isinstance(data.get("type"), str):
            resource_type = data["type"]
        if problem := problem_of(data, resource_type):
            raise wrong_shape("/profile", f"did not answer with a profile ({problem})")
        attrs = attrs_of(client, "/profile", 1)
        return to_frame(RESOURCES["profiles"], [dict(data or {})], attrs=attrs)

    def related(self, resources: Ids, relation: str) -> pd.DataFrame:
        """Return the resources that these are related to: ``related("RL…", "revisions")``.

        Parameters
        ----------
        relation
            A relationship of the API, such as ``revisions``, ``libraries``, ``notes``, ``origin``.

        Returns
        -------
        DataFrame
            One row per related resource. Complete lists have ``<type>_id`` of the resource in
            ``resources``. A to-one relation has no row for resources that are related to nothing.

        Raises
        ------
        ArgumentError
            A resource has no such relation. No request was sent.
        NotFound, ApiError, TransportError
        """
        return related(self._session.client, resources, relation)

    def relationships(self, resources: Ids, relation: str) -> pd.DataFrame:
        """Return only the identifiers of a relationship: ``relationships("LB…", "rules")``.

        This costs less than ``related``, which returns whole resources. The API has it for the
        ``environment`` and the contents of libraries, and the ``host`` of environments.

        Returns
        -------
        DataFrame
            id, ``<type>_id`` of the resource in ``resources``, type; all ``string``.

        Raises
        ------
        ArgumentError
            The relation has no such list. No request was sent.
        ApiError, TransportError
        """
        return linked(self._session.client, resources, relation)

    def find(self, resource_type: str, name: str, parents: Ids | None = None) -> pd.DataFrame:
        """Return the one resource of that type and name, as a frame of one row.

        Raises NameLookupError with the candidates; ArgumentError for an unknown type.

        Examples
        --------
        >>> import adobe_nb
        >>> reactor = adobe_nb.connect(simulator=True).reactor
        >>> len(reactor.find("properties", "Web Store US"))
        1
        """
        return self._collection(resource_type).find(name, parents)

    def search(
        self,
        text: str | None = None,
        *,
        fields: str = EVERYWHERE,
        types: str | Sequence[str] | None = None,
        query: Mapping[str, Any] | None = None,
        operator: str = "AND",
        sort: Sort | None = None,
        revisions: bool = False,
        deleted: bool = False,
        limit: int | None = None,
    ) -> pd.DataFrame:
        """Search all properties that you can see.

        The service finds parts of texts and settings without regard to case, but names, ids and
        enumerations only whole and with case.

        Parameters
        ----------
        text
            Words to find in ``fields``. All of them with ``operator="AND"``, any with ``"OR"``.
        fields
            A path, such as ``attributes.settings``.
        types
            One resource type, or several.
        query
            In place of ``text``: paths with conditions that must all hold. A condition is a text,
            number or bool, ``{"value": …, "value_operator": "OR"}``, ``{"exists": True}`` or
            ``{"range": {"gte": 2}}`` (``gt gte lt lte``, whole numbers).
        sort
            Attributes or dotted paths, ``-`` for descending. By default the date of creation.
        revisions
            Include frozen revisions; so does a query about ``attributes.revision_number``.
        deleted
            Include deleted resources; so does a query about ``attributes.deleted_at``. Components
            of a deleted rule are included in any case: ``reactor.rules(hits)`` tells deleted rules.
        limit
            The most rows to return.

        Returns
        -------
        DataFrame
            One row per hit. For one type the columns of that type, otherwise id, type, name,
            property_id, updated_at (UTC) and document (JSON text of the resource).
            ``attrs["total_count"]`` is the number of hits.

        Raises
        ------
        ArgumentError
            No request was sent.
        ApiError, TransportError, IncompleteResult

        Notes
        -----
        https://experienceleague.adobe.com/en/docs/experience-platform/tags/api/endpoints/search

        Examples
        --------
        >>> import adobe_nb
        >>> reactor = adobe_nb.connect(simulator=True).reactor
        >>> path = "attributes.delegate_descriptor_id"
        >>> set(reactor.search("core::events::click", fields=path)["type"])
        {'rule_components'}
        """
        return search(
            self._session.client,
            text,
            fields=fields,
            types=types,
            query=query,
            operator=operator,
            sort=sort,
            revisions=revisions,
            deleted=deleted,
            limit=limit,
        )

    def heartbeat(self) -> bool:
        """Check that the service responds: True. Raises ApiError, TransportError, NotSignedIn."""
        self._session.client.ping("/heartbeat")
        return True

    @overload
    def request(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        body: Mapping[str, Any] | None = None,
        dry_run: Literal[False] = False,
    ) -> Document: ...
    @overload
    def request(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        body: Mapping[str, Any] | None = None,
        dry_run: bool,
    ) -> Any: ...
    def request(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        body: Mapping[str, Any] | None = None,
        dry_run: bool = False,
    ) -> Any:
        """Send a raw request, for calls that have no function here.

        A write is sent as it is: recorded in the journal, not retried, and without ``confirm``.

        Parameters
        ----------
        method
            GET, POST, PATCH or DELETE.
        body
            A JSON:API document.
        dry_run
            Show the request and send nothing.

        Returns
        -------
        dict
            The JSON:API document of the response, ``{}`` when it has no body. Secrets are dropped:
            write-only attributes, and the token of a tested secret. With ``dry_run`` a DataFrame
            with the columns method, url, body.

        Raises
        ------
        ArgumentError
            No request was sent.
        ApiError, TransportError, OutcomeUnknown
        """
        method, path, pairs = _checked_request(method, path, params, body)
        client = self._session.client
        write = Write("reactor.request", method, path, params=pairs)
        if body is not None:
            write = replace(write, document=hidden_in(body))
        if asked(dry_run):
            return shown(client, [replace(write, path=_with_query(path, pairs))])
        if method == "GET":
            return client.get(path, pairs)
        # A search only reads, so it may be retried.
        if (method, path) == ("POST", "/search"):
            return client.post_read(path, dict(body or {}))
        return self._send_raw(write) or {}

    def _send_raw(self, write: Write) -> Document | None:
        """Send a raw write, where it names a resource with the state before it."""
        client = self._session.client
        resource_type, resource_id, *more = [*write.path.strip("/").split("/"), ""]
        row = RESOURCES.get(resource_type)
        if row is None or not resource_id.startswith(row.prefix):
            return client.write(write)
        here = f"/{resource_type}/{resource_id}"
        next_step = f'Look at it before you send it again: reactor.request("GET", "{here}").'
        write = replace(write, type=resource_type, id=resource_id, next_step=next_step)
        # The API does not return an authorization by its id.
        if more != [""] or resource_type == "extension_package_usage_authorizations":
            return client.write(write)
        client.refuse_preview_ids(write.masked)
        return client.write(write, client.get(here).get("data"))

    def as_curl(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        body: Mapping[str, Any] | None = None,
    ) -> str:
        """Return the request as a cURL command, with placeholders for the three secrets.

        Sends nothing. Raises ArgumentError.
        """
        method, path, pairs = _checked_request(method, path, params, body)
        url = f"{self._session.client.base_url}{_with_query(path, pairs)}"
        lines = [f"curl -X {method} '{url}'", *CURL_HEADERS, f'-H "Accept: {ACCEPT}"']
        if body is not None:
            text = json.dumps(masked(hidden_in(body)), ensure_ascii=False)
            lines += [f'-H "Content-Type: {JSON_API}"', f"--data {shlex.quote(text)}"]
        return " \\\n  ".join(lines)

    def with_names(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the frame with names beside ids: ``rule_name`` after ``rule_id`` and so on.

        Beside the ``delegate_descriptor_id`` of rule components, data elements and extensions are
        its parts: ``delegate_kind`` (``event``, ``condition``, ``action``, ``data_element`` or
        ``configuration``) and ``delegate_name``. The first part is ``extension_name``. A frame
        that has no other ids to look up costs no request.

        Names are read by id, and NA where the id is NA or no longer exists. The rule of components
        from ``get`` and ``search`` is looked up, and ``rule_id`` filled in; for a component of
        several rules ``rule_id`` stays NA and ``rule_name`` holds all names. Columns that exist
        already stay: ``library_name`` of environments is the name of a file, not of the library.

        Raises ArgumentError, ApiError, TransportError.

        Examples
        --------
        >>> import adobe_nb
        >>> reactor = adobe_nb.connect(simulator=True).reactor
        >>> components = reactor.rule_components(reactor.find("properties", "Magazine"))
        >>> named = reactor.with_names(components)
        >>> named.loc[0, ["rule_name", "delegate_kind", "delegate_name"]].tolist()
        ['Article - View', 'event', 'library-loaded']
        """
        if not isinstance(frame, pd.DataFrame):
            raise ArgumentError(f"with_names requires a DataFrame, not a {type(frame).__name__}.")
        repeated = frame.columns[frame.columns.duplicated()]
        ids = [name for name in map(str, repeated) if name == "id" or name.endswith("_id")]
        if ids:
            raise ArgumentError(
                f"with_names found several columns named {ids[0]}. Rename or drop all but one: "
                "frame.loc[:, ~frame.columns.duplicated()] keeps the first."
            )
        named = frame.copy()
        if "rule_id" in named.columns and "rule_name" not in named.columns:
            named = self._with_rules(named)
        if delegates.COLUMN in named.columns:
            named = delegates.with_parts(named)
        for row in RESOURCES.values():
            id_column, name_column = f"{row.singular}_id", f"{row.singular}_name"
            # Notes, builds and others have no name.
            has_names = "name" in row.sortable
            if has_names and id_column in named.columns and name_column not in named.columns:
                names = self._names(row, named[id_column])
                position = list(named.columns).index(id_column) + 1
                named.insert(position, name_column, named[id_column].map(names).astype("string"))
        named.attrs = dict(frame.attrs)
        return named

    def _with_rules(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Add the rules of components whose ``rule_id`` is NA."""
        if "id" not in frame.columns:
            return frame
        prefix = RESOURCES["rule_components"].prefix
        is_component = frame["id"].astype("string").str.startswith(prefix, na=False)
        is_unknown = frame["rule_id"].isna() & is_component
        if not is_unknown.any():
            return frame
        rule_ids = {}
        rule_names = {}
        components = ids_in(frame.loc[is_unknown, "id"])
        for component_id, rules in rules_of(self._session.client, components).items():
            if rules:
                rule_names[component_id] = ", ".join(map(name_of, rules))
            # With several rules, no single id would be right.
            if len(rules) == 1:
                rule_ids[component_id] = rules[0]["id"]
        known_ids = frame["rule_id"]
        known_names = known_ids.map(self._names(RESOURCES["rules"], known_ids)).astype("string")
        looked_up = frame["id"].where(is_unknown)
        frame["rule_id"] = known_ids.fillna(looked_up.map(rule_ids).astype("string"))
        names = known_names.fillna(looked_up.map(rule_names).astype("string"))
        frame.insert(list(frame.columns).index("rule_id") + 1, "rule_name", names)
        return frame

    def _names(self, row: Resource, ids: "pd.Series[Any]") -> dict[str, str]:
        """Return names by id, of those that exist and have one."""
        client = self._session.client

        def read_name(resource_id: str) -> Any:
            try:
                document = client.get(f"/{row.type}/{resource_id}")
            except NotFound as error:
                # The page of a proxy says nothing about the resource.
                if error.code != "not-found":
                    raise
                return None
            return attribute(one_of(document, row.type, resource_id), "name")

        resource_ids = ids_in(ids)
        client.refuse_preview_ids(*resource_ids)
        names = in_parallel(client, read_name, resource_ids, f"names of {row.type}")
        pairs = zip(resource_ids, names, strict=True)
        return {resource_id: name for resource_id, name in pairs if isinstance(name, str)}

    def _collection(self, resource_type: str) -> Collection:
        if not isinstance(resource_type, str) or resource_type not in RESOURCES:
            hint = did_you_mean(str(resource_type), RESOURCES)
            raise ArgumentError(f"{resource_type!r} is not a resource type.{hint}")
        collection: Collection = getattr(self, resource_type)
        return collection


def _with_query(path: str, pairs: Sequence[tuple[str, str]]) -> str:
    if not pairs:
        return path
    return f"{path}?{urlencode(pairs)}"


def _param(name: str, value: object) -> str:
    """Return a query parameter as text. Raises ArgumentError for None and nested values."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool):
        return str(value).lower()
    if is_null(value) or not isinstance(value, (str, int, float)):
        raise ArgumentError(f"The parameter {name} is a text or a number, not {repr(value)[:40]}.")
    return str(value)


def _checked_request(
    method: str, path: str, params: Mapping[str, Any] | None, body: Mapping[str, Any] | None
) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    """Return the method, the path without its query, and the query. Raises ArgumentError."""
    method = str(method).upper()
    if method not in {"GET", "POST", "PATCH", "DELETE"}:
        raise ArgumentError(f"Invalid method {method}: expected GET, POST, PATCH or DELETE.")
    if body is not None and (method == "GET" or not isinstance(body, Mapping)):
        raise ArgumentError("body is a dict, a JSON:API document, of a POST, PATCH or DELETE.")
    path, _, query = str(path).partition("?")
    if not re.fullmatch(r"(/[A-Za-z0-9_-]+)+", path):
        raise ArgumentError(
            'The path begins with one slash, as in reactor.request("GET", "/companies").'
        )
    if params is not None and not isinstance(params, Mapping):
        raise ArgumentError('params is a dict, as in {"page[size]": 5}.')
    pairs = parse_qsl(query, keep_blank_values=True)
    for name, value in (params or {}).items():
        pairs.append((str(name), _param(str(name), value)))
    return method, path, tuple(pairs)
