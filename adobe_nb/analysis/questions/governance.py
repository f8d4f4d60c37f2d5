"""What should be looked at."""

from adobe_nb.analysis.questions.base import Questions


class Governance(Questions):
    """What should be looked at."""
