"""The head's hair: styles, and strands grown on the posed head, so that long hair hangs down."""

from dataclasses import dataclass, replace

import numpy as np

from . import body
from .geometry import smoothstep, unit
from .person import Person
from .regions import hat_line, region
from .strands import Outline, Strands, clump, curled, nearest, sample_roots

COARSE, FINE = 0.00021, 0.00013  # metres: radius of drawn strands, thicker than hair as fewer
KNOT = np.array([0, 0.012, 0.675])  # where tied hair meets, reference head, metres
PARTING = 0.022  # metres from the middle, times a style's side
TAIL = 2500  # strands of a knot or pony-tail
FRINGE_HALF = 0.044  # metres either side of the middle that a fringe covers
OVER_FACE = 0.10  # share of people whose hair may hang over the face


@dataclass(frozen=True)
class Style:
    """A style of hair.

    length: metres; lift: weight of the skin's normal in a strand's first direction; comb:
    'crown', 'part', 'back', 'forward' or 'fringe'; fall: how fast a strand turns downwards;
    wild: random direction of a clump; count: strands; steps: vertices a strand; volume: metres
    that the tips keep off the skin.
    """

    length: float
    lift: float
    comb: str
    fall: float
    wild: float = 0.2
    count: int = 22000
    clumps: int = 900
    clumping: float = 0.5
    steps: int = 8
    volume: float = 0.005


STYLES = {
    "buzz": Style(0.006, 0.7, "crown", 0.0, count=26000, clumping=0.0, steps=3),
    "crew": Style(0.020, 0.55, "forward", 0.05, clumping=0.4, steps=4),
    "short": Style(0.045, 0.35, "forward", 0.3, 0.22, steps=6, volume=0.008),
    "pixie": Style(0.070, 0.30, "forward", 0.5, 0.22, steps=7, volume=0.010),
    "side": Style(0.070, 0.30, "part", 0.4, 0.16, steps=7, volume=0.010),
    "bob": Style(0.20, 0.14, "part", 2.6, 0.12, steps=10, count=24000, volume=0.008),
    "long": Style(0.34, 0.14, "part", 2.6, 0.12, steps=12, count=24000, volume=0.007),
    "fringe": Style(0.26, 0.16, "fringe", 2.3, 0.12, steps=11, count=24000, volume=0.007),
    "tied": Style(0.20, 0.05, "back", 0.0, 0.03, steps=9, count=18000, volume=0.004),
    "afro": Style(0.075, 0.9, "crown", 0.0, 0.35, count=26000, clumping=0.3, steps=8),
    "receding": Style(0.030, 0.45, "forward", 0.2, count=15000, steps=5),
    "bald": Style(0.004, 0.6, "crown", 0.0, count=7000, clumping=0.0, steps=3),
}


class Head:
    """A posed head: outline, axes (columns left, back, up in the world), the eyes' middle."""

    def __init__(self, vertices: np.ndarray, axes: np.ndarray) -> None:
        self.vertices, self.axes, self.outline = vertices, axes, Outline(vertices)
        self.eyes = (vertices[body.EYES["left"]].mean(0) + vertices[body.EYES["right"]].mean(0)) / 2
        rest = body.rest_vertices()[: body.SKIN_VERTICES]
        self.knot = vertices[int(np.linalg.norm(rest - KNOT, axis=1).argmin())]

    def before_face(self, points: np.ndarray) -> np.ndarray:
        """Return (...) whether points (..., 3) lie before the face."""
        x, y, z = np.moveaxis((points - self.eyes) @ self.axes, -1, 0)
        half = np.interp(z, [-0.12, -0.05, 0.0, 0.03, 0.05], [0.050, 0.056, 0.058, 0.052, 0.030])
        return (np.abs(x) < half) & (y < 0.050) & (z < 0.045)

    def beside_face(self, points: np.ndarray) -> np.ndarray:
        """Return points (S, 3), those before the face moved beside it."""
        hit = self.before_face(points)
        local = (points[hit] - self.eyes) @ self.axes
        side = np.where(local[:, 0] < 0, -1.0, 1.0)
        local[:, 0] = 0.4 * local[:, 0] + 0.6 * side * 0.066
        local[:, 1] += 0.012
        out = points.copy()
        out[hit] = local @ self.axes.T + self.eyes
        return out


