"""Reads label files of either format, rendered or real, for contact sheets and comparisons."""

import csv
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from PIL import Image


class LabelError(Exception):
    """A label file that cannot be read."""


@dataclass(frozen=True)
class Labelled:
    """A picture with its keypoints.

    points: (K, 2) pixels, an integer being a pixel's centre; box: left, top, width, height in
    pixels, or None; visible: (K,) bool, or None where the set has no visibility file.
    """

    path: Path
    points: np.ndarray
    box: tuple[float, float, float, float] | None = None
    visible: np.ndarray | None = None


def read_folder(folder: Path) -> list[Labelled]:
    """Read all labelled pictures of a folder: ASF files, or dlib's XML files at its top.

    Raises
    ------
    LabelError
        If the folder holds neither, or a file is malformed.
    """
    asf, xml = sorted(folder.glob("*.asf")), sorted(folder.glob("*.xml"))
    if not asf and not xml:
        raise LabelError(f"{folder}: holds no .asf and no .xml; name a folder of label files")
    seen = read_visibility(folder / "visibility.csv")
    found = [read_asf(path) for path in asf] + [k for path in xml for k in read_xml(path)]
    return [
        Labelled(k.path, k.points, k.box, seen.get(k.path.relative_to(folder).as_posix()))
        for k in found
    ]


def read_visibility(path: Path) -> dict[str, np.ndarray]:
    """Return {file: (K,) bool} of a visibility file; empty where there is none."""
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    return {row[0]: np.array([value == "1" for value in row[1:]]) for row in rows}


def read_asf(path: Path) -> Labelled:
    """Read one ASF file; its picture must lie beside it."""
    rows = [
        line.split()
        for line in path.read_text(errors="replace").splitlines()
        if line.strip() and not line.startswith("#")
    ]
    share = np.array([[float(r[2]), float(r[3])] for r in rows if len(r) >= 7])
    if not len(share):
        raise LabelError(f"{path}: holds no rows of keypoints; fetch the file again")
    picture = path.with_suffix(".jpg")
    with Image.open(picture) as image:
        return Labelled(picture, share * image.size)


def read_xml(path: Path) -> list[Labelled]:
    """Read dlib's XML: one entry a box."""
    try:
        root = ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        raise LabelError(f"{path}: not an XML file ({error}); fetch it again") from error
    out = []
    for image in root.iter("image"):
        for box in image.iter("box"):
            parts = sorted(box.iter("part"), key=lambda part: int(part.get("name")))
            points = np.array([[float(part.get("x")), float(part.get("y"))] for part in parts])
            sides = tuple(float(box.get(k)) for k in ("left", "top", "width", "height"))
            out.append(Labelled(path.parent / image.get("file"), points, sides))
    return out
