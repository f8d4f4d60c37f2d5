"""Error codes of the Edge Network: what they mean, what to do, and whether to send again.

The codes are data, in ``error_catalog.toml`` beside this module. Titles differ between Adobe's
pages, so match on the code.

Source: https://developer.adobe.com/data-collection-apis/docs/resources/troubleshooting/
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from adobe_nb.api.reactor.error_catalog import Explanation, explanation

Kind = Literal["service", "input", "configuration", "upstream", "warning", "authorization"]

# The gateway answers with the same code for the Edge Network as for Reactor, but another product
# profile is missing.
_NO_PLATFORM_PROFILE = Explanation(
    "The token is not allowed here: its technical account is in no product profile of "
    "Experience Platform.",
    "Ask an administrator to add it to one in Admin Console.",
)


@dataclass(frozen=True, slots=True)
class EdgeCode:
    """An error code."""

    code: str
    title: str
    message: str
    """The wording on Adobe's page about authentication; the title where that page has none."""
    kind: Kind
    send_again: str
    cause: str
    fix: str

    @property
    def fatal(self) -> bool:
        """Whether the whole request was refused; otherwise only a part of it failed."""
        return self.kind not in {"upstream", "warning"}

    @property
    def status(self) -> int:
        """HTTP status of a response with this code."""
        return {"upstream": 207, "warning": 200}.get(self.kind, int(self.code[-3:]))


@cache
def edge_codes() -> Mapping[str, EdgeCode]:
    """Return all codes; the file is read on the first call."""
    text = Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
    codes = {}
    for code, fields in tomllib.loads(text).items():
        codes[code] = EdgeCode(code, **{"message": fields["title"], **fields})
    return MappingProxyType(codes)


def gateway_explanation(code: str) -> Explanation | None:
    """Return the explanation of a code of Adobe's gateway, which also guards Reactor."""
    if code == "403221":
        return _NO_PLATFORM_PROFILE
    # The codes of the gateway are numbers, those of Reactor words.
    if code.isdigit():
        return explanation(code)
    return None
