"""One training, from its description to what its run file holds."""

import json
import logging
from collections import defaultdict
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from facekp import metrics
from facekp.augment import Augmentation, to_grey
from facekp.data import Faces
from facekp.experiments.evaluation import KEEP_ALL, evaluated
from facekp.experiments.experiment import Experiment, build, train
from facekp.heatmaps import ShapeDecoder
from facekp.inspection import channel_activity, dead_channels
from facekp.results import Run, Store, provenance
from facekp.training import Pictures, evaluate
from facekp.training.pictures import Decode

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
        readings=_readings(experiment, model, seen, val),
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


def _readings(
    e: Experiment, model: torch.nn.Module, seen: Faces, val: Faces
) -> dict[str, dict[str, Any]]:
    """Evaluate a trained model as its readings say; `seen` are the faces it was trained on.

    Readings that look at the same pictures share what the net says of them.
    """
    decoders = defaultdict(dict)  # by name, for each damage
    for name, reading in e.readings.items():
        decode = _decoder(reading.decoder or e.decoder, e.size, seen)
        decoders[json.dumps(reading.damage)][name] = decode
    found = {}
    for damage, ways in decoders.items():
        how = json.loads(damage)
        looked_at = _damaged(val, build("augment", how, e.size)) if how else val
        found |= _decoded(e, model, looked_at, ways)
    return {name: found[name] for name in e.readings}


def _decoder(what: dict[str, Any], size: tuple[int, int], seen: Faces) -> Decode:
    """Build a decoder, which may learn from the faces trained on."""
    decode = build("decoder", what, size)
    if isinstance(decode, ShapeDecoder):
        decode.learn(seen.keypoints_img(), seen.scheme)
    return decode


def _decoded(
    e: Experiment, model: torch.nn.Module, val: Faces, decoders: dict[str, Decode]
) -> dict[str, dict[str, Any]]:
    """Evaluate a trained model, each of its outputs read by each decoder."""
    device = next(model.parameters()).device
    points = {name: [] for name in decoders}

    def decode(output: Tensor) -> Tensor:
        # Apple's devices have no float64, in which shapes are weighed.
        output = output.cpu() if device.type == "mps" else output
        for name, read in decoders.items():
            points[name].append(read(output).float().cpu())
        return points[name][-1]

    lower = e.precision == "bf16-mixed"
    with torch.autocast(device.type, torch.bfloat16, enabled=lower):
        evaluate(model, Pictures.of(val, device), build("loss", e.loss, e.size), decode)
    centre = (np.array(val.size[::-1]) - 1) / 2
    found = {}
    for name, parts in points.items():
        keypoints = torch.cat(parts).numpy()
        pull = metrics.pull(keypoints, val.keypoints, centre).tolist()
        found[name] = evaluated(val, keypoints) | {"pull": pull, "keypoints": {}}
    return found


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
