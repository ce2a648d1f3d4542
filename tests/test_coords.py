import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from facekp.coords import (
    crop_from_image,
    enlarge_boxes,
    image_from_crop,
    pixels_from_unit,
    resize_points,
    unit_from_pixels,
    whole_box,
)

SIZE = (3, 7)  # H, W
POINTS = arrays(np.float64, (2, 5, 2), elements=st.floats(-1000, 1000))
SIZES = st.tuples(st.integers(1, 500), st.integers(1, 500))
BOXES = st.tuples(
    st.floats(-500, 500), st.floats(-500, 500), st.floats(1, 500), st.floats(1, 500)
).map(lambda box: np.array([box, (box[1], box[0], 7.0, 11.0)]))


def test_the_centre_of_the_first_pixel_is_half_a_pixel_from_the_edge():
    unit = unit_from_pixels(np.array([[0.0, 0.0], [6.0, 2.0]]), SIZE)
    np.testing.assert_allclose(unit, [[0.5 / 7, 0.5 / 3], [6.5 / 7, 2.5 / 3]], rtol=1e-15)


def test_the_edges_of_a_picture_are_minus_a_half_and_size_minus_a_half():
    np.testing.assert_array_equal(
        pixels_from_unit(np.array([[0.0, 0.0], [1.0, 1.0]]), SIZE), [[-0.5, -0.5], [6.5, 2.5]]
    )


def test_resizing_by_an_eighth():
    # Pixels 0 to 7 become pixel 0: their middle, 3.5, is its centre.
    np.testing.assert_array_equal(resize_points(np.array([[3.5, 3.5]]), 1 / 8), [[0, 0]])


def test_resizing_takes_the_scale_of_the_height_first():
    np.testing.assert_array_equal(resize_points(np.array([[1.5, 1.5]]), (2.0, 0.5)), [[0.5, 3.5]])


def test_a_crop_that_is_twice_as_large_as_its_box():
    boxes = np.array([[9.5, 19.5, 7, 3]])  # whole pixels 10-16 and 20-22
    points = np.array([[[10.0, 20.0], [16.0, 22.0], [9.5, 19.5]]])
    # A doubled pixel covers two: 10 becomes 0 and 1, whose middle is 0.5.
    np.testing.assert_array_equal(
        crop_from_image(points, boxes, (6, 14)), [[[0.5, 0.5], [12.5, 4.5], [-0.5, -0.5]]]
    )


def test_each_face_has_its_own_box():
    boxes = np.array([[-0.5, -0.5, 7, 3], [1.5, 0.5, 7, 3]])
    points = np.array([[[2.0, 1.0]], [[2.0, 1.0]]])
    np.testing.assert_array_equal(crop_from_image(points, boxes, SIZE), [[[2, 1]], [[0, 0]]])


def test_the_whole_picture_as_a_crop_is_a_resize():
    points = np.random.default_rng(0).uniform(0, 600, (1, 5, 2))
    cropped = crop_from_image(points, whole_box((480, 640))[None], (60, 80))
    np.testing.assert_allclose(cropped, resize_points(points, 1 / 8), atol=1e-12)


def test_enlarging_keeps_the_centre_and_squares_by_the_longer_side():
    # Centre (15, 10), longer side 20, times 1.2: 24.
    np.testing.assert_allclose(enlarge_boxes([5, 5, 20, 10], 1.2), [3, -2, 24, 24], rtol=1e-15)
    np.testing.assert_array_equal(
        enlarge_boxes(np.array([[0, 0, 4, 4], [2, 0, 2, 4]]), 1.0), [[0, 0, 4, 4], [1, 0, 4, 4]]
    )


@given(POINTS, SIZES)
def test_unit_and_pixels_are_inverse(points, size):
    back = pixels_from_unit(unit_from_pixels(points, size), size)
    np.testing.assert_allclose(back, points, atol=1e-9)


@given(POINTS, BOXES, SIZES)
def test_crop_and_image_are_inverse(points, boxes, size):
    back = image_from_crop(crop_from_image(points, boxes, size), boxes, size)
    np.testing.assert_allclose(back, points, atol=1e-7)


@pytest.mark.parametrize("function", [unit_from_pixels, pixels_from_unit])
def test_tensors_are_mapped_as_arrays(function):
    points = np.random.default_rng(0).uniform(-5, 50, (2, 5, 2)).astype(np.float32)
    tensor = function(torch.from_numpy(points), SIZE)
    assert tensor.dtype == torch.float32 and function(points, SIZE).dtype == np.float32
    np.testing.assert_allclose(tensor.numpy(), function(points, SIZE), rtol=1e-6)


@pytest.mark.parametrize("function", [crop_from_image, image_from_crop])
def test_tensors_are_cropped_as_arrays(function):
    points = np.random.default_rng(0).uniform(-5, 50, (2, 5, 2)).astype(np.float32)
    boxes = np.array([[1, 2, 30, 40], [-5, 0, 17, 19]], dtype=np.float32)
    for given_boxes in (boxes, torch.from_numpy(boxes)):
        tensor = function(torch.from_numpy(points), given_boxes, SIZE)
        np.testing.assert_allclose(tensor.numpy(), function(points, boxes, SIZE), rtol=1e-5)


def test_gradients_pass():
    points = torch.zeros(1, 1, 2, requires_grad=True)
    crop_from_image(points, [[-0.5, -0.5, 7, 3]], (6, 7)).sum().backward()
    assert points.grad.tolist() == [[[1.0, 2.0]]]  # W / width, H / height
