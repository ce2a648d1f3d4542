"""Read keypoints from maps.

Each decoder is batched, stays on the maps' device, and returns positions in map pixels;
`map_decoder` wraps one for ``training.fit``, in crop pixels. What a net puts out need not be H,
the non-negative map that a decoder reads: that depends on the loss it was trained with, and the
``activation`` says how to get it.
"""

from collections.abc import Callable, Iterator
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
    return torch.cat([_mean(weight) for weight in _weights(maps, activation)])


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
    return torch.cat([_entropy(weight) for weight in _weights(maps, activation)])


class MapDecoder:
    """A decoder of a net's maps to crop pixels; `map_decoder` builds it.

    ``decode_hm`` returns positions in map pixels; without it they are the means weighted by H.
    """

    def __init__(
        self,
        size: tuple[int, int],
        activation: Activation,
        decode_hm: Callable[[Tensor], Tensor] | None = None,
    ):
        self.size, self.activation, self.decode_hm = size, activation, decode_hm

    def __call__(self, output: Tensor) -> Tensor:
        """Return keypoints (B, K, 2) in crop pixels of maps (B, K, h, w)."""
        if self.decode_hm:
            points_hm = self.decode_hm(output)
        else:
            points_hm = decode_weighted(output, self.activation)
        return self._resized(points_hm, output)

    def with_measures(self, output: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the keypoints, and what ``training.fit`` follows on validation besides the error.

        That is the maps' entropy, (B,), a picture's mean; it shares H with the keypoints' means.
        """
        if self.decode_hm:
            return self(output), {"entropy": map_entropy(output, self.activation).mean(1)}
        parts = [(_mean(w), _entropy(w)) for w in _weights(output, self.activation)]
        points_hm, entropy = map(torch.cat, zip(*parts, strict=True))
        return self._resized(points_hm, output), {"entropy": entropy.mean(1)}

    def _resized(self, points_hm: Tensor, output: Tensor) -> Tensor:
        height, width = output.shape[-2:]
        return resize_points(points_hm, (self.size[0] / height, self.size[1] / width))


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
    if decoder == "softmax" and maps == "softmax" and not options:
        decoder = "weighted"  # one and the same
    decoders = {
        "argmax": decode_argmax,
        "softmax": decode_softmax,
        "weighted": None,
        "local": partial(decode_local, activation=activations[maps]),
        "dark": partial(decode_dark, activation=activations[maps]),
    }
    if decoder not in decoders:
        raise ValueError(f"no such decoder: {decoder!r}; known: {', '.join(decoders)}")
    decode_hm = decoders[decoder]
    return MapDecoder(size, activations[maps], decode_hm and partial(decode_hm, **options))


def _weights(maps: Tensor, activation: Activation | None) -> Iterator[Tensor]:
    """Make H of some pictures at a time, cells (b, h, w, K), float32."""
    for part in maps.split(part_length(maps)):
        cells = as_cells(part).float()
        yield activation(cells) if activation else cells


def _mean(weight: Tensor) -> Tensor:
    height, width = weight.shape[1:3]
    rows, columns = (torch.arange(n, device=weight.device)[None, :, None] for n in (height, width))
    centre = torch.tensor([(width - 1) / 2, (height - 1) / 2], device=weight.device)
    return centroid(weight, rows, columns, centre)


def _entropy(weight: Tensor) -> Tensor:
    mass = weight.sum((1, 2))  # (b, K)
    spread = torch.special.entr(weight).sum((1, 2))  # -Σ H log H
    some = mass.where(mass > 0, 1)
    return (spread / some + some.log()).where(mass > 0, 0)
