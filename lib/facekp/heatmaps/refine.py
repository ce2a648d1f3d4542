"""Read keypoints from the neighbourhood of each map's largest value."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from facekp.heatmaps.cells import as_cells, centroid, peak

__all__ = ["Activation", "decode_dark", "decode_local"]

Activation = Callable[[Tensor], Tensor]


def decode_local(maps: Tensor, radius: int, activation: Activation | None = None) -> Tensor:
    """Return the mean position weighted by the map, in a square window about its argmax.

    For maps with one peak: what lies far from it, such as a background that would pull the mean
    to the middle, does not count. The window should hold the peak whole (three sigmas of a
    Gaussian); one that cuts it is centred on a cell and pulls the mean to that cell's centre.

    Parameters
    ----------
    maps : Tensor, (B, K, h, w)
        As for `decode_weighted`.
    radius : int
        The window has 2 radius + 1 cells a side; what would be outside the map is left out.
    activation : callable, optional
        As for `decode_weighted`, of the window's cells.

    Returns
    -------
    Tensor, (B, K, 2), float32
        x and y in map pixels, differentiable but for the choice of the window. The argmax where
        the window holds only zeros.

    Raises
    ------
    ValueError
        If the radius is below 1.
    """
    if radius < 1:
        raise ValueError(f"radius must be at least 1 cell, not {radius}")
    cells = as_cells(maps)
    y, x = peak(cells)
    window, rows, columns = _window(cells, y, x, radius)  # (B, n, n, K), (B, n, K), (B, n, K)
    inside = _within(rows, cells.shape[1])[:, :, None] & _within(columns, cells.shape[2])[:, None]
    weight = (activation(window) if activation else window) * inside
    return centroid(weight, rows, columns, torch.stack([x, y], dim=-1).float())


def decode_dark(
    maps: Tensor, smoothing: float | None = None, activation: Activation | None = None
) -> Tensor:
    """Return the maximum of the quadratic that log H follows about its argmax.

    Exact for a Gaussian, whose logarithm is a quadratic. First and second derivatives are central
    differences over 3 × 3 cells; at the map's edge about the nearest cell that has all neighbours.

    Parameters
    ----------
    maps : Tensor, (B, K, h, w)
        As for `decode_weighted`.
    smoothing : float, optional
        Sigma in cells of a Gaussian that the map is smoothed with first, for maps with several
        peaks close by. Beyond the map it sees zeros, which pushes peaks off the edges.
    activation : callable, optional
        As for `decode_weighted`.

    Returns
    -------
    Tensor, (B, K, 2), float32
        x and y in map pixels, at most one cell from the argmax, differentiable but for the
        choice of the cell. The argmax where the quadratic has no maximum.

    Raises
    ------
    ValueError
        If the map has fewer than 3 cells a side.

    References
    ----------
    F. Zhang, X. Zhu, H. Dai, M. Ye, C. Zhu: Distribution-Aware Coordinate Representation for
    Human Pose Estimation, CVPR 2020, equations 4 to 9.
    """
    if min(maps.shape[-2:]) < 3:
        raise ValueError(f"maps of {tuple(maps.shape[-2:])} cells: both sides need at least 3")
    cells = as_cells(maps)
    if smoothing:
        cells = _smooth(activation(cells.float()) if activation else cells.float(), smoothing)
        activation = None
    y, x = peak(cells)
    middle_y, middle_x = y.clamp(1, cells.shape[1] - 2), x.clamp(1, cells.shape[2] - 2)
    window, _, _ = _window(cells, middle_y, middle_x, 1)  # (B, 3, 3, K)
    window = activation(window) if activation else window
    offset, found = _quadratic_maximum(window.clamp(min=torch.finfo(torch.float32).tiny).log())
    top, middle = torch.stack([x, y], dim=-1), torch.stack([middle_x, middle_y], dim=-1)
    refined = (middle + offset).clamp(top - 1, top + 1)
    return refined.where(found[..., None], top.float())


def _window(cells: Tensor, y: Tensor, x: Tensor, radius: int) -> tuple[Tensor, Tensor, Tensor]:
    """Cut squares about (y, x) from cells (B, h, w, K): float32 values, rows and columns.

    Beyond the map the values are those of its nearest cell.
    """
    _, height, width, _ = cells.shape
    steps = torch.arange(-radius, radius + 1, device=cells.device)[:, None]
    rows, columns = y[:, None] + steps, x[:, None] + steps  # (B, n, K)
    index = rows.clamp(0, height - 1)[:, :, None] * width + columns.clamp(0, width - 1)[:, None]
    window = cells.flatten(1, 2).gather(1, index.flatten(1, 2))  # (B, n n, K)
    return window.unflatten(1, index.shape[1:3]).float(), rows, columns


def _within(indices: Tensor, length: int) -> Tensor:
    return (indices >= 0) & (indices < length)


def _quadratic_maximum(log: Tensor) -> tuple[Tensor, Tensor]:
    """Return where the quadratic through 3 × 3 values (B, 3, 3, K) is largest, and if it is.

    The offset from the middle, (B, K, 2) as (x, y), is -D⁻¹ g of gradient g and second
    derivatives D; there is a maximum where D is negative definite.
    """
    (a, b, c), (d, e, f), (g, h, i) = (row.unbind(1) for row in log.unbind(1))
    grad_x, grad_y = (f - d) / 2, (h - b) / 2
    xx, yy, xy = f - 2 * e + d, h - 2 * e + b, (i - g - c + a) / 4
    determinant = xx * yy - xy.square()
    found = (xx < 0) & (determinant > 0)
    safe = determinant.where(found, 1)  # a division by 0 would spoil the gradient elsewhere
    offset = torch.stack([xy * grad_y - yy * grad_x, xy * grad_x - xx * grad_y], dim=-1)
    return offset / safe[..., None], found


def _smooth(cells: Tensor, sigma: float) -> Tensor:
    """Smooth cells (B, h, w, K) by a Gaussian, cut at three sigmas."""
    reach = max(1, round(3 * sigma))
    steps = torch.arange(-reach, reach + 1, device=cells.device)
    kernel = (-(steps**2) / (2 * sigma**2)).softmax(0)[None, None]
    maps = cells.permute(0, 3, 1, 2).flatten(0, 1)[:, None]  # (B K, 1, h, w)
    maps = F.conv2d(maps, kernel[..., None], padding=(reach, 0))
    maps = F.conv2d(maps, kernel[..., None, :], padding=(0, reach))
    return maps.unflatten(0, (cells.shape[0], -1))[:, :, 0].permute(0, 2, 3, 1)
