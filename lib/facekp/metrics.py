"""Errors of predicted keypoints, and intervals for their means.

Here: pure functions of arrays. An error function is told its normaliser and never guesses one.
Fractions are returned as fractions (an NME of 0.04 is shown as 4 %). Not here: where numbers go
(``results``) and what follows from them (``claims``).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import stats

__all__ = [
    "Interval",
    "absolute_error",
    "auc_share",
    "ced",
    "crossed_family",
    "crossed_interval",
    "failure",
    "jackknife",
    "nme",
    "offset",
    "pixel_error",
    "pull",
]

Array = np.ndarray


def pixel_error(predicted: Array, truth: Array, visible: Array | None = None) -> Array:
    """Average the distance between predicted and true keypoints, a picture.

    Parameters
    ----------
    predicted, truth : ndarray, (..., K, 2)
        Pixels of one and the same picture space.
    visible : ndarray, (..., K), bool, optional
        Keypoints that count; all where omitted.

    Returns
    -------
    ndarray, (...)
        Pixels; NaN where no keypoint counts.

    Examples
    --------
    Two keypoints, off by 5 and by 0:

    >>> pixel_error(np.array([[3.0, 4.0], [1.0, 1.0]]), np.array([[0.0, 0.0], [1.0, 1.0]]))
    np.float64(2.5)
    """
    distance = np.linalg.norm(np.asarray(predicted, float) - np.asarray(truth, float), axis=-1)
    if visible is None:
        return distance.mean(-1)
    count = visible.sum(-1)
    with np.errstate(invalid="ignore"):
        return np.where(count > 0, (distance * visible).sum(-1) / count, np.nan)


def absolute_error(predicted: Array, truth: Array, visible: Array | None = None) -> Array:
    """Average ``|Δx|`` and ``|Δy|`` over the keypoints of each picture.

    Parameters
    ----------
    predicted, truth : ndarray, (..., K, 2)
        Pixels of one and the same picture space.
    visible : ndarray, (..., K), bool, optional
        Keypoints that count; all where omitted.

    Returns
    -------
    ndarray, (...)
        Pixels; NaN where no keypoint counts.

    Examples
    --------
    Two keypoints, off by 3 and 4 and by 0 and 0:

    >>> absolute_error(np.array([[3.0, 4.0], [1.0, 1.0]]), np.array([[0.0, 0.0], [1.0, 1.0]]))
    np.float64(1.75)
    """
    # Each coordinate counts as a keypoint on a line.
    lines = (np.reshape(points, (*np.shape(points)[:-2], -1, 1)) for points in (predicted, truth))
    return pixel_error(*lines, None if visible is None else np.repeat(visible, 2, -1))


def offset(predicted: Array, truth: Array, visible: Array) -> Array:
    """Average Δx and Δy, with their signs, over the visible keypoints of each picture.

    Parameters
    ----------
    predicted, truth, visible : ndarray
        As for ``absolute_error``.

    Returns
    -------
    ndarray, (..., 2)
        Pixels; positive where predictions lie to the right of the truth, or below it. NaN where
        no keypoint counts.

    Examples
    --------
    Two keypoints, one 3 to the right, one 1 to the left and 4 below:

    >>> predicted, truth = np.array([[3.0, 0.0], [0.0, 5.0]]), np.array([[0.0, 0.0], [1.0, 1.0]])
    >>> offset(predicted, truth, np.array([True, True]))
    array([1., 2.])
    """
    difference = (np.asarray(predicted, float) - truth) * visible[..., None]
    with np.errstate(invalid="ignore"):  # 0 / 0 where none counts
        return difference.sum(-2) / visible.sum(-1)[..., None]


def pull(predicted: Array, truth: Array, point: Array) -> Array:
    """Return by what share of the way predictions are moved towards a point, a picture.

    The factor s with which truth + s (point - truth) lies nearest to the predictions: 0 where
    errors have no such direction, 1 where every prediction is the point.

    Parameters
    ----------
    predicted, truth : ndarray, (..., K, 2)
        Pixels of one and the same picture space.
    point : ndarray, (2,)
        In the same pixels, such as the middle of the map.

    Returns
    -------
    ndarray, (...)

    Examples
    --------
    Two keypoints 4 to the left and 4 to the right of the point, both moved 1 towards it:

    >>> truth = np.array([[0.0, 0.0], [8.0, 0.0]])
    >>> pull(truth + np.array([[1.0, 0.0], [-1.0, 0.0]]), truth, np.array([4.0, 0.0]))
    np.float64(0.25)
    """
    way = point - np.asarray(truth, float)
    moved = np.asarray(predicted, float) - truth
    return (moved * way).sum((-2, -1)) / (way**2).sum((-2, -1))


def nme(predicted: Array, truth: Array, normaliser: Array, visible: Array | None = None) -> Array:
    """Divide ``pixel_error`` by a length of the face: the normalised mean error.

    Parameters
    ----------
    predicted, truth : ndarray, (..., K, 2)
        Pixels of one and the same picture space.
    normaliser : ndarray, (...)
        Length in the same pixels, such as the distance of the outer eye corners.
    visible : ndarray, (..., K), bool, optional
        Keypoints that count; all where omitted.

    Returns
    -------
    ndarray, (...)
        Fractions; NaN where no keypoint counts.

    Raises
    ------
    ValueError
        If a normaliser is not positive.

    References
    ----------
    Sagonas et al., "300 Faces In-The-Wild Challenge", ICCV Workshops 2013, section 4.
    """
    if not np.all(np.asarray(normaliser) > 0):
        raise ValueError("the normaliser must be positive for each picture")
    return pixel_error(predicted, truth, visible) / normaliser


def ced(errors: Array, thresholds: Array) -> Array:
    """Return the cumulative error distribution: the share of pictures with at most each error.

    Parameters
    ----------
    errors : ndarray, (N,)
        NME of each picture, a fraction.
    thresholds : ndarray, (T,)
        Errors to look at, fractions.

    Returns
    -------
    ndarray, (T,)
        Shares, 0 to 1.

    Examples
    --------
    >>> ced(np.array([0.02, 0.04, 0.09]), np.array([0.04, 0.08])).round(2).tolist()
    [0.67, 0.67]
    """
    return np.searchsorted(np.sort(errors), thresholds, side="right") / len(errors)


def auc_share(errors: Array, max_nme: float = 0.08) -> Array:
    """Return each picture's share in the area under the CED from 0 to max_nme.

    The area over max_nme is the mean of 1 − e / max_nme over the pictures, where an error beyond
    max_nme counts as max_nme; it is returned before that mean, so that intervals can be taken.

    Parameters
    ----------
    errors : ndarray, (...)
        NME of each picture, a fraction.
    max_nme : float
        Where the area ends.

    Returns
    -------
    ndarray, (...)
        0 (a failure) to 1 (no error); their mean is the AUC.

    Examples
    --------
    >>> auc_share(np.array([0.02, 0.04, 0.09])).mean().round(3)
    np.float64(0.417)
    """
    return 1 - np.minimum(errors, max_nme) / max_nme


def failure(errors: Array, max_nme: float = 0.08) -> Array:
    """Return which pictures fail, as 0.0 or 1.0; their mean is the failure rate.

    Parameters
    ----------
    errors : ndarray, (...)
        NME of each picture, a fraction.
    max_nme : float
        A larger error is a failure.

    Returns
    -------
    ndarray, (...), float64
    """
    return (np.asarray(errors) > max_nme).astype(float)


class Interval(NamedTuple):
    """An estimate and its 95 % interval."""

    value: float
    low: float
    high: float


def crossed_family(values: Array, draws: int = 200_000) -> list[Interval]:
    """Estimate several means at once, over random persons crossed with random seeds.

    The variance of a mean over S seeds × P persons, both random, is
    (MS_S + MS_P − MS_R) / (S·P), with the mean squares of the two-way layout without
    replication; it is kept from falling under either factor's own share. The degrees of freedom
    are Satterthwaite's. The intervals hold together with 95 % (max-T: the critical value is the
    95 % quantile of the largest absolute component of a multivariate t with the estimates'
    correlation, drawn with a fixed seed). With one seed only persons vary, and the intervals
    speak of that one training.

    Parameters
    ----------
    values : ndarray, (M, S, P)
        M quantities, each measured with S seeds on P persons.
    draws : int
        Draws for the critical value.

    Returns
    -------
    list of Interval
        M estimates.

    Raises
    ------
    ValueError
        If there are fewer than two persons.

    References
    ----------
    Searle, Casella, McCulloch, "Variance Components", Wiley 1992, chapter 4;
    Hothorn, Bretz, Westfall, Biometrical Journal 50(3), 2008 (max-T).
    """
    values = np.asarray(values, float)
    if values.shape[2] < 2:
        raise ValueError("an interval over persons needs at least two of them")
    means = values.mean((1, 2))
    variance, correlation, freedom = _crossed_variance(values)
    if len(means) == 1:
        critical = float(stats.t.ppf(0.975, freedom[0]))
    else:
        critical = _max_t(correlation, freedom.min(), draws)
    half = critical * np.sqrt(variance)
    bounds = zip(means, means - half, means + half, strict=True)
    return [Interval(*map(float, bound)) for bound in bounds]


def crossed_interval(values: Array) -> Interval:
    """Estimate one mean over random persons crossed with random seeds.

    Parameters
    ----------
    values : ndarray, (S, P)
        One quantity, measured with S seeds on P persons. See ``crossed_family``.

    Returns
    -------
    Interval
    """
    return crossed_family(np.asarray(values)[None])[0]


def jackknife(statistic: Callable[[Array], float], persons: int) -> Array:
    """Turn a statistic of a set of persons into one pseudo-value a person.

    Their mean is the jackknife estimate; their scatter is the statistic's. So ratios and other
    functions of means get their interval from ``crossed_interval`` as well.

    Parameters
    ----------
    statistic : callable
        Takes indices of persons, (n,), and returns a number.
    persons : int
        Number of persons P.

    Returns
    -------
    ndarray, (P,)
        P·θ − (P − 1)·θ without the person.

    References
    ----------
    Tukey, "Bias and confidence in not quite large samples", Ann. Math. Stat. 29, 1958.
    """
    everyone = np.arange(persons)
    without = np.array([statistic(np.delete(everyone, p)) for p in everyone])
    return persons * statistic(everyone) - (persons - 1) * without


def _crossed_variance(values: Array) -> tuple[Array, Array, Array]:
    """Return variance (M,), correlation (M, M) and Satterthwaite's freedom (M,) of M means."""
    _, seeds, persons = values.shape
    grand = values.mean((1, 2), keepdims=True)
    by_seed = values.mean(2, keepdims=True) - grand  # (M, S, 1)
    by_person = values.mean(1, keepdims=True) - grand  # (M, 1, P)
    rest = values - grand - by_seed - by_person  # (M, S, P)

    def share(part: Array, repeats: int, freedom: int) -> Array:
        flat = part.reshape(len(part), -1)
        return repeats * flat @ flat.T / max(freedom, 1) / (seeds * persons)  # (M, M)

    of_seeds = share(by_seed, persons, seeds - 1)
    of_persons = share(by_person, seeds, persons - 1)
    of_rest = share(rest, 1, (seeds - 1) * (persons - 1))
    # Where a mean square is under the residual by chance, the larger factor alone is the floor.
    floor = np.maximum(np.diag(of_seeds), np.diag(of_persons))
    variance = np.maximum(np.diag(of_seeds + of_persons - of_rest), floor)
    # Without the residual, which could take its eigenvalues below zero.
    covariance = of_seeds + of_persons
    scale = np.sqrt(np.where(np.diag(covariance) > 0, np.diag(covariance), 1))
    spread = np.diag(of_seeds) ** 2 / max(seeds - 1, 1) + np.diag(of_persons) ** 2 / (persons - 1)
    freedom = np.full(len(variance), float(persons - 1))
    np.divide(variance**2, spread, out=freedom, where=spread > 0)
    return variance, covariance / np.outer(scale, scale), freedom


def _max_t(correlation: Array, freedom: float, draws: int) -> float:
    """Return the 95 % quantile of the largest absolute component of a multivariate t."""
    rng = np.random.default_rng(0)
    weights, vectors = np.linalg.eigh(correlation)  # eigh: a clipped root of a near-singular one
    root = vectors * np.sqrt(np.clip(weights, 0, None))
    normal = rng.standard_normal((draws, len(correlation))) @ root.T
    scale = np.sqrt(rng.chisquare(freedom, draws) / freedom)
    return float(np.quantile(np.abs(normal).max(1) / scale, 0.95))
