"""What a training costs, as ratios: ``python -m facekp.bench``.

A clock says little about another machine, and nothing while other work runs beside. So two ways
of doing something are timed in turn, round by round, and their ratio is what is shown. Nothing
here is a test: no number of this module decides whether the library is right.
"""

import argparse
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from facekp import heatmaps, models, regression, regressors
from facekp.augment import Augmentation
from facekp.experiments.experiment import adam
from facekp.heatmaps.cells import exponential, part_length
from facekp.schemes import IBUG68
from facekp.training.loop import Loop
from facekp.training.memory import keep_freed_memory
from facekp.training.pictures import Pictures
from facekp.training.precision import usable_precision

__all__ = ["CASES", "Case", "paired", "run", "seconds_an_epoch"]

Work = Callable[[], object]
K = IBUG68.count
SIGMA = 1.5  # crop pixels


@dataclass(frozen=True)
class Case:
    """One ratio: its name, what is wanted of it, and how to make the two works to be timed.

    ``make(size, batch)`` returns both; the ratio is the first one's time over the second one's.
    """

    name: str
    wanted: str
    make: Callable[[int, int], tuple[Work, Work]]


def paired(one: Work, other: Work, rounds: int) -> np.ndarray:
    """Time two works in turn.

    Parameters
    ----------
    one, other : callable
        Each is called once unmeasured, so that what is set up once does not count.
    rounds : int

    Returns
    -------
    ndarray, (rounds,)
        Seconds of the first over seconds of the second.
    """
    one(), other()
    return np.array([_seconds(one) / _seconds(other) for _ in range(rounds)])


def run(cases: Iterable[Case], size: int, batch: int, rounds: int) -> pd.DataFrame:
    """Measure cases one after the other.

    Parameters
    ----------
    cases : iterable of Case
    size : int
        Side of the crops, in pixels.
    batch, rounds : int

    Returns
    -------
    DataFrame
        name, median, least and greatest ratio, and what is wanted.
    """
    rows = []
    for case in cases:
        ratios = paired(*case.make(size, batch), rounds)
        rows.append((case.name, np.median(ratios), ratios.min(), ratios.max(), case.wanted))
    return pd.DataFrame(rows, columns=["ratio", "median", "least", "greatest", "wanted"])


def seconds_an_epoch(sizes: Iterable[int], counts: Iterable[int], batch: int = 16) -> pd.DataFrame:
    """Time an epoch of the U-Net by size of the crops and number of pictures.

    Returns
    -------
    DataFrame
        size, pictures, seconds, and microseconds a pixel and picture, which stay level where
        the cost is linear in both.
    """
    rows = []
    for size in sizes:
        for count in counts:
            loop = _loop(unet(), unet_loss(size), maps_decoder(size), batch)
            data = _pictures(size, count)
            loop.train(_pictures(size, batch), 0)
            seconds = _seconds(lambda loop=loop, data=data: loop.train(data, 1))
            rows.append((size, count, seconds, 1e6 * seconds / (count * size**2)))
    return pd.DataFrame(rows, columns=["size", "pictures", "seconds", "µs a pixel"])


def unet(_size: int = 0) -> nn.Module:
    """Build the U-Net of base width 16 with maps of the input's size."""
    return models.UNet(K, width=16)


def resnet(size: int) -> nn.Module:
    """Build the ResNet-18 that regresses coordinates."""
    return regressors.resnet18((size, size), K)


def unet_loss(size: int):
    """Build the loss of its maps."""
    return heatmaps.spatial_cross_entropy((size, size), sigma=SIGMA)


def maps_decoder(size: int):
    """Build the decoder of its maps."""
    return heatmaps.map_decoder((size, size), decoder="softmax", maps="softmax")


def step(model: nn.Module, loss: Callable, size: int, batch: int, *, fast: bool = True) -> Work:
    """Return one bare training step on a ready batch.

    ``fast`` computes as a training of "bf16-mixed" does on this machine, with the channels last in
    memory; else all is float32 with the channels first.
    """
    device = _device()
    layout = torch.channels_last if fast else torch.contiguous_format
    model = model.to(device, memory_format=layout)
    optimizer = adam(model.parameters(), 1e-3)
    images, keypoints, visible = _batch(size, batch)
    images = images.contiguous(memory_format=layout)

    def once() -> None:
        with _autocast(enabled=fast):
            output = model(images)
        value = loss(output, keypoints, visible)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()

    return once


def _augmentation(size: int, batch: int) -> tuple[Work, Work]:
    augment = Augmentation((size, size), translation=10 * size / 224)
    colour = torch.rand(batch, 3, size, size, device=_device()) - 0.5
    _, keypoints, visible = _batch(size, batch)
    loss = regression.mse_loss((size, size))
    return lambda: augment(colour, keypoints, visible), step(resnet(size), loss, size, batch)


def _targets(size: int, batch: int) -> tuple[Work, Work]:
    # As the loss makes them, which never holds all targets of a batch: some pictures' at a time.
    _, keypoints, _ = _batch(size, batch)
    some = part_length(torch.empty(1, K, size, size, device="meta"))
    bare = step(unet(), unet_loss(size), size, batch)

    def make() -> None:
        for part in keypoints.split(some):
            heatmaps.encode_gaussian(part, (size, size), SIGMA, normalise=True)

    return make, bare


