"""Faces for tests of trainings: small noisy pictures with a bright dot at each keypoint."""

import numpy as np

from facekp.data import Faces, imm_fold
from facekp.schemes import IMM58

INTEROCULAR = 30.0


def dot_faces(groups: list[str], size: tuple[int, int], keypoints: int, seed: int = 0) -> Faces:
    """One picture a group, its crop a quarter of the original picture's height and width."""
    rng = np.random.default_rng(seed)
    count, (height, width) = len(groups), size
    images = rng.integers(0, 90, (count, 1, height, width), np.uint8)
    points = rng.uniform(1, (width - 2, height - 2), (count, keypoints, 2))
    for k in range(keypoints):
        x, y = points[:, k].round().astype(int).T
        images[np.arange(count), 0, y, x] = 255 - 20 * k % 100
    return Faces(
        images=images,
        keypoints=points.astype(np.float32),
        visible=np.ones((count, keypoints), bool),
        ids=np.array([f"{group}-{n}" for n, group in enumerate(groups)]),
        groups=np.array(groups),
        scheme=IMM58.select(range(keypoints)) if keypoints < IMM58.count else IMM58,
        interocular=np.full(count, INTEROCULAR, np.float32),
        crop=np.tile(np.float32([-0.5, -0.5, 4 * width, 4 * height]), (count, 1)),
        attributes={},
    )


def dot_persons(size: tuple[int, int], seed: int = 0) -> Faces:
    """IMM's 40 persons, a picture each, with all 58 keypoints."""
    persons = [person for fold in range(1, 6) for person in imm_fold(fold)]
    return dot_faces(persons, size, IMM58.count, seed)
