"""Where credentials come from: one function per source. The first complete source wins, never a
mix.

A file is read only when it is named, except ``.env``, which is looked for from the working folder
upward.
"""

import contextlib
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

from adobe_nb.auth import profiles
from adobe_nb.auth.credentials import (
    Candidate,
    Found,
    Given,
    Secret,
    candidate_of,
    credentials_of,
    halves_message,
    sealed,
)
from adobe_nb.auth.files import (
    Variables,
    expanded,
    read_text,
    read_variables,
    warn_if_readable_by_others,
)
from adobe_nb.auth.legacy_jwt import refuse_retired
from adobe_nb.errors import AdobeError, ArgumentError, CredentialsError, IncompleteCredentials
from adobe_nb.suggest import is_misspelled

_NAMES = {
    "ADOBE_CLIENT_ID": "client_id",
    "ADOBE_CLIENT_SECRET": "client_secret",
    "ADOBE_ORG_ID": "org_id",
    "ADOBE_SCOPES": "scopes",
    "ADOBE_ACCESS_TOKEN": "access_token",
    "ADOBE_REACTOR_URL": "reactor_url",
    "ADOBE_IMS_URL": "ims_url",
    "ADOBE_EDGE_URL": "edge_url",
    "ADOBE_EDGE_SERVER_URL": "edge_server_url",
}
_PROFILE = "ADOBE_PROFILE"
SIMULATOR_VARIABLE = "ADOBE_NB_SIMULATOR"
_ENV_WORDS = MappingProxyType({member: name for name, member in _NAMES.items()})
_POSTMAN_NAMES = {
    "API_KEY": "client_id",
    "CLIENT_SECRET": "client_secret",
    "IMS_ORG": "org_id",
    "SCOPES": "scopes",
    "ACCESS_TOKEN": "access_token",
}
# What one credential is called in JSON: by Developer Console, launchpy, aepp and the CLI of Adobe
# I/O, in any case.
_JSON_NAMES = {
    "CLIENT_ID": "client_id",
    "API_KEY": "client_id",
    "ORG_ID": "org_id",
    "IMS_ORG_ID": "org_id",
    "IMS_ORG": "org_id",
    "SCOPES": "scopes",
}
_JSON_SECRETS = ("CLIENT_SECRETS", "CLIENT_SECRET", "SECRET")
# What App Builder writes into the .env of a project.
_APP_BUILDER_NAMES = {
    "IMS_OAUTH_S2S_CLIENT_ID": "client_id",
    "IMS_OAUTH_S2S_CLIENT_SECRET": "client_secret",
    "IMS_OAUTH_S2S_ORG_ID": "org_id",
    "IMS_OAUTH_S2S_SCOPES": "scopes",
}
# Its older form has the name of the credential inside; each _ of a name is written twice.
_CONTEXT = re.compile(
    r"AIO_ims_contexts_(.+?)_(client__id|client__secrets|ims__org__id|scopes)", re.IGNORECASE
)
_CONTEXT_MEMBERS = {
    "client__id": "client_id",
    "client__secrets": "client_secret",
    "ims__org__id": "org_id",
    "scopes": "scopes",
}
_PEER_WORDS = {
    "client_id": "client_id",
    "client_secret": "secret",
    "org_id": "org_id",
    "scopes": "scopes",
}
_SHAPES = {
    "console": ("a download of Developer Console", "console_file"),
    "postman": ("a Postman environment", "postman_file"),
    "peer": ("a configuration of launchpy or aepp", "config_file"),
}


def from_arguments(source: str, **given: Given) -> Candidate:
    """Values handed over by a caller: of ``connect()``, or from the panel."""
    return candidate_of(source, given)


def from_environment(environ: Mapping[str, str]) -> Candidate:
    """The process environment: the ``ADOBE_…`` names only."""
    return candidate_of(
        "environment", _pick(_in_upper_case(environ), _NAMES), _misspelt(environ), words=_ENV_WORDS
    )


def announced_simulator() -> str:
    """The address of the simulator that ``adobe-nb lab``, or somebody, announced; or nothing."""
    return os.environ.get(SIMULATOR_VARIABLE, "").strip()


def from_env_file(path: str | Path) -> Candidate:
    """A ``.env`` file: the ``ADOBE_…`` names, those of Adobe's Postman environment when it has
    ``IMS_ORG``, or those that App Builder writes.

    Nothing is exported and nothing interpolated. Warns when other accounts can read the file.
    Raises CredentialsError when it cannot be read, or describes a retired JWT credential.
    """
    path = _readable(path, "env_file", ".env file")
    return _warned(path, _read_env_file(path))


