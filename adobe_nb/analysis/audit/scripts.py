"""Read the scripts of a model for all questions at once."""

from adobe_nb.analysis.code.javascript import Script, parse
from adobe_nb.analysis.code.readings import readings
from adobe_nb.analysis.code.risks import inspection_of
from adobe_nb.analysis.code.snippets import snippets_of
from adobe_nb.analysis.model import Model
from adobe_nb.analysis.variables.uses import variables_of


def read_scripts(model: Model) -> None:
    """Run every reader over each script, whose tree they share: parsing takes the most time.

    Only one tree exists at a time, because it takes fifty times the memory of its script.
    """
    read: set[str] = set()
    for text in snippets_of(model):
        if text.role == "code" and text.language == "javascript" and text.value not in read:
            read.add(text.value)
            tree = parse(Script(text.value))
            readings(model).uses_in(text.value, text.language)
            variables_of(text, model)
            inspection_of(text, model)
            readings(model).secrets_in_code(text.value, text.language)
            del tree
