"""Faces on the device, and what a model says of them."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from facekp.augment import to_grey
from facekp.data import Faces
from facekp.metrics import pixel_error

__all__ = ["Decode", "Evaluation", "Loss", "Pictures", "evaluate"]

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]
Decode = Callable[[Tensor], Tensor]


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
    ``error`` (N,), the mean distance of the visible keypoints in crop pixels; ``measures`` the
    means over pictures of what the decoder measures (``heatmaps.MapDecoder``), if anything.
    """

    loss: float
    keypoints: np.ndarray
    error: np.ndarray
    measures: dict[str, float]


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
    measured = defaultdict(float)
    with_measures = getattr(decode, "with_measures", lambda output: (decode(output), {}))
    with torch.inference_mode():
        for index in torch.arange(len(pictures), device=pictures.images.device).split(batch_size):
            images, truth, visible = pictures.batch(index)
            output = model(to_grey(images))
            total += float(loss(output, truth, visible)) * len(index)
            points, values = with_measures(output)
            keypoints.append(points.float().cpu())
            for name, value in values.items():
                measured[name] += float(value.sum()) / len(pictures)
    model.train(was_training)
    predicted = torch.cat(keypoints).numpy()
    truth, visible = pictures.keypoints.cpu().numpy(), pictures.visible.cpu().numpy()
    error = pixel_error(predicted, truth, visible)
    return Evaluation(total / len(pictures), predicted, error, dict(measured))
