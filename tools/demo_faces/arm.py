"""A forearm and hand, cut from the body mesh, to hold before or beside a face."""

import functools
from dataclasses import dataclass, replace

import numpy as np

from . import body
from .geometry import about, compact, unit
from .person import Person

ELBOW = 0.345  # metres, x: the left arm's faces further out than this are kept
FLEX = ("finger{}-1.L", "finger{}-2.L", "finger{}-3.L")


@dataclass(frozen=True)
class Arm:
    """A left forearm and hand in a frame of its own: the palm's middle at the origin.

    vertices: (V, 3) metres, x towards the thumb, y along the fingers, z out of the palm;
    faces: of vertex indices; sleeve: (V,) metres from the wrist towards the elbow.
    """

    vertices: np.ndarray
    faces: list
    sleeve: np.ndarray

    def placed(
        self, palm: np.ndarray, fingers: np.ndarray, facing: np.ndarray, left: bool
    ) -> np.ndarray:
        """Return (V, 3): the arm in the world.

        palm: (3,) metres, where its middle goes; fingers: (3,) where they point; facing: (3,)
        where the palm looks; left: whether it is a left hand (else the mirror image: turn the
        faces' order).
        """
        y = unit(np.asarray(fingers, float))
        z = unit(np.asarray(facing, float) - y * (y @ facing))
        x = np.cross(y, z)
        local = self.vertices if left else self.vertices * [-1, 1, 1]
        return local @ np.stack([x, y, z]) + palm


@functools.lru_cache(maxsize=1)
def arm_faces() -> list:
    """Return the body's faces of the left forearm and hand."""
    rest = body.rest_vertices()
    return [f for f in body.topology().faces_of("body") if rest[f, 0].min() > ELBOW]


def arm(person: Person, curl: tuple[float, float, float, float], thumb: float = 0.0) -> Arm:
    """Return an arm of the person's build.

    curl: how far index, middle, ring and little finger are bent, 0 (straight) to 1 (fist);
    thumb: likewise.
    """
    bone = body.bone_places(person.phenotype)
    fingers = unit(bone["finger3-1.L"] - bone["wrist.L"])
    side = bone["finger2-1.L"] - bone["finger5-1.L"]
    side = unit(side - fingers * (side @ fingers))
    palm = np.cross(fingers, side)
    turns = {}
    for number, bend in zip((2, 3, 4, 5), curl, strict=True):
        # At rest the fingers are a little bent: straight means bending them back.
        for name, most in zip(FLEX, (80, 95, 60), strict=True):
            turns[name.format(number)] = about(side, 12 - (most + 12) * bend)
    turns |= {name.format(1): about(fingers, -25 * thumb) for name in FLEX[1:]}
    bent = replace(person, local={}, targets={})
    vertices, faces, _ = compact(body.posed(bent, turns), arm_faces())
    middle = 0.45 * bone["wrist.L"] + 0.55 * bone["finger3-1.L"] + 0.012 * palm
    local = (vertices - middle) @ np.stack([side, fingers, palm], 1)
    wrist = (bone["wrist.L"] - middle) @ fingers
    return Arm(local, faces, wrist - local[:, 1])
