"""The made-up accounts of the simulator: each shows what a different set of rights comes to."""

import hashlib

from adobe_nb.simulator.ims import SCOPES, Account

ORG_ID = "5F1C6E4B67A0C0DE0A495C3A@AdobeOrg"
_EMPTY_ORG_ID = "0D2A7B1967A0C0DE0A495C3B@AdobeOrg"


def digest(text: str, size: int) -> str:
    """A hexadecimal digest of ``size`` bytes: looks random, and is the same at every start."""
    return hashlib.blake2s(text.encode(), digest_size=size).hexdigest()


def _secret(name: str) -> str:
    return "simulated-" + digest(f"secret of {name}", 16)


ACCOUNTS = {
    "demo": Account(digest("client demo", 16), _secret("demo"), ORG_ID),
    "no_company": Account(digest("client no_company", 16), _secret("no_company"), _EMPTY_ORG_ID),
    "no_profile": Account(
        digest("client no_profile", 16), _secret("no_profile"), ORG_ID, product_profile=False
    ),
    "no_platform": Account(
        digest("client no_platform", 16), _secret("no_platform"), ORG_ID, platform_context=False
    ),
    "not_entitled": Account(
        digest("client not_entitled", 16),
        _secret("not_entitled"),
        "3C9E51D267A0C0DE0A495C3C@AdobeOrg",
        entitled=False,
    ),
    "no_scope": Account(
        digest("client no_scope", 16), _secret("no_scope"), ORG_ID, scopes=SCOPES[:-1]
    ),
    "reader": Account(digest("client reader", 16), _secret("reader"), ORG_ID, rights=frozenset()),
    "developer": Account(
        digest("client developer", 16), _secret("developer"), ORG_ID, rights=frozenset({"develop"})
    ),
}
"""``demo`` works; ``no_company`` has an organisation without tags; ``no_profile`` is in no product
profile for tags. ``reader`` may look and change nothing; ``developer`` may develop, but neither
approve nor publish.

For the Edge Network: ``no_platform`` is in no product profile of Experience Platform, the company
of ``not_entitled`` has no licence for it, ``no_scope`` lacks the scope acp.foundation.
"""
