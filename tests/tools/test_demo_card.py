"""The data card: counts of a made-up set, one heading, tables that a narrow screen holds."""

import json
import re
from string import Template

import numpy as np
import pytest
from demo_faces import __main__ as command_line
from demo_faces import card, shots, splits
from demo_faces.card import GROUPS
from demo_faces.readers import LabelError, Labelled
from demo_faces.writers import csv_text
from PIL import Image

PLAIN = {
    "sex": "f",
    "years": 33,
    "melanin": 0.5,
    "hair_style": "bob",
    "beard": "none",
    "expression": "neutral",
    "yaw": 0.0,
    "glasses": "none",
    "hat": "none",
    "occluder": "none",
    "light": "sky",
    "background": "plain",
}
CROPS = [
    ("train", 1, {}),
    ("train", 2, {"sex": "m", "beard": "full", "years": 15, "yaw": -31.0, "hat": "cap"}),
    ("train", 3, {"melanin": 0.88, "years": 82, "yaw": 5.0, "glasses": "thin"}),
    ("test", 1000001, {"melanin": 0.04, "yaw": 29.9, "glasses": "sun"}),
]
VIEWS = [
    ("all", person, {"view": view, "sex": sex})
    for person, sex in ((1, "f"), (2, "m"))
    for view in splits.IMM_VIEWS
]


def write_set(folder, pictures, count, hidden=()):
    """Write attributes and visibility; hidden: keypoints that no picture shows."""
    rows = [
        {"file": f"{k}.jpg", "split": split, "person": person, "view": 0, **PLAIN, **special}
        for k, (split, person, special) in enumerate(pictures)
    ]
    folder.mkdir(parents=True)
    table = [list(rows[0]), *(list(r.values()) for r in rows)]
    (folder / "attributes.csv").write_text(csv_text(table))
    seen = [int(k not in hidden) for k in range(count)]
    table = [["file", *range(count)], *([r["file"], *seen] for r in rows)]
    (folder / "visibility.csv").write_text(csv_text(table))


@pytest.fixture
def made_up(tmp_path):
    """Four crops and two persons in six views; every jaw of the crops is hidden."""
    write_set(tmp_path / "ibug300w", CROPS, 68, hidden=GROUPS[68]["jaw"])
    write_set(tmp_path / "imm", VIEWS, 58)
    return tmp_path


def counts(text, heading):
    """Return the rows of the table after the line that starts with `heading`."""
    after = text.split(f"\n{heading}")[1]
    rows = re.findall(r"^\| (.+) \|$", after.split("\n\n")[1], re.MULTILINE)
    cells = [row.split(" | ") for row in rows[2:]]
    return {name: values for name, *values in cells}


@pytest.fixture
def text(made_up):
    return card.card(made_up, command_line.SAMPLES)


def test_persons_are_counted_once_and_pictures_each(text):
    assert counts(text, "Numbers of persons") == {
        "female": ["2", "1", "1"],
        "male": ["1", "0", "1"],
    }
    assert counts(text, "Expression") == {"neutral": ["3", "1", "12"]}
    assert "**6 persons in all" in text
    assert "| pictures | 3 | 1 | 12 |\n| persons | 3 | 1 | 2 |\n" in text


def test_numbers_fall_into_bands(text):
    assert {k: v for k, v in counts(text, "Age").items() if v[0] != "0"} == {
        "7–15": ["1", "0", "0"],
        "30–44": ["1", "1", "2"],
        "75–82": ["1", "0", "0"],
    }
    tones = counts(text, "Skin")
    assert [v[0] for v in tones.values()] == ["0", "0", "2", "0", "1"]
    assert tones["very light"] == ["0", "1", "0"]
    yaws = counts(text, "The head's turn")
    assert yaws["right, over 30°"] == ["1", "0", "0"]
    assert yaws["within 5°"] == ["1", "0", "12"]  # a band holds its lower end: 5.0 is the next
    assert yaws["left, 5–15°"] == ["1", "0", "0"]
    assert yaws["left, 15–30°"] == ["0", "1", "0"]


