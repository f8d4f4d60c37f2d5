"""Where credentials come from: one function per source. The first complete source wins.

Two sources are never mixed. A file is read only when it is named, except ``.env``, which is
searched in the working folder and its parents.
"""

import contextlib
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any, NoReturn

from adobe_nb.auth.credentials import (
    SECRET_NAMES,
    VALUE_NAMES,
    Candidate,
    ResolvedCredentials,
    Secret,
    candidate_of,
    check_organization_id,
    credentials_of,
    incomplete_message,
    is_organization_id,
    may_be_secret,
    sealed,
)
from adobe_nb.auth.files import read_text, read_variables, warn_if_readable_by_others
from adobe_nb.auth.legacy_jwt import refuse_retired
from adobe_nb.auth.profiles import ProfileStore
from adobe_nb.errors import AdobeError, CredentialsError, IncompleteCredentials
from adobe_nb.suggest import is_misspelled

SIMULATOR_VARIABLE = "ADOBE_NB_SIMULATOR"
_PROFILE = "ADOBE_PROFILE"
ENV_NAMES = {f"ADOBE_{name.upper()}": name for name in (*SECRET_NAMES, *VALUE_NAMES)}
"""What the environment, ``.env`` files and secret stores call a value, and what we call it."""
# The same for files of other tools.
_POSTMAN_NAMES = {
    "API_KEY": "client_id",
    "CLIENT_SECRET": "client_secret",
    "IMS_ORG": "org_id",
    "SCOPES": "scopes",
    "ACCESS_TOKEN": "access_token",
    "IMS": "ims_url",
}
_APP_BUILDER_NAMES = {
    "IMS_OAUTH_S2S_CLIENT_ID": "client_id",
    "IMS_OAUTH_S2S_CLIENT_SECRET": "client_secret",
    "IMS_OAUTH_S2S_ORG_ID": "org_id",
    "IMS_OAUTH_S2S_SCOPES": "scopes",
}
# In JSON, in any case: Developer Console, launchpy, aepp and the command line of Cloud Manager.
_JSON_NAMES = {
    "CLIENT_ID": "client_id",
    "API_KEY": "client_id",
    "ORG_ID": "org_id",
    "IMS_ORG_ID": "org_id",
    "IMS_ORG": "org_id",
    "SCOPES": "scopes",
    "CLIENT_SECRETS": "client_secret",
    "CLIENT_SECRET": "client_secret",
    "SECRET": "client_secret",
}
_CONFIG_LABELS = {"client_id": "client_id", "client_secret": "secret", "org_id": "org_id"}
# The older form of App Builder: the credential's name is inside, and each _ of a name is doubled.
_CONTEXT = re.compile(
    r"AIO_ims_contexts_(.+?)_(client__id|client__secrets|ims__org__id|scopes)", re.IGNORECASE
)
_TYPE_NAME = re.compile("[A-Za-z_]{1,40}")
_METASCOPES = re.compile("meta_?scopes?", re.IGNORECASE)
_OUR_NAMES = {*ENV_NAMES, _PROFILE, *_POSTMAN_NAMES, *_APP_BUILDER_NAMES}
_FILES = {
    "console_file": "a Developer Console download",
    "postman_file": "a Postman environment",
    "config_file": "a configuration of launchpy or aepp",
}


