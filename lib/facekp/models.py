"""Networks: tensors in, tensors out.

Here: plain ``torch.nn`` modules and the table of their layers. Not here: losses and decoders
(``regression``), optimisation (``training``), names that a parameter file uses (``experiments``).
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

__all__ = [
    "KeypointNet",
    "MirrorAveraged",
    "UNet",
    "layer_table",
    "nose_net",
    "space_to_depth_unet",
]


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


class UNet(nn.Module):
    """A U-Net: down, pooling at each level, and up again beside what each level saw.

    Each level is two 3×3 convolutions, each followed by batch normalisation and ReLU. Max-pooling
    by 2 leads down and doubles the channels; a 2×2 transposed convolution leads up and halves
    them. Unlike the original's, the convolutions are padded, so nothing is cropped.

    Parameters
    ----------
    keypoints : int
        Number of keypoints K, one map each.
    width : int
        Channels of the first level.
    depth : int
        Number of poolings.
    in_channels : int
        Channels of the input.
    stride : int
        Input pixels per cell of the maps, a power of 2: the way up ends at that level.
    start : float, optional
        What all maps hold before training, nearly: the last layer's weights are drawn with a
        standard deviation of 0.001 around a bias of this. Without it, torch's own initialisation.

    Raises
    ------
    ValueError
        If the stride is no level of the net.

    References
    ----------
    O. Ronneberger, P. Fischer, T. Brox: U-Net: Convolutional Networks for Biomedical Image
    Segmentation, MICCAI 2015.
    B. Xiao, H. Wu, Y. Wei: Simple Baselines for Human Pose Estimation and Tracking, ECCV 2018
    (the weights of the last layer).
    T.-Y. Lin, P. Goyal, R. Girshick, K. He, P. Dollár: Focal Loss for Dense Object Detection, ICCV
    2017 (its bias).
    """

    def __init__(
        self,
        keypoints: int,
        width: int = 16,
        depth: int = 4,
        in_channels: int = 1,
        stride: int = 1,
        start: float | None = None,
    ):
        super().__init__()
        strides = [2**level for level in range(depth + 1)]
        if stride not in strides:
            raise ValueError(f"stride must be one of {strides} at depth {depth}, not {stride}")
        last = strides.index(stride)
        channels = [width * 2**level for level in range(depth + 1)]
        inputs = [in_channels, *channels[:-1]]
        self.down = nn.ModuleList(map(_two_convolutions, inputs, channels))
        self.pool = nn.MaxPool2d(2)
        upwards = [(2 * c, c) for c in reversed(channels[last:-1])]
        self.up = nn.ModuleList(nn.ConvTranspose2d(*pair, 2, stride=2) for pair in upwards)
        self.merge = nn.ModuleList(_two_convolutions(*pair) for pair in upwards)
        self.head = nn.Conv2d(channels[last], keypoints, 1)
        if start is not None:
            nn.init.normal_(self.head.weight, std=0.001)
            nn.init.constant_(self.head.bias, start)

    def forward(self, images: Tensor) -> Tensor:
        """Predict a map of each keypoint.

        Parameters
        ----------
        images : Tensor, (B, C, H, W), float32 in [-0.5, 0.5]

        Returns
        -------
        Tensor, (B, K, H / stride, W / stride)
            Logits. What they mean is up to the loss (``heatmaps``).

        Raises
        ------
        ValueError
            If H or W cannot be halved ``depth`` times.
        """
        step = 2 ** (len(self.down) - 1)
        height, width = images.shape[-2:]
        if height % step or width % step:
            raise ValueError(f"input of {height} × {width} pixels: each side must divide by {step}")
        features, seen = self.down[0](images), []
        for level in self.down[1:]:
            seen.append(features)
            features = level(self.pool(features))  # (B, 2c, h / 2, w / 2)
        for up, merge in zip(self.up, self.merge, strict=True):
            features = merge(torch.cat([seen.pop(), up(features)], dim=1))  # (B, c / 2, 2h, 2w)
        return self.head(features)


def space_to_depth_unet(keypoints: int, in_channels: int = 1, **options: Any) -> nn.Sequential:
    """Build a U-Net that sees each block of 2×2 pixels as one cell with four times the channels.

    No pixel is lost, and no convolution runs at the full resolution, where it is dearest.

    Parameters
    ----------
    keypoints : int
    in_channels : int
        Channels of the input, whose sides must be even.
    **options
        Of ``UNet``. Its `stride` counts cells: stride 1 has two input pixels a cell of the maps.

    Raises
    ------
    ValueError
        If the stride is no level of the net. A RuntimeError is raised by the net for odd sides.

    References
    ----------
    W. Shi et al.: Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel
    Convolutional Neural Network, CVPR 2016 (the inverse of its last layer).
    """
    return nn.Sequential(
        nn.PixelUnshuffle(2), UNet(keypoints, in_channels=4 * in_channels, **options)
    )


def _two_convolutions(before: int, after: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs in (before, after):
        # No bias: the normalisation that follows would subtract it.
        layers += [nn.Conv2d(inputs, after, 3, padding=1, bias=False)]
        layers += [nn.BatchNorm2d(after), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


class MirrorAveraged(nn.Module):
    """A net whose evaluation also looks at the mirror image.

    In evaluation mode the output is the mean of what the model puts out for a picture and of what
    it puts out for its mirror image, mirrored back and with left and right exchanged; of logits
    it is the mean of the logits. In training mode it is the model's own output.

    Parameters
    ----------
    model : nn.Module
        Pictures (B, C, H, W) to an output of each keypoint, (B, K, ...).
    flip : sequence of int
        The K keypoints' order in a mirror image (``Scheme.flip``).
    mirror : callable, optional
        Mirrors an output from side to side. By default that of maps (B, K, h, w).
    """

    def __init__(
        self,
        model: nn.Module,
        flip: Sequence[int],
        mirror: Callable[[Tensor], Tensor] | None = None,
    ):
        super().__init__()
        self.model = model
        self.mirror = mirror or _mirror_maps
        self.register_buffer("flip", torch.tensor(list(flip)), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return the output (B, K, ...) of pictures (B, C, H, W)."""
        output = self.model(images)
        if self.training:
            return output
        return (output + self.mirror(self.model(images.flip(-1))[:, self.flip])) / 2


def _mirror_maps(maps: Tensor) -> Tensor:
    return maps.flip(-1)
