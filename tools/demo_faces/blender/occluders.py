"""What stands before or beside a face: hands, a telephone, a microphone, a cup."""

import numpy as np

from .. import body
from ..arm import Arm, arm
from ..geometry import box, ellipsoid, frame, tube, unit
from ..look import Look
from ..person import Person
from .clothes import add_scarf
from .nodes import Shader, plain
from .scene import add_attribute, add_mesh
from .skin import hand_material

SLEEVE = 0.05  # metres from the wrist: clad from there on
TOUCH = -0.004  # metres between a hand and the face: flesh gives way


class Face:
    """Where things are on a posed face: points in the world, metres, and the head's axes."""

    def __init__(self, surface: np.ndarray, axes: np.ndarray) -> None:
        self.axes = axes
        skin = surface[: body.SKIN_VERTICES]
        self.eye = {side: surface[body.EYES[side]].mean(0) for side in body.EYES}
        rest = body.rest_vertices()[: body.SKIN_VERTICES]
        self.mouth, self.chin = (
            skin[np.linalg.norm(rest - p, axis=1).argmin()]
            for p in ([0, -0.20, 0.598], [0, -0.19, 0.552])
        )
        self.cheek = {
            s: skin[np.linalg.norm(rest - [x, -0.155, 0.605], axis=1).argmin()]
            for s, x in (("left", 0.052), ("right", -0.052))
        }
        self.ear = {
            s: skin[np.linalg.norm(rest - [x, -0.105, 0.655], axis=1).argmin()]
            for s, x in (("left", 0.078), ("right", -0.078))
        }
        self.skin = skin[rest[:, 2] > 0.52]

    def world(self, direction: list[float]) -> np.ndarray:
        """Return a direction given as the head's left, back, up."""
        return self.axes @ np.array(direction)

    def clear_of(self, vertices: np.ndarray, away: np.ndarray) -> np.ndarray:
        """Return vertices (V, 3) moved along `away` (3,) until none lies in the face."""
        y = unit(away)
        x = unit(np.cross(y, [0.1, 0.2, 1.0]))
        square = np.stack([x, np.cross(x, y)], 1)
        skin, depth = self.skin @ square, self.skin @ y
        grid: dict[tuple, float] = {}
        for cell, d in zip(map(tuple, np.round(skin / 0.006).astype(int)), depth, strict=True):
            grid[cell] = max(d, grid.get(cell, -np.inf))
        cells = map(tuple, np.round(vertices @ square / 0.006).astype(int))
        push = max(grid.get(cell, -np.inf) - d for cell, d in zip(cells, vertices @ y, strict=True))
        return vertices + max(-0.05, push + TOUCH) * y


def add_occluder(
    person: Person, surface: np.ndarray, axes: np.ndarray, look: Look, seed: tuple[int, ...]
) -> None:
    """Add what `look.occluder` names before the posed face, surface (V, 3) metres."""
    rng = np.random.default_rng([12, *seed])
    face, side = Face(surface, axes), "left" if rng.random() < 0.5 else "right"
    sign = 1.0 if side == "left" else -1.0
    name = look.occluder
    if name == "scarf":
        add_scarf(surface, axes, seed)
    elif name == "phone":
        add_phone(person, face, side, look, rng)
    elif name == "microphone":
        add_microphone(person, face, sign, look, rng)
    elif name == "cup":
        add_cup(person, face, sign, look, rng)
    else:
        add_touching_hand(person, face, side, look, rng)


def add_hand(person: Person, held: Arm, look: Look, vertices: np.ndarray, left: bool) -> None:
    """Add an arm whose vertices (V, 3) were placed in the world."""
    faces = held.faces if left else [face[::-1] for face in held.faces]
    obj = add_mesh("hand", vertices, faces, hand_material(person, look.clothes), subdivide=1)
    add_attribute(obj.data, "sleeve", held.sleeve - SLEEVE)


def add_touching_hand(
    person: Person, face: Face, side: str, look: Look, rng: np.random.Generator
) -> None:
    """Add a hand that lies over the mouth or an eye, on a cheek, or as a fist at the chin."""
    sign = 1.0 if side == "left" else -1.0
    a, b = rng.normal(0, 0.15, 2)
    place, fingers, facing, curl = {
        "hand over mouth": (face.mouth, [-sign, 0, 0.2 + a], [-0.2 * sign, 1, 0.1], 0.15),
        "hand on cheek": (face.cheek[side], [-0.1 * sign + a, 0.25, 1], [-sign, 0.35, 0.1], 0.15),
        "fist at chin": (face.chin, [-0.5 * sign, 0.3, 0.8 + a], [-0.2 * sign, 0.9, 0.4], 0.95),
        "hand over eye": (face.eye[side], [-0.5 * sign, 0, 0.8 + a], [0, 1, 0.1 * b], 0.12),
    }[look.occluder]
    bend = np.clip(curl + np.cumsum(rng.normal(0, 0.05, 4)), 0, 1)
    held = arm(person, tuple(bend), thumb=0.2 + 0.6 * curl)
    offset = 0.012 * rng.normal(size=3) - face.world([0, 0.02, 0])
    low = {"fist at chin": -0.035, "hand on cheek": -0.03}.get(look.occluder, -0.018)
    vertices = held.placed(
        place + offset + face.world([0, 0, low]),
        face.world(fingers),
        face.world(facing),
        side == "left",
    )
    away = -face.world(facing) if look.occluder != "fist at chin" else face.world([0, -0.35, -1])
    add_hand(person, held, look, face.clear_of(vertices, away), side == "left")


