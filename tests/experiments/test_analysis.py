"""Tables and intervals from runs whose every number is worked by hand."""

import re

import numpy as np
import pandas as pd
import pytest

from facekp.data import Faces
from facekp.experiments import (
    by_person,
    curves,
    errors,
    estimate,
    estimate_by_seed,
    face_size,
    listed,
    methods,
    pseudo_values,
    relative,
    summary,
)
from facekp.metrics import crossed_interval
from facekp.results import Metric, Run
from facekp.schemes import IMM58

# Crops of 20 × 10 pixels of pictures of 80 × 40: one pixel of a crop is 4 of its picture.
HEIGHT, WIDTH, SCALE = 10, 20, 4
NOSE, CHIN = 52, 6


@pytest.fixture
def faces() -> Faces:
    """Four pictures of the persons 33 and 34, two views each."""
    ids = np.array(["33-1", "33-2", "34-1", "34-2"])
    keypoints = np.full((4, 58, 2), (8.0, 2.0), np.float32)
    # The extent of each face, in crop pixels: width 8, and height 2, 2, 4.5 and 8.
    keypoints[:, 0] = (5.0, 1.0)
    keypoints[:, 1, 0] = 13.0
    keypoints[:, 1, 1] = (3.0, 3.0, 5.5, 9.0)
    keypoints[:, NOSE] = (9.5, 2.5)  # unit coordinates (0.5, 0.3)
    keypoints[:, CHIN] = (7.5, 3.0)  # unit coordinates (0.4, 0.35)
    return Faces(
        images=np.zeros((4, 1, HEIGHT, WIDTH), np.uint8),
        keypoints=keypoints,
        visible=np.ones((4, 58), bool),
        ids=ids,
        groups=np.array(["33", "33", "34", "34"]),
        scheme=IMM58,
        interocular=np.float32([20, 40, 20, 10]),
        crop=np.tile(np.float32([-0.5, -0.5, SCALE * WIDTH, SCALE * HEIGHT]), (4, 1)),
        attributes={"view": np.array([1, 2, 1, 2])},
    )


@pytest.fixture
def make_run(faces):
    """Return a function that makes a run whose predictions are off by (dx, dy) crop pixels."""

    def make(offsets, ids=("33-1", "33-2", "34-1", "34-2"), keypoints=(NOSE,), seed=0, epoch=2):
        order = {name: i for i, name in enumerate(faces.ids)}
        truth = faces.select(keypoints or range(58)).keypoints
        predicted = [
            (truth[order[name]] + np.float32(offset)).tolist()
            for name, offset in zip(ids, offsets, strict=True)
        ]
        evaluation = {
            "nme": [0.0] * len(ids),
            # Not in the order of the ids: a run file is not bound to keep it.
            "keypoints": dict(sorted(zip(ids, predicted, strict=True), reverse=True)),
        }
        return Run(
            key=f"run of seed {seed}",
            parameters={"epochs": 2, "seed": seed, "keypoints": keypoints and list(keypoints)},
            data="",
            code="",
            history={"val_loss": [0.5, 0.25 + seed]},
            best_epoch=2,
            ids=list(ids),
            evaluations={epoch: evaluation},
            provenance={},
        )

    return make


class TestFaceSize:
    def test_root_of_width_times_height_in_original_pixels(self, faces):
        # Crop extents 8 × 2, 8 × 2, 8 × 4.5, 8 × 8: roots 4, 4, 6, 8.
        assert face_size(faces) == pytest.approx([16, 16, 24, 32], rel=1e-6)

    def test_the_sides_are_scaled_each_by_its_own(self, faces):
        faces.crop[:, 2] *= 4  # four times as wide: twice the root
        assert face_size(faces) == pytest.approx([32, 32, 48, 64], rel=1e-6)


