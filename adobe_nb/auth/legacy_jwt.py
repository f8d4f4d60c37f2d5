"""The retired sign-in by Service Account (JWT): recognised, and answered with what to do instead.

Source:
https://developer.adobe.com/developer-console/docs/guides/authentication/ServerToServerAuthentication/migration
"""

import re
from collections.abc import Mapping

from adobe_nb.errors import RetiredCredentials

_MARKS = re.compile(
    r"private_?key(_path|_file)?|path_?to_?key|meta_?scopes?|jwt(_token)?|public_?keys_with_expiry",
    re.IGNORECASE,
)
_STEPS = (
    "Adobe has retired that method; the last of them stopped on 1 March 2026. What to do: 1. Open the project in "
    "Developer Console. 2. Open the Service Account (JWT) credential and add an OAuth Server-to-Server credential to "
    "the project (Add to project > API, then that type), with the same product profiles. 3. Put its client id, client "
    "secret and organisation id here; private key, technical account id and metascopes are no longer needed. 4. Delete "
    "the old credential once nothing uses it."
)


def refuse_retired(source: str, values: Mapping[str, object], *, oauth: bool) -> None:
    """Raises RetiredCredentials when these values describe such a credential; ``oauth``: they have
    scopes too.
    """
    marks = sorted(
        str(name) for name, value in values.items() if value and _MARKS.fullmatch(str(name))
    )
    if marks and not oauth:
        raise RetiredCredentials(
            f"{source} describes a Service Account (JWT) credential (it has {', '.join(marks)}). {_STEPS}"
        )