def from_console_file(path: str | Path) -> Candidate:
    """The JSON that Developer Console offers for download: of a whole project, or of one
    credential.

    Raises CredentialsError for another file, for a retired JWT credential, and when several would
    do.
    """
    path, document = _json_file(path, "console")
    source = f"{path} (Developer Console)"
    project = document.get("project")
    values = (
        _of_project(source, project)
        if isinstance(project, dict)
        else _of_credential(source, document)
    )
    return _warned(path, candidate_of(source, values))


def from_postman_file(path: str | Path) -> Candidate:
    """A Postman environment, exported as JSON, with the names that Adobe's samples use."""
    path, document = _json_file(path, "postman")
    source = f"{path} (Postman)"
    listed = [
        each
        for each in document["values"]
        if isinstance(each, dict) and each.get("enabled", True) is not False
    ]
    texts = {str(each.get("key")).upper(): _given(each.get("value")) or "" for each in listed}
    refuse_retired(source, texts, oauth=bool(texts.get("SCOPES") or texts.get("ACCESS_TOKEN")))
    advice = ""
    if texts.get("CLIENT_SECRET") == "":
        advice = (
            "Postman leaves current values out of an export. Put the client secret into the initial value, export "
            "again, and delete the file afterwards; or use a .env file."
        )
    return _warned(
        path,
        candidate_of(
            source, _pick_postman(texts), words=_in_words_of(_POSTMAN_NAMES), advice=advice
        ),
    )


def from_config_file(path: str | Path, org_id: str | None = None) -> Candidate:
    """The JSON configuration of launchpy or aepp: ``org_id``, ``client_id``, ``secret``,
    ``scopes``, in any case.

    A list of such sets, as launchpy keeps for several organisations, needs ``org_id`` to choose one
    of them. Raises CredentialsError, which lists the organisations, when it does not choose exactly
    one.
    """
    path, document = _json_file(path, "peer")
    source = f"{path} (configuration of launchpy or aepp)"
    if isinstance(document, list):
        document = _chosen(source, document, org_id)
    values = _of_credential(source, document)
    if org_id is not None and values.get("org_id") not in {None, org_id}:
        raise CredentialsError(f"{source} is for {values.get('org_id')}, not for {org_id}.")
    if str(document.get("environment") or "prod").lower() not in {"prod", "production"}:
        raise CredentialsError(
            f"{source} is for another environment of Adobe than production, which is not served here."
        )
    return _warned(path, candidate_of(source, values, words={**_in_words_of({}), **_PEER_WORDS}))


def _chosen(source: str, entries: "list[dict[str, Any]]", org_id: str | None) -> dict[str, Any]:
    """The set of that organisation; the only one when no organisation is named."""
    matching = [
        each for each in entries if org_id is None or _of_json(each).get("org_id") == org_id
    ]
    if len(matching) == 1:
        return matching[0]
    organisations = []
    for each in entries:
        name = _text(each.get("org_name"))
        organisations.append(f"{_of_json(each).get('org_id')}{f' ({name})' if name else ''}")
    problem = f"has credentials of {len(entries)} organisations"
    if org_id is not None:
        problem = f"has {len(matching) or 'no'} sets of credentials of {org_id}"
    raise CredentialsError(
        f"{source} {problem}; there are: {', '.join(organisations)}. Choose one: "
        "connect(config_file=…, org_id=…), %adobe_auth --config-file FILE --org-id ID."
    )


def _warned(path: Path, candidate: Candidate) -> Candidate:
    """The candidate; warns when its file has secrets and other accounts can read it."""
    if candidate.secrets:
        warn_if_readable_by_others(path)
    return candidate


def from_profile(name: str, store: "profiles.Store | None" = None) -> Candidate:
    """A profile that was saved on this machine. Raises CredentialsError when there is none of that
    name.
    """
    return (store or profiles.Store()).candidate(name)


def from_document(source: str, document: Mapping[str, object]) -> Candidate:
    """The connection details that a simulator gives (``adobe-nb simulator --json``)."""
    values = {name: value for name, value in document.items() if isinstance(value, (str, list))}
    values.pop("access_token", None)  # its client secret lasts longer
    return candidate_of(source, values)


