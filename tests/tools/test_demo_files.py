"""Label files, splits, boxes: written, read back, gone on with after an interruption."""

import json

import numpy as np
import pytest
from demo_faces import boxes, making, readers, splits, verify, writers
from PIL import Image


def record(stem, split, count, folder=""):
    rng = np.random.default_rng(len(stem) + count)
    return {
        "file": f"{folder}{stem}.jpg",
        "split": split,
        "width": 9,
        "height": 7,
        "box": [-1, 2, 5, 5],
        "points": (rng.random((count, 2)) * [8, 6]).round(4).tolist(),
        "visible": [k % 3 > 0 for k in range(count)],
        "attributes": {"sex": "f", "years": 33, "hat": "none"},
    }


def jpeg():
    return writers.jpeg_bytes(Image.new("RGB", (9, 7), (200, 100, 50)), 90)


def test_asf_round_trip(tmp_path):
    kept = record("07-3f", "all", 58)
    writers.write_picture(tmp_path, "07-3", kept, jpeg())
    assert writers.write_labels(tmp_path, "imm") == 1
    (found,) = readers.read_folder(tmp_path)
    assert found.path == tmp_path / "07-3f.jpg"
    np.testing.assert_allclose(found.points, kept["points"], atol=1e-6)
    assert found.visible.tolist() == kept["visible"]


def test_asf_rows_are_those_of_the_originals():
    text = writers.asf_text(np.tile([4.5, 3.5], (58, 1)), 9, 7, "07-3f.jpg")
    rows = [line.split() for line in text.splitlines() if line[:1].isdigit() and "\t" in line]
    assert rows[0] == ["0", "4", "0.50000000", "0.50000000", "0", "0", "1"]
    assert rows[13][:2] + rows[13][4:] == ["1", "0", "13", "20", "14"]  # closed: eye
    assert rows[57][:2] + rows[57][4:] == ["6", "4", "57", "56", "57"]  # open: end of the nose
    assert text.splitlines()[-1] == "07-3f.jpg"


def test_xml_round_trip_by_split(tmp_path):
    for stem, split in (("train0001", "train"), ("test0001", "test"), ("train0002", "train")):
        kept = record(stem, split, 68, f"demo/{split}set/")
        writers.write_picture(tmp_path, stem, kept, jpeg())
    assert writers.write_labels(tmp_path, "ibug300w") == 3
    train = readers.read_xml(tmp_path / "labels_ibug_300W_train.xml")
    (test,) = readers.read_xml(tmp_path / "labels_ibug_300W_test.xml")
    assert [k.path.name for k in train] == ["train0001.jpg", "train0002.jpg"]
    assert test.box == (-1, 2, 5, 5)
    np.testing.assert_allclose(
        train[0].points, record("train0001", "train", 68)["points"], atol=0.005
    )
    assert all(
        k.visible.tolist() == [j % 3 > 0 for j in range(68)] for k in readers.read_folder(tmp_path)
    )


def test_attributes_are_a_line_a_picture(tmp_path):
    writers.write_picture(tmp_path, "01-1", record("01-1f", "all", 58), jpeg())
    writers.write_labels(tmp_path, "imm")
    assert (tmp_path / "attributes.csv").read_text() == "file,sex,years,hat\n01-1f.jpg,f,33,none\n"


def test_a_picture_without_record_or_file_is_made_again(tmp_path):
    pictures = splits.imm_pictures(0, 1)[:3]
    for picture in pictures[:2]:
        writers.write_picture(tmp_path, picture.stem, record(picture.stem, "all", 58), jpeg())
    (tmp_path / "01-2.jpg").unlink()
    jobs = making.unfinished(tmp_path, pictures, 4)
    assert [job.picture.stem for job in jobs] == ["01-2", "01-3"]


def test_what_exists_is_what_is_labelled_anew(tmp_path):
    pictures = splits.imm_pictures(0, 1)[:3]
    for picture in pictures[:2]:
        writers.write_picture(tmp_path, picture.stem, record(picture.stem, "all", 58), jpeg())
    jobs = making.finished(tmp_path, pictures, 4)
    assert [job.picture.stem for job in jobs] == ["01-1", "01-2"]


