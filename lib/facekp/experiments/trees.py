"""dlib's regression trees as runs, found again like trainings of nets."""

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from facekp import metrics
from facekp.data import Faces
from facekp.experiments.evaluation import evaluated
from facekp.experiments.experiment import SPLITS, build, identify
from facekp.fingerprint import code_digest
from facekp.results import Run, Store, provenance
from facekp.trees import fit_trees, predict_trees

__all__ = ["run_trees"]


def run_trees(
    split: dict[str, Any], faces: Faces, store: Store, box_scale: float, seed: int, **options: Any
) -> Run:
    """Return the run of dlib's trees on a split; train them if it is not finished.

    Parameters
    ----------
    split : dict
        As an ``Experiment`` names it.
    faces : Faces
        The whole data set, in grey crops.
    store : Store
        Where run files are looked for and written.
    box_scale : float
        Side of a crop over that of its box.
    seed : int
    **options
        Of ``trees.fit_trees``.

    Returns
    -------
    Run
        With one epoch; ``history`` has seconds and val_error, in crop pixels.
    """
    parameters = {"method": "trees", "split": split, "box_scale": box_scale, "seed": seed}
    parameters |= {"size": list(faces.size), "keypoints": None, "epochs": 1, **options}
    identity = identify(parameters, faces.digest, trees_code(split))
    if run := store.find_run(identity["key"]):
        return run
    train, val = build("split", split, faces)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:  # a predictor has 100 MB, and is not kept
        path = Path(folder) / "trees.dat"
        fit_trees(train, path, box_scale, seed=seed, **options)
        seconds = time.perf_counter() - started
        predicted = predict_trees(val, path, box_scale)
    error = metrics.pixel_error(predicted, val.keypoints, val.visible)
    store.save_run(
        Run(
            schema=1,
            **identity,
            history={"seconds": [seconds], "val_error": [float(np.nanmean(error))]},
            best_epoch=1,
            ids=val.ids.tolist(),
            evaluations={1: evaluated(val, predicted)},
            provenance=provenance(store.root, seconds, len(train), "cpu"),
        )
    )
    return store.find_run(identity["key"])


def trees_code(split: dict[str, Any]) -> str:
    """Return the digest of the code that such a training runs, on a split as for ``run_trees``."""
    parts = (SPLITS[split["name"]], fit_trees, predict_trees, metrics.pixel_error, evaluated)
    return code_digest(*parts)
