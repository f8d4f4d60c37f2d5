"""One set of credentials: the values, which are secret, what makes a set complete, and the checks
of each value.
"""

import base64
import hmac
import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NoReturn, TypeAlias

from adobe_nb.errors import CredentialsError, IncompleteCredentials
from adobe_nb.http.client import check_base_url, is_loopback

DEFAULT_SCOPES = (
    "AdobeID",
    "openid",
    "read_organizations",
    "additional_info.job_function",
    "additional_info.projectedProductContext",
    "additional_info.roles",
)

WORDS: Mapping[str, str] = MappingProxyType(
    {
        "client_id": "client id",
        "client_secret": "client secret",
        "org_id": "organisation id",
        "access_token": "access token",
    }
)
_BLANKS = " \t\r\n"
_ORG_ID = re.compile(r"[0-9A-Za-z]{1,64}@AdobeOrg")
_LIKE_A_SECRET = re.compile(r"eyJ|p8e-")
_SCOPE = re.compile(r"[A-Za-z0-9_.:/-]{1,64}")
_CLIENT_ID = re.compile(r"[0-9A-Za-z_.-]+")
# What clings to a pasted value: format characters such as zero-width blanks, blanks, dashes, and
# quotation marks.
_NAMED_CATEGORIES = {"Cf", "Zs", "Zl", "Zp", "Pd", "Pi", "Pf", "Ps"}
_QUOTES = ('"', "'", "`")

Given: TypeAlias = "str | Secret | list[object] | tuple[object, ...] | None"
"""What a source may say for one value: scopes and client secrets can be several."""


class Secret:
    """A secret that does not show itself: masked in repr, str and format; refuses pickle and JSON.

    Only ``reveal()`` gives the text, and only the place that puts it on the wire calls it.
    """

    __slots__ = ("_hidden",)

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise TypeError(f"A secret is a text, not {type(text).__name__}.")
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
        return isinstance(other, Secret) and hmac.compare_digest(
            self._hidden.encode(), other._hidden.encode()
        )

    def __hash__(self) -> int:
        return id(type(self))  # never of the text

    def __copy__(self) -> "Secret":
        return self

    def __deepcopy__(self, memo: object) -> "Secret":
        return self

    def __getstate__(self) -> NoReturn:
        raise TypeError(
            "A secret is not serialised. Pass the name of its source (env file, profile) instead."
        )

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(
            "A secret is not pickled. Pass the name of its source (env file, profile) instead."
        )


@dataclass(frozen=True, slots=True)
class Hosts:
    """The base URLs of one session. Checked when made; an empty one is not known, and nothing is
    sent there.
    """

    reactor: str = "https://reactor.adobe.io"
    ims: str = "https://ims-na1.adobelogin.com"
    edge: str = "https://edge.adobedc.net"
    edge_server: str = "https://server.adobedc.net"
    service: str = field(init=False, repr=False)
    """``simulator`` on this machine, else ``Adobe``."""

    def __post_init__(self) -> None:
        for name in ("reactor", "ims", "edge", "edge_server"):
            url = getattr(self, name).strip(_BLANKS).rstrip("/")
            if url:
                check_base_url(url)
            object.__setattr__(self, name, url)
        object.__setattr__(self, "service", "simulator" if is_loopback(self.reactor) else "Adobe")


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
    other_secrets: tuple[Secret, ...] = ()
    """Further client secrets of the same client: tried when IMS refuses the first, which may have
    been retired.
    """

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
    words: Mapping[str, str] = field(default_factory=lambda: WORDS)
    """What this source calls each value."""
    advice: str = ""
    """What to know when something is missing here."""
    unread: tuple[str, ...] = ()
    """Lines of a file that name a value of ours, but not as ``NAME=value``."""
    other_secrets: tuple[Secret, ...] = ()

    @property
    def empty(self) -> bool:
        """No part of a set of credentials is here; scopes and URLs alone are none."""
        return (
            not self.secrets
            and not {"client_id", "org_id"} & self.values.keys()
            and not self.unread
        )

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
        unread = f" ({'; '.join(self.unread)})" if self.unread else ""
        return f"{self.source} has {self._named(present)}{strange}, but not {self._named(self.missing)}{unread}"

    def _named(self, members: "tuple[str, ...] | list[str]") -> str:
        return ", ".join(self.words[member] for member in members) or "nothing"


@dataclass(frozen=True, slots=True)
class Found:
    """The winner, and for the curious what it shadows and what was incomplete."""

    credentials: Credentials
    shadowed: tuple[str, ...] = ()
    incomplete: tuple[str, ...] = ()


def mask(text: str) -> str:
    """``1234…cdef``; all dots where it is too short for that."""
    return f"{text[:4]}…{text[-4:]}" if len(text) >= 12 else "••••"


