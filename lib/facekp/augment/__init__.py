"""Image and keypoints move together, a batch at a time, on the device.

``geometry`` moves both by one matrix, ``photometry`` changes tones and turns colour to grey,
``damage`` draws occluders and degrades pictures or labels, ``pipeline`` draws the strengths at
random and calls the others. Not here: cutting crops out of photographs (``data``).

The pixels are read by torch's ``grid_sample``. kornia's keypoint-aware augmentation moves both just
as exactly, but took two to three times as long for the original report's options (its colour jitter
works on whole batches), would be two more packages, and neither re-orders the keypoints of a mirror
image nor marks those that leave the picture.
"""

from facekp.augment.damage import (
    add_noise,
    blur,
    lower_resolution,
    occlude,
    random_rectangles,
)
from facekp.augment.geometry import affine_matrices, inside, move, warp
from facekp.augment.photometry import adjust_tones, brighten, saturate, to_grey
from facekp.augment.pipeline import Augmentation

__all__ = [
    "Augmentation",
    "add_noise",
    "adjust_tones",
    "affine_matrices",
    "blur",
    "brighten",
    "inside",
    "lower_resolution",
    "move",
    "occlude",
    "random_rectangles",
    "saturate",
    "to_grey",
    "warp",
]
