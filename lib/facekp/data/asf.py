"""Reader of ASF, the shape files of the IMM Face Database and of Stegmann's AAM tools."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .errors import DataError, Place, check_reach, number, picture_path, read_lines, whole
from .pictures import picture_size

__all__ = ["Shape", "read_asf"]

COLUMNS = (7, 10)  # path, type, x, y, point, connects from, connects to; three of the user's


@dataclass(frozen=True)
class Shape:
    """The keypoints of one picture.

    Attributes
    ----------
    points : numpy.ndarray
        Shape (K, 2), float32, (x, y) in pixels of the picture.
    picture : pathlib.Path
        The host image.
    size : tuple of int
        (H, W) of the host image after its EXIF turn.
    place : Place
        Where the shape file names its picture.
    """

    points: np.ndarray
    picture: Path
    size: tuple[int, int]
    place: Place


def read_asf(path: str | Path) -> Shape:
    """Read an ASF file of any number of points.

    The file holds pixel coordinates, from 0, over the picture's width and height: x = fraction · W,
    and fraction 0 is the centre of the first pixel.

    Parameters
    ----------
    path : str or pathlib.Path
        The shape file; its host image lies in the same folder or below.

    Returns
    -------
    Shape
        Points in pixels of the host image, turned as its EXIF orientation says.

    Raises
    ------
    DataError
        A broken file, a wrong number of points, a point far outside the picture, or a picture
        that is missing or cannot be opened. Names file and line.

    References
    ----------
    Nordstrøm, Larsen, Sierakowski, Stegmann, "The IMM Face Database", Technical University of
    Denmark 2004, appendix A: "pixel x = 47 (the 48th pixel) in a 256 pixel wide image has the
    relative position 47/256".
    """
    path = Path(path)
    rows = [(text, Place(path, k)) for k, text in enumerate(read_lines(path), start=1)]
    rows = [(text, place) for text, place in rows if text and not text.startswith("#")]
    if not rows:
        raise DataError(Place(path), "holds no shape; restore the file")
    count = whole(*rows[0])
    if count == 0 or len(rows) != count + 2:
        raise DataError(
            rows[0][1],
            f"announces {count} points, so {count + 2} lines besides comments are due, "
            f"not {len(rows)}; restore the file",
        )
    fractions = [_fractions(text, place, k) for k, (text, place) in enumerate(rows[1:-1])]
    name, place = rows[-1]
    picture = picture_path(path.parent, name, place)
    size = picture_size(picture, place)
    points = np.array(fractions) * size[::-1]  # (K, 2)
    check_reach(points, [place for _, place in rows[1:-1]], size)
    return Shape(points.astype(np.float32), picture, size, place)


def _fractions(text: str, place: Place, index: int) -> list[float]:
    """Return x and y of one line, which must hold point `index`."""
    columns = text.split()
    if len(columns) not in COLUMNS:
        raise DataError(place, f"7 or 10 columns are due, not {len(columns)}; restore the file")
    if whole(columns[4], place) != index:
        raise DataError(place, f"point {index} is due here, not point {columns[4]}")
    return [number(value, place) for value in columns[2:4]]
