"""Run one notebook with a profile's parameters: ``python -m facekp.notebooks run NAME``.

papermill does the running. Here belongs what it lets pass: an unknown parameter, a missing
``parameters`` tag, a value of another type, a kernel of another Python, a half-finished output.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from facekp.manifest import ManifestError, find_root, load_manifest, locate
from facekp.manifest.schema import MANIFEST
from facekp.notebooks.checks import (
    NotebookError,
    default_parameters,
    find_notebook,
    fit_parameter,
    profile_parameters,
    read_notebook,
)
from facekp.notebooks.execution import execute
from facekp.results import CHANGED

__all__ = ["NotebookError", "run"]


def run(
    name: str,
    profile: str,
    overrides: dict[str, Any] | None = None,
    output: Path | None = None,
    root: Path | None = None,
) -> Path:
    """Execute a notebook and write it, with its outputs, elsewhere.

    Parameters
    ----------
    name
        A notebook of ``notebooks/``, with or without folder and ``.ipynb``.
    profile
        The parameters are section `name` of ``profiles/<profile>.yaml``, and ``profile`` itself.
    overrides
        Parameters that win over the profile's.
    output
        By default ``_build/executed/<profile>/<name>.ipynb``, which the book shows, or, with
        other parameters than the profile's, the same below ``<profile>-changed``. Appears only
        when all cells ran; what a failed run leaves ends in ``.failed.ipynb``.
    root
        The repository; by default found by :func:`facekp.manifest.find_root`.

    Raises
    ------
    NotebookError
        Before running: the notebook, the profile, the data set or a parameter is unknown, or its
        type is wrong, or the cell tagged ``parameters`` is missing or holds more than literals.
        While running: a cell failed.
    """
    root = root or find_root()
    path = find_notebook(name, root)
    notebook = read_notebook(path)
    defaults = default_parameters(notebook, path)
    # Results and pages of a run with parameters of one's own are none of the profile's.
    folder = profile + (CHANGED if set(overrides or {}) - {"retrain"} else "")
    values = profile_parameters(path.stem, profile, root) | (overrides or {}) | {"profile": folder}
    values = {key: fit_parameter(path, defaults, key, value) for key, value in values.items()}
    _require_data(defaults, {**defaults, **values}, path, root)
    output = output or root / "_build" / "executed" / folder / f"{path.stem}.ipynb"
    execute(path, notebook, values, output.resolve())
    return output


def _require_data(defaults: dict[str, Any], values: dict[str, Any], path: Path, root: Path) -> None:
    """Find or fetch the data sets: ``dataset``, and what else has a data set's name by default."""
    for key, default in defaults.items():
        try:
            known = load_manifest(root / MANIFEST).datasets
            if key == "dataset" or (isinstance(default, str) and default in known):
                locate(values[key], root)
        except ManifestError as error:
            raise NotebookError(
                f"{path.name}, parameters cell, {key} = {values[key]!r}: {error}"
            ) from error