@dataclass(frozen=True, slots=True)
class _EnvFile:
    """A ``.env`` file: its secrets are hidden, and values of other programs are left out."""

    path: Path
    values: Mapping[str, object]
    unread: tuple[str, ...]

    @property
    def has_our_names(self) -> bool:
        """Whether it has a name that only we, App Builder or Adobe's Postman environment use."""
        own = {*ENV_NAMES, _PROFILE, *_APP_BUILDER_NAMES, "IMS_ORG"}
        return bool(
            own & self.values.keys() or self.unread or any(map(_CONTEXT.fullmatch, self.values))
        )

    @property
    def profile(self) -> str:
        """The profile that it names, or nothing."""
        return str(self.values.get(_PROFILE, ""))

    def candidate(self) -> Candidate:
        """Return what it offers. Each set of names is a source of its own and is not mixed."""
        source = str(self.path)
        own = _candidate(
            source,
            self.values,
            ENV_NAMES,
            misspelled=_misspelled(self.values),
            unread=self.unread,
        )
        self._refuse_retired(own)
        candidate = own
        if own.missing:
            for other in self._of_other_tools():
                if own.empty or not other.missing:
                    candidate = other
                    break
        return _warned(self.path, candidate)

    def _refuse_retired(self, own: Candidate) -> None:
        """Refuse a retired credential under our names; an old key beside a new set is harmless."""
        values = {}
        for name, value in self.values.items():
            if name.startswith("ADOBE_"):
                values[name.removeprefix("ADOBE_")] = value
        is_new = any(map(values.get, ("SCOPES", "ACCESS_TOKEN", "PROFILE")))
        is_complete = not own.missing and not any(map(_METASCOPES.fullmatch, values))
        refuse_retired(str(self.path), values, oauth=is_new or is_complete)

    def _of_other_tools(self) -> list[Candidate]:
        """Return the sets under the names of Adobe's Postman environment and of App Builder."""
        source = str(self.path)
        candidates = []
        if "IMS_ORG" in self.values:
            candidates.append(_postman_candidate(source, self.values))
        app_builder = _candidate(source, self.values, _APP_BUILDER_NAMES)
        if not app_builder.empty:
            candidates.append(app_builder)
        contexts = self._contexts()
        if len(contexts) > 1 and all(map(attrgetter("missing"), candidates)):
            raise CredentialsError(
                f"{source} has {len(contexts)} credentials of App Builder: "
                f"{', '.join(sorted(contexts))}. Copy the one to use into ADOBE_CLIENT_ID, "
                "ADOBE_CLIENT_SECRET and ADOBE_ORG_ID."
            )
        for values in contexts.values():
            candidates.append(candidate_of(f"{source} (App Builder)", values))
        return candidates

    def _contexts(self) -> dict[str, dict[str, Any]]:
        """Return the credentials in the older form of App Builder, by name."""
        contexts: dict[str, dict[str, object]] = {}
        for name, value in self.values.items():
            if match := _CONTEXT.fullmatch(name):
                contexts.setdefault(match[1], {})[match[2].replace("__", "_")] = value
        credentials = {}
        for name, context in contexts.items():
            values = _of_json(context)
            if values["client_secret"]:
                credentials[name] = values
        return credentials


def from_environment(environ: Mapping[str, str]) -> Candidate:
    """Return what the process environment offers: the ``ADOBE_…`` names only."""
    values = _in_upper_case(environ)
    return _candidate("environment", values, ENV_NAMES, misspelled=_misspelled(environ))


def announced_simulator() -> str:
    """Return the address of the simulator that ``adobe-nb lab`` or the user announced, if any."""
    return os.environ.get(SIMULATOR_VARIABLE, "").strip()


def from_env_file(path: str | Path) -> Candidate:
    """Return what a ``.env`` file offers.

    It can have the ``ADOBE_…`` names, those of Adobe's Postman environment including ``IMS_ORG``,
    or those of App Builder. Nothing is exported or interpolated. Warns when other accounts can
    read the file. Raises CredentialsError when it is unreadable or has a retired JWT credential.
    """
    return _open_env_file(_expanded(path, "env_file")).candidate()


def from_console_file(path: str | Path) -> Candidate:
    """Return the credential of a JSON download from Developer Console: a project or a credential.

    Raises CredentialsError for another file, a retired JWT credential, and several credentials.
    """
    path, document = _json_file(path, "console_file")
    source = f"{path} (Developer Console)"
    if isinstance(document.get("project"), dict):
        values = _of_project(source, document["project"])
    else:
        values = _of_credential(source, document)
    return _warned(path, candidate_of(source, values))


def from_postman_file(path: str | Path) -> Candidate:
    """Return what an exported Postman environment offers, with the names of Adobe's samples."""
    path, document = _json_file(path, "postman_file")
    values: dict[str, object] = {}
    for row in document["values"]:
        if isinstance(row, dict) and row.get("enabled", True) is not False:
            values[str(row.get("key")).upper()] = _text(row.get("value")) or ""
    advice = ""
    if values.get("CLIENT_SECRET") == "":
        advice = (
            "Postman leaves current values out of an export. Copy the client secret to the initial "
            "value, export again, and delete the file afterwards; or use a .env file."
        )
    return _warned(path, _postman_candidate(f"{path} (Postman)", values, advice=advice))


