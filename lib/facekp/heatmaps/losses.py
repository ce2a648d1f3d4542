"""What maps cost that are not their targets.

Each function takes the size of the crop and the target's length, and returns the function that
``training.fit`` calls. Sigma marks a Gaussian, radius a disc; both are in crop pixels.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from facekp.coords import resize_points
from facekp.heatmaps.cells import as_cells, check_positive, exponential, greatest, part_length
from facekp.heatmaps.encode import encode_disc, encode_gaussian, in_map

__all__ = ["map_mse", "pixel_cross_entropy", "spatial_cross_entropy"]

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]
Cost = Callable[[Tensor, Tensor], tuple[Tensor, Callable[[], Tensor]]]


def spatial_cross_entropy(
    size: tuple[int, int], sigma: float | None = None, radius: float | None = None
) -> Loss:
    """Build the cross-entropy of a softmax over all cells of a map against the target.

    The target t is scaled to the sum 1: logsumexp(h) - Σ t h. The least value is the target's
    entropy, not 0.

    Parameters
    ----------
    size : (int, int)
        Height and width of the crop, in pixels.
    sigma, radius : float
        One of them: the standard deviation of a Gaussian target or the radius of a disc, in
        crop pixels.

    Returns
    -------
    callable
        ``loss(logits, keypoints, visible) -> scalar``, float32, the mean over keypoints; logits
        (B, K, h, w), keypoints (B, K, 2) in crop pixels, visible (B, K) bool. The stride is
        H / h. Keypoints that are invisible or outside the map weigh nothing; a batch without any
        other costs 0. Raises ValueError where H / h and W / w differ.

    Raises
    ------
    ValueError
        If not exactly one of sigma and radius is given, or it is not positive.
    """
    return _build(size, _spatial, sigma, radius, normalise=True)


def pixel_cross_entropy(
    size: tuple[int, int], sigma: float | None = None, radius: float | None = None
) -> Loss:
    """Build the cross-entropy of a sigmoid in each cell against the target of peak 1.

    The mean over a map's cells of log(1 + exp(h)) - t h; otherwise as `spatial_cross_entropy`.
    """
    return _build(size, _pixel, sigma, radius, normalise=False)


def map_mse(size: tuple[int, int], sigma: float | None = None, radius: float | None = None) -> Loss:
    """Build the mean squared difference of a map and the target of peak 1.

    The mean over a map's cells of (h - t)²; otherwise as `spatial_cross_entropy`.
    """
    return _build(size, _squared, sigma, radius, normalise=False)


def _build(
    size: tuple[int, int], cost: Cost, sigma: float | None, radius: float | None, normalise: bool
) -> Loss:
    if (sigma is None) == (radius is None):
        raise ValueError(f"give sigma or radius, one of them; given: sigma={sigma}, {radius=}")
    length = radius if sigma is None else sigma
    check_positive("sigma or radius", length)
    encode = encode_disc if sigma is None else encode_gaussian

    def loss(logits: Tensor, keypoints: Tensor, visible: Tensor) -> Tensor:
        height, width = map_size = logits.shape[-2:]
        if height * size[1] != width * size[0]:
            raise ValueError(
                f"maps of {height} × {width} cells of a crop of {size[0]} × {size[1]} pixels: the "
                f"stride must be the same both ways"
            )
        scale = height / size[0]
        points_hm = resize_points(keypoints.float(), scale)
        counted = visible & in_map(points_hm, map_size)
        # An invisible keypoint may be anything, also not a number; weight 0 alone would keep that.
        points_hm = points_hm.where(counted[..., None], 0)
        weight = counted / counted.sum().clamp(min=1)

        def draw(part: slice) -> Tensor:
            return encode(points_hm[part], map_size, length * scale, normalise)

        return _PartByPart.apply(logits, weight, cost, draw)

    return loss


class _PartByPart(torch.autograd.Function):
    """Sum of a cost over the maps of some pictures at a time, in float32.

    The gradient is made beside the value, while a part's maps are in the cache. So neither the
    targets nor a float32 copy of the logits ever exist for a whole batch.
    """

    @staticmethod
    def forward(ctx, logits, weight, cost, draw):
        gradient = torch.empty_like(logits) if ctx.needs_input_grad[0] else None
        total = torch.zeros((), device=logits.device)
        for start in range(0, len(logits), step := part_length(logits)):
            part = slice(start, start + step)
            target = as_cells(draw(part))
            value, slope = cost(as_cells(logits[part]).float(), target)
            total += (value * weight[part]).sum()
            if gradient is not None:
                as_cells(gradient[part]).copy_(slope().mul_(weight[part, None, None]))
        ctx.save_for_backward(gradient)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_output):
        (gradient,) = ctx.saved_tensors
        # In place, for a copy would double the memory; autograd refuses a second pass by itself.
        return gradient.mul_(grad_output), None, None, None


# Each cost takes logits h and targets t, float32 (n, h, w, K), and returns its value (n, K) and a
# function that returns its derivative by h. Evaluation does without the latter.


def _spatial(h: Tensor, t: Tensor) -> tuple[Tensor, Callable[[], Tensor]]:
    largest = greatest(h)
    p = exponential(h, largest=largest)
    mass = p.sum((1, 2), keepdim=True)
    value = (mass.log() + largest)[:, 0, 0] - (h * t).sum((1, 2))
    return value, lambda: p.div_(mass).sub_(t)


def _pixel(h: Tensor, t: Tensor) -> tuple[Tensor, Callable[[], Tensor]]:
    p = h.sigmoid()
    # log(1 + exp(h)) = max(h, 0) - log(max(p, 1 - p)): a fifth of the time of torch's softplus,
    # and off by no more than the rounding of a number near 1.
    log = (p - 0.5).abs_().add_(0.5).log_()  # of max(p, 1 - p)
    value = h.clamp(min=0).addcmul_(h, t, value=-1).sub_(log).mean((1, 2))
    return value, lambda: p.sub_(t).div_(h[0, ..., 0].numel())


def _squared(h: Tensor, t: Tensor) -> tuple[Tensor, Callable[[], Tensor]]:
    difference = h - t
    value = difference.square().mean((1, 2))
    return value, lambda: difference.mul_(2 / h[0, ..., 0].numel())
