"""All findings in one frame."""

from collections.abc import Iterable

import pandas as pd

from adobe_nb.analysis.audit import findings
from adobe_nb.analysis.audit.notes import Source
from adobe_nb.analysis.questions.base import Questions


class Audit(Questions):
    """All findings in one frame."""

    def audit(
        self,
        rules: Iterable[str] | str | None = None,
        suppress: Source | None = None,
        *,
        earlier: Source | None = None,
        all: bool = False,
    ) -> pd.DataFrame:
        """Gather the findings of the other questions in one frame, the most severe first.

        Parameters
        ----------
        rules
            Only findings of these rules, themes or severities, for example ``["publishing",
            "high"]``. The guide "Audit a property" lists them.
        suppress
            Findings to leave out: a frame, or a CSV, JSON or TOML file, with ``fingerprint``,
            ``note`` (why) and optionally ``until`` (the last day). Rows of an earlier audit have
            these columns; all of its rows leave only what is new.
        earlier
            An earlier answer, or a file of it, whose ``first_seen`` and ``note`` are kept.
        all
            Whether to list suppressed findings, too.

        Returns
        -------
        DataFrame
            ``rule``, ``severity`` (high, medium, low; low for all that is disabled), the source
            columns, ``path``, ``line`` (Int64), ``message``, ``evidence`` (at most 200
            characters), ``fingerprint``, ``first_seen`` (UTC; NA if the tags do not know when they
            were read), ``note``, ``suppressed`` (boolean).

            ``attrs["counts"]`` has the number of findings by severity, without suppressed ones.
            ``attrs["limits"]`` names the rules that could not be checked because a table is
            missing, the suppressions that expired, and those that match nothing.
            ``attrs["limits_of_findings"]`` are those that belong to rules with findings.

        Raises
        ------
        ArgumentError
            For an unknown rule, and for suppressions that cannot be read: a column is missing or
            unknown, or a fingerprint was made by another version.

        Notes
        -----
        A fingerprint stays the same when the resource is renamed, lists are reordered or lines of
        code move. The function of ``redact=`` sees the evidence before it goes into a fingerprint.
        A secret never goes into one.
        ``until`` is compared with the day on which the tags were read.

        Examples
        --------
        >>> import adobe_nb
        >>> from adobe_nb import analysis
        >>> session = adobe_nb.connect(simulator=True)
        >>> tags = analysis.read(session.reactor.find("properties", "Web Store US"))
        >>> findings = tags.audit("high")
        >>> findings.loc[0, "message"]
        "Reads 'Page name', and no data element has that name. Did you mean 'Page Name'?"
        >>> known = findings.assign(until="2099-12-31")
        >>> len(tags.audit("high", suppress=known))
        0
        """
        return self._named(
            "audit", findings.audit(self.model, rules, suppress, earlier=earlier, all=all)
        )
