"""All findings in one frame."""

from adobe_nb.analysis.questions.base import Questions


class Audit(Questions):
    """All findings in one frame."""
