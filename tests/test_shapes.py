"""Mean shapes and modes of shapes whose differences are known."""

import doctest

import numpy as np
import pytest

from facekp import shapes

EYES = (36, 45)


def base():
    shape = np.random.default_rng(4).normal(0, 30, (68, 2))
    shape[list(EYES)] = [-50, 10], [50, 10]
    return shape


def turned(shape, degrees, scale, shift):
    a = np.radians(degrees)
    turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    return shape @ turn.T * scale + shift


def test_doctests():
    assert doctest.testmod(shapes, extraglobs={"np": np}).failed == 0


def test_place_size_and_turn_do_not_count():
    poses = ((0, 1), (25, 2), (-40, 0.5))
    model = shapes.shape_model(np.array([turned(base(), d, s, [d, 3 * s]) for d, s in poses]), EYES)
    np.testing.assert_allclose(model.mean[list(EYES)], [[-0.5, 0], [0.5, 0]], atol=1e-9)
    np.testing.assert_allclose(model.variance, 0, atol=1e-18)
    np.testing.assert_allclose(model.mean, shapes.upright(base(), EYES), atol=1e-9)


def test_one_way_of_varying_is_one_mode():
    rng = np.random.default_rng(0)
    direction = rng.normal(0, 1, (68, 2))
    model = shapes.shape_model(base() + rng.normal(0, 0.5, (200, 1, 1)) * direction, EYES)
    assert model.variance[0] > 0.99 * model.variance.sum()
    np.testing.assert_allclose(model.along(0, 0), model.mean)
    there, back = (model.along(0, sign) - model.mean for sign in (1, -1))
    np.testing.assert_allclose(there, -back)
    assert np.linalg.norm(there) == pytest.approx(np.sqrt(model.variance[0]))


def test_the_spread_is_that_of_the_aligned_shapes():
    rng = np.random.default_rng(1)
    many = base() + rng.normal(0, 3, (300, 68, 2)) * np.linspace(0.2, 2, 68)[:, None]
    model = shapes.shape_model(many, EYES)
    aligned = shapes.align(many, model.mean)
    expected = np.sqrt(aligned.var(0, ddof=1).sum(1))
    np.testing.assert_allclose(model.spread, expected, rtol=1e-9)


def test_a_model_explains_itself_and_its_own_modes():
    rng = np.random.default_rng(2)
    model = shapes.shape_model(base() + rng.normal(0, 3, (30, 68, 2)), EYES)
    assert shapes.explained(model, model, 29) == pytest.approx(1)
    share = model.variance[:4].sum() / model.variance.sum()
    assert shapes.explained(model, model, 4) == pytest.approx(share)
