"""What can be known to be wrong before a notebook runs."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import yaml

PLAIN = (bool, int, float, str, list, dict, type(None))  # what YAML and papermill both carry


class NotebookError(Exception):
    """A notebook cannot be run, or failed; names notebook, cell and remedy."""


def find_notebook(name: str, root: Path) -> Path:
    """Return a notebook's path from its name, with or without folder and ``.ipynb``.

    Raises
    ------
    NotebookError
        There is none; gives the nearest name or all.
    """
    stem = Path(name).name.removesuffix(".ipynb")
    path = root / "notebooks" / f"{stem}.ipynb"
    if path.is_file():
        return path
    known = sorted(item.stem for item in path.parent.glob("*.ipynb"))
    raise NotebookError(f"no notebook {stem!r} in {path.parent}: {_remedy(stem, known)}")


def read_notebook(path: Path) -> nbformat.NotebookNode:
    """Read a notebook, or raise NotebookError if the file is no notebook."""
    try:
        return nbformat.read(path, as_version=4)
    except (ValueError, nbformat.ValidationError) as error:
        raise NotebookError(
            f"{path} is no notebook ({str(error).splitlines()[0]}): restore it from git"
        ) from error


def default_parameters(notebook: nbformat.NotebookNode, path: Path) -> dict[str, Any]:
    """Return the parameters and their defaults, from the cell tagged ``parameters``.

    Raises
    ------
    NotebookError
        No cell or several have the tag, or the cell holds more than ``name = literal`` lines.
    """
    tagged = [
        number
        for number, cell in _code_cells(notebook)
        if "parameters" in cell.metadata.get("tags", [])
    ]
    if len(tagged) != 1:
        raise NotebookError(
            f"{path.name} has {len(tagged) or 'no'} cells tagged 'parameters': tag the one cell "
            "that holds its parameters (JupyterLab: property inspector, cell tags)"
        )
    source = dict(_code_cells(notebook))[tagged[0]].source
    try:
        return dict(_assignment(node) for node in ast.parse(source).body)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or error.args[1]
        raise NotebookError(
            f"{path.name}, cell {tagged[0]} (parameters), line {line}: {error.args[0]}: the cell "
            "may hold only lines such as epochs = 10 with a number, text, truth value, None or list"
        ) from error


def _assignment(node: ast.stmt) -> tuple[str, Any]:
    """Return name and value of one line ``name = literal``."""
    targets = getattr(node, "targets", [getattr(node, "target", None)])
    plain = isinstance(node, ast.Assign | ast.AnnAssign) and len(targets) == 1
    if not plain or not isinstance(targets[0], ast.Name):
        raise ValueError("this is not an assignment to one name", node.lineno)
    try:
        value = ast.literal_eval(node.value)
    except (ValueError, TypeError) as error:
        raise ValueError("the value is no literal", node.lineno) from error
    if not isinstance(value, PLAIN):
        raise ValueError(f"a {type(value).__name__} cannot be a parameter", node.lineno)
    return targets[0].id, value


def profile_parameters(stem: str, profile: str, root: Path) -> dict[str, Any]:
    """Return section `stem` of ``profiles/<profile>.yaml``.

    Raises
    ------
    NotebookError
        The profile or the section does not exist.
    """
    path = root / "profiles" / f"{profile}.yaml"
    if not path.is_file():
        known = sorted(item.stem for item in path.parent.glob("*.yaml"))
        raise NotebookError(f"no profile {profile!r} in {path.parent}: {_remedy(profile, known)}")
    try:
        sections = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise NotebookError(f"{path} is no YAML ({error}): mend it there") from error
    section = sections.get(stem) if isinstance(sections, dict) else None
    if not isinstance(section, dict):
        raise NotebookError(f"{path} has no section {stem}: add one, '{stem}: {{}}' at the least")
    return section


def fit_parameter(path: Path, defaults: dict[str, Any], key: str, value: Any) -> Any:
    """Return a parameter's value in the type of its default.

    Raises
    ------
    NotebookError
        The notebook at `path` has no such parameter, or its default is of another type. Whole
        numbers pass for a float.
    """
    where = f"{path.name}, parameters cell"
    if key not in defaults:
        raise NotebookError(f"{where}: unknown parameter {key!r}: {_remedy(key, defaults)}")
    default = defaults[key]
    fitted = _convert(value, default)
    if fitted is None and default is not None:
        kind = type(default).__name__
        if isinstance(default, list) and default:
            kind = f"list of {type(default[0]).__name__}"
        raise NotebookError(
            f"{where}: parameter {key!r} is {value!r}: give a value of type {kind}, "
            f"such as its default {default!r}"
        )
    return fitted


def _convert(value: Any, default: Any) -> Any:
    """Return `value` in the type of `default`, None if it is of another type."""
    if default is None or type(value) is type(default):
        if isinstance(default, list) and default:
            items = [_convert(item, default[0]) for item in value]
            return None if None in items else items
        return value
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(default, float) and isinstance(value, str):
        try:  # YAML 1.1 takes 1e-3 for a text; only 1.0e-3 is a number there
            return float(value)
        except ValueError:
            return None
    return None


def _code_cells(notebook: nbformat.NotebookNode) -> Iterator[tuple[int, nbformat.NotebookNode]]:
    """Yield code cells with their number, from 1."""
    return enumerate((cell for cell in notebook.cells if cell.cell_type == "code"), start=1)


def _remedy(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"take one of {', '.join(known)}"
