"""Spectacles and sunglasses."""

import numpy as np

from .. import body, keypoints
from ..geometry import tube
from .nodes import Shader, plain
from .scene import add_mesh

BRIDGE = 131  # the vertex of the nose's bridge where spectacles sit
COLOURS = [
    (0.01, 0.01, 0.01),
    (0.08, 0.03, 0.015),
    (0.25, 0.24, 0.22),
    (0.12, 0.02, 0.02),
    (0.02, 0.03, 0.10),
]


def add_glasses(posed: np.ndarray, kind: str, seed: tuple[int, ...], axes: np.ndarray) -> None:
    """Add spectacles in front of the eyes.

    posed: (V, 3) the face's surface, metres; kind: 'thin', 'thick' or 'sun'; axes: the head's.
    """
    rng = np.random.default_rng([9, *seed])
    left, right = (posed[body.EYES[s]].mean(0) for s in ("left", "right"))
    across, back, up = axes.T
    eyes, half = (left + right) / 2, np.linalg.norm(left - right) / 2
    front = min((posed[BRIDGE] - eyes) @ back, -0.028) - 0.004
    big = 1.12 if kind == "sun" else 1.0
    w = half * min(0.86, big * rng.uniform(0.72, 0.82))
    h = half * big * rng.uniform(0.50, 0.74)
    metal = kind == "thin"
    colour = (0.5, 0.45, 0.38) if metal else COLOURS[rng.integers(len(COLOURS))]
    frame = plain("frame", colour, 0.3, Metallic=1.0 if metal else 0.0)
    radius = 0.0010 if metal else float(rng.uniform(0.0014, 0.0026))
    # Spectacles slide: down the nose by a little, tipped by as much.
    middle = eyes + front * back - rng.uniform(0.001, 0.009) * up
    outline = superellipse(w, h, float(rng.choice([2.0, 2.6, 4.0])))
    lens = lens_material(kind)
    for side, name in ((-1, "right"), (1, "left")):
        ear = posed[keypoints.table()["ear_top"][name]] + 0.004 * up + side * 0.004 * across
        bow = 0.10 * (outline[:, :1] * side + half) ** 2 / half  # the frame curves backwards
        rim = (
            middle
            + side * (half + 0.001) * across
            + outline[:, :1] * across
            + outline[:, 1:] * up
            + bow * back
        )
        add_mesh(
            "lens",
            np.concatenate([rim, rim.mean(0)[None]]),
            [[k, (k + 1) % 48, 48] for k in range(48)],
            lens,
            see_through=kind != "sun",
        )
        add_side(rim, side, ear, radius, axes, frame)
    add_bridge(middle, half - w, h, radius, axes, frame)


def add_side(
    rim: np.ndarray, side: int, ear: np.ndarray, radius: float, axes: np.ndarray, material
) -> None:
    """Add the frame around one lens, rim (48, 3), and the temple to its ear; side: -1 right."""
    across, back, _ = axes.T
    add_mesh("rim", *tube(rim, radius, closed=True, sides=8), material)
    hinge = rim[0 if side > 0 else 24]
    temple = np.array(
        [
            hinge,
            hinge + 0.010 * back + side * 0.002 * across,
            (hinge + ear) / 2 + side * 0.003 * across,
            ear,
        ]
    )
    add_mesh("temple", *tube(temple, radius * 1.1, sides=8), material)


def superellipse(w: float, h: float, power: float, count: int = 48) -> np.ndarray:
    """Return (count, 2) points of |x/w|^p + |y/h|^p = 1; power 2 is an ellipse."""
    t = np.linspace(0, 2 * np.pi, count, endpoint=False)
    c, s = np.cos(t), np.sin(t)
    return np.stack(
        [np.sign(c) * np.abs(c) ** (2 / power) * w, np.sign(s) * np.abs(s) ** (2 / power) * h], 1
    )


def add_bridge(
    middle: np.ndarray, gap: float, height: float, radius: float, axes: np.ndarray, material
) -> None:
    """Add the arch over the nose; gap: half its width, metres."""
    across, back, up = axes.T
    x = np.linspace(-gap - 0.002, gap + 0.002, 9)[:, None]
    arch = 0.004 * (1 - (x / x[-1]) ** 2)
    path = middle + x * across + (arch + 0.3 * height) * up - 0.6 * arch * back
    add_mesh("bridge", *tube(path, radius, sides=8), material)


def lens_material(kind: str):
    """Return clear or dark glass that mirrors a little."""
    s = Shader("lens")
    colour = (0.06, 0.05, 0.05, 1) if kind == "sun" else (0.97, 0.98, 0.98, 1)
    clear = s.node("BsdfTransparent", {"Color": colour}).outputs[0]
    gloss = s.node("BsdfGlossy", {"Roughness": 0.02, "Color": (1, 1, 1, 1)}).outputs[0]
    # A mirroring lens would stop light that comes steeply, as no real one does: none for shadows.
    lit = s.math("SUBTRACT", 1.0, s.node("LightPath").outputs["Is Shadow Ray"])
    amount = s.math("MULTIPLY", s.node("Fresnel", {"IOR": 1.35}).outputs[0], lit)
    return s.finish(s.node("MixShader", {0: amount, 1: clear, 2: gloss}).outputs[0])
