"""The style of charts can be read."""

import pytest
from matplotlib import colors, pyplot
from matplotlib.figure import Figure

LEAST_CONTRAST = 4.5  # of text, in the Web Content Accessibility Guidelines, level AA
TEXTS = (
    "text.color",
    "axes.labelcolor",
    "axes.titlecolor",
    "xtick.color",
    "ytick.color",
    "xtick.labelcolor",
    "ytick.labelcolor",
)


def luminance(color: str) -> float:
    """The relative luminance of a color, as the guidelines define it."""
    linear = []
    for part in colors.to_rgb(color):
        linear.append(part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4)
    red, green, blue = linear
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("name", TEXTS)
def test_text_is_readable_on_white(name: str) -> None:
    with pyplot.style.context("adobe_nb.charts"):
        color = pyplot.rcParams[name]
        if color in ("inherit", "auto"):
            color = pyplot.rcParams[name.replace("labelcolor", "color")]
    assert 1.05 / (luminance(color) + 0.05) >= LEAST_CONTRAST


def test_jupyterlab_puts_charts_on_white_in_its_dark_theme() -> None:
    """No gray is readable on both backgrounds, so the metadata of the picture asks for white."""
    pylab = pytest.importorskip("matplotlib_inline.backend_inline")
    with pyplot.style.context("adobe_nb.charts"):
        figure = Figure()
        figure.subplots().plot([1, 2])
        assert pylab._fetch_figure_metadata(figure) == {"needs_background": "light"}
