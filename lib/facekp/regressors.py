"""Networks that regress all keypoints of a face: the original's full net, and ResNet-18.

Here: nets whose parts come from elsewhere (``models.KeypointNet``, torchvision), put together.
Not here: nets of our own layers and the table of layers (``models``), losses and decoders
(``regression``). Nothing is downloaded: each net starts from random weights.
"""

from collections import OrderedDict

import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional

from facekp.models import KeypointNet

__all__ = ["Float32Linear", "full_net", "resnet18", "resnet18_bins"]

CHANNELS = (16, 32, 64, 128, 256)
HIDDEN = 128
DROPOUT_PLACES = ("before_output", "after_output")
RESNET_CHANNELS = 512  # of ResNet-18's last features


class Float32Linear(nn.Linear):
    """A linear layer that computes in float32 under autocast, too.

    For the last layer of a net. A bfloat16 between 0.5 and 1 is a multiple of 1/256: a unit
    coordinate rounded so is off by up to a quarter of a pixel in a crop of 128, by nearly half of
    one in a crop of 224.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Map features (..., in) of any floating type to float32 (..., out)."""
        with torch.autocast(features.device.type, enabled=False):
            return functional.linear(features.float(), self.weight, self.bias)


def full_net(
    size: tuple[int, int],
    keypoints: int = 58,
    width: float = 1.0,
    dropout: float = 0.35,
    dropout_at: str = "before_output",
    norm: bool = False,
    in_channels: int = 1,
) -> KeypointNet:
    """Build the original report's net for all keypoints.

    Five 3×3 convolutions whose channels double from 16 to 256, each followed by ReLU and 2×2
    max-pooling; a linear layer of 128 units and ReLU; dropout; a linear layer of 2K units. The
    last one computes in float32 (``Float32Linear``).

    Parameters
    ----------
    size : (int, int)
        Height and width of the input, in pixels.
    keypoints : int
        Number of keypoints K.
    width : float
        Factor on the channels and on the 128 hidden units.
    dropout : float
        Probability of a unit to be zero in training; with 0 there is no dropout layer.
    dropout_at : {"before_output", "after_output"}
        "after_output" is what the original report says, read literally: in training each
        coordinate is 0 with that probability, and divided by 1 - dropout otherwise.
    norm : bool
        Put batch normalisation between each convolution and its ReLU; the original has none. The
        convolutions then have no bias, which the normalisation would subtract.
    in_channels : int
        Channels of the input.

    Returns
    -------
    KeypointNet
        Pictures (B, C, H, W), float32 in [-0.5, 0.5], to x and y in unit coordinates, (B, K, 2).

    Raises
    ------
    ValueError
        If the input is too small for five poolings, or the dropout or its place is none of these.
    """
    if dropout_at not in DROPOUT_PLACES:
        raise ValueError(f"dropout_at must be one of {DROPOUT_PLACES}, not {dropout_at!r}")
    channels, hidden = [round(width * c) for c in CHANNELS], round(width * HIDDEN)
    net = KeypointNet(size, channels, hidden, keypoints, in_channels)
    net.head[-1] = Float32Linear(hidden, 2 * keypoints)
    if dropout:
        last = len(net.head) - 1
        place = last if dropout_at == "before_output" else last + 1
        net.head.insert(place, nn.Dropout(dropout))
    if norm:
        _normalise(net.features)
    return net


def resnet18(_size: tuple[int, int], keypoints: int = 68, in_channels: int = 1) -> nn.Sequential:
    """Build a ResNet-18 that puts out coordinates.

    torchvision's net with random weights: its first convolution takes `in_channels`, its linear
    layer puts out 2K numbers and computes in float32 (``Float32Linear``).

    Parameters
    ----------
    _size : (int, int)
        Height and width of the input, in pixels; any will do.
    keypoints : int
        Number of keypoints K.
    in_channels : int
        Channels of the input.

    Returns
    -------
    Sequential
        ``features`` and ``head``: pictures (B, C, H, W), float32 in [-0.5, 0.5], to x and y in
        unit coordinates, (B, K, 2).

    References
    ----------
    K. He, X. Zhang, S. Ren, J. Sun: Deep Residual Learning for Image Recognition, CVPR 2016.
    """
    return _resnet18(keypoints, 2, in_channels)


def resnet18_bins(
    size: tuple[int, int], keypoints: int = 68, bins_per_pixel: int = 2, in_channels: int = 1
) -> nn.Sequential:
    """Build a ResNet-18 that puts out a distribution over bins for each coordinate (SimCC).

    ``resnet18`` with a logit for each bin of x and of y in place of x and y. SimCC's own head, a
    small map of each keypoint and then one linear layer for all, starts far more slowly: given one
    batch to overfit, it was still worse than the mean face when this one had finished. The price
    is a large last layer: 18 million weights for 68 keypoints in a crop of 128×128 at two bins a
    pixel.

    Parameters
    ----------
    size : (int, int)
        Height and width of the input, in pixels.
    keypoints : int
        Number of keypoints K.
    bins_per_pixel : int
        Bins are W · bins_per_pixel for x and H · bins_per_pixel for y.
    in_channels : int
        Channels of the input.

    Returns
    -------
    Sequential
        ``features`` and ``head``: pictures (B, C, H, W), float32 in [-0.5, 0.5], to logits
        (B, K, bins of x + bins of y), those of x first (``regression.bin_cross_entropy``).

    References
    ----------
    Y. Li et al.: SimCC: a Simple Coordinate Classification Perspective for Human Pose Estimation,
    ECCV 2022, section 3.
    """
    return _resnet18(keypoints, bins_per_pixel * sum(size), in_channels)


def _resnet18(keypoints: int, outputs: int, in_channels: int) -> nn.Sequential:
    """Return torchvision's ResNet-18 with so many outputs for each keypoint: (B, K, outputs)."""
    net = torchvision.models.resnet18(weights=None, num_classes=1)
    net.conv1 = nn.Conv2d(in_channels, 64, 7, stride=2, padding=3, bias=False)
    # As torchvision draws its convolutions.
    nn.init.kaiming_normal_(net.conv1.weight, mode="fan_out", nonlinearity="relu")
    features = nn.Sequential(OrderedDict([*net.named_children()][:-2]))  # less avgpool and fc
    head = nn.Sequential(
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        Float32Linear(RESNET_CHANNELS, keypoints * outputs),
        nn.Unflatten(1, (keypoints, outputs)),
    )
    return nn.Sequential(OrderedDict(features=features, head=head))


def _normalise(features: nn.Sequential) -> None:
    """Put batch normalisation behind each convolution, in place of its bias."""
    for place in reversed(range(len(features))):
        if isinstance(features[place], nn.Conv2d):
            features[place].bias = None
            features.insert(place + 1, nn.BatchNorm2d(features[place].out_channels))
