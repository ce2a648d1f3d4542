"""From runs to tables of errors, and from those to metrics with intervals."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from pandas.io.formats.style import Styler
from scipy import stats

from facekp.coords import unit_from_pixels
from facekp.data import Faces
from facekp.experiments.experiment import build
from facekp.experiments.run_file import predictions
from facekp.metrics import (
    auc_share,
    crossed_family,
    crossed_interval,
    failure,
    jackknife,
    pixel_error,
)
from facekp.results import Method, Metric, Run, metric

__all__ = [
    "by_person",
    "curves",
    "errors",
    "estimate",
    "estimate_by_seed",
    "face_size",
    "listed",
    "methods",
    "pseudo_values",
    "relative",
    "scores",
    "summary",
    "three_digits",
]


def face_size(faces: Faces) -> np.ndarray:
    """Return the root of width × height of each face's keypoints, (N,), in original pixels.

    A normaliser that a turning head shrinks less than the distance of the eye corners.
    """
    extent = np.ptp(faces.keypoints_img(), axis=1)  # (N, 2)
    return np.sqrt(extent.prod(-1))


def errors(runs: Sequence[Run], faces: Faces, epoch: int | None = None) -> pd.DataFrame:
    """Tabulate what runs predict of the pictures held out, a row a picture and a run.

    Parameters
    ----------
    runs : sequence of Run
        That kept all their predictions.
    faces : Faces
        The whole data set, with all keypoints.
    epoch : int, optional
        The epoch looked at; each run's last where omitted.

    Returns
    -------
    DataFrame
        key and seed of the run; id and person of the picture and its attributes; x and y predicted
        and true (x_true, y_true) in unit coordinates, each the mean over keypoints; mse in unit
        coordinates; error in pixels of the original picture; nme (over the inter-ocular distance)
        and by_size (over ``face_size``), both fractions.
    """
    size = dict(zip(faces.ids, face_size(faces), strict=True))
    order = {picture: i for i, picture in enumerate(faces.ids)}
    parts = []
    for run in runs:
        chosen = run.parameters["keypoints"] or range(faces.scheme.count)
        val = faces.take([order[picture] for picture in run.ids]).select(chosen)
        predicted = predictions(run, epoch)
        unit, truth = (unit_from_pixels(p, val.size) for p in (predicted, val.keypoints))
        error = pixel_error(val.to_img(predicted), val.keypoints_img(), val.visible)
        columns = {
            "key": run.key,
            "seed": run.parameters["seed"],
            "id": val.ids,
            "person": val.groups,
            **val.attributes,
            **dict(zip(("x", "y"), unit.mean(1).T, strict=True)),
            **dict(zip(("x_true", "y_true"), truth.mean(1).T, strict=True)),
            "mse": ((unit - truth) ** 2).mean((1, 2)),
            "error": error,
            "nme": error / val.interocular,
            "by_size": error / np.array([size[picture] for picture in run.ids]),
        }
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def scores(
    runs: Sequence[Run], faces: Faces, epoch: int | None = None, reading: str | None = None
) -> pd.DataFrame:
    """Tabulate the errors that run files hold, a row a picture and a run.

    Unlike ``errors`` it needs no predictions, which run files of large sets do not keep.

    Parameters
    ----------
    runs : sequence of Run
    faces : Faces
        The whole data set.
    epoch : int, optional
        The epoch looked at; each run's last where omitted.
    reading : str, optional
        One of the experiments' readings in its place.

    Returns
    -------
    DataFrame
        key and seed of the run; id of the picture, person (its group: a person, or a source
        photograph) and attributes; nme over all keypoints and, under its name, over each group of
        them, fractions; mae, and the mean offsets dx and dy, in pixels of the original picture
        where they were kept, else NaN; pull of a reading.
    """
    order = {picture: i for i, picture in enumerate(faces.ids)}
    parts = []
    for run in runs:
        val = faces.take([order[picture] for picture in run.ids])
        last = run.evaluations[epoch or run.parameters["epochs"]]
        found = run.readings[reading] if reading else last
        dx, dy = zip(*found.offset, strict=True) if found.offset else (np.nan, np.nan)
        columns = {
            "key": run.key,
            "seed": run.parameters["seed"],
            "id": val.ids,
            "person": val.groups,
            **val.attributes,
            "nme": found.nme,
            "mae": found.mae or np.nan,
            "dx": dx,
            "dy": dy,
            "pull": found.pull or np.nan,
            **found.groups,
        }
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def by_person(table: pd.DataFrame, column: str) -> np.ndarray:
    """Average a column of ``errors`` by seed and person: (S, P).

    Raises
    ------
    ValueError
        If a person was not measured with each seed.
    """
    wide = table.pivot_table(index="seed", columns="person", values=column, aggfunc="mean")
    if wide.isna().any(axis=None):
        raise ValueError("each person must be held out with each seed; add the missing runs")
    return wide.to_numpy()


def pseudo_values(table: pd.DataFrame, statistic: Callable[[pd.DataFrame], float]) -> np.ndarray:
    """Jackknife a statistic of ``errors`` over persons, for each seed: (S, P)."""

    def of_one_seed(part: pd.DataFrame) -> np.ndarray:
        persons = [rows for _, rows in part.groupby("person")]
        return jackknife(lambda who: statistic(pd.concat(persons[i] for i in who)), len(persons))

    return np.array([of_one_seed(part) for _, part in table.groupby("seed")])


def curves(runs: Sequence[Run], name: str) -> np.ndarray:
    """Stack a curve of the runs' histories, (runs, epochs).

    Raises
    ------
    KeyError
        If a run lacks the curve: it was made by code that did not draw it.
    """
    for run in runs:
        if name not in run.history:
            raise KeyError(
                f"run {run.key} has no curve {name!r}: delete its file in results/ and _build/ to "
                f"have it trained anew"
            )
    return np.array([run.history[name] for run in runs])


def estimate(
    values: np.ndarray,
    n: int,
    unit: str,
    scale: float = 1.0,
    limits: tuple[float, float] = (-np.inf, np.inf),
) -> Metric:
    """Turn values by seed and person, (S, P), into a metric of n pictures, times a scale.

    Its interval ends at the limits, such as (0, 1) for values that are shares. Values that all lie
    at one of two finite limits have no scatter to tell an interval from; it is then that of a
    share seen in none, or in all, of P persons (Clopper and Pearson, The use of confidence or
    fiducial limits, Biometrika 26, 1934).
    """
    value, low, high = crossed_interval(values)
    interval = (value, max(low, limits[0]), min(high, limits[1]))
    least, most = limits
    if np.isfinite(limits).all() and value in limits and np.ptp(values) == 0:
        reach = (most - least) * (1 - 0.025 ** (1 / values.shape[1]))
        interval = (value, least, least + reach) if value == least else (value, most - reach, most)
    return metric(interval, n, unit, values.mean(1), scale)


def estimate_by_seed(values: np.ndarray, n: int, unit: str, family: int = 1) -> Metric:
    """Turn one value a seed, (S,), into a metric of n pictures.

    Its interval is Student's t over the seeds; a single seed has none. Those of a family of so
    many hold together with 95 % (Bonferroni).
    """
    values = np.asarray(values, float)
    value = values.mean()
    if len(values) < 2:
        return metric((value,), n, unit, values)
    half = stats.t.ppf(1 - 0.025 / family, len(values) - 1) * stats.sem(values)
    return metric((value, value - half, value + half), n, unit, values)


def summary(table: pd.DataFrame) -> dict[str, Metric]:
    """Sum up the errors of ``scores`` by what is usually reported.

    Returns
    -------
    dict of str to Metric
        nme in per cent; fr8, the failure rate at an NME of 8 %, in per cent; auc8, the area under
        the cumulative error curve up to there, as a share. Intervals are over persons and seeds.
    """
    table = table.assign(fr8=failure(table["nme"]), auc8=auc_share(table["nme"]))
    measures = {"nme": ("%", 100, np.inf), "fr8": ("%", 100, 1), "auc8": ("", 1, 1)}
    n = table["id"].nunique()
    return {
        name: estimate(by_person(table, name), n, unit, scale, (0, most))
        for name, (unit, scale, most) in measures.items()
    }


def relative(differences: Mapping[str, np.ndarray], reference: float, n: int) -> dict[str, Metric]:
    """Turn a family of differences into metrics in per cent of a reference error.

    Parameters
    ----------
    differences : mapping of str to ndarray, (S, P)
        Name and values by seed and person. The intervals hold together.
    reference : float
        The error that counts as 100 %; taken as given.
    n : int
        Pictures behind each.

    Returns
    -------
    dict of str to Metric
        By name with ``.cv.relative`` appended.
    """
    if not differences:
        return {}
    scale = 100 / reference
    family = zip(differences.items(), crossed_family(list(differences.values())), strict=True)
    return {
        f"{name}.cv.relative": metric(interval, n, "%", values.mean(1), scale)
        for (name, values), interval in family
    }


def methods(groups: Mapping[str, Sequence[Run]]) -> dict[str, Method]:
    """Say what was trained for some numbers, for ``results.Section``.

    Parameters
    ----------
    groups : mapping of str to sequence of Run
        By the first two parts of a metric's name, such as "nose.val", trainings that differ in
        seed and fold alone.
    """
    found = {}
    for name, runs in groups.items():
        weights, parameters = None, runs[0].parameters
        if "model" in parameters:
            net = build("model", parameters["model"], tuple(parameters["size"]))
            weights = sum(p.numel() for p in net.parameters() if p.requires_grad)
        seconds = float(np.mean([run.provenance["wall_seconds"] for run in runs]))
        keys = [run.key for run in runs]
        found[name] = Method(runs=keys, weights=weights, seconds=seconds)
    return found


def three_digits(value: float) -> str:
    """Write a number with three digits, those before the point all: 152, 9.24, 0.00421."""
    return f"{value:#.3g}".removesuffix(".") if abs(value) < 999.5 else f"{value:.0f}"


def listed(metrics: Mapping[str, Metric]) -> Styler:
    """Show metrics as a table: value, interval, unit and N, a row each; "–" for no interval."""
    columns = ["metric", "value", "low", "high", "unit", "N"]
    rows = [(name, m.value, m.low, m.high, m.unit, m.n) for name, m in metrics.items()]
    numbers = dict.fromkeys(("value", "low", "high"), three_digits)
    return pd.DataFrame(rows, columns=columns).style.hide().format(numbers, na_rep="–")
