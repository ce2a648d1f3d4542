"""Holds a set that was made again against the committed one: labels and pictures."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from .readers import LabelError, read_folder

LABELS = 0.01  # pixels that labels may differ
PICTURES = 2.0  # 8-bit steps that pictures may differ on average: other processors round otherwise


@dataclass(frozen=True)
class Difference:
    """How one picture differs: labels in pixels at most, light in 8-bit steps on average."""

    file: str
    labels: float
    light: float

    @property
    def small(self) -> bool:
        """Whether both are within the tolerances."""
        return self.labels <= LABELS and self.light <= PICTURES


def differences(ours: Path, theirs: Path) -> list[Difference]:
    """Compare the pictures that two folders share.

    Raises
    ------
    LabelError
        If they share none.
    """
    mine, kept = (
        {k.path.relative_to(folder).as_posix(): k for k in read_folder(folder)}
        for folder in (ours, theirs)
    )
    shared = sorted(mine.keys() & kept.keys())
    if not shared:
        raise LabelError(f"{ours} and {theirs}: no picture is in both; name two makings of one set")
    out = []
    for file in shared:
        light = [
            np.asarray(Image.open(k.path).convert("RGB"), float) for k in (mine[file], kept[file])
        ]
        out.append(
            Difference(
                file,
                float(np.abs(mine[file].points - kept[file].points).max()),
                float(np.abs(light[0] - light[1]).mean()),
            )
        )
    return out


def report(found: list[Difference]) -> str:
    """Return a line a picture that differs too much, then a count."""
    large = [d for d in found if not d.small]
    lines = [
        f"{d.file}: labels differ by {d.labels:.4f} px, light by {d.light:.2f} steps" for d in large
    ]
    worst = (
        f"labels {max(d.labels for d in found):.4f} px, "
        f"light {max(d.light for d in found):.2f} steps"
    )
    return "\n".join(
        [
            *lines,
            f"{len(found)} pictures compared, {len(large)} differ; largest difference: {worst}",
        ]
    )
