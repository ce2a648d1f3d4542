"""Figures: each ``draw_*`` draws on one axes and returns it.

The only module that knows matplotlib. Truth and prediction differ in shape, not in colour alone.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from matplotlib_inline.backend_inline import set_matplotlib_formats

from facekp.schemes import Scheme

__all__ = [
    "COLORS",
    "axes",
    "draw_band",
    "draw_face",
    "draw_intervals",
    "draw_maps",
    "draw_mosaic",
    "draw_outline",
    "draw_positions",
    "legend_below",
    "use_book_style",
]

# Okabe and Ito's palette (jfly.uni-koeln.de/color), told apart by colour-blind readers too.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
LINES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)))
TRUTH, PREDICTION = COLORS[2], COLORS[1]


def use_book_style() -> None:
    """Set what all figures of the book share: vector graphics, type size, light card."""
    set_matplotlib_formats("svg")
    plt.rcParams.update(
        {
            "axes.formatter.min_exponent": 2,  # of a logarithmic axis: 20, not 2 × 10¹
            "axes.grid": True,
            "axes.spines.right": False,
            "axes.spines.top": False,
            "figure.constrained_layout.use": True,
            "figure.facecolor": "white",
            "font.size": 10,
            "grid.alpha": 0.25,
            "legend.frameon": False,
            "savefig.transparent": False,
            "svg.hashsalt": "facekp",  # the same picture is the same file
        }
    )


def axes(rows: int = 1, columns: int = 1, *, height: float = 2.8, **options) -> np.ndarray:
    """Open a figure as wide as the book's column.

    Parameters
    ----------
    rows, columns : int
        Panels.
    height : float
        Inches a row.
    **options
        Of ``matplotlib.pyplot.subplots``.

    Returns
    -------
    ndarray of Axes, (rows · columns,)
        Row by row.
    """
    figure_size = (7.0, height * rows)
    return plt.subplots(rows, columns, figsize=figure_size, squeeze=False, **options)[1].ravel()


def draw_face(
    image: np.ndarray,
    *,
    truth: np.ndarray | None = None,
    predicted: np.ndarray | None = None,
    title: str = "",
    marker_size: float = 9.0,
    ax: Axes | None = None,
) -> Axes:
    """Draw a face with keypoints: truth as rings, prediction as crosses.

    Parameters
    ----------
    image : ndarray, (C, H, W), uint8
        Grey (C = 1) or RGB (C = 3).
    truth, predicted : ndarray, (K, 2), optional
        Pixels of that image.
    title : str
        Line above it.
    marker_size : float
        Points across a ring; a face with all its keypoints needs small ones.
    ax : Axes, optional
        Where to draw; the current axes where omitted.
    """
    ax = ax or plt.gca()
    ax.imshow(
        np.moveaxis(image, 0, -1).squeeze(), cmap="gray", vmin=0, vmax=255, interpolation="none"
    )
    if truth is not None:
        ax.plot(*truth.T, "o", ms=marker_size, mfc="none", mec=TRUTH, mew=marker_size / 4.5)
    if predicted is not None:
        cross = {"ms": 7 / 9 * marker_size, "mew": marker_size / 4.5}
        ax.plot(*predicted.T, "x", color=PREDICTION, **cross)
    ax.set_axis_off()
    ax.set_title(title, fontsize=9)
    return ax


def draw_mosaic(
    maps: np.ndarray, *, columns: int = 16, title: str = "", ax: Axes | None = None
) -> Axes:
    """Draw many small maps side by side in grey, each from its least (black) to its greatest.

    Parameters
    ----------
    maps : ndarray, (N, h, w)
        Such as filters, or what they answer. One that is the same everywhere is drawn black.
    columns : int
        Maps in a row.
    title : str
        Line above them.
    ax : Axes, optional
        Where to draw; the current axes where omitted.
    """
    ax = ax or plt.gca()
    low, high = (f(maps, axis=(1, 2), keepdims=True) for f in (np.min, np.max))
    scaled = (maps - low) / np.where(high > low, high - low, 1)
    rows = -(-len(maps) // columns)
    blank = np.ones((rows * columns - len(maps), *maps.shape[1:]))
    rule = max(1, round(0.03 * maps.shape[2]))  # grey, told from black maps and from white ones
    height, width = maps.shape[1] + rule, maps.shape[2] + rule
    sheet = np.full((rows * height, columns * width), 0.6)
    for k, cell in enumerate([*scaled, *blank]):
        y, x = height * (k // columns), width * (k % columns)
        sheet[y : y + height - rule, x : x + width - rule] = cell
    ax.imshow(sheet, cmap="gray", vmin=0, vmax=1, interpolation="none")
    ax.set_axis_off()
    ax.set_title(title, fontsize=9)
    return ax


def draw_band(
    curves: np.ndarray, *, number: int = 0, label: str = "", ax: Axes | None = None
) -> Axes:
    """Draw curves over epochs as their mean and the band from the least to the greatest.

    Parameters
    ----------
    curves : ndarray, (S, E)
        A curve a seed.
    number : int
        Picks colour and line style, so that bands of one panel differ in both.
    label : str
        Of the legend.
    ax : Axes, optional
        Where to draw; the current axes where omitted.
    """
    ax = ax or plt.gca()
    epochs = np.arange(1, curves.shape[1] + 1)
    color, line = COLORS[number % len(COLORS)], LINES[number % len(LINES)]
    ax.plot(epochs, curves.mean(0), color=color, linestyle=line, label=label)
    ax.fill_between(epochs, curves.min(0), curves.max(0), alpha=0.2, lw=0, color=color)
    ax.set_xlabel("epoch")
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    return ax


def draw_intervals(
    labels: Sequence[str],
    intervals: Sequence[tuple[float, float, float]],
    *,
    number: int = 0,
    shift: float = 0.0,
    label: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw estimates as points with their intervals, a row each, the first one on top.

    Parameters
    ----------
    labels : sequence of str
        Name of each row.
    intervals : sequence of (value, low, high)
        In the units of the axis.
    number : int
        Picks colour and marker.
    shift : float
        Moves the points down by a part of a row, for a second series.
    label : str
        Of the legend.
    ax : Axes, optional
        Where to draw; the current axes where omitted.
    """
    ax = ax or plt.gca()
    value, low, high = np.array(intervals, float).T
    rows = np.arange(len(labels))
    ax.errorbar(
        value,
        rows + shift,
        xerr=(value - low, high - value),
        fmt="osD^"[number % 4],
        color=COLORS[number % len(COLORS)],
        capsize=3,
        label=label,
    )
    ax.set_yticks(rows, labels)
    ax.set_ylim(len(labels) - 0.5, -0.5)
    return ax


