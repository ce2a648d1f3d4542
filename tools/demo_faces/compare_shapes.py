"""Holds the shapes of two sets of labels against each other: mean shape and main modes.

Both sets are brought to one frame by generalised Procrustes analysis (Gower 1975; Cootes et al.,
Active Shape Models, 1995): translation, rotation and scale are taken off, nothing else.
Distances are percent of the distance of the outer eye corners in the mean shape.
"""

from dataclasses import dataclass

import numpy as np

GROUPS = {  # keypoints of each part of the face, by number of keypoints in the scheme
    68: {
        "jaw": range(17),
        "brows": range(17, 27),
        "nose bridge": range(27, 31),
        "nose base": range(31, 36),
        "eyes": range(36, 48),
        "outer lips": range(48, 60),
        "inner lips": range(60, 68),
    },
    58: {
        "jaw": range(13),
        "eyes": range(13, 29),
        "brows": range(29, 39),
        "mouth": range(39, 47),
        "nose": range(47, 58),
    },
}
EYE_CORNERS = {68: (36, 45), 58: (21, 13)}
MODES = 6


@dataclass(frozen=True)
class ShapeModel:
    """Mean (K, 2), modes (M, 2K) as rows of length one, variance (M,) of the aligned shapes."""

    mean: np.ndarray
    modes: np.ndarray
    variance: np.ndarray


def align(shapes: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Bring shapes (N, K, 2) to a target (K, 2) by the best similarity transform of each."""
    z = shapes[..., 0] + 1j * shapes[..., 1]
    t = target[:, 0] + 1j * target[:, 1]
    z, centre = z - z.mean(1, keepdims=True), t.mean()
    factor = (z.conj() * (t - centre)).sum(1) / (np.abs(z) ** 2).sum(1)
    out = z * factor[:, None] + centre
    return np.stack([out.real, out.imag], -1)


def shape_model(shapes: np.ndarray, rounds: int = 10) -> ShapeModel:
    """Return mean and modes of shapes (N, K, 2), the outer eye corners one unit apart."""
    right, left = EYE_CORNERS[shapes.shape[1]]
    mean = shapes[0]
    for _ in range(rounds):
        mean = upright(mean, right, left)
        mean = align(shapes, mean).mean(0)
    mean = upright(mean, right, left)
    flat = (align(shapes, mean) - mean).reshape(len(shapes), -1)
    _, scale, modes = np.linalg.svd(flat - flat.mean(0), full_matrices=False)
    return ShapeModel(mean, modes, scale**2 / max(1, len(shapes) - 1))


def upright(shape: np.ndarray, right: int, left: int) -> np.ndarray:
    """Turn and scale a shape (K, 2) so that its eye corners lie level, one unit apart."""
    a, b = shape[right], shape[left]
    z = (shape - (a + b) / 2) @ [1, 1j] / ((b - a) @ [1, 1j])
    return np.stack([z.real, z.imag], 1)


def explained(model: ShapeModel, other: ShapeModel, count: int) -> float:
    """Return the share of `other`'s variance that lies in the first `count` modes of `model`."""
    inner = (other.modes @ model.modes[:count].T) ** 2
    return float((inner.sum(1) * other.variance).sum() / other.variance.sum())


def report(ours: np.ndarray, theirs: np.ndarray, by_keypoint: bool = True) -> str:
    """Return a table of how two sets of shapes (N, K, 2) differ.

    Raises
    ------
    ValueError
        If the sets have different numbers of keypoints.
    """
    if ours.shape[1] != theirs.shape[1]:
        raise ValueError(
            f"{ours.shape[1]} keypoints here, {theirs.shape[1]} there: compare sets of one scheme"
        )
    mine, real = shape_model(ours), shape_model(theirs)
    shift = 100 * (align(mine.mean[None], real.mean)[0] - real.mean)
    distance = np.linalg.norm(shift, axis=1)
    spread = [
        100 * np.sqrt((align(s, m.mean) - m.mean).var(0).sum(1))
        for s, m in ((ours, mine), (theirs, real))
    ]
    lines = [
        f"{len(ours)} shapes against {len(theirs)}; percent of the eye corners' distance",
        f"mean distance of the mean shapes: {distance.mean():.2f}",
        "",
        f"{'part':12} {'distance':>9} {'shift x':>8} {'shift y':>8} {'spread':>7} {'theirs':>7}",
    ]
    rows = {name: list(which) for name, which in GROUPS[ours.shape[1]].items()}
    if by_keypoint:
        rows |= {f"keypoint {k}": [k] for k in range(ours.shape[1])}
    lines += [
        f"{name:12} {distance[k].mean():9.2f} {shift[k, 0].mean():8.2f} "
        f"{shift[k, 1].mean():8.2f} {spread[0][k].mean():7.2f} {spread[1][k].mean():7.2f}"
        for name, k in rows.items()
    ]
    return "\n".join([*lines, "", *mode_lines(mine, real)])


def mode_lines(mine: ShapeModel, real: ShapeModel) -> list[str]:
    """Return the table of the main modes of variation."""
    lines = [f"{'mode':>4} {'std':>7} {'theirs':>7} {'|cosine| with their best mode':>30}"]
    cosine = np.abs(mine.modes[:MODES] @ real.modes[:MODES].T)
    lines += [
        f"{k + 1:4d} {100 * np.sqrt(mine.variance[k]):7.2f} "
        f"{100 * np.sqrt(real.variance[k]):7.2f} "
        f"{cosine[k].max():24.2f} (mode {cosine[k].argmax() + 1})"
        for k in range(min(MODES, len(mine.modes), len(real.modes)))
    ]
    share = explained(mine, real, 20)
    return [*lines, f"variance of theirs within our first 20 modes: {share:.1%}"]
