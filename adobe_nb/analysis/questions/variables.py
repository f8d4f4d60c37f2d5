"""What sets, sends and clears variables."""

from adobe_nb.analysis.questions.base import Questions


class Variables(Questions):
    """What sets, sends and clears variables."""
