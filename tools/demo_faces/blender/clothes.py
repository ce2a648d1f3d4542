"""Clothes: a shirt, and what keeps head and neck warm."""

import numpy as np

from .. import body, colours
from ..geometry import compact, ellipsoid, tube, unit
from ..look import Look
from ..regions import hat_line
from .nodes import Shader, knitted, plain
from .scene import add_mesh
from .skin import CHEST

NECKLINE = 0.500  # metres, reference body: clothes below
HAT_EDGE = {"beanie": 0.694, "cap": 0.700, "brim": 0.703}  # metres, reference head, at the forehead


def add_shirt(posed: np.ndarray, look: Look) -> None:
    """Add a shirt: the torso's skin below the neckline, moved outwards, with a hem or collar."""
    rest = body.rest_vertices()
    line = NECKLINE + look.neckline + 0.35 * np.clip(rest[:, 1] + 0.12, 0, 0.10) \
        + 0.35 * np.clip(np.abs(rest[:, 0]) - 0.03, 0, 0.08)
    faces = [f for f in body.topology().faces_of("body")
             if rest[f, 2].min() > CHEST and (rest[f, 2] < line[f]).all()]
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
    rows = [opening[order] + outward[order] * out + np.array([0, 0, up])
            for out, up in ((0.002, -0.004), (0.004, 0.022), (0.010, 0.024), (0.026, -0.008))]
    n = len(order)
    faces = [[r * n + k, r * n + k + 1, (r + 1) * n + k + 1, (r + 1) * n + k]
             for r in range(len(rows) - 1) for k in range(n - 1)]
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
        colour = s.mix(s.ramp(s.noise(place, 30, 2), 0.45, 0.55), colour,
                       tuple(np.array(look.clothes) * 0.3 + 0.1))
    folds = s.math("ADD", s.noise(place, 700, 2), s.math("MULTIPLY", s.noise(place, 14, 2), 5.0))
    return s.finish(s.principled(colour, Roughness=0.85, Sheen_Weight=0.2,
                                 Normal=s.bump(folds, 0.6, 0.002)))


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


def add_hat(posed: np.ndarray, axes: np.ndarray, kind: str, seed: tuple[int, ...]) -> None:
    """Add a beanie, a cap with a peak or a hat with a brim: the scalp's skin, moved outwards."""
    rng = np.random.default_rng([10, *seed])
    rest = body.rest_vertices()
    edge = HAT_EDGE[kind]
    ears = body.uv_mask("ears")
    faces = [f for f in body.topology().faces_of("body")
             if (rest[f, 2] > hat_line(rest[f, 1], edge)).all() and ears[f].max() < 0.3]
    vertices, faces, used = compact(posed, faces)
    colour = colours.muted(rng)
    crown = {"beanie": 0.010, "cap": 0.014, "brim": 0.030}[kind]
    height = np.clip((rest[used, 2] - edge) / 0.06, 0, 1)[:, None]
    outward = unit(vertices - posed[used].mean(0))
    vertices = vertices + outward * 0.004 + height * crown * (axes[:, 2] + 0.4 * outward)
    material = knitted("knit", colour, 420, 0.004) if kind == "beanie" else cloth(colour)
    add_mesh(kind, vertices, faces, material, thickness=0.008, subdivide=2)
    if kind == "beanie":
        return
    ring = rim(posed, axes, edge)
    if kind == "cap":
        add_peak(ring, axes, material, float(rng.uniform(0.055, 0.075)))
    else:
        add_brim(ring, axes, material, float(rng.uniform(0.05, 0.08)))
        band = tube(ring + 0.012 * axes[:, 2], 0.004, closed=True, flatten=2.5)
        add_mesh("band", *band, plain("band", colours.shade(colour, 0.3), 0.7))


def cloth(colour: colours.Colour):
    """Return fine cloth or felt."""
    s = Shader("felt")
    grain = s.noise(s.node("TexCoord").outputs["Object"], 900, 2)
    return s.finish(s.principled(colour, Roughness=0.9, Sheen_Weight=0.3,
                                 Normal=s.bump(grain, 0.4, 0.001)))