def halves_message(halves: list[Candidate]) -> str:
    """Why these do not do, and what to do. Two halves are never joined: they may belong to two
    projects.
    """
    told = "; ".join(each.describe() for each in halves)
    joined = " Sources are never mixed: put all of them into one." if len(halves) > 1 else ""
    advice = " ".join(each.advice for each in halves if each.advice)
    where = advice or "All values are in Developer Console, on your project's page."
    return f"Credentials are incomplete: {told}.{joined} {where}"


def credentials_of(candidate: Candidate) -> Credentials:
    """Check every value and make one set of it. Raises CredentialsError; nothing is sent."""
    if candidate.missing:
        raise IncompleteCredentials(halves_message([candidate]))
    secret = candidate.secrets.get("client_secret") if candidate.takes_secret else None
    token = None if secret else candidate.secrets.get("access_token")
    source = candidate.source
    client_id = candidate.values.get("client_id", "")
    if token is not None:
        _check(token, "access token", source)
        client_id = _client_of(token, client_id, source)
    _check(client_id, "client id", source)
    if _LIKE_A_SECRET.match(client_id):
        raise CredentialsError(
            f"The client id in {source} looks like a secret. Were the two swapped?"
        )
    _check(
        client_id,
        "client id",
        source,
        _CLIENT_ID,
        "Copy the Client ID (API key) from Developer Console.",
    )
    org_id = candidate.values["org_id"]
    _check(
        org_id,
        "organisation id",
        source,
        _ORG_ID,
        "It looks like 1234ABCD…@AdobeOrg, with that ending.",
    )
    if token is not None:
        _check_organisation(token, org_id)
    client_secrets = (secret, *candidate.other_secrets) if secret is not None else ()
    for each in client_secrets:
        if re.search(r"\s", each.reveal(), re.ASCII):
            raise CredentialsError(
                f"The client secret in {source} has white space inside. Copy it once more."
            )
        _check(each, "client secret", source)
    return Credentials(
        client_id=client_id,
        org_id=org_id,
        client_secret=secret,
        access_token=token,
        scopes=_scopes(candidate.values.get("scopes", ""), source),
        source=source,
        hosts=_hosts(candidate, needs_ims=secret is not None),
        other_secrets=client_secrets[1:],
    )


def read_claims(token: Secret) -> dict[str, Any]:
    """What a token says of itself; empty when it is not a JWT. The signature is not checked: Adobe
    does that.
    """
    parts = token.reveal().split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def clean_token(text: str) -> str:
    """A pasted token without what clings to it: blanks, line ends, quotes, the word Bearer."""
    return re.sub(
        r"\s+", "", re.sub(r"(?i)^\s*[\"']?\s*(authorization\s*:)?\s*bearer\s+", "", text)
    ).strip("\"'`")


_SECRET_NAME = re.compile(r"secret|token|private|passphrase|password|jwt", re.IGNORECASE)


def sealed(name: str, value: object) -> object:
    """The value, hidden when the name sounds like a secret's: at once, so that no frame has it when
    something fails.
    """
    if not _SECRET_NAME.search(name):
        return value
    if isinstance(value, str):
        return Secret(value) if value.strip() else ""
    return (
        [Secret(each) if isinstance(each, str) else each for each in value]
        if isinstance(value, list)
        else value
    )


def candidate_of(
    source: str, given: "Mapping[str, Given]", misspelt: tuple[str, ...] = (), **more: Any
) -> Candidate:
    """What a source offers, with blanks cut off and secrets hidden."""
    client_secrets = _client_secrets(given.get("client_secret"))
    first: dict[str, Given] = (
        {"client_secret": client_secrets[0]} if client_secrets else {"client_secret": None}
    )
    cleaned = {name: _cleaned(name, value) for name, value in {**given, **first}.items()}
    return Candidate(
        source,
        values={name: value for name, value in cleaned.items() if isinstance(value, str)},
        secrets={name: value for name, value in cleaned.items() if isinstance(value, Secret)},
        misspelt=misspelt,
        other_secrets=tuple(client_secrets[1:]),
        **more,
    )


def _client_secrets(value: Given) -> list[Secret]:
    """All of them: a credential has two while one replaces the other. A variable can hold them as a
    JSON array.
    """
    if isinstance(value, (str, Secret)):
        text = _cleaned("client_secret", value)
        if text is None:
            return []
        listed = _json_array(text)
        return [text] if listed is None and isinstance(text, Secret) else _client_secrets(listed)
    if value is None:
        return []
    if not isinstance(value, (list, tuple)):
        raise CredentialsError(f"client_secret is a text, not a {type(value).__name__}.")
    secrets: list[Secret] = []
    for each in value:
        secret = _cleaned("client_secret", each) if isinstance(each, (str, Secret)) else None
        if isinstance(secret, Secret) and secret not in secrets:
            secrets.append(secret)
    return secrets


def _json_array(text: "str | Secret") -> "list[object] | None":
    """The members of a JSON array, hidden when the text is; None when the text is no such array."""
    plain = text.reveal() if isinstance(text, Secret) else text
    if not plain.startswith("["):
        return None
    try:
        listed = json.loads(plain)
    except (ValueError, RecursionError):
        return None
    if not isinstance(listed, list):
        return None
    hidden = isinstance(text, Secret)
    return [Secret(each) if hidden and isinstance(each, str) else each for each in listed]


