"""Credentials of one source: secrets that mask themselves, and checks of each value."""

import base64
import hmac
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from operator import attrgetter
from typing import Any, NoReturn

import msgspec

from adobe_nb.errors import CredentialsError, IncompleteCredentials
from adobe_nb.http.client import check_base_url, is_loopback
from adobe_nb.masking import UUID

DEFAULT_SCOPES = (
    "AdobeID",
    "openid",
    "read_organizations",
    "additional_info.job_function",
    "additional_info.projectedProductContext",
    "additional_info.roles",
)
HOST_NAMES = ("reactor", "ims", "edge", "edge_server")
SECRET_NAMES = ("client_secret", "access_token")
VALUE_NAMES = ("client_id", "org_id", "scopes", *map("{}_url".format, HOST_NAMES))
"""The values of a source that are not secret."""
_LIST_NAMES = ("client_secret", "scopes")
"""Values that can be a list: a client has two secrets while one replaces the other."""
_ORG_ID = r"[0-9A-Za-z]{1,64}@AdobeOrg"
# What tokens and client secrets hold, to find values in the wrong place.
_MISPLACED = rf"eyJ|p8e-|{UUID}"
_CLIENT_ID = re.compile(r"[0-9A-Fa-f]{32}")
"""The form of client IDs that Adobe issues. Others are accepted, but may be a secret."""
_MAYBE_SECRET = re.compile(rf"{_MISPLACED}|[A-Za-z0-9_.~+/=-]{{30}}")
_LABELS = {
    "client_id": "client ID",
    "client_secret": "client secret",
    "org_id": "organization ID",
    "access_token": "access token",
    "scopes": "scope",
}
_FORMS = {
    "client_id": (r"[0-9A-Za-z_.-]+", "Copy the Client ID (API key) from Developer Console."),
    "client_secret": (r"\S+", "It contains white space. Copy it again from Developer Console."),
    "org_id": (_ORG_ID, "Expected the form 1234ABCD…@AdobeOrg, with that ending."),
    "access_token": (r"\S+", "It contains white space. Copy it again."),
    "scopes": (
        rf"(?!.*({_MISPLACED}))[A-Za-z0-9_.:/-]{{1,64}}",
        "Expected names such as openid, separated by commas or blanks.",
    ),
}
"""The pattern of each value, and what to say when it does not match."""
_SECRET_NAME = re.compile(r"secret|token|private|passphrase|password|jwt", re.IGNORECASE)
# Invisible characters, blanks, dashes and quotation marks come along when a value is copied from
# a web page or a document.
_NAMED_CATEGORIES = {"Cf", "Zs", "Zl", "Zp", "Pd", "Pi", "Pf", "Ps"}
_QUOTES = ('"', "'", "`")
_PLURAL_SOURCES = ("arguments", "Colab secrets", "Databricks secrets")


def is_organization_id(text: str) -> bool:
    """Return whether the text has the form of an organization ID, which is safe as a file name."""
    return re.fullmatch(_ORG_ID, text) is not None


