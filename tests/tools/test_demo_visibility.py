"""Which keypoints are seen: triangles and strands whose cover can be worked out by hand."""

import numpy as np
import pytest
from demo_faces import visibility as vis
from demo_faces.camera import Camera

CAMERA = Camera(np.zeros(3), 1.0, 0.1, width=100, height=80)  # 1 mm a pixel at the target
FRONT = np.array([[0.0, -1, 0]])
WALL = np.array([[-1.0, 0, -1], [1, 0, -1], [0, 0, 2]])  # a triangle across the whole picture
NO_HAIR = np.zeros((0, 2, 3))


def seen(points, triangles, strands=NO_HAIR, radius=0.0005):
    points = np.array(points, float)
    geometry = vis.Geometry(np.array(triangles, float), strands, radius)
    return vis.visible_keypoints(
        points, np.repeat(FRONT, len(points), 0), CAMERA, geometry
    ).tolist()


def test_a_surface_hides_what_lies_behind_it_and_nothing_before_it():
    points = [[0, 0.02, 0], [0, -0.02, 0], [0.01, 0.02, 0.01]]
    assert seen(points, [WALL]) == [False, True, False]


def test_a_surface_does_not_hide_the_points_that_lie_on_it():
    assert seen([[0, 0.0, 0], [0.02, 0.001, -0.01]], [WALL]) == [True, True]


def test_a_surface_beside_the_ray_hides_nothing():
    beside = np.array([[0.001, -0.1, -1], [0.001, -0.1, 1], [1, -0.1, 0]])
    assert seen([[0, 0, 0], [0.02, 0, 0]], [beside]) == [True, False]


def test_a_slanted_surface_is_measured_where_the_ray_meets_it():
    # y = x: nearer than the points to the right of the middle, further to the left of it.
    slanted = np.array([[-0.5, -0.5, -1], [0.5, 0.5, -1], [0, 0, 3]])
    assert seen([[0.04, 0, 0], [-0.04, 0, 0]], [slanted]) == [True, False]


def test_a_triangle_without_area_hides_nothing():
    assert seen([[0, 0, 0]], [np.array([[0, -0.1, -1], [0, -0.1, 1], [0, -0.1, 0]])]) == [True]


def strands_before(x, count):
    """Return upright strands at depth -0.05 that pass through (x, z = 0), all in one place."""
    z = np.linspace(-0.02, 0.02, 9)
    return np.repeat(np.stack([0 * z + x, 0 * z - 0.05, z], 1)[None], count, 0)


def test_enough_hair_hides_a_point():
    # A strand 1 mm wide at 0.95 m: 1.05 px, across a disc of radius 2 px: 4.2 of its 12.6 px².
    # One leaves exp(-1/3) = 72 % of it free, three 37 %.
    assert seen([[0, 0, 0]], [], strands_before(0, 1)) == [True]
    assert seen([[0, 0, 0]], [], strands_before(0, 3)) == [False]
    assert seen([[0.01, 0, 0]], [], strands_before(0, 3)) == [True]
    assert seen([[0, -0.06, 0]], [], strands_before(0, 3)) == [True]


def test_cover_is_the_share_of_the_disc():
    geometry = vis.Geometry(np.zeros((0, 3, 3)), strands_before(0, 1), 0.0005)
    cover = vis.hair_cover(np.array([[49.5, 39.5]]), np.array([1.0]), CAMERA, geometry)
    width = 2 * 0.0005 * CAMERA.focal / 0.95
    assert cover == pytest.approx(1 - np.exp(-4 * width / (np.pi * 4)), rel=1e-9)


@pytest.mark.parametrize(
    ("start", "step", "length"),
    [
        ((-5, 0), (10, 0), 4),
        ((0, 0), (10, 0), 2),
        ((-1, 0), (1, 0), 1),
        ((-5, 3), (10, 0), 0),
        ((-5, 1), (10, 0), 2 * np.sqrt(3)),
        ((3, 0), (10, 0), 0),
        ((0, 0), (0, 0), 0),
    ],
)
def test_chord_is_the_part_of_a_segment_inside_a_circle_of_radius_2(start, step, length):
    found = vis.chord(np.array([start], float), np.array([step], float), 2.0)
    assert found == pytest.approx([length], abs=1e-5)
