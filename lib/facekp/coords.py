"""Pixel-centre maps between a picture, a crop of it and coordinates in [0, 1].

An integer coordinate is a pixel's centre, the first one is 0, and x comes before y. A picture
W pixels wide therefore reaches from -0.5 to W - 0.5. Sizes are (height, width). A box is
[left, top, width, height] in pixels of its picture, measured at pixel edges: the whole picture
of W x H pixels is the box [-0.5, -0.5, W, H].

Here are maps of points and boxes; moving the pixels themselves belongs to `facekp.data`.
"""

import numpy as np
import torch

__all__ = [
    "crop_from_image",
    "enlarge_boxes",
    "image_from_crop",
    "pixels_from_unit",
    "resize_points",
    "unit_from_pixels",
    "whole_box",
]


def unit_from_pixels(points, size):
    """Map pixels to [0, 1]: u = (x + 0.5) / W, v = (y + 0.5) / H.

    Parameters
    ----------
    points : numpy.ndarray or torch.Tensor
        Shape (..., 2), floating, (x, y) in pixels of a picture.
    size : tuple of int
        (H, W) of that picture.

    Returns
    -------
    numpy.ndarray or torch.Tensor
        Shape, type and device of `points`; the picture's outer edges lie at 0 and 1.

    Examples
    --------
    >>> unit_from_pixels(np.array([[-0.5, 29.5], [79.5, 59.5]]), (60, 80)).tolist()
    [[0.0, 0.5], [1.0, 1.0]]
    """
    return (points + 0.5) / _width_height(size, points)


def pixels_from_unit(points, size):
    """Map [0, 1] back to pixels: x = u W - 0.5. The inverse of `unit_from_pixels`.

    Parameters
    ----------
    points : numpy.ndarray or torch.Tensor
        Shape (..., 2), floating, (u, v) as fractions of width and height.
    size : tuple of int
        (H, W) of the picture.

    Returns
    -------
    numpy.ndarray or torch.Tensor
        Shape, type and device of `points`, in pixels.
    """
    return points * _width_height(size, points) - 0.5


def resize_points(points, scale):
    """Move points along with a picture that is resized: x to (x + 0.5) s - 0.5.

    Parameters
    ----------
    points : numpy.ndarray or torch.Tensor
        Shape (..., 2), floating, (x, y) in pixels before resizing.
    scale : float or tuple of float
        New size over old size; a tuple is (of the height, of the width).

    Returns
    -------
    numpy.ndarray or torch.Tensor
        Shape, type and device of `points`, in pixels after resizing.

    Examples
    --------
    >>> resize_points(np.array([[639.5, 0.0]]), 0.125).tolist()
    [[79.5, -0.4375]]
    """
    scale_y, scale_x = (scale, scale) if np.isscalar(scale) else scale
    return (points + 0.5) * _like([scale_x, scale_y], points) - 0.5


def crop_from_image(points_img, boxes, size):
    """Map points of pictures into crops of them.

    Parameters
    ----------
    points_img : numpy.ndarray or torch.Tensor
        Shape (N, K, 2), floating, in pixels of each picture.
    boxes : array_like
        Shape (N, 4), [left, top, width, height] at pixel edges, in pixels of each picture.
    size : tuple of int
        (H, W) of the crops.

    Returns
    -------
    numpy.ndarray or torch.Tensor
        Shape (N, K, 2), type and device of `points_img`, in pixels of the crops.
    """
    boxes = _like(boxes, points_img)[:, None]  # (N, 1, 4)
    unit = (points_img - boxes[..., :2]) / boxes[..., 2:]
    return pixels_from_unit(unit, size)


def image_from_crop(points_crop, boxes, size):
    """Map points of crops back into the pictures. The inverse of `crop_from_image`.

    Parameters
    ----------
    points_crop : numpy.ndarray or torch.Tensor
        Shape (N, K, 2), floating, in pixels of the crops.
    boxes : array_like
        Shape (N, 4), [left, top, width, height] at pixel edges, in pixels of each picture.
    size : tuple of int
        (H, W) of the crops.

    Returns
    -------
    numpy.ndarray or torch.Tensor
        Shape (N, K, 2), type and device of `points_crop`, in pixels of each picture.
    """
    boxes = _like(boxes, points_crop)[:, None]  # (N, 1, 4)
    return unit_from_pixels(points_crop, size) * boxes[..., 2:] + boxes[..., :2]


def whole_box(size):
    """Return the box that is a whole picture of `size` (H, W): float64 (4,), pixel edges."""
    height, width = size
    return np.array([-0.5, -0.5, width, height])


def enlarge_boxes(boxes, scale):
    """Make boxes square by their longer side and enlarge them about their centres.

    Parameters
    ----------
    boxes : array_like
        Shape (..., 4), [left, top, width, height] at pixel edges.
    scale : float
        Side of the result over the longer side of the box.

    Returns
    -------
    numpy.ndarray
        Shape (..., 4), float64: square boxes with the same centres.

    Examples
    --------
    >>> enlarge_boxes([9.5, 19.5, 10, 20], 1.5).tolist()
    [-0.5, 14.5, 30.0, 30.0]
    """
    boxes = np.asarray(boxes, dtype=np.float64)
    side = scale * boxes[..., 2:].max(axis=-1, keepdims=True)
    corner = boxes[..., :2] + (boxes[..., 2:] - side) / 2
    return np.concatenate([corner, side, side], axis=-1)


def _width_height(size, points):
    height, width = size
    return _like([width, height], points)


def _like(values, points):
    """Return `values` as an array or tensor of the type and device of `points`."""
    if isinstance(points, torch.Tensor):
        return torch.as_tensor(values, dtype=points.dtype, device=points.device)
    return np.asarray(values, dtype=np.result_type(points, np.float32))
