"""What experiments on maps have in common: a loss, how its maps are read, and the other ways."""

from typing import Any

__all__ = ["MAP_LOSSES", "map_task"]

# name in a notebook: (name of the loss, what H is after it, what the maps hold before training)
MAP_LOSSES = {
    "spatial": ("spatial_cross_entropy", "softmax", 0.0),
    "per pixel": ("pixel_cross_entropy", "sigmoid", -4.6),  # its sigmoid is 0.01
    "squared": ("map_mse", "clipped", 0.0),
}


def map_task(
    loss: str,
    net: dict[str, Any],
    *,
    sigma: float | None = None,
    radius: float | None = None,
    window: int = 0,
) -> dict[str, Any]:
    """Say what an experiment on maps changes for a loss and a target.

    Before training, the maps hold what the loss asks of nearly all cells: nothing. From random maps
    the per-pixel losses stay at empty ones for hundreds of updates; most likely because the first
    gradients, far larger than those that follow, set the running scale of Adam's steps.

    Parameters
    ----------
    loss : {"spatial", "per pixel", "squared"}
        Cross-entropy of a softmax over the map, of a sigmoid in each cell, or the squared error.
    net : dict
        The U-Net, as the field `model` of an experiment.
    sigma, radius : float, optional
        One of them: of a Gaussian target or a disc, in crop pixels.
    window : int
        Cells on either side of the argmax in the reading "local"; without them there are no
        readings.

    Returns
    -------
    dict
        Changes for ``Experiment.vary``: the net with its start, loss, decoder (weighted by H), and
        as readings the same maps read by "argmax", "softmax", "weighted", "dark" and "local".
    """
    name, maps, start = MAP_LOSSES[loss]
    decoder = {"name": "maps", "decoder": "weighted", "maps": maps}
    others = {way: decoder | {"decoder": way} for way in ("argmax", "softmax", "weighted", "dark")}
    others["local"] = decoder | {"decoder": "local", "radius": window}
    readings = {way: {"decoder": other} for way, other in others.items()} if window else {}
    target = {"radius": radius} if sigma is None else {"sigma": sigma}
    cost = {"name": name, **target}
    return {
        "model": net | {"start": start},
        "loss": cost,
        "decoder": decoder,
        "readings": readings,
    }
