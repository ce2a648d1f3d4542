"""Shapes of faces: what is left of keypoints when place, size and turn are taken off.

Pure functions of arrays. What keypoints mean is in ``schemes``, errors of predictions in
``metrics``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = [
    "NOSE_DEPTHS",
    "ShapeModel",
    "align",
    "distance_to",
    "explained",
    "roll",
    "shape_model",
    "upright",
    "yaw",
]

ROUNDS = 10  # of Procrustes analysis; faces settle in four

# How far the nose tip stands before the plane through outer eye corners and chin, over half the
# distance of the corners: the depth for ``yaw``. IMM-58's, a point at the base of the nose, is the
# one that gives IMM's views 3 and 4, turned by 30 degrees, a median of 30. iBUG-68's is 1.44 times
# as much, the ratio of the depths that fit the demo set's heads of known yaw (0.86 and 0.60).
NOSE_DEPTHS = {"imm58": 0.55, "ibug68": 0.79}


@dataclass(frozen=True)
class ShapeModel:
    """A mean shape and how shapes differ from it.

    ``mean`` (K, 2), the outer eye corners level and one unit apart; ``modes`` (M, 2K), orthonormal
    rows, the widest first; ``variance`` (M,) along each. ``spread`` (K,) is the root of each
    keypoint's summed variance of x and y.
    """

    mean: np.ndarray
    modes: np.ndarray
    variance: np.ndarray

    @property
    def spread(self) -> np.ndarray:
        """Standard deviation of each keypoint about its mean place: (K,)."""
        per_axis = (self.modes**2 * self.variance[:, None]).sum(0)  # (2K,)
        return np.sqrt(per_axis.reshape(-1, 2).sum(1))

    def along(self, mode: int, deviations: float) -> np.ndarray:
        """Return the mean shape moved along a mode by so many standard deviations: (K, 2)."""
        step = deviations * np.sqrt(self.variance[mode]) * self.modes[mode]
        return self.mean + step.reshape(-1, 2)


def align(shapes: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Bring each shape to a target by its best similarity transform.

    Parameters
    ----------
    shapes : ndarray, (N, K, 2)
    target : ndarray, (K, 2)

    Returns
    -------
    ndarray, (N, K, 2)
        In the target's space; with complex z, the a and b that minimise ``Σ |a z + b − t|²``.

    Examples
    --------
    A triangle twice as large, turned by 90°:

    >>> small = np.array([[0.0, 0], [1, 0], [0, 1]])
    >>> align(np.array([[[0.0, 0], [0, 2], [-2, 0]]]), small).round(9)[0].tolist()
    [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    """
    z, t = (points @ [1, 1j] for points in (shapes, target))
    z, centre = z - z.mean(1, keepdims=True), t.mean()
    factor = (z.conj() * (t - centre)).sum(1) / (np.abs(z) ** 2).sum(1)
    aligned = z * factor[:, None] + centre
    return np.stack([aligned.real, aligned.imag], -1)


def upright(shape: np.ndarray, eye_corners: tuple[int, int]) -> np.ndarray:
    """Turn, move and scale a shape (K, 2) so that its eye corners lie level, one unit apart.

    The middle between them becomes the origin.
    """
    right, left = shape[list(eye_corners)] @ [1, 1j]
    z = (shape @ [1, 1j] - (right + left) / 2) / (left - right)
    return np.stack([z.real, z.imag], 1)


def shape_model(shapes: np.ndarray, eye_corners: tuple[int, int]) -> ShapeModel:
    """Find mean and modes of variation by generalised Procrustes analysis.

    Parameters
    ----------
    shapes : ndarray, (N, K, 2)
        At least two, in any pixels.
    eye_corners : (int, int)
        The scheme's; they only fix the frame of the mean.

    Returns
    -------
    ShapeModel

    References
    ----------
    J. C. Gower: Generalized Procrustes Analysis, Psychometrika 40, 1975. T. F. Cootes et al.:
    Active Shape Models, CVIU 61, 1995.
    """
    mean = shapes[0]
    for _ in range(ROUNDS):
        mean = align(shapes, upright(mean, eye_corners)).mean(0)
    mean = upright(mean, eye_corners)
    flat = (align(shapes, mean) - mean).reshape(len(shapes), -1)
    _, scale, modes = np.linalg.svd(flat - flat.mean(0), full_matrices=False)
    return ShapeModel(mean, modes, scale**2 / (len(shapes) - 1))


def explained(model: ShapeModel, other: ShapeModel, count: int) -> float:
    """Return the share of `other`'s variance that lies in the first `count` modes of `model`."""
    inner = (other.modes @ model.modes[:count].T) ** 2
    return float((inner.sum(1) * other.variance).sum() / other.variance.sum())


