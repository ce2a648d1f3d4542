"""The committed set in data/demo: whole, small, disjoint, and told truly on its card."""

import csv
import subprocess
from pathlib import Path

import numpy as np
import pytest
from demo_faces import card, readers, writers
from demo_faces.__main__ import RESULTS, SAMPLES
from PIL import Image

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "data" / "demo"
SETS = {"imm": ((480, 360), 58), "ibug300w": ((320, 320), 68)}  # (width, height), keypoints
LARGEST = 20e6  # bytes
# A head that is turned, tilted and off the middle may have an ear or a chin outside its picture.
NEAR = 0.10  # shares of a side
JAW = slice(0, 17)


@pytest.fixture(scope="module", params=SETS)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def labelled():
    """{set: its labelled pictures}."""
    assert DEMO.is_dir(), f"{DEMO} is missing: make it with `make demo-data`"
    return {name: readers.read_folder(DEMO / name) for name in SETS}


@pytest.fixture(scope="module")
def attributes():
    """{set: {file: attributes}}."""
    return {name: {r["file"]: r for r in card.read_attributes(DEMO / name)} for name in SETS}


def test_it_is_small():
    files = [p for p in DEMO.rglob("*") if p.is_file() and writers.RECORDS not in p.parts]
    assert 5e6 < sum(p.stat().st_size for p in files) <= LARGEST


def test_records_are_no_part_of_it(name):
    record = f"data/demo/{name}/{writers.RECORDS}/a.json"
    command = ["git", "check-ignore", "--quiet", "--no-index", record]
    assert subprocess.run(command, cwd=ROOT).returncode == 0


def test_every_picture_is_labelled_and_every_label_has_its_picture(name, labelled):
    pictures = {p for p in (DEMO / name).rglob("*") if p.suffix.lower() in (".jpg", ".png")}
    assert {k.path for k in labelled[name]} == pictures
    assert len(labelled[name]) == len(pictures)


def test_sizes_and_counts(name, labelled):
    size, count = SETS[name]
    for k in labelled[name]:
        with Image.open(k.path) as image:
            assert (image.format, image.size) == ("JPEG", size)
        assert k.points.shape == (count, 2)


def test_imm_is_40_persons_in_6_views(labelled):
    found = sorted(k.path.stem for k in labelled["imm"])
    assert [stem[:4] for stem in found] == [
        f"{p:02d}-{v}" for p in range(1, 41) for v in range(1, 7)
    ]
    assert all(
        len({stem[4] for stem in found if stem[:2] == f"{p:02d}"}) == 1 for p in range(1, 41)
    )


def test_the_crops_are_as_many_as_due_and_no_person_is_in_both(attributes):
    rows = attributes["ibug300w"].values()
    persons = {s: {r["person"] for r in rows if r["split"] == s} for s in ("train", "test")}
    assert len(persons["train"]) >= 550
    assert len(persons["test"]) >= 150
    assert not persons["train"] & persons["test"]
    assert len(rows) == len(persons["train"]) + len(persons["test"])
    assert all(f"demo/{r['split']}set/" in file for file, r in attributes["ibug300w"].items())


def test_visibility_and_attributes_have_a_row_for_each_picture(name, labelled, attributes):
    files = {k.path.relative_to(DEMO / name).as_posix() for k in labelled[name]}
    assert set(attributes[name]) == files
    with (DEMO / name / "visibility.csv").open(newline="") as lines:
        head, *rows = csv.reader(lines)
    count = SETS[name][1]
    assert head == ["file", *map(str, range(count))]
    assert [row[0] for row in rows] == sorted(files)
    assert all(len(row) == 1 + count and set(row[1:]) <= {"0", "1"} for row in rows)


def test_some_keypoints_are_hidden_and_most_are_seen(name, labelled):
    hidden = 1 - np.array([k.visible for k in labelled[name]]).mean()
    assert 0.01 < hidden < 0.3


def test_keypoints_lie_in_their_pictures_or_near(name, labelled):
    size = np.array(SETS[name][0])
    share = np.array([k.points for k in labelled[name]]) / size
    assert share.min() > -NEAR
    assert share.max() < 1 + NEAR
    assert ((share > 0) & (share < 1)).mean() > 0.99


def test_boxes_are_tight_so_that_a_larger_one_holds_more_of_the_jaw(labelled):
    crops = labelled["ibug300w"]
    points = np.array([k.points for k in crops])[:, JAW]
    left, top, width, height = np.array([k.box for k in crops]).T
    middle = np.stack([left + width / 2, top + height / 2], 1) - 0.5  # boxes are measured at edges
    away = np.abs(points - middle[:, None]) / (np.stack([width, height], 1) / 2)[:, None]
    outside = {scale: (away > scale).any(2).mean() for scale in (1.0, 1.2, 1.4)}
    assert outside[1.0] > 0.1
    assert outside[1.4] < outside[1.2] < outside[1.0] / 2


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_tenth_is_hidden_by_what_is_worn_or_held(attributes, split):
    rows = [r for r in attributes["ibug300w"].values() if r["split"] == split]
    assert card.worn_or_held(rows) >= 0.1
    assert {r["glasses"] for r in rows} >= {"none", "thin", "thick", "sun"}


def test_pictures_are_neither_black_nor_burnt_out(name, labelled):
    for k in labelled[name]:
        with Image.open(k.path) as image:
            grey = np.asarray(image.convert("L"), float)
        x, y = k.points.mean(0).astype(int)
        face = grey[max(0, y - 40) : y + 40, max(0, x - 40) : x + 40]
        assert 25 <= np.median(face) < 230, k.path
        assert face.std() > 3, k.path


def test_the_card_is_up_to_date():
    assert (DEMO / "README.md").read_text() == card.card(DEMO, SAMPLES, RESULTS)


def test_the_licence_is_cc0():
    text = (DEMO / "LICENSE").read_text()
    assert text.startswith("Creative Commons Legal Code\n\nCC0 1.0 Universal\n")
    assert "Public License Fallback" in text
