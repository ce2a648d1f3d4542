"""Growing strands of hair: roots on the skin, paths that fall and slide over head and shoulders."""

from dataclasses import dataclass

import numpy as np

from . import body
from .geometry import unit
from .regions import skull

NECK_SHADOW = 0.018  # metres below the outermost surface: a point there is beneath an overhang


@dataclass(frozen=True)
class Strands:
    """Hair. points: (S, P, 3) metres, root to tip; radius: at the root, metres."""

    points: np.ndarray
    radius: float


def sample_roots(
    vertices: np.ndarray, weight: np.ndarray, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (positions, normals, positions on the reference head), each (count, 3) metres.

    weight: (V,) density; the same draws fall on the same skin whatever the pose.
    """
    triangles = body.head_triangles()
    rest = body.rest_vertices()
    a, b, c = (rest[triangles[:, k]] for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) * weight[triangles].mean(axis=1)
    pick = triangles[rng.choice(len(triangles), count, p=area / area.sum())]
    u = rng.random((count, 2))
    u = np.where(u.sum(1, keepdims=True) > 1, 1 - u, u)
    w = np.stack([1 - u.sum(1), u[:, 0], u[:, 1]], 1)[..., None]
    normals = unit((body.vertex_normals(vertices)[pick] * w).sum(1))
    return (vertices[pick] * w).sum(1), normals, (rest[pick] * w).sum(1)


class Outline:
    """The body as seen from the head's centre: how far out its surface lies, by direction."""

    BINS = (90, 180)  # of polar angle and azimuth

    def __init__(self, vertices: np.ndarray) -> None:
        z = body.rest_vertices()[: body.SKIN_VERTICES, 2]
        inside = body.uv_mask("inside-mouth")[: body.SKIN_VERTICES] > 0.5
        skin = vertices[: body.SKIN_VERTICES][(z > 0.40) & ~inside]
        head = vertices[skull()]
        self.centre = (head.min(0) + head.max(0)) / 2 - [0, 0, 0.01]
        offset = (skin - self.centre).astype(np.float32)
        offset = offset[thinned(offset, 0.005)]
        distance = np.linalg.norm(offset, axis=1)
        directions = self._directions()
        nearest = np.concatenate(
            [
                (block @ (offset / distance[:, None]).T).argmax(1)
                for block in np.array_split(directions, 16)
            ]
        )
        self.reach = distance[nearest].reshape(self.BINS)

    def _directions(self) -> np.ndarray:
        polar = (np.arange(self.BINS[0]) + 0.5) * np.pi / self.BINS[0]
        turn = (np.arange(self.BINS[1]) + 0.5) * 2 * np.pi / self.BINS[1] - np.pi
        p, t = np.meshgrid(polar, turn, indexing="ij")
        return (
            np.stack([np.sin(p) * np.cos(t), np.sin(p) * np.sin(t), np.cos(p)], -1)
            .reshape(-1, 3)
            .astype(np.float32)
        )

    def surface(self, direction: np.ndarray) -> np.ndarray:
        """Return (S,) metres from the centre to the skin along unit directions (S, 3), bilinear."""
        rows, columns = self.BINS
        i = np.arccos(np.clip(direction[:, 2], -1, 1)) / np.pi * rows - 0.5
        j = (np.arctan2(direction[:, 1], direction[:, 0]) + np.pi) / (2 * np.pi) * columns - 0.5
        i0, j0 = np.floor(i).astype(int), np.floor(j).astype(int)
        fi, fj = i - i0, j - j0
        a, b = np.clip([i0, i0 + 1], 0, rows - 1)
        c, d = np.mod([j0, j0 + 1], columns)
        return (1 - fi) * ((1 - fj) * self.reach[a, c] + fj * self.reach[a, d]) + fi * (
            (1 - fj) * self.reach[b, c] + fj * self.reach[b, d]
        )

    def push_out(self, points: np.ndarray, margin: np.ndarray | float) -> np.ndarray:
        """Return points (S, 3) moved outwards to at least `margin` metres off the skin."""
        offset = points - self.centre
        distance = np.linalg.norm(offset, axis=1)
        direction = offset / np.maximum(distance, 1e-6)[:, None]
        surface = self.surface(direction)
        wanted = np.maximum(distance, surface + margin)
        overhang = (surface - distance > NECK_SHADOW) & (offset[:, 2] < -0.04)
        return self.centre + direction * np.where(overhang, distance, wanted)[:, None]

    def held_down(self, points: np.ndarray, margin: float, which: np.ndarray) -> np.ndarray:
        """Return points (S, 3), those of `which` (S,) bool at most `margin` metres off the skin."""
        offset = points - self.centre
        distance = np.linalg.norm(offset, axis=1)
        direction = offset / np.maximum(distance, 1e-6)[:, None]
        held = (
            self.centre
            + direction * np.minimum(distance, self.surface(direction) + margin)[:, None]
        )
        return np.where(which[:, None], held, points)


def thinned(points: np.ndarray, cell: float) -> np.ndarray:
    """Return indices of one point a cubic cell; cell: metres."""
    _, index = np.unique(np.round(points / cell).astype(int), axis=0, return_index=True)
    return index


def nearest(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Return (S,) index of each point's nearest centre."""
    out = np.empty(len(points), int)
    half = 0.5 * (centres**2).sum(1)
    for k in range(0, len(points), 4000):
        out[k : k + 4000] = (points[k : k + 4000] @ centres.T - half).argmax(1)
    return out


def clump(
    points: np.ndarray, guides: np.ndarray, member: np.ndarray, strength: float
) -> np.ndarray:
    """Pull strands (S, P, 3) towards their clump's guide, more so at the tips."""
    t = np.linspace(0, 1, points.shape[1])[None, :, None]
    weight = strength * t**0.8
    return points * (1 - weight) + points[guides][member] * weight


def curled(
    points: np.ndarray, size: float, turns: float, member: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Add waves of `size` metres and `turns` a strand, in phase within a clump."""
    steps = points.shape[1]
    phase = rng.uniform(0, 2 * np.pi, (member.max() + 1, 3))[member][:, None, :]
    t = np.linspace(0, 2 * np.pi * turns, steps)[None, :, None]
    ramp = np.minimum(1, np.arange(steps) / 3)[None, :, None]
    return points + size * ramp * np.sin(t + phase)
