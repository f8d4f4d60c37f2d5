"""JSON that is stored as text inside JSON: ``settings``, and the ``entity`` of audit events."""

import msgspec

# The service escapes the characters in these texts that have a meaning in HTML or JavaScript.
_ESCAPES = str.maketrans(
    {"&": r"\u0026", "<": r"\u003c", ">": r"\u003e", "\u2028": r"\u2028", "\u2029": r"\u2029"}
)


def escaped(text: str) -> str:
    r"""Return the JSON text as the service stores it; all other characters stay unchanged.

    Examples
    --------
    >>> escaped('{"source":"a && b"}')
    '{"source":"a \\u0026\\u0026 b"}'
    """
    return text.translate(_ESCAPES)


def json_text(value: object) -> str:
    """Return the JSON text of a value as the service stores it."""
    return escaped(msgspec.json.encode(value).decode())
