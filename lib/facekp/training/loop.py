"""The moving parts of one training and their state on disk."""

import time
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from facekp.augment import to_grey
from facekp.data import Faces
from facekp.training.pictures import Evaluation, Pictures, evaluate

__all__ = ["Fitted", "Loop", "TrainingError"]


class TrainingError(Exception):
    """A training that cannot go on, with the reason and the remedy."""


@dataclass
class Fitted:
    """What ``fit`` returns.

    ``history`` holds one value an epoch of: train_loss (mean over the epoch's batches, in training
    mode and augmented), val_loss, train_error and val_error (mean distance in crop pixels, both in
    evaluation mode, of as many pictures, at most ``CURVE_PICTURES``), val_nme (a fraction, of the
    same pictures), lr, seconds, and one for each measure of the decoder, such as val_entropy of
    maps.
    ``last`` are the weights after the last epoch; the best epoch has the least validation error.
    ``kept`` has the validation keypoints, (N, K, 2) in crop pixels, of the epochs asked for.
    """

    history: dict[str, list[float]] = field(default_factory=dict)
    last: dict[str, Tensor] = field(default_factory=dict)
    best_epoch: int = 0
    kept: dict[int, np.ndarray] = field(default_factory=dict)


class Loop:
    """The moving parts of one training: model, optimiser, scheduler and their state."""

    def __init__(self, fabric, model, optimizer, scheduler, loss, decode, augment, batch_size):
        self.fabric, self.model, self.batch_size = fabric, model, batch_size
        self.loss, self.decode, self.augment = loss, decode, augment
        model.to(memory_format=torch.channels_last)  # convolutions run faster so, on CPU too
        _, self.optimizer = fabric.setup(model, optimizer(model.parameters()))
        self.scheduler = scheduler(self.optimizer.optimizer) if scheduler else None

    def epoch(
        self, number: int, data: Pictures, check: Pictures, val: Pictures
    ) -> tuple[dict[str, float], np.ndarray]:
        """Train for one epoch; return its row of the history and the validation keypoints."""
        started = time.perf_counter()
        rate = self.optimizer.param_groups[0]["lr"]
        with _repeatable():
            train_loss = self.train(data, number)
            on_train, on_val = (self.evaluate(part) for part in (check, val))
        if not np.isfinite(on_val.loss):
            raise TrainingError(
                f"the validation loss is {on_val.loss} after epoch {number}, trained at rate "
                f"{rate:g}: lower the rate or look at the labels"
            )
        row = {
            "lr": rate,
            "train_loss": train_loss,
            "val_loss": on_val.loss,
            "train_error": float(np.nanmean(on_train.error)),
            "val_error": float(np.nanmean(on_val.error)),
            **{f"val_{name}": value for name, value in on_val.measures.items()},
            "seconds": time.perf_counter() - started,
        }
        return row, on_val.keypoints

    def evaluate(self, pictures: Pictures) -> Evaluation:
        """Evaluate the model as it is now."""
        with self.fabric.autocast():
            return evaluate(self.model, pictures, self.loss, self.decode)

    def predict(self, faces: Faces) -> np.ndarray:
        """Predict the keypoints of faces, (N, K, 2) in crop pixels."""
        with _repeatable():
            return self.evaluate(Pictures.of(faces, self.fabric.device)).keypoints

    def train(self, data: Pictures, epoch: int) -> float:
        """Train for one epoch and return the mean loss over its pictures."""
        self.model.train()
        batches = torch.randperm(len(data)).to(data.images.device).split(self.batch_size)
        losses = []  # stay on the device: reading each would wait for it
        for index in batches:
            images, keypoints, visible = data.batch(index)
            if self.augment:
                images, keypoints, visible = self.augment(images, keypoints, visible)
            images = to_grey(images).contiguous(memory_format=torch.channels_last)
            self.optimizer.zero_grad()
            # Not through Fabric's own forward, which copies bfloat16 outputs to float32: maps of 68
            # keypoints are large, and their losses and decoders take either.
            with self.fabric.autocast():
                output = self.model(images)
            loss = self.loss(output, keypoints, visible)
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
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict() if self.scheduler else None,
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
            "history": fitted.history,
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
            if found == identity:
                self.model.load_state_dict(state["model"])
        except Exception as error:
            raise TrainingError(
                f"{path}: unreadable checkpoint; delete it to start anew"
            ) from error
        if found != identity:
            raise TrainingError(f"{path}: checkpoint of another training; delete it to start anew")
        self.optimizer.load_state_dict(state["optimizer"])
        if self.scheduler:
            self.scheduler.load_state_dict(state["scheduler"])
        torch.set_rng_state(state["random"])
        if torch.cuda.is_available():
            torch.cuda.set_rng_state_all(state["random_cuda"])
        kept = {epoch: points.numpy() for epoch, points in state["kept"].items()}
        return Fitted(state["history"], {}, state["best_epoch"], kept)


def _repeatable() -> AbstractContextManager:
    """Let the choice among convolution algorithms depend on no clock."""
    return torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True)