def distance_to(shapes: np.ndarray, target: np.ndarray, eye_corners: tuple[int, int]) -> np.ndarray:
    """Measure how far shapes are from a target once place, size and turn are taken off.

    Parameters
    ----------
    shapes : ndarray, (N, K, 2)
        In any pixels.
    target : ndarray, (K, 2)
        Such as the mean of a ``ShapeModel``, in any unit.
    eye_corners : (int, int)
        The scheme's.

    Returns
    -------
    ndarray, (N,)
        The mean distance of a keypoint after ``align``, over the target's distance of the outer
        eye corners. So it doesn't grow where a turned head brings a shape's own corners together.

    Examples
    --------
    Points on a line at -1, 1 and 3. About their mean they are at -2, 0 and 2; against -1, 1 and 0
    the best factor is 1/4, which leaves them off by 1/2, 1 and 1/2: 2/3 on average, over 2.

    >>> shape, target = (np.array([[x, 0.0] for x in line]) for line in ([-1, 1, 3], [-1, 1, 0]))
    >>> distance_to(shape[None], target, (0, 1)).round(4).tolist()
    [0.3333]
    """
    right, left = target[list(eye_corners)]
    distance = np.linalg.norm(align(shapes, target) - target, axis=-1)  # (N, K)
    return distance.mean(1) / np.linalg.norm(left - right)


def roll(keypoints: np.ndarray, eye_corners: tuple[int, int]) -> np.ndarray:
    """Measure how a head leans, by the line through the outer eye corners.

    Parameters
    ----------
    keypoints : ndarray, (N, K, 2)
        In any pixels.
    eye_corners : (int, int)
        The scheme's: of the right and of the left eye.

    Returns
    -------
    ndarray, (N,)
        Degrees, -180 to 180; positive is clockwise as seen, as in ``augment``. A
        turned head that also nods shows some roll that its neck doesn't have.

    Examples
    --------
    The left eye, at the right of the picture, as much lower as it is further right:

    >>> roll(np.array([[[10.0, 20], [50, 60]]]), (0, 1)).round(9).tolist()
    [45.0]
    """
    x, y = (keypoints[:, eye_corners[1]] - keypoints[:, eye_corners[0]]).T
    return np.degrees(np.arctan2(y, x))


def yaw(
    keypoints: np.ndarray,
    eye_corners: tuple[int, int],
    nose_tip: int,
    jaw: Sequence[int],
    depth: float,
) -> np.ndarray:
    """Estimate how far a head is turned, by where its nose stands before the rest of the face.

    Take the plane through the outer eye corners, a unit to either side of their middle m, and the
    chin. A nose tip that stands before the plane by `depth` units is seen at m + u x + v y, where
    x leads from m to the left corner and y to the chin. From far away, of a head turned by ψ about
    its own height, x is as short as cos ψ and the nose as far off as depth · sin ψ, so that
    u = depth · tan ψ, however the head then nods and leans.

    Parameters
    ----------
    keypoints : ndarray, (N, K, 2)
        In any pixels.
    eye_corners, nose_tip : (int, int), int
        The scheme's.
    jaw : sequence of int
        The scheme's; the chin is the one in the middle.
    depth : float
        That of an average face is in ``NOSE_DEPTHS``. A wrong one stretches the scale, but leaves
        the order of faces as it is.

    Returns
    -------
    ndarray, (N,)
        Degrees; positive is towards the subject's left. A mirror image has the opposite. On the
        demo set's heads, whose yaw is known, it is off by 3 degrees (standard deviation).

    Examples
    --------
    Eye corners at 10 and 50, and the nose 12 to the right of their middle: u = 12 / 20.

    >>> face = np.array([[[10.0, 20], [50, 20], [42, 45], [0, 40], [30, 80], [60, 40]]])
    >>> yaw(face, (0, 1), 2, jaw=(3, 4, 5), depth=0.6).round(9).tolist()
    [45.0]
    """
    right, left, nose, chin = (
        keypoints[:, k].T for k in (*eye_corners, nose_tip, jaw[len(jaw) // 2])
    )  # (2, N) each
    middle, across = (right + left) / 2, (left - right) / 2
    down = chin - middle
    # Cramer's rule for u; not divided, so that a full profile, where x vanishes, is 90 degrees.
    return np.degrees(np.arctan2(_cross(nose - middle, down), depth * _cross(across, down)))


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the cross products of plane vectors, (2, N) each: (N,)."""
    return a[0] * b[1] - a[1] * b[0]
