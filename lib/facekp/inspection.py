"""Looking into a trained net: its filters, what they answer to, and channels that never do.

Every convolution of a net is listed by the name that the net itself gives it, and its answer is
what leaves the ReLU behind it. Nets are watched through forward hooks, so any net will do. Not
here: the table of layers (``models``) and pictures of filters (``plots``).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

__all__ = ["channel_activity", "dead_channels", "feature_maps", "filters"]


def filters(model: nn.Module) -> dict[str, Tensor]:
    """Return the kernels of each convolution, in the order in which the net defines them.

    Parameters
    ----------
    model : nn.Module

    Returns
    -------
    dict of str to Tensor, (out, in, kernel height, kernel width)
        float32 copies on the CPU.
    """
    return {
        name: layer.weight.detach().to("cpu", torch.float32, copy=True)
        for name, layer in model.named_modules()
        if isinstance(layer, nn.Conv2d)
    }


def feature_maps(model: nn.Module, image: Tensor) -> dict[str, Tensor]:
    """Return what each convolution answers to one picture.

    Parameters
    ----------
    model : nn.Module
        Looked at in evaluation mode.
    image : Tensor, (C, H, W)
        As the model takes it: float32 in [-0.5, 0.5], on any device.

    Returns
    -------
    dict of str to Tensor, (channels, h, w)
        After the ReLU; float32 copies on the CPU. In the order in which the picture passes them.
        Where a convolution's output first joins that of others, as in a residual block, the name
        is that of the first convolution since the ReLU before. Without a ReLU there is no entry.
    """
    maps: dict[str, Tensor] = {}

    def see(name: str, output: Tensor) -> None:
        maps[name] = output[0].to("cpu", torch.float32, copy=True)

    _watch(model, image[None], 1, see)
    return maps


def channel_activity(model: nn.Module, images: Tensor, batch_size: int = 64) -> dict[str, Tensor]:
    """Measure how often the channels of each convolution are active.

    Parameters
    ----------
    model : nn.Module
        Looked at in evaluation mode.
    images : Tensor, (N, C, H, W)
        As the model takes them: float32 in [-0.5, 0.5], on any device.
    batch_size : int
        Pictures at a time.

    Returns
    -------
    dict of str to Tensor, (channels,), float64
        For each channel, the share of pictures × positions where the ReLU lets something through;
        named as by ``feature_maps``.

    Raises
    ------
    ValueError
        If there are no pictures.
    """
    if not len(images):
        raise ValueError("no pictures to look at")
    active: dict[str, Tensor] = {}
    seen: dict[str, int] = {}  # pictures × positions

    def see(name: str, output: Tensor) -> None:
        active[name] = active.get(name, 0) + (output > 0).sum((0, 2, 3)).cpu()  # (channels,)
        seen[name] = seen.get(name, 0) + output[:, 0].numel()

    _watch(model, images, batch_size, see)
    return {name: count.double() / seen[name] for name, count in active.items()}


def dead_channels(activity: dict[str, Tensor]) -> list[dict]:
    """Count the channels that were never active, by layer.

    Parameters
    ----------
    activity : dict of str to Tensor, (channels,)
        Of ``channel_activity``; it says over which pictures.

    Returns
    -------
    list of dict
        ``layer`` (name), ``channels`` (count), ``dead`` (count), ``share`` (dead of channels).
    """
    rows = []
    for name, shares in activity.items():
        dead = int((shares == 0).sum())
        rows.append(
            {"layer": name, "channels": len(shares), "dead": dead, "share": dead / len(shares)}
        )
    return rows


def _watch(
    model: nn.Module, images: Tensor, batch_size: int, see: Callable[[str, Tensor], None]
) -> None:
    """Pass pictures through a model; tell ``see`` each ReLU's maps and their convolution."""
    device = next(model.parameters()).device
    with torch.no_grad(), _evaluating(model), _hooked(model, see):
        for batch in images.split(batch_size):
            model(batch.to(device))


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Put a model into evaluation mode; each layer returns to the mode that it had."""
    training = [layer for layer in model.modules() if layer.training]
    model.eval()
    try:
        yield
    finally:
        for layer in training:
            layer.training = True


@contextmanager
def _hooked(model: nn.Module, see: Callable[[str, Tensor], None]) -> Iterator[None]:
    """Tell ``see`` of each ReLU's maps while a model runs."""
    since: list[str] = []  # convolutions since the last ReLU or the start

    def convolved(name: str) -> Callable:
        return lambda *_: since.append(name)

    def rectified(_layer: nn.Module, _inputs: tuple, output: Tensor) -> None:
        if since and output.dim() == 4:  # else a linear layer's
            see(since[0], output)
            since.clear()

    hooks = [model.register_forward_pre_hook(lambda *_: since.clear())]
    try:
        for name, layer in model.named_modules():
            if isinstance(layer, nn.Conv2d):
                hooks.append(layer.register_forward_hook(convolved(name)))
            elif isinstance(layer, nn.ReLU):
                hooks.append(layer.register_forward_hook(rectified))
        yield
    finally:
        for hook in hooks:
            hook.remove()
