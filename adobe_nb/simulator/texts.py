"""JSON that is kept as text inside JSON: ``settings``, the ``entity`` of an audit event."""

import json
from collections.abc import Callable

# In these texts the service writes the characters that matter in HTML and JavaScript as escapes.
_ESCAPES = str.maketrans(
    {"&": r"\u0026", "<": r"\u003c", ">": r"\u003e", "\u2028": r"\u2028", "\u2029": r"\u2029"}
)


def escaped(text: str) -> str:
    r"""The JSON text as the service stores it; every other character stays as it was sent.

    Example:
        >>> escaped('{"source":"a && b"}')
        '{"source":"a \\u0026\\u0026 b"}'
    """
    return text.translate(_ESCAPES)


def json_text(value: object, default: Callable[[object], object] | None = None) -> str:
    """The value as such a text. ``default`` is that of ``json.dumps``."""
    return escaped(json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=default))
