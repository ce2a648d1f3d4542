"""Keypoints as coordinates: the losses and the decoder of nets that regress them.

A coordinate is one number or, for SimCC, a distribution over bins along one axis. Each function
takes the size of the input and returns the function that ``training.fit`` calls. Its counterpart
for keypoints as maps is ``heatmaps``.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from facekp.coords import pixels_from_unit, resize_points, unit_from_pixels

__all__ = [
    "bin_cross_entropy",
    "decode_bins",
    "decode_unit",
    "encode_bins",
    "mirror_bins",
    "mirror_unit",
    "mse_loss",
    "smooth_l1_loss",
]


def mse_loss(size: tuple[int, int]) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """Build the mean squared error over x and y in unit coordinates.

    Parameters
    ----------
    size : (int, int)
        Height and width of the crop, in pixels.

    Returns
    -------
    callable
        ``loss(output, keypoints, visible) -> scalar``; output (B, K, 2) in unit coordinates,
        keypoints (B, K, 2) in crop pixels, visible (B, K) bool. Invisible keypoints weigh
        nothing; a batch without a visible one costs 0.
    """

    def loss(output: Tensor, keypoints: Tensor, visible: Tensor) -> Tensor:
        squared = (output - unit_from_pixels(keypoints, size)).square().mean(-1)  # (B, K)
        return (squared * visible).sum() / visible.sum().clamp(min=1)

    return loss


def decode_unit(size: tuple[int, int]) -> Callable[[Tensor], Tensor]:
    """Build the decoder of unit coordinates to crop pixels.

    Parameters
    ----------
    size : (int, int)
        Height and width of the crop, in pixels.

    Returns
    -------
    callable
        ``decode(output) -> keypoints``; both (B, K, 2).
    """

    def decode(output: Tensor) -> Tensor:
        return pixels_from_unit(output, size)

    return decode


def mirror_unit(output: Tensor) -> Tensor:
    """Mirror unit coordinates (B, K, 2) from side to side; left and right keep their places."""
    x, y = output.unbind(-1)
    return torch.stack([1 - x, y], -1)


def smooth_l1_loss(
    size: tuple[int, int], beta: float = 1.0
) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """Build the smooth L1 loss over x and y in crop pixels.

    A difference d costs d² / (2 beta) where it is below beta, and ``|d| - beta / 2`` beyond. It is
    taken in pixels, since in unit coordinates a beta of 1, the usual one, would never be reached:
    half the squared error would be all that is left.

    Parameters
    ----------
    size : (int, int)
        Height and width of the crop, in pixels.
    beta : float
        Where the square turns into a line, in crop pixels.

    Returns
    -------
    callable
        ``loss(output, keypoints, visible) -> scalar`` in crop pixels; output (B, K, 2) in unit
        coordinates, keypoints (B, K, 2) in crop pixels, visible (B, K) bool. Invisible keypoints
        weigh nothing; a batch without a visible one costs 0.

    Raises
    ------
    ValueError
        If beta is not positive.

    References
    ----------
    R. Girshick: Fast R-CNN, ICCV 2015, equation 3.
    """
    if not beta > 0:
        raise ValueError(f"beta must be positive, not {beta}")

    def loss(output: Tensor, keypoints: Tensor, visible: Tensor) -> Tensor:
        predicted = pixels_from_unit(output.float(), size)
        # An invisible keypoint may be anything, also not a number; weight 0 alone would keep that.
        truth = keypoints.where(visible[..., None], 0)
        cost = functional.smooth_l1_loss(predicted, truth, reduction="none", beta=beta)
        return (cost.mean(-1) * visible).sum() / visible.sum().clamp(min=1)

    return loss


def encode_bins(
    size: tuple[int, int], bins_per_pixel: int = 2, sigma: float = 2.0
) -> Callable[[Tensor], Tensor]:
    """Build the encoder of crop pixels to distributions over bins, one for x and one for y.

    Each axis of the crop, from edge to edge, is divided evenly into bins: with n of them a pixel
    x lies at b = (x + 0.5) n - 0.5, and bin i is the one about b = i. A bin's share is
    exp(-(i - b)² / 2σ²), scaled to the sum 1.

    Parameters
    ----------
    size : (int, int)
        Height and width of the crop, in pixels.
    bins_per_pixel : int
        n.
    sigma : float
        Standard deviation in crop pixels; σ is n times as many bins.

    Returns
    -------
    callable
        ``encode(keypoints) -> shares``; keypoints (B, K, 2) in crop pixels, shares float32
        (B, K, W n + H n), those of x first.

    Raises
    ------
    ValueError
        If bins_per_pixel is not a positive whole number, or sigma is not positive.

    References
    ----------
    Y. Li et al.: SimCC: a Simple Coordinate Classification Perspective for Human Pose Estimation,
    ECCV 2022, section 3.

    Examples
    --------
    Two bins a pixel lie at -0.25, 0.25, 0.75 and 1.25; of a crop 1 high, y has the last two:

    >>> encode_bins((1, 2), sigma=0.25)(torch.tensor([[[0.75, 0.25]]])).round(decimals=2)
    tensor([[[0.0000, 0.1100, 0.7900, 0.1100, 0.1200, 0.8800]]])
    """
    counts = _bin_counts(size, bins_per_pixel)
    if not sigma > 0:
        raise ValueError(f"sigma must be positive, not {sigma}")

    def encode(keypoints: Tensor) -> Tensor:
        shares = []
        places = resize_points(keypoints.float(), bins_per_pixel).unbind(-1)  # x and y, (B, K)
        for place, count in zip(places, counts, strict=True):
            offset = torch.arange(count, device=place.device) - place[..., None]  # (B, K, count)
            shares.append((-0.5 * (offset / (sigma * bins_per_pixel)).square()).softmax(-1))
        return torch.cat(shares, -1)

    return encode


def bin_cross_entropy(
    size: tuple[int, int], bins_per_pixel: int = 2, sigma: float = 2.0
) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """Build the cross-entropy of a softmax over each axis's bins against ``encode_bins``.

    The mean over x and y of -Σ t log p. The least value is the targets' entropy, not 0.

    Parameters
    ----------
    size : (int, int)
        Height and width of the crop, in pixels.
    bins_per_pixel : int
        As the net was built with (``regressors.resnet18_bins``).
    sigma : float
        Standard deviation of the target in crop pixels. Published nets use 2 to 3 pixels at a
        crop of 256.

    Returns
    -------
    callable
        ``loss(logits, keypoints, visible) -> scalar``, float32, the mean over keypoints; logits
        (B, K, bins of x + bins of y), keypoints (B, K, 2) in crop pixels, visible (B, K) bool.
        Keypoints that are invisible or outside the crop, where no bin is, weigh nothing; a batch
        without any other costs 0.

    Raises
    ------
    ValueError
        As ``encode_bins``; the loss, if the logits are not as many as the bins.
    """
    counts = _bin_counts(size, bins_per_pixel)
    encode = encode_bins(size, bins_per_pixel, sigma)

    def loss(logits: Tensor, keypoints: Tensor, visible: Tensor) -> Tensor:
        unit = unit_from_pixels(keypoints, size)
        counted = visible & ((unit >= 0) & (unit <= 1)).all(-1)  # (B, K)
        target = encode(keypoints.where(counted[..., None], 0))  # 0 in place of what may be NaN
        log_p = torch.cat([axis.log_softmax(-1) for axis in _axes(logits, counts)], -1)
        cost = -(target * log_p).sum(-1) / 2  # (B, K)
        return (cost * counted).sum() / counted.sum().clamp(min=1)

    return loss


def decode_bins(
    size: tuple[int, int], bins_per_pixel: int = 2, decoder: str = "expectation"
) -> Callable[[Tensor], Tensor]:
    """Build the decoder of bins to crop pixels.

    Parameters
    ----------
    size : (int, int)
        Height and width of the crop, in pixels.
    bins_per_pixel : int
        As the net was built with.
    decoder : {"expectation", "argmax"}
        "expectation" is the mean place under the softmax: finer than a bin, but drawn towards the
        crop's middle by what the net leaves elsewhere, and by a target that the crop's edge cuts
        off. "argmax", SimCC's own, is the middle of the likeliest bin: off by half a bin at most
        where the distribution is right.

    Returns
    -------
    callable
        ``decode(logits) -> keypoints``; (B, K, bins of x + bins of y) to float32 (B, K, 2).

    Raises
    ------
    ValueError
        If bins_per_pixel is not a positive whole number or the decoder is none of these; the
        decoder, if the logits are not as many as the bins.
    """
    counts = _bin_counts(size, bins_per_pixel)
    if decoder not in ("expectation", "argmax"):
        raise ValueError(f"decoder must be 'expectation' or 'argmax', not {decoder!r}")

    def place(logits: Tensor) -> Tensor:
        if decoder == "argmax":
            return logits.argmax(-1).float()
        bins = torch.arange(logits.shape[-1], device=logits.device)
        return (logits.softmax(-1) * bins).sum(-1)

    def decode(logits: Tensor) -> Tensor:
        places = torch.stack([place(axis) for axis in _axes(logits, counts)], -1)  # (B, K, 2)
        return resize_points(places, 1 / bins_per_pixel)

    return decode


def mirror_bins(size: tuple[int, int], bins_per_pixel: int = 2) -> Callable[[Tensor], Tensor]:
    """Build what mirrors bins from side to side.

    Parameters
    ----------
    size : (int, int)
        Height and width of the crop, in pixels.
    bins_per_pixel : int
        As the net was built with.

    Returns
    -------
    callable
        ``mirror(logits) -> logits``, float32, both (B, K, bins of x + bins of y). The bins of x
        are reversed; left and right keep their places.

    Raises
    ------
    ValueError
        If bins_per_pixel is not a positive whole number; the mirroring, if the logits are not as
        many as the bins.
    """
    counts = _bin_counts(size, bins_per_pixel)

    def mirror(logits: Tensor) -> Tensor:
        x, y = _axes(logits, counts)
        return torch.cat([x.flip(-1), y], -1)

    return mirror


def _bin_counts(size: tuple[int, int], bins_per_pixel: int) -> tuple[int, int]:
    """Return how many bins x has, and how many y."""
    if bins_per_pixel < 1 or bins_per_pixel != int(bins_per_pixel):
        raise ValueError(f"bins_per_pixel must be a positive whole number, not {bins_per_pixel}")
    height, width = size
    return width * int(bins_per_pixel), height * int(bins_per_pixel)


def _axes(logits: Tensor, counts: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Split logits (B, K, bins) into those of x and of y, float32."""
    if logits.shape[-1] != sum(counts):
        raise ValueError(
            f"{logits.shape[-1]} logits a keypoint for {counts[0]} bins of x and {counts[1]} of "
            f"y: net, loss and decoder must have the same crop size and bins a pixel"
        )
    return logits.float().split(counts, -1)