def root_density(style: str, side: float = 0.0) -> np.ndarray:
    """Return (V,) density of a style's roots on the skin.

    Denser along a parting and the front: there no other hair lies over the roots. side: the
    parting's place, see `comb_direction`.
    """
    weight = region(style if style in ("receding", "bald") else "scalp")
    if not side or STYLES[style].comb not in ("part", "fringe"):
        return weight
    x, y, _ = body.rest_vertices().T
    parting = np.exp(-(((x - PARTING * side) / 0.009) ** 2))
    return weight * (1 + 6 * parting + 2 * smoothstep(-y, 0.11, 0.15))


def head_hair(
    person: Person, vertices: np.ndarray, axes: np.ndarray, hat: float | None = None
) -> Strands:
    """Grow the head's hair.

    vertices: (V, 3) metres of the posed mesh; axes: the head's left, back, up in columns; hat:
    height of a hat's edge (`regions.hat_line`): no short hair under it, long hair lies flat.
    """
    rng = np.random.default_rng([2, *person.seed])
    style, head = STYLES[person.hair_style], Head(vertices, axes)
    side = rng.choice([-1.0, 1.0]) * rng.uniform(0.3, 1.3)
    length, over_face = style.length * rng.uniform(0.8, 1.25), rng.random() < OVER_FACE
    roots, normals, rest = sample_roots(
        vertices, root_density(person.hair_style, side), style.count, rng
    )
    guides = rng.choice(len(roots), style.clumps, replace=False)
    member = nearest(roots, roots[guides])
    combed = comb_direction(style.comb, rest, side, member, rng) @ axes.T
    direction = unit(
        style.lift * normals
        + (1 - style.lift) * combed
        + style.wild * rng.normal(size=(style.clumps, 3))[member]
        + 0.4 * style.wild * rng.normal(size=roots.shape)
    )
    lengths = strand_lengths(style, length, rest, member, side, rng)
    points = clump(grow(roots, direction, lengths, style, head), guides, member, style.clumping)
    points = curled(points, *waves(person, style, length, rng), member, rng)
    keep = (
        np.ones(len(points), bool)
        if over_face
        else cleared(points, roots, direction, lengths, style, head)
    )
    if hat is not None:
        keep &= flatten(points, rest, hat, length, head)
    if style.comb == "back":
        points, keep = (
            np.concatenate([points, tail(head, style.steps, rng)]),
            np.append(keep, np.ones(TAIL, bool)),
        )
    return Strands(points[keep], COARSE if style.length > 0.01 else FINE)


