"""The one training loop: fit, evaluate, checkpoint, resume.

It is told the model, the loss, the decoder and the optimiser and knows no method by name. What
goes into an experiment is said in ``experiments``; where its numbers go, in ``results``.
"""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from facekp.data import Faces
from facekp.metrics import pixel_error

__all__ = ["Evaluation", "Fitted", "Pictures", "TrainingError", "evaluate", "fit"]

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]
Decode = Callable[[Tensor], Tensor]
Augment = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]


class TrainingError(Exception):
    """A training that cannot go on, with the reason and the remedy."""


@dataclass(frozen=True)
class Pictures:
    """Faces on the device: images uint8 (N, C, H, W), keypoints (N, K, 2), visible (N, K)."""

    images: Tensor
    keypoints: Tensor
    visible: Tensor

    @classmethod
    def of(cls, faces: Faces, device: torch.device) -> "Pictures":
        """Move faces to a device, once."""
        arrays = (faces.images, faces.keypoints, faces.visible)
        return cls(*(torch.from_numpy(np.ascontiguousarray(a)).to(device) for a in arrays))

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, index: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return images as float32 in [-0.5, 0.5], keypoints and visible of some pictures."""
        return self.images[index] / 255 - 0.5, self.keypoints[index], self.visible[index]


@dataclass(frozen=True)
class Evaluation:
    """What a model says of some faces, in evaluation mode and without augmentation.

    ``loss`` is the mean over pictures; ``keypoints`` float32 (N, K, 2) in crop pixels;
    ``error`` (N,), the mean distance of the visible keypoints in crop pixels.
    """

    loss: float
    keypoints: np.ndarray
    error: np.ndarray


@dataclass
class Fitted:
    """What ``fit`` returns.

    ``history`` holds one value an epoch of: train_loss (mean over the epoch's batches, in training
    mode and augmented), val_loss, train_error and val_error (mean distance in crop pixels, both in
    evaluation mode; for training on at most as many pictures as validation has), lr, seconds.
    ``last`` and ``best`` are weights; the best epoch has the least validation error. ``kept`` has
    the validation keypoints, (N, K, 2) in crop pixels, of the epochs asked for.
    """

    history: dict[str, list[float]] = field(default_factory=dict)
    last: dict[str, Tensor] = field(default_factory=dict)
    best: dict[str, Tensor] = field(default_factory=dict)
    best_epoch: int = 0
    kept: dict[int, np.ndarray] = field(default_factory=dict)


def evaluate(
    model: nn.Module, pictures: Pictures, loss: Loss, decode: Decode, batch_size: int = 64
) -> Evaluation:
    """Evaluate a model in evaluation mode, without augmentation.

    Parameters
    ----------
    model : nn.Module
        On the pictures' device.
    pictures : Pictures
    loss, decode : callable
        As for ``fit``.
    batch_size : int
        Pictures at a time.

    Returns
    -------
    Evaluation
    """
    was_training = model.training
    model.eval()
    total, keypoints = 0.0, []
    with torch.inference_mode():
        for index in torch.arange(len(pictures), device=pictures.images.device).split(batch_size):
            images, truth, visible = pictures.batch(index)
            output = model(images)
            total += float(loss(output, truth, visible)) * len(index)
            keypoints.append(decode(output).float().cpu())
    model.train(was_training)
    predicted = torch.cat(keypoints).numpy()
    truth, visible = pictures.keypoints.cpu().numpy(), pictures.visible.cpu().numpy()
    return Evaluation(total / len(pictures), predicted, pixel_error(predicted, truth, visible))


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
        Images (B, C, H, W), float32 in [-0.5, 0.5], to any output. Ends with the last weights.
    train, val : Faces
        Of one size and scheme.
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
        ``augment(images, keypoints, visible)`` returns the three, changed.
    device, precision : str
        Of lightning-fabric: "auto" takes a GPU where there is one; "bf16-mixed" computes in
        bfloat16 where that is safe.
    checkpoint : Path, optional
        File of the checkpoint; none is written without it.
    keep : collection of int
        Epochs (from 1) whose validation keypoints are kept.
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
    loop = _Loop(fabric, model, optimizer, scheduler, loss, decode, augment, batch_size)
    torch.manual_seed(seed)
    data, val_data = (Pictures.of(faces, fabric.device) for faces in (train, val))
    check = data if len(train) <= len(val) else Pictures.of(_sample(train, len(val)), fabric.device)
    fitted = Fitted()
    identity = f"{train.digest} {val.digest} {epochs} {batch_size} {seed}"
    if checkpoint and checkpoint.exists():
        fitted = loop.load(checkpoint, identity)
    for epoch in range(len(fitted.history.get("lr", [])) + 1, epochs + 1):
        row, keypoints = loop.epoch(epoch, data, check, val_data)
        for name, value in row.items():
            fitted.history.setdefault(name, []).append(value)
        if row["val_error"] <= min(fitted.history["val_error"]):
            fitted.best, fitted.best_epoch = _copy(model), epoch
        if epoch in keep:
            fitted.kept[epoch] = keypoints
        if checkpoint:
            loop.save(checkpoint, identity, fitted)
        if report:
            report(epoch, row)
    fitted.last = _copy(model)
    return fitted


class _Loop:
    """The moving parts of one training: model, optimiser, scheduler and their state."""

    def __init__(self, fabric, model, optimizer, scheduler, loss, decode, augment, batch_size):
        self.fabric, self.raw, self.batch_size = fabric, model, batch_size
        self.loss, self.decode, self.augment = loss, decode, augment
        model.to(memory_format=torch.channels_last)  # convolutions run faster so, on CPU too
        self.model, self.optimizer = fabric.setup(model, optimizer(model.parameters()))
        self.scheduler = scheduler(self.optimizer.optimizer) if scheduler else None

    def epoch(
        self, number: int, data: Pictures, check: Pictures, val: Pictures
    ) -> tuple[dict[str, float], np.ndarray]:
        """Train for one epoch; return its row of the history and the validation keypoints."""
        started = time.perf_counter()
        rate = self.optimizer.param_groups[0]["lr"]
        # benchmark=False: the choice among convolution algorithms must not depend on the clock.
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True):
            train_loss = self.train(data, number)
            on_train, on_val = (
                evaluate(self.model, part, self.loss, self.decode) for part in (check, val)
            )
        row = {
            "lr": rate,
            "train_loss": train_loss,
            "val_loss": on_val.loss,
            "train_error": float(np.nanmean(on_train.error)),
            "val_error": float(np.nanmean(on_val.error)),
            "seconds": time.perf_counter() - started,
        }
        return row, on_val.keypoints

    def train(self, data: Pictures, epoch: int) -> float:
        """Train for one epoch and return the mean loss over its pictures."""
        self.model.train()
        batches = torch.randperm(len(data)).to(data.images.device).split(self.batch_size)
        losses = []  # stay on the device: reading each would wait for it
        for index in batches:
            images, keypoints, visible = data.batch(index)
            if self.augment:
                images, keypoints, visible = self.augment(images, keypoints, visible)
            images = images.contiguous(memory_format=torch.channels_last)
            self.optimizer.zero_grad()
            loss = self.loss(self.model(images), keypoints, visible)
            self.fabric.backward(loss)
            self.optimizer.step()
            losses.append(loss.detach())
        values = torch.stack(losses).cpu()
        bad = (~values.isfinite()).nonzero()
        if len(bad):
            rate = self.optimizer.param_groups[0]["lr"]
            raise TrainingError(
                f"the loss is {values[bad[0]].item()} in epoch {epoch}, batch {int(bad[0]) + 1} of "
                f"{len(batches)}, at rate {rate:g}: lower the rate or look at that batch's labels"
            )
        if self.scheduler:
            self.scheduler.step()
        sizes = torch.tensor([len(index) for index in batches])
        return float((values.double() * sizes).sum() / len(data))

    def save(self, path: Path, identity: str, fitted: Fitted) -> None:
        """Write all that the rest of the training depends on, atomically."""
        state = {
            "identity": identity,
            "model": self.raw.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict() if self.scheduler else None,
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
            "history": fitted.history,
            "best": fitted.best,
            "best_epoch": fitted.best_epoch,
            "kept": {epoch: torch.from_numpy(k) for epoch, k in fitted.kept.items()},
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".part")
        torch.save(state, temporary)
        temporary.replace(path)

    def load(self, path: Path, identity: str) -> Fitted:
        """Take up where a checkpoint stopped."""
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
            found = state["identity"]
        except Exception as error:
            raise TrainingError(
                f"{path}: unreadable checkpoint; delete it to start anew"
            ) from error
        if found != identity:
            raise TrainingError(f"{path}: checkpoint of another training; delete it to start anew")
        self.raw.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.scheduler:
            self.scheduler.load_state_dict(state["scheduler"])
        torch.set_rng_state(state["random"])
        if torch.cuda.is_available():
            torch.cuda.set_rng_state_all(state["random_cuda"])
        kept = {epoch: points.numpy() for epoch, points in state["kept"].items()}
        return Fitted(state["history"], {}, state["best"], state["best_epoch"], kept)


def _sample(faces: Faces, count: int) -> Faces:
    """Take pictures spread evenly over the set, the same ones each epoch."""
    return faces.take(np.linspace(0, len(faces) - 1, count).round().astype(int))


def _copy(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}
