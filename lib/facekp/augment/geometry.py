"""Maps that move the pixels of a picture and its keypoints alike.

A map is a matrix of homogeneous pixel coordinates, float64 (B, 3, 3), that takes a place of the
input picture to its place in the output: [x', y', 1] = M [x, y, 1]. Maps are composed by ``@``,
the first one rightmost, and are best kept on the CPU, where they are drawn.
"""

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["BORDERS", "affine_matrices", "inside", "move", "warp"]

BORDERS = {"reflection": "reflection", "edge": "border", "black": "zeros"}  # names in torch


def affine_matrices(
    size: tuple[int, int],
    angles: Tensor,
    scales: Tensor | None = None,
    shifts: Tensor | None = None,
    mirrored: Tensor | None = None,
) -> Tensor:
    """Build maps that mirror, turn and enlarge about the picture's centre, then shift.

    The centre is ((W - 1) / 2, (H - 1) / 2), where the middle of the pixels lies. Turning about
    the first pixel instead is right for the keypoints only if the picture is turned so, too. All
    arguments are on the CPU.

    Parameters
    ----------
    size : (int, int)
        Height and width of the picture, in pixels.
    angles : Tensor, (B,)
        In degrees; positive ones turn clockwise as seen, since y points down.
    scales : Tensor, (B,), optional
        Above 1 enlarges.
    shifts : Tensor, (B, 2), optional
        Of x and y, in pixels.
    mirrored : Tensor, (B,), bool, optional
        Which pictures swap left and right.

    Returns
    -------
    Tensor, (B, 3, 3), float64

    Examples
    --------
    A quarter turn of a picture 3 high and 5 wide takes the right end of its middle row, (4, 1),
    to 2 pixels below the centre (2, 1):

    >>> quarter = affine_matrices((3, 5), torch.tensor([90.0]))
    >>> move(torch.tensor([[[4.0, 1.0]]]), quarter).round(decimals=4).tolist()
    [[[2.0, 3.0]]]
    """
    height, width = size
    centre = torch.tensor([(width - 1) / 2, (height - 1) / 2], dtype=torch.float64)
    radians = angles.double().deg2rad()
    cos, sin = radians.cos(), radians.sin()
    linear = torch.stack([cos, -sin, sin, cos], -1).unflatten(-1, (2, 2))  # (B, 2, 2)
    if scales is not None:
        linear = linear * scales.double()[:, None, None]
    if mirrored is not None:
        sign = 1 - 2 * mirrored.double()  # (B,)
        linear = linear * torch.stack([sign, torch.ones_like(sign)], -1)[:, None]  # the x column
    matrices = torch.eye(3, dtype=torch.float64).repeat(len(angles), 1, 1)
    matrices[:, :2, :2] = linear
    matrices[:, :2, 2] = centre - linear @ centre
    if shifts is not None:
        matrices[:, :2, 2] += shifts
    return matrices


def move(keypoints: Tensor, matrices: Tensor) -> Tensor:
    """Move keypoints as ``warp`` moves the picture.

    Parameters
    ----------
    keypoints : Tensor, (B, K, 2)
        x and y in pixels of the pictures.
    matrices : Tensor, (B, 3, 3)

    Returns
    -------
    Tensor, (B, K, 2)
        Type and device of `keypoints`; they may lie outside the picture.
    """
    columns = matrices.to(keypoints)[:, None, :2]  # (B, 1, 2, 3)
    x, y = keypoints[..., :1], keypoints[..., 1:]  # (B, K, 1)
    # Term by term: a matrix product may run at a GPU's reduced precision, off by 0.1 px.
    return x * columns[..., 0] + y * columns[..., 1] + columns[..., 2]


def warp(images: Tensor, matrices: Tensor, border: str = "reflection") -> Tensor:
    """Move the pixels of pictures, by bilinear interpolation.

    Each output pixel is read from one place of the input. That is enough for scales near 1;
    shrinking by much more than that would skip pixels and alias.

    Parameters
    ----------
    images : Tensor, (B, C, H, W), float32 in [-0.5, 0.5]
    matrices : Tensor, (B, 3, 3)
        Invertible maps from the input to the output.
    border : {"reflection", "edge", "black"}
        What fills places that the input does not cover: its mirror image about its edges, its
        outermost pixels, or -0.5.

    Returns
    -------
    Tensor, (B, C, H, W)

    Raises
    ------
    ValueError
        If the border has another name.
    """
    if border not in BORDERS:
        raise ValueError(f"border must be one of {', '.join(BORDERS)}, not {border!r}")
    height, width = images.shape[-2:]
    # grid_sample counts from -1 to 1 between outer edges: u = (2 x + 1) / W - 1.
    unit = torch.diag(torch.tensor([2 / width, 2 / height, 1], dtype=torch.float64))
    unit[:2, 2] = torch.tensor([1 / width - 1, 1 / height - 1])
    sources = unit @ torch.linalg.inv(matrices.double().cpu())  # (B, 3, 3)
    columns = sources.to(images)[:, None, :2]  # (B, 1, 2, 3)
    x, y = (torch.arange(n).to(images)[:, None] for n in (width, height))
    # As in `move`, with the two terms added once a pixel.
    across = x * columns[..., 0] + columns[..., 2]  # (B, W, 2)
    down = y * columns[..., 1]  # (B, H, 2)
    grid = across[:, None] + down[:, :, None]  # (B, H, W, 2)
    if border == "black":  # torch fills with 0, which is black once black is 0
        return _sample(images + 0.5, grid, border) - 0.5
    return _sample(images, grid, border)


def inside(keypoints: Tensor, size: tuple[int, int]) -> Tensor:
    """Tell which keypoints lie within the picture, up to its outer edges.

    Parameters
    ----------
    keypoints : Tensor, (B, K, 2)
        x and y in pixels of the picture.
    size : (int, int)
        Height and width of the picture, in pixels.

    Returns
    -------
    Tensor, (B, K), bool
        True within [-0.5, W - 0.5] × [-0.5, H - 0.5].
    """
    x, y = keypoints.unbind(-1)
    height, width = size
    return (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)


def _sample(images: Tensor, grid: Tensor, border: str) -> Tensor:
    return functional.grid_sample(
        images, grid, "bilinear", padding_mode=BORDERS[border], align_corners=False
    )