def find(
    environ: Mapping[str, str] | None = None,
    start: Path | None = None,
    store: "profiles.Store | None" = None,
) -> Found | None:
    """The first complete source: environment, ``.env``, active profile. None when no source has
    anything.

    Raises IncompleteCredentials when there are halves only, CredentialsError when a source that is
    there fails. What comes after a complete source is named, not opened: a keyring could ask its
    question.
    """
    environ = os.environ if environ is None else environ
    candidates = [from_environment(environ)]
    wanted = _in_upper_case(environ).get(_PROFILE, "").strip()
    del (
        environ
    )  # what may raise below must not have the whole environment among its local variables
    passed_by: list[str] = []
    shadowed: list[str] = []
    path = nearest_env_file(start, passed_by)
    if path is not None:
        wanted = wanted or _profile_named_in(path)
        try:
            candidates.append(from_env_file(path))
        except AdobeError as error:
            if candidates[0].missing:
                raise
            shadowed.append(f"{path} (cannot be used: {error})")
    store = store or profiles.Store()
    if all(each.missing for each in candidates):
        if name := wanted or store.active:
            candidates.append(store.candidate(name))
    else:
        with contextlib.suppress(AdobeError):  # what would be wrong with it does not matter now
            shadowed += [f"profile {name}" for name in (wanted or store.active,) if name]
    return _first_of(candidates, shadowed, passed_by)


def _first_of(
    candidates: list[Candidate], shadowed: list[str], passed_by: list[str]
) -> Found | None:
    """The first complete one with what it shadows. Raises IncompleteCredentials when there are
    halves only.
    """
    halves = [each for each in candidates if each.missing and not each.empty]
    complete = [each for each in candidates if not each.missing]
    if complete:
        later = [each.source for each in complete[1:]]
        incomplete = [each.describe() for each in halves]
        return Found(credentials_of(complete[0]), (*later, *shadowed), (*incomplete, *passed_by))
    if halves:
        raise IncompleteCredentials(" ".join((halves_message(halves), *passed_by)))
    if passed_by:
        raise IncompleteCredentials(f"No credentials were found. {' '.join(passed_by)}")
    return None


def nearest_env_file(start: Path | None, passed_by: list[str]) -> Path | None:
    """The first ``.env`` from that folder, or the working folder, upward that names any of ours.

    Unreadable ones are told to ``passed_by``.
    """
    if start is None:
        try:
            start = Path.cwd()
        except OSError:  # the folder was deleted, or may not be read
            return None
    for folder in (start, *start.parents):
        path = folder / ".env"
        if not os.path.isfile(path):  # noqa: PTH113 - false for a folder that may not be entered; Path.is_file raises
            continue
        if problem := _unreadable(path, ".env file"):
            passed_by.append(f"{path} {problem}; it was passed by.")
        elif _names_any_of_ours(path):
            return path
    return None


def _names_any_of_ours(path: Path) -> bool:
    variables = _variables(path)
    names = _in_upper_case(variables.values).keys()
    ours = names & {*_NAMES, *_APP_BUILDER_NAMES, "IMS_ORG", _PROFILE}
    return bool(ours or variables.unread or any(_CONTEXT.fullmatch(name) for name in names))


def _profile_named_in(path: Path) -> str:
    return (_in_upper_case(_variables(path).values).get(_PROFILE) or "").strip()


def _variables(path: Path) -> Variables:
    return read_variables(
        read_text(path), (*_NAMES, _PROFILE, *_POSTMAN_NAMES, *_APP_BUILDER_NAMES)
    )


def _in_upper_case(values: "Mapping[str, Any]") -> "dict[str, Any]":
    """With our names in upper case; a name that stands there in upper case counts before another
    spelling.
    """
    ours = {*_NAMES, _PROFILE, *_POSTMAN_NAMES, *_APP_BUILDER_NAMES, "IMS"}
    spelt = {name.upper(): value for name, value in values.items() if name.upper() in ours}
    return {**spelt, **values}


def _read_env_file(path: Path) -> Candidate:
    """Namings in one file are sets of their own: they may belong to several projects, and are not
    joined.
    """
    variables = _variables(path)
    unread = variables.unread
    values = _in_upper_case(variables.values)
    del variables
    texts = {name: _kept(name, value) for name, value in values.items()}
    del values  # what may raise below has no secret among its local variables
    own = candidate_of(
        str(path), _pick(texts, _NAMES), _misspelt(texts), words=_ENV_WORDS, unread=unread
    )
    prefixed = {
        name.removeprefix("ADOBE_"): value
        for name, value in texts.items()
        if name.startswith("ADOBE_")
    }
    old = any(name.replace("_", "").upper() in {"METASCOPE", "METASCOPES"} for name in prefixed)
    fine = bool(texts.get("ADOBE_SCOPES") or texts.get("ADOBE_ACCESS_TOKEN") or texts.get(_PROFILE))
    refuse_retired(str(path), prefixed, oauth=fine or (not own.missing and not old))
    if not own.missing:
        return own
    for other in _of_other_tools(path, texts):
        if own.empty or not other.missing:
            return other
    return own


