"""Reader of iBUG's .pts files, the original annotations of 300-W."""

import re
from pathlib import Path

import numpy as np

from .errors import DataError, Place, check_reach, number, read_lines, whole

__all__ = ["read_pts"]

HEADER = re.compile(r"(version|n_points)\s*:\s*(\S+)")


def read_pts(path: str | Path, size: tuple[int, int] | None = None) -> np.ndarray:
    """Read the keypoints of a .pts file, with or without its header.

    The file counts pixels from 1; one is taken off.

    Parameters
    ----------
    path : str or pathlib.Path
        The file: optionally `version: …` and `n_points: …`, then one point a line, which stand
        between braces where there is a header.
    size : tuple of int, optional
        (H, W) of the picture, of which the file itself says nothing. When given, points outside
        the picture by more than its size are refused.

    Returns
    -------
    numpy.ndarray
        Shape (K, 2), float32, 0-based (x, y) in pixels, an integer being a pixel's centre.

    Raises
    ------
    DataError
        A broken file or a wrong number of points. Names file and line.
    """
    path = Path(path)
    rows = [(text, Place(path, k)) for k, text in enumerate(read_lines(path), start=1)]
    rows = [(text, place) for text, place in rows if text]
    header = []
    while rows and (match := HEADER.fullmatch(rows[0][0])):
        header.append((match, rows.pop(0)[1]))
    if header or (rows and rows[0][0] == "{"):
        rows = _inside_braces(rows, path)
    if not rows:
        raise DataError(Place(path), "holds no points; restore the file")
    for match, place in header:
        if match[1] == "n_points" and whole(match[2], place) != len(rows):
            raise DataError(
                place, f"announces {match[2]} points, {len(rows)} follow; restore the file"
            )
    points = np.array([_point(text, place) for text, place in rows]) - 1.0
    if size is not None:
        check_reach(points, [place for _, place in rows], size)
    return points.astype(np.float32)


def _inside_braces(rows, path):
    """Return the rows between the braces that must be the first and the last."""
    if len(rows) < 2 or rows[0][0] != "{" or rows[-1][0] != "}":
        place = rows[-1][1] if rows else Place(path)
        raise DataError(place, "points must stand between braces; restore the file")
    return rows[1:-1]


def _point(text: str, place: Place) -> list[float]:
    columns = text.split()
    if len(columns) != 2:
        raise DataError(place, f"x and y are due here, not {len(columns)} columns")
    return [number(value, place) for value in columns]
