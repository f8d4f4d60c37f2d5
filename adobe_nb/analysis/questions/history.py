"""The history of a property: who changed what, what was published when."""

from adobe_nb.analysis.questions.base import Questions


class History(Questions):
    """The history of a property: who changed what, what was published when."""
