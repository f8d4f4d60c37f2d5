"""The hosts that credentials may go to: Adobe's over https, and this machine."""

import ipaddress
import re
from functools import lru_cache

from adobe_nb.errors import HostNotAllowed

ALLOWED_HOSTS = ("reactor.adobe.io", "ims-*.adobelogin.com", "*.adobedc.net")
"""Not ``*.adobe.io``: Adobe runs the code of its customers at ``runtime.adobe.io``."""

# One strict pattern decides, so that no two parsers can disagree about which host is meant. ASCII only: to a pattern
# that ignores case, the letters U+0131, U+017F and U+212A are i, s and k, while a browser or resolver looks up another
# name for them.
_FLAGS = re.IGNORECASE | re.ASCII
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:(?P<port>[0-9]{1,5}))?(?P<path>/[a-z0-9._~/-]*)?",
    _FLAGS,
)
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_ADOBE = re.compile(rf"reactor\.adobe\.io|ims-[a-z0-9-]+\.adobelogin\.com|({_LABEL}\.)+adobedc\.net", _FLAGS)
_HIGHEST_PORT = 65535
_LONGEST_SHOWN = 120
"""Characters of a refused URL that a message repeats."""


def is_loopback(url: str) -> bool:
    """Whether the URL stays on this machine: localhost, 127.0.0.0/8, ::1."""
    match = _matched(url)
    return match is not None and _is_loopback_host(match["host"])


def is_allowed(url: str) -> bool:
    """Whether credentials may go there: to Adobe over https, or to this machine."""
    match = _matched(url)
    if match is None:
        return False
    if _is_loopback_host(match["host"]):
        return True
    return match["scheme"].lower() == "https" and _ADOBE.fullmatch(match["host"]) is not None


def check_url(url: str) -> None:
    """Refuse whatever is not Adobe over https, or loopback. Raises HostNotAllowed."""
    if is_allowed(url):
        return
    allowed = ", ".join(f"https://{host}" for host in ALLOWED_HOSTS)
    raise HostNotAllowed(
        f"{_recognizable(url)} is not an address that credentials may go to. Allowed are {allowed} and this machine "
        "(127.0.0.1). "
        "Correct the base URL (ADOBE_REACTOR_URL, ADOBE_IMS_URL, ADOBE_EDGE_URL, ADOBE_EDGE_SERVER_URL)."
    )


def check_base_url(url: str) -> None:
    """Refuse the same, and any path, in a base URL. Raises HostNotAllowed."""
    check_url(url)
    match = _matched(url)
    if match and match["path"]:
        raise HostNotAllowed(
            f"The base URL {_recognizable(url)} has a path. Leave out {match['path']!r}: the API's own paths are added."
        )


def _matched(url: str) -> re.Match[str] | None:
    match = _URL.fullmatch(url)
    if match is None:
        return None
    if match["port"] and int(match["port"]) > _HIGHEST_PORT:
        return None
    return match


# A pull asks this of one host thousands of times.
@lru_cache(maxsize=64)
def _is_loopback_host(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _recognizable(url: str) -> str:
    """The URL for a message, without what may be a password or a query."""
    without_query = re.split(r"[?#]", url)[0]
    without_user = without_query.rpartition("@")[2]
    # In ASCII, so that a letter that only looks like another one is told apart.
    return ascii(without_user[:_LONGEST_SHOWN])
