"""the registry: one row per resource type of the Reactor API. Pure data.

The client's checks, the frames' columns and dtypes, the simulator's routes, the help texts and the
parametrised tests are all read from here. Source of the facts: Adobe's endpoint guides
(``Resource.docs``) and its OpenAPI file.
"""

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

Kind = Literal["text", "boolean", "integer", "number", "datetime", "json"]
Write = Literal["", "create", "update", "create+update"]
Form = Literal["", "text", "list", "object"]
Verb = Literal["create", "update", "delete"]

ID_PATTERN = re.compile(r"[A-Z]{2}(?:[0-9a-f]{32}|preview[0-9a-f]{25})")
PREVIEW_ID = re.compile(r"[A-Z]{2}preview[0-9a-f]{25}")
"""An id that a preview session made up. The service's ids are 32 hexadecimal digits."""
_GUIDE = "https://experienceleague.adobe.com/en/docs/experience-platform/tags/api/endpoints/"


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute. ``json`` is anything nested or of mixed type; in a frame it is text."""

    name: str
    kind: Kind
    meaning: str
    write: Write = ""
    required: bool = False
    write_only: bool = False
    form: Form = ""
    """Of ``json``: what the API wants. ``text`` is JSON as a string; nothing says that it takes any
    value.
    """
    values: tuple[str, ...] = ()
    """All that the API accepts, where that is known."""
    nullable: bool = False
    """Whether None can be written."""
    members: tuple[str, ...] = ()
    """Of ``json``: the only members that are shown; any other may be a secret."""
    hides: Literal["", "address", "document"] = ""
    """Where a secret can be in its value: in an address, or in a resource that it holds as a
    document.
    """


@dataclass(frozen=True, slots=True)
class Relation:
    """A relationship. To-one relations become ``<name>_id`` columns; to-many ones are lists of
    their own.
    """

    name: str
    targets: tuple[str, ...]
    many: bool = False
    nullable: bool = False
    write: Write = ""
    required: bool = False
    """Must be given to ``create``."""
    endpoint: bool = False
    """Has a ``/relationships/<name>`` of its own, which answers identifiers."""
    meta: tuple[Attribute, ...] = ()
    """What the identifier of a to-one relation says in its ``meta``; becomes
    ``<relation>_<attribute>`` columns.
    """


@dataclass(frozen=True, slots=True)
class Resource:
    """One row: what a resource type is, where it is listed, and what its columns are."""

    type: str
    singular: str
    prefix: str
    about: str
    attributes: tuple[Attribute, ...]
    relations: tuple[Relation, ...]
    filters: tuple[str, ...]
    parents: tuple[str, ...] = ()
    """Types under which the API lists this one, at ``/<parent>/{id}/<type>``."""
    through: MappingProxyType[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Grandparents we fan out for: ``{"properties": "rules"}`` means: list its rules, then list
    under each.
    """
    default_parent: str | None = None
    """Without a parent, list under everything of this type."""
    meta: tuple[Attribute, ...] = ()
    revisionable: bool = False

    at_root: bool = False
    """Listed at ``/<type>`` too, besides its parents."""
    listed: bool = True
    """Whether there is any list of it."""
    deepest_page: int | None = None
    """The last page of its list that the service answers; None when no such end is known."""
    verbs: tuple[Verb, ...] = ()
    """How it can be written: POST under a parent, PATCH, DELETE."""
    created_under: tuple[str, ...] | None = None
    """Types under which it is created; None: its parents."""
    actions: tuple[str, ...] = ()
    """What ``meta.action`` of a PATCH may be."""
    deletion: Literal["", "soft", "hard"] = ""
    """Soft-deleted ones can still be fetched by id."""
    guarded: bool = False
    """To delete it, its name has to be said."""
    guards_secrets: bool = False
    """Nested and unknown members that have the name of a secret (``access_token``,
    ``client_secret`` …) are dropped.
    """
    searchable: bool = False

    root: bool = field(init=False)
    """Whether the API lists it at ``/<type>``, under no parent."""
    columns: tuple[Attribute, ...] = field(init=False)
    """The attributes that answers carry, in column order."""
    to_one: tuple[Relation, ...] = field(init=False)
    """The relations that become ``<name>_id`` columns."""

    def __post_init__(self) -> None:
        columns = tuple(attribute for attribute in self.attributes if not attribute.write_only)
        to_one = tuple(relation for relation in self.relations if not relation.many)
        object.__setattr__(self, "root", self.listed and (self.at_root or not self.parents))
        object.__setattr__(self, "columns", columns)
        object.__setattr__(self, "to_one", to_one)

    @property
    def call(self) -> str:
        """The call that gives them, with a parent's type where one is needed."""
        if not self.listed:
            return f"reactor.{self.singular}()"
        return f"reactor.{self.type}({'' if self.root or self.default_parent else self.parents[0]})"

    @property
    def docs(self) -> str:
        """Adobe's page on this type."""
        return _GUIDE + self.type.replace("_", "-")

    @property
    def creators(self) -> tuple[str, ...]:
        """The types under which it is created; none when it is not."""
        if "create" not in self.verbs:
            return ()
        return self.parents if self.created_under is None else self.created_under

    def writable(self, verb: Verb) -> tuple[Attribute, ...]:
        """The attributes that this verb takes."""
        return tuple(attribute for attribute in self.attributes if verb in attribute.write)

    def linkable(self, verb: Verb) -> tuple[Relation, ...]:
        """The relations that this verb takes."""
        return tuple(relation for relation in self.relations if verb in relation.write)

    def keywords(self, verb: Verb) -> dict[str, bool]:
        """All that this verb takes, and whether it has to be given; what has to comes first."""
        linked = [(each.name, each.required) for each in self.linkable(verb)]
        older = {f"{name}_id" for name, _ in linked}
        taken = [
            (each.name, each.required) for each in self.writable(verb) if each.name not in older
        ] + linked
        return {
            name: needed and verb == "create"
            for name, needed in sorted(taken, key=lambda each: not each[1])
        }

    @property
    def sortable(self) -> tuple[str, ...]:
        """What ``sort`` accepts: any attribute that answers carry."""
        return tuple(attribute.name for attribute in self.columns)

    def relation(self, name: str) -> Relation | None:
        """The relation of that name, or None."""
        return next((relation for relation in self.relations if relation.name == name), None)

    def names_its(self, parent: str) -> bool:
        """Whether each resource says by itself to which parent of that type it belongs."""
        return any(
            parent in relation.targets
            for relation in self.to_one
            if relation.name == singular(parent) or len(relation.targets) > 1
        )

    def parent_column(self, parent: str | None) -> str | None:
        """The extra column of a list under that parent: ``rule_id``, ``library_id`` … or None.

        Where every parent needs one (rule components), it is there for ``get`` too, and NA.
        """
        if parent is not None:
            return None if self.names_its(parent) else f"{singular(parent)}_id"
        always = self.parents and not any(self.names_its(each) for each in self.parents)
        return f"{singular(self.parents[0])}_id" if always else None


