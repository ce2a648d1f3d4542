"""Train for some epochs, validate after each, go on where a killed call stopped."""

from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from facekp.data import Faces
from facekp.metrics import nme
from facekp.training.loop import Fitted, Loop, TrainingError
from facekp.training.pictures import Decode, Loss, Pictures

__all__ = ["CURVE_PICTURES", "Augment", "fit"]

CURVE_PICTURES = 128  # of training and of validation, behind each point of a curve

Augment = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]


def fit(
    model: nn.Module,
    train: Faces,
    val: Faces,
    *,
    loss: Loss,
    decode: Decode,
    optimizer: Callable[[Collection[nn.Parameter]], Optimizer],
    epochs: int,
    batch_size: int,
    seed: int,
    scheduler: Callable[[Optimizer], LRScheduler] | None = None,
    augment: Augment | None = None,
    device: str = "auto",
    precision: str = "32-true",
    checkpoint: Path | None = None,
    keep: Collection[int] = (),
    report: Callable[[int, dict[str, float]], None] | None = None,
) -> Fitted:
    """Train a model and validate it after each epoch.

    The faces move to the device once. After each epoch a checkpoint replaces the last one
    atomically; a later call with the same arguments goes on from it and ends with the same
    weights and history, to the bit, as a call that was not interrupted, on the same machine.

    Parameters
    ----------
    model : nn.Module
        Grey images (B, 1, H, W), float32 in [-0.5, 0.5], to any output. Ends with the last weights.
    train, val : Faces
        Of one size and scheme, in grey or in colour; colour is for the augmentation.
    loss : callable
        ``loss(output, keypoints, visible) -> scalar``, the mean over the batch; keypoints
        (B, K, 2) in crop pixels, visible (B, K).
    decode : callable
        ``decode(output) -> keypoints`` (B, K, 2) in crop pixels.
    optimizer : callable
        Takes the parameters, returns the optimiser.
    epochs, batch_size, seed : int
        The seed fixes the order of the pictures and all that draws from torch's generators. The
        last batch of an epoch may be smaller.
    scheduler : callable, optional
        Takes the optimiser, returns the scheduler, which is stepped once an epoch.
    augment : callable, optional
        ``augment(images, keypoints, visible)`` returns the three, changed; images as loaded, so
        in colour where they are.
    device, precision : str
        Of lightning-fabric: "auto" takes a GPU where there is one; "bf16-mixed" computes in
        bfloat16 where that is safe.
    checkpoint : Path, optional
        File of the checkpoint; none is written without it.
    keep : collection of int
        Epochs (from 1) whose validation keypoints are kept, those of all validation pictures.
    report : callable, optional
        ``report(epoch, row)`` after each epoch, for a progress bar.

    Returns
    -------
    Fitted

    Raises
    ------
    TrainingError
        If a split is empty, the loss is not finite (named: epoch, batch, rate), or the
        checkpoint is unreadable or of another training.
    """
    if not len(train) or not len(val):
        raise TrainingError(
            f"training has {len(train)} pictures and validation {len(val)}: both need at least "
            f"one; mend the split"
        )
    fabric = Fabric(accelerator=device, devices=1, precision=precision)
    loop = Loop(fabric, model, optimizer, scheduler, loss, decode, augment, batch_size)
    torch.manual_seed(seed)
    few = min(CURVE_PICTURES, len(val))  # an epoch's row must not cost as much as the epoch
    shown = _sample(val, few)
    data, check, curve = (
        Pictures.of(faces, fabric.device) for faces in (train, _sample(train, few), shown)
    )
    fitted = Fitted()
    identity = f"{train.digest} {val.digest} {epochs} {batch_size} {seed}"
    if checkpoint and checkpoint.exists():
        fitted = loop.load(checkpoint, identity)
    for epoch in range(len(fitted.history.get("lr", [])) + 1, epochs + 1):
        row, keypoints = loop.epoch(epoch, data, check, curve)
        row["val_nme"] = _mean_nme(keypoints, shown)
        for name, value in row.items():
            fitted.history.setdefault(name, []).append(value)
        if row["val_error"] <= min(fitted.history["val_error"]):
            fitted.best_epoch = epoch
        if epoch in keep:
            fitted.kept[epoch] = keypoints if few == len(val) else loop.predict(val)
        if checkpoint:
            loop.save(checkpoint, identity, fitted)
        if report:
            report(epoch, row)
    fitted.last = {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}
    return fitted


def _mean_nme(keypoints: np.ndarray, faces: Faces) -> float:
    """Average the NME, a fraction, of predictions (N, K, 2) in crop pixels over the faces."""
    points = (faces.to_img(keypoints), faces.keypoints_img())
    return float(np.nanmean(nme(*points, faces.interocular, faces.visible)))


def _sample(faces: Faces, count: int) -> Faces:
    """Take at most so many pictures, spread evenly over the set, the same ones each epoch."""
    if len(faces) <= count:
        return faces
    return faces.take(np.linspace(0, len(faces) - 1, count).round().astype(int))
