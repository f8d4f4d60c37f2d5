"""The scenarios: what a user does, through public names and the command line."""

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
from notebook import Notebook
from proxy import authority
from stage import Simulators, Stage, command

import adobe_nb
from adobe_nb import edge, reactor, snapshot

Scenario = Callable[[Stage], None]
SCENARIOS: dict[str, Scenario] = {}
_OPTIONS: dict[str, tuple[str, ...]] = {}
_CHANGING: set[str] = set()
_LARGE = ("--properties", "1", "--rules", "230", "--components", "1", "--data-elements", "110")
# Each scenario of this one changes a property of its own.
_WRITER = (*_LARGE, "--build-seconds", "0.05")
_BASE_SCOPES = "AdobeID,openid,read_organizations"
_GENERATED = "Generated 0001"
_CORE = "core"
_DATASTREAM = "8b0d3f0a-5f6e-4c1d-9a52-1c7e60f4d2"
_WEB = f"{_DATASTREAM}01"
_UNKNOWN_RULE = "RL" + 32 * "0"
_PERSON = {"Email": [{"id": "ann@example.com", "primary": True}]}
_VIEW = {"eventType": "web.webpagedetails.pageViews", "web": {"webPageDetails": {"name": "Home"}}}


def scenario(*options: str, changes: bool = False) -> Callable[[Scenario], Scenario]:
    """Register one; ``changes`` what is in the simulator, so that it needs one of its own."""

    def register(play_it: Scenario) -> Scenario:
        name = play_it.__name__
        SCENARIOS[name] = play_it
        _OPTIONS[name] = options
        if changes:
            _CHANGING.add(name)
        return play_it

    return register


def play(name: str, simulators: Simulators) -> str:
    """Play a scenario; its record as text."""
    start = simulators.fresh if name in _CHANGING else simulators.shared
    stage = Stage(start(*_OPTIONS[name]))
    signal.alarm(90)
    try:
        SCENARIOS[name](stage)
        return json.dumps(stage.record, indent=1, ensure_ascii=False) + "\n"
    finally:
        signal.alarm(0)
        stage.close()


def _who(session: Any) -> dict[str, Any]:
    """What a session says of itself, without sentences."""
    return {
        "service": session.service,
        "org_id": session.org_id,
        "renewable": session.renewable,
        "scopes": list(session.scopes),
        "shadowed": len(session.shadowed),
        "is_current": adobe_nb.current() is session,
    }


def _write(path: Path, content: object) -> Path:
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return path


def _env_file(path: Path, variables: dict[str, str]) -> Path:
    return _write(path, "".join(f"{name}={value}\n" for name, value in variables.items()))


# Signing in


@scenario()
def signs_in_with_a_client_secret(stage: Stage) -> None:
    arguments = {**stage.credentials, **stage.proxy.settings}
    stage.step("connect", lambda: _who(adobe_nb.connect(**arguments)), ordered=True)
    stage.step("test", lambda: _check(adobe_nb.current()), ordered=True)
    stage.step("use the token again", reactor.companies, ordered=True)
    stage.step("renew it by hand", adobe_nb.current().refresh, ordered=True)
    stage.step("use the new one", reactor.heartbeat, ordered=True)
    session = adobe_nb.current()
    stage.step("sign out", session.sign_out)
    stage.step("there is no session", adobe_nb.current)
    stage.step("the one that was signed out stays so", session.reactor.companies)


def _check(session: Any) -> dict[str, Any]:
    found = session.test()
    names = ("ok", "status", "companies", "rights")
    return {name: getattr(found, name) for name in names}


@scenario()
def signs_in_with_an_access_token(stage: Stage) -> None:
    token, org_id = stage.connection["access_token"], stage.connection["org_id"]
    urls = stage.proxy.settings
    stage.step(
        "connect",
        lambda: _who(adobe_nb.connect(access_token=token, org_id=org_id, **urls)),
        ordered=True,
    )
    stage.step("list", reactor.companies, ordered=True)
    stage.step("it cannot be renewed", adobe_nb.current().refresh)
    stage.fault("401", "GET /companies")
    stage.step("a refusal is final", reactor.companies, ordered=True)
    stage.step("a token needs its organization", lambda: adobe_nb.connect(access_token=token))


@scenario()
def signs_in_from_the_environment(stage: Stage) -> None:
    os.environ.update(stage.variables(ADOBE_SCOPES=f"{_BASE_SCOPES},acp.foundation"))
    stage.step("client secret", lambda: _who(adobe_nb.connect()), ordered=True)
    del os.environ["ADOBE_CLIENT_ID"], os.environ["ADOBE_CLIENT_SECRET"], os.environ["ADOBE_SCOPES"]
    os.environ["ADOBE_ACCESS_TOKEN"] = stage.connection["access_token"]
    stage.step("access token", lambda: _who(adobe_nb.connect()), ordered=True)
    stage.step("list", reactor.companies, ordered=True)


@scenario()
def signs_in_from_an_env_file(stage: Stage) -> None:
    scopes = f"{_BASE_SCOPES},additional_info.roles"
    _env_file(stage.folder / ".env", stage.variables(ADOBE_SCOPES=scopes))
    stage.step("the folder above", lambda: _who(adobe_nb.connect()), ordered=True)
    other = _env_file(stage.folder / "other.env", stage.variables(ADOBE_SCOPES=_BASE_SCOPES))
    stage.step("a file by name", lambda: _who(adobe_nb.connect(env_file=other)), ordered=True)
    other.chmod(0o644)
    stage.step(
        "one that others can read", lambda: _who(adobe_nb.connect(env_file=other)), ordered=True
    )
    stage.step("a missing file", lambda: adobe_nb.connect(env_file="nowhere.env"))


