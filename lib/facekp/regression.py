"""Keypoints as coordinates: the losses and the decoder of nets that regress them.

Each function takes the size of the input and returns the function that ``training.fit`` calls.
Its counterpart for keypoints as maps is ``heatmaps``.
"""

from collections.abc import Callable

from torch import Tensor

from facekp.coords import pixels_from_unit, unit_from_pixels

__all__ = ["decode_unit", "mse_loss"]


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
