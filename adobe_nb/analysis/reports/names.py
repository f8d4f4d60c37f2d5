"""Names and ids as the sections of a report show them."""

from collections.abc import Iterable

from adobe_nb.analysis.model import Model, once_per_model

_MOST_LINES = 20


def lines(texts: Iterable[str | None]) -> str | None:
    """Return different texts below each other, at most 20; None without any."""
    different = list(dict.fromkeys(filter(None, texts)))
    shown = different[:_MOST_LINES]
    if len(different) > _MOST_LINES:
        shown.append(f"… and {len(different) - _MOST_LINES} more")
    return "\n".join(shown) or None


@once_per_model
def element_ids(model: Model) -> dict[tuple[str | None, str], str]:
    """Return the ids of data elements by property and name.

    The property is None when there is only one, as in the rows of answers.
    """
    ids: dict[tuple[str | None, str], str] = {}
    is_only = len(model.property_ids) <= 1
    for element in model.data_elements:
        ids.setdefault((None if is_only else element.property_id, element.name), element.id)
    return ids