@scenario()
def signs_in_with_files_of_other_tools(stage: Stage) -> None:
    """These name no addresses, so they lead to Adobe's hosts, for which the proxy answers."""
    certificates = stage.folder / "ca.pem"
    authority().cert_pem.write_to_path(str(certificates))
    os.environ["REQUESTS_CA_BUNDLE"] = str(certificates)
    os.environ["HTTPS_PROXY"] = stage.proxy.urls["reactor"]
    client_id, secret, org_id = stage.credentials.values()
    oauth = {
        "client_id": client_id,
        "client_secrets": ["p8e-replaced-1234567890", secret],
        "technical_account_id": "T1@techacct.adobe.com",
        "scopes": [*_BASE_SCOPES.split(","), "additional_info.roles"],
    }
    details = {
        "credentials": [
            {
                "id": "9",
                "integration_type": "oauth_server_to_server",
                "oauth_server_to_server": oauth,
            }
        ]
    }
    project = {
        "id": "1",
        "name": "p",
        "org": {"id": "2", "name": "o", "ims_org_id": org_id},
        "workspace": {"id": "3", "name": "Production", "details": details},
    }
    files: dict[str, tuple[str, object]] = {
        "download of a project": ("console_file", {"project": project}),
        "download of a credential": (
            "console_file",
            {
                "ORG_ID": org_id,
                "CLIENT_ID": client_id,
                "CLIENT_SECRETS": [secret],
                "SCOPES": _BASE_SCOPES.split(","),
            },
        ),
        "Postman environment": (
            "postman_file",
            {
                "id": "1",
                "name": "Adobe",
                "values": [
                    {"key": "API_KEY", "value": client_id},
                    {"key": "CLIENT_SECRET", "value": secret},
                    {"key": "IMS_ORG", "value": org_id},
                    {"key": "SCOPES", "value": f"{_BASE_SCOPES},acp.foundation"},
                ],
            },
        ),
        "configuration of launchpy": (
            "config_file",
            {"org_id": org_id, "client_id": client_id, "secret": secret, "scopes": _BASE_SCOPES},
        ),
        "retired method": (
            "config_file",
            {"org_id": org_id, "client_id": client_id, "secret": secret, "pathToKey": "k.pem"},
        ),
        "Postman environment without its secret": (
            "postman_file",
            {"id": "1", "name": "Adobe", "values": [{"key": "API_KEY", "value": client_id}]},
        ),
    }
    for number, (title, (argument, content)) in enumerate(files.items()):
        path = _write(stage.folder / f"{number}.json", content)
        stage.step(
            title, lambda given={argument: path}: _who(adobe_nb.connect(**given)), ordered=True
        )
    names = {
        "API_KEY": client_id,
        "CLIENT_SECRET": secret,
        "IMS_ORG": org_id,
        "SCOPES": _BASE_SCOPES,
    }
    postman = _env_file(stage.folder / "postman.env", names)
    stage.step(
        "names of Postman in a .env", lambda: _who(adobe_nb.connect(env_file=postman)), ordered=True
    )
    stage.step("list", reactor.companies, ordered=True)
    stage.step("send an event", lambda: edge.interact(_WEB, xdm=_VIEW), ordered=True)


@scenario()
def signs_in_with_a_profile(stage: Stage) -> None:
    session = stage.sign_in(scopes=_BASE_SCOPES)
    stage.step("save", lambda: _profile(session.save("work", in_file=True)))
    second = stage.sign_in(scopes=f"{_BASE_SCOPES},acp.foundation")
    stage.step("save another", lambda: _profile(second.save("play", in_file=True)))
    stage.step("list", lambda: [_profile(each) for each in adobe_nb.profiles()])
    stage.step("by name", lambda: _who(adobe_nb.connect(profile="work")), ordered=True)
    stage.step("the active one", lambda: _who(adobe_nb.connect()), ordered=True)
    os.environ["ADOBE_PROFILE"] = "work"
    stage.step("the one of the environment", lambda: _who(adobe_nb.connect()), ordered=True)
    del os.environ["ADOBE_PROFILE"]
    stage.step("forget", lambda: adobe_nb.forget_profile("play"))
    stage.step("list again", lambda: [_profile(each) for each in adobe_nb.profiles()])
    stage.step("an unknown one", lambda: adobe_nb.connect(profile="play"))


def _profile(profile: Any) -> dict[str, Any]:
    return {
        name: getattr(profile, name) for name in ("name", "org_id", "client_id", "active", "place")
    }


@scenario()
def signs_in_to_an_announced_simulator(stage: Stage) -> None:
    os.environ["ADOBE_NB_SIMULATOR"] = stage.proxy.urls["reactor"]
    stage.step("connect", lambda: _who(adobe_nb.connect()), ordered=True)
    stage.step("list", reactor.companies, ordered=True)
    os.environ["ADOBE_NB_SIMULATOR"] = "https://reactor.adobe.io"
    stage.step("it must be on this machine", adobe_nb.connect)


@scenario()
def signs_in_to_the_built_in_simulator(stage: Stage) -> None:
    stage.step("connect", lambda: _who(adobe_nb.connect(simulator=True)))
    stage.step("list", reactor.properties)
    stage.step("fall back to it", lambda: _who(adobe_nb.connect(fallback="simulator")))
    for account in ("no_company", "no_profile", "reader"):
        stage.step(account, lambda name=account: _check(adobe_nb.connect(simulator=name)))
    stage.step("an unknown account", lambda: adobe_nb.connect(simulator="nobody"))
    stage.step("it is not saved", lambda: adobe_nb.current().save("simulated"))


@scenario()
def takes_the_first_complete_source(stage: Stage) -> None:
    stage.sign_in(scopes=_BASE_SCOPES).save("work", in_file=True)
    os.environ["ADOBE_NB_SIMULATOR"] = stage.proxy.urls["reactor"]
    stage.step("a profile before a simulator", lambda: _who(adobe_nb.connect()), ordered=True)
    half = stage.variables(ADOBE_SCOPES=f"{_BASE_SCOPES},additional_info.job_function")
    secret = half.pop("ADOBE_CLIENT_SECRET")
    _env_file(Path(".env"), half)
    stage.step("a half file gives way to it", lambda: _who(adobe_nb.connect()), ordered=True)
    os.environ["ADOBE_CLIENT_SECRET"] = secret
    stage.step("two halves are never joined", lambda: _who(adobe_nb.connect()), ordered=True)
    del os.environ["ADOBE_CLIENT_SECRET"]
    _env_file(Path(".env"), {**half, "ADOBE_CLIENT_SECRET": secret})
    stage.step("a whole file before it", lambda: _who(adobe_nb.connect()), ordered=True)
    os.environ.update(stage.variables(ADOBE_SCOPES=f"{_BASE_SCOPES},acp.foundation"))
    stage.step("the environment before all", lambda: _who(adobe_nb.connect()), ordered=True)


