"""Which keypoints are seen: a ray test against the geometry that was rendered.

A keypoint is hidden where an opaque surface (the head itself, an occluder, a spectacle frame, a
dark lens) or enough head hair lies between it and the camera. Beard, brows and lashes hide
nothing: they grow where the keypoints are, and annotators place them all the same.
"""

from dataclasses import dataclass

import numpy as np

LIFT = 0.0015  # metres by which a keypoint is lifted off its surface: strips are chords of it
SLACK = 0.003  # metres that a surface must lie nearer to hide a keypoint
HAIR_SLACK = 0.002  # the same for hair, which lies close to the skin
HAIR_RADIUS = 2.0  # pixels around a keypoint over which hair's cover is measured
HAIR_COVER = 0.5  # share of that disc above which it is hidden


@dataclass(frozen=True)
class Geometry:
    """What can hide a keypoint.

    triangles: (T, 3, 3) metres; strands: (S, P, 3) metres; strand_radius: metres.
    """

    triangles: np.ndarray
    strands: np.ndarray
    strand_radius: float


def visible_keypoints(
    surface: np.ndarray, normals: np.ndarray, camera, geometry: Geometry
) -> np.ndarray:
    """Return (K,) bool: which keypoints the camera sees (also those outside the picture).

    surface: (K, 3) metres; normals: (K, 3) unit normals of the skin there; camera: with
    ``project_with_depth`` as in `camera.Camera`.
    """
    points, depth = camera.project_with_depth(surface + LIFT * normals)
    corners, corner_depth = camera.project_with_depth(geometry.triangles.reshape(-1, 3))
    hidden = behind_triangles(
        points, depth - SLACK, corners.reshape(-1, 3, 2), corner_depth.reshape(-1, 3)
    )
    if geometry.strands.size:
        hidden |= hair_cover(points, depth - HAIR_SLACK, camera, geometry) > HAIR_COVER
    return ~hidden


def behind_triangles(
    points: np.ndarray, depth: np.ndarray, corners: np.ndarray, corner_depth: np.ndarray
) -> np.ndarray:
    """Return (K,) bool: whether a triangle covers a point nearer than its depth.

    points: (K, 2) pixels; depth: (K,) metres; corners: (T, 3, 2) pixels; corner_depth: (T, 3).
    Along a ray 1/depth is linear in the picture, so it is what is interpolated.
    """
    low, high = corners.min(1), corners.max(1)
    some = ((high >= points.min(0)) & (low <= points.max(0))).all(1)
    corners, corner_depth, (x0, y0), (x1, y1) = (
        corners[some],
        corner_depth[some],
        low[some].T.copy(),
        high[some].T.copy(),
    )
    hidden = np.zeros(len(points), bool)
    for k, (point, limit) in enumerate(zip(points, depth, strict=True)):
        x, y = point
        near = np.flatnonzero((x0 <= x) & (x <= x1) & (y0 <= y) & (y <= y1))
        hidden[k] = covered(point, limit, corners[near], corner_depth[near])
    return hidden


def covered(point: np.ndarray, limit: float, corners: np.ndarray, corner_depth: np.ndarray) -> bool:
    """Return whether one of the triangles (T, 3, 2) covers a point (2,) nearer than `limit`."""
    a, b, c = np.moveaxis(corners, 1, 0)
    area = cross(b - a, c - a)
    weights = np.stack(
        [cross(b - point, c - point), cross(c - point, a - point), cross(a - point, b - point)], 1
    )
    weights = weights / np.where(area == 0, np.inf, area)[:, None]
    inverse = (weights / corner_depth).sum(1)
    # A triangle without area has only zero weights: its inverse depth of 0 is no hit.
    return bool(((weights >= 0).all(1) & (inverse * limit > 1)).any())


def cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the z part of the cross product of 2-D vectors (..., 2)."""
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def hair_cover(points: np.ndarray, depth: np.ndarray, camera, geometry: Geometry) -> np.ndarray:
    """Return (K,) shares of a disc around each point that nearer strands cover.

    Strands that cross at random leave exp(-sum of their areas / the disc's area) uncovered.
    """
    count, steps, _ = geometry.strands.shape
    xy, z = camera.project_with_depth(geometry.strands.reshape(-1, 3))
    xy, z = xy.reshape(count, steps, 2), z.reshape(count, steps)
    start, step = xy[:, :-1].reshape(-1, 2), np.diff(xy, axis=1).reshape(-1, 2)
    near = z[:, :-1].ravel()
    margin = HAIR_RADIUS + np.abs(step).max()
    some = ((start > points.min(0) - margin) & (start < points.max(0) + margin)).all(1)
    start, step, near = start[some], step[some], near[some]
    (x, y), width = start.T.copy(), 2 * geometry.strand_radius * camera.focal / near
    cover = np.zeros(len(points))
    for k, (point, limit) in enumerate(zip(points, depth, strict=True)):
        close = np.flatnonzero(
            (np.abs(x - point[0]) < margin) & (np.abs(y - point[1]) < margin) & (near < limit)
        )
        length = chord(start[close] - point, step[close], HAIR_RADIUS)
        cover[k] = 1 - np.exp(-(length * width[close]).sum() / (np.pi * HAIR_RADIUS**2))
    return cover


def chord(start: np.ndarray, step: np.ndarray, radius: float) -> np.ndarray:
    """Return (N,) lengths of the segments start + [0, 1] step inside a circle about the origin."""
    a = np.maximum((step**2).sum(1), 1e-12)
    b = (start * step).sum(1)
    root = np.sqrt(np.maximum(b**2 - a * ((start**2).sum(1) - radius**2), 0))
    span = np.clip((-b + root) / a, 0, 1) - np.clip((-b - root) / a, 0, 1)
    return span * np.sqrt(a)
