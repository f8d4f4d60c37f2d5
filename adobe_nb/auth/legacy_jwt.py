"""The retired sign-in by Service Account (JWT): recognized, and answered with what to do instead.

Source:
https://developer.adobe.com/developer-console/docs/guides/authentication/ServerToServerAuthentication/migration
"""

import re
from collections.abc import Mapping

from adobe_nb.errors import RetiredCredentials

_RETIRED_NAME = re.compile(
    r"private_?key(_path|_file)?|path_?to_?key|meta_?scopes?|jwt(_token)?|public_?keys_with_expiry",
    re.IGNORECASE,
)
_STEPS = (
    "Adobe has retired that method; the last of these credentials stopped working on 1 March 2026. "
    "What to do: 1. Open the project in Developer Console. 2. Open the Service Account (JWT) "
    "credential and add an OAuth Server-to-Server credential to the project (Add to project > API, "
    "then that type), with the same product profiles. 3. Use its client ID, client secret and "
    "organization ID here; private key, technical account id and metascopes are no longer needed. "
    "4. Delete the old credential once nothing uses it."
)


def refuse_retired(source: str, values: Mapping[str, object], *, oauth: bool) -> None:
    """Raise RetiredCredentials if the values are of the retired method only.

    ``oauth`` says that they describe an OAuth Server-to-Server credential, too.
    """
    if oauth:
        return
    names = [name for name, value in values.items() if value and _RETIRED_NAME.fullmatch(name)]
    if names:
        raise RetiredCredentials(
            f"{source} describes a Service Account (JWT) credential "
            f"(it has {', '.join(sorted(names))}). {_STEPS}"
        )