@scenario()
def refuses_wrong_credentials(stage: Stage) -> None:
    good = {**stage.credentials, **stage.proxy.settings}
    wrong = {
        "no source": {},
        "a wrong secret": {**good, "client_secret": "p8e-wrong-1234567890"},
        "a wrong client id": {**good, "client_id": "f" * 32},
        "an unknown scope": {**good, "scopes": "AdobeID,nonsense"},
        "half of it": {name: value for name, value in good.items() if name != "client_secret"},
        "two sources": {**good, "env_file": ".env"},
        "an organization that is none": {**good, "org_id": "somebody"},
        "an address of somebody else": {**good, "ims_url": "https://ims.example.com"},
        "a secret of a wrong type": {**good, "client_secret": 5},
        "too many at once": {**good, "concurrency": 1000},
    }
    for title, arguments in wrong.items():
        stage.step(title, lambda given=arguments: adobe_nb.connect(**given), ordered=True)
    stage.step("nobody is signed in", reactor.companies)


@scenario(*_WRITER)
def renews_a_refused_token_once(stage: Stage) -> None:
    stage.sign_in()
    rule = reactor.rules(reactor.find("properties", "Magazine"), limit=1)
    stage.fault("401", "GET /companies")
    stage.step("list", reactor.companies, ordered=True)
    stage.step("the new token stays", reactor.companies, ordered=True)
    stage.fault("401", "POST /search")
    stage.step(
        "a search",
        lambda: len(reactor.request("POST", "/search", body=_search_for("Home"))),
        ordered=True,
    )
    stage.fault("401", "PATCH /rules")
    stage.step("a write", lambda: reactor.rules.update(rule, name=rule["name"][0]), ordered=True)


def _search_for(text: str) -> dict[str, Any]:
    query = {"attributes.name": {"value": text}}
    return {"data": {"from": 0, "size": 1, "query": query, "resource_types": ["rules"]}}


@scenario()
def keeps_two_sessions_apart(stage: Stage) -> None:
    first = stage.sign_in()
    arguments = {**stage.credentials, **stage.proxy.settings, "scopes": _BASE_SCOPES}
    second = adobe_nb.connect(**arguments, make_default=False)

    def in_turn() -> list[bool]:
        reactor.companies()
        with adobe_nb.use(second):
            reactor.companies()
            inside = adobe_nb.current() is second
        return [inside, adobe_nb.current() is first]

    stage.step("each with its own token", in_turn, ordered=True)


# Reading


@scenario()
def lists_companies_and_properties(stage: Stage) -> None:
    stage.sign_in()
    stage.step("companies", reactor.companies)
    stage.step("properties of all companies", reactor.properties)
    stage.step("of one", lambda: reactor.properties(stage.connection["company_id"]))
    stage.step("profile", reactor.profile)
    stage.step("heartbeat", reactor.heartbeat)
    stage.step("extension packages", reactor.extension_packages)
    stage.step("an id is not there", lambda: reactor.properties.get("PR" + 32 * "0"))


@scenario()
def lists_everything_under_a_property(stage: Stage) -> None:
    stage.sign_in()
    site = reactor.find("properties", "Web Store US")
    for name in (
        "rules",
        "data_elements",
        "extensions",
        "environments",
        "hosts",
        "libraries",
        "callbacks",
        "notes",
        "rule_components",
        "builds",
        "audit_events",
    ):
        stage.step(name, lambda table=name: getattr(reactor, table)(site))
    forwarding = reactor.find("properties", "Event Forwarding")
    stage.step("secrets", lambda: reactor.secrets(forwarding))


@scenario(*_LARGE)
def follows_the_pages_of_a_list(stage: Stage) -> None:
    stage.sign_in()
    large = reactor.find("properties", _GENERATED)["id"].iloc[0]
    stage.step("three pages", lambda: reactor.rules(large))
    stage.step("two", lambda: reactor.data_elements(large))
    stage.step("the first five", lambda: reactor.rules(large, limit=5), ordered=True)
    stage.step("the first 120", lambda: reactor.rules(large, limit=120), ordered=True)
    stage.step("the last three", lambda: reactor.rules(large, sort="-name", limit=3), ordered=True)
    stage.step("nothing", lambda: reactor.rules(large, limit=0), ordered=True)

    def some(number: int | None, **more: Any) -> list[str]:
        ids = [each["id"] for each in reactor.rules.iterate(large, limit=number, **more)]
        return [str(len(ids)), *ids[:2], *ids[-2:]]

    stage.step("iterate", lambda: some(None), ordered=True)
    stage.step("iterate over a part", lambda: some(101, sort="-name"), ordered=True)
    stage.step("components, rule by rule", lambda: reactor.rule_components(large))


@scenario()
def filters_and_sorts(stage: Stage) -> None:
    stage.sign_in()
    site = reactor.find("properties", "Web Store US")
    day = datetime(2026, 3, 1, tzinfo=UTC)
    filters: dict[str, Any] = {
        "text": {"name": "CONTAINS o"},
        "bool": {"enabled": True},
        "several": {"enabled": True, "name": "CONTAINS e"},
        "list": {"name": ["Home", "Nowhere"]},
        "date": {"updated_at": adobe_nb.gt(day)},
        "between": {"created_at": adobe_nb.between(datetime(2024, 1, 1, tzinfo=UTC), day)},
        "not": {"revision_number": adobe_nb.not_(1)},
        "eq": {"name": adobe_nb.eq("Nowhere")},
    }
    for title, conditions in filters.items():
        stage.step(title, lambda given=conditions: reactor.rules(site, filter=given))
    stage.step("sort", lambda: reactor.rules(site, sort="-updated_at"))
    stage.step("by two", lambda: reactor.rules(site, sort=["enabled", "-name"]))


@scenario()
def refuses_wrong_arguments_before_any_request(stage: Stage) -> None:
    stage.sign_in()
    site = "PR" + 32 * "1"
    wrong: dict[str, Callable[[], Any]] = {
        "unknown filter": lambda: reactor.rules(site, filter={"nme": "EQ a"}),
        "unknown operator": lambda: reactor.rules(site, filter={"name": "LIKE a"}),
        "unknown sort": lambda: reactor.rules(site, sort="nme"),
        "negative limit": lambda: reactor.rules(site, limit=-1),
        "no parent": reactor.rules,
        "a wrong parent": lambda: reactor.rules("EX" + 32 * "1"),
        "parents of two types": lambda: reactor.rules([site, "LB" + 32 * "1"]),
        "an id that is none": lambda: reactor.rules.get("rule"),
        "an id of another type": lambda: reactor.rules.get(site),
        "a missing id": lambda: reactor.rules.get(float("nan")),
        "no list": reactor.profiles,
        "an unknown relation": lambda: reactor.related(_UNKNOWN_RULE, "cousins"),
        "an empty name": lambda: reactor.find("rules", " ", site),
        "an unknown type": lambda: reactor.find("rulez", "Home", site),
        "an unknown keyword": lambda: reactor.rules.create(site, nme="Home"),
        "a method": lambda: reactor.request("PURGE", "/rules"),
    }
    for title, act in wrong.items():
        stage.step(title, act)