CREATED = Attribute("created_at", "datetime", "when it was created")
UPDATED = Attribute("updated_at", "datetime", "when it last changed")
_REVISION_STATE = (
    CREATED,
    UPDATED,
    Attribute(
        "deleted_at", "datetime", "when it was deleted (deleted ones can still be fetched by id)"
    ),
    Attribute("dirty", "boolean", "the head holds changes that no revision has captured"),
    Attribute(
        "published",
        "boolean",
        "this revision has reached production; never said of a head, see its revisions and libraries",
    ),
    Attribute("published_at", "datetime", "when it did"),
    Attribute("revision_number", "integer", "0 is the editable head; 1, 2, 3 … are frozen"),
)
_REVIEW = Attribute("review_status", "text", "not in use: always unsubmitted")
_LATEST = Attribute("latest_revision_number", "integer", "number of its newest revision")
_DELETED = Attribute("deleted_at", "datetime", "when it was deleted")
_REVISION_FILTERS = (
    "created_at",
    "dirty",
    "enabled",
    "name",
    "origin_id",
    "published",
    "published_at",
    "revision_number",
    "updated_at",
)
_NOTABLE = (
    "properties",
    "data_elements",
    "extensions",
    "libraries",
    "rules",
    "rule_components",
    "secrets",
)
AUDIT_TYPES = (
    *(
        f"{kind}.{what}"
        for kind in (
            "property", "extension", "data_element", "rule", "rule_component", "library", "build", "environment",
            "host",
        )
        for what in ("created", "updated", "deleted")
    ),
    "app_configuration.created",
)  # fmt: skip
"""What an audit event, and so a callback, can be about."""
_CHANGEABLE = (
    "properties", "extensions", "data_elements", "rules", "rule_components", "libraries", "builds", "environments",
    "hosts", "app_configurations",
)  # fmt: skip
_BY = (
    Attribute("created_by_email", "text", "who made it; not in older answers"),
    Attribute("created_by_display_name", "text", "the same, by name"),
    Attribute("updated_by_email", "text", "who changed it last"),
    Attribute("updated_by_display_name", "text", "the same, by name"),
)
_SETTINGS = Attribute(
    "settings", "json", "its settings, as JSON text", "create+update", form="text"
)
_PLATFORMS = ("web", "mobile", "edge")
_PROPERTY = Relation("property", ("properties",))
STAGES = ("development", "staging", "production")
_NOTES = Relation("notes", ("notes",), many=True)
_UPDATED_WITH_PACKAGE = Relation(
    "updated_with_extension_package", ("extension_packages",), nullable=True
)