class TestErrors:
    OFFSETS = ((3, 4), (0, 1), (0, 0), (2, 0))  # 5, 1, 0 and 2 crop pixels

    def test_by_hand(self, make_run, faces):
        table = errors([make_run(self.OFFSETS)], faces)
        assert table["id"].tolist() == ["33-1", "33-2", "34-1", "34-2"]
        assert table["person"].tolist() == ["33", "33", "34", "34"]
        assert table["view"].tolist() == [1, 2, 1, 2]
        assert set(table["key"]) == {"run of seed 0"} and set(table["seed"]) == {0}
        assert table["error"].tolist() == pytest.approx([20, 4, 0, 8], abs=1e-5)
        assert table["nme"].tolist() == pytest.approx([20 / 20, 4 / 40, 0, 8 / 10], abs=1e-6)
        assert table["by_size"].tolist() == pytest.approx([20 / 16, 4 / 16, 0, 8 / 32], abs=1e-6)
        assert table["x_true"].tolist() == pytest.approx([0.5] * 4)
        assert table["y_true"].tolist() == pytest.approx([0.3] * 4)
        assert table["x"].tolist() == pytest.approx([0.65, 0.5, 0.5, 0.6])
        assert table["y"].tolist() == pytest.approx([0.7, 0.4, 0.3, 0.3])
        # Half of the squares' sum: (0.15² + 0.4²) / 2, 0.1² / 2, 0, 0.1² / 2.
        assert table["mse"].tolist() == pytest.approx([0.09125, 0.005, 0, 0.005], abs=1e-7)

    def test_pictures_are_matched_by_name(self, make_run, faces):
        offsets = {"34-2": (2, 0), "33-1": (3, 4)}
        table = errors([make_run(offsets.values(), ids=tuple(offsets))], faces)
        assert table["id"].tolist() == ["34-2", "33-1"]
        assert table["error"].tolist() == pytest.approx([8, 20], abs=1e-5)
        assert table["nme"].tolist() == pytest.approx([0.8, 1.0])
        assert table["by_size"].tolist() == pytest.approx([8 / 32, 20 / 16])

    def test_several_keypoints_in_the_order_selected(self, make_run, faces):
        off = np.array([[0, 1], [3, 0]])  # nose by 1, chin by 3 crop pixels
        table = errors([make_run([off] * 4, keypoints=(NOSE, CHIN))], faces)
        assert table["error"].tolist() == pytest.approx([8] * 4, abs=1e-5)  # (4 + 12) / 2
        assert table["x_true"].tolist() == pytest.approx([0.45] * 4)
        assert table["x"].tolist() == pytest.approx([0.45 + 0.15 / 2] * 4)
        assert table["mse"].tolist() == pytest.approx([(0.1**2 + 0.15**2) / 4] * 4)
        swapped = errors([make_run([off[::-1]] * 4, keypoints=(CHIN, NOSE))], faces)
        pd.testing.assert_frame_equal(swapped, table)

    def test_all_keypoints_and_hidden_ones(self, make_run, faces):
        offsets = np.zeros((4, 58, 2))
        offsets[:, NOSE] = (3, 4)
        run = make_run(offsets, keypoints=None)
        assert errors([run], faces)["error"].tolist() == pytest.approx([20 / 58] * 4, abs=1e-5)
        faces.visible[:2, NOSE] = False
        hidden = errors([run], faces)["error"].tolist()
        assert hidden == pytest.approx([0, 0, 20 / 58, 20 / 58], abs=1e-5)

    def test_runs_stand_below_each_other(self, make_run, faces):
        halves = [self.OFFSETS[:2], self.OFFSETS[2:]]
        runs = [
            make_run(offsets, ids=ids, seed=seed)
            for seed in (0, 1)
            for offsets, ids in zip(halves, (("33-1", "33-2"), ("34-1", "34-2")), strict=True)
        ]
        table = errors(runs, faces)
        assert table.index.tolist() == list(range(8))
        assert table["seed"].tolist() == [0] * 4 + [1] * 4
        assert table["error"].tolist() == pytest.approx([20, 4, 0, 8] * 2, abs=1e-5)

    def test_an_epoch_on_the_way(self, make_run, faces):
        early = make_run([(0, 2)] * 4, epoch=1)
        both = early.model_copy(
            update={"evaluations": early.evaluations | make_run(self.OFFSETS).evaluations}
        )
        assert errors([both], faces, 1)["error"].tolist() == pytest.approx([8] * 4, abs=1e-5)
        assert errors([both], faces)["error"].tolist() == pytest.approx([20, 4, 0, 8], abs=1e-5)
        with pytest.raises(KeyError):
            errors([early], faces)


def long(rows):
    return pd.DataFrame(rows, columns=["seed", "person", "nme"])