def _decoding(size: int, batch: int) -> tuple[Work, Work]:
    # Of an evaluation as a training makes it: the maps, their loss, keypoints and entropy.
    loop = _loop(unet(), unet_loss(size), maps_decoder(size), batch)
    data = _pictures(size, batch)
    images = data.batch(torch.arange(batch, device=_device()))[0]
    with torch.inference_mode(), _autocast():
        maps = loop.model.eval()(images.contiguous(memory_format=torch.channels_last))
    return torch.inference_mode()(lambda: loop.decode(maps)), lambda: loop.evaluate(data)


def _with_keypoints(size: int, batch: int) -> tuple[Work, Work]:
    # What keypoints add to an evaluation, which needs H for the maps' entropy anyway.
    data = _pictures(size, 2 * batch)
    decoders = (maps_decoder(size), _EntropyAlone())
    loops = (_loop(unet(), unet_loss(size), decoder, batch) for decoder in decoders)
    one, other = (partial(loop.evaluate, data) for loop in loops)
    return one, other


class _EntropyAlone:
    def with_measures(self, output: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        entropy = heatmaps.map_entropy(output, exponential).mean(1)
        return torch.zeros(*output.shape[:2], 2, device=output.device), {"entropy": entropy}


def _slow_to_fast(net: Callable, loss: Callable) -> Callable[[int, int], tuple[Work, Work]]:
    def make(size: int, batch: int) -> tuple[Work, Work]:
        slow, fast = (step(net(size), loss(size), size, batch, fast=fast) for fast in (False, True))
        return slow, fast

    return make


def _loop_to_bare(net: Callable, loss: Callable, decode: Callable) -> Callable:
    def make(size: int, batch: int) -> tuple[Work, Work]:
        loop, data = _loop(net(size), loss(size), decode(size), batch), _pictures(size, 4 * batch)
        bare = step(net(size), loss(size), size, batch)
        return lambda: loop.train(data, 1), lambda: [bare() for _ in range(4)]

    return make


def _square(builder: Callable) -> Callable[[int], Callable]:
    return lambda size: builder((size, size))


_mse, _unit = _square(regression.mse_loss), _square(regression.decode_unit)
CASES = (
    Case("augmentation / step of ResNet-18", "at most 0.05", _augmentation),
    Case("making targets / step of U-Net", "at most 0.06", _targets),
    Case("decoding / evaluation of U-Net", "at most 0.06", _decoding),
    Case("evaluation of U-Net / without decoding", "at most 1.06", _with_keypoints),
    Case("plain float32 / as trained, ResNet-18", "at least 1.6", _slow_to_fast(resnet, _mse)),
    Case("plain float32 / as trained, U-Net", "at least 1.6", _slow_to_fast(unet, unet_loss)),
    Case("loop / bare steps, ResNet-18", "at most 1.05", _loop_to_bare(resnet, _mse, _unit)),
    Case("loop / bare steps, U-Net", "at most 1.05", _loop_to_bare(unet, unet_loss, maps_decoder)),
)


def _loop(model: nn.Module, loss: Callable, decode: Callable, batch: int) -> Loop:
    fabric = Fabric(accelerator="auto", devices=1, precision=usable_precision("bf16-mixed"))
    return Loop(fabric, model, lambda p: adam(p, 1e-3), None, loss, decode, None, batch)


def _pictures(size: int, count: int) -> Pictures:
    images, keypoints, visible = _batch(size, count)
    return Pictures((255 * (images + 0.5)).to(torch.uint8), keypoints, visible)


def _batch(size: int, batch: int) -> tuple[Tensor, Tensor, Tensor]:
    images = torch.rand(batch, 1, size, size, device=_device()) - 0.5
    keypoints = torch.rand(batch, K, 2, device=_device()) * (size - 1)
    return images, keypoints, torch.ones(batch, K, dtype=torch.bool, device=_device())


def _autocast(*, enabled: bool = True) -> torch.autocast:
    able = usable_precision("bf16-mixed") == "bf16-mixed"
    return torch.autocast(_device().type, torch.bfloat16, enabled=enabled and able)


def _device() -> torch.device:
    return Fabric(accelerator="auto", devices=1).device


def _seconds(work: Work) -> float:
    started = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - started


def main() -> None:
    """Print the ratios, and with ``--epochs`` the cost of an epoch by size and pictures."""
    parser = argparse.ArgumentParser(prog="python -m facekp.bench", description=__doc__)
    parser.add_argument("--size", type=int, default=128, help="side of the crops, pixels")
    parser.add_argument("--batch", type=int, default=32, help="pictures a step")
    parser.add_argument("--rounds", type=int, default=5, help="of each ratio")
    parser.add_argument("--only", default="", help="cases whose name holds this text")
    parser.add_argument("--epochs", action="store_true", help="cost by size and pictures instead")
    options = parser.parse_args()
    keep_freed_memory()
    if options.epochs:
        found = seconds_an_epoch((64, 96, 128), (250, 500, 1000, 2012))
    else:
        cases = [case for case in CASES if options.only in case.name]
        found = run(cases, options.size, options.batch, options.rounds)
    print(f"Trainings of bf16-mixed compute here in {usable_precision('bf16-mixed')}.")
    print(found.to_string(index=False, float_format="{:.3f}".format))


if __name__ == "__main__":
    main()
