"""The data card: a hand-written text, card.md, and counts from the files of both sets.

It reads the same on GitHub and as a page of the book: plain Markdown, one heading of the first
level, tables of few narrow columns.
"""

import csv
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from string import Template

import numpy as np

from .readers import LabelError, read_visibility
from .writers import RECORDS

HERE = Path(__file__).parent
GROUPS = {  # keypoints of each part of the face, by number of keypoints in the scheme
    68: {
        "jaw": range(17),
        "brows": range(17, 27),
        "nose": range(27, 36),
        "eyes": range(36, 48),
        "mouth": range(48, 68),
    },
    58: {
        "jaw": range(13),
        "eyes": range(13, 29),
        "brows": range(29, 39),
        "mouth": range(39, 47),
        "nose": range(47, 58),
    },
}
COLUMNS = ("train", "test", "IMM")  # the two splits of ibug300w, and imm
AGES = {"7–15": 7, "18–29": 16, "30–44": 30, "45–59": 45, "60–74": 60, "75–82": 75}
TONES = {
    "very light": 0.0,
    "light": 0.21,
    "medium": 0.38,
    "dark": 0.55,
    "very dark": 0.72,
}  # of melanin, which runs from 0.04 to 0.88
YAWS = {
    "right, over 30°": -np.inf,
    "right, 15–30°": -30.0,
    "right, 5–15°": -15.0,
    "within 5°": -5.0,
    "left, 5–15°": 5.0,
    "left, 15–30°": 15.0,
    "left, over 30°": 30.0,
}
VIEWS = {
    "1": "1 neutral",
    "2": "2 smile",
    "3": "3 to the right",
    "4": "4 to the left",
    "5": "5 spot light",
    "6": "6 free",
}
SEXES = {"f": "female", "m": "male"}
Row = dict[str, str]


def read_attributes(folder: Path) -> list[Row]:
    """Return the rows of a set's attributes.csv.

    Raises
    ------
    LabelError
        If the file is missing or holds no picture.
    """
    path = folder / "attributes.csv"
    if not path.exists():
        raise LabelError(f"{path}: is missing; make the set first")
    with path.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    if not rows:
        raise LabelError(f"{path}: holds no picture; make the set first")
    return rows


def persons(rows: Iterable[Row]) -> list[Row]:
    """Return one row a person."""
    return list({row["person"]: row for row in rows}.values())


def check_persons(columns: dict[str, list[Row]]) -> None:
    """Raise where a person stands on both sides of the split.

    Raises
    ------
    LabelError
        Naming the person.
    """
    both = {r["person"] for r in columns["train"]} & {r["person"] for r in columns["test"]}
    if both:
        raise LabelError(f"person {min(both)} is in train and in test; make the set again")


def band(value: str, starts: dict[str, float]) -> str:
    """Return the name of the band that a number lies in; starts: {name: its lowest value}."""
    return [name for name, low in starts.items() if float(value) >= low][-1]


def count_table(
    columns: dict[str, list[Row]], value: Callable[[Row], str], order: Iterable[str] = ()
) -> str:
    """Return a Markdown table of how often each value occurs in each column.

    order: the values in the order of the rows, also those that never occur; without it the most
    frequent comes first.
    """
    counts = {name: Counter(map(value, rows)) for name, rows in columns.items()}
    total = sum(counts.values(), Counter())
    names = list(order) or sorted(total, key=lambda name: (-total[name], name))
    unknown = total.keys() - set(names)
    if unknown:
        raise LabelError(f"attributes.csv: {min(unknown)!r} is not one of {', '.join(names)}")
    return table({name: [str(counts[c][name]) for c in columns] for name in names}, columns)


def table(rows: dict[str, list[str]], columns: Iterable[str]) -> str:
    """Return a Markdown table; its numbers stand on the right."""
    lines = [["", *columns], ["---", *("--:" for _ in columns)]]
    lines += [[name, *values] for name, values in rows.items()]
    return "\n".join(f"| {' | '.join(line)} |".replace("|  |", "| |") for line in lines)


def hidden_table(sets: dict[str, np.ndarray]) -> str:
    """Return a table of the share of hidden keypoints; sets: {column: (N, K) bool, visible}."""
    rows = {}
    for part in GROUPS[68]:
        shares = [1 - seen[:, GROUPS[seen.shape[1]][part]].mean() for seen in sets.values()]
        rows[part] = [f"{share:.1%}".replace("%", " %") for share in shares]
    rows["all"] = [f"{1 - seen.mean():.1%}".replace("%", " %") for seen in sets.values()]
    return table(rows, sets)