def add_phone(person: Person, face: Face, side: str, look: Look, rng: np.random.Generator) -> None:
    """Add a telephone at an ear, in a hand."""
    sign = 1.0 if side == "left" else -1.0
    long = unit(face.world([0, -0.5 + rng.normal(0, 0.1), -1.0]))
    out = unit(face.world([sign, -0.15, 0.0]))
    turn = frame(long, out)
    centre = face.ear[side] + 0.035 * long + 0.012 * turn[:, 2]
    vertices, faces = box(np.array([0.036, 0.074, 0.0042]))
    shell = face.clear_of(vertices @ turn.T + centre, turn[:, 2])
    material = plain("telephone", tuple(rng.uniform(0.005, 0.05, 3)), 0.15)
    add_mesh("telephone", shell, faces, material, smooth=False)
    held = arm(person, tuple(np.clip(0.42 + 0.05 * rng.normal(size=4), 0, 1)), 0.5)
    palm = shell.mean(0) + 0.032 * turn[:, 2] + 0.02 * long
    fingers = unit(-long + face.world([0, 0.35, 0.1]))
    add_hand(
        person, held, look, held.placed(palm, fingers, -turn[:, 2], side == "left"), side == "left"
    )


def grip(
    person: Person, at: np.ndarray, axis: np.ndarray, face: Face, sign: float, look: Look
) -> None:
    """Add a hand that closes around a stick through `at` along `axis` (up)."""
    held = arm(person, (0.72, 0.76, 0.8, 0.84), 0.6)
    fingers = unit(np.cross(axis, face.world([0, -1, 0])) * sign)
    inward = face.world([0, 1, 0]) - axis * (axis @ face.world([0, 1, 0]))
    vertices = held.placed(at - 0.030 * unit(inward), fingers, unit(inward), sign > 0)
    add_hand(person, held, look, vertices, sign > 0)


def add_microphone(
    person: Person, face: Face, sign: float, look: Look, rng: np.random.Generator
) -> None:
    """Add a hand microphone before mouth or chin."""
    tip = face.mouth + face.world(
        [rng.normal(0, 0.012), -rng.uniform(0.035, 0.06), -rng.uniform(0.005, 0.03)]
    )
    down = unit(face.world([0.35 * sign + rng.normal(0, 0.15), -0.45, -1.0]))
    s = Shader("grille")
    mesh = s.noise(s.node("TexCoord").outputs["Object"], 900, 0)
    grille = s.finish(
        s.principled(
            (0.10, 0.10, 0.10), Roughness=0.35, Metallic=0.8, Normal=s.bump(mesh, 1.0, 0.002)
        )
    )
    add_mesh("grille", *ellipsoid(tip, [0.024, 0.024, 0.026]), grille)
    stem = tip + np.linspace(0.015, 0.20, 8)[:, None] * down
    add_mesh(
        "stem",
        *tube(stem, np.linspace(0.016, 0.011, 8), sides=20),
        plain("stem", (0.02, 0.02, 0.02), 0.4),
    )
    grip(person, tip + 0.105 * down, -down, face, sign, look)


def add_cup(person: Person, face: Face, sign: float, look: Look, rng: np.random.Generator) -> None:
    """Add a cup at the mouth, in a hand."""
    up = unit(face.world([0, 0.35, 1.0]))
    rim = face.mouth + face.world([0, -0.006, 0.004])
    t = np.linspace(0, 1, 6)[:, None]
    radius = rng.uniform(0.036, 0.042)
    axis = rim - radius * face.world([0, 1, 0]) - t * 0.095 * up
    colour = tuple(rng.choice([[0.7, 0.68, 0.64], [0.35, 0.05, 0.04], [0.05, 0.12, 0.25]]))
    add_mesh("cup", *tube(axis, radius * (1 - 0.18 * t[:, 0]), sides=40), plain("cup", colour, 0.2))
    grip(person, axis[3], up, face, sign, look)
