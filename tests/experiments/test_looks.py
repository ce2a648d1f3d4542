"""A second look: what is moved where, and what comes back."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from dots import dot_faces
from facekp.experiments.looks import second_look

SIZE = (60, 80)
MEAN = np.array([[30.0, 20], [50, 20], [40, 42]])


def blobs(keypoints):
    """Draw faces of three bright blobs."""
    count = len(keypoints)
    faces = dot_faces(list(range(count)), SIZE, 3)
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    apart = (x - keypoints[..., 0, None, None]) ** 2 + (y - keypoints[..., 1, None, None]) ** 2
    images = (250 * np.exp(-apart / 8)).max(1).astype(np.uint8)[:, None]  # (N, 1, H, W)
    return replace(faces, images=images, keypoints=keypoints.astype(np.float32))


def centres(faces):
    """Find the blobs, in the order of the mean shape's nearest points."""
    found = []
    for image in faces.images[:, 0].astype(float):
        labels, count = ndimage.label(image > 40)  # mirrored at the border, there may be more
        yx = np.array(ndimage.center_of_mass(image, labels, range(1, count + 1)))
        apart = np.linalg.norm(MEAN[:, None] - yx[None, :, ::-1], axis=-1)
        found.append(yx[apart.argmin(1), ::-1])
    return np.array(found, np.float32)


def posed(degrees, scale, shift):
    middle = MEAN.mean(0)
    a = np.radians(degrees)
    turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    return (MEAN - middle) @ turn.T * scale + middle + shift


@pytest.fixture
def seen():
    return blobs(np.stack([MEAN - 1, MEAN + 1]))


def test_faces_are_looked_at_where_they_mostly_lie(seen):
    truth = np.stack([posed(0, 1, 0), posed(25, 0.8, [4, -3]), posed(-40, 1.2, [-5, 2])])
    val, looked_at = blobs(truth), []

    def look(faces):
        looked_at.append(centres(faces))
        return looked_at[-1]

    found = second_look(look, val, truth.astype(np.float32), seen)
    np.testing.assert_allclose(looked_at[0], np.broadcast_to(MEAN, (3, 3, 2)), atol=0.15)
    np.testing.assert_allclose(found, truth, atol=0.15)


def test_both_looks_count_alike(seen):
    truth = np.stack([posed(10, 1.1, 2)])
    off = np.array([0.8, -0.4])  # all alike, so that the map is off by as much and no more
    first = (truth + off).astype(np.float32)
    found = second_look(centres, blobs(truth), first, seen)
    np.testing.assert_allclose(found, truth + off / 2, atol=0.15)


@pytest.mark.parametrize("scale", [0.0, 0.4, 2.5])
def test_what_can_be_no_face_is_looked_at_as_it_is(seen, scale):
    val = blobs(MEAN[None])
    first = (MEAN.mean(0) + scale * (MEAN - MEAN.mean(0)))[None].astype(np.float32)
    found = second_look(centres, val, first, seen)
    np.testing.assert_allclose(found, (first + MEAN) / 2, atol=0.15)


def test_hidden_training_keypoints_do_not_move_the_mean(seen):
    keypoints = seen.keypoints.copy()
    keypoints[0, 1] = np.nan
    visible = seen.visible.copy()
    visible[0, 1] = False
    some = replace(seen, keypoints=keypoints, visible=visible)
    truth = np.stack([posed(10, 1.1, 2)])
    found = second_look(centres, blobs(truth), truth.astype(np.float32), some)
    np.testing.assert_allclose(found, truth, atol=0.15)