@scenario()
def fans_out_over_a_frame_of_parents(stage: Stage) -> None:
    stage.sign_in()
    sites = reactor.properties()
    stage.step("frame", lambda: reactor.rules(sites))
    stage.step("column", lambda: reactor.environments(sites["id"]))
    stage.step(
        "list, with one of them twice", lambda: reactor.hosts([*sites["id"][:2], sites["id"][0]])
    )
    stage.step("row", lambda: reactor.data_elements(sites.iloc[3]))
    stage.step("limit over all of them", lambda: reactor.rules(sites, limit=15), ordered=True)
    stage.step("sorted limit", lambda: reactor.rules(sites, sort="-name", limit=4), ordered=True)
    stage.step("rules, then their components", lambda: reactor.rule_components(sites))
    stage.step("libraries, then their builds", lambda: reactor.builds(sites.tail(3)))
    stage.step("no parents", lambda: reactor.rules(sites.head(0)))
    stage.step("no list of them", lambda: reactor.rule_components([]))


@scenario()
def gets_by_id_and_finds_by_name(stage: Stage) -> None:
    stage.sign_in()
    site = reactor.find("properties", "Checkout")
    rules = reactor.rules(site)
    elements = reactor.data_elements(site)
    stage.step("one", lambda: reactor.rules.get(rules["id"][0]), ordered=True)
    stage.step("several, in that order", lambda: reactor.rules.get(rules[::-1]))
    stage.step("several types", lambda: reactor.get(rules["id"][:2], elements["id"][0]))
    stage.step("unknown", lambda: reactor.rules.get(_UNKNOWN_RULE), ordered=True)
    stage.step("find", lambda: reactor.find("rules", rules["name"][1], site), ordered=True)
    stage.step("find a slip", lambda: reactor.find("properties", "Chekout"), ordered=True)
    stage.step("find one of several", lambda: reactor.find("extensions", _CORE), ordered=True)
    stage.step(
        "find several", lambda: reactor.extensions.find(_CORE, reactor.properties()), ordered=True
    )
    stage.step("find with a comma", lambda: reactor.rules.find("Home, sweet", site), ordered=True)


@scenario()
def searches(stage: Stage) -> None:
    stage.sign_in()
    clicks = {"fields": "attributes.delegate_descriptor_id", "types": "rule_components"}
    stage.step("one type", lambda: reactor.search("core::events::click", **clicks), ordered=True)
    stage.step("all types", lambda: reactor.search("checkout", limit=20), ordered=True)
    kinds = ["rules", "data_elements"]
    query = {"attributes.enabled": False, "attributes.updated_at": {"exists": True}}
    stage.step("query", lambda: reactor.search(query=query, types=kinds), ordered=True)
    stage.step(
        "any word, revisions too",
        lambda: reactor.search(
            "cart basket", operator="OR", types=kinds, revisions=True, sort="-updated_at"
        ),
        ordered=True,
    )
    stage.step(
        "deleted too", lambda: reactor.search("Home", types="rules", deleted=True), ordered=True
    )
    hits = reactor.search("core::events::click", **clicks)
    stage.step("rules of components", lambda: reactor.rules(hits.head(3)))
    stage.step("a type that is not searched", lambda: reactor.search("a", types="builds"))
    stage.step("an unknown range", lambda: reactor.search(query={"attributes.x": {"above": 1}}))


@scenario(*_LARGE)
def searches_through_several_pages(stage: Stage) -> None:
    stage.sign_in()
    query = {"attributes.enabled": {"exists": True}}
    stage.step("all rules", lambda: reactor.search(query=query, types="rules"))
    stage.step("some", lambda: reactor.search(query=query, types="rules", limit=130))


@scenario()
def follows_relationships(stage: Stage) -> None:
    stage.sign_in()
    site = reactor.find("properties", "Web Store US")
    libraries = reactor.libraries(site)
    rules = reactor.rules(site)
    stage.step("rules of libraries", lambda: reactor.rules(libraries.head(3)))
    stage.step("related", lambda: reactor.related(libraries.head(3), "data_elements"))
    stage.step("identifiers only", lambda: reactor.relationships(libraries["id"][0], "rules"))
    stage.step("to one", lambda: reactor.related(libraries, "upstream_library"))
    stage.step("environment", lambda: reactor.relationships(libraries["id"][0], "environment"))
    stage.step("revisions", lambda: reactor.rules.revisions(rules["id"][:2]))
    stage.step("origin", lambda: reactor.related(rules["id"][0], "origin"))
    stage.step("components of rules", lambda: reactor.rule_components(rules.head(2)))
    stage.step("builds of a library", lambda: reactor.builds(libraries["id"][0]))


@scenario()
def expands_names_and_exports(stage: Stage) -> None:
    stage.sign_in()
    site = reactor.find("properties", "Magazine")
    parts = reactor.rule_components(site)
    stage.step("expand", lambda: adobe_nb.expand(parts, "settings"))
    stage.step("names", lambda: adobe_nb.with_names(parts))
    found = reactor.rule_components.get(parts["id"][:2])
    stage.step("names of components that do not say their rule", lambda: adobe_nb.with_names(found))
    libraries = reactor.libraries(site)
    stage.step("names of libraries", lambda: adobe_nb.with_names(libraries))
    elements = reactor.data_elements(site)

    def written() -> dict[str, Any]:
        adobe_nb.to_excel({"elements": elements, "parts": parts}, "site.xlsx")
        sheets = pd.read_excel("site.xlsx", sheet_name=None, engine="openpyxl")
        return {name: [len(sheet), [*map(str, sheet.columns)]] for name, sheet in sheets.items()}

    stage.step("to Excel", written)
    stage.step("columns", lambda: reactor.rules.columns)


# Writing


