"""From a mesh to keypoints, without anny: small meshes and a camera worked out by hand."""

import numpy as np
import pytest
from demo_faces import keypoints
from demo_faces.camera import Camera


class Flat:
    """A camera that drops y: x to the right, z up, one pixel a metre."""

    def project(self, points):
        return points[:, [0, 2]] * [1, -1]


def test_a_point_at_the_target_falls_on_the_middle_of_the_picture():
    camera = Camera(np.array([0.1, 0.2, 0.3]), 2.0, 0.4, width=8, height=6)
    # The middle of 8 x 6 pixels lies between the centres of 3 and 4, and of 2 and 3.
    np.testing.assert_allclose(camera.project(np.array([[0.1, 0.2, 0.3]])), [[3.5, 2.5]])


def test_extent_is_what_the_width_shows_at_the_target():
    camera = Camera(np.zeros(3), 2.0, 0.4, width=8, height=6)
    # 0.4 m across 8 px: 5 cm a pixel. Twice as far away half as large.
    points = np.array([[0.05, 0, 0], [0, 0, 0.05], [0.1, 2.0, 0]])
    np.testing.assert_allclose(camera.project(points), [[4.5, 2.5], [3.5, 1.5], [4.5, 2.5]])


def test_shift_and_tilt_move_the_picture_not_the_target():
    tilted = Camera(np.zeros(3), 2.0, 0.4, 8, 6, lift=10, tilt=25, shift=(0.25, -0.125))
    np.testing.assert_allclose(tilted.project(np.zeros((1, 3))), [[3.5 + 2, 2.5 - 1]], atol=1e-12)


def test_a_single_surface_point_is_the_weighted_mean_of_its_vertices():
    vertices = np.array([[0.0, 0, 0], [4, 0, 0], [0, 0, 8]])
    strips = [{"strip": [[[0, 0.5], [1, 0.25], [2, 0.25]]], "direction": [0, 0]}]
    found = keypoints.project(strips, vertices, Flat(), roll=0)
    np.testing.assert_allclose(found.points, [[1, -2]])
    np.testing.assert_allclose(found.surface, [[1, 0, 2]])


def strip_along(values):
    """Return a mesh whose vertex k stands at x = values[k], z = k, and the strip of them all."""
    vertices = np.array([[x, 0.0, k] for k, x in enumerate(values)])
    return vertices, [{"strip": [[[k, 1.0]] for k in range(len(values))], "direction": [1, 0]}]


def test_a_strip_follows_the_contour():
    vertices, strips = strip_along([0.0, 1.0, 3.0, 1.0])
    found = keypoints.project(strips, vertices, Flat(), roll=0)
    # Symmetric neighbours: the parabola's top is the vertex itself.
    np.testing.assert_allclose(found.points, [[3, -2]])


def test_the_contour_is_refined_by_a_parabola():
    # Through (0, 2), (1, 3), (2, 2.5): top at 1 + 0.5 (2 - 2.5) / (2 - 6 + 2.5) = 1 + 1/6.
    vertices, strips = strip_along([2.0, 3.0, 2.5])
    found = keypoints.project(strips, vertices, Flat(), roll=0)
    np.testing.assert_allclose(found.at, [1 + 1 / 6])
    np.testing.assert_allclose(found.points, [[3 - 0.5 / 6, -7 / 6]])


def test_outwards_turns_with_the_head():
    vertices, strips = strip_along([0.0, 1.0, 0.0])
    # A head rolled by 90 degrees clockwise: its "right" is the picture's "down", y = -z grows
    # towards vertex 0.
    found = keypoints.project(strips, vertices, Flat(), roll=90)
    np.testing.assert_allclose(found.points, [[0, 0]], atol=1e-12)


def test_normals_come_from_the_same_place():
    strips = strip_along([0.0, 0.0])[1]
    normals = np.array([[1.0, 0, 0], [0, 1, 0]])
    middle = keypoints.surface_normals(strips, np.array([0.5]), normals)
    np.testing.assert_allclose(middle, [[np.sqrt(0.5), np.sqrt(0.5), 0]])


def test_the_jaws_points_are_spread_over_what_is_seen():
    # A straight outline in which the chin's point comes at 60 of 100 and slides on by 2.5. Eight
    # steps lead there, the last of which is 0.95 of the others.
    outline = np.array([[0.0, 0], [30, 0], [60, 0], [70, 0], [100, 0]])
    at = keypoints.spread(outline, 2.5)
    x = np.interp(at, range(5), outline[:, 0])
    assert x[[0, 8, 16]] == pytest.approx([0, 62.5, 100])
    step, back = 62.5 / 7.95, 37.5 / 7.95
    assert np.diff(x) == pytest.approx([*7 * [step], 0.95 * step, 0.95 * back, *7 * [back]])


def test_the_jaws_points_do_not_depend_on_how_densely_the_outline_is_given():
    angle = np.radians(np.linspace(180, 0, 65))
    coarse, dense = (
        np.stack([np.cos(a), 1.3 * np.sin(a)], 1) for a in (angle, np.linspace(np.pi, 0, 1025))
    )
    for axis in range(2):
        ours = np.interp(keypoints.spread(coarse, 0.1), range(65), coarse[:, axis])
        theirs = np.interp(keypoints.spread(dense, 0.1), range(1025), dense[:, axis])
        np.testing.assert_allclose(ours, theirs, atol=1e-3)


