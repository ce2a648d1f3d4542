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


@pytest.mark.parametrize(("scheme", "count"), [("ibug68", 68), ("imm58", 58)])
def test_the_table_holds_whole_weights_and_mirrored_directions(scheme, count):
    strips = keypoints.table()["schemes"][scheme]
    assert len(strips) == count
    for keypoint in strips:
        for point in keypoint["strip"]:
            assert sum(w for _, w in point) == pytest.approx(1, abs=2e-3)
    jaw = strips[:17] if scheme == "ibug68" else strips[:13]
    for right, left in zip(jaw, jaw[::-1], strict=True):
        assert right["direction"][0] == pytest.approx(-left["direction"][0], abs=0.05)
        assert len(right["strip"]) == len(left["strip"])


def test_the_68_keypoints_keep_the_frames_jaw_and_move_the_eye_corners():
    schemes = keypoints.table()["schemes"]
    frame, labels = schemes["frame68"], schemes["ibug68"]
    assert labels[:17] == frame[:17]
    assert not {36, 45} & {k for k in range(68) if labels[k] == frame[k]}
    assert set(keypoints.FRAMES) == set(schemes) - {"frame68"}