def rim(posed: np.ndarray, axes: np.ndarray, edge: float) -> np.ndarray:
    """Return (48, 3): an ellipse around the head at a hat's edge, metres."""
    rest = body.rest_vertices()
    head = (rest[:, 2] > 0.6) & (body.uv_mask("ears") < 0.3) & (
        np.arange(body.VERTICES) < body.SKIN_VERTICES)
    near = head & (np.abs(rest[:, 2] - hat_line(rest[:, 1], edge)) < 0.008)
    local = posed[near] @ axes
    low, high = local.min(0), local.max(0)
    centre, half = (low + high) / 2, (high - low) / 2 + 0.010
    t = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    x, y = half[0] * np.sin(t), -half[1] * np.cos(t)  # starts at the front
    slope = np.polyfit(local[:, 1], local[:, 2], 1)
    z = np.polyval(slope, centre[1] + y)
    return np.stack([centre[0] + x, centre[1] + y, z], 1) @ axes.T


def add_peak(ring: np.ndarray, axes: np.ndarray, material, length: float) -> None:
    """Add a cap's peak to the front of a rim (48, 3); length: metres."""
    k = np.arange(-10, 11)
    inner = ring[k]
    t = np.cos(k / 10 * np.pi / 2)[:, None]
    rows = [inner + t * length * s * (-axes[:, 1]) - axes[:, 2] * (
        0.010 * s ** 2 * t + 0.012 * (k / 10)[:, None] ** 2 * s) for s in (0, 0.5, 1.0)]
    n = len(k)
    faces = [[r * n + j, r * n + j + 1, (r + 1) * n + j + 1, (r + 1) * n + j]
             for r in range(2) for j in range(n - 1)]
    add_mesh("peak", np.concatenate(rows), faces, material, thickness=0.003, subdivide=2)


def add_brim(ring: np.ndarray, axes: np.ndarray, material, width: float) -> None:
    """Add a hat's brim around a rim (48, 3); width: metres."""
    outward = unit(ring - ring.mean(0))
    rows = [ring + outward * width * s + axes[:, 2] * 0.008 * s ** 2 for s in (0, 0.5, 1.0)]
    n = len(ring)
    faces = [[r * n + j, r * n + (j + 1) % n, (r + 1) * n + (j + 1) % n, (r + 1) * n + j]
             for r in range(2) for j in range(n)]
    add_mesh("brim", np.concatenate(rows), faces, material, thickness=0.003, subdivide=1)


def add_scarf(posed: np.ndarray, axes: np.ndarray, seed: tuple[int, ...]) -> None:
    """Add a scarf wound around the neck, up over the chin or the mouth."""
    rng = np.random.default_rng([11, *seed])
    rest = body.rest_vertices()[:body.SKIN_VERTICES]
    neck = posed[:body.SKIN_VERTICES][np.abs(rest[:, 2] - 0.535) < 0.012]
    jaw = posed[:body.SKIN_VERTICES][np.abs(rest[:, 2] - 0.575) < 0.012]
    material = knitted("scarf", colours.muted(rng), 260, 0.006)
    top = float(rng.uniform(0.02, 0.055))
    t = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    for k in range(5):
        share = k / 4
        low = np.minimum(neck.min(0), jaw.min(0)) * share + neck.min(0) * (1 - share)
        high = np.maximum(neck.max(0), jaw.max(0)) * share + neck.max(0) * (1 - share)
        centre, half = (low + high) / 2, (high - low) / 2 + 0.010
        wave = 0.005 * np.sin(2 * t + rng.uniform(0, 6)) + 0.003 * np.sin(5 * t + rng.uniform(0, 6))
        front = 0.5 - 0.5 * np.sin(t)  # the front stands highest
        path = np.stack([centre[0] + half[0] * np.cos(t), centre[1] + half[1] * np.sin(t),
                         neck.mean(0)[2] - 0.03 + (0.035 + top * front) * share + wave], 1)
        add_mesh("scarf", *tube(path, 0.014 + 0.003 * np.sin(3 * t + k), closed=True), material)
    add_mesh("knot", *ellipsoid(path[45] + [0, -0.01, -0.05], [0.03, 0.018, 0.04]), material)
