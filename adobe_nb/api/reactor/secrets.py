"""Secrets of event forwarding: created, tested, renewed. Credentials can be written, never read."""

import pandas as pd

from adobe_nb.api.reactor.inputs import Ids
from adobe_nb.api.reactor.polling import Waitable
from adobe_nb.api.reactor.writes import Editable


class Secrets(Editable, Waitable):
    """Secrets of event forwarding.

    Take ``credentials`` from ``getpass`` or ``adobe_nb.Secret``, so that no cell contains them.
    Adobe's responses contain part of the credentials, and the live token of a test. Both are
    dropped: no frame, document of ``request`` or ``iterate``, journal or snapshot contains them.

    Source:
    https://experienceleague.adobe.com/en/docs/experience-platform/tags/api/endpoints/secrets
    """

    def test(self, secret: Ids, *, dry_run: bool = False) -> pd.DataFrame:
        """Test the exchange without keeping its result.

        Returns
        -------
        DataFrame
            One row. ``meta_test_exchange`` is JSON text with ``expires_in`` (seconds) and
            ``token_type``; the token itself is dropped.

        Raises
        ------
        ArgumentError, ApiError, OutcomeUnknown
        """
        return self._act(secret, "test", dry_run=dry_run)

    def retry(self, secret: Ids, *, dry_run: bool = False) -> pd.DataFrame:
        """Retry a failed exchange; ``wait`` until it has succeeded.

        Returns
        -------
        DataFrame
            One row.

        Raises
        ------
        ArgumentError, ApiError, OutcomeUnknown
        """
        return self._act(secret, "retry", dry_run=dry_run)

    def reauthorize(self, secret: Ids, *, dry_run: bool = False) -> pd.DataFrame:
        """Request a new page on which a person authorizes a Google secret.

        Returns
        -------
        DataFrame
            One row. ``meta_authorization_url`` is the address of the page.

        Raises
        ------
        ArgumentError, ApiError, OutcomeUnknown
        """
        return self._act(secret, "reauthorize", dry_run=dry_run)