@scenario(*_WRITER)
def creates_updates_revises_and_deletes(stage: Stage) -> None:
    stage.sign_in()
    site = reactor.find("properties", "Magazine")
    alloy = reactor.extensions.find("adobe-alloy", site)
    # Settings of a delegate that the simulator does not know are not checked, which would take
    # seconds.
    element = {
        "name": "Page Name",
        "delegate_descriptor_id": "adobe-alloy::dataElements::not-listed",
        "settings": {"sandbox": {"name": "prod"}, "data": {"a": [1, None, "<é>"]}},
        "extension": alloy,
    }
    create = reactor.data_elements.create

    def step(title: str, act: Callable[[], Any]) -> Any:
        return stage.step(title, act, ordered=True)

    step("dry run", lambda: create(site, **element, dry_run=True))
    made = step("create", lambda: create(site, **element))
    step("dry update", lambda: reactor.data_elements.update(made, name="Other", dry_run=True))
    step("update", lambda: reactor.data_elements.update(made, force_lower_case=True))
    step("dry revise", lambda: reactor.data_elements.revise(made, dry_run=True))
    step("revise", lambda: reactor.data_elements.revise(made))
    rule = step("create a rule", lambda: reactor.rules.create(site, name="Newsletter"))
    step(
        "create a component",
        lambda: reactor.rule_components.create(
            rule,
            name="Click",
            delegate_descriptor_id="adobe-alloy::actions::not-listed",
            settings={},
            extension=alloy,
        ),
    )
    step("a note", lambda: reactor.notes.create(rule, text="Why it is there"))
    step("a name that is none", lambda: reactor.data_elements.update(made, name=""))
    step("dry delete", lambda: reactor.data_elements.delete(made, dry_run=True))
    step("delete", lambda: reactor.data_elements.delete(made))
    step("delete it again", lambda: reactor.data_elements.delete(made))
    step(
        "a whole request",
        lambda: reactor.request("PATCH", f"/rules/{rule['id'][0]}", body=_renamed(rule)),
    )
    step(
        "the same, dry", lambda: reactor.request("DELETE", f"/rules/{rule['id'][0]}", dry_run=True)
    )
    step("as cURL", lambda: reactor.as_curl("PATCH", "/rules/RL1", body=_renamed(rule)))
    journal = adobe_nb.journal()
    kept = ["call", "method", "path", "type", "outcome", "status", "code"]
    step("journal", lambda: journal[[name for name in kept if name in journal]].to_dict("list"))
    step("state before", lambda: journal[["before"]])


def _renamed(rule: Any) -> dict[str, Any]:
    return {"data": {"id": rule["id"][0], "type": "rules", "attributes": {"name": "Sign-up"}}}


@scenario(*_WRITER)
def requires_confirmation(stage: Stage) -> None:
    stage.sign_in()

    def step(title: str, act: Callable[[], Any]) -> Any:
        return stage.step(title, act, ordered=True)

    names = ["Old site", "Test site"]
    for name in names:
        step(
            f"create {name}",
            lambda given=name: reactor.properties.create(
                name=given, platform="web", domains=["example.com"]
            ),
        )
    sites = reactor.properties(filter={"name": names})
    site = sites.head(1)
    for name in ("One", "Two"):
        reactor.rules.create(site, name=name)
    rules = reactor.rules(site)
    step("delete two rules", lambda: reactor.rules.delete(rules))
    step("confirmed", lambda: reactor.rules.delete(rules, confirm="2 rules"))
    step("delete a property", lambda: reactor.properties.delete(site))
    step("wrongly confirmed", lambda: reactor.properties.delete(site, confirm="Test site"))
    step("delete properties", lambda: reactor.properties.delete(sites))
    step("both confirmed", lambda: reactor.properties.delete(sites, confirm=names))


@scenario(*_WRITER)
def publishes_a_library(stage: Stage) -> None:
    stage.sign_in()

    def step(title: str, act: Callable[[], Any], *, ordered: bool = True) -> Any:
        return stage.step(title, act, ordered=ordered)

    site = step(
        "property",
        lambda: reactor.properties.create(name="Practice", platform="web", domains=["example.com"]),
    )
    core = reactor.extensions.find("core", site)
    stage.proxy.label(core["id"][0], "core")
    host = step("host", lambda: reactor.hosts.create(site, name="Adobe's", type_of="akamai"))
    places = {
        stage_of: reactor.environments.create(site, name=stage_of, stage=stage_of, host=host)
        for stage_of in ("development", "staging", "production")
    }
    rule = reactor.rules.create(site, name="Page viewed")
    library = step("library", lambda: reactor.libraries.create(site, name="Release 1"))
    step("a head is refused", lambda: reactor.libraries.add(library, core))
    step("dry add", lambda: reactor.libraries.add(library, [core, rule], revise=True, dry_run=True))
    step("add", lambda: reactor.libraries.add(library, [core, rule], revise=True))
    step("remove", lambda: reactor.libraries.remove(library, rule))
    step("replace", lambda: reactor.libraries.replace(library, [core, rule], revise=True))
    step("contents", lambda: reactor.rules(library))
    for name, go_on in (
        ("development", reactor.libraries.submit),
        ("staging", reactor.libraries.approve),
        ("production", None),
    ):
        step(f"assign {name}", lambda place=places[name]: reactor.libraries.assign(library, place))
        if name == "production":
            step("a build has to be confirmed", lambda: reactor.libraries.build(library))
        confirm = "Release 1" if name == "production" else None
        build = step(
            f"build {name}", lambda given=confirm: reactor.libraries.build(library, confirm=given)
        )
        # How often it looks depends on the time that the build takes.
        built = reactor.builds.wait(build, poll=0.05)
        step("wait", lambda found=built: found["status"].tolist())
        if go_on is not None:
            step(f"after {name}", lambda act=go_on: act(library))
    step("published", lambda: reactor.libraries.get(library))
    step("it is over", lambda: reactor.libraries.reject(library))
    step("republish unconfirmed", lambda: reactor.builds.republish(build))


@scenario("--build-seconds", "60")
def waits_no_longer_than_told(stage: Stage) -> None:
    stage.sign_in()
    site = reactor.find("properties", "Magazine")
    library = reactor.libraries.create(site, name="Never built")
    places = reactor.environments(site, filter={"stage": "EQ development"})
    stage.step("no environment", lambda: reactor.libraries.build(library), ordered=True)
    host = reactor.hosts(site).head(1)
    if places["library_id"].notna().all():
        places = reactor.environments.create(site, name="Free", stage="development", host=host)
    reactor.libraries.assign(library, places[places["library_id"].isna()].head(1))
    build = stage.step("build", lambda: reactor.libraries.build(library), ordered=True)
    stage.step("wait", lambda: reactor.builds.wait(build, timeout=0.001), ordered=True)


