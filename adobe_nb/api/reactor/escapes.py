r"""``\uXXXX`` inside JSON text, as the characters that it stands for.

The service writes ``&``, ``<`` and ``>`` in ``settings`` as ``\u0026``, ``\u003c`` and ``\u003e``,
so that a search for ``&&`` in the text finds nothing. To parse and write it again would change
numbers (``1.10``) and drop duplicate members, so only the escapes change.
"""

import json
import re

import msgspec

# Every escape is matched, so that in \\u0026 the second backslash begins none.
_ESCAPE = re.compile(r"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|u....|.)", re.DOTALL)


def decoded(text: str) -> str:
    r"""JSON text with its ``\uXXXX`` decoded; text that is not JSON stays as it is.

    What stays escaped: control characters (U+0000-001F, U+007F-009F, which terminals act on), quote
    and backslash (they would be other JSON), and lone surrogates (they are not characters). U+2028
    and U+2029 are decoded: they are ordinary characters of JSON.
    """
    if "\\u" not in text or not _is_json(text):
        return text
    return _ESCAPE.sub(_character, text)


def _character(match: re.Match[str]) -> str:
    escape = match[0]
    if len(escape) == 12:
        high, low = int(escape[2:6], 16), int(escape[8:], 16)
        return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
    if escape[1] != "u":
        return escape
    character = chr(int(escape[2:], 16))
    stays = (
        character < " "
        or "\x7f" <= character <= "\x9f"
        or character in '"\\'
        or "\ud800" <= character <= "\udfff"
    )
    return escape if stays else character


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeEncodeError):
        pass
    except RecursionError:
        return False
    else:
        return True
    # It takes no lone surrogates, which JSON allows.
    try:
        json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse(name: str) -> float:
    raise ValueError(name)
