"""Arithmetic on the cells of maps, in the order in which they lie in memory."""

import math

import torch
from torch import Tensor

__all__ = [
    "as_cells",
    "centroid",
    "check_positive",
    "exponential",
    "greatest",
    "part_length",
    "peak",
]

PART = 2**20  # cells; 4 MiB as float32


def as_cells(maps: Tensor) -> Tensor:
    """View maps (B, K, h, w) as cells (B, h, w, K).

    Nets in channels-last memory, the layout in which they run fastest, put the K values of a
    cell side by side. Arithmetic in this order passes straight through memory.
    """
    return maps.permute(0, 2, 3, 1)


def part_length(maps: Tensor) -> int:
    """Return how many pictures' maps make up about a million cells, at least 1.

    All maps of a batch at once fill no cache, and each intermediate result would be fresh memory
    from the system: that took four to five times as long on a CPU.
    """
    return max(1, PART // maps[0].numel())


def exponential(cells: Tensor, temperature: float = 1.0, largest: Tensor | None = None) -> Tensor:
    """Return exp((cells - their largest) / temperature); cells (B, h, w, K), largest (B, 1, 1, K).

    By powers of 2, which take a third of exp's time on a CPU.
    """
    if largest is None:
        largest = greatest(cells.detach())
    return (cells - largest).mul_(math.log2(math.e) / temperature).exp2_()


def greatest(cells: Tensor) -> Tensor:
    """Return the greatest of each map's cells (B, h, w, K), as (B, 1, 1, K).

    By rows, then of those: both at once take two to three times as long on a CPU.
    """
    return cells.amax(2, keepdim=True).amax(1, keepdim=True)


def peak(cells: Tensor) -> tuple[Tensor, Tensor]:
    """Return row and column, (B, K), of the first maximum of cells (B, h, w, K)."""
    # By rows, then within one: torch's argmax over all cells takes eight times as long on a CPU.
    y = cells.amax(2).argmax(1)
    row = cells.gather(1, y[:, None, None].expand(-1, 1, cells.shape[2], -1))[:, 0]  # (B, w, K)
    return y, row.argmax(1)


def centroid(weight: Tensor, rows: Tensor, columns: Tensor, otherwise: Tensor) -> Tensor:
    """Average row and column numbers, (B, h, K) and (B, w, K), by weights (B, h, w, K).

    Returns (B, K, 2) as (x, y); `otherwise` where the weights sum to 0.
    """
    by_row, by_column = weight.sum(2), weight.sum(1)  # (B, h, K), (B, w, K)
    mass = by_row.sum(1)[..., None]  # (B, K, 1)
    total = torch.stack([(by_column * columns).sum(1), (by_row * rows).sum(1)], dim=-1)
    return (total / mass.where(mass > 0, 1)).where(mass > 0, otherwise)


def check_positive(name: str, value: float) -> None:
    """Raise ValueError unless a value is positive."""
    if not value > 0:
        raise ValueError(f"{name} must be positive, not {value}")
