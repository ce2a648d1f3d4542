"""From a mesh to keypoints: the two schemes as strips of surface points, and their projection.

A keypoint is a *strip*: one or more surface points and an outward direction in the picture of
an upright face. With one point it is that point. With several it is the strip's point that lies
furthest outwards in the picture. The strips of the jaw run from the frontal contour forward over
the cheek, so that the far side of a turned head is labelled on its visible outline, as
annotators of 300-W and IMM drew it; those of the inner lips run over three rings of the lips.

Some keypoints of 300-W have no one place on the skin. Of the jaw, only the ends and, nearly, the
chin have: the annotators spread the points between them evenly over what they saw. So its strips,
many more than its points, are an *outline*, along which `spread` finds the points in each picture.
And on a turned head, nose, lips and chin are labelled further to the far side than where the middle
of the face runs. So the nose's and the lips' are *rows* of strips, along which `slide` finds them.

keypoints.json holds the strips; `define_keypoints` wrote it. Beside the two schemes it holds the
*frame*, the 68 places by which cameras are aimed, exposed and boxes drawn: it stays as it is when
a keypoint's definition changes, and with it the pictures.
"""

import functools
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .geometry import unit

FRAMES = {"ibug68": "frame68", "imm58": "imm58"}  # what frames a face of each scheme
OUTLINES = {"ibug68": 65}  # strips, the first of their scheme, that are the jaw's outline
JAW = 17  # points spread along it
ROW = 13  # strips, from the subject's right to left, of a keypoint that slides
# Read off 300-W's training labels, by how far heads are turned: of a half of the jaw, the step next
# to the chin is a bit shorter than the others. Points slide to the far side by a share of the turn,
# which is how far the tip of the nose lies from the middle between the outer eye corners; that is
# read off these labels and off the errors there of nets that saw rendered faces alone.
LAST_STEP = 0.95
CHIN_SLIDE = 0.4
SLIDES = dict.fromkeys(range(27, 36), 0.24)  # the nose
SLIDES |= dict.fromkeys((56, 57, 58, 61, 62, 63, 65, 66, 67), 0.17)  # the lips
NOSE_TIP, EYE_CORNERS = 30, (36, 45)
TABLE = Path(__file__).with_name("keypoints.json")


@dataclass(frozen=True)
class Projected:
    """Where each strip lies outermost in one picture.

    points: (K, 2) pixels of the picture; surface: (K, 3) metres, the place on the mesh; at: (K,)
    fractional indices of the surface points in their strips.
    """

    points: np.ndarray
    surface: np.ndarray
    at: np.ndarray


@dataclass(frozen=True)
class Placed:
    """The keypoints of one picture as they are labelled.

    points: (K, 2) pixels of the picture; surface: (K, 3) metres, the place on the mesh; normals:
    (K, 3) unit normals there.
    """

    points: np.ndarray
    surface: np.ndarray
    normals: np.ndarray


@functools.lru_cache(maxsize=1)
def table() -> dict:
    """Return what keypoints.json holds: the schemes and the paths of brows, lids and ears."""
    return json.loads(TABLE.read_text())


def surface_points(points: list, vertices: np.ndarray) -> np.ndarray:
    """Return (P, 3) positions of surface points, each a list of [vertex, weight]."""
    return np.array([sum(w * vertices[v] for v, w in point) for point in points])


def first_points(scheme: str, vertices: np.ndarray) -> np.ndarray:
    """Return (K, 3) metres: the first surface point of each strip (the frontal keypoint)."""
    strips = table()["schemes"][scheme]
    return surface_points([keypoint["strip"][0] for keypoint in strips], vertices)


def project(strips: list[dict], vertices: np.ndarray, camera, roll: float) -> Projected:
    """Return the keypoints in the picture.

    Parameters
    ----------
    strips
        ``table()["schemes"][name]``: {"strip": surface points, "direction": (x, y)} each.
    vertices
        (V, 3) metres, world, on the surface that is rendered.
    camera
        Anything whose ``project`` maps (P, 3) metres to (P, 2) pixels.
    roll
        Roll of the head in the picture, degrees clockwise: turns the outward directions.
    """
    a = np.radians(roll)
    turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    surface, found = [], []
    for keypoint in strips:
        strip = surface_points(keypoint["strip"], vertices)
        found.append(furthest(camera.project(strip), turn @ np.array(keypoint["direction"])))
        surface.append(between(strip, found[-1]))
    places = np.array(surface)
    # Projected last: a fraction between two points in space is another one in the picture.
    return Projected(camera.project(places), places, np.array(found))


