"""Where credentials come from: one function per source. The first complete source wins, never a mix.

A file is read only when it is named, except ``.env``, which is looked for from the working folder upward.
"""

import contextlib
import difflib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from dotenv import dotenv_values

from adobe_nb.auth import profiles
from adobe_nb.auth.credentials import (
    Candidate,
    Found,
    Secret,
    candidate_of,
    credentials_of,
    halves_message,
    sealed,
)
from adobe_nb.auth.modes import warn_if_readable_by_others
from adobe_nb.auth.retired import refuse_retired
from adobe_nb.errors import AdobeError, CredentialsError, IncompleteCredentials

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
_ENV_WORDS = MappingProxyType({member: name for name, member in _NAMES.items()})
_POSTMAN_NAMES = {
    "API_KEY": "client_id",
    "CLIENT_SECRET": "client_secret",
    "IMS_ORG": "org_id",
    "SCOPES": "scopes",
    "ACCESS_TOKEN": "access_token",
}
# What the download of one credential calls its values.
_CONSOLE_NAMES = {
    "CLIENT_ID": "client_id",
    "API_KEY": "client_id",
    "CLIENT_SECRET": "client_secret",
    "ORG_ID": "org_id",
    "SCOPES": "scopes",
}
_PEER_NAMES = {"client_id": "client_id", "secret": "client_secret", "org_id": "org_id", "scopes": "scopes"}
_SHAPES = {
    "console": ("a download of Developer Console", "console_file"),
    "postman": ("a Postman environment", "postman_file"),
    "peer": ("a configuration of launchpy or aepp", "config_file"),
}


def from_arguments(source: str, **given: "str | Secret | None") -> Candidate:
    """Values handed over by a caller: of ``connect()``, or from the panel."""
    return candidate_of(source, given)


def from_environment(environ: Mapping[str, str]) -> Candidate:
    """The process environment: the ``ADOBE_…`` names only."""
    return candidate_of("environment", _pick(environ, _NAMES), _misspelt(environ), words=_ENV_WORDS)


def from_env_file(path: str | Path) -> Candidate:
    """A ``.env`` file: the ``ADOBE_…`` names, or those of Adobe's Postman environment when it has ``IMS_ORG``.

    Nothing is exported and nothing interpolated. Warns when other accounts can read the file. Raises
    CredentialsError when it cannot be read, or describes a retired JWT credential.
    """
    path = _readable(path, "env_file", ".env file")
    return _warned(path, _read_env_file(path))


def from_console_file(path: str | Path) -> Candidate:
    """The JSON that Developer Console offers for download: of a whole project, or of one credential.

    Raises CredentialsError for another file, for a retired JWT credential, and when several would do.
    """
    path, document = _json_file(path, "console")
    source = f"{path} (Developer Console)"
    project = document.get("project")
    if isinstance(project, dict):
        values = _of_project(source, project)
    else:
        refuse_retired(source, document, oauth=bool(document.get("SCOPES") or document.get("scopes")))
        values = _of_download(document)
    return _warned(path, candidate_of(source, values))


def from_postman_file(path: str | Path) -> Candidate:
    """A Postman environment, exported as JSON, with the names that Adobe's samples use."""
    path, document = _json_file(path, "postman")
    source = f"{path} (Postman)"
    listed = [each for each in document["values"] if isinstance(each, dict) and each.get("enabled", True) is not False]
    texts = {str(each.get("key")).upper(): _text(each.get("value")) or "" for each in listed}
    refuse_retired(source, texts, oauth=bool(texts.get("SCOPES") or texts.get("ACCESS_TOKEN")))
    advice = ""
    if texts.get("CLIENT_SECRET") == "":
        advice = (
            "Postman leaves current values out of an export. Put the client secret into the initial value, export "
            "again, and delete the file afterwards; or use a .env file."
        )
    return _warned(path, candidate_of(source, _pick_postman(texts), words=_in_words_of(_POSTMAN_NAMES), advice=advice))


