"""What should be looked at."""

from collections.abc import Iterable, Mapping

import pandas as pd

from adobe_nb.analysis.code import risks
from adobe_nb.analysis.governance import consent, naming, plumbing, stale
from adobe_nb.analysis.questions.base import Questions
from adobe_nb.analysis.times import Time


class Governance(Questions):
    """What should be looked at."""

    def code_risks(self) -> pd.DataFrame:
        """List what can break a page, leak data, or run the code of others.

        Code is parsed, so that comments and texts in strings are not taken for code. Secrets are
        found in comments, too, and in the settings of any extension. Evidence has dots in their
        place, unless ``show_secrets=True`` was passed to ``analysis.read`` or ``Tags``.

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
        A secret has the shape that a service gives its keys, or is a long random text beside a name
        such as ``apiKey``. Not found are random texts without such a name, passwords made of words,
        and keys that code computes.

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
            What asks for consent, instead of the built-in list: a text or a list of texts, such as
            ``"C0004"``. A text matches when it is a part of a delegate, of the name of a condition
            or data element, or of settings and code. A mapping says which of these it is searched
            in: ``delegates``, ``names``, ``data_elements`` (all three in any case) or ``texts``.
            The built-in list has the usual consent managers, and names with "consent".
        vendors
            Further receivers: a mapping from a name to texts, each a part of a delegate or of code,
            or a host, such as ``{"Acme": ["acme-pixel", "acme.net"]}``.

        Returns
        -------
        DataFrame
            One row for each rule that sends: ``rule_id, rule_name, sends_to`` (vendors, or hosts of
            third parties, joined by ", "), ``has_consent`` (boolean, NA when that cannot be told),
            ``consent_by`` (with the receiver, such as ``Web SDK: defaultConsent is pending``, unless
            it holds for the whole rule), ``verdict``, ``without_consent`` (those of ``sends_to`` for
            which nothing was seen), ``rule_enabled``. ``attrs["limits"]`` names the ``conditions``
            that match nothing. The verdict is one of

            - ``consent condition``;
            - ``negated condition``: an exception on consent, whose sense is not known;
            - ``condition on refusal``: consent is compared with a value such as "out" or "denied";
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

    def naming(self, rules: Mapping[str, str] | None = None) -> pd.DataFrame:
        """List names that break tokens, hide others, or follow no convention.

        Parameters
        ----------
        rules
            Further rules: a regular expression for each type, which names must match somewhere,
            such as ``{"rules": r"^[^-]+ - [^-]+$"}``. The types are ``rules``, ``rule_components``,
            ``data_elements`` and ``extensions``.

        Returns
        -------
        DataFrame
            One row for each problem: ``type, id, name, rule, problem, suggestion``. The rules are
            empty, outer-blanks, double-blanks, control-characters, copy, default-name, token-sign
            (percent signs, or braces, in the name of a data element), event-name (hides
            ``%event.…%``, ``%this.…%`` or ``%target.…%``), delegate-prefix,
            same-name-in-other-case, and own rule. ``suggestion`` is NA when none can be made, or
            when another resource has that name.

        Raises
        ------
        ArgumentError
            For an unknown type and an invalid regular expression.

        Examples
        --------
        >>> import adobe_nb
        >>> from adobe_nb import analysis
        >>> session = adobe_nb.connect(simulator=True)
        >>> tags = analysis.read(session.reactor.find("properties", "Web Store US"))
        >>> names = tags.naming({"rules": r"^[^-]+ - [^-]+$"})
        >>> names.loc[names["rule"] == "own rule", "name"].tolist()
        ['Account - Sign-in', 'Newsletter - Sign-up']
        """
        return self._named("naming", naming.naming(self.model, rules))

    def stale(self, days: int = 365, now: Time | None = None) -> pd.DataFrame:
        """List rules, data elements and extensions that may be left over.

        Parameters
        ----------
        days
            After how many days without a change a resource is untouched.
        now
            The time that ages are counted to: by default that of the frames (``tags.as_of``), or
            now. Without a time zone it is in UTC.

        Returns
        -------
        DataFrame
            One row for each resource and reason: ``type, id, name, reason, updated_at`` (UTC),
            ``age_days`` (Int64), ``in_production`` (boolean, NA when not known), ``used_by``
            (Int64: how many resources refer to it). The reason is disabled, untouched, never
            published, or name says old. A rule changes with its components.

        Names say old by words such as deprecated and "do not use", and by the marks zz, "Copy of"
        and "(copy)". Words that name things, too, such as old, test, legacy, archived, backup or
        inactive, count where they are set apart: by punctuation (``Old - Page``, ``Page (old)``),
        by uppercase (``Page TEST``), or as all of the name, perhaps with a number (``backup 2023``).
        So does old at the end (``page_old_2``). ``Archived Orders`` and ``AB Test`` are things.

        Raises
        ------
        ArgumentError
            For ``days`` that is not a number of days, and ``now`` that is not a time.

        Examples
        --------
        >>> import adobe_nb
        >>> from adobe_nb import analysis
        >>> session = adobe_nb.connect(simulator=True)
        >>> tags = analysis.read(session.reactor.find("properties", "Magazine"))
        >>> rows = tags.stale(days=100_000)
        >>> rows.loc[rows["reason"] == "disabled", "name"].tolist()
        ['Share - Button']
        """
        return self._named("stale", stale.stale(self.model, days, now))

    def plumbing(self) -> pd.DataFrame:
        """List where libraries are delivered and where data is sent, stage by stage.

        Returns
        -------
        DataFrame
            One row for each part and stage: ``kind`` (host, environment, callback, datastream,
            report suite, secret, org id), ``id, name, stage`` (production, staging, development; NA
            where it has none), ``detail, problem`` (NA when nothing looks wrong): a host that no
            environment uses, an environment without a library, a callback without https or to a
            host that is not one of the property's domains, the same datastream or report suite for
            production and another stage or none for a stage, a secret without an environment, a
            data element without a secret for a stage, and organization IDs that differ.

        Examples
        --------
        >>> import adobe_nb
        >>> from adobe_nb import analysis
        >>> session = adobe_nb.connect(simulator=True)
        >>> tags = analysis.read(session.reactor.find("properties", "Web Store DE"))
        >>> suites = tags.plumbing().query("kind == 'report suite'")
        >>> suites[["stage", "id"]].fillna("").values.tolist()
        [['production', 'hearthharborde'], ['staging', 'hearthharbordev'], ['development', '']]
        """
        return self._named("plumbing", plumbing.plumbing(self.model))
