"""Committed trainings in small, to tell whether the code computes what it did."""

import json
from collections.abc import Callable, Iterable

import numpy as np

from facekp.data import Faces, join
from facekp.experiments.experiment import Experiment, build
from facekp.experiments.jobs import run_all
from facekp.experiments.trees import run_trees
from facekp.experiments.validity import kind, precision_used
from facekp.results import Run, Store

__all__ = ["train_witnesses"]

SEEN, HELD_OUT = 8, 4  # pictures
EPOCHS = 2
LENGTHS = ("total_steps", "T_max")  # of schedules, in epochs
TREES_OWN = ("method", "size", "keypoints", "epochs")  # what ``run_trees`` adds to its arguments

Load = Callable[[str, tuple[int, int], int], Faces]


def train_witnesses(runs: Iterable[Run], witnesses: Store, load: Load) -> list[Run]:
    """Train in small, with the code at hand, one of each kind of training.

    The net, its crops and all that it is trained and read by stay, on a few rendered pictures and
    for two epochs. It computes in the precision of the run, emulated where this machine has none.

    Parameters
    ----------
    runs : iterable of Run
        Whose parameters describe experiments of the code at hand.
    witnesses : Store
        Where the small trainings are looked for and written.
    load : callable
        Loads the faces of a set, one of those named ``demo_…``, at a size (H, W) in pixels with so
        many channels.

    Returns
    -------
    list of Run
        One for each digest of code and kind (``validity.kind``) among the runs.
    """
    first: dict[tuple[str, str], Run] = {}
    # By what they are: keys, by which they come, change with the code.
    for run in sorted(runs, key=lambda run: json.dumps(run.parameters, sort_keys=True)):
        first.setdefault((run.code, kind(run)), run)
    return [_witness(run, witnesses, load) for run in first.values()]


def _witness(run: Run, witnesses: Store, load: Load) -> Run:
    parameters = run.parameters
    if parameters.get("method") == "trees":
        options = {n: v for n, v in parameters.items() if n not in TREES_OWN}
        faces = _few(load("demo_ibug300w", tuple(parameters["size"]), 1), parameters["split"])
        return run_trees(store=witnesses, faces=faces, **options)
    e = Experiment(**parameters)
    names = [f"demo_{name.removeprefix('demo_')}" for name in e.dataset.split("+")]
    schedule = e.schedule and e.schedule | {n: EPOCHS for n in LENGTHS if n in e.schedule}
    small = e.vary(
        dataset="+".join(names),
        schedule=schedule,
        epochs=EPOCHS,
        batch_size=SEEN // 2,
        keep=(),
        precision=precision_used(run),
    )
    faces = _few(load(names[0], e.size, 3), e.split)
    return run_all([small], faces, witnesses, emulate=True)[0]


def _few(faces: Faces, split: dict) -> Faces:
    """Return so few faces that both sides of the split have some."""
    if "source" in split:
        faces = join({split[side]: faces for side in ("source", "target")})
    seen, held_out = build("split", split, faces)
    return faces.take(np.isin(faces.ids, [*seen.ids[:SEEN], *held_out.ids[:HELD_OUT]]))
