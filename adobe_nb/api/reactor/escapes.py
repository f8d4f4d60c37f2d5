r"""Decode ``\uXXXX`` inside JSON text.

The service writes ``&``, ``<`` and ``>`` in ``settings`` as ``\u0026``, ``\u003c`` and ``\u003e``,
so a search for ``&&`` in the text would find nothing. Parsing and writing the JSON again would
change numbers (``1.10``) and drop duplicate members, so only the escapes are replaced.
"""

import json
import re

import msgspec

# Every escape is matched, so that the second backslash of \\u0026 does not begin one.
_ESCAPE = re.compile(r"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|u....|.)", re.DOTALL)
# What stays escaped: control characters (terminals act on them), quote and backslash (without the
# escape the JSON would mean something else), and lone surrogates (they are not characters).
_STAYS = re.compile('[\x00-\x1f\x7f-\x9f"\\\\\ud800-\udfff]')


def decoded(text: str) -> str:
    r"""Return JSON text with its ``\uXXXX`` decoded, and text that is not JSON as it is.

    U+2028 and U+2029 are decoded too: they are ordinary characters in JSON.
    """
    if "\\u" not in text or not _is_json(text):
        return text
    return _ESCAPE.sub(_character, text)


def _character(match: re.Match[str]) -> str:
    escape = match[0]
    if escape[1] != "u":
        return escape
    if len(escape) == 12:
        # A pair of surrogates: one character beyond U+FFFF.
        high, low = int(escape[2:6], 16), int(escape[8:], 16)
        return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
    character = chr(int(escape[2:], 16))
    if _STAYS.match(character):
        return escape
    return character


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeEncodeError):
        # msgspec does not accept lone surrogates, which JSON allows.
        return _is_json_for_python(text)
    except RecursionError:
        return False
    return True


def _is_json_for_python(text: str) -> bool:
    try:
        json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse(name: str) -> float:
    raise ValueError(name)
