"""Experiments as data, getting them done once, and reading what came of them.

The composition root of the library: what a notebook names becomes functions here, and the runs
that they make are found again instead of repeated.
"""

from facekp.experiments.analysis import (
    by_person,
    curves,
    errors,
    estimate,
    estimate_by_seed,
    face_size,
    listed,
    methods,
    pseudo_values,
    relative,
    scores,
    summary,
    three_digits,
)
from facekp.experiments.experiment import (
    Experiment,
    Reading,
    build,
    split_ibug,
    split_imm,
    split_imm_sets,
    train,
)
from facekp.experiments.jobs import run_all, run_groups
from facekp.experiments.maps import MAP_LOSSES, map_task
from facekp.experiments.run_file import predictions
from facekp.experiments.trees import run_trees
from facekp.experiments.validity import revalidate, stale

__all__ = [
    "MAP_LOSSES",
    "Experiment",
    "Reading",
    "build",
    "by_person",
    "curves",
    "errors",
    "estimate",
    "estimate_by_seed",
    "face_size",
    "listed",
    "map_task",
    "methods",
    "predictions",
    "pseudo_values",
    "relative",
    "revalidate",
    "run_all",
    "run_groups",
    "run_trees",
    "scores",
    "split_ibug",
    "split_imm",
    "split_imm_sets",
    "stale",
    "summary",
    "three_digits",
    "train",
]
