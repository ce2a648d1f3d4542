"""One training, from its description to what its run file holds."""

import logging
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from facekp import metrics
from facekp.augment import Augmentation, to_grey
from facekp.data import Faces
from facekp.experiments.evaluation import KEEP_ALL, evaluated
from facekp.experiments.experiment import Experiment, Reading, build, train
from facekp.heatmaps import ShapeDecoder
from facekp.inspection import channel_activity, dead_channels
from facekp.results import Run, Store, provenance
from facekp.training import Pictures, evaluate

__all__ = ["make_run", "predictions"]


def make_run(identity: dict[str, Any], experiment: Experiment, faces: Faces, store: Store) -> Run:
    """Train an experiment and gather what its run file holds.

    Parameters
    ----------
    identity : dict
        As ``Experiment.identity``; `experiment` may compute in another precision than it names.
    experiment : Experiment
    faces : Faces
        The whole data set at the experiment's size, with all keypoints.
    store : Store
        Where the checkpoint is looked for and written.

    Returns
    -------
    Run

    Raises
    ------
    TrainingError
        As ``training.fit``.
    """
    # Fabric tells the precision on stderr; in a notebook that is taken for a warning.
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    checkpoint = store.checkpoints / f"{identity['key']}.pt"
    fitted, model, (seen, val) = train(experiment, faces, checkpoint)
    seconds = sum(fitted.history["seconds"])  # those before an interruption as well
    evaluations = {epoch: evaluated(val, points) for epoch, points in fitted.kept.items()}
    device = next(model.parameters()).device.type
    made = provenance(store.root, seconds, len(seen) * experiment.epochs, device)
    return Run(
        schema=1,
        **identity,
        history=fitted.history,
        best_epoch=fitted.best_epoch,
        ids=val.ids.tolist(),
        evaluations=evaluations,
        layers=_layers(model, val),
        readings={
            name: _read(reading, experiment, model, seen, val)
            for name, reading in experiment.readings.items()
        },
        provenance=made | {"precision": experiment.precision},
    )


def predictions(run: Run, epoch: int | None = None) -> np.ndarray:
    """Return a run's validation keypoints, (N, K, 2) in crop pixels, at an epoch (the last).

    Raises
    ------
    KeyError
        If the validation set was so large that only some were kept.
    """
    kept = run.evaluations[epoch or run.parameters["epochs"]].keypoints
    return np.array([kept[picture] for picture in run.ids], np.float32)


def _layers(model: torch.nn.Module, val: Faces) -> dict[str, dict[str, int]]:
    """Count each layer's channels, and those that answer to no picture of a small set."""
    if len(val) > KEEP_ALL:
        return {}
    device = next(model.parameters()).device
    images, _, _ = Pictures.of(val, device).batch(torch.arange(len(val), device=device))
    rows = dead_channels(channel_activity(model, to_grey(images)))
    return {row["layer"]: {"channels": row["channels"], "dead": row["dead"]} for row in rows}


def _read(
    reading: Reading, experiment: Experiment, model: torch.nn.Module, seen: Faces, val: Faces
) -> dict[str, Any]:
    """Evaluate a trained model as a reading says; `seen` are the faces it was trained on."""
    e, device = experiment, next(model.parameters()).device
    if reading.damage:
        val = _damaged(val, build("augment", reading.damage, e.size))
    decode = build("decoder", reading.decoder or e.decoder, e.size)
    if isinstance(decode, ShapeDecoder):
        decode.learn(seen.keypoints_img(), seen.scheme)
    # Apple's devices have no float64, in which shapes are weighed.
    read = (lambda output: decode(output.cpu())) if device.type == "mps" else decode
    lower = e.precision == "bf16-mixed"
    with torch.autocast(device.type, torch.bfloat16, enabled=lower):
        loss = build("loss", e.loss, e.size)
        keypoints = evaluate(model, Pictures.of(val, device), loss, read).keypoints
    centre = (np.array(val.size[::-1]) - 1) / 2
    pull = metrics.pull(keypoints, val.keypoints, centre)
    return evaluated(val, keypoints) | {"pull": pull.tolist(), "keypoints": {}}


def _damaged(val: Faces, damage: Augmentation) -> Faces:
    """Change pictures at random, the same way each time, and make them grey.

    Raises ValueError if keypoints move: those that left the picture would be missing.
    """
    with torch.random.fork_rng():
        torch.manual_seed(0)
        parts = [
            damage(*Pictures.of(val, torch.device("cpu")).batch(index))
            for index in torch.arange(len(val)).split(64)
        ]
    images, keypoints, _ = (torch.cat(part) for part in zip(*parts, strict=True))
    if not np.allclose(keypoints, val.keypoints, atol=1e-3):
        raise ValueError("a reading's damage moves keypoints; set rotation and the like to 0")
    grey = ((to_grey(images) + 0.5) * 255).round().clamp(0, 255).byte()
    return replace(val, images=grey.numpy())
