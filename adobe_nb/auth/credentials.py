"""Where credentials come from: one function per source. The first complete source wins, never a mix."""

import base64
import difflib
import hmac
import json
import os
import re
import stat
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from dotenv import dotenv_values

from adobe_nb.errors import CredentialsError, IncompleteCredentials, InsecureFileWarning
from adobe_nb.transport import check_url, is_loopback

DEFAULT_SCOPES = (
    "AdobeID",
    "openid",
    "read_organizations",
    "additional_info.job_function",
    "additional_info.projectedProductContext",
    "additional_info.roles",
)

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
_POSTMAN_NAMES = {
    "API_KEY": "client_id",
    "CLIENT_SECRET": "client_secret",
    "IMS_ORG": "org_id",
    "SCOPES": "scopes",
    "ACCESS_TOKEN": "access_token",
}
_ENV_NAME = {member: name for name, member in _NAMES.items()}
_ORG_ID = re.compile(r"[0-9A-Za-z]+@AdobeOrg")
_CLIENT_ID = re.compile(r"[0-9A-Za-z_.-]+")


class Secret:
    """A secret that does not show itself: masked in repr, str and format; refuses pickle and JSON.

    Only ``reveal()`` gives the text, and only the place that puts it on the wire calls it.
    """

    __slots__ = ("_hidden",)

    def __init__(self, text: str) -> None:
        self._hidden = text

    def reveal(self) -> str:
        """The secret itself."""
        return self._hidden

    def __repr__(self) -> str:
        return "Secret(••••••••)"

    def __str__(self) -> str:
        return "••••••••"

    def __format__(self, spec: str) -> str:
        return "••••••••"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._hidden.encode(), other._hidden.encode())

    def __hash__(self) -> int:
        return id(type(self))  # never of the text

    def __copy__(self) -> "Secret":
        return self

    def __deepcopy__(self, memo: object) -> "Secret":
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("A secret is not pickled. Pass the name of its source (env file, profile) instead.")


@dataclass(frozen=True, slots=True)
class Hosts:
    """The base URLs of one session. Checked when made."""

    reactor: str = "https://reactor.adobe.io"
    ims: str = "https://ims-na1.adobelogin.com"
    edge: str = "https://edge.adobedc.net"
    edge_server: str = "https://server.adobedc.net"

    def __post_init__(self) -> None:
        for name in ("reactor", "ims", "edge", "edge_server"):
            url = getattr(self, name).strip().rstrip("/")
            check_url(url)
            object.__setattr__(self, name, url)

    @property
    def service(self) -> str:
        """``simulator`` on this machine, else ``Adobe``."""
        return "simulator" if is_loopback(self.reactor) else "Adobe"


@dataclass(frozen=True, slots=True)
class Credentials:
    """One complete set, from one source."""

    client_id: str
    org_id: str
    client_secret: Secret | None
    access_token: Secret | None
    scopes: tuple[str, ...]
    source: str
    hosts: Hosts = field(default_factory=Hosts)

    @property
    def masked_client_id(self) -> str:
        """The first and last four characters: enough to recognise it."""
        return mask(self.client_id)


@dataclass(frozen=True, slots=True)
class Candidate:
    """What one source offers. Values are still unchecked; secrets are already hidden."""

    source: str
    values: Mapping[str, str]
    secrets: Mapping[str, Secret]
    misspelt: tuple[str, ...] = ()
    """Names that look like ours and are not."""

    @property
    def empty(self) -> bool:
        """No part of a set of credentials is here; scopes and URLs alone are none."""
        return not self.secrets and not {"client_id", "org_id"} & self.values.keys()

    @property
    def missing(self) -> tuple[str, ...]:
        """What it lacks to be complete; empty when complete."""
        lacking = [name for name in ("client_id", "org_id") if name not in self.values]
        if "access_token" in self.secrets and not self.takes_secret:
            return tuple(name for name in lacking if name == "org_id")
        return tuple(lacking) if "client_secret" in self.secrets else (*lacking, "client_secret")

    @property
    def takes_secret(self) -> bool:
        """With a secret and a token in one source the secret wins, if its client id is there too."""
        return "client_secret" in self.secrets and "client_id" in self.values

    def describe(self) -> str:
        """One line for people: what is there, what is missing. Never a value."""
        present = sorted({"client_id", "org_id"} & self.values.keys()) + sorted(self.secrets)
        strange = f" (and {', '.join(self.misspelt)}, which is not known)" if self.misspelt else ""
        return f"{self.source} has {_named(present)}{strange}, but not {_named(self.missing)}"


@dataclass(frozen=True, slots=True)
class Found:
    """The winner, and for the curious what it shadows and what was incomplete."""

    credentials: Credentials
    shadowed: tuple[str, ...] = ()
    incomplete: tuple[str, ...] = ()


