"""Brows, lashes and beards, grown on the face with its expression."""

import numpy as np

from . import keypoints
from .geometry import on_path, smoothstep, unit
from .person import Person
from .regions import region
from .strands import Strands, sample_roots

FINE = 0.00013  # metres: radius of a drawn strand
BEARDS = {  # region, length in metres, strands
    "stubble": ("beard", 0.0022, 9000),
    "full": ("beard", 0.012, 16000),
    "goatee": ("goatee", 0.011, 6000),
    "moustache": ("moustache", 0.010, 2400),
}


def brow_hair(person: Person, vertices: np.ndarray, side: str) -> Strands:
    """Return one eyebrow ('right', 'left') between the edges that the keypoints name.

    The edges are those of a brow of strength 1: fainter brows thin out towards the lower edge,
    so that the upper one, where most keypoints lie, stays.
    """
    rng = np.random.default_rng([3, *person.seed, int(side == "left")])
    edges = keypoints.table()["brow"]
    paths = [
        keypoints.surface_points(edges[f"{side}_{k}"], vertices)
        for k in ("top", "middle", "bottom")
    ]
    count = int(rng.uniform(300, 480) * person.brow)
    s = 0.95 * rng.beta(1.05, 1.2, count)
    u = rng.random(count) * (0.35 + 0.65 * smoothstep(1 - s, 0.0, 0.5))  # the tail is thin
    u = np.clip((u + rng.normal(0, 0.12, count)) * min(1.1, person.brow), 0, 1.1)[:, None]
    root, ahead, behind = (across(paths, s + d, u) for d in (0, 0.08, -0.08))
    up = unit(paths[0].mean(0) - paths[2].mean(0))
    tangent = unit(ahead - behind)
    outward = unit(np.cross(tangent, up))
    outward *= np.where(outward[:, 1:2] > 0, -1, 1)  # out of the face, whatever the side
    lean = (0.55 - 0.8 * s)[:, None] + 0.9 * (u - 0.45)
    direction = unit(tangent + lean * up + 0.3 * outward + 0.2 * rng.normal(size=root.shape))
    length = 0.0075 * rng.uniform(0.6, 1.2, (count, 1))
    t = np.linspace(0, 1, 4)[None, :, None]
    points = (
        (root + 0.0006 * outward)[:, None]
        + t * length[:, None] * direction[:, None]
        - t**2 * length[:, None] * 0.25 * up
    )
    return Strands(points - 0.0004 * up, FINE * (0.8 + 0.25 * person.brow))


def across(paths: list[np.ndarray], s: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Return (S, 3) positions at fractions s along and u across three paths (a parabola)."""
    a, b, c = (on_path(path, s) for path in paths)
    return a * (1 - u) * (1 - 2 * u) + b * 4 * u * (1 - u) + c * u * (2 * u - 1)


def lashes(person: Person, vertices: np.ndarray, axes: np.ndarray, side: str) -> Strands:
    """Return the lashes of one eye ('right', 'left'); axes: the head's, in columns."""
    rng = np.random.default_rng([4, *person.seed])
    out = []
    for lid, count, length, rise in (("upper", 90, 0.0085, 0.45), ("lower", 40, 0.0045, -0.55)):
        path = vertices[keypoints.table()["lids"][f"{side}_{lid}"]]
        root = on_path(path, np.linspace(0.06, 0.94, count) + rng.normal(0, 0.008, count))
        away = unit((root - path.mean(0)) @ axes) * [0.6, 0, 0.3]
        direction = unit(away + [0, -0.9, rise] + 0.08 * rng.normal(size=root.shape)) @ axes.T
        size = length * (0.65 + 0.5 * person.makeup) * rng.uniform(0.8, 1.1, (count, 1))
        t = np.linspace(0, 1, 4)[None, :, None]
        curl = np.sign(rise) * axes[:, 2]
        out.append(
            root[:, None]
            + t * size[:, None] * direction[:, None]
            + 0.35 * t**2 * size[:, None] * curl
        )
    return Strands(np.concatenate(out), 0.00008 + 0.00005 * person.makeup)


def beard_hair(person: Person, vertices: np.ndarray, axes: np.ndarray) -> Strands | None:
    """Return the beard, or None; axes: the head's, in columns."""
    if person.beard == "none":
        return None
    rng = np.random.default_rng([5, *person.seed])
    area, length, count = BEARDS[person.beard]
    length *= rng.uniform(0.5, 1.4)
    roots, normals, rest = sample_roots(vertices, region(area), count, rng)
    side = np.sign(rest[:, :1]) * np.array([[0.35, 0, 0]])
    hang = (side + np.array([0, 0, -0.75])) @ axes.T
    direction = unit(0.55 * normals + hang + 0.3 * rng.normal(size=roots.shape))
    t = np.linspace(0, 1, 5)[None, :, None]
    size = (length * rng.uniform(0.5, 1.1, len(roots)))[:, None, None]
    points = roots[:, None] - 0.0006 * normals[:, None] + t * size * direction[:, None]
    return Strands(points + t**2 * size * 0.3 * (axes @ np.array([0, 0.25, -1.0])), FINE)
