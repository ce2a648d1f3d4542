"""The one error of broken data, and the small parsers that every reader of text shares.

What is particular to one file format stands in that format's module.
"""

import math
import re
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np

__all__ = ["DataError", "Place", "check_reach", "number", "picture_path", "read_lines", "whole"]

# float() also takes "nan", "1_000" and digits of other scripts; none belongs in a label file.
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
LARGEST = float(np.finfo(np.float32).max)
WHOLE = re.compile(r"\d{1,6}", re.ASCII)


class Place(NamedTuple):
    """A file, and where it helps the 1-based line in it."""

    path: Path
    line: int | None = None

    def __str__(self) -> str:
        return str(self.path) if self.line is None else f"{self.path}:{self.line}"


class DataError(Exception):
    """A data set is broken or incomplete.

    Parameters
    ----------
    place : Place
        File and line that are to blame.
    problem : str
        What is wrong there and how to mend it.
    """

    def __init__(self, place: Place, problem: str):
        super().__init__(place, problem)
        self.place = place
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.place}: {self.problem}"


def read_lines(path: Path) -> list[str]:
    """Return the lines of a small UTF-8 text file without surrounding white space.

    Raises
    ------
    DataError
        The file cannot be read or is not UTF-8.
    """
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        raise DataError(Place(path), f"cannot be read ({error}); restore the file") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DataError(Place(path, line), "is not UTF-8 text; restore the file") from error
    return [line.strip() for line in text.split("\n")]


def number(text: str, place: Place) -> float:
    """Return a finite decimal number.

    Raises
    ------
    DataError
        `text` is anything else: not a number, infinite, too large for float32.
    """
    value = float(text) if NUMBER.fullmatch(text) else math.nan
    if not abs(value) <= LARGEST:
        raise DataError(place, f"a finite number is due here, not {text[:40]!r}")
    return value


def whole(text: str, place: Place) -> int:
    """Return a whole number from 0 to 999,999.

    Raises
    ------
    DataError
        `text` is anything else.
    """
    if not WHOLE.fullmatch(text):
        raise DataError(place, f"a whole number is due here, not {text[:40]!r}")
    return int(text)


def picture_path(folder: Path, name: str, place: Place) -> Path:
    """Return the file that a label file calls `name`, relative to `folder`.

    Raises
    ------
    DataError
        There is no such file, or the path or a link on it leads out of the folder.
    """
    try:
        root = folder.resolve(strict=True)
        path = (root / name).resolve(strict=True)
        found = path.is_file()
    except (OSError, ValueError, RuntimeError):  # missing, a NUL byte, a loop of links
        found = False
    if not found:
        raise DataError(place, f"names the picture {name[:200]!r}, which is not there; restore it")
    plain = PurePosixPath(name)
    if plain.is_absolute() or ".." in plain.parts or not path.is_relative_to(root):
        problem = f"names the picture {name[:200]!r}; only files inside {folder} are read"
        raise DataError(place, problem)
    return folder / name


def check_reach(points: np.ndarray, places: list[Place], size: tuple[int, int]) -> None:
    """Refuse points that lie outside their picture by more than its own size.

    Parameters
    ----------
    points : numpy.ndarray
        Shape (K, 2), in pixels of the picture.
    places : list of Place
        K places where the points are written.
    size : tuple of int
        (H, W) of the picture.

    Raises
    ------
    DataError
        Names the first point that lies too far out.
    """
    extent = np.array(size[::-1])  # (W, H)
    too_far = ((points < -extent) | (points > 2 * extent)).any(axis=1)
    if too_far.any():
        k = int(too_far.argmax())
        x, y = points[k]
        raise DataError(
            places[k],
            f"point ({x:g}, {y:g}) lies outside its picture of {extent[0]}×{extent[1]} pixels "
            "by more than the picture's size; correct the label",
        )
