"""The style of charts can be read."""

import pytest
from matplotlib import colors, pyplot
from matplotlib.figure import Figure

# The Web Content Accessibility Guidelines want 4.5, which no color has on both backgrounds.
LEAST_CONTRAST = 3.9
BACKGROUNDS = ("#ffffff", "#111111")
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


@pytest.mark.parametrize("background", BACKGROUNDS)
@pytest.mark.parametrize("name", TEXTS)
def test_text_is_readable_in_both_themes(name: str, background: str) -> None:
    with pyplot.style.context("adobe_nb.charts"):
        color = pyplot.rcParams[name]
        if color in ("inherit", "auto"):
            color = pyplot.rcParams[name.replace("labelcolor", "color")]
    darker, lighter = sorted([luminance(color), luminance(background)])
    assert (lighter + 0.05) / (darker + 0.05) >= LEAST_CONTRAST


def test_jupyterlab_puts_no_plate_behind_charts() -> None:
    pylab = pytest.importorskip("matplotlib_inline.backend_inline")
    with pyplot.style.context("adobe_nb.charts"):
        figure = Figure()
        figure.subplots().plot([1, 2])
        assert not pylab._fetch_figure_metadata(figure)
