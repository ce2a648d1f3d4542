"""Read keypoints from maps.

Each decoder is batched, stays on the maps' device, and returns positions in map pixels;
`map_decoder` wraps one for ``training.fit``, in crop pixels. What a net puts out need not be H,
the non-negative map that a decoder reads: that depends on the loss it was trained with, and the
``activation`` says how to get it.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from facekp.coords import resize_points
from facekp.heatmaps.cells import (
    as_cells,
    centroid,
    check_positive,
    exponential,
    part_length,
    peak,
)
from facekp.heatmaps.refine import Activation, decode_dark, decode_local

__all__ = [
    "MapDecoder",
    "decode_argmax",
    "decode_softmax",
    "decode_weighted",
    "map_decoder",
    "map_entropy",
]


def decode_argmax(maps: Tensor) -> Tensor:
    """Return the cell with the largest value; of several, the first by rows.

    Parameters
    ----------
    maps : Tensor, (B, K, h, w)

    Returns
    -------
    Tensor, (B, K, 2), float32
        x and y in map pixels, whole numbers, without a gradient.
    """
    y, x = peak(as_cells(maps))
    return torch.stack([x, y], dim=-1).float()


def decode_softmax(logits: Tensor, temperature: float = 1.0) -> Tensor:
    """Return the mean position under the softmax over all cells of a map.

    Parameters
    ----------
    logits : Tensor, (B, K, h, w)
    temperature : float
        Divides the logits: near 0 the argmax, large the map's centre.

    Returns
    -------
    Tensor, (B, K, 2), float32
        x and y in map pixels, differentiable.

    Raises
    ------
    ValueError
        If the temperature is not positive.
    """
    check_positive("temperature", temperature)
    return decode_weighted(logits, partial(exponential, temperature=temperature))


def decode_weighted(maps: Tensor, activation: Activation | None = None) -> Tensor:
    """Return the mean position weighted by the map: Σ x H / Σ H.

    On a map of zeros and ones this is the centroid.

    Parameters
    ----------
    maps : Tensor, (B, K, h, w)
        Non-negative, unless an activation makes them so. A map of zeros has no mean: its
        position is the map's centre.
    activation : callable, optional
        Turns cells (b, h, w, K) of the maps into H, up to a factor for each map.

    Returns
    -------
    Tensor, (B, K, 2), float32
        x and y in map pixels, differentiable.
    """
    return torch.cat([_mean(part, activation) for part in maps.split(part_length(maps))])


def map_entropy(maps: Tensor, activation: Activation | None = None) -> Tensor:
    """Return each map's entropy, -Σ p log p with p = H / Σ H: how widely it is spread.

    From 0, all in one cell, to the logarithm of the number of cells, all alike. A Gaussian's is
    log(2πe σ²), σ in cells.

    Parameters
    ----------
    maps : Tensor, (B, K, h, w)
        As for `decode_weighted`.
    activation : callable, optional
        As for `decode_weighted`.

    Returns
    -------
    Tensor, (B, K), float32
        In nats; 0 for a map of zeros.
    """
    parts = []
    for part in maps.split(part_length(maps)):
        cells = as_cells(part).float()
        weight = activation(cells) if activation else cells
        mass = weight.sum((1, 2))  # (b, K)
        spread = torch.special.entr(weight).sum((1, 2))  # -Σ H log H
        some = mass.where(mass > 0, 1)
        parts.append((spread / some + some.log()).where(mass > 0, 0))
    return torch.cat(parts)


class MapDecoder:
    """A decoder of a net's maps to crop pixels; `map_decoder` builds it.

    Called with the output (B, K, h, w) it returns keypoints (B, K, 2). ``measures`` are what
    ``training.fit`` follows on validation besides the error: functions of the output to a number
    a picture, (B,).
    """

    def __init__(
        self,
        size: tuple[int, int],
        decode_hm: Callable[[Tensor], Tensor],
        activation: Activation,
    ):
        self.size, self.decode_hm = size, decode_hm
        self.measures = {"entropy": lambda output: map_entropy(output, activation).mean(1)}

    def __call__(self, output: Tensor) -> Tensor:
        """Return keypoints (B, K, 2) in crop pixels of maps (B, K, h, w)."""
        height, width = output.shape[-2:]
        scale = (self.size[0] / height, self.size[1] / width)
        return resize_points(self.decode_hm(output), scale)


def map_decoder(size: tuple[int, int], decoder: str, maps: str, **options: float) -> MapDecoder:
    """Build a decoder of a net's maps to crop pixels.

    Parameters
    ----------
    size : (int, int)
        Height and width of the crop, in pixels.
    decoder : {"argmax", "softmax", "weighted", "local", "dark"}
        Of the functions ``decode_*``. "argmax" and "softmax" read the output itself, the others H.
    maps : {"softmax", "sigmoid", "clipped"}
        What H is. After spatial cross-entropy, the output's softmax over the map; after per-pixel
        cross-entropy, its sigmoid; after the mean squared error, the output, negative values
        clipped to 0.
    **options
        Of the decoder, in cells: ``radius``, ``smoothing``; ``temperature``.

    Returns
    -------
    MapDecoder

    Raises
    ------
    ValueError
        If decoder or maps is none of these.
    """
    activations = {"softmax": exponential, "sigmoid": torch.sigmoid, "clipped": torch.relu}
    if maps not in activations:
        raise ValueError(f"no such maps: {maps!r}; known: {', '.join(activations)}")
    decoders = {
        "argmax": decode_argmax,
        "softmax": decode_softmax,
        "weighted": partial(decode_weighted, activation=activations[maps]),
        "local": partial(decode_local, activation=activations[maps]),
        "dark": partial(decode_dark, activation=activations[maps]),
    }
    if decoder not in decoders:
        raise ValueError(f"no such decoder: {decoder!r}; known: {', '.join(decoders)}")
    return MapDecoder(size, partial(decoders[decoder], **options), activations[maps])


def _mean(maps: Tensor, activation: Activation | None) -> Tensor:
    cells = as_cells(maps).float()
    weight = activation(cells) if activation else cells
    rows, columns = (torch.arange(n, device=maps.device)[None, :, None] for n in maps.shape[-2:])
    height, width = maps.shape[-2:]
    centre = torch.tensor([(width - 1) / 2, (height - 1) / 2], device=maps.device)
    return centroid(weight, rows, columns, centre)
