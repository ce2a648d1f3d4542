"""What the figures show, read back from their artists."""

import subprocess
import sys
from itertools import combinations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import same_color, to_rgb

from facekp import plots
from facekp.plots import (
    draw_band,
    draw_face,
    draw_intervals,
    draw_maps,
    draw_mosaic,
    draw_outline,
    draw_positions,
)
from facekp.schemes import IBUG68


@pytest.fixture(autouse=True)
def own_settings():
    """Draw without a screen, and put the settings back."""
    with mpl.rc_context():
        plt.switch_backend("agg")
        yield
        plt.close("all")


@pytest.fixture
def ax():
    """The first of two axes; the second one is the current one, which must stay empty."""
    _, (first, current) = plt.subplots(1, 2)
    yield first
    assert len(plt.get_fignums()) == 1
    assert not current.has_data()


def luminance(color):
    """Relative luminance as WCAG 2.2 defines it."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return np.dot([0.2126, 0.7152, 0.0722], linear)


@pytest.mark.parametrize(
    "draw",
    [
        lambda **ax: draw_face(np.zeros((1, 3, 4), np.uint8), **ax),
        lambda **ax: draw_band(np.zeros((2, 3)), **ax),
        lambda **ax: draw_intervals(["a"], [(2, 1, 3)], **ax),
        lambda **ax: draw_positions(np.zeros((2, 2)), **ax),
    ],
)
def test_the_axes_given_or_the_current_ones(draw, ax):
    assert draw(ax=ax) is ax
    assert ax.has_data()
    other = plt.figure().add_subplot()
    assert draw() is other
    assert other.has_data()
    plt.close(other.figure)


class TestFace:
    GREY = np.arange(10, 250, 20, np.uint8).reshape(1, 3, 4)
    TRUTH = np.array([[1.0, 2.0], [3.0, 0.5]])

    def test_grey_as_it_is(self, ax):
        draw_face(self.GREY, title="12-3f", ax=ax)
        (picture,) = ax.images
        np.testing.assert_array_equal(picture.get_array(), self.GREY[0])
        # 0 is black and 255 white, however dark the picture is as a whole.
        assert (picture.cmap.name, picture.get_clim()) == ("gray", (0, 255))
        assert picture.get_extent() == [-0.5, 3.5, 2.5, -0.5]  # integers are pixel centres
        assert picture.get_interpolation() == "none"
        assert ax.yaxis_inverted() and not ax.axison
        assert ax.get_title() == "12-3f"
        assert not ax.lines

    def test_colour(self, ax):
        image = np.random.default_rng(0).integers(0, 256, (3, 4, 5), np.uint8)
        draw_face(image, ax=ax)
        np.testing.assert_array_equal(ax.images[0].get_array(), image.transpose(1, 2, 0))

    def test_truth_and_prediction_differ_in_shape_and_colour(self, ax):
        draw_face(self.GREY, truth=self.TRUTH, predicted=self.TRUTH + 0.25, ax=ax)
        truth, predicted = ax.lines
        np.testing.assert_array_equal(truth.get_xydata(), self.TRUTH)
        np.testing.assert_array_equal(predicted.get_xydata(), self.TRUTH + 0.25)
        assert (truth.get_marker(), predicted.get_marker()) == ("o", "x")
        assert truth.get_markerfacecolor() == "none"  # a ring hides no cross
        assert {line.get_linestyle() for line in ax.lines} == {"None"}
        assert not same_color(truth.get_markeredgecolor(), predicted.get_color())

    def test_either_alone(self, ax):
        draw_face(self.GREY, predicted=self.TRUTH, ax=ax)
        assert [line.get_marker() for line in ax.lines] == ["x"]
        (ax.clear(), draw_face(self.GREY, truth=self.TRUTH, ax=ax))
        assert [line.get_marker() for line in ax.lines] == ["o"]


class TestBand:
    CURVES = np.array([[4.0, 2.0, 1.0], [8.0, 4.0, 1.0], [6.0, 3.0, 4.0]])

    def test_mean_and_range_from_the_first_epoch(self, ax):
        draw_band(self.CURVES, label="training", ax=ax)
        (line,), (band,) = ax.lines, ax.collections
        np.testing.assert_array_equal(line.get_xydata(), [[1, 6], [2, 3], [3, 2]])
        assert line.get_label() == "training"
        corners = {tuple(corner) for corner in band.get_paths()[0].vertices.tolist()}
        assert corners == {(1, 4), (2, 2), (3, 1), (1, 8), (2, 4), (3, 4)}
        assert same_color(band.get_facecolor()[0][:3], line.get_color())
        assert band.get_facecolor()[0][3] < 0.5  # lines below it stay visible
        assert ax.get_xlabel() == "epoch"

    def test_epochs_are_whole(self, ax):
        draw_band(self.CURVES, ax=ax)
        ax.figure.canvas.draw()
        assert all(tick == int(tick) for tick in ax.get_xticks())

    def test_six_bands_differ_in_colour_and_in_line(self, ax):
        for number in range(6):
            draw_band(self.CURVES, number=number, ax=ax)
        assert len({line.get_color() for line in ax.lines}) == 6
        dashes = [line._unscaled_dash_pattern for line in ax.lines]
        assert all(a != b for a, b in combinations(dashes, 2))

    def test_a_seventh_band(self, ax):
        draw_band(self.CURVES, number=6, ax=ax)
        draw_band(self.CURVES, number=0, ax=ax)
        assert ax.lines[0].get_color() == ax.lines[1].get_color()


class TestIntervals:
    ROWS = ((2.0, 1.0, 4.0), (5.0, 4.5, 6.0))

    def test_values_and_ends(self, ax):
        draw_intervals(["first", "second"], self.ROWS, label="3 layers", ax=ax)
        (container,) = ax.containers
        points, _, (bars,) = container.lines
        np.testing.assert_array_equal(points.get_xydata(), [[2, 0], [5, 1]])
        ends = [segment.tolist() for segment in bars.get_segments()]
        assert ends == [[[1, 0], [4, 0]], [[4.5, 1], [6, 1]]]
        assert container.get_label() == "3 layers"
        assert points.get_linestyle() == "None"  # rows have no order that a line would show

    def test_the_first_row_is_on_top(self, ax):
        draw_intervals(["first", "second"], self.ROWS, ax=ax)
        draw_intervals(["first", "second"], self.ROWS, number=1, shift=0.2, ax=ax)
        assert ax.get_ylim() == (1.5, -0.5)
        assert ax.get_yticks().tolist() == [0, 1]
        assert [label.get_text() for label in ax.get_yticklabels()] == ["first", "second"]

    def test_a_second_series_lies_lower_and_looks_other(self, ax):
        for number, shift in enumerate((0, 0.25)):
            draw_intervals(["a", "b"], self.ROWS, number=number, shift=shift, ax=ax)
        first, second = (container.lines[0] for container in ax.containers)
        np.testing.assert_array_equal(second.get_ydata() - first.get_ydata(), 0.25)
        assert first.get_marker() != second.get_marker()
        assert not same_color(first.get_color(), second.get_color())


class TestPositions:
    POINTS = np.array([[0.5, 0.25], [0.75, 0.5], [0.5, 0.5]])

    def test_points_in_unit_coordinates(self, ax):
        draw_positions(self.POINTS, number=2, marker="^", label="view 3", ax=ax)
        (line,) = ax.lines
        np.testing.assert_array_equal(line.get_xydata(), self.POINTS)
        assert (line.get_marker(), line.get_linestyle()) == ("^", "None")
        assert same_color(line.get_color(), plots.COLORS[2])
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("x / width", "y / height")
        assert line.get_label() == "view 3"

    def test_y_points_down_however_often_one_draws(self, ax):
        for number in range(7):
            draw_positions(self.POINTS, number=number, ax=ax)
            assert ax.yaxis_inverted()
        assert len({line.get_color() for line in ax.lines}) == 6  # and the first one again


class TestStyle:
    def test_colours_can_be_told_apart(self):
        for one, other in combinations(plots.COLORS, 2):
            assert np.linalg.norm(np.subtract(to_rgb(one), to_rgb(other))) > 0.25
        # WCAG asks for 3:1 of graphics that matter. The palette's light colours miss it on white,
        # so the first three, with which figures begin, have to meet it.
        contrast = [1.05 / (luminance(color) + 0.05) for color in plots.COLORS[:3]]
        assert min(contrast) > 3

    def test_axes_are_as_wide_as_the_page(self):
        panels = plots.axes(2, 3, height=1.5, sharey=True)
        assert panels.shape == (6,)
        assert panels[0].figure.get_size_inches().tolist() == [7, 3]
        first, below = panels[0].get_position(), panels[3].get_position()
        assert first.x0 == below.x0 and first.y0 > below.y1  # row by row
        assert panels[0].get_shared_y_axes().joined(panels[0], panels[5])
        assert plots.axes().shape == (1,)

    def test_book_style(self, monkeypatch):
        formats = []
        monkeypatch.setattr(plots, "set_matplotlib_formats", lambda *names: formats.extend(names))
        plots.use_book_style()
        assert formats == ["svg"]
        assert plt.rcParams["figure.constrained_layout.use"]
        assert same_color(plt.rcParams["figure.facecolor"], "white")

    def test_the_same_figure_is_the_same_file(self, tmp_path):
        plots.use_book_style()
        texts = []
        for number in range(2):
            plt.figure()
            ax = draw_band(np.array([[2.0, 1.0]]))
            path = tmp_path / f"{number}.svg"
            ax.figure.savefig(path, metadata={"Date": None})
            texts.append(path.read_bytes())
        assert texts[0] == texts[1]

    def test_importing_changes_no_setting_and_opens_no_figure(self):
        source = (
            "import matplotlib.pyplot as plt\n"
            "before = dict(plt.rcParams)\n"
            "import facekp.plots\n"
            "assert dict(plt.rcParams) == before and not plt.get_fignums()\n"
        )
        command = [sys.executable, "-c", source]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_outlines_join_the_schemes_keypoints_and_differ_without_colour(ax):
    points = np.random.default_rng(0).uniform(0, 90, (68, 2))
    assert draw_outline(points, IBUG68, label="truth", ax=ax) is ax
    for line, members in zip(ax.lines, IBUG68.outline, strict=True):
        np.testing.assert_array_equal(line.get_xydata(), points[list(members)])
    draw_outline(points + 1, IBUG68, number=1, label="prediction", ax=ax)
    first, second = ax.lines[0], ax.lines[len(IBUG68.outline)]
    assert first.get_linestyle() != second.get_linestyle()
    assert [text.get_text() for text in ax.legend().get_texts()] == ["truth", "prediction"]
    assert ax.yaxis_inverted()


def test_maps_shine_where_they_lie_on_one_another(ax):
    image = np.array([[0, 102, 255]], np.uint8)  # 0, 0.4 and 1
    maps = np.array([[[0.0, 0.0, 1.0]], [[1.0, 0.0, 2.0]]])  # together 1, 0 and 3
    draw_maps(image, maps, ax=ax)
    [picture] = ax.get_images()
    half, full = (np.array(plt.get_cmap("magma")(value)[:3]) for value in (0.5, 1.0))
    expected = [[0.4 * half, np.full(3, 0.4), 0.2 + 0.8 * full]]
    np.testing.assert_allclose(picture.get_array(), expected)


class TestMosaic:
    def test_each_map_from_its_least_to_its_greatest_row_by_row(self, ax):
        maps = np.array([[[0, 1, 2]], [[-5, 5, 0]], [[7, 7, 7]]], float)
        draw_mosaic(maps, columns=2, title="filters", ax=ax)
        [picture] = ax.get_images()
        r = 0.6  # the grey of the rules
        rule = [r, r, r, r, r, r, r, r]
        expected = [[0, 0.5, 1, r, 0, 1, 0.5, r], rule, [0, 0, 0, r, 1, 1, 1, r], rule]
        np.testing.assert_allclose(picture.get_array(), expected)
        assert picture.get_clim() == (0, 1)
        assert ax.get_title() == "filters"

    def test_rules_grow_with_the_maps(self, ax):
        draw_mosaic(np.zeros((3, 50, 100)), columns=3, ax=ax)
        [picture] = ax.get_images()
        assert picture.get_array().shape == (50 + 3, 3 * (100 + 3))


def test_a_legend_below_lies_under_every_panel():
    plots.use_book_style()
    panels = plots.axes(2, 2)
    for label in ("truth", "prediction"):
        panels[-1].plot([0, 1], [0, 1], label=label)
    plots.legend_below(panels[-1])
    figure = panels[-1].figure
    figure.canvas.draw()
    [legend] = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["truth", "prediction"]
    top = legend.get_window_extent().y1
    assert all(ax.get_tightbbox().y0 >= top for ax in panels)
