"""The fictional accounts of the simulator, each with a different set of rights."""

import hashlib

import msgspec

from adobe_nb.simulator.data import load
from adobe_nb.simulator.ims import Account


def digest(text: str, size: int) -> str:
    """Return ``size`` bytes in hexadecimal: they look random, but are the same at every start."""
    return hashlib.blake2s(text.encode(), digest_size=size).hexdigest()


def _accounts() -> dict[str, Account]:
    accounts = {}
    for name, fields in load("accounts.json").items():
        fields["client_id"] = digest(f"client {name}", 16)
        fields["client_secret"] = "simulated-" + digest(f"secret of {name}", 16)
        accounts[name] = msgspec.convert(fields, Account)
    return accounts


ACCOUNTS = _accounts()
"""``demo`` has all rights. ``no_company`` belongs to an organization without tags, and
``no_profile`` to no product profile for tags. ``reader`` has read access only; ``developer`` may
develop, but neither approve nor publish.

For the Edge Network: ``no_platform`` belongs to no product profile of Experience Platform, the
company of ``not_entitled`` has no license for it, and ``no_scope`` lacks the scope acp.foundation.
"""
ORG_ID = ACCOUNTS["demo"].org_id