def legend_below(ax: Axes) -> None:
    """Put the legend of one panel below all of its figure, where it hides nothing.

    Parameters
    ----------
    ax : Axes
        The panel whose labels are shown; its figure has a constrained layout, as ``axes`` makes it.
    """
    ax.figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=2)


def draw_outline(
    keypoints: np.ndarray,
    scheme: Scheme,
    *,
    number: int = 0,
    label: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw a face as lines between its keypoints: a shape without a photograph.

    Parameters
    ----------
    keypoints : ndarray, (K, 2)
        In any pixels, y downwards.
    scheme : Scheme
        Its outline says which keypoints are joined.
    number : int
        Picks colour and line style, so that two faces of one panel differ in both.
    label : str
        Of the legend.
    ax : Axes, optional
        Where to draw; the current axes where omitted.
    """
    ax = ax or plt.gca()
    color, style = COLORS[number % len(COLORS)], LINES[number % len(LINES)]
    for part, line in enumerate(scheme.outline):
        x, y = keypoints[list(line)].T
        ax.plot(x, y, ls=style, color=color, lw=1.4, label=label if part == 0 else None)
    ax.set_aspect("equal")
    ax.set_axis_off()
    if not ax.yaxis_inverted():
        ax.invert_yaxis()
    return ax


def draw_maps(image: np.ndarray, maps: np.ndarray, ax: Axes | None = None) -> Axes:
    """Draw a face under the maps of its keypoints, brightest where two or more lie on one another.

    Parameters
    ----------
    image : ndarray, (H, W), uint8
        Grey.
    maps : ndarray or Tensor, (K, H, W)
        Of peak 1; they are added up.
    ax : Axes, optional
        Where to draw; the current axes where omitted.
    """
    ax = ax or plt.gca()
    heat = np.clip(np.asarray(maps).sum(0), 0, 2)[..., None] / 2
    colour = plt.get_cmap("magma")(heat[..., 0])[..., :3]
    weight = 0.8 * heat
    # One picture, and as it is: figures in a page are to be small, and a browser scales well.
    ax.imshow((1 - weight) * (image[..., None] / 255) + weight * colour, interpolation="none")
    ax.set_axis_off()
    return ax


def draw_positions(
    points: np.ndarray,
    *,
    number: int = 0,
    marker: str = "o",
    label: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw positions in a picture, in unit coordinates, y downwards.

    Parameters
    ----------
    points : ndarray, (N, 2)
        Unit coordinates.
    number : int
        Picks the colour.
    marker : str
        Of matplotlib.
    label : str
        Of the legend.
    ax : Axes, optional
        Where to draw; the current axes where omitted.
    """
    ax = ax or plt.gca()
    ax.plot(*points.T, marker, ms=5, alpha=0.6, color=COLORS[number % len(COLORS)], label=label)
    ax.set(xlabel="x / width", ylabel="y / height")
    if not ax.yaxis_inverted():
        ax.invert_yaxis()
    return ax
