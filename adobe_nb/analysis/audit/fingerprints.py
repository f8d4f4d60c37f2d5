"""Fingerprints: the identity of a finding, the same in every run.

It does not depend on what changes without changing the finding: names, the order of lists, lines
of code, and revisions.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Hashable, Iterable
from typing import Any

from adobe_nb.analysis.settings import without_indexes

VERSION = "v1"
"""Changes when the same finding would get another fingerprint."""
PATTERN = re.compile(rf"{VERSION}:[0-9a-f]{{16}}")


class Fingerprints:
    """Makes the fingerprints of one audit, each of them once."""

    def __init__(self) -> None:
        self._counts: Counter[Hashable] = Counter()

    def of(self, rule: str, source: str, path: str | None, subject: Iterable[Any]) -> str:
        """Return the fingerprint of a finding.

        Findings that are equal in everything that lasts, such as two equal lines of code, are
        numbered.
        """
        identity = [rule, source, without_indexes(path or "")]
        # Indentation and line breaks change with the code around a finding.
        identity += [" ".join(str(value).split()) for value in subject]
        key = json.dumps(identity)
        self._counts[key] += 1
        if self._counts[key] > 1:
            key += str(self._counts[key])
        return f"{VERSION}:{hashlib.sha256(key.encode()).hexdigest()[:16]}"
