"""Further looks at the pictures held out: damaged ones, and a second look at the same ones."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from facekp.augment import Augmentation, move, to_grey, warp
from facekp.data import Faces
from facekp.shapes import similarity
from facekp.training import Pictures

__all__ = ["damaged", "second_look"]

LARGEST_SCALE = 2.0  # of a second look; what asks for more, or for less than its inverse, is wrong


def damaged(val: Faces, damage: Augmentation) -> Faces:
    """Change pictures at random, the same way each time, and make them grey.

    Raises
    ------
    ValueError
        If keypoints move: those that left the picture would be missing.
    """

    def change(images: Tensor, index: Tensor) -> Tensor:
        keypoints, visible = (torch.from_numpy(a)[index] for a in (val.keypoints, val.visible))
        images, moved, _ = damage(images, keypoints, visible)
        if not torch.allclose(moved, keypoints, atol=1e-3):
            raise ValueError("a reading's damage moves keypoints; set rotation and the like to 0")
        return images

    with torch.random.fork_rng():
        torch.manual_seed(0)
        return _redrawn(val, change)


def second_look(
    look: Callable[[Faces], np.ndarray], val: Faces, first: np.ndarray, seen: Faces
) -> np.ndarray:
    """Look again at pictures moved so that what was found lies where faces mostly lie.

    Each picture is turned, scaled and shifted so that the keypoints found come as near as possible
    to the mean of the training keypoints. What is found there, moved back, is averaged with what
    was found first. A picture that would be scaled by more than 2 either way stays as it is.

    Parameters
    ----------
    look : callable
        Faces to keypoints (N, K, 2) in crop pixels.
    val : Faces
        The pictures looked at.
    first : ndarray, (N, K, 2)
        What ``look`` found in them, in crop pixels.
    seen : Faces
        The training's, at the same size.

    Returns
    -------
    ndarray, (N, K, 2), float32
        In crop pixels.

    References
    ----------
    P. Dollár, P. Welinder, P. Perona: Cascaded Pose Regression, CVPR 2010 (features relative to
    the pose found so far).
    """
    places = np.where(seen.visible[..., None], seen.keypoints, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):  # keypoints found all at one place
        matrices = similarity(first.astype(float), np.nanmean(places, 0))
    scale = np.hypot(matrices[:, 0, 0], matrices[:, 1, 0])
    usable = (scale >= 1 / LARGEST_SCALE) & (scale <= LARGEST_SCALE)  # NaN is not
    maps = torch.from_numpy(np.where(usable[:, None, None], matrices, np.eye(3)))
    again = look(_redrawn(val, lambda images, index: warp(to_grey(images), maps[index])))
    back = move(torch.from_numpy(again), torch.linalg.inv(maps)).numpy()
    return (first + back) / 2


def _redrawn(faces: Faces, change: Callable[[Tensor, Tensor], Tensor]) -> Faces:
    """Replace pictures by grey ones that ``change(images, index)`` makes of them, part by part."""
    pictures = Pictures.of(faces, torch.device("cpu"))
    parts = torch.arange(len(faces)).split(64)
    images = torch.cat([change(pictures.batch(index)[0], index) for index in parts])
    grey = ((to_grey(images) + 0.5) * 255).round().clamp(0, 255).byte()
    return replace(faces, images=grey.numpy())
