"""Loader of 300-W in dlib's layout, and of any set in it."""

import re
from pathlib import Path, PurePosixPath

from facekp.coords import enlarge_boxes
from facekp.schemes import IBUG68

from .build import Record, build_faces
from .cache import through_cache
from .dlib_xml import LabelledBox, read_dlib_xml
from .faces import Faces

__all__ = ["load_ibug"]

LABELS = {split: f"labels_ibug_300W_{split}.xml" for split in ("train", "test")}
MIRROR = "_mirror"  # closes the names of dlib's mirrored copies
FACE_NUMBER = re.compile(r"_\d+$", re.ASCII)  # closes the names of faces cut from one photograph


def load_ibug(
    folder: str | Path,
    size: tuple[int, int],
    box_scale: float = 1.2,
    channels: int = 1,
    cache: Path | None = None,
) -> Faces:
    """Load 300-W in dlib's layout: square face crops with their 68 keypoints.

    A face's box is made square by its longer side, enlarged about its centre and resampled;
    outside the picture the picture's edge is repeated. Mirrored copies (`…_mirror.jpg`) are left
    out: augmentation flips, and copies would count as further faces.

    Parameters
    ----------
    folder : str or pathlib.Path
        Holds `labels_ibug_300W_train.xml`, `labels_ibug_300W_test.xml` and the pictures.
    size : tuple of int
        (H, W) of the crops, H = W.
    box_scale : float
        Side of the crop over the longer side of the box.
    channels : {1, 3}
        Grey or RGB.
    cache : pathlib.Path, optional
        The cache's folder; by default $FACEKP_CACHE, else ~/.cache/facekp.

    Returns
    -------
    Faces
        Train, then test, each in its label file's order. `groups` are source photographs;
        `attributes["split"]` is "train" or "test", `attributes["subset"]` the first folder of
        the picture's name: "lfpw", "helen", "afw"; `attributes["box_leaves"]` tells whether the
        labelled box reaches beyond its picture.

    Raises
    ------
    DataError
        A missing or broken file. Names file and line.
    ValueError
        `size` is not square, `box_scale` not positive, or `channels` neither 1 nor 3.
    """
    folder, size = Path(folder), tuple(size)
    if size[0] != size[1] or not box_scale > 0:
        raise ValueError(f"crops are square and boxes positive: not {size}, {box_scale}")
    options = {"loader": "ibug", "size": size, "channels": channels, "box_scale": box_scale}

    def build() -> Faces:
        records = [
            _record(box, split, box_scale)
            for split, name in LABELS.items()
            for box in read_dlib_xml(folder / name)
            if not PurePosixPath(box.name).stem.endswith(MIRROR)
        ]
        return build_faces(records, IBUG68, size, channels)

    return through_cache(build, folder, options, IBUG68, cache)


def _record(box: LabelledBox, split: str, box_scale: float) -> Record:
    name = PurePosixPath(box.name).with_suffix("")
    subset = name.parts[0]
    # LFPW numbers its photographs that way (image_0029) and has one face of each.
    photograph = name if subset == "lfpw" else f"{subset}/{FACE_NUMBER.sub('', name.name)}"
    return Record(
        id=str(name) if box.number == 1 else f"{name}#{box.number}",
        group=str(photograph),
        picture=box.picture,
        place=box.place,
        points=box.points,
        box=enlarge_boxes(box.box, box_scale),
        attributes={"subset": subset, "split": split, "box_leaves": box.leaves},
    )
