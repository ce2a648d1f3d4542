"""The geometry of cartoon faces: one head's curves, and the keypoints that lie on them.

A face is a set of curves on a half-ellipsoid whose half width is 1 (x to the subject's left,
y down, z towards the camera). Keypoints and drawing come from the same curves.
"""

from dataclasses import dataclass

import numpy as np

SKINS = ["#f3d3bd", "#e5b894", "#c98f66", "#9a6540", "#6b4429"]
HAIRS = ["#20160f", "#4b2e1a", "#7a5230", "#b98a4a", "#8d8d8d", "#a3401f"]
CLOTHES = ["#303848", "#7b2d2d", "#e8e4dc", "#2f5d50", "#c9a227", "#4d3b73"]


@dataclass(frozen=True)
class Person:
    """What stays the same in all pictures of one person; lengths in half head widths."""

    height: float
    eye_spread: float
    eye_size: float
    brow_lift: float
    nose_length: float
    nose_width: float
    mouth_width: float
    chin: float
    skin: str
    hair: str
    clothes: str
    long_hair: bool

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Person":
        lengths = [
            rng.normal(mean, 0.08 * mean) for mean in (1.32, 0.42, 0.19, 0.24, 0.5, 0.2, 0.36, 0.2)
        ]
        colours = [str(rng.choice(colours)) for colours in (SKINS, HAIRS, CLOTHES)]
        return cls(*lengths, *colours, long_hair=bool(rng.random() < 0.4))


@dataclass(frozen=True)
class Pose:
    """What changes from picture to picture; angles in radians, positive to the picture's right."""

    centre: tuple[float, float]  # of the head, pixels
    scale: float  # pixels of half a head width
    yaw: float = 0.0
    roll: float = 0.0
    smile: float = 0.0
    open_mouth: float = 0.0
    brows: float = 0.0
    light: float = 0.0  # brightness gained at the picture's right edge and lost at the left


class Head:
    """The curves of one person in one pose, in pixels of the picture."""

    def __init__(self, person: Person, pose: Pose):
        self.person, self.pose = person, pose

    def project(self, x, y, out=0.0):
        """Return pixels (n, 2) of points (x, y) on the face; `out` lifts them off it."""
        x, y, out = np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in (x, y, out)))
        z = 0.8 * np.sqrt(np.maximum(0, 1 - x**2 - (y / self.person.height) ** 2)) + out
        return self.place(x * np.cos(self.pose.yaw) + z * np.sin(self.pose.yaw), y)

    def place(self, x, y):
        """Return pixels (n, 2) of points of the upright head, seen from the front."""
        cos, sin = np.cos(self.pose.roll), np.sin(self.pose.roll)
        x, y = np.asarray(x), np.asarray(y)
        turned = np.stack([x * cos - y * sin, x * sin + y * cos], axis=-1)
        return np.asarray(self.pose.centre) + self.pose.scale * turned

    def outline(self, degrees):
        """Return points of the face's outline: 0 its right side, 90 the chin, 180 its left."""
        angle = np.radians(degrees)
        pointed = 1 - self.person.chin * np.maximum(0, np.sin(angle)) ** 2
        x = -np.cos(angle) * pointed + 0.12 * np.sin(self.pose.yaw)
        return self.place(x, np.sin(angle) * self.person.height)

    def lid(self, side, t, *, upper):
        """Return points of a lid, t from the outer corner to the inner; side -1 is the right."""
        t, size = np.asarray(t), self.person.eye_size
        bulge = -0.45 if upper else 0.3
        return self.project(
            side * (self.person.eye_spread + size * (1 - 2 * t)),
            -0.18 + bulge * size * np.sin(np.pi * t) - 0.03 * (1 - t),
        )

    def brow(self, side, t):
        """Return points of a brow, t from its inner to its outer end."""
        t = np.asarray(t)
        lift = self.person.brow_lift + self.pose.brows
        y = -0.18 - lift - 0.1 * np.sin(np.pi * (0.15 + 0.7 * t))
        return self.project(side * (0.16 + 0.58 * t), y, 0.05)

    def nose(self, x, y):
        """Return points of the nose: x in nose half widths, y from the eyes (0) to its base (1)."""
        x, y = np.asarray(x), np.asarray(y)
        out = 0.35 * y * np.maximum(0, 1 - np.abs(x)) + 0.1 * y
        return self.project(x * self.person.nose_width, -0.18 + y * self.person.nose_length, out)

    def lip(self, t, *, upper, inner):
        """Return points of a lip's edge, t from the right corner of the mouth to the left."""
        across = 2 * np.asarray(t) - 1
        bow = np.maximum(0, 1 - across**2)
        thick = 0.0 if inner else (0.11 - 0.05 * (np.abs(across) < 0.05) if upper else 0.16)
        gap = self.pose.open_mouth * (0.1 if upper else 0.9)
        y = 0.68 - self.pose.smile * (0.22 * across**2 - 0.05)
        y = y + (-1 if upper else 1) * bow * (thick + gap)
        width = self.person.mouth_width * (1 + 0.35 * self.pose.smile) * (0.9 if inner else 1)
        return self.project(across * width, y, 0.08)


def imm58(head: Head) -> np.ndarray:
    """Return IMM's keypoints, (58, 2) pixels."""

    def eye(side):
        upper = head.lid(side, [0, 0.25, 0.5, 0.75, 1], upper=True)
        return [*upper, *head.lid(side, [0.75, 0.5, 0.25], upper=False)]

    ends = np.linspace(0, 1, 5)
    return np.array(
        [
            *head.outline(np.linspace(22, 158, 13)),
            *eye(+1),
            *eye(-1),
            *head.brow(+1, ends),
            *head.brow(-1, ends),
            *head.lip([0, 0.3, 0.5, 0.7, 1], upper=True, inner=False),
            *head.lip([0.7, 0.5, 0.3], upper=False, inner=False),
            *head.nose(
                [-0.5, -0.6, -1, -1, -0.5, 0, 0.5, 1, 1, 0.6, 0.5],
                [0, 0.6, 0.8, 1, 1.03, 1.08, 1.03, 1, 0.8, 0.6, 0],
            ),
        ]
    )


def ibug68(head: Head) -> np.ndarray:
    """Return 300-W's keypoints, (68, 2) pixels."""
    right_upper, left_upper = (head.lid(s, [0, 1 / 3, 2 / 3, 1], upper=True) for s in (-1, 1))
    right_lower, left_lower = (head.lid(s, [2 / 3, 1 / 3], upper=False) for s in (-1, 1))
    return np.array(
        [
            *head.outline(np.linspace(-5, 185, 17)),
            *head.brow(-1, np.linspace(1, 0, 5)),
            *head.brow(+1, np.linspace(0, 1, 5)),
            *head.nose([0, 0, 0, 0], [0, 0.28, 0.56, 0.85]),
            *head.nose([-0.8, -0.4, 0, 0.4, 0.8], [1, 1.05, 1.08, 1.05, 1]),
            *right_upper,
            *right_lower,
            *left_upper[::-1],
            *left_lower[::-1],
            *head.lip(np.linspace(0, 1, 7), upper=True, inner=False),
            *head.lip(np.linspace(5 / 6, 1 / 6, 5), upper=False, inner=False),
            *head.lip([0, 0.3, 0.5, 0.7, 1], upper=True, inner=True),
            *head.lip([0.7, 0.5, 0.3], upper=False, inner=True),
        ]
    )
