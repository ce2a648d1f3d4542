"""Takes up a set that came without its records, as the committed one does: from its label files.

So what exists is kept, and one picture can be taken out and made again in its place.
"""

import csv
import json
from pathlib import Path

from PIL import Image

from . import readers, writers


def restore_records(folder: Path) -> int:
    """Write the records of a folder's pictures that have labels and no record; return how many.

    They hold what the label files hold, to its digits. A picture that is missing or that a label
    file leaves out gets none, so it is made again.
    """
    rows = attribute_rows(folder / "attributes.csv")
    seen = readers.read_visibility(folder / "visibility.csv")
    restored = 0
    for file, found in labelled(folder).items():
        target = folder / writers.RECORDS / f"{record_stem(file)}.json"
        if target.exists() or file not in rows or file not in seen:
            continue
        with Image.open(found.path) as image:
            width, height = image.size
        record = {
            "file": file,
            "split": rows[file]["split"],
            "width": width,
            "height": height,
            "box": found.box and [int(side) for side in found.box],
            "points": found.points.tolist(),
            "visible": seen[file].tolist(),
            "attributes": rows[file],
        }
        writers.write_whole(target, json.dumps(record).encode())
        restored += 1
    return restored


def labelled(folder: Path) -> dict[str, readers.Labelled]:
    """Return the labels of the pictures that exist, by file."""
    found = [readers.read_asf(p) for p in folder.glob("*.asf") if p.with_suffix(".jpg").exists()]
    found += [k for p in folder.glob("*.xml") for k in readers.read_xml(p) if k.path.exists()]
    return {k.path.relative_to(folder).as_posix(): k for k in found}


def attribute_rows(path: Path) -> dict[str, dict[str, str]]:
    """Return {file: {name: value}} of an attributes file; empty where there is none."""
    if not path.exists():
        return {}
    with path.open(newline="") as lines:
        return {row.pop("file"): row for row in csv.DictReader(lines)}


def record_stem(file: str) -> str:
    """Return the name of a picture's record: IMM's files end in the letter of the sex."""
    stem = Path(file).stem
    return stem[:-1] if stem[-1] in "fm" else stem
