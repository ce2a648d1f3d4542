"""Mean shapes and modes of shapes whose differences are known."""

import numpy as np
import pytest
from demo_faces import compare_shapes as cs


def base(count=68):
    rng = np.random.default_rng(4)
    shape = rng.normal(0, 30, (count, 2))
    right, left = cs.EYE_CORNERS[count]
    shape[right], shape[left] = [-50, 10], [50, 10]
    return shape


def turned(shape, degrees, scale, shift):
    a = np.radians(degrees)
    turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    return shape @ turn.T * scale + shift


def test_place_size_and_turn_do_not_count():
    shapes = np.array([turned(base(), d, s, [d, 3 * s]) for d, s in ((0, 1), (25, 2), (-40, 0.5))])
    model = cs.shape_model(shapes)
    np.testing.assert_allclose(model.mean[[36, 45]], [[-0.5, 0], [0.5, 0]], atol=1e-9)
    np.testing.assert_allclose(model.variance, 0, atol=1e-18)
    np.testing.assert_allclose(model.mean, cs.upright(base(), 36, 45), atol=1e-9)


def test_one_way_of_varying_is_one_mode():
    rng = np.random.default_rng(0)
    direction = rng.normal(0, 1, (68, 2))
    shapes = base() + rng.normal(0, 0.5, (200, 1, 1)) * direction
    variance = cs.shape_model(shapes).variance
    assert variance[0] > 0.99 * variance.sum()


def test_a_moved_keypoint_shows_in_its_row():
    theirs = np.array([base(), base() + 1e-6])
    ours = theirs.copy()
    ours[:, 30, 1] += 10  # a tenth of the eyes' distance, shared by the fit among 68 keypoints
    rows = {
        line[:12].strip(): line.split()
        for line in cs.report(ours, theirs).splitlines()
        if line.startswith(("keypoint", "jaw"))
    }
    assert float(rows["keypoint 30"][4]) == pytest.approx(10, abs=0.6)
    assert float(rows["jaw"][1]) < 1


def test_sets_of_different_schemes_are_refused():
    with pytest.raises(ValueError, match="58 keypoints here, 68 there"):
        cs.report(np.zeros((2, 58, 2)), np.zeros((2, 68, 2)))
