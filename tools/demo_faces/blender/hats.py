"""Hats: a beanie, a cap with a peak, a hat with a brim."""

import numpy as np

from .. import body, colours
from ..geometry import tube, unit
from ..regions import hat_line
from ..strands import Outline
from .nodes import Shader, knitted, plain
from .scene import add_mesh

EDGE = {"beanie": 0.692, "cap": 0.698, "brim": 0.700}  # metres, reference head, at the forehead
CROWN = {"beanie": 0.012, "cap": 0.016, "brim": 0.030}  # metres: room above the head's top
TURNS, ROWS = 60, 14  # of a hat's mesh


def add_hat(posed: np.ndarray, axes: np.ndarray, kind: str, seed: tuple[int, ...]) -> None:
    """Add a hat.

    posed: (V, 3) the face's surface, metres; axes: the head's left, back, up in columns; kind:
    one of `EDGE`.
    """
    rng = np.random.default_rng([10, *seed])
    colour = colours.muted(rng)
    material = knitted("knit", colour, 500, 0.0018) if kind == "beanie" else felt(colour)
    ring = rim(posed, axes, EDGE[kind])
    add_mesh(kind, *crown(posed, ring, axes, kind), material, thickness=0.004, subdivide=1)
    if kind == "beanie":
        add_mesh(
            "cuff",
            *tube(
                ring + 0.012 * axes[:, 2] + 0.004 * unit(ring - ring.mean(0)),
                0.009,
                closed=True,
                flatten=2.0,
            ),
            material,
        )
    elif kind == "cap":
        add_peak(ring, axes, material, float(rng.uniform(0.055, 0.072)))
    else:
        add_brim(ring, axes, material, float(rng.uniform(0.045, 0.075)))
        band = tube(ring + 0.012 * axes[:, 2], 0.005, closed=True, flatten=2.2)
        add_mesh("band", *band, plain("band", colours.shade(colour, 0.3), 0.7))


def felt(colour: colours.Colour):
    """Return fine cloth or felt."""
    s = Shader("felt")
    grain = s.noise(s.node("TexCoord").outputs["Object"], 900, 2)
    return s.finish(
        s.principled(colour, Roughness=0.9, Sheen_Weight=0.3, Normal=s.bump(grain, 0.4, 0.001))
    )


def rim(posed: np.ndarray, axes: np.ndarray, edge: float) -> np.ndarray:
    """Return (TURNS, 3): an ellipse around the head at a hat's edge, from the front on, metres."""
    rest = body.rest_vertices()
    head = (
        (rest[:, 2] > 0.6)
        & (body.uv_mask("ears") < 0.3)
        & (np.arange(body.VERTICES) < body.SKIN_VERTICES)
    )
    near = head & (np.abs(rest[:, 2] - hat_line(rest[:, 1], edge)) < 0.008)
    local = posed[near] @ axes
    low, high = local.min(0), local.max(0)
    centre, half = (low + high) / 2, (high - low) / 2 + 0.007
    t = np.linspace(0, 2 * np.pi, TURNS, endpoint=False)
    x, y = half[0] * np.sin(t), -half[1] * np.cos(t)
    z = np.polyval(np.polyfit(local[:, 1], local[:, 2], 1), centre[1] + y)
    return np.stack([centre[0] + x, centre[1] + y, z], 1) @ axes.T


def crown(
    posed: np.ndarray, ring: np.ndarray, axes: np.ndarray, kind: str
) -> tuple[np.ndarray, list]:
    """Return (vertices, faces) of the dome above a rim (TURNS, 3), clear of the head."""
    outline = Outline(posed)
    offset = ring - outline.centre
    start, reach = unit(offset), np.linalg.norm(offset, axis=1)
    rows = []
    for t in np.linspace(0, 0.97, ROWS):
        direction = unit(start * np.cos(t * np.pi / 2) + axes[:, 2] * np.sin(t * np.pi / 2))
        room = 0.008 + CROWN[kind] * np.sin(t * np.pi / 2)
        clear = outline.surface(direction) + room
        grown = np.where(t < 0.15, np.maximum(reach, clear - 0.02), clear)
        rows.append(outline.centre + direction * (reach if t == 0 else grown)[:, None])
    faces = [
        [
            r * TURNS + k,
            r * TURNS + (k + 1) % TURNS,
            (r + 1) * TURNS + (k + 1) % TURNS,
            (r + 1) * TURNS + k,
        ]
        for r in range(ROWS - 1)
        for k in range(TURNS)
    ]
    top = [(ROWS - 1) * TURNS + k for k in range(TURNS)]
    return np.concatenate(rows), [*faces, top]


def add_peak(ring: np.ndarray, axes: np.ndarray, material, length: float) -> None:
    """Add a cap's peak to the front of a rim; length: metres."""
    half = TURNS // 5
    k = np.arange(-half, half + 1)
    aside = (k / half)[:, None]
    reach = np.cos(aside * np.pi / 2) * length
    seam = ring[k] + 0.003 * unit(ring[k] - ring.mean(0)) + 0.004 * axes[:, 2]
    rows = [
        seam
        - reach * s * axes[:, 1]
        - axes[:, 2] * (0.012 * s * (1 - aside**2) + 0.010 * aside**2 * s)
        for s in (0, 0.5, 1.0)
    ]
    n = len(k)
    faces = [
        [r * n + j, r * n + j + 1, (r + 1) * n + j + 1, (r + 1) * n + j]
        for r in range(2)
        for j in range(n - 1)
    ]
    add_mesh("peak", np.concatenate(rows), faces, material, thickness=0.003, subdivide=2)


def add_brim(ring: np.ndarray, axes: np.ndarray, material, width: float) -> None:
    """Add a hat's brim around a rim; width: metres."""
    outward = unit(ring - ring.mean(0))
    rows = [ring + outward * width * s + axes[:, 2] * 0.008 * s**2 for s in (0, 0.5, 1.0)]
    n = len(ring)
    faces = [
        [r * n + j, r * n + (j + 1) % n, (r + 1) * n + (j + 1) % n, (r + 1) * n + j]
        for r in range(2)
        for j in range(n)
    ]
    add_mesh("brim", np.concatenate(rows), faces, material, thickness=0.003, subdivide=1)
