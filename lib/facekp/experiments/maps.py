"""What experiments on maps have in common: a loss, how its maps are read, and the other ways."""

from typing import Any

__all__ = ["MAP_LOSSES", "map_task"]

# name in a notebook: (name of the loss, what H is after it)
MAP_LOSSES = {
    "spatial": ("spatial_cross_entropy", "softmax"),
    "per pixel": ("pixel_cross_entropy", "sigmoid"),
    "squared": ("map_mse", "clipped"),
}


def map_task(
    loss: str, *, sigma: float | None = None, radius: float | None = None, window: int = 0
) -> dict[str, Any]:
    """Say what an experiment on maps changes for a loss and a target.

    Parameters
    ----------
    loss : {"spatial", "per pixel", "squared"}
        Cross-entropy of a softmax over the map, of a sigmoid in each cell, or the squared error.
    sigma, radius : float, optional
        One of them: of a Gaussian target or a disc, in crop pixels.
    window : int
        Cells on either side of the argmax in the reading "local"; without them there are no
        readings.

    Returns
    -------
    dict
        Changes for ``Experiment.vary``: loss, decoder (weighted by H), and as readings the same
        maps read by "argmax", "softmax", "weighted", "dark" and "local".
    """
    name, maps = MAP_LOSSES[loss]
    decoder = {"name": "maps", "decoder": "weighted", "maps": maps}
    others = {way: decoder | {"decoder": way} for way in ("argmax", "softmax", "weighted", "dark")}
    others["local"] = decoder | {"decoder": "local", "radius": window}
    readings = {way: {"decoder": other} for way, other in others.items()} if window else {}
    target = {"radius": radius} if sigma is None else {"sigma": sigma}
    return {"loss": {"name": name, **target}, "decoder": decoder, "readings": readings}
