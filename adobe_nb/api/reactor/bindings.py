"""The typed bindings: one line per resource type; what is asked across types; and whatever has no
function here.

Every list and every answer is a DataFrame (see ``frames``). Source: Adobe's endpoint guides,
https://experienceleague.adobe.com/en/docs/experience-platform/tags/api/overview
"""

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, NoReturn, overload
from urllib.parse import parse_qsl, urlencode

import numpy as np
import pandas as pd

from adobe_nb.api.reactor.client import (
    ACCEPT,
    CURL_HEADERS,
    JSON_API,
    HasClient,
    attrs_of,
    in_parallel,
    masked,
)
from adobe_nb.api.reactor.collection import Collection
from adobe_nb.api.reactor.filters import Sort
from adobe_nb.api.reactor.frames import to_frame
from adobe_nb.api.reactor.inputs import Ids, asked, ids_in, is_null, type_of
from adobe_nb.api.reactor.jsonapi import Document, one_of, problem_of, wrong_shape
from adobe_nb.api.reactor.libraries import Builds, Libraries
from adobe_nb.api.reactor.packages import ExtensionPackages, Extensions, UsageAuthorizations
from adobe_nb.api.reactor.payloads import Change, hidden_in, shown
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
    perform,
)
from adobe_nb.errors import ArgumentError, NotFound
from adobe_nb.registry import RESOURCES, Resource
from adobe_nb.suggest import did_you_mean