def _cleaned(name: str, value: Given) -> "str | Secret | None":
    """Without blanks around it; hidden when it is a secret; None when nothing is left."""
    if value is None:
        return None
    if name == "scopes" and isinstance(value, (list, tuple)):
        if not all(isinstance(each, str) for each in value):
            raise CredentialsError("scopes is a text, or a list of texts such as openid.")
        value = ",".join(map(str, value))
    if not isinstance(value, (str, Secret)):
        raise CredentialsError(f"{name} is a text, not a {type(value).__name__}.")
    text = (value.reveal() if isinstance(value, Secret) else value).strip()
    if not text:
        return None
    if name == "access_token":
        return Secret(clean_token(text))
    return Secret(text) if name == "client_secret" else text


def _check(
    value: "str | Secret",
    what: str,
    source: str,
    pattern: re.Pattern[str] | None = None,
    advice: str = "",
) -> None:
    """Say quotation marks around a value, and characters that nobody sees, before anything is sent."""
    problem = _odd_character(value)
    if not problem and pattern is not None and not pattern.fullmatch(str(value)):
        problem = f"cannot be right. {advice}"
    if problem:
        raise CredentialsError(f"The {what} in {source} {problem}")


def _client_of(token: Secret, given: str, source: str) -> str:
    """The client that a token names; with another one given, the two do not belong together."""
    named = read_claims(token).get("client_id")
    if not isinstance(named, str) or not named:
        if given:
            return given
        raise CredentialsError(
            f"The access token in {source} does not name its client: it was probably cut off when it was copied. Copy "
            "it again. Give the client id beside it if it is whole."
        )
    if given and given != named:
        raise CredentialsError(
            f"The access token is of another client ({mask(named)}) than the client id in {source} ({mask(given)}). "
            "Leave the client id out, or generate the token in the project of that client id."
        )
    return named


def _check_organisation(token: Secret, org_id: str) -> None:
    """Some tokens name organisations; then this one has to be among them."""
    named = {
        value
        for value in read_claims(token).values()
        if isinstance(value, str) and _ORG_ID.fullmatch(value)
    }
    if named and org_id not in named:
        raise CredentialsError(
            f"The access token is of another organisation ({', '.join(sorted(named))}) than {org_id}. Correct the "
            "organisation id, or generate the token in a project of that organisation."
        )


def _odd_character(value: "str | Secret") -> str:
    """What is wrong with it, as the end of a sentence; the value itself is not shown."""
    text = value.reveal() if isinstance(value, Secret) else value
    if text.startswith(_QUOTES) or text.endswith(_QUOTES):
        return (
            "begins or ends with a quotation mark. Take the marks off: docker run --env-file and the set command of "
            "Windows keep them as a part of the value."
        )
    for place, character in enumerate(text):
        if character.isascii():
            continue
        where = "inside"
        if place == 0:
            where = "at its beginning"
        elif place == len(text) - 1:
            where = "at its end"
        name = f"U+{ord(character):04X}"
        if unicodedata.category(character) in _NAMED_CATEGORIES:
            name = f"{unicodedata.name(character, name)} ({name})"
        else:
            name = "character that is not ASCII"
        return f"has a {name} {where}, which came along when it was copied. Remove it, or type the value anew."
    return ""


def _scopes(text: str, source: str) -> tuple[str, ...]:
    """Names in a JSON array, or joined by commas or blanks."""
    listed = _json_array(text)
    if listed is not None:
        if not all(isinstance(each, str) for each in listed):
            raise CredentialsError(
                f"The scopes in {source} are not a list of names such as openid."
            )
        text = ",".join(map(str, listed))
    _check(text, "list of scopes", source)
    scopes = tuple(part for part in re.split(r"[,\s]+", text) if part)
    if any(_LIKE_A_SECRET.match(each) or not _SCOPE.fullmatch(each) for each in scopes):
        raise CredentialsError(
            "The scopes are names such as openid, joined by commas. Something else stands there."
        )
    return scopes or DEFAULT_SCOPES


def _hosts(candidate: Candidate, *, needs_ims: bool) -> Hosts:
    names = ("reactor", "ims", "edge", "edge_server")
    given = {
        name: candidate.values[f"{name}_url"] for name in names if f"{name}_url" in candidate.values
    }
    local = {name: is_loopback(url) for name, url in given.items()}
    if any(local.values()):
        needed = {"reactor", "ims"} if needs_ims else {"reactor"}
        if not all(local.values()) or needed - given.keys():
            raise CredentialsError(
                f"{candidate.source} sends a part to this machine and the rest to Adobe. Give reactor_url and ims_url "
                "(as variables ADOBE_REACTOR_URL, ADOBE_IMS_URL; for events also those of the Edge Network), or none."
            )
        given = {**dict.fromkeys(names, ""), **given}  # what was not given is not Adobe's then
    return Hosts(**given)
