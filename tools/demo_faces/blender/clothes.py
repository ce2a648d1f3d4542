"""Clothes: a shirt with hem or collar, and a scarf."""

import numpy as np

from .. import body, colours
from ..geometry import compact, tube, unit
from ..look import Look
from .nodes import Shader, knitted
from .scene import add_mesh
from .skin import CHEST

NECKLINE = 0.500  # metres, reference body: clothes below


def add_shirt(posed: np.ndarray, look: Look) -> None:
    """Add a shirt: the torso's skin below the neckline, moved outwards, with a hem or collar."""
    rest = body.rest_vertices()
    line = (
        NECKLINE
        + look.neckline
        + 0.35 * np.clip(rest[:, 1] + 0.12, 0, 0.10)
        + 0.35 * np.clip(np.abs(rest[:, 0]) - 0.03, 0, 0.08)
    )
    faces = [
        f
        for f in body.topology().faces_of("body")
        if rest[f, 2].min() > CHEST and (rest[f, 2] < line[f]).all()
    ]
    vertices, faces, _ = compact(posed, faces)
    material = cloth_material(look)
    add_mesh("shirt", vertices, faces, material, thickness=0.009, subdivide=2)
    opening = neck_opening(vertices, faces)
    hem = tube(opening, 0.006, closed=True)
    add_mesh("hem", *hem, material)
    if look.collar:
        add_collar(opening, material)


def add_collar(opening: np.ndarray, material) -> None:
    """Add a turned-down collar around a neck opening (N, 3), open at the front."""
    centre = opening.mean(0)
    outward = unit((opening - centre) * [1, 1, 0])
    front = outward[:, 1] < -0.97
    start = int(np.argmax(front)) if front.any() else 0
    order = np.roll(np.arange(len(opening)), -start)
    order = order[~front[order]]
    rows = [
        opening[order] + outward[order] * out + np.array([0, 0, up])
        for out, up in ((0.002, -0.004), (0.004, 0.022), (0.010, 0.024), (0.026, -0.008))
    ]
    n = len(order)
    faces = [
        [r * n + k, r * n + k + 1, (r + 1) * n + k + 1, (r + 1) * n + k]
        for r in range(len(rows) - 1)
        for k in range(n - 1)
    ]
    add_mesh("collar", np.concatenate(rows), faces, material, thickness=0.002, subdivide=1)


def cloth_material(look: Look):
    """Return woven cloth: plain, striped or patchy."""
    s = Shader("cloth")
    place = s.node("TexCoord").outputs["Object"]
    colour = look.clothes
    if look.pattern == "stripes":
        z = s.node("SeparateXYZ", {"Vector": place}).outputs[2]
        stripe = s.ramp(s.math("SINE", s.math("MULTIPLY", z, 260.0)), -0.1, 0.1)
        colour = s.mix(stripe, colour, (0.6, 0.58, 0.55))
    elif look.pattern == "noise":
        colour = s.mix(
            s.ramp(s.noise(place, 30, 2), 0.45, 0.55),
            colour,
            tuple(np.array(look.clothes) * 0.3 + 0.1),
        )
    folds = s.math("ADD", s.noise(place, 700, 2), s.math("MULTIPLY", s.noise(place, 14, 2), 5.0))
    return s.finish(
        s.principled(colour, Roughness=0.85, Sheen_Weight=0.2, Normal=s.bump(folds, 0.6, 0.002))
    )


def neck_opening(vertices: np.ndarray, faces: list) -> np.ndarray:
    """Return (N, 3): the highest border loop of a shirt, smoothed and widened."""
    count: dict[frozenset, int] = {}
    for face in faces:
        for a, b in zip(face, face[1:] + face[:1], strict=True):
            count[frozenset((a, b))] = count.get(frozenset((a, b)), 0) + 1
    border: dict[int, list[int]] = {}
    for a, b in (sorted(e) for e, n in count.items() if n == 1):
        border.setdefault(a, []).append(b)
        border.setdefault(b, []).append(a)
    loop = [max(border, key=lambda v: vertices[v, 2])]
    while following := [v for v in border[loop[-1]] if v not in loop]:
        loop.append(following[0])
    points = vertices[loop]
    for _ in range(6):
        points = (np.roll(points, 1, 0) + 2 * points + np.roll(points, -1, 0)) / 4
    return points + 0.005 * unit(points - points.mean(0))


def add_scarf(posed: np.ndarray, axes: np.ndarray, seed: tuple[int, ...]) -> None:
    """Add a scarf wound around the neck, up over the chin or the mouth."""
    rng = np.random.default_rng([11, *seed])
    rest = body.rest_vertices()[: body.SKIN_VERTICES]
    neck = posed[: body.SKIN_VERTICES][np.abs(rest[:, 2] - 0.535) < 0.012]
    jaw = posed[: body.SKIN_VERTICES][np.abs(rest[:, 2] - 0.575) < 0.012]
    material = knitted("scarf", colours.muted(rng), 320, 0.003)
    top = float(rng.uniform(0.02, 0.055))
    t = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    for k in range(5):
        share = k / 4
        low = np.minimum(neck.min(0), jaw.min(0)) * share + neck.min(0) * (1 - share)
        high = np.maximum(neck.max(0), jaw.max(0)) * share + neck.max(0) * (1 - share)
        centre, half = (low + high) / 2, (high - low) / 2 + 0.010
        wave = 0.005 * np.sin(2 * t + rng.uniform(0, 6)) + 0.003 * np.sin(5 * t + rng.uniform(0, 6))
        front = 0.5 - 0.5 * np.sin(t)  # the front stands highest
        path = np.stack(
            [
                centre[0] + half[0] * np.cos(t),
                centre[1] + half[1] * np.sin(t),
                neck.mean(0)[2] - 0.03 + (0.035 + top * front) * share + wave,
            ],
            1,
        )
        add_mesh("scarf", *tube(path, 0.014 + 0.003 * np.sin(3 * t + k), closed=True), material)
