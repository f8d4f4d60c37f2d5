"""Reports that leave the notebook."""

from adobe_nb.analysis.questions.base import Questions


class Reports(Questions):
    """Reports that leave the notebook."""