_ALL: tuple[Verb, ...] = ("create", "update", "delete")

_ROWS = (
    Resource(
        type="companies",
        singular="company",
        prefix="CO",
        about="The organisation's record in tags; normally there is exactly one.",
        attributes=(
            CREATED,
            UPDATED,
            Attribute("name", "text", "company name"),
            Attribute("org_id", "text", "the IMS organisation, ends in @AdobeOrg"),
            Attribute("token", "text", "first part of the library URLs"),
            Attribute("cjm_enabled", "boolean", "has Journey Management"),
            Attribute("edge_enabled", "boolean", "has event forwarding"),
            Attribute("edge_events_allotment", "integer", "contracted event forwarding volume"),
            Attribute("edge_fanout_ratio", "integer", "how many servers an event is forwarded to"),
            Attribute("premium_cdn_enabled", "boolean", "has bought the premium CDN"),
            Attribute("sla_enabled", "boolean", "has bought a service level agreement"),
        ),
        relations=(Relation("properties", ("properties",), many=True),),
        filters=("created_at", "name", "org_id", "token", "updated_at"),
        meta=(
            Attribute("rights", "json", "your rights at company level"),
            Attribute("platform_rights", "json", "your rights, by platform"),
        ),
    ),
    Resource(
        type="properties",
        singular="property",
        prefix="PR",
        about="A site or app: the container of rules, data elements, extensions and libraries.",
        attributes=(
            CREATED,
            UPDATED,
            Attribute("name", "text", "unique within the company", "create+update", required=True),
            Attribute(
                "platform",
                "text",
                "web, mobile, or edge (event forwarding)",
                "create",
                required=True,
                values=_PLATFORMS,
            ),
            Attribute("enabled", "boolean", "is active"),
            Attribute(
                "development",
                "boolean",
                "may install extension packages in development",
                "create+update",
            ),
            Attribute("token", "text", "second part of the library URLs"),
            Attribute(
                "domains",
                "json",
                "host names, a JSON list; web needs one",
                "create+update",
                form="list",
            ),
            Attribute(
                "undefined_vars_return_empty",
                "boolean",
                "data elements without a value give ''",
                "create+update",
            ),
            Attribute(
                "rule_component_sequencing_enabled",
                "boolean",
                "components run strictly in order",
                "create+update",
            ),
            Attribute(
                "ssl_enabled",
                "boolean",
                "mobile: sends over https; others may lack it",
                "create+update",
            ),
            Attribute(
                "privacy",
                "text",
                "mobile: optedin, optedout or unknown at first; others may lack it",
                "create+update",
                values=("optedin", "optedout", "unknown"),
            ),
            *_BY,
        ),
        relations=(
            Relation("company", ("companies",)),
            Relation("callbacks", ("callbacks",), many=True),
            Relation("hosts", ("hosts",), many=True),
            Relation("environments", ("environments",), many=True),
            Relation("libraries", ("libraries",), many=True),
            Relation("data_elements", ("data_elements",), many=True),
            Relation("extensions", ("extensions",), many=True),
            Relation("rules", ("rules",), many=True),
            _NOTES,
        ),
        filters=("copying", "created_at", "enabled", "name", "platform", "token", "updated_at"),
        parents=("companies",),
        default_parent="companies",
        meta=(Attribute("rights", "json", "your rights on this property"),),
        verbs=_ALL,
        deletion="hard",
        guarded=True,
        searchable=True,
    ),
    Resource(
        type="rules",
        singular="rule",
        prefix="RL",
        about="When this happens, if that holds, do those: a named set of rule components.",
        attributes=(
            *_REVISION_STATE,
            Attribute("name", "text", "rule name", "create+update", required=True),
            Attribute("enabled", "boolean", "is switched on", "create+update"),
            _REVIEW,
            *_BY,
        ),
        relations=(
            _PROPERTY,
            Relation("origin", ("rules",)),
            Relation("libraries", ("libraries",), many=True),
            Relation("revisions", ("rules",), many=True),
            Relation("rule_components", ("rule_components",), many=True),
            _NOTES,
        ),
        filters=_REVISION_FILTERS,
        parents=("properties", "libraries", "rule_components", "builds"),
        meta=(_LATEST, _DELETED),
        revisionable=True,
        verbs=_ALL,
        created_under=("properties",),
        actions=("revise",),
        deletion="soft",
        searchable=True,
    ),
    Resource(
        type="rule_components",
        singular="rule_component",
        prefix="RC",
        about="One event, condition or action of a rule.",
        attributes=(
            *_REVISION_STATE,
            Attribute("name", "text", "display name", "create+update", required=True),
            Attribute(
                "delegate_descriptor_id",
                "text",
                "package::events|conditions|actions::name",
                "create+update",
                required=True,
            ),
            _SETTINGS,
            Attribute("order", "integer", "position among components of its kind", "create+update"),
            Attribute(
                "rule_order", "number", "priority of the rule for this event", "create+update"
            ),
            Attribute("timeout", "integer", "milliseconds it may take", "create+update"),
            Attribute(
                "delay_next", "boolean", "the next action waits for this one", "create+update"
            ),
            Attribute("negate", "boolean", "the condition is inverted", "create+update"),
            Attribute(
                "extension_id",
                "text",
                "older way to name the extension",
                "create+update",
                write_only=True,
            ),
            *_BY,
        ),
        relations=(
            Relation("extension", ("extensions",), write="create+update", required=True),
            Relation("origin", ("rule_components",)),
            _PROPERTY,
            Relation("updated_with_extension", ("extensions",), nullable=True),
            _UPDATED_WITH_PACKAGE,
            Relation("rules", ("rules",), many=True, write="create", required=True),
            _NOTES,
        ),
        filters=tuple(sorted((*_REVISION_FILTERS, "negate"))),
        parents=("rules",),
        through=MappingProxyType({"properties": "rules"}),
        meta=(_LATEST,),
        verbs=_ALL,
        created_under=("properties",),
        deletion="soft",
        searchable=True,
    ),
    Resource(
        type="data_elements",
        singular="data_element",
        prefix="DE",
        about="A named value that rules and settings read as %name%.",
        attributes=(
            *_REVISION_STATE,
            Attribute("name", "text", "used in %name% references", "create+update", required=True),
            Attribute("enabled", "boolean", "is switched on", "create+update"),
            Attribute(
                "delegate_descriptor_id",
                "text",
                "package::dataElements::name",
                "create+update",
                required=True,
            ),
            _SETTINGS,
            Attribute(
                "default_value",
                "json",
                "value when there is none; what is no text shows as its JSON",
                "create+update",
                nullable=True,
            ),
            Attribute("clean_text", "boolean", "white space is trimmed", "create+update"),
            Attribute("force_lower_case", "boolean", "the value is lower-cased", "create+update"),
            Attribute(
                "storage_duration",
                "text",
                "pageview, session, visitor or nothing",
                "create+update",
                values=("pageview", "session", "visitor"),
                nullable=True,
            ),
            _REVIEW,
            *_BY,
        ),
        relations=(
            _PROPERTY,
            Relation("origin", ("data_elements",)),
            Relation("extension", ("extensions",), write="create+update", required=True),
            Relation("updated_with_extension", ("extensions",), nullable=True),
            _UPDATED_WITH_PACKAGE,
            Relation("libraries", ("libraries",), many=True),
            Relation("revisions", ("data_elements",), many=True),
            _NOTES,
        ),
        filters=_REVISION_FILTERS,
        parents=("properties", "libraries", "builds", "secrets"),
        meta=(_LATEST, _DELETED),
        revisionable=True,
        verbs=_ALL,
        created_under=("properties",),
        actions=("revise",),
        deletion="soft",
        searchable=True,
    ),
    Resource(
        type="extensions",
        singular="extension",
        prefix="EX",
        about="An extension package installed in a property, with its configuration.",
        attributes=(
            *_REVISION_STATE,
            Attribute("name", "text", "name of its package"),
            Attribute("display_name", "text", "the package's display name"),
            Attribute("version", "text", "installed version"),
            Attribute("enabled", "boolean", "is switched on", "create+update"),
            Attribute(
                "delegate_descriptor_id",
                "text",
                "package::extensionConfiguration::config",
                "create+update",
                nullable=True,
            ),
            _SETTINGS,
            _REVIEW,
            *_BY,
        ),
        relations=(
            _PROPERTY,
            Relation("origin", ("extensions",)),
            Relation(
                "extension_package", ("extension_packages",), write="create+update", required=True
            ),
            _UPDATED_WITH_PACKAGE,
            Relation("libraries", ("libraries",), many=True),
            Relation("revisions", ("extensions",), many=True),
            _NOTES,
        ),
        filters=tuple(sorted((*_REVISION_FILTERS, "display_name", "version"))),
        parents=("properties", "libraries", "builds"),
        meta=(
            _LATEST,
            Attribute("upgrade_extension_package_id", "text", "a newer package, when there is one"),
            _DELETED,
        ),
        revisionable=True,
        verbs=_ALL,
        created_under=("properties",),
        actions=("revise",),
        deletion="soft",
        searchable=True,
    ),
    Resource(
        type="environments",
        singular="environment",
        prefix="EN",
        about="Where a library is built to: development, staging or production.",
        attributes=(
            CREATED,
            UPDATED,
            Attribute("name", "text", "environment name", "create+update", required=True),
            Attribute(
                "stage",
                "text",
                "development, staging or production",
                "create",
                required=True,
                values=STAGES,
            ),
            Attribute("path", "text", "folder on the host", "create+update"),
            Attribute("archive", "boolean", "delivers a zip", "create+update"),
            Attribute(
                "archive_passphrase", "text", "encrypts the zip", "create+update", write_only=True
            ),
            Attribute(
                "include_debug_library",
                "boolean",
                "also ship the unminified file",
                "update",
                write_only=True,
            ),
            Attribute("status", "text", "succeeded when usable"),
            Attribute("token", "text", "part of the library's file name"),
            Attribute("library_path", "text", "company token/property token"),
            Attribute("library_name", "text", "file name of the library"),
            Attribute("library_entry_points", "json", "the files a build delivers, a JSON list"),
        ),
        relations=(
            Relation("library", ("libraries",), nullable=True),
            Relation("host", ("hosts",), write="create+update", required=True, endpoint=True),
            _PROPERTY,
            Relation("builds", ("builds",), many=True),
        ),
        filters=("archive", "created_at", "name", "stage", "token", "updated_at"),
        parents=("properties",),
        meta=(
            Attribute("archive_encrypted", "boolean", "the zip is encrypted"),
            Attribute("script_sources", "json", "premium CDN addresses"),
        ),
        verbs=_ALL,
        deletion="hard",
        guards_secrets=True,
        guarded=True,
        searchable=True,
    ),
    Resource(
        type="libraries",
        singular="library",
        prefix="LB",
        about="A set of revisions on its way to production.",
        attributes=(
            CREATED,
            UPDATED,
            Attribute("name", "text", "library name", "create+update", required=True),
            Attribute("state", "text", "development, submitted, approved, rejected or published"),
            Attribute("published_at", "datetime", "when its production build succeeded"),
            Attribute("build_required", "boolean", "needs a build in its present state"),
            Attribute("stale", "text", "upstream_changed or extension_upgraded, if so"),
        ),
        relations=(
            Relation(
                "environment", ("environments",), nullable=True, write="create", endpoint=True
            ),
            Relation("upstream_library", ("libraries",), nullable=True),
            _PROPERTY,
            Relation("last_build", ("builds",), nullable=True),
            Relation("builds", ("builds",), many=True),
            Relation("data_elements", ("data_elements",), many=True, write="create", endpoint=True),
            Relation("extensions", ("extensions",), many=True, write="create", endpoint=True),
            Relation("rules", ("rules",), many=True, write="create", endpoint=True),
            _NOTES,
        ),
        filters=("created_at", "name", "published_at", "stale", "state", "updated_at"),
        parents=("properties", "data_elements", "extensions", "rules"),
        meta=(
            Attribute("build_status", "text", "status of the last build in this state"),
            Attribute("build_required_detail", "text", "why a build is needed"),
        ),
        verbs=_ALL,
        created_under=("properties",),
        actions=("submit", "approve", "reject", "develop"),
        deletion="hard",
        searchable=True,
    ),
    Resource(
        type="hosts",
        singular="host",
        prefix="HT",
        about="The server that builds are delivered to: Adobe's own, or yours by SFTP.",
        attributes=(
            CREATED,
            UPDATED,
            Attribute("name", "text", "host name", "create+update", required=True),
            Attribute(
                "type_of",
                "text",
                "akamai (Adobe-managed) or sftp",
                "create+update",
                required=True,
                values=("akamai", "sftp"),
            ),
            Attribute(
                "server",
                "text",
                "address of the SFTP server",
                "create+update",
                nullable=True,
                hides="address",
            ),
            Attribute("path", "text", "folder on it", "create+update", nullable=True),
            Attribute("port", "integer", "its port", "create+update", nullable=True),
            Attribute("username", "text", "user on it", "create+update", nullable=True),
            Attribute(
                "status", "text", "pending while the connection is tried, then succeeded or failed"
            ),
            Attribute(
                "skip_symlinks", "boolean", "SFTP: leave symbolic links alone", "create+update"
            ),
            Attribute(
                "encrypted_private_key",
                "text",
                "the key, encrypted",
                "create+update",
                write_only=True,
            ),
        ),
        relations=(_PROPERTY,),
        filters=("created_at", "name", "type_of", "updated_at"),
        parents=("properties",),
        meta=(Attribute("status_details", "json", "why the connection failed"),),
        verbs=_ALL,
        deletion="hard",
        guards_secrets=True,
        guarded=True,
        searchable=True,
    ),
    Resource(
        type="builds",
        singular="build",
        prefix="BL",
        about="A library made into files for one environment.",
        attributes=(
            CREATED,
            UPDATED,
            Attribute("status", "text", "pending, then succeeded or failed"),
            Attribute("token", "text", "part of the address of exactly this build"),
        ),
        relations=(
            Relation("data_elements", ("data_elements",), many=True),
            Relation("extensions", ("extensions",), many=True),
            Relation("rules", ("rules",), many=True),
            Relation("environment", ("environments",)),
            Relation("library", ("libraries",)),
            _PROPERTY,
        ),
        filters=("created_at", "status", "token", "updated_at"),
        parents=("environments", "libraries"),
        through=MappingProxyType({"properties": "libraries"}),
        meta=(
            Attribute("artifact_url", "text", "address of the environment's newest build"),
            Attribute("direct_artifact_url", "text", "address of this build"),
            Attribute("archive", "boolean", "was delivered as a zip"),
            Attribute("host_type_of", "text", "akamai or sftp"),
            Attribute("republish_status", "text", "state of a republish"),
            Attribute("status_details", "json", "why it failed"),
        ),
        actions=("republish",),
        searchable=True,
    ),
    Resource(
        type="extension_packages",
        singular="extension_package",
        prefix="EP",
        about="A version of an extension, as its developer uploaded it.",
        attributes=(
            Attribute("name", "text", "the name in its manifest"),
            Attribute("display_name", "text", "the name in the catalogue"),
            Attribute("version", "text", "its version"),
            Attribute("platform", "text", "web, mobile or edge"),
            Attribute("availability", "text", "development, private or public"),
            Attribute("status", "text", "pending, then succeeded or failed"),
            Attribute("description", "text", "what it is for"),
            Attribute("author", "json", "name, email and url of its developer"),
            Attribute("discontinued", "boolean", "no longer in the catalogue"),
            Attribute("owner_org_id", "text", "the organisation that owns it"),
            Attribute("actions", "json", "its actions, a JSON list"),
            Attribute("conditions", "json", "its conditions, a JSON list"),
            Attribute("events", "json", "its events, a JSON list"),
            Attribute("data_elements", "json", "its kinds of data elements, a JSON list"),
            Attribute("configuration", "json", "the form of its configuration"),
            Attribute("shared_modules", "json", "modules for other extensions, a JSON list"),
            Attribute("resources", "json", "files for its own use, a JSON list"),
            Attribute("hosted_lib_files", "json", "files that its developer serves, a JSON list"),
            Attribute("main", "text", "the module that every library gets"),
            Attribute("view_base_path", "text", "folder of its forms in the zip"),
            Attribute("icon_path", "text", "its icon in the zip"),
            Attribute("exchange_url", "text", "its page in Adobe Exchange"),
            Attribute("cdn_path", "text", "where the unpacked package is served"),
            Attribute("ecma_version", "text", "the JavaScript that it is written in"),
            CREATED,
            UPDATED,
            *_BY,
        ),
        relations=(
            Relation(
                "extension_package_usage_authorizations",
                ("extension_package_usage_authorizations",),
                many=True,
            ),
        ),
        filters=(
            "created_at",
            "updated_at",
            "name",
            "display_name",
            "status",
            "platform",
            "version",
            "availability",
        ),
        meta=(
            Attribute("archive_url", "text", "address of the uploaded zip", hides="address"),
            Attribute("script_sources", "json", "premium CDN addresses"),
            Attribute("status_details", "json", "why it failed"),
        ),
        verbs=("delete",),
        actions=("release_private", "discontinue"),
        deletion="hard",
        searchable=True,
    ),
    Resource(
        type="extension_package_usage_authorizations",
        singular="extension_package_usage_authorization",
        prefix="EA",
        about="Leave for another organisation to install a private extension package.",
        attributes=(
            CREATED,
            UPDATED,
            Attribute("name", "text", "name of the package"),
            Attribute("platform", "text", "its platform"),
            Attribute("owner_org_id", "text", "the organisation that owns it"),
            Attribute("owner_org_name", "text", "the same, by name"),
            Attribute(
                "authorized_org_id",
                "text",
                "the organisation that may use it",
                "create",
                required=True,
            ),
            Attribute("authorized_org_name", "text", "the same, by name"),
            Attribute(
                "state",
                "text",
                "pending_approval, approved or rejected",
                "update",
                values=("pending_approval", "approved", "rejected"),
            ),
            *_BY,
        ),
        relations=(Relation("extension_package", ("extension_packages",), nullable=True),),
        filters=(),
        parents=("extension_packages",),
        at_root=True,
        verbs=_ALL,
        created_under=("extension_packages",),
        deletion="hard",
    ),
    Resource(
        type="callbacks",
        singular="callback",
        prefix="CB",
        about="An address that Adobe calls when something changes in a property.",
        attributes=(
            CREATED,
            UPDATED,
            Attribute(
                "url",
                "text",
                "https address; user, password and tokens in it are masked",
                "create+update",
                required=True,
                hides="address",
            ),
            Attribute(
                "subscriptions",
                "json",
                "kinds of audit events, a JSON list",
                "create+update",
                required=True,
                form="list",
                values=AUDIT_TYPES,
            ),
        ),
        relations=(_PROPERTY,),
        filters=("created_at", "updated_at"),
        parents=("properties",),
        verbs=_ALL,
        deletion="hard",
        searchable=True,
    ),
    Resource(
        type="secrets",
        singular="secret",
        prefix="SE",
        about="Event forwarding: credentials for another service. They can be written, never read.",
        attributes=(
            CREATED,
            UPDATED,
            Attribute("name", "text", "its name", "create+update", required=True),
            Attribute(
                "type_of",
                "text",
                "token, simple-http, oauth2-google …",
                "create+update",
                required=True,
            ),
            Attribute(
                "credentials",
                "json",
                "never shown, nor is the part that Adobe returns; token: token; simple-http: username, password; "
                "oauth2-client_credentials: client_id, client_secret, token_url, options; oauth2-google: scopes; "
                "oauth2-jwt: iss, aud, private_key …",
                "create+update",
                required=True,
                write_only=True,
                form="object",
            ),
            Attribute("status", "text", "whether the last exchange worked"),
            Attribute("activated_at", "datetime", "when it became usable"),
            Attribute("expires_at", "datetime", "when its token ends"),
            Attribute("refresh_at", "datetime", "when its token will be renewed"),
        ),
        relations=(
            _PROPERTY,
            Relation(
                "environment",
                ("environments",),
                nullable=True,
                write="create",
                required=True,
                meta=(
                    Attribute(
                        "stage",
                        "text",
                        "stage of its environment: development, staging or production",
                    ),
                ),
            ),
            _NOTES,
            Relation("data_elements", ("data_elements",), many=True),
        ),
        filters=("created_at", "environment_id", "name", "status", "type_of", "updated_at"),
        parents=("properties", "environments"),
        meta=(
            Attribute(
                "test_exchange",
                "json",
                "outcome of a test: its expires_in (seconds) and token_type; the token is never shown",
                members=("expires_in", "token_type"),
            ),
            Attribute("status_details", "json", "why the exchange failed"),
            Attribute("refresh_status", "text", "state of the renewal"),
            Attribute("refresh_status_details", "json", "why the renewal failed"),
            Attribute("authorization_url", "text", "google: the page that a person must open"),
            Attribute("authorization_url_expires_at", "datetime", "until when it works"),
        ),
        verbs=_ALL,
        created_under=("properties",),
        actions=("test", "retry", "reauthorize"),
        deletion="hard",
        guards_secrets=True,
    ),
    Resource(
        type="notes",
        singular="note",
        prefix="NT",
        about="A remark on a resource. Notes are neither changed nor deleted.",
        attributes=(
            Attribute("text", "text", "512 characters at most", "create", required=True),
            Attribute("author_display_name", "text", "who wrote it"),
            Attribute("author_email", "text", "the address of that person"),
            CREATED,
        ),
        relations=(Relation("resource", _NOTABLE),),
        filters=("created_at", "text", "updated_at"),
        parents=_NOTABLE,
        verbs=("create",),
        searchable=True,
    ),
    Resource(
        type="app_configurations",
        singular="app_configuration",
        prefix="AC",
        about="Push credentials of a mobile app. They can be written, never read.",
        attributes=(
            CREATED,
            UPDATED,
            Attribute("app_id", "text", "the app's identifier", "create+update"),
            Attribute("name", "text", "display name", "create+update"),
            Attribute(
                "platform", "text", "web or mobile", "create+update", values=("web", "mobile")
            ),
            Attribute(
                "messaging_service", "text", "apns or fcm", "create+update", values=("apns", "fcm")
            ),
            Attribute("key_type", "text", "kind of credential, such as p8_file", "create+update"),
            Attribute(
                "push_credential",
                "json",
                "depends on key_type; never shown",
                "create+update",
                write_only=True,
                form="object",
            ),
        ),
        relations=(Relation("company", ("companies",)),),
        filters=(
            "app_id",
            "created_at",
            "key_type",
            "messaging_service",
            "name",
            "platform",
            "updated_at",
        ),
        parents=("companies",),
        default_parent="companies",
        verbs=_ALL,
        deletion="hard",
        guards_secrets=True,
    ),
    Resource(
        type="audit_events",
        singular="audit_event",
        prefix="AE",
        about="Who changed what, and when. Those of a property are picked out of all: the API has no list of them.",
        attributes=(
            CREATED,
            UPDATED,
            Attribute("type_of", "text", "such as rule.updated"),
            Attribute("display_name", "text", "name of what was changed"),
            Attribute("attributed_to_display_name", "text", "who did it"),
            Attribute("attributed_to_email", "text", "the address of that person"),
            Attribute(
                "entity",
                "json",
                "the resource as it was then, a JSON:API document",
                hides="document",
            ),
        ),
        relations=(
            Relation("property", ("properties",), nullable=True),
            Relation("entity", _CHANGEABLE),
        ),
        filters=("created_at", "type_of", "updated_at"),
        deepest_page=1000,
        meta=(Attribute("property_name", "text", "name of the property"),),
        searchable=True,
    ),
    Resource(
        type="profiles",
        singular="profile",
        prefix="UR",
        about="Whoever the token belongs to: reactor.profile().",
        attributes=(
            Attribute("active_org", "text", "the organisation in use"),
            Attribute("expires_in", "integer", "seconds until the service asks IMS again"),
            Attribute("display_name", "text", "name"),
            Attribute("job_function", "text", "what the account says of its job"),
            Attribute("email", "text", "address"),
            Attribute("organizations", "json", "the organisations that it can see, by id"),
        ),
        relations=(),
        filters=(),
        meta=(Attribute("rights", "json", "rights beyond those of companies and properties"),),
        listed=False,
    ),
)

_BY_TYPE = {row.type: row for row in _ROWS}
_BY_PREFIX = {row.prefix: row for row in _ROWS}
RESOURCES: MappingProxyType[str, Resource] = MappingProxyType(_BY_TYPE)
BY_PREFIX: MappingProxyType[str, Resource] = MappingProxyType(_BY_PREFIX)


def singular(resource_type: str) -> str:
    """``rules`` → ``rule``; also for types that have no row yet."""
    row = RESOURCES.get(resource_type)
    return row.singular if row else resource_type.removesuffix("s")
