"""Loader of the IMM Face Database, and of any set in its layout."""

import re
from pathlib import Path

import numpy as np

from facekp.coords import whole_box
from facekp.schemes import IMM58

from .asf import read_asf
from .build import Record, build_faces
from .cache import through_cache
from .errors import DataError, Place
from .faces import Faces

__all__ = ["load_imm"]

NAME = re.compile(r"(?P<person>\d{2})-(?P<view>\d)[mf]", re.ASCII)  # 07-3f: person 7, view 3
VIEWS = range(1, 7)
FROM_OUTER_CORNER = (4, 3, 2, 1, 0, 7, 6, 5)  # of an eye numbered from its inner corner


def load_imm(
    folder: str | Path,
    size: tuple[int, int],
    channels: int = 1,
    cache: Path | None = None,
    persons: int = 40,
) -> Faces:
    """Load the IMM Face Database: whole pictures, resized, with their 58 keypoints.

    Nine of the 240 published label files number one eye from its inner corner, as the other eye
    would be in a mirror image, so that the eye corners trade places. These eyes are renumbered
    from the outer corner, like all others; `attributes["renumbered"]` tells which faces have one.

    Parameters
    ----------
    folder : str or pathlib.Path
        Holds `PP-Vg.jpg` and `PP-Vg.asf` for person PP, view V (1-6) and sex g (m, f).
    size : tuple of int
        (H, W) of the result; its aspect ratio must be the pictures' own, such as (60, 80).
    channels : {1, 3}
        Grey or RGB.
    cache : pathlib.Path, optional
        The cache's folder; by default $FACEKP_CACHE, else ~/.cache/facekp.
    persons : int
        How many persons the folder must hold, so that a part of the set never passes for all.

    Returns
    -------
    Faces
        Six views of each person, sorted by name. `groups` are the persons "01", "02", …;
        `attributes["view"]` is 1 neutral, 2 smile, 3 and 4 turned 30° to the subject's right and
        left, 5 light from one side, 6 free expression; `attributes["renumbered"]` is bool.

    Raises
    ------
    DataError
        A missing or broken file, or `size` of another aspect ratio. Names file and line.
    ValueError
        `channels` is neither 1 nor 3.
    """
    folder, size = Path(folder), tuple(size)
    options = {"loader": "imm", "size": size, "channels": channels, "persons": persons}

    def build() -> Faces:
        records = [_record(folder, stem, size) for stem in _stems(folder, persons)]
        return build_faces(records, IMM58, size, channels)

    return through_cache(build, folder, options, IMM58, cache)


def _stems(folder: Path, persons: int) -> list[str]:
    """Return the names of all pictures without suffix, having checked that none is missing."""
    pictures, shapes = ({path.stem for path in folder.glob(f"*.{s}")} for s in ("jpg", "asf"))
    for stem in sorted(pictures ^ shapes):
        missing = folder / f"{stem}.{'asf' if stem in pictures else 'jpg'}"
        raise DataError(Place(missing), "is missing; restore it")
    found: dict[tuple[str, int], str] = {}
    for stem in sorted(pictures):
        match = NAME.fullmatch(stem)
        if not match:
            problem = "is not named PP-Vg for person, view and sex (m, f); take it out"
            raise DataError(Place(folder / f"{stem}.asf"), problem)
        key = match["person"], int(match["view"])
        if key in found:
            problem = f"is the same view of one person as {found[key]}; take one out"
            raise DataError(Place(folder / f"{stem}.asf"), problem)
        found[key] = stem
    due = {(f"{person:02d}", view) for person in range(1, persons + 1) for view in VIEWS}
    for person, view in sorted(due ^ found.keys()):
        state = "is missing" if (person, view) in due else "is there"
        problem = (
            f"view {view} of person {person} {state}, but 6 views of {persons} persons are due"
        )
        raise DataError(Place(folder), f"{problem}; restore the folder")
    return sorted(pictures)


def _record(folder: Path, stem: str, size: tuple[int, int]) -> Record:
    shape = read_asf(folder / f"{stem}.asf")
    if shape.picture.name != f"{stem}.jpg":
        problem = f"names {shape.picture.name} as its picture, {stem}.jpg is due; correct it"
        raise DataError(shape.place, problem)
    height, width = shape.size
    if height * size[1] != width * size[0]:
        problem = (
            f"picture of {width}×{height} pixels would be squashed to {size[1]}×{size[0]}; "
            "ask for a size (H, W) of the same aspect ratio"
        )
        raise DataError(shape.place, problem)
    match = NAME.fullmatch(stem)
    points = _renumber_eyes(shape.points) if len(shape.points) == IMM58.count else shape.points
    return Record(
        id=stem,
        group=match["person"],
        picture=shape.picture,
        place=shape.place,
        points=points,
        box=whole_box(shape.size),
        attributes={
            "view": int(match["view"]),
            "renumbered": not np.array_equal(points, shape.points),
        },
    )


def _renumber_eyes(points: np.ndarray) -> np.ndarray:
    """Return (58, 2) points with both eyes numbered from their outer corners."""
    points = points.copy()
    right, left = (list(IMM58.groups[name]) for name in ("right_eye", "left_eye"))
    outwards = points[left].mean(axis=0) - points[right].mean(axis=0)
    for eye, direction in ((right, -outwards), (left, outwards)):
        outer, inner = points[eye[0]], points[eye[4]]
        if (outer - inner) @ direction < 0:
            points[eye] = points[eye][list(FROM_OUTER_CORNER)]
    return points