def test_new_labels_leave_the_rest_of_a_record(tmp_path):
    before = record("01-1f", "all", 58)
    writers.write_picture(tmp_path, "01-1", before, jpeg())
    writers.update_record(tmp_path, "01-1", {"points": [[1.0, 2.0]]})
    [after] = writers.records(tmp_path)
    assert after == before | {"points": [[1.0, 2.0]]}


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    writers.write_whole(path, b"old")
    monkeypatch.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        writers.write_whole(path, b"new")
    assert path.read_bytes() == b"old"


def test_an_empty_folder_is_named(tmp_path):
    with pytest.raises(readers.LabelError, match="name a folder of label files"):
        readers.read_folder(tmp_path)


def test_no_person_is_in_both_splits_and_more_pictures_change_none():
    small, large = splits.ibug_pictures(0, 5, 3), splits.ibug_pictures(0, 8, 3)
    persons = {
        split: {p.person_key for p in large if p.split == split} for split in ("train", "test")
    }
    assert not persons["train"] & persons["test"]
    assert {len(persons["train"]), len(persons["test"])} == {8, 3}
    assert set(small) <= set(large)
    assert len({p.stem for p in large}) == 11


def test_imm_has_six_views_a_person():
    pictures = splits.imm_pictures(0, 2)
    assert [p.stem for p in pictures[:7]] == [
        "01-1",
        "01-2",
        "01-3",
        "01-4",
        "01-5",
        "01-6",
        "02-1",
    ]
    assert len({p.person_key for p in pictures}) == 2
    assert len({p.key for p in pictures}) == 12


def test_boxes_are_tight_and_off_by_a_random_bit():
    points = np.array([[100.0, 120], [200, 220]])
    drawn = np.array([boxes.detector_box(points, np.random.default_rng(k)) for k in range(400)])
    side = drawn[:, 2]
    assert (side == drawn[:, 3]).all()
    # The extent is 100: medians 107.5 and 8.9 too high; 400 draws, so within 3 sigma / 20.
    assert np.median(side) == pytest.approx(107.5, abs=1.5)
    assert np.median(drawn[:, 0] + side / 2) == pytest.approx(150, abs=1.5)
    assert np.median(drawn[:, 1] + side / 2) == pytest.approx(170 - 8.9, abs=1.5)
    assert side.std() > 4


def test_records_are_json_with_labels_to_a_ten_thousandth(tmp_path):
    writers.write_picture(tmp_path, "01-1", record("01-1f", "all", 58), jpeg())
    kept = json.loads((tmp_path / writers.RECORDS / "01-1.json").read_text())
    assert kept["points"] == record("01-1f", "all", 58)["points"]


def made(folder, shift=0.0, light=100):
    kept = record("01-1f", "all", 58)
    kept["points"] = [[x + shift, y] for x, y in kept["points"]]
    jpeg = writers.jpeg_bytes(Image.new("RGB", (9, 7), (light,) * 3), 95)
    writers.write_picture(folder, "01-1", kept, jpeg)
    writers.write_labels(folder, "imm")
    return folder


def test_a_set_made_again_is_held_against_the_old_one(tmp_path):
    kept = made(tmp_path / "kept")
    (same,) = verify.differences(made(tmp_path / "same"), kept)
    assert same.small
    assert (same.labels, same.light) == (0, 0)
    (moved,) = verify.differences(made(tmp_path / "moved", shift=0.02), kept)
    assert not moved.small
    assert moved.labels == pytest.approx(0.02, abs=1e-6)
    (darker,) = verify.differences(made(tmp_path / "darker", light=97), kept)
    assert not darker.small
    assert darker.light == pytest.approx(3, abs=1)


def test_sets_without_a_common_picture_are_refused(tmp_path):
    kept = made(tmp_path / "kept")
    writers.write_picture(tmp_path / "b", "02-1", record("02-1f", "all", 58), jpeg())
    writers.write_labels(tmp_path / "b", "imm")
    with pytest.raises(readers.LabelError, match="no picture is in both"):
        verify.differences(kept, tmp_path / "b")
