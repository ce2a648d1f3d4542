"""Write keypoints into maps: Gaussians and discs about sub-pixel centres."""

import torch
from torch import Tensor

from facekp.heatmaps.cells import check_positive

__all__ = ["encode_disc", "encode_gaussian", "in_map"]


def encode_gaussian(
    keypoints: Tensor, size: tuple[int, int], sigma: float, normalise: bool = False
) -> Tensor:
    """Draw a Gaussian about each keypoint: exp(-d² / 2σ²), d from a cell's centre.

    The centre is the keypoint itself, not its nearest cell, so that the peak is 1 only where a
    keypoint lies on a cell's centre. Of a keypoint outside the map, what reaches in is drawn.

    Parameters
    ----------
    keypoints : Tensor, (B, K, 2)
        x and y in map pixels.
    size : (int, int)
        Height and width of the maps, in cells.
    sigma : float
        Standard deviation in map pixels. Peak-normalised maps of a sigma below a tenth may be
        zero in each cell.
    normalise : bool
        Scale each map to the sum 1, at any sigma.

    Returns
    -------
    Tensor, (B, K, h, w), float32
        In channels-last memory.

    Raises
    ------
    ValueError
        If sigma is not positive.

    Examples
    --------
    >>> encode_gaussian(torch.tensor([[[1.0, 0.0]]]), (1, 3), sigma=1.0).squeeze()
    tensor([0.6065, 1.0000, 0.6065])
    """
    check_positive("sigma", sigma)
    # exp(a + b) = exp(a) exp(b): so the exponential is taken of h + w numbers, not of h w.
    y, x = (-squared / (2 * sigma**2) for squared in _squared_offsets(keypoints, size))
    y, x = (y.softmax(1), x.softmax(2)) if normalise else (y.exp(), x.exp())
    return _as_maps(y * x)


def encode_disc(
    keypoints: Tensor, size: tuple[int, int], radius: float, normalise: bool = False
) -> Tensor:
    """Draw a disc about each keypoint: 1 where a cell's centre is within the radius, else 0.

    A keypoint in the map always has a cell: where no centre is near enough, the nearest one is 1
    (several, if they are equally near). Of a keypoint outside the map, what reaches in is drawn,
    and that may be nothing.

    Parameters
    ----------
    keypoints : Tensor, (B, K, 2)
        x and y in map pixels.
    size : (int, int)
        Height and width of the maps, in cells.
    radius : float
        In map pixels.
    normalise : bool
        Scale each map to the sum 1. One without any cell stays zero.

    Returns
    -------
    Tensor, (B, K, h, w), float32
        In channels-last memory.

    Raises
    ------
    ValueError
        If the radius is not positive.

    Examples
    --------
    >>> encode_disc(torch.tensor([[[1.2, 0.0]]]), (1, 4), radius=1.0).squeeze()
    tensor([0., 1., 1., 0.])
    >>> encode_disc(torch.tensor([[[1.2, 0.0]]]), (1, 4), radius=0.1).squeeze()
    tensor([0., 1., 0., 0.])
    """
    check_positive("radius", radius)
    y, x = _squared_offsets(keypoints, size)
    # Widened a little, for (y + x) - x may round to less than y.
    nearest = (y.amin(1, keepdim=True) + x.amin(2, keepdim=True)) * (1 + 1e-6)  # (B, 1, 1, K)
    limit = nearest.clamp(min=radius**2).where(in_map(keypoints, size)[:, None, None], radius**2)
    disc = (y <= limit - x).float()  # a whole map's y + x would double the time
    if normalise:
        disc /= disc.sum((1, 2), keepdim=True).clamp(min=1)
    return _as_maps(disc)


def in_map(keypoints: Tensor, size: tuple[int, int]) -> Tensor:
    """Say which keypoints (..., 2), in map pixels, lie on a map of (h, w) cells, edges included."""
    height, width = size
    x, y = keypoints.unbind(-1)
    return (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)


def _squared_offsets(keypoints: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Return the squared distances of rows, (B, h, 1, K), and of columns, (B, 1, w, K)."""
    rows, columns = (torch.arange(side, device=keypoints.device) for side in size)
    x, y = keypoints.float()[:, None, None].unbind(-1)  # (B, 1, 1, K)
    return (rows[:, None, None] - y).square(), (columns[:, None] - x).square()


def _as_maps(cells: Tensor) -> Tensor:
    return cells.permute(0, 3, 1, 2)