def _kept(name: str, value: str | None) -> "str | Secret":
    """The value where the name is one of ours; of other names only whether there is a value."""
    if (
        name.startswith("ADOBE")
        or name in {*_POSTMAN_NAMES, *_APP_BUILDER_NAMES, "IMS"}
        or _CONTEXT.match(name)
    ):
        return _text(sealed(name, value)) or ""
    return "yes" if value else ""


def _of_other_tools(path: Path, texts: "Mapping[str, str | Secret]") -> list[Candidate]:
    """The sets in a ``.env`` that has the names of Adobe's Postman environment, or of App Builder."""
    candidates = []
    if "IMS_ORG" in texts:
        refuse_retired(
            str(path), texts, oauth=bool(texts.get("SCOPES") or texts.get("ACCESS_TOKEN"))
        )
        candidates.append(
            candidate_of(str(path), _pick_postman(texts), words=_in_words_of(_POSTMAN_NAMES))
        )
    app_builder = candidate_of(
        str(path), _pick(texts, _APP_BUILDER_NAMES), words=_in_words_of(_APP_BUILDER_NAMES)
    )
    if not app_builder.empty:
        candidates.append(app_builder)
    contexts: dict[str, dict[str, Given]] = {}
    for name, value in texts.items():
        if match := _CONTEXT.fullmatch(name):
            contexts.setdefault(match[1], {})[_CONTEXT_MEMBERS[match[2].lower()]] = value
    whole = [each for each in contexts.values() if each.get("client_secret")]
    if len(whole) > 1 and not any(not each.missing for each in candidates):
        raise CredentialsError(
            f"{path} has {len(whole)} credentials of App Builder: {', '.join(sorted(contexts))}. Copy the one that you "
            "want into ADOBE_CLIENT_ID, ADOBE_CLIENT_SECRET and ADOBE_ORG_ID."
        )
    if whole:
        candidates.append(candidate_of(f"{path} (App Builder)", whole[0]))
    return candidates


def _of_project(source: str, project: Mapping[str, Any]) -> dict[str, Given]:
    """The OAuth Server-to-Server credential of a downloaded project."""
    credentials = _credentials_in(project)
    members = [credential.get("oauth_server_to_server") for credential in credentials]
    oauth = [member for member in members if isinstance(member, dict)]
    if len(oauth) > 1:
        raise CredentialsError(
            f"{source} has {len(oauth)} OAuth Server-to-Server credentials. Download the one that you want from its "
            "own page in Developer Console, or use a .env file."
        )
    if not oauth:
        _refuse_without_oauth(source, credentials)
    org = project.get("org")
    values = _of_json(oauth[0])
    values["org_id"] = _text(org.get("ims_org_id")) if isinstance(org, dict) else None
    return values


