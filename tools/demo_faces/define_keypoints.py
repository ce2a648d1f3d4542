"""Writes keypoints.json: where iBUG-68 and IMM-58 lie on the MakeHuman base mesh.

Run ``python -m demo_faces.define_keypoints`` to change a definition; the result is kept. What a
strip is stands in `keypoints`. The places were chosen by the mean shapes of the real sets.
"""

import json

import numpy as np

from .body import SKIN_VERTICES, rest_vertices, topology
from .define_jaw import jaw_strips
from .keypoints import EYE_CORNERS, JAW, OUTLINES, ROW, SLIDES, TABLE

# Edge loops around the subject's right eye and the mouth.
LID_MARGIN_RIGHT = [
    0,
    1,
    54,
    57,
    60,
    102,
    63,
    66,
    69,
    72,
    53,
    5080,
    50,
    47,
    44,
    41,
    36,
    33,
    30,
    5078,
    27,
    24,
    21,
    18,
    15,
    12,
    9,
    6,
]
LIP_STARTS = {"outer": (455, 454), "fleshy": (468, 465), "edge": (474, 473), "contact": (520, 521)}
CUPIDS_BOW = 450  # the vertex of the upper lip's right peak
# Subject's right brow: vertex rings at, above and below its middle, head to tail.
BROW_MIDDLE = [228, 208, 205, 204, 206, 207, 212, 254]
BROW_ABOVE = [235, 233, 223, 222, 224, 225, 255, 261]
BROW_BELOW = [221, 180, 177, 176, 178, 179, 190, 211]
BROW_LIFT = [-0.6, -0.3, 0.0, 0.0, 0.05, 0.15, 0.30, 0.10]  # of the brow off the ring
BROW_HEAD = 0.55  # where the brow begins between the first two columns
BROW_TOP, BROW_MID, BROW_BOTTOM = 0.30, -0.32, -0.95  # edges, in ring distances, + upwards
NOSE_MIDLINE = [132, 133, 134, 135, 131, 5063, 164, 201, 291, 5134, 294]
NOSE_WING, NOSTRIL, UNDER_NOSE = 286, 313, 317
JAW_START = 0.660  # metres, height of 300-W's first and last point on the reference head
UNDER_CHIN = 7  # scan steps: by as much do the annotators draw the chin lower than its contour
EAR_TOP = [-0.0725, -0.118, 0.666]  # metres: where spectacles rest
# Steps from the frame to the places that 300-W's annotators chose, by keypoint of the subject's
# right half: per cent of the distance of the outer eye corners, to the picture's right and up, in
# the frontal view. As much were nets that saw rendered faces alone off on training pictures.
# Less than 0.7 was left alone; the jaw's points are spread anew in each picture (`keypoints`).
MOVES = {
    17: (0.8, 0.5),
    18: (2.5, 2.1),
    19: (4.0, 1.2),
    20: (2.7, -0.4),
    21: (-0.4, -1.1),
    28: (0.0, 0.7),
    31: (1.0, 0.1),
    32: (0.2, -0.9),
    33: (0.0, -1.1),
    37: (1.8, 1.0),
    38: (0.3, 0.8),
    39: (-0.4, -0.6),
    41: (1.0, 0.5),
    48: (2.7, -0.6),
    49: (2.5, -1.3),
    50: (-1.2, -1.2),
    51: (0.0, -2.1),
    57: (0.0, 0.7),
    58: (0.6, 0.4),
    59: (1.4, -0.4),
    60: (0.0, -1.2),
    61: (1.4, 0.0),
    66: (0.0, -1.2),
    67: (1.2, -1.2),
}
NOSE_BASE = range(31, 36)
# As far inwards lie the outer corner of an eye and the inner one of the mouth, midway between lids
# or lips: fractions of their length.
EYE_CORNER, MOUTH_CORNER = 0.10, 0.075
# Half the length of a sliding keypoint's row: across the nose and along its base, as a fraction of
# the distance of the outer eye corners; along a lip, as one of the lip's length.
NOSE_ROW, LIP_ROW = 0.12, 0.2
# Places along the lips, as fractions of their length from the subject's right.
LOWER_LIP = {55: 0.80, 56: 0.62, 57: 0.50, 58: 0.38, 59: 0.20}
INNER_LIPS = {61: 0.37, 62: 0.50, 63: 0.63, 65: 0.64, 66: 0.50, 67: 0.36}
MIRROR = [
    *range(16, -1, -1),
    *range(26, 16, -1),
    *range(27, 31),
    *range(35, 30, -1),
    *(45, 44, 43, 42, 47, 46),
    *(39, 38, 37, 36, 41, 40),
    *range(54, 47, -1),
    *range(59, 54, -1),
    *range(64, 59, -1),
    *(67, 66, 65),
]