def from_config_file(path: str | Path) -> Candidate:
    """The JSON configuration of launchpy or aepp: ``org_id``, ``client_id``, ``secret``, ``scopes``."""
    path, document = _json_file(path, "peer")
    source = f"{path} (configuration of launchpy or aepp)"
    scopes = str(_scopes_text(document.get("scopes")) or "")
    if "/s/ent_" in scopes or (document.get("tech_id") and not scopes):
        refuse_retired(source, {"jwt": True, **document}, oauth=False)
    refuse_retired(source, document, oauth=bool(scopes))
    if str(document.get("environment") or "prod").lower() not in {"prod", "production"}:
        raise CredentialsError(
            f"{source} is for another environment of Adobe than production, which is not served here."
        )
    values = {member: _text(document.get(name)) for name, member in _PEER_NAMES.items()} | {"scopes": scopes or None}
    return _warned(path, candidate_of(source, values, words=_in_words_of(_PEER_NAMES)))


def _warned(path: Path, candidate: Candidate) -> Candidate:
    """The candidate; warns when its file has secrets and other accounts can read it."""
    if candidate.secrets:
        warn_if_readable_by_others(path)
    return candidate


def from_profile(name: str, store: "profiles.Store | None" = None) -> Candidate:
    """A profile that was saved on this machine. Raises CredentialsError when there is none of that name."""
    return (store or profiles.Store()).candidate(name)


def from_document(source: str, document: Mapping[str, object]) -> Candidate:
    """The connection details that a simulator gives (``adobe-nb simulator --json``)."""
    texts = {name: str(value) for name, value in document.items() if isinstance(value, str)}
    texts.pop("access_token", None)  # its client secret lasts longer
    return candidate_of(source, texts)


def find(
    environ: Mapping[str, str] | None = None, start: Path | None = None, store: "profiles.Store | None" = None
) -> Found | None:
    """The first complete source: environment, ``.env``, active profile. None when no source has anything.

    Raises IncompleteCredentials when there are halves only, CredentialsError when a source that is there fails. What
    comes after a complete source is named, not opened: a keyring could ask its question.
    """
    environ = os.environ if environ is None else environ
    environment, wanted = from_environment(environ), environ.get(_PROFILE, "").strip()
    del environ  # what may raise below must not have the whole environment among its local variables
    start = start or _here()
    passed_by: list[str] = []
    path = nearest_env_file(start, passed_by) if start is not None else None
    if path is not None:
        named = dotenv_values(path, interpolate=False, encoding="utf-8-sig").get(_PROFILE) or ""
        wanted = wanted or named.strip()
    store = store or profiles.Store()
    search = _Search()
    search.look("environment", lambda: environment)
    if path is not None:
        search.look(str(path), lambda: from_env_file(path))
    if search.winner is None:
        if name := wanted or store.active:
            search.look(f"profile {name}", lambda: store.candidate(name))
    else:
        with contextlib.suppress(AdobeError):  # what would be wrong with it does not matter now
            search.shadowed += [f"profile {name}" for name in (wanted or store.active,) if name]
    return search.outcome(passed_by)


@dataclass(slots=True)
class _Search:
    """Sources, one after the other; the first complete one wins."""

    winner: Candidate | None = None
    shadowed: list[str] = field(default_factory=list)
    halves: list[Candidate] = field(default_factory=list)

    def look(self, label: str, opened: Callable[[], Candidate]) -> None:
        """Open a source. One that fails ends the search, unless there is a winner already."""
        try:
            candidate = opened()
        except AdobeError as error:
            if self.winner is None:
                raise
            self.shadowed.append(f"{label} (cannot be used: {error})")
            return
        if candidate.empty:
            return
        if candidate.missing:
            self.halves.append(candidate)
        elif self.winner is None:
            self.winner = candidate
        else:
            self.shadowed.append(candidate.source)

    def outcome(self, passed_by: list[str]) -> Found | None:
        """The winner with what it shadows. Raises IncompleteCredentials when there are halves only."""
        if self.winner is not None:
            halves = (each.describe() for each in self.halves)
            return Found(credentials_of(self.winner), tuple(self.shadowed), (*halves, *passed_by))
        if self.halves:
            raise IncompleteCredentials(" ".join((halves_message(self.halves), *passed_by)))
        if passed_by:
            raise IncompleteCredentials(f"No credentials were found. {' '.join(passed_by)}")
        return None