@scenario(*_WRITER)
def sends_a_write_only_once(stage: Stage) -> None:
    stage.sign_in()
    site = reactor.properties.create(name="Faulty", platform="web", domains=["example.com"])
    stage.fault("lost", "POST /properties/.*/rules")
    create = reactor.rules.create
    stage.step("its answer is lost", lambda: create(site, name="Lost"), ordered=True)
    stage.fault("503", "POST /properties/.*/rules")
    stage.step("the service fails", lambda: create(site, name="Failed"), ordered=True)
    stage.fault("429", "POST /properties/.*/rules", Retry_After="0")
    stage.step("it was not taken", lambda: create(site, name="Later"), ordered=True)
    journal = adobe_nb.journal()
    stage.step("journal", lambda: journal[["call", "outcome"]].to_dict("list"))
    stage.step("what is there", lambda: sorted(reactor.rules(site)["name"]))


# The Edge Network


@scenario()
def sends_events(stage: Stage) -> None:
    stage.sign_in(scopes=stage.connection["scopes"])
    stage.step("interact", lambda: edge.interact(_WEB, xdm=_VIEW), ordered=True)
    query = {"personalization": {"decisionScopes": ["hero"]}, "identity": {"fetch": ["ECID"]}}
    stage.step("query", lambda: edge.interact(_WEB, xdm=_VIEW, query=query), ordered=True)
    stage.step(
        "as a browser",
        lambda: edge.interact(_WEB, {"xdm": _VIEW, "data": {"a": 1}}, authenticated=False),
        ordered=True,
    )
    stage.step("raw", lambda: sorted(edge.interact(_WEB, xdm=_VIEW, raw=True)), ordered=True)
    stage.step("dry run", lambda: edge.interact(_WEB, xdm=_VIEW, dry_run=True), ordered=True)
    events = [{"xdm": {**_VIEW, "identityMap": _PERSON}}] * 2
    stage.step("collect", lambda: edge.collect(_WEB, events), ordered=True)
    frame = pd.DataFrame(
        {
            "eventType": ["a", "b", None],
            "web.webPageDetails.name": ["Home", None, "Cart"],
            "timestamp": pd.to_datetime(["2026-01-01"] * 3, utc=True),
            "commerce.order.priceTotal": [1.5, float("nan"), 3.0],
            "data.flag": [True, False, True],
            "identityMap.Email": ["a@example.com", "b@example.com", "c@example.com"],
        }
    )
    stage.step("a frame", lambda: edge.collect(_WEB, frame), ordered=True)
    big = [{"xdm": {"identityMap": _PERSON, "note": 30_000 * "x", "n": n}} for n in range(4)]

    def in_parts() -> pd.DataFrame:
        sent = edge.collect(_WEB, big)
        return sent[["event", "request", "status", "outcome"]]

    stage.step("more than one request holds", lambda: len(in_parts()))
    stage.step("codes", edge.errors)
    stage.step("explain", lambda: edge.explain("EXEG-0503-401"))
    stage.step("as cURL", lambda: edge.as_curl("interact", _WEB, {"xdm": _VIEW}))


@scenario()
def follows_one_visitor(stage: Stage) -> None:
    stage.sign_in(scopes=stage.connection["scopes"])
    visitor = edge.visitor(_WEB, headers={"User-Agent": "Browser/1"})
    stage.step("first", lambda: visitor.interact(xdm=_VIEW), ordered=True)
    stage.step("what it keeps", lambda: {"hint": visitor.hint, "state": sorted(visitor.state)})
    stage.step("second", lambda: visitor.interact(xdm=_VIEW), ordered=True)
    stage.step("events", lambda: visitor.collect([{"xdm": _VIEW}]), ordered=True)
    known = edge.visitor(_WEB, state={"kndctr_0_AdobeOrg_cluster": "irl1"}, authenticated=False)
    stage.step("one from elsewhere", lambda: known.interact(xdm=_VIEW), ordered=True)


@scenario()
def tells_what_the_edge_network_refused(stage: Stage) -> None:
    stage.sign_in(scopes=stage.connection["scopes"])
    event = {"xdm": {**_VIEW, "identityMap": _PERSON}}
    for number, name in enumerate(
        (
            "authenticated only",
            "disabled",
            "no platform",
            "read-only sandbox",
            "upstream down",
            "warning",
        ),
        3,
    ):
        place = f"{_DATASTREAM}{number:02d}"
        authenticated = number != 3
        stage.step(
            name,
            lambda given=place, signed=authenticated: edge.interact(
                given, event, authenticated=signed
            ),
            ordered=True,
        )
    stage.step("collect", lambda: edge.collect(f"{_DATASTREAM}04", [event]), ordered=True)
    stage.step("unknown", lambda: edge.interact(f"{_DATASTREAM}99", event), ordered=True)
    without = {"x-gw-ims-org-id": None}
    stage.step(
        "a header is missing", lambda: edge.interact(_WEB, event, headers=without), ordered=True
    )
    stage.step("no identity", lambda: edge.collect(_WEB, [{"xdm": _VIEW}]))
    stage.step("no event", lambda: edge.interact(_WEB))
    stage.step("no datastream", lambda: edge.interact("web", event))
    stage.fault("lost", "POST /ee/")
    stage.step("an answer is lost", lambda: edge.collect(_WEB, [event]), ordered=True)


# Snapshots


def _told(made: Any) -> dict[str, Any]:
    rows = {table: sum(part.rows for part in made.parts_of(table)) for table in made.tables}
    return {"number": made.number, "rows": rows}


@scenario(changes=True)
def pulls_every_table(stage: Stage) -> None:
    stage.sign_in()
    sites = reactor.properties(filter={"name": ["Magazine", "Event Forwarding"]})
    stage.step("pull", lambda: _told(snapshot.pull(sites, to="tags")))
    for table in snapshot.TABLES:
        stage.step(f"load {table}", lambda name=table: snapshot.load("tags", name))
    stage.step("nothing is new", lambda: _told(snapshot.refresh("tags")))
    stage.step("no difference", lambda: snapshot.changes("tags"))
    stage.step("files", lambda: [_below(each) for each in snapshot.paths("tags", "hosts")])
    events = {"to": "events", "tables": ["properties", "audit_events"]}
    stage.step("audit events", lambda: _told(snapshot.pull(sites.head(1), **events)))