def mask(text: str) -> str:
    """``1234…cdef``; all dots where it is too short for that."""
    return f"{text[:4]}…{text[-4:]}" if len(text) >= 12 else "••••"


def from_arguments(source: str, **given: "str | Secret | None") -> Candidate:
    """Values handed over by a caller: of ``connect()``, or from the panel."""
    return _candidate(source, given)


def from_environment(environ: Mapping[str, str]) -> Candidate:
    """The process environment: the ``ADOBE_…`` names only."""
    return _candidate("environment", _pick(environ, _NAMES), _misspelt(environ))


def from_env_file(path: str | Path) -> Candidate:
    """A ``.env`` file: the ``ADOBE_…`` names, or those of Adobe's Postman environment when it has ``IMS_ORG``.

    Nothing is exported and nothing interpolated. Warns when other accounts can read the file. Raises
    CredentialsError when it cannot be read.
    """
    if not isinstance(path, (str, Path)):
        raise CredentialsError(f"env_file is the path of a file, not a {type(path).__name__}.")
    path = Path(path).expanduser()
    problem = _unreadable(path)
    if problem:
        raise CredentialsError(f"{path} {problem}.")
    candidate = _read_env_file(path)
    if candidate.secrets:
        _warn_if_readable_by_others(path)
    return candidate


def nearest_env_file(start: Path) -> Path | None:
    """The first ``.env`` from that folder upward that names any of ours."""
    for folder in (start, *start.parents):
        path = folder / ".env"
        if path.is_file() and not _unreadable(path):
            names = dotenv_values(path, interpolate=False, encoding="utf-8-sig").keys()
            if names & _NAMES.keys() or "IMS_ORG" in names:
                return path
    return None


def from_document(source: str, document: Mapping[str, object]) -> Candidate:
    """The connection details that a simulator gives (``adobe-nb simulator --json``)."""
    texts = {name: str(value) for name, value in document.items() if isinstance(value, str)}
    texts.pop("access_token", None)  # its client secret lasts longer
    return _candidate(source, texts)


def search(environment: Candidate, start: Path | None) -> Iterator[Candidate]:
    """The sources that need no network, in order: environment, then ``.env``."""
    yield environment
    path = nearest_env_file(start) if start is not None else None
    if path is not None:
        yield from_env_file(path)


def find(environ: Mapping[str, str] | None = None, start: Path | None = None) -> Found | None:
    """The first complete source, or None when no source has anything. Raises IncompleteCredentials on halves only."""
    environment = from_environment(os.environ if environ is None else environ)
    del environ  # what may raise below must not have the whole environment among its local variables
    candidates = list(search(environment, start or _here()))
    complete = [each for each in candidates if not each.empty and not each.missing]
    halves = [each for each in candidates if not each.empty and each.missing]
    if complete:
        return Found(
            credentials_of(complete[0]),
            shadowed=tuple(each.source for each in complete[1:]),
            incomplete=tuple(each.describe() for each in halves),
        )
    if halves:
        raise IncompleteCredentials(halves_message(halves))
    return None


def _here() -> Path | None:
    try:
        return Path.cwd()
    except FileNotFoundError:  # the folder was deleted
        return None


def halves_message(halves: list[Candidate]) -> str:
    """Why these do not do, and what to do. Two halves are never joined: they may belong to two projects."""
    told = "; ".join(each.describe() for each in halves)
    joined = " Sources are never mixed: put all of them into one." if len(halves) > 1 else ""
    return f"Credentials are incomplete: {told}.{joined} All values are in Developer Console, on your project's page."


def credentials_of(candidate: Candidate) -> Credentials:
    """Check every value and make one set of it. Raises CredentialsError; nothing is sent."""
    if candidate.missing:
        raise IncompleteCredentials(halves_message([candidate]))
    secret = candidate.secrets.get("client_secret") if candidate.takes_secret else None
    token = None if secret else candidate.secrets.get("access_token")
    client_id = candidate.values.get("client_id", "")
    if not client_id and token is not None:
        client_id = _client_of(token)
    _check(client_id, _CLIENT_ID, "client id", "Copy the Client ID (API key) from Developer Console.", candidate.source)
    org_id = candidate.values["org_id"]
    _check(org_id, _ORG_ID, "organisation id", "It looks like 1234ABCD…@AdobeOrg, with that ending.", candidate.source)
    if secret is not None and re.search(r"\s", secret.reveal()):
        raise CredentialsError(f"The client secret in {candidate.source} has white space inside. Copy it once more.")
    return Credentials(
        client_id=client_id,
        org_id=org_id,
        client_secret=secret,
        access_token=token,
        scopes=_scopes(candidate.values.get("scopes", "")),
        source=candidate.source,
        hosts=_hosts(candidate, needs_ims=secret is not None),
    )