def test_what_is_worn_is_counted_in_the_crops_alone(text):
    assert counts(text, "Glasses") == {"none": ["2", "0"], "sun": ["0", "1"], "thin": ["1", "0"]}
    assert "In 50 % of the crops" in text  # a cap and dark lenses; thin glasses hide nothing
    assert set(map(tuple, counts(text, "Views").values())) == {("2",)}


def test_hidden_keypoints_by_part(text):
    hidden = counts(text, "Share of keypoints")
    assert hidden["jaw"] == ["100.0 %", "100.0 %", "0.0 %"]
    assert hidden["mouth"] == ["0.0 %", "0.0 %", "0.0 %"]
    assert hidden["all"][0] == "25.0 %"  # 17 of 68


@pytest.mark.parametrize("count", [58, 68])
def test_the_parts_are_all_keypoints(count):
    assert GROUPS[count].keys() == GROUPS[68].keys()
    assert sorted(k for members in GROUPS[count].values() for k in members) == list(range(count))


def test_a_person_on_both_sides_of_the_split_is_named(made_up):
    (made_up / "ibug300w" / "attributes.csv").unlink()
    (made_up / "ibug300w" / "visibility.csv").unlink()
    (made_up / "ibug300w").rmdir()
    write_set(made_up / "ibug300w", [*CROPS, ("test", 2, {})], 68)
    with pytest.raises(LabelError, match="person 2 is in train and in test"):
        card.card(made_up, command_line.SAMPLES)


def test_a_missing_set_is_named(made_up):
    (made_up / "imm" / "attributes.csv").unlink()
    with pytest.raises(LabelError, match=r"imm/attributes\.csv: is missing"):
        card.card(made_up, command_line.SAMPLES)


def test_a_value_without_a_row_is_refused():
    with pytest.raises(LabelError, match="'x' is not one of a, b"):
        card.count_table({"train": [{"v": "x"}]}, lambda r: r["v"], "ab")


def test_every_drawn_value_has_its_band():
    for picture in splits.ibug_pictures(0, 60, 0):
        row = {name: str(value) for name, value in shots.attributes(shots.shot(picture, 1)).items()}
        for name, starts in (("years", card.AGES), ("melanin", card.TONES), ("yaw", card.YAWS)):
            assert card.band(row[name], starts) in starts


def test_one_heading_no_html_narrow_tables(text):
    assert re.findall(r"^# .*$", text, re.MULTILINE) == ["# The embedded data set"]
    prose = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)
    assert not re.search(r"<[a-z/]", prose)
    for row in re.findall(r"^\|.*\|$", text, re.MULTILINE):
        assert row.count("|") <= 5
        assert len(row) <= 62
    assert not Template.pattern.search(prose)


def test_what_was_measured_on_real_faces_is_told_where_it_is_known(made_up, tmp_path):
    metrics = {
        f"{name}.test.nme": {"value": value, "n": 554}
        for name, value in (("demo_to_real", 4.1), ("real", 3.578), ("mean", 14.5))
    }
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "transfer.json").write_text(json.dumps({"metrics": metrics}))
    told = card.card(made_up, command_line.SAMPLES, tmp_path)
    assert "4.10 % of the distance of the outer eye corners on 554 photographs" in told
    assert "3.58 % for the same net" in told


def test_the_command_writes_the_card(made_up, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["demo_faces", "card", str(made_up)])
    picture = made_up / "a.png"
    Image.new("RGB", (50, 40), "olive").save(picture)
    crop = Labelled(picture, np.zeros((68, 2)), None, None)
    monkeypatch.setattr(command_line.readers, "read_folder", lambda _folder: 30 * [crop])
    assert command_line.main() == 0
    with Image.open(made_up / "faces.jpg") as sheet:
        assert sheet.size == (8 * 20, 3 * 16)
    assert "README.md: written" in capsys.readouterr().out
    written = (made_up / "README.md").read_text()
    assert written == card.card(made_up, command_line.SAMPLES, command_line.RESULTS)


def test_sizes_leave_records_out(tmp_path):
    (tmp_path / ".records").mkdir()
    (tmp_path / ".records" / "a.json").write_bytes(bytes(900_000))
    (tmp_path / "a.jpg").write_bytes(bytes(1_240_000))
    assert card.megabytes(tmp_path) == "1.2 MB"