class Surface:
    """The reference head: positions, face adjacency, mirror images."""

    def __init__(self) -> None:
        self.vertices = rest_vertices()
        self.quads = topology().faces_of("body")
        self.faces_at: dict[int, list[int]] = {}
        for k, quad in enumerate(self.quads):
            for v in quad:
                self.faces_at.setdefault(v, []).append(k)
        self.corners = np.array(
            [t for q in self.quads for t in ((q[0], q[1], q[2]), (q[0], q[2], q[3]))]
        )
        self.triangles = self.vertices[self.corners]  # (T, 3, 3) metres
        skin = self.vertices[:SKIN_VERTICES]
        head = np.flatnonzero(skin[:, 2] > 0.5)
        self.mirror_of = {
            int(v): int(head[np.linalg.norm(skin[head] - skin[v] * [-1, 1, 1], axis=1).argmin()])
            for v in head
        }

    def loop(self, first: int, second: int) -> list[int]:
        """Return the closed edge loop through two neighbours."""
        loop = [first, second]
        while True:
            previous, current = loop[-2:]
            far = [
                set(self.quads[k]) for k in self.faces_at[current] if previous not in self.quads[k]
            ]
            following = int((set.intersection(*far) - {current}).pop())
            if following == first:
                return loop
            loop.append(following)

    def place(self, point: list) -> np.ndarray:
        """Return (3,) metres: where a surface point lies on the reference head."""
        return sum(w * self.vertices[v] for v, w in point)

    def moved(self, point: list, step: np.ndarray) -> list:
        """Return the surface point a step (x, z), metres, away in the frontal view."""
        if not step.any():
            return point
        place = self.place(point)
        weights, hit = containing(self.triangles[..., [0, 2]], place[[0, 2]] + step)
        if not hit.any():
            raise ValueError(f"the step {step} leaves the head at {place}")
        depth = np.einsum("tc,tc->t", weights, self.triangles[..., 1])
        t = int(np.where(hit, np.abs(depth - place[1]), np.inf).argmin())
        pairs = zip(self.corners[t], weights[t], strict=True)
        return [[int(v), round(float(w), 4)] for v, w in pairs]

    def lengths(self, path: list) -> np.ndarray:
        """Return the way from a path's first point to each of its surface points, metres."""
        places = np.array([self.place(point) for point in path])
        steps = np.linalg.norm(np.diff(places, axis=0), axis=1)
        return np.concatenate([[0], np.cumsum(steps)])

    def along(self, path: list, fractions: list[float]) -> list:
        """Return surface points at arc-length fractions of a path of vertices or surface points."""
        points = [p if isinstance(p, list) else vertex(p) for p in path]
        arc = self.lengths(points)
        out = []
        for s in np.array(fractions) * arc[-1]:
            k = int(np.clip(np.searchsorted(arc, s) - 1, 0, len(points) - 2))
            out.append(between(points[k], points[k + 1], (s - arc[k]) / (arc[k + 1] - arc[k])))
        return out

    def fraction_of(self, path: list[int], v: int) -> float:
        """Return the arc-length fraction at which a path passes vertex v."""
        steps = np.linalg.norm(np.diff(self.vertices[path], axis=0), axis=1)
        return float(steps[: path.index(v)].sum() / steps.sum())

    def mirror(self, strip: list) -> list:
        """Return a strip on the other side of the face."""
        return [[[self.mirror_of[v], w] for v, w in point] for point in strip]

    def mirrored(self, keypoint: dict) -> dict:
        """Return a keypoint on the other side of the face."""
        dx, dy = keypoint["direction"]
        return {"strip": self.mirror(keypoint["strip"]), "direction": [-dx, dy]}

    def halves(self, loop: list[int], via: int) -> tuple[list, list]:
        """Split a loop at its outermost vertices, right to left; the first half passes `via`."""
        x = self.vertices[loop, 0]
        k = int(x.argmin())
        turned = loop[k:] + loop[:k]
        cut = turned.index(loop[int(x.argmax())])
        one, two = turned[: cut + 1], [turned[0], *turned[: cut - 1 : -1]]
        return (one, two) if via in one else (two, one)


