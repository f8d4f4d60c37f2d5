"""``plumbing``: where libraries are delivered, and where data is sent, stage by stage."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import pandas as pd

from adobe_nb.analysis.answers import Columns, Row, answer
from adobe_nb.analysis.code.addresses import domains_of, is_own
from adobe_nb.analysis.governance.vendors import instances_of
from adobe_nb.analysis.model import Model, Resource, parse_json
from adobe_nb.analysis.uses.index import members

COLUMNS: Columns = {
    "kind": "string",
    "id": "string",
    "name": "string",
    "stage": "string",
    "detail": "string",
    "problem": "string",
}
_EDGE_PACKAGES = ("adobe-alloy", "adobe-edge")
STAGES = ("production", "staging", "development")
_DATASTREAMS = {
    "production": "edgeConfigId",
    "staging": "stagingEdgeConfigId",
    "development": "developmentEdgeConfigId",
}
_SECRET_ELEMENT = "core::dataElements::secret"  # noqa: S105 - the name of a delegate
_SORT = ("kind", "name", "id", "stage")
_USER = re.compile(r"//[^/]*@")
_TABLES = ("environments", "hosts", "callbacks", "secrets")
_Row = dict[str, Any]


def plumbing(model: Model) -> pd.DataFrame:
    """Return a row for each part and stage. ``Tags.plumbing`` documents it."""
    rows = [*_hosts(model), *_environments(model), *_callbacks(model), *_secrets(model)]
    for extension in model.extensions:
        rows += _report_suites(extension)
        rows += _datastreams(extension)
        rows += _org_ids(extension)
    for element in model.data_elements:
        if element.delegate == _SECRET_ELEMENT:
            rows += _secret_element(element, model)
    _compare_orgs(rows)
    return answer(model, COLUMNS, map(_with_problem, rows), sort=_SORT, limits=_limits(model))


def _with_problem(row: _Row) -> Row:
    return {**row, "problem": " ".join(filter(None, row["problems"])) or None}


def _part(kind: str, row: Row, problems: Sequence[str], **columns: Any) -> _Row:
    return {
        "property_id": row.get("property_id"),
        "kind": kind,
        "id": row["id"],
        "name": row.get("name"),
        "problems": problems,
        **columns,
    }


def _hosts(model: Model) -> Iterator[_Row]:
    used = {row.get("host_id") for row in model.rows("environments")}
    is_known = "host_id" in model.frames.get("environments", pd.DataFrame())
    for host in model.rows("hosts"):
        problems = []
        if is_known and host["id"] not in used:
            problems.append("No environment uses this host.")
        if host.get("status") == "failed":
            problems.append("The connection failed: check its server and key.")
        detail = host.get("type_of")
        if host.get("server"):
            detail = f"{detail}: {host['server']}"
        yield _part("host", host, problems, detail=detail)


def _environments(model: Model) -> Iterator[_Row]:
    stages: dict[str | None, set[str]] = defaultdict(set)
    has_library = "library_id" in model.frames.get("environments", pd.DataFrame())
    for environment in model.rows("environments"):
        stage = environment.get("stage")
        stages[environment.get("property_id")].add(str(stage))
        problems = []
        if has_library and environment.get("library_id") is None:
            problems.append("No library is assigned: it delivers nothing new.")
        if environment.get("status") == "failed":
            problems.append("It is not usable: its status is failed.")
        name = environment.get("library_name")
        path = environment.get("library_path")
        detail = f"{path}/{name}" if path and name else name
        yield _part("environment", environment, problems, stage=stage, detail=detail)
    for property_id, existing in stages.items():
        for stage in STAGES:
            if stage not in existing:
                row = {"id": None, "property_id": property_id}
                problem = f"There is no environment for {stage}."
                yield _part("environment", row, [problem], stage=stage)


def _callbacks(model: Model) -> Iterator[_Row]:
    domains = domains_of(model)
    for callback in model.rows("callbacks"):
        url = str(callback.get("url") or "")
        host = _host(url)
        yield _part(
            "callback",
            callback,
            list(_callback_problems(callback, url, host, domains)),
            name=host or None,
            # Parameters and the user say nothing about where it leads.
            detail=_USER.sub("//", url.partition("?")[0]) or None,
        )


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        # An opening bracket without its closing one, for example.
        return ""


def _callback_problems(
    callback: Row, url: str, host: str, domains: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    if not url.lower().startswith("https:"):
        yield "The address is not https: others can read what Adobe sends."
    own = domains.get(callback.get("property_id") or "")
    # Without domains, which hosts are the company's own is not known.
    if own and not is_own(host, own):
        yield "The host is not one of the property's domains: check whose it is."
    events, _ = parse_json(callback.get("subscriptions"))
    if events == []:
        yield "It subscribes to no events."


def _secrets(model: Model) -> Iterator[_Row]:
    stages = {row["id"]: row.get("stage") for row in model.rows("environments")}
    for secret in model.rows("secrets"):
        stage = secret.get("environment_stage") or stages.get(secret.get("environment_id"))
        problems = []
        if stage is None:
            problems.append("It has no environment: nothing can read it.")
        if secret.get("status") == "failed":
            problems.append("The last exchange failed: test it, and enter its credentials again.")
        yield _part("secret", secret, problems, stage=stage, detail=secret.get("type_of"))


def _secret_element(element: Resource, model: Model) -> Iterator[_Row]:
    """Yield the stages for which a data element names no secret, or that of another stage."""
    secrets_by_id = {secret.id: secret for secret in model.secrets}
    row = {"id": element.id, "name": element.name, "property_id": element.property_id}
    entries = members(element.setting("secrets"))
    for stage in STAGES:
        secret_id = members(entries.get(stage)).get("id")
        problem = ""
        if not isinstance(secret_id, str):
            secret_id = None
            problem = f"The data element names no secret for {stage}: reading it fails there."
        elif secret_id in secrets_by_id:
            problem = _other_stage(secrets_by_id[secret_id], stage)
        elif "secrets" in model.frames:
            problem = f"The data element names {secret_id}, which does not exist."
        if problem:
            yield _part("secret", row, [problem], stage=stage, detail=secret_id or "data element")


def _other_stage(secret: Resource, stage: str) -> str:
    actual = secret.get("environment_stage")
    if actual in (None, stage):
        return ""
    return f"The data element names a secret of {actual} for {stage}."


def _report_suites(extension: Resource) -> Iterator[_Row]:
    if extension.package == "adobe-analytics":
        accounts = members(members(extension.setting("libraryCode")).get("accounts"))
        suites = {stage: _texts(accounts.get(stage)) for stage in STAGES}
        yield from _by_stage("report suite", extension, extension.name, suites)


def _datastreams(extension: Resource) -> Iterator[_Row]:
    """Yield the datastreams of Web SDK, by instance, and of the Edge Network extension."""
    for holder in _holders(extension):
        name = str(holder.get("name") or extension.name)
        datastreams: dict[str, list[Any]] = {}
        for stage, key in _DATASTREAMS.items():
            datastreams[stage] = list(filter(None, [holder.get(key)]))
        yield from _by_stage("datastream", extension, name, datastreams)


def _by_stage(
    kind: str, extension: Resource, name: str, ids: Mapping[str, Sequence[Any]]
) -> Iterator[_Row]:
    """Yield where data of each stage is sent; nothing when the settings name no stage."""
    if not any(ids.values()):
        return
    for stage in STAGES:
        for part_id in ids[stage] or [None]:
            problem = ""
            if part_id is None and stage == "production":
                problem = f"There is no {kind} for production."
            elif part_id is None:
                # The extensions fall back on that of production.
                problem = f"There is no {kind} for {stage}: data of {stage} goes to production."
            elif stage != "production" and part_id in ids["production"]:
                problem = f"This is the {kind} of production: data of {stage} mixes with it."
            yield _sent(kind, extension, part_id, problem, name=name, stage=stage)


def _holders(extension: Resource) -> list[Mapping[str, Any]]:
    """Return the settings that can name datastreams and organizations: those of instances, too."""
    return [members(extension.settings), *instances_of(extension)]


def _org_ids(extension: Resource) -> Iterator[_Row]:
    for holder in _holders(extension):
        org = holder.get("orgId")
        if isinstance(org, str) and org:
            problem = ""
            if "%" not in org and not org.endswith("@AdobeOrg"):
                problem = "An organization ID ends in @AdobeOrg."
            yield _sent("org id", extension, org, problem)


def _compare_orgs(rows: Sequence[_Row]) -> None:
    """Add a problem to organization IDs of a property that differ."""
    orgs: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row["kind"] == "org id":
            orgs[row["property_id"]].add(row["id"])
    for row in rows:
        if row["kind"] == "org id" and len(orgs[row["property_id"]]) > 1:
            row["problems"].append("Extensions of this property have different organization IDs.")


def _sent(kind: str, extension: Resource, part_id: Any, problem: str, **columns: Any) -> _Row:
    row = {"id": part_id, "name": extension.name, "property_id": extension.property_id}
    return _part(kind, row, [problem], **columns)


def _texts(value: Any) -> list[str]:
    if not isinstance(value, list):
        value = [value]
    return [item for item in value if isinstance(item, str) and item]


def _limits(model: Model) -> Iterator[str]:
    missing = [table for table in _TABLES if table not in model.frames]
    if missing:
        yield (
            f"Not part of this answer, because the frames are missing: {', '.join(missing)}. Pass "
            "them: analysis.Tags(…, hosts=reactor.hosts(property))."
        )
    if any(extension.package in _EDGE_PACKAGES for extension in model.extensions):
        yield (
            "What a datastream does with data is configured in the Data Collection UI, and not "
            "part of a property."
        )
