"""Shapes of faces: what is left of keypoints when place, size and turn are taken off.

Pure functions of arrays. What keypoints mean is in ``schemes``, errors of predictions in
``metrics``.
"""

from dataclasses import dataclass

import numpy as np

__all__ = ["ShapeModel", "align", "explained", "shape_model", "upright"]

ROUNDS = 10  # of Procrustes analysis; faces settle in four


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
        In the target's space; with complex z, the a and b that minimise Σ |a z + b − t|².

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