def from_config_file(path: str | Path, org_id: str | None = None) -> Candidate:
    """Return a credential from the JSON configuration of launchpy or aepp.

    A launchpy file can list several organizations; ``org_id`` chooses one. Raises CredentialsError,
    which lists the organizations, when it does not choose exactly one.
    """
    if org_id is not None:
        # Checked first, because the messages below quote it.
        org_id = candidate_of("arguments", {"org_id": org_id}).values.get("org_id", "")
        check_organization_id("arguments", org_id)
    path, document = _json_file(path, "config_file")
    source = f"{path} (configuration of launchpy or aepp)"
    if isinstance(document, list):
        document = _credential_of(source, document, org_id)
    values = _of_credential(source, document)
    owner = _organization_of(values)
    if org_id is not None and owner not in ("", org_id):
        raise CredentialsError(f"{source} is for {owner}, not for {org_id}.")
    if str(document.get("environment") or "prod").lower() not in {"prod", "production"}:
        raise CredentialsError(
            f"{source} is for another environment of Adobe than production. Only production is "
            "supported."
        )
    return _warned(path, candidate_of(source, values, labels=_CONFIG_LABELS))


def from_document(source: str, document: Mapping[str, object]) -> Candidate:
    """Return the credentials in the connection details of a simulator."""
    # With its client secret, the session can renew its token.
    return candidate_of(source, {**document, "access_token": None})


def find(
    environ: Mapping[str, str] = os.environ,
    start: Path | None = None,
    store: ProfileStore | None = None,
) -> ResolvedCredentials | None:
    """Return the first complete source: environment, ``.env``, active profile; None without any.

    Raises IncompleteCredentials when all sources are incomplete, CredentialsError when one fails.
    """
    environment = from_environment(environ)
    profile = _in_upper_case(environ).get(_PROFILE, "").strip()
    # The environment holds secrets of other programs: keep it out of the traceback of an error.
    del environ
    candidates = [environment]
    skipped: list[str] = []
    shadowed: list[str] = []
    env_file = _nearest_env_file(start, skipped)
    if env_file is not None:
        profile = profile or env_file.profile
        try:
            candidates.append(env_file.candidate())
        except AdobeError as error:
            if environment.missing:
                raise
            shadowed.append(f"{env_file.path} (cannot be used: {error})")
    complete: list[Candidate] = []
    partial: list[Candidate] = []
    for candidate in candidates:
        if not candidate.missing:
            complete.append(candidate)
        elif not candidate.empty:
            partial.append(candidate)
    store = store or ProfileStore()
    if not complete:
        return _from_profile(store, profile, partial, skipped)
    winner, *others = complete
    return ResolvedCredentials(
        credentials_of(winner),
        shadowed=(
            *map(attrgetter("source"), others),
            *shadowed,
            *_shadowed_profile(store, profile),
        ),
        incomplete=(*map(Candidate.describe, partial), *skipped),
    )


def _shadowed_profile(store: ProfileStore, name: str) -> list[str]:
    """Name the profile without opening it, because its keyring could prompt for a password."""
    with contextlib.suppress(AdobeError):
        name = name or store.active
    if not name:
        return []
    return [f"profile {name}"]


def _from_profile(
    store: ProfileStore, name: str, partial: Sequence[Candidate], skipped: Sequence[str]
) -> ResolvedCredentials | None:
    """Return the active profile, after other sources that have a part of the credentials."""
    name = name or store.active
    if name:
        credentials = credentials_of(store.candidate(name))
        incomplete = (*map(Candidate.describe, partial), *skipped)
        return ResolvedCredentials(credentials, incomplete=incomplete)
    if not partial and not skipped:
        return None
    problem = "No credentials were found."
    if partial:
        problem = incomplete_message(partial)
    raise IncompleteCredentials(" ".join((problem, *skipped)))


def _nearest_env_file(start: Path | None, skipped: list[str]) -> _EnvFile | None:
    """Return the first ``.env`` with our names in the folder and above; note unreadable ones."""
    if start is None:
        try:
            start = Path.cwd()
        except OSError:
            # The folder was deleted, or may not be read.
            return None
    for folder in (start, *start.parents):
        path = folder / ".env"
        # Path.is_file raises for a folder that may not be entered; os.path.isfile is false.
        if not os.path.isfile(path):  # noqa: PTH113
            continue
        try:
            env_file = _open_env_file(path)
        except CredentialsError as error:
            skipped.append(f"{error} It was skipped.")
            continue
        if env_file.has_our_names:
            return env_file
    return None