class Reactor:
    """The Reactor API as tables: one attribute per resource type; ``reactor.rules?`` shows columns,
    filters and verbs.

    Across types: ``get``, ``find``, ``search``, ``related``, ``relationships``, ``with_names``;
    ``profile``, ``heartbeat``; ``request`` and ``as_curl`` for what has no function here.
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

    if not TYPE_CHECKING:  # a name that is not there stays a mistake for type checkers

        def __getattr__(self, name: str) -> NoReturn:
            hint = (
                ""
                if name.startswith("_")
                else did_you_mean(name, [each for each in dir(self) if each[0] != "_"])
            )
            raise AttributeError(f"'Reactor' has no {name!r}.{hint}", name=name, obj=self)

    def __repr__(self) -> str:
        return f"<Reactor: {', '.join(RESOURCES)}>"

    def types(self) -> pd.DataFrame:
        """Every resource type, one row each; no request is made.

        Columns, all text: ``type``, the ``prefix`` of its ids, ``about`` (what it is), the ``call``
        that lists it, and ``guide``, the address of Adobe's page about it.
        """
        rows = [(row.type, row.prefix, row.about, row.call, row.docs) for row in RESOURCES.values()]
        return pd.DataFrame(
            rows, columns=["type", "prefix", "about", "call", "guide"], dtype="string"
        )

    def get(self, *ids: Ids) -> dict[str, pd.DataFrame]:
        """Resources of any types by id: ``{type: frame}``. Raises ArgumentError, NotFound."""
        wanted = list(dict.fromkeys(identifier for each in ids for identifier in ids_in(each)))
        types = {identifier: type_of(identifier) for identifier in wanted}
        return {
            kind: self._collection(kind).get([each for each in wanted if types[each] == kind])
            for kind in dict.fromkeys(types.values())
        }

    def profile(self) -> pd.DataFrame:
        """Whoever the token belongs to, as a frame of one row: ``reactor.profiles.columns`` has its
        columns.

        Raises ApiError, TransportError, IncompleteResult.
        """
        client = self._session.client
        data = client.get("/profile").get("data")
        kind = data.get("type") if isinstance(data, dict) else None
        # Its type is not documented.
        if problem := problem_of(data, kind if isinstance(kind, str) else "profiles"):
            raise wrong_shape("/profile", f"did not answer with a profile ({problem})")
        return to_frame(
            RESOURCES["profiles"], [dict(data or {})], attrs=attrs_of(client, "/profile", 1)
        )

    def related(self, resources: Ids, relation: str) -> pd.DataFrame:
        """What these resources are related to, as a DataFrame: ``related("RL…", "revisions")``,
        ``"origin"``.

        ``relation`` is one of the API's relationships (``revisions``, ``libraries``, ``rules``,
        ``notes`` …). Lists are complete, with ``<type>_id`` of the resource that was asked about. A
        relation to one gives one row for each resource that has one, and none for the others: a
        library without an upstream library gives an empty frame. Raises ArgumentError for wrong
        ones, NotFound for unknown ids, ApiError, TransportError.
        """
        return related(self._session.client, resources, relation)

    def relationships(self, resources: Ids, relation: str) -> pd.DataFrame:
        """The bare identifiers of a relationship: ``relationships("LB…", "rules")``,
        ``"environment"``; ``host``.

        Columns: id, ``<type>_id`` of the resource that was asked about, type. Costs less than
        ``related``, which gives whole resources. Raises ArgumentError for relations without such a
        list, ApiError, TransportError.
        """
        return linked(self._session.client, resources, relation)

    def find(self, resource_type: str, name: str, parents: Ids | None = None) -> pd.DataFrame:
        """The one resource of that type and name, as a frame of one row.

        Raises NameLookupError with the candidates; ArgumentError for an unknown type.

        Example:
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
        """What matches, one row each, over all properties that you can see.

        ``text`` is looked for in ``fields``, a path such as ``attributes.settings``; of several
        words ``operator`` AND wants all, OR any. Or ``query`` maps paths to conditions, which must
        all hold: a text, number or bool, ``{"value": …, "value_operator": "OR"}``, ``{"exists":
        True}``, ``{"range": {"gte": 2}}`` (``gt gte lt lte``, whole numbers). The service finds
        parts of texts and settings without regard to case, but names, ids and enumerations only
        whole and with case.

        ``types`` narrows it to one type or several. ``revisions=False`` leaves frozen revisions
        out, unless ``query`` speaks of ``attributes.revision_number``; ``deleted=False`` what is
        deleted, unless it speaks of ``attributes.deleted_at``. A component stays when its rule is
        deleted: ``reactor.rules(hits)`` tells which rules are. ``sort`` names attributes or dotted
        paths, ``-`` before one for descending; else by creation. ``limit`` is the most rows that
        come back.

        Columns: for exactly one type those of that type's own table, else ``id type name
        property_id updated_at document`` (JSON text of the whole resource). Times are UTC.
        ``attrs["total_count"]`` is how many matched. Raises ArgumentError before any request,
        ApiError, TransportError, IncompleteResult. Source:
        https://experienceleague.adobe.com/en/docs/experience-platform/tags/api/endpoints/search

        Example:
            >>> import adobe_nb
            >>> reactor = adobe_nb.connect(simulator=True).reactor
            >>> set(reactor.search("core::events::click", fields="attributes.delegate_descriptor_id")["type"])
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
        """Whether the service answers: True. Raises ApiError, TransportError, NotSignedIn."""
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
        dry_run: Literal[True],
    ) -> pd.DataFrame: ...
    @overload
    def request(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        body: Mapping[str, Any] | None = None,
        dry_run: bool,
    ) -> Document | pd.DataFrame: ...
    def request(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        body: Mapping[str, Any] | None = None,
        dry_run: bool = False,
    ) -> Document | pd.DataFrame:
        """The JSON:API document, for what has no function here; ``{}`` when the answer has no body.

        It is as it came but for secrets, which are dropped: write-only attributes, the token of a
        tested secret. GET, POST, PATCH and DELETE; ``body`` is a JSON:API document. A write is sent
        as it stands: kept in the journal, never repeated, no ``confirm``. ``dry_run`` gives a frame
        of what would be sent, and sends nothing.

        Raises ArgumentError, ApiError, TransportError, OutcomeUnknown.
        """
        method, path, pairs = _checked_call(method, path, params, body)
        client = self._session.client
        document = hidden_in(body) if body is not None else None
        change = Change("reactor.request", method, path, document, params=pairs)
        if asked(dry_run):
            return shown(client.base_url, [replace(change, path=_whole(path, pairs))])
        if method == "GET":
            return client.get(path, pairs)
        if (method, path) == ("POST", "/search"):
            return client.post_read(path, dict(body or {}))
        parts = path.strip("/").split("/")
        before = None
        if len(parts) > 1 and parts[0] in RESOURCES and parts[1][:2] == RESOURCES[parts[0]].prefix:
            next_step = f'Look at it before you send it again: reactor.request("GET", "/{parts[0]}/{parts[1]}").'
            change = replace(change, type=parts[0], id=parts[1], next_step=next_step)
            # An authorization cannot be fetched by its id: there the write goes out without a state
            # before.
            readable = parts[0] != "extension_package_usage_authorizations"
            before = (
                client.get(f"/{parts[0]}/{parts[1]}").get("data")
                if len(parts) == 2 and readable
                else None
            )
        return perform(client, change, before) or {}

    def as_curl(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        body: Mapping[str, Any] | None = None,
    ) -> str:
        """The same request as a cURL command, with placeholders for the three secrets. Sends
        nothing.
        """
        method, path, pairs = _checked_call(method, path, params, body)
        address = f"{self._session.client.base_url}{_whole(path, pairs)}"
        lines = [f"curl -X {method} '{address}'", *CURL_HEADERS, f'-H "Accept: {ACCEPT}"']
        if body is not None:
            text = json.dumps(masked(hidden_in(body)), ensure_ascii=False)
            lines += [f'-H "Content-Type: {JSON_API}"', f"--data {shlex.quote(text)}"]
        return " \\\n  ".join(lines)

    def with_names(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The frame with names beside ids: ``rule_name`` after ``rule_id``, ``property_name``,
        ``extension_name`` …

        Names are read by id; NA where the id is NA or no longer exists. Rule components from
        ``get`` and ``search`` do not say their rule, so it is looked up, and ``rule_id`` is filled
        in; of a component of several rules ``rule_id`` stays NA and ``rule_name`` has all names.
        Columns that are there already stay: so does ``library_name`` of environments, which is the
        name of a file and not of the library. Raises ApiError, TransportError.
        """
        if not isinstance(frame, pd.DataFrame):
            raise ArgumentError(f"with_names wants a frame, not a {type(frame).__name__}.")
        named = frame.copy()
        if "rule_id" in named.columns and "rule_name" not in named.columns:
            named = self._with_rules(named)
        for row in RESOURCES.values():
            column, target = f"{row.singular}_id", f"{row.singular}_name"
            if not any(each.name == "name" for each in row.columns):
                continue
            if column in named.columns and target not in named.columns:
                names = self._names(row, named[column])
                at = list(named.columns).index(column) + 1
                named.insert(at, target, named[column].map(names).astype("string"))
        named.attrs = dict(frame.attrs)
        return named

    def _with_rules(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Rule components that do not say their rule, with its id and name."""
        prefix = RESOURCES["rule_components"].prefix
        unknown = frame["rule_id"].isna() & _ids_of(frame).str.startswith(prefix).fillna(
            False
        ).astype(bool)
        if not unknown.any():
            return frame
        rules = rules_of(self._session.client, ids_in(frame.loc[unknown, "id"]))
        ids = {component: found[0]["id"] for component, found in rules.items() if len(found) == 1}
        names = {
            component: ", ".join(map(name_of, found)) for component, found in rules.items() if found
        }
        components = frame["id"].where(unknown)
        frame["rule_id"] = frame["rule_id"].fillna(components.map(ids).astype("string"))
        told = frame["rule_id"].where(~unknown)
        known = told.map(self._names(RESOURCES["rules"], told)) if told.notna().any() else told
        rule_names = known.astype("string").fillna(components.map(names).astype("string"))
        frame.insert(list(frame.columns).index("rule_id") + 1, "rule_name", rule_names)
        return frame

    def _names(self, row: Resource, ids: "pd.Series[Any]") -> dict[str, str]:
        client = self._session.client

        def name_of(identifier: str) -> str | None:
            problem: NotFound | None = None
            try:
                document = client.get(f"/{row.type}/{identifier}")
            except NotFound as error:
                problem = error
            if problem is not None:
                if problem.code != "not-found":  # a proxy's page says nothing about the resource
                    raise problem
                return None
            name = attribute(one_of(document, row.type, identifier), "name")
            return name if isinstance(name, str) else None

        wanted = ids_in(ids)
        found = in_parallel(client, name_of, wanted, f"names of {row.type}")
        return {
            identifier: name
            for identifier, name in zip(wanted, found, strict=True)
            if name is not None
        }

    def _collection(self, resource_type: str) -> Collection:
        if not isinstance(resource_type, str) or resource_type not in RESOURCES:
            raise ArgumentError(
                f"{resource_type!r} is not a resource type.{did_you_mean(str(resource_type), RESOURCES)}"
            )
        collection: Collection = getattr(self, resource_type)
        return collection


def _ids_of(frame: pd.DataFrame) -> "pd.Series[Any]":
    if "id" not in frame.columns:
        return pd.Series(pd.NA, index=frame.index, dtype="string")
    return frame["id"].astype("string")


def _whole(path: str, pairs: Sequence[tuple[str, str]]) -> str:
    return f"{path}?{urlencode(pairs)}" if pairs else path


def _param(name: str, given: object) -> str:
    """A query parameter as text. Raises ArgumentError for what would become a text that nobody
    meant, as ``None``.
    """
    value = given.item() if isinstance(given, np.generic) else given
    if isinstance(value, bool):
        return str(value).lower()
    if is_null(value) or not isinstance(value, (str, int, float)):
        raise ArgumentError(f"The parameter {name} is a text or a number, not {repr(given)[:40]}.")
    return str(value)


def _checked_call(
    method: str, path: str, params: Mapping[str, Any] | None, body: Mapping[str, Any] | None
) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    method = str(method).upper()
    if method not in {"GET", "POST", "PATCH", "DELETE"}:
        raise ArgumentError(
            f"{method} is no method of this API. There are GET, POST, PATCH and DELETE."
        )
    if body is not None and (method == "GET" or not isinstance(body, Mapping)):
        raise ArgumentError("body is a dict, a JSON:API document, of a POST, PATCH or DELETE.")
    bare, _, query = str(path).partition("?")
    if not re.fullmatch(r"(/[A-Za-z0-9_-]+)+", bare):
        raise ArgumentError(
            'The path begins with one slash, as in reactor.request("GET", "/companies").'
        )
    if params is not None and not isinstance(params, Mapping):
        raise ArgumentError('params is a dict, as in {"page[size]": 5}.')
    pairs = [
        *parse_qsl(query, keep_blank_values=True),
        *((str(name), _param(str(name), value)) for name, value in (params or {}).items()),
    ]
    return method, bare, tuple(pairs)