class TestByPerson:
    def test_means_by_seed_and_person(self):
        rows = [(1, "34", 6.0), (0, "33", 1.0), (0, "33", 3.0), (0, "34", 5.0), (1, "33", 4.0)]
        np.testing.assert_array_equal(by_person(long(rows), "nme"), [[2, 5], [4, 6]])

    def test_a_person_without_a_seed_is_refused(self):
        rows = [(0, "33", 1.0), (0, "34", 5.0), (1, "33", 4.0)]
        with pytest.raises(ValueError, match="held out with each seed; add the missing runs"):
            by_person(long(rows), "nme")


class TestPseudoValues:
    def test_of_a_ratio_by_hand(self):
        # Greatest over least value; three persons, 3·all − 2·without the person.
        rows = [(0, "a", 1.0), (0, "b", 2.0), (0, "c", 8.0), (1, "a", 3.0), (1, "b", 3.0)]
        rows += [(1, "c", 3.0)]
        found = pseudo_values(long(rows), lambda t: t["nme"].max() / t["nme"].min())
        np.testing.assert_allclose(found, [[24 - 8, 24 - 16, 24 - 4], [1, 1, 1]])

    def test_of_a_mean_over_unequal_persons(self):
        # Person a has two rows: mean 3 with all, 5 without a (6 and 4), 2 without b, 8/3 without c.
        rows = [(0, "a", 0.0), (0, "b", 6.0), (0, "a", 2.0), (0, "c", 4.0)]
        found = pseudo_values(long(rows), lambda t: t["nme"].mean())
        np.testing.assert_allclose(found, [[9 - 10, 9 - 4, 9 - 16 / 3]])


def test_curves_stack_runs_by_epoch(make_run):
    runs = [make_run([(0, 0)] * 4, seed=seed) for seed in (0, 1, 2)]
    np.testing.assert_array_equal(curves(runs, "val_loss"), [[0.5, 0.25], [0.5, 1.25], [0.5, 2.25]])


def test_a_curve_that_a_run_lacks(make_run):
    run = make_run([(0, 0)] * 4)
    with pytest.raises(KeyError, match=rf"run {run.key} has no curve 'val_nme': delete its file"):
        curves([run], "val_nme")


VALUES = np.array([[0.01, 0.03, 0.05, 0.03], [0.03, 0.05, 0.07, 0.05]])  # means 0.03 and 0.05