def tables(columns: dict[str, list[Row]]) -> dict[str, str]:
    """Return the card's tables of counts, by placeholder; columns: the pictures' rows."""
    people = {name: persons(rows) for name, rows in columns.items()}
    wild = {name: columns[name] for name in ("train", "test")}
    views = {"IMM": columns["IMM"]}
    names = list(VIEWS.values())
    return {
        "sexes": count_table(people, lambda r: SEXES[r["sex"]], SEXES.values()),
        "ages": count_table(people, lambda r: band(r["years"], AGES), AGES),
        "tones": count_table(people, lambda r: band(r["melanin"], TONES), TONES),
        "hair": count_table(people, lambda r: r["hair_style"]),
        "beards": count_table(people, lambda r: r["beard"]),
        "glasses": count_table(wild, lambda r: r["glasses"]),
        "hats": count_table(wild, lambda r: r["hat"]),
        "occluders": count_table(wild, lambda r: r["occluder"]),
        "backgrounds": count_table(wild, lambda r: r["background"]),
        "expressions": count_table(columns, lambda r: r["expression"]),
        "lights": count_table(columns, lambda r: r["light"]),
        "yaws": count_table(columns, lambda r: band(r["yaw"], YAWS), YAWS),
        "views": count_table(views, lambda r: VIEWS[r["view"]], names),
    }


def worn_or_held(rows: list[Row]) -> float:
    """Return the share of pictures in which a hat, dark glasses or an occluder hides something."""
    some = [r["hat"] != "none" or r["occluder"] != "none" or r["glasses"] == "sun" for r in rows]
    return sum(some) / len(some)


def versions() -> dict[str, str]:
    """Return the pinned versions of what made the set, by placeholder."""
    text = (HERE / "requirements.txt").read_text()
    pinned = dict(re.findall(r"^([a-z]+)==(\S+)", text, re.MULTILINE))
    return {f"{name}_version": pinned[name] for name in ("anny", "bpy", "torch")}


def megabytes(folder: Path) -> str:
    """Return the size of a set's files, records left out."""
    files = (p for p in folder.rglob("*") if p.is_file() and RECORDS not in p.parts)
    return f"{sum(p.stat().st_size for p in files) / 1e6:.1f} MB"


def measured(path: Path) -> str:
    """Return what the results file of the transfer to real faces says; empty without the file."""
    if not path.exists():
        return ""
    metrics = json.loads(path.read_text())["metrics"]
    ours, real, mean = (metrics[f"{k}.test.nme"] for k in ("demo_to_real", "real", "mean"))
    return (
        f" Measured: {ours['value']:.2f} % of the distance of the outer eye corners on "
        f"{ours['n']} photographs of 300-W for a net that never saw a real face, "
        f"{real['value']:.2f} % for the same net trained on as many photographs, and "
        f"{mean['value']:.2f} % for the mean shape put into the box."
    )


def card(folder: Path, samples: dict[str, int], results: Path | None = None) -> str:
    """Return the data card of the two sets in a folder.

    folder: holds imm/ and ibug300w/; samples: rays a pixel of each set; results: the folder of
    committed results, for what was measured on real faces.

    Raises
    ------
    LabelError
        If a file is missing, or a person stands in train and in test.
    """
    wild = read_attributes(folder / "ibug300w")
    columns = {split: [r for r in wild if r["split"] == split] for split in ("train", "test")}
    columns["IMM"] = read_attributes(folder / "imm")
    check_persons(columns)
    seen = {name: read_visibility(folder / name / "visibility.csv") for name in ("ibug300w", "imm")}
    flags = {
        name: np.array([seen["imm" if name == "IMM" else "ibug300w"][r["file"]] for r in rows])
        for name, rows in columns.items()
    }
    values = {
        **versions(),
        **tables(columns),
        **{f"{name.lower()}_count": str(len(rows)) for name, rows in columns.items()},
        **{f"{k}_size": megabytes(folder / k) for k in ("ibug300w", "imm")},
        **{f"{k}_samples": str(v) for k, v in samples.items()},
        "imm_persons": str(len(persons(columns["IMM"]))),
        "persons": str(sum(len(persons(rows)) for rows in columns.values())),
        "occluded": f"{100 * worn_or_held(wild):.0f} %",
        "hidden": hidden_table(flags),
        "measured": measured(results / "cpu" / "transfer.json") if results else "",
    }
    return Template((HERE / "card.md").read_text()).substitute(values)
