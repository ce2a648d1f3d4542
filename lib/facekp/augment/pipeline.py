"""The random augmentation of a batch: strengths are drawn here, and applied by the other modules.

The strengths are drawn from torch's CPU generator, whatever the device, so that a checkpoint that
restores it repeats them.
"""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

import torch
from torch import Tensor

from facekp.augment.damage import (
    add_noise,
    blur,
    lower_resolution,
    occlude,
    random_rectangles,
)
from facekp.augment.geometry import BORDERS, affine_matrices, inside, move, warp
from facekp.augment.photometry import adjust_tones, brighten, saturate, to_grey

__all__ = ["Augmentation"]


@dataclass(frozen=True)
class Augmentation:
    """Change images and keypoints of a batch at random, each picture on its own.

    The steps in order: tones in colour, grey, tones in grey, one map of picture and keypoints,
    occluders, blur, low resolution, noise. Rotation, brightness, saturation and the jitter's
    probability default to the original report's; its translation depends on the size used; all
    else is off. "Uniform ±s" means from -s to s, a factor is uniform in 1 ± s.

    Attributes
    ----------
    size : (int, int)
        Height and width of the crop, in pixels.
    flip : sequence of int, optional
        The scheme's flip order: mirrors half of the pictures. None mirrors none.
    rotation : float
        Uniform ± degrees about the picture's centre.
    translation : float
        Uniform ± pixels of this size, of x and of y.
    scale : float
        Factor about the centre, near 1 (see ``warp``).
    border : {"reflection", "edge", "black"}
        What fills places that the picture did not cover.
    brightness, saturation : float
        Factors, in colour; see ``brighten`` and ``saturate``.
    contrast : float
        Factor, in grey.
    gamma : float
        The exponent lies between 1 / (1 + gamma) and 1 + gamma, its logarithm uniform.
    jitter_probability : float
        Of these four together; a picture gets all or none.
    rectangles : int
        Occluders: each picture gets 0 to so many.
    rectangle_side : float
        Their longest side, as a fraction of the picture's.
    blur : float
        Largest sigma of a Gaussian, in pixels of this size; uniform from 0.
    low_resolution : float
        Largest reduction of the side, uniform from 1; one a batch.
    noise : float
        Largest standard deviation, where 1 is black to white; uniform from 0.
    damage_probability : float
        Of blur, of low resolution and of noise, independently.

    Raises
    ------
    ValueError
        If a strength or probability is out of its range, the border has another name, or the
        flip order is no mirroring: twice must be the identity.
    """

    size: tuple[int, int]
    _: KW_ONLY
    flip: Sequence[int] | None = None
    rotation: float = 15.0
    translation: float = 0.0
    scale: float = 0.0
    border: str = "reflection"
    brightness: float = 0.25
    saturation: float = 0.25
    contrast: float = 0.0
    gamma: float = 0.0
    jitter_probability: float = 0.3
    rectangles: int = 0
    rectangle_side: float = 0.4
    blur: float = 0.0
    low_resolution: float = 1.0
    noise: float = 0.0
    damage_probability: float = 0.5

    def __post_init__(self):
        limits = dict.fromkeys(("rotation", "translation", "gamma", "rectangles", "blur"), (0, 1e3))
        limits |= dict.fromkeys(("brightness", "saturation", "contrast", "noise"), (0, 1))
        limits |= dict.fromkeys(("jitter_probability", "damage_probability"), (0, 1))
        limits |= {"scale": (0, 0.5), "rectangle_side": (0, 1), "low_resolution": (1, 1e3)}
        for name, (low, high) in limits.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} is {getattr(self, name)}: give {low} to {high:g}")
        if self.border not in BORDERS:
            raise ValueError(f"border must be one of {', '.join(BORDERS)}, not {self.border!r}")
        if self.flip is not None and not _is_mirroring(self.flip):
            raise ValueError(
                f"flip {self.flip} applied twice is not the identity: give a scheme's flip order"
            )

    def __call__(
        self, images: Tensor, keypoints: Tensor, visible: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Augment a batch; what is passed in stays as it is.

        Parameters
        ----------
        images : Tensor, (B, C, H, W), float32 in [-0.5, 0.5]
            Grey or RGB.
        keypoints : Tensor, (B, K, 2)
            x and y in crop pixels.
        visible : Tensor, (B, K), bool

        Returns
        -------
        images : Tensor, (B, 1, H, W), float32 in [-0.5, 0.5]
        keypoints : Tensor, (B, K, 2)
            Those that left the picture keep the place they have outside of it.
        visible : Tensor, (B, K), bool
            False where it was, and for keypoints outside the picture.

        Raises
        ------
        ValueError
            If the pictures have another size, or the flip order another number of keypoints.
        """
        if tuple(images.shape[-2:]) != tuple(self.size):
            raise ValueError(
                f"pictures are {tuple(images.shape[-2:])}, not {tuple(self.size)}: build the "
                f"augmentation for their (height, width)"
            )
        images = self._jitter(images)
        images, keypoints, visible = self._move(images, keypoints, visible)
        images = self._damage(images)
        return images, keypoints, visible & inside(keypoints, self.size)

    def _jitter(self, images: Tensor) -> Tensor:
        grey = to_grey(images)
        index = _chosen(len(images), self.jitter_probability).to(images.device)
        if not len(index):
            return grey
        changed = brighten(images[index], _factors(len(index), self.brightness))
        changed = to_grey(saturate(changed, _factors(len(index), self.saturation)))
        if self.contrast or self.gamma:
            exponents = (1 + self.gamma) ** _uniform(len(index))
            changed = adjust_tones(changed, _factors(len(index), self.contrast), exponents)
        return grey.index_copy(0, index, changed)

    def _move(
        self, images: Tensor, keypoints: Tensor, visible: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        if not (self.flip or self.rotation or self.translation or self.scale):
            return images, keypoints, visible
        batch = len(images)
        mirrored = torch.rand(batch) < (0.5 if self.flip else 0)
        matrices = affine_matrices(
            self.size,
            self.rotation * _uniform(batch),
            _factors(batch, self.scale),
            self.translation * _uniform(batch, 2),
            mirrored,
        )
        images = warp(images, matrices, self.border)
        keypoints = move(keypoints, matrices)
        if self.flip:
            if len(self.flip) != keypoints.shape[1]:
                raise ValueError(f"flip names {len(self.flip)} of {keypoints.shape[1]} keypoints")
            swap, order = mirrored.to(images.device), list(self.flip)
            keypoints = torch.where(swap[:, None, None], keypoints[:, order], keypoints)
            visible = torch.where(swap[:, None], visible[:, order], visible)
        return images, keypoints, visible

    def _damage(self, images: Tensor) -> Tensor:
        batch = len(images)
        if self.rectangles:
            boxes, shades = random_rectangles(
                batch, self.rectangles, self.size, self.rectangle_side
            )
            kept = torch.arange(self.rectangles) < torch.randint(self.rectangles + 1, (batch, 1))
            images = occlude(images, boxes * kept[..., None], shades)  # of no extent: covers none
        for strength, damage in (
            (self.blur, blur),
            (self.low_resolution - 1, _lower_resolution),
            (self.noise, add_noise),
        ):
            index = _chosen(batch, self.damage_probability if strength else 0).to(images.device)
            if len(index):
                changed = damage(images[index], strength * torch.rand(len(index)))
                images = images.index_copy(0, index, changed)
        return images


def _lower_resolution(images: Tensor, extra: Tensor) -> Tensor:
    return lower_resolution(images, 1 + float(extra[0]))


def _chosen(batch: int, probability: float) -> Tensor:
    """Draw which pictures are changed: their indices, on the CPU."""
    return (torch.rand(batch) < probability).nonzero()[:, 0]


def _uniform(*shape: int) -> Tensor:
    """Draw from -1 to 1."""
    return 2 * torch.rand(shape) - 1


def _factors(batch: int, strength: float) -> Tensor:
    """Draw from 1 - strength to 1 + strength."""
    return 1 + strength * _uniform(batch)


def _is_mirroring(flip: Sequence[int]) -> bool:
    everyone = list(range(len(flip)))
    return sorted(flip) == everyone and [flip[k] for k in flip] == everyone
