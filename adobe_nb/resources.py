"""THE TABLE: one row per resource type of the Reactor API. Pure data.

The client's checks, the frames' columns and dtypes, the simulator's routes, the help texts and the parametrised
tests are all read from here. Source of the facts: Adobe's endpoint guides (``Resource.docs``) and its OpenAPI file.
"""

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

Kind = Literal["text", "boolean", "integer", "number", "datetime", "json"]
Write = Literal["", "create", "update", "create+update"]

ID_PATTERN = re.compile(r"[A-Z]{2}[0-9a-f]{32}")
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


@dataclass(frozen=True, slots=True)
class Relation:
    """A relationship. To-one relations become ``<name>_id`` columns; to-many ones are lists of their own."""

    name: str
    targets: tuple[str, ...]
    many: bool = False
    nullable: bool = False
    write: Write = ""


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
    """Grandparents we fan out for: ``{"properties": "rules"}`` means: list its rules, then list under each."""
    default_parent: str | None = None
    """Without a parent, list under everything of this type."""
    meta: tuple[Attribute, ...] = ()
    revisionable: bool = False

    @property
    def root(self) -> bool:
        """Whether the API lists it at ``/<type>``, under no parent."""
        return not self.parents

    @property
    def docs(self) -> str:
        """Adobe's page on this type."""
        return _GUIDE + self.type.replace("_", "-")

    @property
    def columns(self) -> tuple[Attribute, ...]:
        """The attributes that answers carry, in column order."""
        return tuple(attribute for attribute in self.attributes if not attribute.write_only)

    @property
    def to_one(self) -> tuple[Relation, ...]:
        """The relations that become ``<name>_id`` columns."""
        return tuple(relation for relation in self.relations if not relation.many)

    @property
    def sortable(self) -> tuple[str, ...]:
        """What ``sort`` accepts: any attribute that answers carry."""
        return tuple(attribute.name for attribute in self.columns)

    def relation(self, name: str) -> Relation | None:
        """The relation of that name, or None."""
        return next((relation for relation in self.relations if relation.name == name), None)

    def names_its(self, parent: str) -> bool:
        """Whether each resource says by itself to which parent of that type it belongs."""
        return any(parent in relation.targets for relation in self.to_one if relation.name == singular(parent))

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
    Attribute("deleted_at", "datetime", "when it was deleted (deleted ones can still be fetched by id)"),
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
_SETTINGS = Attribute("settings", "json", "its settings, as JSON text", "create+update")
_PROPERTY = Relation("property", ("properties",))
_NOTES = Relation("notes", ("notes",), many=True)
_UPDATED_WITH_PACKAGE = Relation("updated_with_extension_package", ("extension_packages",), nullable=True)

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
            Attribute("platform", "text", "web, mobile, or edge (event forwarding)", "create", required=True),
            Attribute("enabled", "boolean", "is active"),
            Attribute("development", "boolean", "may install extension packages in development", "create+update"),
            Attribute("token", "text", "second part of the library URLs"),
            Attribute("domains", "json", "host names, a JSON list; web needs one", "create+update"),
            Attribute(
                "undefined_vars_return_empty", "boolean", "data elements without a value give ''", "create+update"
            ),
            Attribute(
                "rule_component_sequencing_enabled", "boolean", "components run strictly in order", "create+update"
            ),
            Attribute("ssl_enabled", "boolean", "accepted on write; answers may lack it", "create+update"),
            Attribute("privacy", "text", "accepted on write; answers may lack it", "create+update"),
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
        parents=("properties", "libraries", "rule_components"),
        meta=(_LATEST, _DELETED),
        revisionable=True,
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
            Attribute("rule_order", "number", "priority of the rule for this event", "create+update"),
            Attribute("timeout", "integer", "milliseconds it may take", "create+update"),
            Attribute("delay_next", "boolean", "the next action waits for this one", "create+update"),
            Attribute("negate", "boolean", "the condition is inverted", "create+update"),
            Attribute("extension_id", "text", "older way to name the extension", "create+update", write_only=True),
        ),
        relations=(
            Relation("extension", ("extensions",), write="create+update"),
            Relation("origin", ("rule_components",)),
            _PROPERTY,
            Relation("updated_with_extension", ("extensions",), nullable=True),
            _UPDATED_WITH_PACKAGE,
            Relation("rules", ("rules",), many=True, write="create"),
            _NOTES,
        ),
        filters=tuple(sorted((*_REVISION_FILTERS, "negate"))),
        parents=("rules",),
        through=MappingProxyType({"properties": "rules"}),
        meta=(_LATEST,),
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
            Attribute("delegate_descriptor_id", "text", "package::dataElements::name", "create+update", required=True),
            _SETTINGS,
            Attribute("default_value", "json", "value when there is none", "create+update"),
            Attribute("clean_text", "boolean", "white space is trimmed", "create+update"),
            Attribute("force_lower_case", "boolean", "the value is lower-cased", "create+update"),
            Attribute("storage_duration", "text", "pageview, session, visitor or nothing", "create+update"),
            _REVIEW,
        ),
        relations=(
            _PROPERTY,
            Relation("origin", ("data_elements",)),
            Relation("extension", ("extensions",), write="create+update"),
            Relation("updated_with_extension", ("extensions",), nullable=True),
            _UPDATED_WITH_PACKAGE,
            Relation("libraries", ("libraries",), many=True),
            Relation("revisions", ("data_elements",), many=True),
            _NOTES,
        ),
        filters=_REVISION_FILTERS,
        parents=("properties", "libraries"),
        meta=(_LATEST, _DELETED),
        revisionable=True,
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
            Attribute("delegate_descriptor_id", "text", "package::extensionConfiguration::config", "create+update"),
            _SETTINGS,
            _REVIEW,
        ),
        relations=(
            _PROPERTY,
            Relation("origin", ("extensions",)),
            Relation("extension_package", ("extension_packages",), write="create+update"),
            _UPDATED_WITH_PACKAGE,
            Relation("libraries", ("libraries",), many=True),
            Relation("revisions", ("extensions",), many=True),
            _NOTES,
        ),
        filters=tuple(sorted((*_REVISION_FILTERS, "display_name", "version"))),
        parents=("properties", "libraries"),
        meta=(
            _LATEST,
            Attribute("upgrade_extension_package_id", "text", "a newer package, when there is one"),
            _DELETED,
        ),
        revisionable=True,
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
            Attribute("stage", "text", "development, staging or production", "create", required=True),
            Attribute("path", "text", "folder on the host", "create+update"),
            Attribute("archive", "boolean", "delivers a zip", "create+update"),
            Attribute("archive_passphrase", "text", "encrypts the zip", "create+update", write_only=True),
            Attribute("include_debug_library", "boolean", "also ship the unminified file", "update", write_only=True),
            Attribute("status", "text", "succeeded when usable"),
            Attribute("token", "text", "part of the library's file name"),
            Attribute("library_path", "text", "company token/property token"),
            Attribute("library_name", "text", "file name of the library"),
            Attribute("library_entry_points", "json", "the files a build delivers, a JSON list"),
        ),
        relations=(
            Relation("library", ("libraries",), nullable=True),
            Relation("host", ("hosts",), write="create+update"),
            _PROPERTY,
            Relation("builds", ("builds",), many=True),
        ),
        filters=("archive", "created_at", "name", "stage", "token", "updated_at"),
        parents=("properties",),
        meta=(
            Attribute("archive_encrypted", "boolean", "the zip is encrypted"),
            Attribute("script_sources", "json", "premium CDN addresses"),
        ),
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
            Relation("environment", ("environments",), nullable=True, write="create+update"),
            Relation("upstream_library", ("libraries",), nullable=True),
            _PROPERTY,
            Relation("last_build", ("builds",), nullable=True),
            Relation("builds", ("builds",), many=True),
            Relation("data_elements", ("data_elements",), many=True, write="create+update"),
            Relation("extensions", ("extensions",), many=True, write="create+update"),
            Relation("rules", ("rules",), many=True, write="create+update"),
            _NOTES,
        ),
        filters=("created_at", "name", "published_at", "stale", "state", "updated_at"),
        parents=("properties", "data_elements", "extensions", "rules"),
        meta=(
            Attribute("build_status", "text", "status of the last build in this state"),
            Attribute("build_required_detail", "text", "why a build is needed"),
        ),
    ),
)

RESOURCES: MappingProxyType[str, Resource] = MappingProxyType({row.type: row for row in _ROWS})
BY_PREFIX: MappingProxyType[str, Resource] = MappingProxyType({row.prefix: row for row in _ROWS})


def singular(resource_type: str) -> str:
    """``rules`` → ``rule``; also for types that have no row yet."""
    row = RESOURCES.get(resource_type)
    return row.singular if row else resource_type.removesuffix("s")