class Secret:
    """A secret that does not show itself: masked in repr, str and format; refuses pickle and JSON.

    Only ``reveal()`` returns the text. Code that sends, stores or compares the secret calls it.
    """

    __slots__ = ("_hidden",)

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise TypeError(f"Secret() requires text, not {type(text).__name__}.")
        # A subclass of str may change what its methods return.
        self._hidden = str.__str__(text)

    def reveal(self) -> str:
        """Return the secret itself."""
        return self._hidden

    def __repr__(self) -> str:
        return f"Secret({self})"

    def __str__(self) -> str:
        return "••••••••"

    def __format__(self, spec: str) -> str:
        return str(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return False
        return hmac.compare_digest(self._hidden.encode(), other._hidden.encode())

    def __hash__(self) -> int:
        # A hash of the text would reveal whether two secrets are equal.
        return id(type(self))

    def __copy__(self) -> "Secret":
        return self

    def __deepcopy__(self, memo: object) -> "Secret":
        return self

    def __getstate__(self) -> NoReturn:
        raise TypeError(
            "A secret cannot be pickled. Pass the name of its source (env file, profile) instead."
        )

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        self.__getstate__()


@dataclass(frozen=True, slots=True)
class Hosts:
    """The base URLs of one session, checked. Nothing is sent to an empty one."""

    reactor: str = "https://reactor.adobe.io"
    ims: str = "https://ims-na1.adobelogin.com"
    edge: str = "https://edge.adobedc.net"
    edge_server: str = "https://server.adobedc.net"
    service: str = field(default="Adobe", init=False, repr=False)
    """``simulator`` on this machine, else ``Adobe``."""

    def __post_init__(self) -> None:
        for name in HOST_NAMES:
            url = getattr(self, name).strip().rstrip("/")
            if url:
                check_base_url(url)
            object.__setattr__(self, name, url)
        if is_loopback(self.reactor):
            object.__setattr__(self, "service", "simulator")


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
    """Further client secrets, tried when IMS refuses the first one, which may be retired."""

    @property
    def masked_client_id(self) -> str:
        """The first and last four characters, enough to recognize it; dots for another form."""
        return mask_client_id(self.client_id)


@dataclass(frozen=True, slots=True)
class ResolvedCredentials:
    """The credentials to use, and what to say about the other sources."""

    credentials: Credentials
    shadowed: tuple[str, ...] = ()
    """Complete sources that come later in the order."""
    incomplete: tuple[str, ...] = ()
    """Sentences about sources that are incomplete or unreadable."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What one source offers. Values are unchecked; secrets are already hidden."""

    source: str
    values: Mapping[str, str]
    secrets: Mapping[str, tuple[Secret, ...]]
    misspelled: tuple[str, ...] = ()
    """Names that look like ours but are unknown."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """What this source calls its values."""
    advice: str = ""
    """What to do when something is missing here."""
    unread: tuple[str, ...] = ()
    """Lines of a file that name a value of ours, but not as ``NAME=value``."""

    @property
    def present(self) -> set[str]:
        """The parts of a set of credentials that the source has; scopes and URLs do not count."""
        return ({"client_id", "org_id"} & self.values.keys()) | self.secrets.keys()

    @property
    def empty(self) -> bool:
        """Whether the source has no part of a set of credentials."""
        return not self.present and not self.unread

    @property
    def uses_secret(self) -> bool:
        """Whether to sign in with the client secret: it is preferred to a token beside it."""
        return self.present >= {"client_id", "client_secret"}

    @property
    def missing(self) -> tuple[str, ...]:
        """The parts that a complete set needs and the source lacks."""
        required = ["client_id", "org_id", "client_secret"]
        if "access_token" in self.present and not self.uses_secret:
            # A token names its client.
            required = ["org_id"]
        return tuple(name for name in required if name not in self.present)

    def describe(self) -> str:
        """Say in one line what is present and what is missing, without any value."""
        verb = "has"
        if self.source.startswith(_PLURAL_SOURCES):
            verb = "have"
        missing = self._labeled(self.missing)
        text = f"{self.source} {verb} none of {missing}"
        if self.present:
            present = self._labeled(sorted(self.present))
            text = f"{self.source} {verb} {present}, but not {missing}"
        notes = "; ".join([*map("unknown name {}".format, self.misspelled), *self.unread])
        if notes:
            text += f" ({notes})"
        return text

    def _labeled(self, names: Sequence[str]) -> str:
        return ", ".join(self.labels.get(name, _LABELS[name]) for name in names)


def mask(text: str) -> str:
    """Return ``1234…cdef``, or only dots for a short text."""
    if len(text) < 12:
        return "••••"
    return f"{text[:4]}…{text[-4:]}"


def mask_client_id(client_id: str) -> str:
    """Return ``1234…cdef``; only dots for a value that may be a secret in the wrong place."""
    if _CLIENT_ID.fullmatch(client_id):
        return mask(client_id)
    return "••••"


def looks_like_secret(text: str) -> bool:
    """Return whether a text begins like a token or a client secret."""
    return re.match(_MISPLACED, text) is not None


def may_be_secret(name: str) -> bool:
    """Return whether a typed name may be a secret in the wrong place, which no message quotes."""
    return _MAYBE_SECRET.search(name) is not None


def incomplete_message(candidates: Sequence[Candidate]) -> str:
    """Say what is missing from incomplete sources, and what to do."""
    text = f"Credentials are incomplete: {'; '.join(map(Candidate.describe, candidates))}."
    if len(candidates) > 1:
        # Two halves may belong to two projects, so they are not joined.
        text += " Sources are never mixed: put all values into one."
    advice = " ".join(filter(None, map(attrgetter("advice"), candidates)))
    advice = advice or "All values are in Developer Console, on the page of your project."
    return f"{text} {advice}"


def credentials_of(candidate: Candidate) -> Credentials:
    """Check every value of a candidate. Raises CredentialsError; nothing is sent."""
    if candidate.missing:
        raise IncompleteCredentials(
            incomplete_message([candidate]), value_name=candidate.missing[0]
        )
    source = candidate.source
    client_id = candidate.values.get("client_id", "")
    org_id = candidate.values["org_id"]
    client_secret, token = None, None
    other_secrets: list[Secret] = []
    check_organization_id(source, org_id)
    if looks_like_secret(client_id):
        raise CredentialsError(
            f"The client ID in {source} looks like a secret. Were the two values swapped?",
            value_name="client_id",
        )
    if candidate.uses_secret:
        client_secret, *other_secrets = candidate.secrets["client_secret"]
        _check(source, "client_secret", client_secret, *other_secrets)
    else:
        token = candidate.secrets["access_token"][0]
        _check(source, "access_token", token)
        client_id = _client_of(token, client_id, org_id, source)
    _check(source, "client_id", client_id)
    return Credentials(
        client_id=client_id,
        org_id=org_id,
        client_secret=client_secret,
        access_token=token,
        scopes=_scopes_of(candidate),
        source=source,
        hosts=_hosts_of(candidate),
        other_secrets=tuple(other_secrets),
    )


def read_claims(token: Secret) -> dict[str, Any]:
    """Return the claims of a JWT, or nothing. Adobe checks the signature, not we."""
    try:
        _, payload, _ = token.reveal().split(".")
        # JWTs leave out the padding; too much of it is harmless.
        claims = base64.urlsafe_b64decode(f"{payload}==")
        return msgspec.json.decode(claims, type=dict[str, Any])
    except (ValueError, RecursionError, msgspec.MsgspecError):
        return {}


def clean_token(text: str) -> str:
    """Return a pasted token without blanks, line ends, quotes and the word Bearer."""
    token = re.sub(r"(?i)^\s*[\"']?\s*(authorization\s*:)?\s*bearer\s+", "", text)
    return re.sub(r"\s+", "", token).strip("\"'`")


@dataclass(frozen=True, slots=True)
class _NotText:
    """In place of a secret that is not text: only its type is kept, for the message."""

    type_name: str


def sealed(name: str, value: object) -> object:
    """Hide the value if its name sounds like a secret's, so that no frame holds it in an error."""
    if not _SECRET_NAME.search(name):
        return value
    if value is None or isinstance(value, (bool, Secret, _NotText)):
        return value
    if isinstance(value, (list, tuple)):
        return list(map(partial(sealed, name), value))
    if isinstance(value, dict):
        return {str(key): sealed(name, member) for key, member in value.items()}
    if not isinstance(value, str):
        return _NotText(type(value).__name__)
    secret = Secret(value)
    if not secret.reveal().strip():
        return ""
    return secret


def candidate_of(source: str, values: Mapping[str, object], **details: Any) -> Candidate:
    """Return what a source offers, without surrounding blanks and with its secrets hidden."""
    texts: dict[str, str] = {}
    secrets: dict[str, tuple[Secret, ...]] = {}
    for name in (*SECRET_NAMES, *VALUE_NAMES):
        value = values.get(name)
        if value is None:
            continue
        items = map(partial(_cleaned, source, name), _items(name, value))
        filled: list[Any] = list(dict.fromkeys(filter(None, items)))
        if filled and name in SECRET_NAMES:
            secrets[name] = tuple(filled)
        elif filled:
            texts[name] = ",".join(filled)
    return Candidate(source, texts, secrets, **details)


def _items(name: str, value: object) -> list[object]:
    """Return a value as a list; a list can be written as a JSON array, too."""
    if name not in _LIST_NAMES:
        return [value]
    if not isinstance(value, (list, tuple)):
        return _json_array(value)
    items: list[object] = []
    for item in value:
        items += _json_array(item)
    return items


def _json_array(value: object) -> list[object]:
    """Return the texts of a JSON array, hidden if the value is; any other value as one item."""
    if not isinstance(value, (str, Secret)):
        return [value]
    try:
        texts = msgspec.json.decode(_plain(value), type=list[str])
    except (ValueError, msgspec.MsgspecError):
        return [value]
    if isinstance(value, Secret):
        return list(map(Secret, texts))
    return list(texts)


def _cleaned(source: str, name: str, value: object) -> str | Secret:
    if not isinstance(value, (str, Secret)):
        expected = "text"
        if name == "scopes":
            expected = "names such as openid"
        type_name = type(value).__name__
        if isinstance(value, _NotText):
            type_name = value.type_name
        raise CredentialsError(f"{name} in {source} must be {expected}, not {type_name}.")
    text = _plain(value).strip()
    if name == "access_token":
        text = clean_token(text)
    if text and name in SECRET_NAMES:
        return Secret(text)
    return text


def _plain(value: str | Secret) -> str:
    if isinstance(value, Secret):
        return value.reveal()
    return str.__str__(value)


def check_organization_id(source: str, org_id: str) -> None:
    """Refuse a text that is not an organization ID, and do not quote it: it may be a secret."""
    _check(source, "org_id", org_id)


def _check(source: str, name: str, *values: str | Secret) -> None:
    """Refuse quotation marks around a value, invisible characters and a wrong form."""
    pattern, advice = _FORMS[name]
    for value in values:
        # No local variable holds the plain text: this frame is part of the traceback.
        problem = _odd_character(_plain(value))
        if problem:
            raise CredentialsError(f"The {_LABELS[name]} in {source} {problem}", value_name=name)
        if not re.fullmatch(pattern, _plain(value), re.ASCII):
            raise CredentialsError(
                f"Invalid {_LABELS[name]} in {source}. {advice}", value_name=name
            )


def _odd_character(text: str) -> str:
    """Return what is wrong with a text, as the end of a sentence that does not quote it."""
    if text.startswith(_QUOTES) or text.endswith(_QUOTES):
        return (
            "begins or ends with a quotation mark. Remove it: docker run --env-file and the set "
            "command of Windows keep quotation marks as part of the value."
        )
    match = re.search(r"[^\x00-\x7f]", text)
    if match is None:
        return ""
    name = "non-ASCII letter"
    if unicodedata.category(match[0]) in _NAMED_CATEGORIES:
        code = f"U+{ord(match[0]):04X}"
        name = f"{unicodedata.name(match[0], code)} ({code})"
    return (
        f"has a {name} as character {match.end()} of {len(text)}, probably from copying. Remove "
        "it, or type the value again."
    )


def _client_of(token: Secret, client_id: str, org_id: str, source: str) -> str:
    """Return the client of a token, which must belong to the client and organization beside it."""
    token_client = read_claims(token).get("client_id")
    if not isinstance(token_client, str) or not token_client:
        token_client = client_id
    if not token_client:
        raise CredentialsError(
            f"The access token in {source} does not name its client; it was probably cut off when "
            "it was copied. Copy it again. If it is complete, add the client ID.",
            value_name="access_token",
        )
    if client_id not in {"", token_client}:
        raise CredentialsError(
            f"The access token belongs to another client ({mask_client_id(token_client)}) than the "
            f"client ID in {source} ({mask_client_id(client_id)}). Remove the client ID, or "
            "generate the token in the project of that client ID.",
            value_name="client_id",
        )
    claims = map(str, read_claims(token).values())
    named = sorted(set(filter(re.compile(_ORG_ID).fullmatch, claims)))
    if named and org_id not in named:
        raise CredentialsError(
            f"The access token belongs to another organization ({', '.join(named)}) than {org_id}. "
            "Correct the organization ID, or generate the token in a project of that organization.",
            value_name="org_id",
        )
    return token_client


def _scopes_of(candidate: Candidate) -> tuple[str, ...]:
    scopes = tuple(filter(None, re.split(r"[,\s]+", candidate.values.get("scopes", ""))))
    _check(candidate.source, "scopes", *scopes)
    return scopes or DEFAULT_SCOPES


def _hosts_of(candidate: Candidate) -> Hosts:
    urls: dict[str, str] = {}
    for name in HOST_NAMES:
        url = candidate.values.get(f"{name}_url")
        if url:
            urls[name] = url
    local = list(map(is_loopback, urls.values()))
    if not any(local):
        return Hosts(**urls)
    required = {"reactor"}
    if candidate.uses_secret:
        required.add("ims")
    if not all(local) or required - urls.keys():
        raise CredentialsError(
            f"{candidate.source} would send some requests to this machine and others to Adobe. "
            "Set reactor_url and ims_url (ADOBE_REACTOR_URL, ADOBE_IMS_URL; for events also the "
            "URLs of the Edge Network), or neither."
        )
    # The hosts that are not named stay empty: they must not default to Adobe's.
    return Hosts(**{**dict.fromkeys(HOST_NAMES, ""), **urls})
