"""Questions about tags: who uses it, what is unused, what differs. Frames in, frames out."""

from adobe_nb.analysis.code.code_files import to_files
from adobe_nb.analysis.compare.differences import diff, summary
from adobe_nb.analysis.reading import read
from adobe_nb.analysis.rules.diagrams import to_dot, to_mermaid
from adobe_nb.analysis.tags import Tags

__all__ = ["Tags", "diff", "read", "summary", "to_dot", "to_files", "to_mermaid"]


def __dir__() -> list[str]:
    # The modules of the questions have their names: tags.unused() is the question.
    return __all__
