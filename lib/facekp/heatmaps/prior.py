"""Read keypoints from maps with a prior: which shapes the faces trained on have."""

import numpy as np
import torch
from torch import Tensor

from facekp.coords import resize_points
from facekp.heatmaps.cells import as_cells, centroid, check_positive, exponential, part_length
from facekp.schemes import Scheme
from facekp.shapes import ShapeModel, shape_model

__all__ = ["ShapeDecoder", "map_moments", "shape_decoder"]

FREE = 100.0  # prior variance of place, size and turn, inter-ocular distances: as good as unknown
WITHIN_CELL = 1 / 12  # variance of a place that is uniform in its cell, cells


def map_moments(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean position and covariance under the softmax over all cells of a map.

    Parameters
    ----------
    logits : Tensor, (B, K, h, w)

    Returns
    -------
    mean : Tensor, (B, K, 2), float32
        x and y in map pixels.
    covariance : Tensor, (B, K, 2, 2), float32
        In square map pixels; of cell centres, so that a map with all in one cell has 0.
    """
    parts = [_moments(part) for part in logits.split(part_length(logits))]
    mean, covariance = (torch.cat(part) for part in zip(*parts, strict=True))
    return mean, covariance


class ShapeDecoder:
    """A decoder of maps that knows the shapes of faces; `shape_decoder` builds it.

    Each map says where its keypoint lies, as a Gaussian with the map's mean and covariance. The
    shapes of the faces trained on say how keypoints lie to one another, as a Gaussian about their
    mean shape, whatever place, size and turn. Returned is the mean of the two joined: a keypoint
    whose map is wide follows those whose maps are narrow.

    Called with the output (B, K, h, w) it returns keypoints (B, K, 2) in crop pixels, float32.

    References
    ----------
    T. F. Cootes et al.: Active Shape Models, CVIU 61, 1995 (the model of shapes). U. Paquet:
    Convexity and Bayesian Constrained Local Models, CVPR 2009 (its use as a prior of positions).
    """

    def __init__(
        self, size: tuple[int, int], residual: float, shift: tuple[float, float] = (0.0, 0.0)
    ):
        check_positive("residual", residual)
        self.size, self.residual, self.shift = size, residual, shift
        self.mean: Tensor | None = None  # (K, 2), about its own middle
        self.covariance: Tensor | None = None  # (2K, 2K)

    def learn(self, keypoints: np.ndarray, scheme: Scheme) -> None:
        """Learn the shapes of faces, keypoints (N, K, 2) in any square pixels.

        Raises ValueError if there are fewer than two faces.
        """
        if len(keypoints) < 2:
            raise ValueError(f"shapes are learnt from two faces or more, not {len(keypoints)}")
        model: ShapeModel = shape_model(keypoints.astype(np.float64), scheme.eye_corners)
        mean = model.mean - model.mean.mean(0)
        x, y = mean.T
        zero, one = np.zeros_like(x), np.ones_like(x)
        pose = [np.stack(step, 1).ravel() for step in ((one, zero), (zero, one), (x, y), (-y, x))]
        covariance = (model.modes.T * model.variance) @ model.modes
        covariance += FREE * np.stack(pose, 1) @ np.stack(pose)
        covariance += self.residual**2 * np.eye(mean.size)
        self.mean, self.covariance = torch.from_numpy(mean), torch.from_numpy(covariance)

    def __call__(self, output: Tensor) -> Tensor:
        """Return keypoints (B, K, 2) in crop pixels of maps (B, K, h, w).

        Raises RuntimeError before `learn`.
        """
        if self.mean is None or self.covariance is None:
            raise RuntimeError(
                "this decoder has learnt no shapes yet: call learn first; in an experiment it can "
                "be the decoder of a reading only"
            )
        shape, prior = (part.to(output.device) for part in (self.mean, self.covariance))
        mean, spread = (part.double() for part in map_moments(output))
        spread = spread + WITHIN_CELL * torch.eye(2).to(spread)
        height, width = output.shape[-2:]
        scale = (self.size[0] / height, self.size[1] / width)
        points = resize_points(mean, scale)  # (B, K, 2)
        stretch = torch.tensor(scale[::-1]).to(spread)
        spread = spread * stretch[:, None] * stretch  # square crop pixels
        middle = points.mean(1, keepdim=True)
        turn = _similarity(points - middle, shape)  # (B, 2, 2), crop pixels to shape
        seen = ((points - middle) @ turn.mT - shape).flatten(1)  # (B, 2K)
        spread = turn[:, None] @ spread @ turn.mT[:, None]
        joined = torch.linalg.solve(prior + _block_diagonal(spread), seen) @ prior
        found = joined.unflatten(1, shape.shape) + shape
        placed = found @ torch.linalg.inv(turn).mT + middle
        return (placed + torch.tensor(self.shift).to(placed)).float()


def shape_decoder(
    size: tuple[int, int], residual: float = 0.02, shift: tuple[float, float] = (0.0, 0.0)
) -> ShapeDecoder:
    """Build a decoder of a net's maps to crop pixels with a prior of shapes, yet to be learnt.

    Parameters
    ----------
    size : (int, int)
        Height and width of the crop, in pixels.
    residual : float
        What the model of shapes leaves open, a standard deviation of x and y in inter-ocular
        distances.
    shift : (float, float)
        Added to x and y of every keypoint, in crop pixels: how far the labels to be met lie from
        those learnt, where the two sets' conventions differ.

    Returns
    -------
    ShapeDecoder
        Of logits whose softmax over the map says where the keypoint is.

    Raises
    ------
    ValueError
        If the residual is not positive.
    """
    return ShapeDecoder(size, residual, shift)


def _moments(logits: Tensor) -> tuple[Tensor, Tensor]:
    weight = exponential(as_cells(logits).float())  # (b, h, w, K)
    height, width = logits.shape[-2:]
    rows = torch.arange(height, device=logits.device)[None, :, None]
    columns = torch.arange(width, device=logits.device)[None, :, None]
    mean = centroid(weight, rows, columns, weight.new_zeros(2))  # at least one weight is 1
    weight = weight / weight.sum((1, 2), keepdim=True)
    dx, dy = columns - mean[:, None, :, 0], rows - mean[:, None, :, 1]  # (b, w, K), (b, h, K)
    by_row, by_column = weight.sum(2), weight.sum(1)
    xx, yy = (by_column * dx**2).sum(1), (by_row * dy**2).sum(1)
    xy = ((weight * dx[:, None]).sum(2) * dy).sum(1)
    return mean, torch.stack([xx, xy, xy, yy], -1).unflatten(-1, (2, 2))


def _similarity(points: Tensor, target: Tensor) -> Tensor:
    """Return the turn and scale, (B, 2, 2), that best bring points (B, K, 2) to a target (K, 2).

    Both about their middle; as ``shapes.align``.
    """
    size = points.square().sum((1, 2))
    same = (points * target).sum((1, 2)) / size
    across = (points[..., 0] * target[:, 1] - points[..., 1] * target[:, 0]).sum(1) / size
    return torch.stack([same, -across, across, same], -1).unflatten(-1, (2, 2))


def _block_diagonal(blocks: Tensor) -> Tensor:
    """Return (B, 2K, 2K) with blocks (B, K, 2, 2) along the diagonal."""
    count = blocks.shape[1]
    out = blocks.new_zeros(len(blocks), count, 2, count, 2)
    index = torch.arange(count, device=blocks.device)
    out[:, index, :, index] = blocks.transpose(0, 1)  # two indices apart: theirs comes first
    return out.flatten(3, 4).flatten(1, 2)
