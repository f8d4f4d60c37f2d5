"""What should be looked at."""

import pandas as pd

from adobe_nb.analysis.code import risks
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