def _credentials_in(project: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The credentials of a downloaded project, of whatever kind."""
    workspace = project.get("workspace")
    details = workspace.get("details") if isinstance(workspace, dict) else None
    credentials = details.get("credentials") if isinstance(details, dict) else None
    if not isinstance(credentials, list):
        return []
    return [credential for credential in credentials if isinstance(credential, dict)]


def _refuse_without_oauth(source: str, credentials: Sequence[Mapping[str, Any]]) -> NoReturn:
    """Say what the project has instead."""
    for credential in credentials:
        if isinstance(credential.get("jwt"), dict):
            refuse_retired(source, {"jwt": True, **credential["jwt"]}, oauth=False)
    kinds = {str(credential.get("integration_type")) for credential in credentials}
    if "oauth_server_to_server" in kinds:
        raise CredentialsError(
            f"{source} is the .aio file of an App Builder project, which holds no secrets. They are in the .env "
            "file beside it: env_file= (--env-file)."
        )
    raise CredentialsError(
        f"{source} has no OAuth Server-to-Server credential (found: {', '.join(sorted(kinds)) or 'none'}). Add one to "
        "the project: Add to project > API > Experience Platform Launch API."
    )


def _of_credential(source: str, document: Mapping[str, Any]) -> dict[str, Given]:
    """The values of one credential. Raises RetiredCredentials when it is of the retired method."""
    values = _of_json(document)
    scopes = str(values.get("scopes") or "")
    retired = "/s/ent_" in scopes or bool(document.get("tech_id") and not scopes)
    if retired:
        refuse_retired(source, {"jwt": True, **document}, oauth=False)
    refuse_retired(source, document, oauth=bool(scopes))
    return values


def _of_json(credential: Mapping[str, Any]) -> dict[str, Given]:
    """What a JSON object says of one credential, whatever the case of its names."""
    spelt = {str(name).upper(): value for name, value in credential.items()}
    values: dict[str, Given] = {}
    for name, member in _JSON_NAMES.items():
        if spelt.get(name) and member not in values:
            values[member] = _given(spelt[name])
    secrets: list[object] = []
    for name in _JSON_SECRETS:
        value = _given(spelt.get(name))
        secrets += value if isinstance(value, list) else [value]
    values["client_secret"] = secrets
    return values


def _text(value: object) -> "str | Secret | None":
    return value if isinstance(value, (str, Secret)) else None


def _given(value: object) -> "str | Secret | list[object] | None":
    """A text or a list: scopes can be one, and the client secrets while one replaces the other."""
    return value if isinstance(value, (str, Secret, list)) else None


def _seal(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """For the JSON reader: what sounds secret is hidden before anything can fail. Postman has key
    and value.
    """
    found = {name: sealed(name, value) for name, value in pairs}
    if "key" in found and "value" in found:
        found["value"] = sealed(str(found["key"]), found["value"])
    return found


def _json_file(path: str | Path, wanted: str) -> tuple[Path, Any]:
    """A JSON file of the shape that was asked for. Raises CredentialsError; never quotes the file."""
    what, argument = _SHAPES[wanted]
    path = _readable(path, argument, "JSON file")
    document: object = None
    with contextlib.suppress(ValueError, RecursionError):
        document = json.loads(read_text(path), object_pairs_hook=_seal)
    shapes = _shapes(document)
    if not shapes:
        raise CredentialsError(f"{path} is not {what}. Compare it with docs/how-to/sign-in.md.")
    if wanted not in shapes:
        real, other = _SHAPES[shapes[0]]
        raise CredentialsError(
            f"{path} is not {what}, but {real}. Name it as such: {other}= (--{_option(other)})."
        )
    return path, document


def _option(argument: str) -> str:
    return argument.replace("_", "-")


def _shapes(document: object) -> tuple[str, ...]:
    """What a document can be. One credential looks alike in a download and in a configuration of
    other tools.
    """
    if isinstance(document, list):
        return ("peer",) if document and all(_is_credential(each) for each in document) else ()
    if not isinstance(document, dict):
        return ()
    if isinstance(document.get("values"), list):
        return ("postman",)
    if isinstance(document.get("project"), dict):
        return ("console",)
    return ("console", "peer") if _is_credential(document) else ()


def _is_credential(document: object) -> bool:
    return isinstance(document, dict) and bool(
        {str(name).upper() for name in document} & {*_JSON_NAMES, *_JSON_SECRETS}
    )


def _pick(texts: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Given]:
    return {member: texts[name] for name, member in names.items() if name in texts}


def _pick_postman(texts: Mapping[str, Any]) -> dict[str, Given]:
    picked = _pick(texts, _POSTMAN_NAMES)
    if host := str(texts.get("IMS") or ""):
        picked["ims_url"] = host if "://" in host else f"https://{host}"
    return picked


def _in_words_of(names: Mapping[str, str]) -> Mapping[str, str]:
    """A source's own names, and the common words for what it has no name for."""
    return {"access_token": "access token", **{member: name for name, member in names.items()}}


def _misspelt(names: Iterable[str]) -> tuple[str, ...]:
    known = {*_NAMES, _PROFILE}
    return tuple(
        name
        for name in names
        if name.upper() not in known
        and name.upper().startswith("ADOBE")
        and is_misspelled(name.upper(), _NAMES)
    )


def _readable(path: object, argument: str, what: str) -> Path:
    if not isinstance(path, (str, Path)):
        raise CredentialsError(f"{argument} is the path of a file, not a {type(path).__name__}.")
    try:
        path = expanded(path)
    except ArgumentError as error:
        raise CredentialsError(str(error)) from None
    problem = _unreadable(path, what)
    if problem:
        raise CredentialsError(f"{path} {problem}.")
    return path


def _unreadable(path: Path, what: str) -> str:
    if not os.path.exists(path):  # noqa: PTH110 - false for a folder that may not be entered; Path.exists raises
        return f"does not exist. Give the path of your {what}"
    if not path.is_file():
        return f"is not a file. Give the path of your {what}"
    try:
        read_text(path)
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        return f"is not a text file in UTF-8 or UTF-16 (line {line}). Save it as UTF-8"
    return ""