def test_a_point_slides_as_far_as_asked():
    row = np.array([-40.0, -20, 0, 10, 30])
    # 25 to the right of the middle: past the step of 10, three quarters into that of 20.
    assert keypoints.slide(row, 25) == pytest.approx(3.75)
    assert keypoints.slide(row, -10) == pytest.approx(1.5)
    assert keypoints.slide(row, 0) == 2
    np.testing.assert_allclose(keypoints.slide(row + 7, 25), 3.75)


def test_a_point_slides_no_further_than_its_row_is_seen():
    # The row turns back after 12, behind the nose: what follows lies on a cheek.
    row = np.array([-30.0, -20, -10, 0, 12, 5, 30])
    assert keypoints.slide(row, 20) == 4
    assert keypoints.slide(row[::-1] * -1, -20) == 2
    assert keypoints.slide(row, -99) == 0


def face(turn):
    """Return a face's vertices and strips for 300-W: all rows along x, the tip off by a turn.

    The jaw runs along x from 0 to 1. A metre above it, the outer corners of the eyes lie at 0 and
    1, and each row reaches 0.12 to either side of its middle at 0.5.
    """
    places = [[k / 64, 0.0, 0.0] for k in range(65)]
    for k in range(17, 68):
        x = {36: 0.0, 45: 1.0, 30: 0.5 + turn}.get(k, 0.5)
        row = np.linspace(-0.12, 0.12, 13) if k in keypoints.SLIDES else [0]
        places += [[x + dx, 0.0, 1.0] for dx in row]
    strips = [{"strip": [[[k, 1.0]]], "direction": [0, 0]} for k in range(len(places))]
    return np.array(places), strips


@pytest.mark.parametrize("turn", [0.0, 0.2, -0.2])
def test_nose_and_lips_slide_with_the_turn(monkeypatch, turn):
    vertices, strips = face(turn)
    monkeypatch.setattr(keypoints, "table", lambda: {"schemes": {"ibug68": strips}})
    normals = np.tile([0.0, -1, 0], (len(vertices), 1))
    found = keypoints.place("ibug68", vertices, normals, Flat(), roll=0).points
    assert found.shape == (68, 2)
    for k, share in keypoints.SLIDES.items():
        middle = 0.5 + (turn if k == 30 else 0)
        assert found[k] == pytest.approx([middle + share * turn, -1])


def test_points_along_the_outline_lie_on_the_mesh_with_its_normals(monkeypatch):
    vertices, strips = face(turn=0)
    normals = np.tile([0.0, -1, 0], (len(vertices), 1))
    normals[:65, 0] = np.linspace(-1, 1, 65)
    monkeypatch.setattr(keypoints, "table", lambda: {"schemes": {"ibug68": strips}})
    found = keypoints.place("ibug68", vertices, normals, Flat(), roll=0)
    assert found.points.shape == (68, 2)
    np.testing.assert_allclose(found.points, found.surface[:, [0, 2]] * [1, -1])
    assert found.points[[0, 8, 16, 45]] == pytest.approx(
        np.array([[0, 0], [0.5, 0], [1, 0], [1, -1]])
    )
    assert np.linalg.norm(found.normals, axis=1) == pytest.approx(np.ones(68))
    slope = found.normals[:17, 0] / -found.normals[:17, 1]
    np.testing.assert_allclose(slope, 2 * found.points[:17, 0] - 1, atol=0.01)


@pytest.mark.parametrize(("scheme", "count"), [("ibug68", 65 + 18 * 13 + 33), ("imm58", 58)])
def test_the_table_holds_whole_weights_and_mirrored_directions(scheme, count):
    strips = keypoints.table()["schemes"][scheme]
    assert len(strips) == count
    for keypoint in strips:
        for point in keypoint["strip"]:
            assert sum(w for _, w in point) == pytest.approx(1, abs=2e-3)
    jaw = strips[: keypoints.OUTLINES.get(scheme, 13)]
    for right, left in zip(jaw, jaw[::-1], strict=True):
        assert right["direction"][0] == pytest.approx(-left["direction"][0], abs=0.05)
        assert len(right["strip"]) == len(left["strip"])


def test_the_68_keypoints_keep_the_frames_bridge_and_move_the_eye_corners():
    schemes = keypoints.table()["schemes"]
    labels, first = {}, keypoints.OUTLINES["ibug68"]
    for k in range(17, 68):
        length = keypoints.ROW if k in keypoints.SLIDES else 1
        labels[k] = schemes["ibug68"][first + length // 2]
        first += length
    assert first == len(schemes["ibug68"])
    kept = {k for k, keypoint in labels.items() if keypoint == schemes["frame68"][k]}
    assert {27, 30} <= kept
    assert not {36, 45} & kept
    assert set(keypoints.FRAMES) == set(schemes) - {"frame68"}
