"""Rules as they run."""

from adobe_nb.analysis.questions.base import Questions


class Rules(Questions):
    """Rules as they run."""
