"""Tones: brightness and saturation in colour, grey, contrast and gamma.

Pictures are float32 in [-0.5, 0.5]; black is -0.5. Each factor is one number a picture, and 1
leaves the picture as it is.
"""

import torch
from torch import Tensor

__all__ = ["adjust_tones", "brighten", "saturate", "to_grey"]

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, of R, G and B; Pillow's mode "L" uses them


def brighten(images: Tensor, factors: Tensor) -> Tensor:
    """Multiply the light of pictures; what would be brighter than white is white.

    Parameters
    ----------
    images : Tensor, (B, C, H, W), in [-0.5, 0.5]
    factors : Tensor, (B,)

    Returns
    -------
    Tensor, (B, C, H, W)
    """
    return ((images + 0.5) * _each(factors, images)).clamp(max=1) - 0.5


def saturate(images: Tensor, factors: Tensor) -> Tensor:
    """Multiply the saturation of the HSV model; hue and value stay.

    A pixel's saturation is (max - min) / max of its channels, at most 1. The other usual way,
    mixing the picture with its luma, would keep the luma, so nothing of it would be left in grey.

    Parameters
    ----------
    images : Tensor, (B, C, H, W), in [-0.5, 0.5]
        Grey ones (C = 1) have no saturation and come back as they are.
    factors : Tensor, (B,)

    Returns
    -------
    Tensor, (B, C, H, W)

    Notes
    -----
    A. R. Smith, Color gamut transform pairs, SIGGRAPH 1978. With value V a channel c becomes
    V - f (V - c), where f is cut so that the least channel stays at 0 or above.
    """
    if images.shape[1] == 1:
        return images
    value = images.amax(1, keepdim=True)  # (B, 1, H, W)
    spread = value - images.amin(1, keepdim=True)
    largest = (value + 0.5) / spread.clamp(min=1e-6)
    return value - torch.minimum(_each(factors, images), largest) * (value - images)


def to_grey(images: Tensor) -> Tensor:
    """Turn RGB to grey by the weights of Pillow's mode "L"; leave grey as it is.

    Parameters
    ----------
    images : Tensor, (B, C, H, W), C = 1 or 3

    Returns
    -------
    Tensor, (B, 1, H, W)
        The weights add up to 1, so that the range stays; Pillow rounds to whole levels besides.

    Raises
    ------
    ValueError
        If there are neither 1 nor 3 channels.
    """
    channels = images.shape[1]
    if channels == 1:
        return images
    if channels != 3:
        raise ValueError(f"pictures have 1 or 3 channels (grey or RGB), not {channels}")
    red, green, blue = (w * c for w, c in zip(LUMA, images.unbind(1), strict=True))
    return (red + green + blue)[:, None]


def adjust_tones(images: Tensor, contrasts: Tensor, exponents: Tensor) -> Tensor:
    """Change contrast about each picture's mean, then raise its light to a power.

    Parameters
    ----------
    images : Tensor, (B, C, H, W), in [-0.5, 0.5]
    contrasts : Tensor, (B,)
        Factors on the distance from the mean.
    exponents : Tensor, (B,)
        Gamma: the light, in [0, 1], becomes light ** gamma; above 1 darkens.

    Returns
    -------
    Tensor, (B, C, H, W), in [-0.5, 0.5]
    """
    light = images + 0.5
    mean = light.mean((1, 2, 3), keepdim=True)
    light = (mean + _each(contrasts, images) * (light - mean)).clamp(0, 1)
    return light ** _each(exponents, images) - 0.5


def _each(values: Tensor, images: Tensor) -> Tensor:
    """Shape one value a picture so that it meets all of its pixels: (B, 1, 1, 1)."""
    return values.to(images)[:, None, None, None]