def place(scheme: str, vertices: np.ndarray, normals: np.ndarray, camera, roll: float) -> Placed:
    """Return the keypoints of a scheme; arguments as for `project`, normals (V, 3) of vertices."""
    strips = table()["schemes"][scheme]
    found = project(strips, vertices, camera, roll)
    at = np.arange(len(strips), dtype=float)
    if scheme in OUTLINES:
        at = along_rows(found.points, OUTLINES[scheme])
    facing = surface_normals(strips, found.at, normals)
    surface, facing = (np.array([between(part, k) for k in at]) for part in (found.surface, facing))
    return Placed(camera.project(surface), surface, unit(facing))


def along_rows(points: np.ndarray, outline: int) -> np.ndarray:
    """Return (68,) fractional indices in strips' points (P, 2): where 300-W's keypoints lie.

    outline: number of strips that are the jaw's; the others follow, keypoint by keypoint.
    """
    at, first = {}, outline
    for k in range(JAW, 68):
        length = ROW if k in SLIDES else 1
        at[k] = first + length // 2
        first += length
    right, left = points[[at[k] for k in EYE_CORNERS]]
    eyes = unit(left - right)
    turn = (points[at[NOSE_TIP]] - (right + left) / 2) @ eyes  # pixels
    for k, share in SLIDES.items():
        start = at[k] - ROW // 2
        at[k] = start + slide(points[start : start + ROW] @ eyes, share * turn)
    return np.concatenate([spread(points[:outline], CHIN_SLIDE * turn), list(at.values())])


def slide(row: np.ndarray, distance: float) -> float:
    """Return the fractional index, in a row of odd length, this far from its middle.

    row: positions along the eyes, pixels; distance: in the same direction. Where a row turns back
    before, it goes on behind what is seen, and the point stays there.
    """
    middle, towards = len(row) // 2, 1 if distance > 0 else -1
    reach = towards * (row[middle::towards] - row[middle])
    seen = 1 + int(np.append(np.diff(reach) <= 0, True).argmax())
    return middle + towards * float(np.interp(abs(distance), reach[:seen], np.arange(seen)))


def spread(outline: np.ndarray, distance: float) -> np.ndarray:
    """Return (17,) fractional indices in an outline (P, 2): where the jaw's points lie along it.

    The outline leads from one end of the jaw to the other; its middle point is the chin's, which
    slides on by the distance, pixels.
    """
    arc = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(outline, axis=0), axis=1))])
    chin = arc[len(arc) // 2] + distance
    steps = np.append(np.ones(JAW // 2 - 1), LAST_STEP)
    half = np.append(0, steps.cumsum() / steps.sum())  # 0 at an end of the jaw, 1 at the chin
    lengths = np.append(chin * half, arc[-1] - (arc[-1] - chin) * half[-2::-1])
    return np.interp(lengths, arc, np.arange(len(arc)))


def surface_normals(strips: list[dict], at: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Return (K, 3) unit normals at fractional indices of the strips; normals: (V, 3)."""
    out = [
        between(surface_points(keypoint["strip"], normals), k)
        for keypoint, k in zip(strips, at, strict=True)
    ]
    return unit(np.array(out))


def between(points: np.ndarray, at: float) -> np.ndarray:
    """Return the point at a fractional index of a polyline (P, D)."""
    k = min(int(at), len(points) - 2) if len(points) > 1 else 0
    return points[k] if len(points) == 1 else points[k] + (at - k) * (points[k + 1] - points[k])


def furthest(points: np.ndarray, direction: np.ndarray) -> float:
    """Return the fractional index of a polyline's point furthest along a direction.

    points: (P, 2); refined by the parabola through the furthest vertex and its neighbours.
    """
    reach = points @ direction
    k = int(reach.argmax())
    if k in (0, len(points) - 1):
        return float(k)
    before, here, after = reach[k - 1 : k + 2]
    curvature = before - 2 * here + after
    if curvature == 0:
        return float(k)
    return k + float(np.clip(0.5 * (before - after) / curvature, -1, 1))
