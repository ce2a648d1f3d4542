"""Mean shapes and modes of shapes whose differences are known."""

import doctest

import numpy as np
import pytest

from facekp import shapes
from facekp.schemes import SCHEMES

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


def test_distance_after_alignment_is_in_eye_distances_of_the_target():
    rng = np.random.default_rng(5)
    target = base()
    other = target + rng.normal(0, 4, target.shape)
    poses = ((0, 1, 0), (70, 3, [9, -4]), (-160, 0.2, 30))
    many = np.array([turned(other, *pose) for pose in poses])
    expected = np.linalg.norm(shapes.align(other[None], target)[0] - target, axis=1).mean() / 100
    np.testing.assert_allclose(shapes.distance_to(many, target, EYES), expected)
    # A target of another size and turn is as far.
    other_target = turned(target, 35, 0.01, 2)
    np.testing.assert_allclose(shapes.distance_to(many, other_target, EYES), expected)
    assert shapes.distance_to(many, other, EYES).max() < 1e-9


def test_roll_is_the_turn_of_an_upright_face():
    poses = ((0, 1), (30, 2), (-75, 0.5), (120, 3))
    many = np.array([turned(base(), d, s, [d, s]) for d, s in poses])
    np.testing.assert_allclose(shapes.roll(many, EYES), [d for d, _ in poses], atol=1e-9)


both_schemes = pytest.mark.parametrize("scheme", SCHEMES.values(), ids=lambda scheme: scheme.name)


def head(scheme, depth):
    """Draw a symmetric head (K, 3): x to the subject's left, y down, z to the camera."""
    points = np.random.default_rng(6).normal(0, 40, (scheme.count, 3))
    points = (points + points[list(scheme.flip)] * [-1, 1, 1]) / 2
    points[list(scheme.eye_corners)] = [-45, -5, -20], [45, -5, -20]
    points[chin(scheme)] = 0, 95, -20
    points[scheme.nose_tip] = 0, 38, -20 + 45 * depth
    return points


def chin(scheme):
    return {"imm58": 6, "ibug68": 8}[scheme.name]


def yaw(keypoints, scheme, depth=0.8):
    places = scheme.eye_corners, scheme.nose_tip, scheme.groups["jaw"]
    return shapes.yaw(keypoints, *places, depth)


def seen(head, yaw, pitch=0.0):
    """Turn a head by degrees to the subject's left, nod it, and see it from far away: (K, 2)."""
    a, b = np.radians([yaw, pitch])
    x, y, z = head.T
    x, z = x * np.cos(a) + z * np.sin(a), z * np.cos(a) - x * np.sin(a)
    return np.stack([x, y * np.cos(b) + z * np.sin(b)], 1)


def mirrored(keypoints, scheme):
    return (keypoints * [-1, 1] + [319, 0])[..., list(scheme.flip), :]


@both_schemes
@pytest.mark.parametrize("pitch", [0, 25, -25])
def test_yaw_of_a_head_of_known_depth(scheme, pitch):
    angles, depth = np.array([-80, -30, -5, 0, 12, 45, 80]), shapes.NOSE_DEPTHS[scheme.name]
    many = np.array([seen(head(scheme, depth), angle, pitch) for angle in angles])
    np.testing.assert_allclose(yaw(many, scheme, depth), angles, atol=1e-9)


@both_schemes
def test_yaw_does_not_depend_on_place_size_and_roll(scheme):
    face = seen(head(scheme, 0.8), 25)
    poses = ((0, 1, 0), (40, 2, [9, -4]), (-70, 0.3, 100), (170, 1, 5))
    many = np.array([turned(face, *pose) for pose in poses])
    np.testing.assert_allclose(yaw(many, scheme), 25, atol=1e-9)
    rolls = shapes.roll(many, scheme.eye_corners)
    np.testing.assert_allclose(rolls, [0, 40, -70, 170], atol=1e-9)


@both_schemes
@pytest.mark.parametrize("depth", [0.5, 1.1])
def test_another_depth_keeps_the_order(scheme, depth):
    # The chin is off its plane, too, and the head nods.
    face = head(scheme, 0.8)
    face[chin(scheme)] += 0, 0, 15
    many = np.array([seen(face, angle, pitch=15) for angle in range(-60, 61, 5)])
    found = yaw(many, scheme, depth)
    assert (np.diff(found) > 0).all()
    assert found[12] == pytest.approx(0, abs=1e-9)


@both_schemes
def test_a_profile_is_a_quarter_turn(scheme):
    many = np.array([seen(head(scheme, 0.8), angle) for angle in (90, -90)])
    np.testing.assert_allclose(yaw(many, scheme), [90, -90], atol=1e-9)


@both_schemes
def test_a_mirror_image_turns_and_leans_the_other_way(scheme):
    faces = np.array([turned(seen(head(scheme, 0.8), d, 10), d / 2, 1, 150) for d in (35, -20)])
    there, back = yaw(faces, scheme), yaw(mirrored(faces, scheme), scheme)
    np.testing.assert_allclose(there, [35, -20], atol=1e-9)
    np.testing.assert_allclose(back, -there, atol=1e-9)
    there, back = (shapes.roll(f, scheme.eye_corners) for f in (faces, mirrored(faces, scheme)))
    np.testing.assert_allclose(back, -there, atol=1e-9)