def _open_env_file(path: Path) -> _EnvFile:
    variables, unread = read_variables(_read(path, ".env file"), sorted(_OUR_NAMES))
    values: dict[str, object] = {}
    for name, value in _in_upper_case(variables).items():
        if not value:
            values[name] = ""
        elif name in _OUR_NAMES or name.startswith("ADOBE") or _CONTEXT.match(name):
            values[name] = sealed(name, value)
        else:
            # Only that there is a value: it may be a secret of another program.
            values[name] = "yes"
    return _EnvFile(path, values, unread)


def _in_upper_case(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values, with our names in upper case; an exact name precedes other spellings."""
    upper = {name.upper(): value for name, value in values.items() if name.upper() in _OUR_NAMES}
    return {**upper, **values}


def _misspelled(names: Iterable[str]) -> tuple[str, ...]:
    misspelled = []
    for name in names:
        upper = name.upper()
        is_unknown = upper.startswith("ADOBE") and upper not in _OUR_NAMES
        if is_unknown and is_misspelled(upper, ENV_NAMES):
            misspelled.append(name)
    return tuple(misspelled)


def _candidate(
    source: str, values: Mapping[str, object], names: Mapping[str, str], **details: Any
) -> Candidate:
    """Return the values under the names of one tool."""
    picked, labels = {}, {}
    for theirs, name in names.items():
        labels[name] = theirs
        if theirs in values:
            picked[name] = values[theirs]
    return candidate_of(source, picked, labels=labels, **details)


def _postman_candidate(source: str, values: Mapping[str, object], **details: Any) -> Candidate:
    is_new = bool(values.get("SCOPES") or values.get("ACCESS_TOKEN"))
    refuse_retired(source, values, oauth=is_new)
    host = str(values.get("IMS") or "")
    if host and "://" not in host:
        # Adobe's sample names the host only.
        values = {**values, "IMS": f"https://{host}"}
    return _candidate(source, values, _POSTMAN_NAMES, **details)


def _of_project(source: str, project: Mapping[str, Any]) -> dict[str, Any]:
    """Return the OAuth Server-to-Server credential of a downloaded project."""
    listed = _member(project, "workspace", "details", "credentials")
    if not isinstance(listed, list):
        listed = []
    credentials = [item for item in listed if isinstance(item, dict)]
    oauth = []
    for credential in credentials:
        member = credential.get("oauth_server_to_server")
        if isinstance(member, dict):
            oauth.append(member)
    if len(oauth) > 1:
        raise CredentialsError(
            f"{source} has {len(oauth)} OAuth Server-to-Server credentials. Download the one to "
            "use from its own page in Developer Console, or use a .env file."
        )
    if not oauth:
        _refuse_without_oauth(source, credentials)
    return {**_of_json(oauth[0]), "org_id": _text(_member(project, "org", "ims_org_id"))}


def _refuse_without_oauth(source: str, credentials: Sequence[Mapping[str, Any]]) -> NoReturn:
    """Say which credentials the project has instead."""
    for credential in credentials:
        if isinstance(credential.get("jwt"), dict):
            refuse_retired(source, {"jwt": True, **credential["jwt"]}, oauth=False)
    types = {str(credential.get("integration_type")) for credential in credentials}
    types = set(filter(_TYPE_NAME.fullmatch, types))
    if "oauth_server_to_server" in types:
        raise CredentialsError(
            f"{source} is the .aio file of an App Builder project, which holds no secrets. They "
            "are in the .env file beside it: env_file= (--env-file)."
        )
    raise CredentialsError(
        f"{source} has no OAuth Server-to-Server credential (found: "
        f"{', '.join(sorted(types)) or 'none'}). Add one to the project: Add to project > API > "
        "Experience Platform Launch API."
    )


def _credential_of(
    source: str, credentials: Sequence[dict[str, Any]], org_id: str | None
) -> dict[str, Any]:
    """Return the credential of an organization; the only one when no organization is named."""
    matching = []
    listed = []
    for credential in credentials:
        owner = _organization_of(_of_json(credential))
        if org_id in (None, owner):
            matching.append(credential)
        label = owner or "one without a valid organization ID"
        name = credential.get("org_name")
        if isinstance(name, str) and name and not may_be_secret(name):
            label += f" ({name})"
        listed.append(label)
    if len(matching) == 1:
        return matching[0]
    problem = f"{len(matching) or 'no'} credentials of {org_id or 'several organizations'}"
    raise CredentialsError(
        f"{source} has {problem}. It lists {', '.join(listed)}. Choose one: "
        "connect(config_file=…, org_id=…), %adobe_auth --config-file FILE --org-id ID."
    )


def _organization_of(values: Mapping[str, Any]) -> str:
    """Return the organization ID; nothing for another text, which may be a misplaced secret."""
    org_id = values.get("org_id")
    if isinstance(org_id, str) and is_organization_id(org_id.strip()):
        return org_id.strip()
    return ""


def _of_credential(source: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of one credential. Raises RetiredCredentials for the retired method."""
    values = _of_json(document)
    scopes = str(values.get("scopes") or "")
    if "/s/ent_" in scopes or (document.get("tech_id") and not scopes):
        refuse_retired(source, {"jwt": True, **document}, oauth=False)
    refuse_retired(source, document, oauth=bool(scopes))
    return values


def _of_json(credential: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a credential in JSON, whose names can be in any case."""
    upper = {name.upper(): value for name, value in credential.items()}
    values: dict[str, Any] = {"client_secret": []}
    for theirs, name in _JSON_NAMES.items():
        value = upper.get(theirs)
        if not value or not isinstance(value, (str, Secret, list)):
            continue
        if name != "client_secret":
            values.setdefault(name, value)
        elif isinstance(value, list):
            values[name] += value
        else:
            values[name].append(value)
    return values


def _member(document: object, *path: str) -> Any:
    """Return a nested member, or None."""
    for name in path:
        if not isinstance(document, dict):
            return None
        document = document.get(name)
    return document


def _text(value: object) -> object:
    if isinstance(value, (str, Secret)):
        return value
    return None


def _json_file(path: str | Path, argument: str) -> tuple[Path, Any]:
    """Read a JSON file and check that it is what the argument expects; never quote it."""
    path = _expanded(path, argument)
    document: object = None
    with contextlib.suppress(ValueError, RecursionError):
        document = json.loads(_read(path, "JSON file"), object_pairs_hook=_sealed_object)
    fitting = _fitting_arguments(document)
    if argument in fitting:
        return path, document
    expected = _FILES[argument]
    if not fitting:
        raise CredentialsError(f"{path} is not {expected}. See docs/how-to/sign-in.md.")
    better = fitting[0]
    raise CredentialsError(
        f"{path} is not {expected}, but {_FILES[better]}. "
        f"Use {better}= (--{better.replace('_', '-')})."
    )


def _sealed_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Hide the secrets of a JSON object; in Postman's, the name is the member ``key``."""
    members = {name: sealed(name, value) for name, value in pairs}
    if "key" in members and "value" in members:
        members["value"] = sealed(str(members["key"]), members["value"])
    return members


def _fitting_arguments(document: object) -> tuple[str, ...]:
    """Return the arguments that read such a document. A single credential fits two of them."""
    if document and isinstance(document, list) and all(map(_is_credential, document)):
        return ("config_file",)
    if isinstance(_member(document, "values"), list):
        return ("postman_file",)
    if isinstance(_member(document, "project"), dict):
        return ("console_file",)
    if _is_credential(document):
        return ("console_file", "config_file")
    return ()


def _is_credential(document: object) -> bool:
    if not isinstance(document, dict):
        return False
    return not _JSON_NAMES.keys().isdisjoint(map(str.upper, document))


def _expanded(path: object, argument: str) -> Path:
    if not isinstance(path, (str, Path)):
        raise CredentialsError(f"{argument} must be a file path, not {type(path).__name__}.")
    # Unlike Path.expanduser, this keeps the ~ of an unknown account; the file does not exist then.
    return Path(os.path.expanduser(path))  # noqa: PTH111


def _read(path: Path, description: str) -> str:
    """Return the text of a file. Raises CredentialsError, which says why it is unreadable."""
    # Path.exists raises for a folder that may not be entered; os.path.exists is false.
    if not os.path.exists(path):  # noqa: PTH110
        problem = f"does not exist. Give the full path of your {description}."
    elif not path.is_file():
        problem = f"is not a file. Give the full path of your {description}."
    else:
        try:
            return read_text(path)
        except OSError as error:
            problem = f"cannot be read ({error.strerror})."
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            problem = f"is not UTF-8 or UTF-16 text (line {line}). Save it as UTF-8."
    # Outside the except blocks: a decoding error holds the whole file, with its secrets.
    raise CredentialsError(f"{path} {problem}")


def _warned(path: Path, candidate: Candidate) -> Candidate:
    """Return the candidate; warn when its file has secrets and other accounts can read it."""
    if candidate.secrets:
        warn_if_readable_by_others(path)
    return candidate
