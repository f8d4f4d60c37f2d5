"""Values that look like secrets: keys, passwords, tokens. They are hidden where settings are shown."""

import re

from adobe_nb.masking import MASK
from adobe_nb.registry import ID_PATTERN

_SECRET_NAME = re.compile(
    r"secret|passw(?:or)?d|passphrase|credential|authorization|bearer"
    r"|(?:api|access|private|auth|license|subscription)[-_ ]?key|key[-_ ]?secret"
    r"|(?:^|[-_ .]|auth|access|api|refresh|id)token$",
    re.IGNORECASE,
)
_KNOWN_FORMS = re.compile(
    r"\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?"  # JSON Web Tokens
    r"|-----BEGIN[^-]*-----[^-]*(?:-----END[^-]*-----)?"
    r"|\bp8e?-[\w-]{12,}"  # Client secrets of Adobe
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bAIza[\w-]{30,}"
    r"|\bgh[opsur]_\w{20,}|\b(?:sk|rk)_(?:live|test)_\w{8,}|\bxox[abprs]-[\w-]{10,}"
)
_AFTER_WORD = re.compile(
    r"""((?:\b(?:Bearer|Basic)\s+)|(?:(?:authorization|secret|passw(?:or)?d|token|api[-_]?key|access[-_]?key"""
    r"""|private[-_]?key|auth[-_]?key)\w*["']?\s*[:=]\s*["'`]?))([\w.+/=~!@$^*-]{6,})""",
    re.IGNORECASE,
)
_IN_ADDRESS = re.compile(r"(?<=//)([^/\s:@]+):[^/\s@]+(?=@)")
_WORD = re.compile(r"[A-Za-z0-9+/_=-]{24,}")
_HEX = re.compile(r"[0-9a-f]{32,}|[0-9A-F]{32,}")
_TOKEN = re.compile(r"%[^%]+%|\{\{.+\}\}")


def is_secret_name(name: str) -> bool:
    """Return whether a setting, header or parameter of this name usually holds a secret."""
    return _SECRET_NAME.search(name) is not None


def without_secrets(text: str, name: str = "") -> str:
    """Return a text with dots in place of what looks like a secret.

    ``name`` is that of the setting which holds it. A token that names a data element stays.
    """
    if is_secret_name(name) and not _TOKEN.fullmatch(text):
        return MASK
    text = _KNOWN_FORMS.sub(MASK, text)
    text = _AFTER_WORD.sub(_masked_value, text)
    text = _IN_ADDRESS.sub(rf"\1:{MASK}", text)
    return _WORD.sub(_masked_word, text)


def _masked_value(match: re.Match[str]) -> str:
    # An expression of code, such as ``token = window.page.token``, is not a value.
    is_quoted = match[1].endswith(('"', "'", "`"))
    is_header = match[1].rstrip().lower() in ("bearer", "basic")
    has_digit = any(character.isdigit() for character in match[2])
    if is_quoted or (has_digit and (is_header or "=" in match[1])):
        return match[1] + MASK
    return match[0]


def _masked_word(match: re.Match[str]) -> str:
    """Mask a word that hardly anyone would type: long, with letters of both cases and digits."""
    word = match[0]
    if ID_PATTERN.fullmatch(word):
        return word
    if _HEX.fullmatch(word):
        return MASK
    kinds = (str.islower, str.isupper, str.isdigit)
    counts = [sum(map(kind, word)) for kind in kinds]
    # Names in camel case have letters of both cases, too, but few digits. Paths have slashes.
    if min(counts) >= 3 and "/" not in word[:1]:
        return MASK
    return word
