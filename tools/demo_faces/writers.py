"""Files: a picture with its record, the label files of both formats, visibility, attributes.

Everything is written whole or not at all: under a temporary name first, then renamed.
"""

import csv
import io
import json
import os
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np
from PIL import Image

RECORDS = ".records"  # folder of one JSON file a picture: what the label files are gathered from
ASF_PATHS = [  # (first, last, closed) in the order of the original files
    (0, 12, False),
    (13, 20, True),
    (21, 28, True),
    (29, 33, False),
    (34, 38, False),
    (39, 46, True),
    (47, 57, False),
]
ASF_OPEN, ASF_CLOSED = 4, 0  # the originals' point types


def write_whole(path: Path, data: bytes) -> None:
    """Write a file under a temporary name in its folder, then rename it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_bytes(data)
    part.replace(path)


def jpeg_bytes(image: Image.Image, quality: int) -> bytes:
    """Encode an image as JPEG."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, optimize=True)
    return buffer.getvalue()


def write_picture(folder: Path, stem: str, record: dict, jpeg: bytes) -> None:
    """Write a picture and, after it, its record: a record says that the picture is whole."""
    write_whole(folder / record["file"], jpeg)
    write_whole(folder / RECORDS / f"{stem}.json", json.dumps(record).encode())


def update_record(folder: Path, stem: str, changes: dict) -> None:
    """Change parts of a picture's record."""
    path = folder / RECORDS / f"{stem}.json"
    write_whole(path, json.dumps(json.loads(path.read_text()) | changes).encode())


def finished(folder: Path, stem: str) -> bool:
    """Return whether a picture and its record exist."""
    path = folder / RECORDS / f"{stem}.json"
    return path.exists() and (folder / json.loads(path.read_text())["file"]).exists()


def records(folder: Path) -> list[dict]:
    """Return the records of a folder's finished pictures, sorted by their files."""
    found = [json.loads(path.read_text()) for path in (folder / RECORDS).glob("*.json")]
    return sorted((r for r in found if (folder / r["file"]).exists()), key=lambda r: r["file"])


def asf_text(points: np.ndarray, width: int, height: int, image_name: str) -> str:
    """Return an ASF label in the originals' layout.

    points: (58, 2) pixels, an integer being a pixel's centre. The file holds x / width and
    y / height, so the fraction 0 is the centre of the first pixel.
    """
    rule = "#" * 70
    lines = [
        rule,
        "#",
        "#    AAM Shape File  -  rendered face, not a real person",
        "#",
        rule,
        "",
        "#",
        "# number of model points",
        "#",
        str(len(points)),
        "",
        "#",
        "# model points",
        "#",
        "# format: <path#> <type> <x rel.> <y rel.> <point#> <connects from> <connects to>",
        "#",
    ]
    for path, (first, last, closed) in enumerate(ASF_PATHS):
        for k in range(first, last + 1):
            before = k - 1 if k > first else (last if closed else first)
            after = k + 1 if k < last else (first if closed else last)
            x, y = np.asarray(points[k]) / [width, height]
            lines.append(
                f"{path} \t{ASF_CLOSED if closed else ASF_OPEN} \t{x:.8f} \t{y:.8f} "
                f"\t{k} \t{before} \t{after}"
            )
    return "\n".join([*lines, "", "#", "# host image", "#", image_name, ""])


def dlib_xml(labels: list[dict], name: str) -> str:
    """Return dlib's XML with one box of 68 parts a picture; an integer is a pixel's centre.

    labels: records with 'file', 'width', 'height', 'box' and 'points'.
    """
    lines = [
        "<?xml version='1.0' encoding='ISO-8859-1'?>",
        "<dataset>",
        f"<name>{name}</name>",
        "<comment>Rendered faces, not real persons, CC0. 68 keypoints.</comment>",
        "<images>",
    ]
    for label in labels:
        left, top, width, height = label["box"]
        lines += [
            f"  <image file={quoteattr(label['file'])} width='{label['width']}' "
            f"height='{label['height']}'>",
            f"    <box top='{top}' left='{left}' width='{width}' height='{height}'>",
        ]
        lines += [
            f"      <part name='{k:02d}' x='{x:.2f}' y='{y:.2f}'/>"
            for k, (x, y) in enumerate(label["points"])
        ]
        lines += ["    </box>", "  </image>"]
    return "\n".join([*lines, "</images>", "</dataset>", ""])


def csv_text(rows: list[list]) -> str:
    """Return rows as CSV with Unix line ends."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue()


def visibility_csv(labels: list[dict]) -> str:
    """Return a line a picture: its file, then 1 (seen) or 0 (hidden) for each keypoint."""
    count = len(labels[0]["visible"])
    return csv_text(
        [["file", *range(count)], *([r["file"], *(int(v) for v in r["visible"])] for r in labels)]
    )


def attributes_csv(labels: list[dict]) -> str:
    """Return a line a picture: its file, then who is seen and how (see `shots.attributes`)."""
    names = list(labels[0]["attributes"])
    return csv_text(
        [["file", *names], *([r["file"], *(r["attributes"][n] for n in names)] for r in labels)]
    )


def write_labels(folder: Path, dataset: str) -> int:
    """Write the label files of all finished pictures of a folder; return how many those are."""
    labels = records(folder)
    if not labels:
        return 0
    if dataset == "imm":
        for r in labels:
            text = asf_text(np.array(r["points"]), r["width"], r["height"], r["file"])
            write_whole((folder / r["file"]).with_suffix(".asf"), text.encode())
    else:
        for split in ("train", "test"):
            some = [r for r in labels if r["split"] == split]
            write_whole(
                folder / f"labels_ibug_300W_{split}.xml",
                dlib_xml(some, f"rendered faces, {split}").encode(),
            )
    write_whole(folder / "visibility.csv", visibility_csv(labels).encode())
    write_whole(folder / "attributes.csv", attributes_csv(labels).encode())
    return len(labels)
