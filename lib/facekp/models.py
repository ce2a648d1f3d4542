"""Networks: tensors in, tensors out.

Here: plain ``torch.nn`` modules and the table of their layers. Not here: losses and decoders
(``regression``), optimisation (``training``), names that a parameter file uses (``experiments``).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = ["KeypointNet", "layer_table", "nose_net"]


class KeypointNet(nn.Module):
    """Convolutions, each followed by ReLU and 2×2 max-pooling, then two linear layers.

    Parameters
    ----------
    size : (int, int)
        Height and width of the input, in pixels.
    channels : sequence of int
        Output channels of each convolution (3×3, zero padding, stride 1).
    hidden : int
        Units of the first linear layer.
    keypoints : int
        Number of keypoints K.
    in_channels : int
        Channels of the input.

    Raises
    ------
    ValueError
        If the input is so small that pooling leaves nothing of it.
    """

    def __init__(
        self,
        size: tuple[int, int],
        channels: Sequence[int],
        hidden: int,
        keypoints: int,
        in_channels: int = 1,
    ):
        super().__init__()
        height, width = (side // 2 ** len(channels) for side in size)
        if min(height, width) < 1:
            raise ValueError(
                f"size {tuple(size)} is too small for {len(channels)} poolings by 2: "
                f"use at least {2 ** len(channels)} pixels a side or fewer channels"
            )
        layers: list[nn.Module] = []
        for before, after in zip([in_channels, *channels], channels, strict=False):
            layers += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Linear(channels[-1] * height * width, hidden),
            nn.ReLU(),
            nn.Linear(hidden, 2 * keypoints),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Predict keypoints.

        Parameters
        ----------
        images : Tensor, (B, C, H, W), float32 in [-0.5, 0.5]

        Returns
        -------
        Tensor, (B, K, 2)
            x and y in unit coordinates (``coords.unit_from_pixels``).
        """
        features = self.features(images)  # (B, channels[-1], H / 2^n, W / 2^n)
        return self.head(features).unflatten(1, (-1, 2))  # (B, 2K) -> (B, K, 2)


def nose_net(size: tuple[int, int], depth: int = 3, width: float = 1.0) -> KeypointNet:
    """Build the net for one keypoint.

    Depth 3 has 16, 32 and 32 channels, as the original report states. Depth 5 doubles from 16
    to 256, as it states for its deeper net. Both end in linear layers of 58 and 2 units.

    Parameters
    ----------
    size : (int, int)
        Height and width of the input, in pixels.
    depth : {3, 5}
        Number of convolutions.
    width : float
        Factor on the channels and on the 58 hidden units.

    Raises
    ------
    ValueError
        If the depth is neither 3 nor 5.
    """
    channels = {3: (16, 32, 32), 5: (16, 32, 64, 128, 256)}.get(depth)
    if channels is None:
        raise ValueError(f"depth must be 3 or 5, not {depth}")
    return KeypointNet(size, [round(width * c) for c in channels], round(width * 58), keypoints=1)


def layer_table(model: nn.Module, size: tuple[int, int], in_channels: int = 1) -> list[dict]:
    """List the layers in the order in which a picture passes them.

    Parameters
    ----------
    model : nn.Module
    size : (int, int)
        Height and width of the input, in pixels.
    in_channels : int
        Channels of the input.

    Returns
    -------
    list of dict
        ``layer`` (class name), ``output`` (shape without the batch) and ``parameters`` (count).
    """
    rows: list[dict] = []

    def note(layer: nn.Module, _inputs: tuple, output: Tensor) -> None:
        count = sum(p.numel() for p in layer.parameters())
        shape = " × ".join(str(n) for n in output.shape[1:])
        rows.append({"layer": type(layer).__name__, "output": shape, "parameters": count})

    leaves = [layer for layer in model.modules() if not list(layer.children())]
    hooks = [layer.register_forward_hook(note) for layer in leaves]
    device = next(model.parameters()).device
    with torch.no_grad():
        model(torch.zeros(1, in_channels, *size, device=device))
    for hook in hooks:
        hook.remove()
    return rows