@scenario(changes=True)
def refreshes_and_compares(stage: Stage) -> None:
    stage.sign_in()
    site = reactor.find("properties", "Magazine")
    tables = ["properties", "rules", "rule_components"]
    stage.step("pull all properties", lambda: _told(snapshot.pull(to="tags", tables=tables)))
    rules = reactor.rules(site)
    reactor.rules.update(rules["id"][0], name="Renamed")
    reactor.rules.delete(rules["id"][1])
    reactor.rules.create(site, name="New")
    reactor.properties.create(name="New site", platform="web", domains=["example.com"])
    stage.step("refresh", lambda: _told(snapshot.refresh("tags")))
    stage.step("changes", lambda: snapshot.changes("tags"))
    stage.step("of one table, since the first", lambda: snapshot.changes("tags", "rules", since=1))
    stage.step("as it was", lambda: snapshot.load("tags", "rules", as_of=1))
    stage.step("as it is", lambda: snapshot.load("tags", "rules"))
    query = "SELECT name, enabled, updated_at FROM rules WHERE name LIKE '%e%' ORDER BY id"
    stage.step("sql", lambda: snapshot.sql(query, "tags"))
    stage.step("wrong sql", lambda: snapshot.sql("SELECT nothing FROM nowhere", "tags"))
    shown = ["number", "kind", "properties", "tables", "rows", "service", "organization"]
    stage.step("history", lambda: snapshot.history("tags")[shown])
    stage.step("no such table", lambda: snapshot.load("tags", "nothing"))
    stage.step("no such snapshot", lambda: snapshot.load("tags", "rules", as_of=9))
    stage.step("no folder", lambda: snapshot.load("nowhere", "rules"))


def _below(path: str) -> str:
    return "/".join(Path(path).parts[-4:])


@scenario(*_WRITER, changes=True)
def refreshes_a_large_property(stage: Stage) -> None:
    stage.sign_in()
    site = reactor.find("properties", _GENERATED)
    tables = ["properties", "rules", "data_elements", "extensions"]
    stage.step("pull", lambda: _told(snapshot.pull(site, to="tags", tables=tables)))
    stage.step("nothing is new", lambda: _told(snapshot.refresh("tags")))
    rule = reactor.rules(site, limit=1)
    reactor.rules.update(rule, name="Renamed")
    stage.step("one rule is", lambda: _told(snapshot.refresh("tags")))
    stage.step("changes", lambda: snapshot.changes("tags"))


def _run(stage: Stage, *arguments: str) -> dict[str, Any]:
    """A command; its exit status and output. A help or error text counts as text, which may change."""
    finished = subprocess.run(command(*arguments), capture_output=True, text=True, check=False)
    return {
        "exit": finished.returncode,
        "output": stage.text(finished.stdout).splitlines(),
        "complains": bool(finished.stderr),
    }


@scenario(changes=True)
def pulls_by_the_command_line(stage: Stage) -> None:
    os.environ.update(stage.variables(ADOBE_NB_PROGRESS="off"))
    tables = ("--table", "rules", "--table", "rule_components", "--table", "libraries")
    two = ("--property", "Magazine", "--property", "Checkout", "--concurrency", "2")
    stage.step("two properties", lambda: _run(stage, "pull", "tags", *two, *tables))
    stage.step("refresh, keep one", lambda: _run(stage, "pull", "tags", "--refresh", "--keep", "1"))
    shown = ["number", "kind", "properties", "rows"]
    stage.step("history", lambda: snapshot.history("tags")[shown])


@scenario()
def tells_how_the_command_line_is_used(stage: Stage) -> None:
    stage.step("no credentials", lambda: _run(stage, "pull", "tags"))
    stage.step("unknown command", lambda: _run(stage, "push"))
    stage.step("version", lambda: _run(stage, "--version"))
    stage.step("a wrong fault", lambda: _run(stage, "simulator", "--fault", "nonsense:1"))
    stage.step("the simulator announces itself", lambda: sorted(stage.connection))


@scenario()
def goes_on_with_an_interrupted_pull(stage: Stage) -> None:
    """One list of builds is held, so that all components are stored when the interrupt comes.

    One only: the package sends few requests at once in the beginning, and all of them could be
    held.
    """
    stage.sign_in()
    names = ["Magazine", "Checkout"]
    sites = reactor.properties(filter={"name": names})
    library = reactor.libraries(sites)["id"].iloc[0]
    tables = ["rules", "rule_components", "builds"]
    snapshot.pull(sites, to="whole", tables=tables)
    whole = snapshot.load("whole")
    components = {each.line for each in stage.proxy.arrivals if "/rule_components" in each.line}
    os.environ.update(stage.variables(ADOBE_NB_PROGRESS="off"))
    pull = command("pull", "tags")
    for option, values in (("--property", names), ("--table", tables)):
        pull += [word for value in values for word in (option, value)]
    stage.skip_requests()
    held = stage.fault("hold", f"GET /libraries/{library}/builds", times=1000)
    pulling = subprocess.Popen(pull, stderr=subprocess.DEVNULL)

    def far_enough() -> bool:
        answered = {each.line for each in stage.proxy.arrivals[stage.seen :] if each.status == 200}
        return held.struck > 0 and components <= answered

    stage.proxy.wait_for(far_enough)
    _wait_for_files(Path("tags"), "rule_components", len(names))
    pulling.send_signal(signal.SIGINT)
    began = time.monotonic()
    status = pulling.wait(30)
    soon = time.monotonic() - began < 5
    stage.proxy.released.set()
    stage.proxy.faults.clear()
    first = {each.line for each in stage.proxy.arrivals[stage.seen :]}
    stage.step("interrupted", lambda: {"exit": status, "soon": soon})
    stage.step("no snapshot", lambda: snapshot.load("tags"))
    stage.skip_requests()
    again = subprocess.run(pull, capture_output=True, text=True, check=False)
    second = {each.line for each in stage.proxy.arrivals[stage.seen :]}
    output = stage.text(again.stdout).splitlines()
    stage.step("the same command", lambda: {"exit": again.returncode, "output": output})
    loaded = snapshot.load("tags")
    same = {table: frame.equals(loaded[table]) for table, frame in whole.items()}
    stage.step("it is as one that was not interrupted", lambda: same)
    stage.step("components are asked for again", lambda: bool(components & second))
    stage.step(
        "the builds that were held are", lambda: any(library in line for line in second & first)
    )


