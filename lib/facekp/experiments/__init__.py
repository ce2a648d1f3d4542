"""Experiments as data, and getting them done once.

The composition root of the library: what a notebook names becomes functions here, and the runs
that they make are found again instead of repeated.
"""

from facekp.experiments.experiment import Experiment, build, split_imm, train
from facekp.experiments.jobs import predictions, run_all

__all__ = ["Experiment", "build", "predictions", "run_all", "split_imm", "train"]
