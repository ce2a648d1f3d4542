"""Where the jaw's strips run on the reference head.

They start on the curve of the frontal contour and run forward over the cheek. Used by
`define_keypoints` alone.
"""

import numpy as np

from .body import uv_mask

EAR_FRONT = -0.1285  # metres, y: the contour passes ahead of the ear
STRIP_STEPS = 46  # scan steps from the frontal contour forward, every other one kept


class JawScan:
    """Finds, around the lower face, the curve where a frontal contour leaves the face.

    Rays start inside the head; theta is the angle in the frontal plane (0 = subject's right,
    90 = down), phi goes from the front (0) backwards; degrees and radians as named.
    """

    ORIGIN = np.array([0.0, -0.125, 0.625])
    PHI = np.radians(np.arange(30, 118, 1.0))

    def __init__(self, vertices: np.ndarray, quads: list[list[int]]) -> None:
        ears = uv_mask("ears")
        faces = [
            q
            for q in quads
            if vertices[q, 2].min() > 0.52 and vertices[q, 0].max() < 0.03 and ears[q].max() < 0.4
        ]
        self.faces = np.array([t for q in faces for t in ((q[0], q[1], q[2]), (q[0], q[2], q[3]))])
        self.triangles = vertices[self.faces]

    def profile(self, theta: float) -> list[tuple[np.ndarray, list]]:
        """Return (position, surface point) along the half-plane at theta, front to back."""
        radial = np.array([-np.cos(theta), 0, -np.sin(theta)])
        out: list[tuple[np.ndarray, list]] = []
        for phi in self.PHI:
            direction = np.sin(phi) * radial + np.cos(phi) * np.array([0, -1.0, 0])
            hit = furthest_hit(self.ORIGIN, direction, self.triangles)
            if hit is None:
                continue
            t, k, weights = hit
            position = self.ORIGIN + t * direction
            if out and np.linalg.norm(position - out[-1][0]) > 0.012:
                break  # left the head: neck, ear hole
            out.append(
                (
                    position,
                    [
                        [int(v), round(float(w), 4)]
                        for v, w in zip(self.faces[k], weights, strict=True)
                    ],
                )
            )
        return out

    def contour_index(self, profile: list, theta: float) -> int:
        """Return where the profile leaves the face in the frontal view.

        Ahead of the ear; below, where the skin turns under: its outward slope falls under a
        limit that grows from the cheeks (0) to the chin (0.2).
        """
        radial = np.array([-np.cos(theta), 0, -np.sin(theta)])
        reach = np.array([p @ radial for p, _ in profile])
        back = np.array([p[1] for p, _ in profile])
        limit = np.interp(np.degrees(theta), [10, 20, 30], [0.0, 0.1, 0.2])
        for k in range(4, len(profile)):
            slope = (reach[k] - reach[k - 4]) / max(back[k] - back[k - 4], 1e-4)
            if back[k] > EAR_FRONT or (limit > 0 and slope < limit):
                return k - 2
        return len(profile) - 1


def furthest_hit(origin: np.ndarray, direction: np.ndarray, triangles: np.ndarray):
    """Return (distance, triangle, barycentric weights) of a ray's furthest hit, or None.

    triangles: (T, 3, 3) metres; hits further than 0.16 m are not the head. Möller and Trumbore,
    "Fast, minimum storage ray/triangle intersection", 1997.
    """
    a, b, c = np.moveaxis(triangles, 1, 0)
    e1, e2 = b - a, c - a
    h = np.cross(direction, e2)
    det = np.einsum("ij,ij->i", e1, h)
    safe = np.where(np.abs(det) < 1e-15, 1, det)
    s = origin - a
    u = np.einsum("ij,ij->i", s, h) / safe
    q = np.cross(s, e1)
    v = q @ direction / safe
    t = np.einsum("ij,ij->i", e2, q) / safe
    inside = (np.minimum(u, v) > -1e-6) & (u + v < 1 + 1e-6)
    ok = (np.abs(det) > 1e-15) & inside & (t > 0) & (t < 0.16)
    if not ok.any():
        return None
    k = int(np.where(ok, t, -1).argmax())
    return t[k], k, (1 - u[k] - v[k], u[k], v[k])


def jaw_strips(
    vertices: np.ndarray, quads: list[list[int]], half: int, start_z: float, under: int = 0
) -> list[dict]:
    """Return the strips of the subject's right half, from the first point to the chin.

    half: number of strips; start_z: height of the first on the reference head, metres; under: scan
    steps by which those of the chin begin behind the frontal contour, on its lower side.
    """
    scan = JawScan(vertices, quads)
    thetas = np.radians(np.arange(-40, 90.1, 2.0))
    profiles = [scan.profile(t) for t in thetas]
    curve = np.array(
        [p[scan.contour_index(p, t)][0] for p, t in zip(profiles, thetas, strict=True)]
    )[:, [0, 2]]
    first = int(np.abs(curve[:, 1] - start_z).argmin())
    arc = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1))])
    strips = []
    for theta in np.interp(np.linspace(arc[first], arc[-1], half), arc, thetas):
        profile = scan.profile(theta)
        end = scan.contour_index(profile, theta)
        end += round(float(np.interp(np.degrees(theta), [30, 60], [0, under])))
        points = [point for _, point in profile[max(0, end - STRIP_STEPS) : end + 1 : 2]]
        strips.append(
            {
                "strip": points[::-1],
                "direction": [round(float(-np.cos(theta)), 4), round(float(np.sin(theta)), 4)],
            }
        )
    return strips
