"""Secrets of event forwarding: made, tested, renewed; their credentials can be written and never
read.
"""

import pandas as pd

from adobe_nb.api.reactor.inputs import Ids
from adobe_nb.api.reactor.polling import Waitable
from adobe_nb.api.reactor.writes import Editable


class Secrets(Editable, Waitable):
    """Secrets. Take ``credentials`` from ``getpass`` or ``adobe_nb.Secret``, so that no cell keeps
    them.

    Adobe answers part of the credentials, and the live token of a test. Neither comes through: no
    frame, no document of ``request`` or ``iterate``, no journal and no snapshot has them.

    Source:
    https://experienceleague.adobe.com/en/docs/experience-platform/tags/api/endpoints/secrets
    """

    def test(self, secret: Ids, *, dry_run: bool = False) -> pd.DataFrame:
        """Try the exchange without keeping its outcome; ``meta_test_exchange`` tells it.

        That is JSON text with ``expires_in`` (seconds) and ``token_type``; the token is dropped. A
        frame of one row. Raises ArgumentError, ApiError, OutcomeUnknown.
        """
        return self._act(secret, "test", dry_run=dry_run)

    def retry(self, secret: Ids, *, dry_run: bool = False) -> pd.DataFrame:
        """Try a failed exchange again; ``wait`` for it.

        A frame of one row. Raises ArgumentError, ApiError, OutcomeUnknown.
        """
        return self._act(secret, "retry", dry_run=dry_run)

    def reauthorize(self, secret: Ids, *, dry_run: bool = False) -> pd.DataFrame:
        """Google: a new page for a person to open, ``meta_authorization_url``.

        A frame of one row. Raises ArgumentError, ApiError, OutcomeUnknown.
        """
        return self._act(secret, "reauthorize", dry_run=dry_run)
