"""What a number was made with: machine, versions, commit, time, memory."""

import os
import platform
import resource
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

__all__ = ["provenance"]

PACKAGES = ("torch", "lightning-fabric", "numpy", "pillow", "scipy")


def provenance(root: Path, seconds: float, pictures: int, device: str) -> dict[str, Any]:
    """Describe how a number came about.

    Parameters
    ----------
    root : Path
        Root of the repository.
    seconds : float
        Wall time of the training or of the notebook.
    pictures : int
        Pictures trained on in that time, counted once an epoch.
    device : str
        Type of the device, such as "cpu" or "cuda".

    Returns
    -------
    dict
        wall_seconds, images_per_second, peak_memory_mb (the larger of this process and of those
        that it has waited for; workers still at hand are not among them), device, cores, system,
        versions, commit (None outside git) and clean (whether the tree held just that commit).
    """
    whom = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    peak = max(resource.getrusage(who).ru_maxrss for who in whom)
    unit = 2**20 if sys.platform == "darwin" else 2**10  # ru_maxrss: bytes on macOS, KiB on Linux
    commit = _git(root, "rev-parse", "HEAD")
    return {
        "wall_seconds": seconds,
        "images_per_second": pictures / seconds if seconds else 0.0,
        "peak_memory_mb": peak / unit,
        "device": device,
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {"python": platform.python_version()} | {p: version(p) for p in PACKAGES},
        "commit": commit,
        "clean": commit is not None and _git(root, "status", "--porcelain") == "",
    }


def _git(root: Path, *words: str) -> str | None:
    try:
        # Without its optional lock, a status asked for here cannot fail a commit made meanwhile.
        command = ["git", "--no-optional-locks", "-C", root, *words]
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
