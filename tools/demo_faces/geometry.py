"""Small geometry in numpy: rotations, paths, simple solids. Metres, right-handed, z up.

What belongs here knows nothing of faces, cameras or Blender.
"""

import numpy as np


def unit(vectors: np.ndarray) -> np.ndarray:
    """Scale vectors (..., 3) to length one; zero vectors stay zero."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def smoothstep(x: np.ndarray, low: float, high: float) -> np.ndarray:
    """Rise smoothly from 0 at `low` to 1 at `high`."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Return the (3, 3) rotation of a head, from degrees.

    +yaw turns to the subject's left (+x), +pitch looks up, +roll tips the head's top to the
    subject's left; roll is applied first, yaw last.
    """
    y, p, r = np.radians([yaw, -pitch, roll])
    rz = np.array([[np.cos(y), -np.sin(y), 0], [np.sin(y), np.cos(y), 0], [0, 0, 1]])
    rx = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    ry = np.array([[np.cos(r), 0, np.sin(r)], [0, 1, 0], [-np.sin(r), 0, np.cos(r)]])
    return rz @ rx @ ry


def about(axis: np.ndarray, degrees: float) -> np.ndarray:
    """Return the (3, 3) rotation about an axis (3,) by Rodrigues' formula."""
    x, y, z = unit(np.asarray(axis, float))
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    a = np.radians(degrees)
    return np.eye(3) + np.sin(a) * k + (1 - np.cos(a)) * k @ k


def rigid(source: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (R, t) so that target = source @ R.T + t in least squares (Kabsch 1976)."""
    a, b = source.mean(0), target.mean(0)
    u, _, vt = np.linalg.svd((source - a).T @ (target - b))
    d = np.sign(np.linalg.det(vt.T @ u.T))
    r = vt.T @ np.diag([1, 1, d]) @ u.T
    return r, b - r @ a


def on_path(path: np.ndarray, s: np.ndarray) -> np.ndarray:
    """Return (S, 3) positions at fractions `s` (S,) of the vertices of a polyline (N, 3)."""
    grid = np.linspace(0, 1, len(path))
    return np.stack([np.interp(np.clip(s, 0, 1), grid, path[:, k]) for k in range(3)], 1)


def frame(forward: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Return (3, 3) columns side, forward, up: orthonormal, `up` made square to `forward`."""
    y = unit(np.asarray(forward, float))
    x = unit(np.cross(y, up))
    return np.stack([x, y, np.cross(x, y)], 1)


def tube(
    path: np.ndarray, radius: float, *, closed: bool = False, sides: int = 10, flatten: float = 1.0
) -> tuple[np.ndarray, list]:
    """Return (vertices, faces) of a tube along a polyline (N, 3).

    radius: metres, or (N,); flatten: the section's height over its width (1 is round).
    """
    count = len(path)
    ahead = np.roll(path, -1, 0) - np.roll(path, 1, 0) if closed else np.gradient(path, axis=0)
    tangent = unit(ahead)
    upright = np.abs(tangent[:, 2]).mean() > 0.8
    helper = np.array([1.0, 0, 0] if upright else [0.0, 0, 1.0])
    side = unit(np.cross(tangent, helper))
    up = np.cross(side, tangent)
    t = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    r = np.broadcast_to(radius, count)[:, None, None]
    ring = np.cos(t)[:, None] * side[:, None] + flatten * np.sin(t)[:, None] * up[:, None]
    vertices = (path[:, None] + r * ring).reshape(-1, 3)
    faces = [
        [
            k * sides + j,
            k * sides + (j + 1) % sides,
            (k + 1) % count * sides + (j + 1) % sides,
            (k + 1) % count * sides + j,
        ]
        for k in range(count if closed else count - 1)
        for j in range(sides)
    ]
    if not closed:
        faces += [list(range(sides))[::-1], list(range((count - 1) * sides, count * sides))]
    return vertices, faces


def ellipsoid(centre: np.ndarray, radii: np.ndarray, steps: int = 24) -> tuple[np.ndarray, list]:
    """Return (vertices, faces) of an ellipsoid with axes along x, y, z."""
    u = np.linspace(0.02, np.pi - 0.02, steps)
    rings = [centre + np.array(radii) * [0, 0, np.cos(a)] for a in u]
    t = np.linspace(0, 2 * np.pi, 2 * steps, endpoint=False)
    circle = np.stack([np.cos(t), np.sin(t), 0 * t], 1) * radii
    vertices = np.concatenate([r + np.sin(a) * circle for r, a in zip(rings, u, strict=True)])
    n = len(t)
    faces = [
        [k * n + j, (k + 1) * n + j, (k + 1) * n + (j + 1) % n, k * n + (j + 1) % n]
        for k in range(steps - 1)
        for j in range(n)
    ]
    return vertices, [*faces, list(range(n)), list(range((steps - 1) * n, steps * n))[::-1]]


def box(half: np.ndarray) -> tuple[np.ndarray, list]:
    """Return (vertices, faces) of a box about the origin; half: half its extents (3,), metres."""
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
    faces = [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
    return signs * half, faces


def compact(vertices: np.ndarray, faces: list) -> tuple[np.ndarray, list, np.ndarray]:
    """Drop vertices that no face uses. Return (vertices, faces, indices of those kept)."""
    used = np.unique(np.concatenate([np.asarray(f) for f in faces]))
    index = np.full(len(vertices), -1)
    index[used] = np.arange(len(used))
    return vertices[used], [[int(index[v]) for v in f] for f in faces], used
