"""From labels to Faces: decode each picture, cut out its box, stack the crops."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facekp.coords import crop_from_image
from facekp.schemes import Scheme, interocular

from .errors import DataError, Place
from .faces import Faces
from .pictures import cut_box, open_picture

__all__ = ["Record", "build_faces"]


@dataclass(frozen=True)
class Record:
    """One face before its picture is decoded.

    Attributes
    ----------
    id, group : str
        As in `Faces`.
    picture : pathlib.Path
        The file to decode.
    place : Place
        Where a label file names that picture.
    points : numpy.ndarray
        Shape (K, 2), in pixels of the original picture.
    box : numpy.ndarray
        Shape (4,), the crop, [left, top, width, height] at pixel edges.
    attributes : dict
        One value for each attribute of `Faces`.
    """

    id: str
    group: str
    picture: Path
    place: Place
    points: np.ndarray
    box: np.ndarray
    attributes: dict[str, str | int | bool]


def build_faces(
    records: list[Record], scheme: Scheme, size: tuple[int, int], channels: int
) -> Faces:
    """Decode the pictures of all records, cut out their boxes and stack them.

    Parameters
    ----------
    records : list of Record
        At least one, with distinct ids.
    scheme : Scheme
        The scheme that each record's points must fit.
    size : tuple of int
        (H, W) of the crops.
    channels : {1, 3}
        Grey or RGB.

    Returns
    -------
    Faces
        In the order of `records`.

    Raises
    ------
    DataError
        A picture that cannot be decoded, a number of points that does not fit the scheme, an id
        used twice, or eye corners that coincide, by whose distance errors are divided.
    """
    _check(records, scheme)

    def crop(record: Record) -> np.ndarray:
        return cut_box(open_picture(record.picture, channels, record.place), record.box, size)

    with ThreadPoolExecutor() as pool:  # Pillow decodes outside Python's lock
        images = np.stack(list(pool.map(crop, records)))
    points = np.stack([record.points for record in records]).astype(np.float64)
    boxes = np.stack([record.box for record in records])
    return Faces(
        images=images,
        keypoints=crop_from_image(points, boxes, size).astype(np.float32),
        visible=np.ones(points.shape[:2], dtype=bool),
        ids=np.array([record.id for record in records]),
        groups=np.array([record.group for record in records]),
        scheme=scheme,
        interocular=interocular(points, scheme).astype(np.float32),
        crop=boxes.astype(np.float32),
        attributes={
            name: np.array([record.attributes[name] for record in records])
            for name in records[0].attributes
        },
    )


def _check(records: list[Record], scheme: Scheme) -> None:
    seen: dict[str, Place] = {}
    right, left = scheme.eye_corners
    for record in records:
        if len(record.points) != scheme.count:
            problem = f"{len(record.points)} points where {scheme.name} has {scheme.count}"
            raise DataError(record.place, f"{problem}; use a label file of that scheme")
        if record.id in seen:
            problem = f"picture {record.id} is labelled twice, first at {seen[record.id]}"
            raise DataError(record.place, f"{problem}; take one out")
        if np.array_equal(record.points[right], record.points[left]):
            problem = f"the outer eye corners (points {right} and {left}) coincide"
            raise DataError(record.place, f"{problem}; correct the label")
        seen[record.id] = record.place