def _wait_for_files(folder: Path, table: str, number: int) -> None:
    """Until the parts of a table are on disk: what is stored is not read again."""
    ends = time.monotonic() + 10
    while time.monotonic() < ends:
        if len(list(folder.rglob(f"*{table}*/**/*.parquet"))) >= number:
            return
        time.sleep(0.05)


# Faults


@scenario()
def repeats_what_met_a_fault(stage: Stage) -> None:
    stage.sign_in()
    reactor.companies()
    for title, kind, headers in (
        ("too many requests", "429", {"Retry_After": "0"}),
        ("too many requests, and a pause", "429", {"Retry_After": "0.2"}),
        ("unavailable", "503", {}),
        ("a bad gateway, and a pause", "502", {"Retry_After": "0.1"}),
        ("cut in the middle", "cut", {}),
        ("reset", "reset", {}),
    ):
        stage.fault(kind, "GET /companies", **headers)
        stage.step(title, reactor.companies, ordered=True)
    stage.fault("503", "GET /companies", times=2, Retry_After="0.1")
    stage.step("twice", reactor.companies, ordered=True)
    stage.fault("429", "GET /companies", Retry_After="3600")
    stage.step("too long a pause is an error", reactor.companies, ordered=True)
    stage.fault("503", "POST /ims/token")
    stage.step("on the way to a token", adobe_nb.current().refresh, ordered=True)
    sites = reactor.properties()
    stage.fault(
        "429", "GET /properties/PRcdf4cf7b3653f5a6379dd64dd539cdc2/rules", Retry_After="0.1"
    )
    stage.step("one of many lists", lambda: reactor.rules(sites))


@scenario(*_LARGE)
def refuses_a_list_that_contradicts_itself(stage: Stage) -> None:
    stage.sign_in()
    site = reactor.find("properties", "Magazine")
    large = reactor.find("properties", _GENERATED)
    stage.fault("lie", "GET /properties/.*/rules", times=100)
    stage.step("one page", lambda: reactor.rules(site), ordered=True)
    stage.step("iterate", lambda: list(reactor.rules.iterate(site)), ordered=True)
    stage.proxy.faults.clear()
    stage.fault("lie", "GET /properties/.*/data_elements.*number.=2")
    stage.step("one page of several, once", lambda: reactor.data_elements(large), windows=True)


@scenario(*_LARGE)
def stops_within_a_second_when_interrupted(stage: Stage) -> None:
    stage.sign_in()
    sites = reactor.properties()
    stage.fault("hold", "GET /rules/.*/rule_components", times=1000)
    stopped: list[float] = []

    def interrupt() -> None:
        held = stage.proxy.faults[-1]
        stage.proxy.wait_for(lambda: held.struck >= 3)
        stopped.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    interrupted = False
    try:
        reactor.rule_components(sites)
    except KeyboardInterrupt:
        interrupted = True
    seconds = time.monotonic() - stopped[0]
    stage.proxy.faults.clear()
    stage.proxy.released.set()
    # What was under way may still arrive, so requests are not recorded.
    names = list(reactor.companies()["name"])
    stage.step("interrupted", lambda: {"interrupted": interrupted, "soon": seconds < 2})
    stage.step("the session goes on", lambda: names)


# Notebooks


@scenario()
def shows_the_panel(stage: Stage) -> None:
    os.environ["ADOBE_NB_SIMULATOR"] = stage.proxy.urls["reactor"]
    with Notebook(stage) as notebook:
        notebook.step("panel without a session", "%adobe_auth panel")
        notebook.click("connect", action="connect")
        notebook.click("test", action="test")
        notebook.click("renew", action="renew")
        notebook.click("sign out", action="sign_out")
        typed = {**stage.credentials, "service": "simulator", "action": "sign_in"}
        notebook.click("a wrong secret", **{**typed, "client_secret": "p8e-wrong-1234567890"})
        notebook.click("an unknown scope", **{**typed, "scopes": "AdobeID,nonsense"})
        notebook.click("a secret", **typed)
        notebook.click("save", action="save", save_as="work", in_file="yes")
        token = {"access_token": stage.connection["access_token"], "org_id": typed["org_id"]}
        notebook.click("a token", **token, service="simulator", action="sign_in")
        notebook.click("a profile", action="profile", name="work")
        notebook.click("nothing that there is", action="nothing")


@scenario()
def runs_the_sign_in_magic(stage: Stage) -> None:
    with Notebook(stage) as notebook:
        notebook.step("nobody", "%adobe_auth status")
        notebook.step("no source", "%adobe_auth --env-file nowhere.env")
        os.environ.update(stage.variables())
        notebook.step("sign in", "%adobe_auth")
        notebook.step("status", "%adobe_auth status")
        notebook.step("test", "%adobe_auth test")
        notebook.step("refresh", "%adobe_auth refresh")
        notebook.step("save", "%adobe_auth login --save work --in-file")
        notebook.step("profiles", "%adobe_auth profiles")
        notebook.step("use", "%adobe_auth use work")
        notebook.step("forget", "%adobe_auth forget work")
        notebook.step("logout", "%adobe_auth logout")
        notebook.step("logout again", "%adobe_auth logout")
        notebook.step("unknown", "%adobe_auth nonsense")
        notebook.step("a secret is not typed", "%adobe_auth p8e-1234567890abcdefghij")


@scenario()
def runs_the_reactor_magic(stage: Stage) -> None:
    stage.sign_in()
    with Notebook(stage) as notebook:
        notebook.step("properties", "%reactor properties")
        notebook.step(
            "into a variable",
            '%reactor rules "Web Store US" --filter name "CONTAINS e" --sort -updated_at -o found',
        )
        notebook.variable("found")
        notebook.step(
            "names, quiet", "%reactor rule_components Magazine --names --limit 3 -q -o parts"
        )
        notebook.variable("parts")
        notebook.step("get", "%reactor get PRcdf4cf7b3653f5a6379dd64dd539cdc2")
        notebook.step("unknown type", "%reactor rulez Magazine")
        notebook.step("unknown parent", "%reactor rules Nowhere")
        notebook.step("a frame shows itself", "from adobe_nb import reactor; reactor.companies()")
        notebook.step("error in a cell", "reactor.rules.get('RL')")