class TestMetrics:
    def test_estimate(self):
        found = estimate(VALUES, 24, "%", 100)
        interval = crossed_interval(VALUES)
        assert (found.value, found.n, found.unit) == (pytest.approx(4), 24, "%")
        assert (found.low, found.high) == pytest.approx((100 * interval.low, 100 * interval.high))
        # Seeds at 3 and 5: spread √2 of one, √(2 / 2) · √2 of a difference of means of two.
        assert found.tolerance == pytest.approx(5 * np.sqrt(2))

    def test_relative_is_in_per_cent_of_the_reference(self):
        found = relative({"a_less_b": VALUES}, 0.08, 24)
        assert list(found) == ["a_less_b.cv.relative"]
        metric = found["a_less_b.cv.relative"]
        interval = crossed_interval(VALUES)
        assert (metric.value, metric.n, metric.unit) == (pytest.approx(50), 24, "%")
        assert (metric.low, metric.high) == pytest.approx(
            (interval.low / 0.0008, interval.high / 0.0008)
        )
        assert metric.tolerance == pytest.approx(12.5 * 5 * np.sqrt(2))

    def test_relative_intervals_hold_together(self):
        rng = np.random.default_rng(0)
        other = rng.normal(0, 0.02, VALUES.shape)
        alone = relative({"a": VALUES}, 1.0, 24)["a.cv.relative"]
        both = relative({"a": VALUES, "b": other}, 1.0, 24)
        assert list(both) == ["a.cv.relative", "b.cv.relative"]
        assert both["a.cv.relative"].value == alone.value
        assert both["a.cv.relative"].high > alone.high
        assert both["b.cv.relative"].value == pytest.approx(100 * other.mean())

    def test_no_difference_no_metric(self):
        assert relative({}, 1.0, 24) == {}

    def test_an_interval_ends_at_the_limits(self):
        found = estimate(np.array([[0.0, 0.0, 0.0, 0.4]]), 24, "%", 100, limits=(0, 1))
        assert (found.value, found.low) == (pytest.approx(10), 0)
        assert found.high == pytest.approx(10 + 3.182446 * 10, rel=1e-5)  # t, standard error

    def test_shares_that_are_all_nothing_or_all_leave_room(self):
        none = estimate(np.zeros((2, 100)), 100, "%", 100, limits=(0, 1))
        # A share of 3.62 % leaves 100 of 100 out with a probability of 0.9638^100 = 0.025.
        assert (none.value, none.low, none.high) == (0, 0, pytest.approx(3.6217, rel=1e-4))
        every = estimate(np.ones((1, 100)), 100, "", limits=(0, 1))
        assert (every.value, every.low, every.high) == (1, pytest.approx(0.963783, rel=1e-4), 1)
        free = estimate(np.zeros((1, 100)), 100, "px", limits=(0, np.inf))
        assert (free.value, free.low, free.high) == (0, 0, 0)

    def test_the_summary_of_a_set_by_hand(self):
        errors = [0.02, 0.04, 0.10, 0.06, 0.02, 0.04, 0.06, 0.06]  # two seeds
        rows = {"nme": errors, "seed": np.repeat([0, 1], 4), "id": [*"abcd"] * 2}
        found = summary(pd.DataFrame(rows | {"person": rows["id"]}))
        assert {(m.n, m.unit) for m in found.values()} == {(4, "%"), (4, "")}
        assert found["nme"].value == pytest.approx(5)
        assert found["fr8"].value == pytest.approx(12.5)  # one of eight lies above 0.08
        # 1 - e / 0.08: 3/4, 1/2, 0, 1/4 and 3/4, 1/2, 1/4, 1/4
        assert found["auc8"].value == pytest.approx(3.25 / 8)
        assert found["fr8"].low == 0 < found["nme"].low

    def test_metrics_are_listed_with_three_digits_and_no_stray_point(self):
        found = {
            "of.test.nme": Metric(value=152.4, low=9.0, high=999.7, unit="%", n=4, tolerance=1),
            "alone.test.mse": Metric(value=0.0042, unit="", n=240, tolerance=0),
        }
        page = listed(found).to_html()
        cells = re.findall(r"<td[^>]*>(.*?)</td>", page)
        assert cells[:6] == ["of.test.nme", "152", "9.00", "1000", "%", "4"]
        assert cells[6:] == ["alone.test.mse", "0.00420", "–", "–", "", "240"]

    def test_by_seed_alone_the_interval_is_students(self):
        found = estimate_by_seed([1.0, 2.0, 6.0], 48, "points")
        half = 4.302653 * np.sqrt(7 / 3)  # t of 2 degrees of freedom; the variance is 7
        bounds = (found.value, found.low, found.high)
        assert bounds == pytest.approx((3, 3 - half, 3 + half), rel=1e-6)
        assert (found.n, found.unit) == (48, "points")

    def test_a_family_has_wider_intervals(self):
        found = estimate_by_seed([1.0, 2.0, 6.0], 48, "points", family=2)
        assert found.high == pytest.approx(3 + 6.205347 * np.sqrt(7 / 3), rel=1e-6)

    def test_one_seed_has_no_interval(self):
        found = estimate_by_seed([4.0], 48, "%")
        assert (found.value, found.low, found.high) == (4, None, None)


def test_what_was_trained_is_counted_and_timed(make_run):
    plain = [make_run([(0, 0)] * 4, seed=seed) for seed in (0, 1)]
    runs = [
        run.model_copy(
            update={
                "provenance": {"wall_seconds": seconds},
                "parameters": run.parameters | {"size": [9, 14], "model": {"name": "nose"}},
            }
        )
        for run, seconds in zip(plain, (4.0, 7.0), strict=True)
    ]
    trees = plain[0].model_copy(update={"provenance": {"wall_seconds": 3.0}})
    found = methods({"nose.val": runs, "dlib.test": [trees]})
    assert found["nose.val"].runs == ["run of seed 0", "run of seed 1"]
    assert found["nose.val"].seconds == 5.5
    # 3×3 convolutions of 16, 32 and 32 channels, then 58 units on 32 × 1 × 1 features, then 2.
    convolutions = 16 * 10 + 32 * (16 * 9 + 1) + 32 * (32 * 9 + 1)
    assert found["nose.val"].weights == convolutions + 58 * 33 + 2 * 59
    assert (found["dlib.test"].weights, found["dlib.test"].seconds) == (None, 3.0)