def comb_direction(
    kind: str, rest: np.ndarray, side: float, member: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return (S, 3) directions of combing in the upright head's frame.

    rest: (S, 3) roots on the reference head; side: sign and size of the parting's place; member:
    (S,) clumps, whose own offsets make a parting ragged.
    """
    x, y = rest.T[:2]
    zero = 0 * x
    away = unit(rest - np.array([0.01 * side, -0.055, 0.775]))
    if kind == "crown":
        return away
    if kind == "forward":
        return unit(away + np.stack([zero + 0.35 * side, zero - 0.35, zero], 1))
    if kind == "back":
        return unit(KNOT - rest)
    ragged = rng.normal(0, 0.0035, member.max() + 1)[member] + rng.normal(0, 0.002, len(x))
    sideways = np.tanh((x - PARTING * side + ragged) / 0.005)
    front = smoothstep(-y, 0.09, 0.17)
    direction = np.stack(
        [sideways, 0.9 * front, 0.25 * np.exp(-((x - PARTING * side) ** 2) / 2e-4) - 0.2], 1
    )
    if kind == "fringe":
        swept = np.stack([0.4 * side + 0.6 * x / 0.05, zero - 1.0, zero - 0.5], 1)
        ahead = (smoothstep(-y, 0.125, 0.15) * (np.abs(x) < FRINGE_HALF))[:, None]
        direction = direction * (1 - ahead) + swept * ahead
    behind = smoothstep(y, -0.075, -0.04)[:, None]
    return unit(direction * (1 - behind) + unit(away * [0.6, 1, 1]) * behind)


def strand_lengths(
    style: Style,
    length: float,
    rest: np.ndarray,
    member: np.ndarray,
    side: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return (S,) metres; a fringe ends above the eyes, aslant and ragged."""
    lengths = length * rng.uniform(0.75, 1.1, len(rest))
    if style.comb == "fringe":
        locks = rng.normal(0, 0.006, member.max() + 1)[member]
        cut = rng.uniform(0.060, 0.078) + side * rng.uniform(0, 0.35) * rest[:, 0]
        ahead = (rest[:, 1] < -0.135) & (np.abs(rest[:, 0]) < FRINGE_HALF)
        lengths = np.where(ahead, cut + locks + rng.normal(0, 0.003, len(rest)), lengths)
    return lengths


def waves(
    person: Person, style: Style, length: float, rng: np.random.Generator
) -> tuple[float, float]:
    """Return size (metres) and number of a strand's waves: frizzy, wavy or straight hair."""
    frizz = float(np.clip(person.phenotype["african"] * 1.4 - 0.3, 0, 1))
    wavy = float(rng.random() < 0.35) * min(0.007, 0.06 * length)
    size = frizz * min(0.005, 0.12 * length) + wavy
    return size, 1.5 + 2.0 * frizz + length / 0.15


def grow(
    roots: np.ndarray, direction: np.ndarray, lengths: np.ndarray, style: Style, head: Head
) -> np.ndarray:
    """Return (S, steps, 3): strands that fall and slide over head and shoulders."""
    step = (lengths / (style.steps - 1))[:, None]
    points = [roots - 0.002 * unit(roots - head.outline.centre)]
    heading = direction
    for k in range(1, style.steps):
        t = k / (style.steps - 1)
        heading = unit(heading + style.fall * (0.35 + t) * np.array([0, 0, -1.0]) * 8 / style.steps)
        volume = 0.001 + style.volume * min(1.0, 2.5 * t)
        moved = head.outline.push_out(points[-1] + step * heading, volume)
        if style.comb == "part":
            moved = head.beside_face(moved)
        heading = unit(0.6 * heading + 0.4 * unit(moved - points[-1]))
        if style.comb == "back":
            heading = unit(head.knot - moved)
        points.append(moved)
    return np.stack(points, 1)


def cleared(
    points: np.ndarray,
    roots: np.ndarray,
    direction: np.ndarray,
    lengths: np.ndarray,
    style: Style,
    head: Head,
) -> np.ndarray:
    """Sweep back, in place, strands that hang before the face; return which (S,) to keep."""
    stray = head.before_face(points).any(1)
    if not stray.any():
        return ~stray
    swept = replace(style, comb="back", fall=0.0, volume=0.003)
    points[stray] = grow(
        roots[stray], direction[stray], np.minimum(lengths[stray], 0.16), swept, head
    )
    return ~head.before_face(points).any(1)


def flatten(
    points: np.ndarray, rest: np.ndarray, hat: float, length: float, head: Head
) -> np.ndarray:
    """Lay strands flat under a hat, in place; return which (S,) to keep: no short ones under it.

    rest: (S, 3) roots on the reference head; hat: height of the hat's edge, see `hat_line`.
    """
    eyes = body.rest_vertices()[body.EYES["left"]].mean(0) * [0, 1, 1]
    for k in range(points.shape[1]):
        local = (points[:, k] - head.eyes) @ head.axes + eyes
        under = local[:, 2] > hat_line(local[:, 1], hat) - 0.006
        points[:, k] = head.outline.held_down(points[:, k], 0.002, under)
    covered = rest[:, 2] > hat_line(rest[:, 1], hat)
    return ~covered if length < 0.1 else np.ones(len(points), bool)


def tail(head: Head, steps: int, rng: np.random.Generator) -> np.ndarray:
    """Return (S, steps, 3): a knot or a pony-tail where tied hair meets."""
    count, long = TAIL, rng.random() < 0.5
    out = head.axes @ np.array([0, 1.0, 0.1])
    start = head.knot + 0.012 * out + 0.008 * rng.normal(size=(count, 3))
    t = np.linspace(0, 1, steps)[None, :, None]
    if long:
        spread = unit(out + 0.25 * rng.normal(size=(count, 3)))[:, None]
        length = rng.uniform(0.16, 0.26, (count, 1, 1))
        return start[:, None] + length * (
            0.35 * np.sin(t * 2) * spread - t**1.4 * np.array([0, 0, 1.0])
        )
    axis = unit(rng.normal(size=(count, 3)))
    other = unit(np.cross(axis, rng.normal(size=(count, 3))))
    size = 0.028 * rng.uniform(0.75, 1.0, (count, 1, 1))
    middle = (head.knot + 0.026 * out)[None, None]
    return middle + size * (np.cos(5 * t) * axis[:, None] + np.sin(5 * t) * other[:, None])
