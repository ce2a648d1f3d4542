"""Drawn occluders, blur, low resolution, noise, and noise on labels.

Pictures are float32 in [-0.5, 0.5]. What is random here draws from torch's global generators:
places and shades from the CPU's, noise from that of the device.
"""

import torch
from torch import Tensor
from torch.nn import functional

__all__ = [
    "add_noise",
    "blur",
    "lower_resolution",
    "occlude",
    "random_rectangles",
]


def random_rectangles(
    batch: int, count: int, size: tuple[int, int], side: float
) -> tuple[Tensor, Tensor]:
    """Draw places and shades of rectangles for ``occlude``.

    Parameters
    ----------
    batch, count : int
        Pictures, and rectangles a picture.
    size : (int, int)
        Height and width of the picture, in pixels.
    side : float
        Longest side, as a fraction of the picture's; each side is uniform from a quarter of it.

    Returns
    -------
    boxes : Tensor, (batch, count, 4)
        [left, top, width, height] at pixel edges; their centres are uniform over the picture.
    shades : Tensor, (batch, count)
        Uniform in [-0.5, 0.5].
    """
    height, width = size
    whole = torch.tensor([width, height], dtype=torch.float32)
    extent = whole * side * (0.25 + 0.75 * torch.rand(batch, count, 2))
    corner = whole * torch.rand(batch, count, 2) - 0.5 - extent / 2
    return torch.cat([corner, extent], -1), torch.rand(batch, count) - 0.5


def occlude(images: Tensor, boxes: Tensor, shades: Tensor) -> Tensor:
    """Paint rectangles over pictures, later ones over earlier ones.

    A keypoint behind one keeps its place and stays visible: that is what a net has to guess.

    Parameters
    ----------
    images : Tensor, (B, C, H, W)
    boxes : Tensor, (B, R, 4)
        [left, top, width, height] at pixel edges; a pixel is covered if its centre is.
    shades : Tensor, (B, R)

    Returns
    -------
    Tensor, (B, C, H, W)
    """
    height, width = images.shape[-2:]
    x = torch.arange(width, device=images.device)
    y = torch.arange(height, device=images.device)[:, None]
    boxes = boxes.to(images)[..., None, None]  # (B, R, 4, 1, 1)
    left, top = boxes[:, :, 0], boxes[:, :, 1]  # (B, R, 1, 1)
    right, bottom = left + boxes[:, :, 2], top + boxes[:, :, 3]
    covered = (x > left) & (x < right) & (y > top) & (y < bottom)  # (B, R, H, W)
    shades = shades.to(images)[..., None, None]
    for r in range(covered.shape[1]):
        images = torch.where(covered[:, r, None], shades[:, r, None], images)
    return images


def blur(images: Tensor, sigmas: Tensor) -> Tensor:
    """Blur each picture by a Gaussian of its own; edges continue the outermost pixels.

    Parameters
    ----------
    images : Tensor, (B, C, H, W)
    sigmas : Tensor, (B,)
        In pixels; 0 leaves a picture as it is.

    Returns
    -------
    Tensor, (B, C, H, W)
    """
    radius = int(torch.ceil(3 * sigmas.max()))
    offsets = torch.arange(-radius, radius + 1)
    weights = torch.exp(-0.5 * (offsets / sigmas.cpu().clamp(min=1e-3)[:, None]) ** 2)
    weights = (weights / weights.sum(-1, keepdim=True)).to(images)  # (B, 2 radius + 1)
    batch, channels, height, width = images.shape
    # The pictures as channels of one: a group each, so that each meets its own kernel.
    stack = images.reshape(1, batch * channels, height, width)
    weights = weights.repeat_interleave(channels, 0)[:, None]  # (B C, 1, 2 radius + 1)
    for kernel, pad in (
        (weights[:, :, None], (radius, radius, 0, 0)),
        (weights[..., None], (0, 0, radius, radius)),
    ):
        padded = functional.pad(stack, pad, mode="replicate")
        stack = functional.conv2d(padded, kernel, groups=batch * channels)
    return stack.reshape(images.shape)


def lower_resolution(images: Tensor, factor: float) -> Tensor:
    """Shrink pictures with antialiasing and enlarge them again, both bilinearly.

    Parameters
    ----------
    images : Tensor, (B, C, H, W)
    factor : float
        Side before over side between, at least 1; one for all pictures, since they share a shape.

    Returns
    -------
    Tensor, (B, C, H, W)
    """
    size = images.shape[-2:]
    small = [max(1, round(side / factor)) for side in size]
    shrunk = functional.interpolate(images, small, mode="bilinear", antialias=True)
    return functional.interpolate(shrunk, size, mode="bilinear")


def add_noise(images: Tensor, deviations: Tensor) -> Tensor:
    """Add independent Gaussian noise to each pixel and cut at black and white.

    Parameters
    ----------
    images : Tensor, (B, C, H, W), in [-0.5, 0.5]
    deviations : Tensor, (B,)
        Standard deviation, where 1 is the range from black to white.

    Returns
    -------
    Tensor, (B, C, H, W), in [-0.5, 0.5]
    """
    deviations = deviations.to(images)[:, None, None, None]
    return (images + deviations * torch.randn_like(images)).clamp(-0.5, 0.5)