def containing(triangles: np.ndarray, point: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a point's barycentric weights (T, 3) in triangles (T, 3, 2), and which hold it."""
    a, b, c = np.moveaxis(triangles, 1, 0)
    (ux, uy), (vx, vy), (px, py) = (b - a).T, (c - a).T, (point - a).T
    area = ux * vy - uy * vx
    safe = np.where(np.abs(area) < 1e-12, np.inf, area)
    u, v = (px * vy - py * vx) / safe, (ux * py - uy * px) / safe
    weights = np.stack([1 - u - v, u, v], 1)
    return weights, (np.abs(area) >= 1e-12) & (weights > -1e-9).all(1)


def vertex(v: int) -> list:
    """Return the surface point at a vertex."""
    return [[int(v), 1.0]]


def between(a: list, b: list, t: float) -> list:
    """Return the surface point at fraction t from surface point a to b."""
    return [[v, round(w * (1 - t), 4)] for v, w in a] + [[v, round(w * t, 4)] for v, w in b]


def single(point: list) -> dict:
    """Return the keypoint that is one surface point."""
    return {"strip": [point], "direction": [0.0, 0.0]}


def right_eye(surface: Surface) -> tuple[list, list]:
    """Return the vertex paths from outer to inner corner: upper lid, lower lid."""
    return surface.halves(LID_MARGIN_RIGHT, via=1)


def brow_edge(offset: float) -> list:
    """Return points of the right brow, head to tail, `offset` rings above its middle."""
    points = []
    for middle, above, below, lift in zip(
        BROW_MIDDLE, BROW_ABOVE, BROW_BELOW, BROW_LIFT, strict=True
    ):
        t = offset * (1 if offset > 0 else 1 - 0.5 * max(0, lift)) + lift
        points.append(between(vertex(middle), vertex(above if t >= 0 else below), abs(t)))
    points[0] = between(points[0], points[1], BROW_HEAD)
    return points


def lips(surface: Surface) -> dict[str, tuple[list, list]]:
    """Return the rings of the lips: upper and lower paths from right to left corner."""
    return {
        name: surface.halves(surface.loop(*start), via=start[0])
        for name, start in LIP_STARTS.items()
    }


def ibug68(surface: Surface, frame: list[dict]) -> list[dict]:
    """Return 300-W's keypoints, moved to its annotators' places, the outline of the jaw first."""
    out = [moved(surface, keypoint, step(surface, frame, k)) for k, keypoint in enumerate(frame)]
    edges = lips(surface)["edge"]
    for k, paths, place in ((36, right_eye(surface), EYE_CORNER), (60, edges, MOUTH_CORNER)):
        point = between(*(surface.along(path, [place])[0] for path in paths), 0.5)
        out[k] = moved(surface, single(point), step(surface, frame, k))
        out[MIRROR[k]] = surface.mirrored(out[k])
    strips = jaw(surface, OUTLINES["ibug68"], JAW_START, UNDER_CHIN)
    for k in range(JAW, len(out)):
        strips += row(surface, frame, k) if k in SLIDES else [out[k]]
    return strips


def row(surface: Surface, frame: list[dict], k: int) -> list[dict]:
    """Return the strips among which a keypoint slides, from the subject's right to left."""
    across, away = np.linspace(-1, 1, ROW), step(surface, frame, k)
    if k in LOWER_LIP or k in INNER_LIPS:
        paths = lips(surface)
        return [moved(surface, on_lip(surface, paths, k, LIP_ROW * t), away) for t in across]
    width = NOSE_ROW * inter_ocular(surface, frame)
    if k not in NOSE_BASE:
        return [moved(surface, frame[k], away + np.array([width * t, 0])) for t in across]
    # Along the base of the nose and beyond its wings.
    base = [moved(surface, frame[j], step(surface, frame, j))["strip"][0] for j in NOSE_BASE]
    beyond = [surface.moved(base[0], np.array([width * t, 0])) for t in (-1, -0.75, -0.5, -0.25)]
    path = [*beyond, *base, *surface.mirror(beyond[::-1])]
    lengths = surface.lengths(path)
    middle, whole = lengths[len(beyond) + NOSE_BASE.index(k)], lengths[-1]
    places = np.clip((middle + width * across) / whole, 0, 1)
    return [single(point) for point in surface.along(path, places)]


def jaw(surface: Surface, count: int, start_z: float, under: int = 0) -> list[dict]:
    """Return so many strips of the jaw, evenly spaced in the frontal view, from right to left.

    start_z: height of the first and the last on the reference head, metres; under: see
    `jaw_strips`.
    """
    right = jaw_strips(surface.vertices, surface.quads, count // 2 + 1, start_z, under)
    return right + [surface.mirrored(p) for p in right[-2::-1]]


def inter_ocular(surface: Surface, frame: list[dict]) -> float:
    """Return the distance of the outer eye corners of a frame, metres."""
    return np.linalg.norm(np.subtract(*(surface.place(frame[k]["strip"][0]) for k in EYE_CORNERS)))


def step(surface: Surface, frame: list[dict], k: int) -> np.ndarray:
    """Return the step (x, z), metres, that MOVES names for a keypoint or its mirror image."""
    (right, up), side = MOVES.get(k, (0, 0)), 1
    if MIRROR[k] in MOVES:
        (right, up), side = MOVES[MIRROR[k]], -1
    return inter_ocular(surface, frame) / 100 * np.array([side * right, up])


def moved(surface: Surface, keypoint: dict, step: np.ndarray) -> dict:
    """Return a keypoint after a step in the frontal view, as `Surface.moved` takes it."""
    return keypoint | {"strip": [surface.moved(point, step) for point in keypoint["strip"]]}


def frame68(surface: Surface) -> list[dict]:
    """Return the 68 places that frame a face, in 300-W's order."""
    brow = [single(p) for p in surface.along(brow_edge(BROW_TOP)[::-1], [0, 0.25, 0.5, 0.75, 1])]
    brow += [surface.mirrored(p) for p in brow[::-1]]
    bridge = [single(p) for p in surface.along(NOSE_MIDLINE, [0, 1 / 3, 2 / 3, 1])]
    base = [single(vertex(v)) for v in (NOSE_WING, NOSTRIL, UNDER_NOSE)]
    base += [surface.mirrored(p) for p in base[1::-1]]
    upper, lower = right_eye(surface)
    eye = [
        single(p)
        for p in (*surface.along(upper, [0, 0.35, 0.68, 1]), *surface.along(lower, [0.68, 0.35]))
    ]
    left = [surface.mirrored(eye[k]) for k in (3, 2, 1, 0, 5, 4)]
    outline = jaw(surface, JAW, JAW_START)
    return outline + brow + bridge + base + eye + left + ibug_mouth(surface)


def ibug_mouth(surface: Surface) -> list[dict]:
    """Return the 20 keypoints of the mouth; the inner ones choose among three rings."""
    paths = lips(surface)
    upper, _ = paths["outer"]
    peak = surface.fraction_of(upper, CUPIDS_BOW)
    places = [0, peak * 0.52, peak, 0.5, 1 - peak, 1 - peak * 0.52, 1]
    out = dict(enumerate((single(p) for p in surface.along(upper, places)), start=48))
    out[60] = single(surface.along(paths["edge"][0], [0.03])[0])
    out[64] = surface.mirrored(out[60])
    out |= {k: on_lip(surface, paths, k) for k in (*LOWER_LIP, *INNER_LIPS)}
    return [out[k] for k in sorted(out)]


def on_lip(surface: Surface, paths: dict, k: int, along: float = 0.0) -> dict:
    """Return a keypoint of the lower lip's edge, or an inner one, moved along its lip."""
    if k in LOWER_LIP:
        return single(surface.along(paths["outer"][1], [LOWER_LIP[k] + along])[0])
    half = int(k > 64)
    strip = [
        surface.along(paths[ring][half], [INNER_LIPS[k] + along])[0]
        for ring in ("contact", "edge", "fleshy")
    ]
    return {"strip": strip, "direction": [0.0, -1.0 if half else 1.0]}


def imm58(surface: Surface) -> list[dict]:
    """Return the 58 keypoints in the order of IMM's ASF files."""
    upper, lower = right_eye(surface)
    right = [
        single(p)
        for p in (
            *surface.along(upper, [0, 0.25, 0.5, 0.75, 1]),
            *surface.along(lower, [0.75, 0.5, 0.25]),
        )
    ]
    brow = [
        single(p)
        for p in (
            brow_edge(BROW_BOTTOM)[0],
            *surface.along(brow_edge(BROW_TOP), [0.22, 0.54, 0.77, 1]),
        )
    ]
    return [
        *jaw(surface, 13, 0.617),
        *(surface.mirrored(p) for p in right),
        *right,
        *(surface.mirrored(p) for p in brow),
        *brow,
        *imm_mouth(surface),
        *imm_nose(surface),
    ]


def imm_mouth(surface: Surface) -> list[dict]:
    """Return the 8 keypoints around the lips."""
    upper, lower = lips(surface)["outer"]
    peak = surface.fraction_of(upper, CUPIDS_BOW)
    return [
        single(p)
        for p in (
            *surface.along(upper, [0, peak, 0.5, 1 - peak, 1]),
            *surface.along(lower, [0.62, 0.5, 0.38]),
        )
    ]


def imm_nose(surface: Surface) -> list[dict]:
    """Return the 11 keypoints down one side of the nose, under it and up the other."""
    right = [
        single(p)
        for p in (
            between(vertex(116), vertex(122), 0.5),
            between(vertex(198), vertex(202), 0.4),
            vertex(5069),
            vertex(288),
            vertex(285),
        )
    ]
    return [*right, single(vertex(UNDER_NOSE)), *(surface.mirrored(p) for p in right[::-1])]


def paths(surface: Surface) -> dict:
    """Return what is drawn along the keypoints: edges of the brows, lids, tops of the ears."""
    brows = {
        "right_top": brow_edge(BROW_TOP),
        "right_middle": brow_edge(BROW_MID),
        "right_bottom": brow_edge(BROW_BOTTOM),
    }
    brows |= {k.replace("right", "left"): surface.mirror(p) for k, p in brows.items()}
    upper, lower = right_eye(surface)
    lids = {"right_upper": upper, "right_lower": lower}
    lids |= {
        k.replace("right", "left"): [surface.mirror_of[v] for v in path] for k, path in lids.items()
    }
    skin = surface.vertices[:SKIN_VERTICES]
    ear = int(np.linalg.norm(skin - EAR_TOP, axis=1).argmin())
    return {"brow": brows, "lids": lids, "ear_top": {"right": ear, "left": surface.mirror_of[ear]}}


def main() -> None:
    """Write keypoints.json."""
    surface = Surface()
    frame = frame68(surface)
    out = {
        "about": "Written by define_keypoints.py: see keypoints.py.",
        "topology": "MakeHuman base.obj",
        "schemes": {
            "ibug68": ibug68(surface, frame),
            "imm58": imm58(surface),
            "frame68": frame,
        },
        **paths(surface),
    }
    text = json.dumps(out, separators=(",", ":")).replace('{"strip"', '\n{"strip"')
    TABLE.write_text(text + "\n")


if __name__ == "__main__":
    main()