def nearest_env_file(start: Path, passed_by: list[str] | None = None) -> Path | None:
    """The first ``.env`` from that folder upward that names any of ours; unreadable ones are told to ``passed_by``."""
    for folder in (start, *start.parents):
        path = folder / ".env"
        if not path.is_file():
            continue
        if problem := _unreadable(path, ".env file"):
            if passed_by is not None:
                passed_by.append(f"{path} {problem}; it was passed by.")
            continue
        names = dotenv_values(path, interpolate=False, encoding="utf-8-sig").keys()
        if names & _NAMES.keys() or "IMS_ORG" in names or _PROFILE in names:
            return path
    return None


def _here() -> Path | None:
    try:
        return Path.cwd()
    except FileNotFoundError:  # the folder was deleted
        return None


def _read_env_file(path: Path) -> Candidate:
    """Two namings in one file are two sets: they may belong to two projects, and are not joined."""
    values = dotenv_values(path, interpolate=False, encoding="utf-8-sig")
    ours = {name for name in values if name.startswith("ADOBE") or name in _POSTMAN_NAMES or name == "IMS"}
    texts = {name: _text(sealed(name, value)) or "" for name, value in values.items() if name in ours}
    # Of others only whether there is something: what may raise below has no secret among its local variables.
    texts |= {name: "yes" for name, value in values.items() if name not in ours and value}
    del values
    own = candidate_of(str(path), _pick(texts, _NAMES), _misspelt(texts), words=_ENV_WORDS)
    prefixed = {name.removeprefix("ADOBE_"): value for name, value in texts.items() if name.startswith("ADOBE_")}
    old = any(name.replace("_", "").upper() in {"METASCOPE", "METASCOPES"} for name in prefixed)
    fine = bool(texts.get("ADOBE_SCOPES") or texts.get("ADOBE_ACCESS_TOKEN") or texts.get(_PROFILE))
    refuse_retired(str(path), prefixed, oauth=fine or (not own.missing and not old))
    if "IMS_ORG" not in texts or not own.missing:
        return own
    refuse_retired(str(path), texts, oauth=bool(texts.get("SCOPES") or texts.get("ACCESS_TOKEN")))
    postman = candidate_of(str(path), _pick_postman(texts), words=_in_words_of(_POSTMAN_NAMES))
    return postman if own.empty or not postman.missing else own


def _of_project(source: str, project: Mapping[str, Any]) -> "dict[str, str | Secret | None]":
    """The OAuth Server-to-Server credential of a downloaded project."""
    workspace = project.get("workspace")
    details = workspace.get("details") if isinstance(workspace, dict) else None
    listed = details.get("credentials") if isinstance(details, dict) else None
    found = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    oauth = [each["oauth_server_to_server"] for each in found if isinstance(each.get("oauth_server_to_server"), dict)]
    if len(oauth) > 1:
        raise CredentialsError(
            f"{source} has {len(oauth)} OAuth Server-to-Server credentials. Download the one that you want from its "
            "own page in Developer Console, or use a .env file."
        )
    if not oauth:
        service = next((each["jwt"] for each in found if isinstance(each.get("jwt"), dict)), None)
        if service is not None:
            refuse_retired(source, {"jwt": True, **service}, oauth=False)
        kinds = ", ".join(sorted({str(each.get("integration_type")) for each in found})) or "none"
        raise CredentialsError(
            f"{source} has no OAuth Server-to-Server credential (found: {kinds}). Add one to the project: Add to "
            "project > API > Experience Platform Launch API."
        )
    org = project.get("org")
    return {
        "client_id": _text(oauth[0].get("client_id")),
        "client_secret": _text(oauth[0].get("client_secrets")),
        "scopes": _scopes_text(oauth[0].get("scopes")),
        "org_id": _text(org.get("ims_org_id")) if isinstance(org, dict) else None,
    }


