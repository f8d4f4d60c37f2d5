"""What the questions of every theme have."""

import pandas as pd

from adobe_nb.analysis.model import Model


class Questions:
    """Questions about the resources of a model."""

    model: Model
    """The resources, parsed: for questions of your own."""

    def _named(self, question: str, frame: pd.DataFrame, *limits: str) -> pd.DataFrame:
        """Say in ``attrs`` what a frame answers, and what it does not, for its display."""
        # A notebook shows the first few.
        frame.attrs["limits"] = [*limits, *frame.attrs["limits"]]
        frame.attrs.update(
            service=self.model.service, path=f"tags.{question}()", columns=list(frame.columns)
        )
        return frame