def read_claims(token: Secret) -> dict[str, Any]:
    """What a token says of itself; empty when it is not a JWT. The signature is not checked: Adobe does that."""
    parts = token.reveal().split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}


def clean_token(text: str) -> str:
    """A pasted token without what clings to it: blanks, line ends, quotes, the word Bearer."""
    return re.sub(r"\s+", "", re.sub(r"(?i)^\s*[\"']?\s*(authorization\s*:)?\s*bearer\s+", "", text)).strip("\"'`")


def _read_env_file(path: Path) -> Candidate:
    """Two namings in one file are two sets: they may belong to two projects, and are not joined."""
    values = dotenv_values(path, interpolate=False, encoding="utf-8-sig")
    texts = {name: value for name, value in values.items() if value is not None}
    own = _candidate(str(path), _pick(texts, _NAMES), _misspelt(texts))
    if "IMS_ORG" not in texts or not own.missing:
        return own
    picked = _pick(texts, _POSTMAN_NAMES)
    if "IMS" in texts:
        picked["ims_url"] = texts["IMS"] if "://" in texts["IMS"] else f"https://{texts['IMS']}"
    postman = _candidate(str(path), picked)
    return postman if own.empty or not postman.missing else own


def _misspelt(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(
        name
        for name in names
        if name not in _NAMES and name.startswith("ADOBE") and difflib.get_close_matches(name, _NAMES, 1, 0.85)
    )


def _candidate(source: str, given: "Mapping[str, str | Secret | None]", misspelt: tuple[str, ...] = ()) -> Candidate:
    cleaned = {name: _cleaned(name, value) for name, value in given.items()}
    return Candidate(
        source,
        values={name: value for name, value in cleaned.items() if isinstance(value, str)},
        secrets={name: value for name, value in cleaned.items() if isinstance(value, Secret)},
        misspelt=misspelt,
    )


def _cleaned(name: str, value: "str | Secret | None") -> "str | Secret | None":
    """Without blanks around it; hidden when it is a secret; None when nothing is left."""
    if value is None:
        return None
    if not isinstance(value, (str, Secret)):
        raise CredentialsError(f"{name} is a text, not a {type(value).__name__}.")
    text = (value.reveal() if isinstance(value, Secret) else value).strip()
    if not text:
        return None
    if name == "access_token":
        return Secret(clean_token(text))
    return Secret(text) if name == "client_secret" else text


def _pick(texts: Mapping[str, str], names: Mapping[str, str]) -> dict[str, str]:
    return {member: texts[name] for name, member in names.items() if name in texts}


def _named(members: "tuple[str, ...] | list[str]") -> str:
    return ", ".join(_ENV_NAME[member] for member in members) or "nothing"


def _check(value: str, pattern: re.Pattern[str], what: str, advice: str, source: str) -> None:
    if not pattern.fullmatch(value):
        raise CredentialsError(f"The {what} in {source} cannot be right. {advice}")


def _client_of(token: Secret) -> str:
    client = read_claims(token).get("client_id")
    if not isinstance(client, str) or not client:
        raise CredentialsError("The access token does not name its client. Set ADOBE_CLIENT_ID beside it.")
    return client


def _scopes(text: str) -> tuple[str, ...]:
    return tuple(part for part in re.split(r"[,\s]+", text) if part) or DEFAULT_SCOPES


def _hosts(candidate: Candidate, *, needs_ims: bool) -> Hosts:
    names = ("reactor", "ims", "edge", "edge_server")
    hosts = Hosts(**{name: candidate.values[f"{name}_url"] for name in names if f"{name}_url" in candidate.values})
    if needs_ims and is_loopback(hosts.reactor) != is_loopback(hosts.ims):
        raise CredentialsError(
            f"{candidate.source} sends one of ADOBE_REACTOR_URL and ADOBE_IMS_URL to this machine and the other to "
            "Adobe. Set both, or neither."
        )
    return hosts


def _unreadable(path: Path) -> str:
    if not path.exists():
        return "does not exist. Give the path of your .env file"
    if not path.is_file():
        return "is not a file. Give the path of your .env file"
    try:
        path.read_text(encoding="utf-8-sig")
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    except UnicodeDecodeError:
        return "is not a text file in UTF-8. Save it as UTF-8"
    return ""


def _warn_if_readable_by_others(path: Path) -> None:
    if os.name == "posix" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        warnings.warn(
            f"{path} holds secrets and other accounts of this machine can read it. Run: chmod 600 {path}",
            InsecureFileWarning,
            stacklevel=2,
        )