def _of_download(document: Mapping[str, Any]) -> "dict[str, str | Secret | None]":
    texts = {str(name).upper(): value for name, value in document.items()}
    values: dict[str, str | Secret | None] = {}
    values |= {member: _text(texts[name]) for name, member in _CONSOLE_NAMES.items() if texts.get(name)}
    if texts.get("CLIENT_SECRETS"):
        values["client_secret"] = _text(texts["CLIENT_SECRETS"])
    if texts.get("SCOPES"):
        values["scopes"] = _scopes_text(texts["SCOPES"])
    return values


def _text(value: object) -> "str | Secret | None":
    """A text, or the first of a list of texts: a credential can have two secrets while one replaces the other."""
    if isinstance(value, list):
        value = value[0] if value else None
    return value if isinstance(value, (str, Secret)) else None


def _scopes_text(value: object) -> "str | Secret | None":
    return ",".join(map(str, value)) if isinstance(value, list) else _text(value)


def _seal(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """For the JSON reader: what sounds secret is hidden before anything can fail. Postman has key and value."""
    found = {name: sealed(name, value) for name, value in pairs}
    if "key" in found and "value" in found:
        found["value"] = sealed(str(found["key"]), found["value"])
    return found


def _json_file(path: str | Path, wanted: str) -> tuple[Path, dict[str, Any]]:
    """A JSON file of the shape that was asked for. Raises CredentialsError; never quotes the file."""
    what, argument = _SHAPES[wanted]
    path = _readable(path, argument, "JSON file")
    document: object = None
    with contextlib.suppress(ValueError, RecursionError):
        document = json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=_seal)
    shape = _shape(document)
    if not isinstance(document, dict) or shape is None:
        raise CredentialsError(f"{path} is not {what}. Compare it with docs/how-to/sign-in.md.")
    if shape != wanted:
        real, other = _SHAPES[shape]
        raise CredentialsError(f"{path} is not {what}, but {real}. Name it as such: {other}= (--{_option(other)}).")
    return path, document


def _option(argument: str) -> str:
    return argument.replace("_", "-")


def _shape(document: object) -> str | None:
    if not isinstance(document, dict):
        return None
    names = {str(name) for name in document}
    if "client_secrets" in names:
        return "console"
    if isinstance(document.get("values"), list):
        return "postman"
    if isinstance(document.get("project"), dict) or {"ORG_ID", "CLIENT_SECRETS", "CLIENT_SECRET"} & names:
        return "console"
    return "peer" if {"org_id", "client_id", "secret"} & names else None


def _pick(texts: "Mapping[str, str | Secret]", names: Mapping[str, str]) -> "dict[str, str | Secret | None]":
    return {member: texts[name] for name, member in names.items() if name in texts}


def _pick_postman(texts: "Mapping[str, str | Secret]") -> "dict[str, str | Secret | None]":
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
        if name not in known and name.startswith("ADOBE") and difflib.get_close_matches(name, _NAMES, 1, 0.85)
    )


def _readable(path: object, argument: str, what: str) -> Path:
    if not isinstance(path, (str, Path)):
        raise CredentialsError(f"{argument} is the path of a file, not a {type(path).__name__}.")
    path = Path(path).expanduser()
    problem = _unreadable(path, what)
    if problem:
        raise CredentialsError(f"{path} {problem}.")
    return path


def _unreadable(path: Path, what: str) -> str:
    if not path.exists():
        return f"does not exist. Give the path of your {what}"
    if not path.is_file():
        return f"is not a file. Give the path of your {what}"
    try:
        path.read_text(encoding="utf-8-sig")
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    except UnicodeDecodeError:
        return "is not a text file in UTF-8. Save it as UTF-8"
    return ""
