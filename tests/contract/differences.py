"""Known differences between Adobe's OpenAPI file and the HTTP traffic, with their reasons.

A difference that no longer exists must be removed. A member is named from the request or the
response on: ``answer data.meta.latest_revision_number``.
"""

from tests.contract.operations import Operation

_BOTH_AT_ONCE = (
    "FACTS 9: with meta.action the attributes are ignored, and without it nothing is acted on. "
    "The file makes one "
    "schema of the two calls and requires both."
)
_UPDATE_OR_ACT = {"request data.attributes": _BOTH_AT_ONCE, "request data.meta": _BOTH_AT_ONCE}
_ONE_NOT_MANY = {
    "answer data": (
        "The file describes this to-one relationship by the schema of the lists "
        "(relationshipsLookupResponse). "
        "FACTS 2: its data is one identifier or null, and one is what the file itself has the "
        "client send."
    )
}
_A_NUMBER = {
    "answer data.meta.latest_revision_number": (
        "The file says string for rules and rule components, and integer for data elements and "
        "extensions. FACTS 9: it "
        "is the number of the newest revision."
    )
}
_ANY_VALUE = (
    "The file says object; the guide's samples are texts, so it is any value "
    "(catalogue: default_value)."
)
_PAGED = "FACTS 3: every list is in pages. The file lacks the two parameters here."
_NULL_IN_THE_SAMPLE = (
    "The file made its schema from one sample, where this was null, and says string. "
    "extensionPackagesEntity, for the "
    "same resource elsewhere, says {kind}."
)

KNOWN_DIFFERENCES: dict[Operation, dict[str, str]] = {
    ("POST", "/search"): {
        "request query": "FACTS 6: the file's own example, and the guide, put all of it into data."
    },
    ("POST", "/properties/{PROPERTY_ID}/rules"): _A_NUMBER,
    ("GET", "/rules/{RULE_ID}"): _A_NUMBER,
    ("PATCH", "/rules/{RULE_ID}"): _UPDATE_OR_ACT | _A_NUMBER,
    ("GET", "/rules/{RULE_ID}/origin"): _A_NUMBER,
    ("GET", "/rule_components/{RULE_COMPONENT_ID}"): _A_NUMBER,
    ("PATCH", "/rule_components/{RULE_COMPONENT_ID}"): _A_NUMBER,
    ("GET", "/rule_components/{RULE_COMPONENT_ID}/origin"): _A_NUMBER,
    ("PATCH", "/data_elements/{DATA_ELEMENT_ID}"): {
        **_UPDATE_OR_ACT,
        "request data.attributes.default_value": _ANY_VALUE,
        "answer data.attributes.default_value": _ANY_VALUE,
    },
    ("PATCH", "/extensions/{EXTENSION_ID}"): _UPDATE_OR_ACT,
    ("PATCH", "/secrets/{SECRET_ID}"): {
        "request data.meta": (
            "Catalogue: older docs change attributes at this address too; the "
            "file has actions only."
        ),
        "request data.attributes": (
            "FACTS 15: an action is meta.action alone; the file wants type_of besides."
        ),
    },
    ("GET", "/extension_packages"): {
        "query max_availability": (
            "FACTS 4: the release notes and Adobe's uploader have it; the file lacks it."
        )
    },
    ("GET", "/extension_packages/{EXTENSION_PACKAGE_ID}/versions"): {
        "query page[number]": _PAGED,
        "query page[size]": _PAGED,
    },
    ("GET", "/extension_packages/{EXTENSION_PACKAGE_ID}/extension_package_usage_authorizations"): {
        "query page[number]": _PAGED,
        "query page[size]": _PAGED,
    },
    ("GET", "/extension_package_usage_authorizations"): {
        "query page[number]": _PAGED,
        "query page[size]": _PAGED,
        "answer data[].relationships.extension_package.data": (
            "The file says string, with null as its example. FACTS 2, 11: it is an identifier, "
            "or null."
        ),
    },
    (
        "GET",
        "/extension_package_usage_authorizations/{EXTENSION_PACKAGE_USAGE_AUTHORIZATION_ID}/extension_package",
    ): {
        "answer data.attributes.configuration": _NULL_IN_THE_SAMPLE.format(kind="object"),
        "answer data.attributes.hosted_lib_files": _NULL_IN_THE_SAMPLE.format(kind="array"),
        "answer data.attributes.resources": _NULL_IN_THE_SAMPLE.format(kind="array"),
        "answer data.attributes.shared_modules": _NULL_IN_THE_SAMPLE.format(kind="array"),
    },
    ("PATCH", "/environments/{ENVIRONMENT_ID}"): {
        "request data.relationships": (
            "FACTS 18: an environment is changed without naming its host again."
        )
    },
    ("GET", "/environments/{ENVIRONMENT_ID}/relationships/host"): _ONE_NOT_MANY,
    ("GET", "/libraries/{LIBRARY_ID}/relationships/environment"): _ONE_NOT_MANY,
    ("PATCH", "/libraries/{LIBRARY_ID}/relationships/environment"): _ONE_NOT_MANY,
    ("DELETE", "/libraries/{LIBRARY_ID}/relationships/environment"): {
        "answer": "FACTS 13, 25: there is nothing left to show, and the SDK's suite finds no JSON."
    },
}

_FORGOTTEN = "The file lacks it; the guide's samples have it (catalogue)."
KNOWN_MEMBERS: dict[tuple[str, str], str] = {
    ("data_elements", "attributes.review_status"): _FORGOTTEN,
    ("data_elements", "attributes.revision_number"): _FORGOTTEN,
    ("extension_packages", "relationships.extension_package_usage_authorizations"): (
        "The file names it extension_package, in one of its four schemas of a package, and "
        "links it to these."
    ),
    (
        "extension_packages",
        "relationships.extension_package",
    ): "See extension_package_usage_authorizations.",
    (
        "secrets",
        "attributes.refresh_at",
    ): "FACTS 18: the guide's word for what the file calls refreshes_at.",
    ("secrets", "attributes.refreshes_at"): "FACTS 18: see refresh_at.",
    (
        "rules",
        "relationships.rule_components",
    ): "The file calls it rules here, and rule_components in the links.",
    ("rules", "relationships.rules"): "See rule_components.",
    **{
        (resource_type, f"attributes.{verb}_by_{what}"): "FACTS 25a: real answers have it."
        for resource_type in (
            "properties",
            "rules",
            "rule_components",
            "data_elements",
            "extensions",
        )
        for verb in ("created", "updated")
        for what in ("email", "display_name")
    },
}
"""Members of single resources that only one side has, by type and member."""
