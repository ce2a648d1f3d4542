"""The pinhole camera: where a point in space falls in the picture.

Picture coordinates follow the labels' convention: x right, y down, pixels, 0-based, an integer
is a pixel's centre, so the picture of W x H pixels spans [-0.5, W - 0.5] x [-0.5, H - 0.5].
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Camera:
    """A camera that looks along +y at `target`.

    target: (3,) metres; distance: metres; extent: metres seen across the picture's width at the
    target; width, height: pixels; lift: degrees above the target's level; tilt: roll, degrees;
    shift: of the target in the picture, shares of the width (x right, y down).
    """

    target: np.ndarray
    distance: float
    extent: float
    width: int
    height: int
    lift: float = 0.0
    tilt: float = 0.0
    shift: tuple[float, float] = (0.0, 0.0)

    @property
    def axes(self) -> np.ndarray:
        """Rows right, up, backwards of the camera in the world, (3, 3)."""
        a, r = np.radians([self.lift, self.tilt])
        back = np.array([0, -np.cos(a), np.sin(a)])
        right = np.array([1.0, 0, 0])
        up = np.cross(back, right)
        return np.array(
            [np.cos(r) * right + np.sin(r) * up, -np.sin(r) * right + np.cos(r) * up, back]
        )

    @property
    def position(self) -> np.ndarray:
        """The centre of projection, (3,) metres."""
        return self.target + self.distance * self.axes[2]

    @property
    def focal(self) -> float:
        """The focal length in pixels."""
        return self.width * self.distance / self.extent

    def project(self, points: np.ndarray) -> np.ndarray:
        """Return (P, 2) picture coordinates, pixels, of (P, 3) points in metres."""
        return self.project_with_depth(points)[0]

    def project_with_depth(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (P, 2) picture coordinates, pixels, and (P,) depths along the view, metres."""
        local = (points - self.position) @ self.axes.T
        depth = -local[:, 2]
        x = self.focal * local[:, 0] / depth + self.width * (0.5 + self.shift[0]) - 0.5
        y = -self.focal * local[:, 1] / depth + self.height / 2 + self.width * self.shift[1] - 0.5
        return np.stack([x, y], 1), depth
