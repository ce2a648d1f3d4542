"""Trainings of a moment: a net with dropout, and one whose numbers follow by hand."""

from dataclasses import replace

import numpy as np
import torch
from torch import nn

from dots import dot_faces
from facekp.regression import decode_unit, mse_loss
from facekp.training import Fitted, fit

H, W, K = 12, 17, 3
BATCH = 4  # 11 pictures: batches of 4, 4 and 3
EPOCHS = 5


def some_faces(count, seed=0):
    return dot_faces([f"{n:02d}" for n in range(count)], (H, W), K, seed)


def dropout_net(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(4 * (H // 2) * (W // 2), 2 * K),
        nn.Unflatten(1, (K, 2)),
    )


def jitter(images, keypoints, visible):
    """Move brightness, drawing from torch's generator as an augmentation does."""
    return images + 0.1 * torch.randn(len(images), 1, 1, 1), keypoints, visible


def fused_adam(parameters):
    return torch.optim.Adam(parameters, 4e-3, fused=True)


def halving(optimizer):
    return torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)


SETTINGS = {
    "loss": mse_loss((H, W)),
    "decode": decode_unit((H, W)),
    "optimizer": fused_adam,
    "scheduler": halving,
    "augment": jitter,
    "epochs": EPOCHS,
    "batch_size": BATCH,
    "seed": 7,
    "keep": (2, EPOCHS),
}


def fitted(train, val, model=None, **changes):
    return fit(model or dropout_net(), train, val, **{**SETTINGS, **changes})


def untimed(history):
    return {name: curve for name, curve in history.items() if name != "seconds"}


def assert_same(one, other):
    assert untimed(one.history) == untimed(other.history)
    assert one.best_epoch == other.best_epoch
    assert one.last.keys() == other.last.keys()
    for name in one.last:
        assert torch.equal(one.last[name], other.last[name]), name
    assert one.kept.keys() == other.kept.keys()
    for epoch in one.kept:
        np.testing.assert_array_equal(one.kept[epoch], other.kept[epoch])


class Drift(nn.Module):
    """Predicts one point for all; with ``drift`` and rate 1 its x grows by 1 a step."""

    def __init__(self):
        super().__init__()
        self.point = nn.Parameter(torch.zeros(2))

    def forward(self, images):
        return torch.zeros(len(images), K, 2) + self.point


DRIFT = {
    "loss": lambda output, keypoints, visible: -output[..., 0].mean(),
    "decode": lambda output: output,
    "optimizer": lambda parameters: torch.optim.SGD(parameters, lr=1.0),
    "scheduler": None,
    "augment": None,
    "batch_size": 11,
}


def at_three(faces):
    """The faces with each keypoint at (3, 0)."""
    return replace(faces, keypoints=np.tile(np.float32([3, 0]), (len(faces), K, 1)))


def fit_to_files(train, val, folder):
    """Fit with a checkpoint and leave all that came of it in a file; runs in another process."""
    found = fitted(train, val, checkpoint=folder / "a.pt")
    kept = {epoch: torch.from_numpy(points) for epoch, points in found.kept.items()}
    torch.save({**vars(found), "kept": kept}, folder / "found")


def read_fitted(folder):
    found = torch.load(folder / "found", weights_only=True)
    found["kept"] = {epoch: points.numpy() for epoch, points in found["kept"].items()}
    return Fitted(**found)
