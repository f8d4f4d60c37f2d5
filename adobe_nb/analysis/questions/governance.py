"""What should be looked at."""

from collections.abc import Iterable, Mapping

import pandas as pd

from adobe_nb.analysis.code import risks
from adobe_nb.analysis.governance import consent
from adobe_nb.analysis.questions.base import Questions


class Governance(Questions):
    """What should be looked at."""

    def code_risks(self) -> pd.DataFrame:
        """List what can break a page, leak data, or run the code of others.

        Code is parsed, so that comments and texts in strings are not taken for code. Secrets are
        also found in the settings of any extension. Their values are not shown: evidence has dots
        in their place.

        Returns
        -------
        DataFrame
            One row for each finding: ``source_type, source_id, source_name, rule_id, rule_name,
            path, line, rule, severity, evidence, why``. ``line`` is NA outside code. ``severity``
            is high, medium or low. ``why`` says what to do. The rules are eval, timer-with-text,
            document-write, insecure-url, third-party-script, html-from-value (a value that links
            control is written as markup), synchronous-request, engine-internals,
            deprecated-satellite, alert, debugger, console, misspelled-global, secret, public-key,
            personal-data-in-url, syntax-error, large-code (above 100 kB) and minified.

        Notes
        -----
        A script of a host in ``domains`` of the property is not one of a third party. A key that is
        meant for browsers is a public-key: restrict it, or ignore the finding.

        Examples
        --------
        >>> import adobe_nb
        >>> from adobe_nb import analysis
        >>> session = adobe_nb.connect(simulator=True)
        >>> tags = analysis.read(session.reactor.find("properties", "Web Store US"))
        >>> tags.code_risks().columns[6:9].tolist()
        ['line', 'rule', 'severity']
        """
        return self._named("code_risks", risks.code_risks(self.model))

    def consent(
        self,
        conditions: consent.Conditions | None = None,
        vendors: Mapping[str, str | Iterable[str]] | None = None,
    ) -> pd.DataFrame:
        """List the rules that send data, and what can be seen of a condition on consent.

        Parameters
        ----------
        conditions
            What asks for consent, instead of the built-in list: a text or texts, each of which can be
            a part of a delegate, of the name of a condition or data element, or of settings and
            code, such as ``"C0004"``. A mapping says what it is a part of: ``delegates``,
            ``names``, ``data_elements`` (all three in any case) or ``texts``. The built-in list has
            the usual consent managers, and names with "consent".
        vendors
            Further receivers: a mapping from a name to texts, each a part of a delegate or of code,
            or a host, such as ``{"Acme": ["acme-pixel", "acme.net"]}``.

        Returns
        -------
        DataFrame
            One row for each rule that sends: ``rule_id, rule_name, sends_to`` (vendors, or hosts of
            third parties, joined by ", "), ``has_consent`` (boolean, NA when that cannot be told),
            ``consent_by``, ``verdict``, ``without_consent`` (those of ``sends_to`` for which
            nothing was seen), ``rule_enabled``. The verdict is one of

            - ``consent condition``;
            - ``negated condition``: an exception on consent, whose sense is not known;
            - ``consent event``: the rule waits for events that name consent;
            - ``consent in code``: the code that sends names consent;
            - ``set in the extension``: ``defaultConsent`` of Web SDK, or ``trackingCookieName`` of
              Adobe Analytics;
            - ``no condition seen``: for a part of what it sends, at least.

        Raises
        ------
        ArgumentError
            For conditions and vendors of another form, and without rules and rule components.

        Examples
        --------
        >>> import adobe_nb
        >>> from adobe_nb import analysis
        >>> session = adobe_nb.connect(simulator=True)
        >>> tags = analysis.read(session.reactor.find("properties", "Web Store US"))
        >>> rules = tags.consent().set_index("rule_name")
        >>> rules.loc["Product - Detail View", ["verdict", "without_consent"]].tolist()
        ['no condition seen', 'Meta']
        """
        return self._named("consent", consent.consent(self.model, conditions, vendors))
