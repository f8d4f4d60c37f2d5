"""What the registry and the simulator assume, compared with what the service has shown."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from adobe_nb.checkup.shapes import RAW_FORMS, Shape
from adobe_nb.checkup.tour import Tour
from adobe_nb.registry import Attribute, Relation

_FORMS_OF_KINDS = {
    "boolean": ("boolean",),
    "integer": ("integer",),
    "number": ("integer", "number"),
    "datetime": ("date",),
    # Any text can look like a date.
    "text": ("text", "date", "date without time zone", "date in another form"),
}
_FORMS_OF_JSON = {"text": ("text",), "list": ("list",), "object": ("object",)}
_MEMBERS = {"attributes", "id", "links", "meta", "relationships", "type"}
FORBIDDEN = {401, 403}
"""Statuses of an account without the right, which do not count as deviations."""
_MISSING_MEMBERS = {"profiles": {"relationships"}}
_MAY_LACK = {("properties", "privacy"), ("properties", "ssl_enabled")}
"""Attributes that resources can lack."""
_LINKS = {
    ("libraries", "environment"): {"self"},
    ("libraries", "upstream_library"): set(),
}
"""Links of relationships, where these are not related, and self if it has an endpoint."""
_ALWAYS_IN_META = {
    ("companies", "rights"),
    ("properties", "rights"),
    ("rules", "latest_revision_number"),
    ("rule_components", "latest_revision_number"),
    ("data_elements", "latest_revision_number"),
    ("extensions", "latest_revision_number"),
}
_STATES = ("head: published false", "revision: dirty false")
"""What heads and revisions always have."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """Something that the service does otherwise than assumed."""

    place: str
    assumed: str
    observed: str


def deviations(tour: Tour) -> list[Deviation]:
    """Return everything in which the service differs from what is assumed."""
    found: list[Deviation] = []
    for shape in tour.shapes.values():
        if shape.resources:
            found += _of_shape(shape)
    for resource_type, problems in tour.pagination.items():
        for problem in problems:
            found.append(
                Deviation(f"lists of {resource_type}", "meta.pagination of five members", problem)
            )
    for resource_type, statuses in tour.refused.items():
        for status in statuses.keys() - FORBIDDEN:
            found.append(Deviation(f"{resource_type}: request", "HTTP 200", f"HTTP {status}"))
    for probe in tour.probes:
        if probe.deviates:
            found.append(Deviation(probe.question, probe.assumed, probe.observed))
    if tour.reader.rate_limits:
        names = ", ".join(tour.reader.rate_limits)
        found.append(Deviation("headers", "no header about a rate limit", names))
    others = sorted(tour.reader.media_types.keys() - {"application/vnd.api+json"})
    if others:
        found.append(Deviation("content type", "application/vnd.api+json", ", ".join(others)))
    return found


def _of_shape(shape: Shape) -> Iterator[Deviation]:
    name = shape.row.type
    for member in sorted(shape.members.keys() - _MEMBERS):
        yield Deviation(f"{name}: {member}", "no such member of a resource", "present")
    for member in sorted(_MEMBERS - _MISSING_MEMBERS.get(name, set()) - shape.members.keys()):
        yield Deviation(f"{name}: {member}", "a member of each resource", "missing")
    if set(shape.types) != {"as assumed"}:
        yield Deviation(f"{name}: type", shape.type_name, "another type")
    if "another form" in shape.ids:
        assumed = f"{shape.row.prefix} and 32 hexadecimal digits"
        yield Deviation(f"{name}: id", assumed, "another form")
    yield from _of_attributes(shape)
    yield from _of_meta(shape)
    for relation in shape.row.relations:
        yield from _of_relation(shape, relation)
    known = {relation.name for relation in shape.row.relations}
    for relationship in sorted(shape.relationships.keys() - known):
        yield Deviation(f"{name}.relationships.{relationship}", "no such relationship", "present")
    yield from _of_links(shape)
    for attribute, forms in shape.texts.items():
        yield from _of_texts(f"{name}.{attribute}", forms)
    yield from _of_states(shape)


def _of_attributes(shape: Shape) -> Iterator[Deviation]:
    name = shape.row.type
    known = {attribute.name: attribute for attribute in shape.row.attributes}
    for unknown in sorted(shape.attributes.keys() - known.keys()):
        forms = _listed(shape.attributes[unknown])
        yield Deviation(f"{name}.{unknown}", "no such attribute", forms)
    for attribute in known.values():
        forms_seen = shape.attributes.get(attribute.name)
        if forms_seen is None:
            is_optional = attribute.write_only or (name, attribute.name) in _MAY_LACK
            if not is_optional:
                yield Deviation(f"{name}.{attribute.name}", attribute.kind, "missing")
            continue
        yield from _of_forms(f"{name}.{attribute.name}", attribute, forms_seen)


def _of_forms(place: str, attribute: Attribute, forms: Counter[str]) -> Iterator[Deviation]:
    """Compare the forms of an attribute with its kind. Any attribute can be null."""
    allowed: Sequence[str] | None = _FORMS_OF_KINDS.get(attribute.kind)
    if attribute.kind == "json":
        allowed = _FORMS_OF_JSON.get(attribute.form)
    if allowed is None:
        return
    others = []
    for form in forms:
        kind = form.partition(" of depth")[0]
        if kind != "null" and kind not in allowed:
            others.append(form)
    if others:
        yield Deviation(place, attribute.form or attribute.kind, ", ".join(sorted(others)))


def _of_meta(shape: Shape) -> Iterator[Deviation]:
    name = shape.row.type
    known = {attribute.name: attribute for attribute in shape.row.meta}
    for unknown in sorted(shape.meta.keys() - known.keys()):
        forms = _listed(shape.meta[unknown])
        yield Deviation(f"{name}.meta.{unknown}", "no such member of meta", forms)
    for member, attribute in known.items():
        forms_seen = shape.meta.get(member, Counter())
        yield from _of_forms(f"{name}.meta.{member}", attribute, forms_seen)
        lacking = shape.resources - forms_seen.total()
        if (name, member) in _ALWAYS_IN_META and lacking:
            observed = f"missing in {lacking} of {shape.resources}"
            yield Deviation(f"{name}.meta.{member}", "in each resource", observed)


def _of_relation(shape: Shape, relation: Relation) -> Iterator[Deviation]:
    place = f"{shape.row.type}.relationships.{relation.name}"
    forms = shape.relationships.get(relation.name, Counter())
    lacking = shape.resources - forms.total()
    if lacking:
        yield Deviation(place, "in each resource", f"missing in {lacking} of {shape.resources}")
    allowed = {"an identifier", "null"}
    if relation.many:
        allowed = {"no data"}
    others = sorted(forms.keys() - allowed)
    if others:
        yield Deviation(place, " or ".join(sorted(allowed)), ", ".join(others))
    if forms:
        yield from _of_relationship_links(shape, relation, place)


def _of_relationship_links(shape: Shape, relation: Relation, place: str) -> Iterator[Deviation]:
    assumed = {"related"}
    if relation.endpoint:
        assumed.add("self")
    assumed = _LINKS.get((shape.row.type, relation.name), assumed)
    forms = shape.relationship_links.get(relation.name, Counter())
    names = {form.split(" ")[0] for form in forms}
    if names != assumed:
        yield Deviation(f"{place}.links", _names(assumed), _names(names))
    for form in sorted(forms):
        _, _, link = form.partition(" ")
        if link != "null" and not link.startswith("at the service"):
            yield Deviation(f"{place}.links", "links to the service", link)


def _of_links(shape: Shape) -> Iterator[Deviation]:
    name = shape.row.type
    if "self" not in shape.links:
        yield Deviation(f"{name}.links", "a link self", "missing")
    for link, forms in shape.links.items():
        for form in forms:
            if form != "null" and not form.startswith("at the service"):
                yield Deviation(f"{name}.links.{link}", "a link to the service", form)


def _of_texts(place: str, forms: Counter[str]) -> Iterator[Deviation]:
    if "not JSON" in forms:
        yield Deviation(place, "JSON as text", "text that is not JSON")
    for form in RAW_FORMS:
        if form in forms:
            yield Deviation(place, "& < > U+2028 U+2029 as lowercase escapes", form)


def _of_states(shape: Shape) -> Iterator[Deviation]:
    for assumed in _STATES:
        holder, _, rest = assumed.partition(": ")
        member, value = rest.split(" ")
        for state in sorted(shape.states):
            other = state.startswith(f"{holder}: {member} ") and state != assumed
            if other:
                place = f"{shape.row.type}: {member} of a {holder}"
                yield Deviation(place, value, state.rpartition(" ")[2])


def _listed(forms: Counter[str]) -> str:
    return ", ".join(sorted(forms))


def _names(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "none"
