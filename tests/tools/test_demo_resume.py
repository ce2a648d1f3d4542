"""A set that came without records is taken up from its label files, and stays as it was."""

import shutil

import pytest
from demo_faces import __main__ as command_line
from demo_faces import making, resume, splits, writers
from PIL import Image

LABELS = ("*.asf", "*.xml", "*.csv")


def labels(folder):
    return {p.name: p.read_bytes() for pattern in LABELS for p in folder.glob(pattern)}


@pytest.fixture(params=["imm", "ibug300w"])
def kept(request, tmp_path):
    """The name of a set, its pictures, and a folder that holds them without records."""
    name = request.param
    pictures = splits.imm_pictures(0, 1) if name == "imm" else splits.ibug_pictures(0, 4, 2)
    for k, picture in enumerate(pictures):
        stem, split = picture.stem, picture.split
        file = f"{stem}f.jpg" if name == "imm" else f"demo/{split}set/{stem}.jpg"
        count = 58 if name == "imm" else 68
        record = {
            "file": file,
            "split": split,
            "width": 48,
            "height": 36,
            "box": [-1, k, 30, 30],
            "points": [[j / 3 + k / 7, 30 - j / 6] for j in range(count)],
            "visible": [j % 5 != k for j in range(count)],
            "attributes": {"split": split, "yaw": -3.5, "hat": "none"},
        }
        image = Image.new("RGB", (48, 36), (90, 80, 40 * k))
        writers.write_picture(tmp_path, stem, record, writers.jpeg_bytes(image, 80))
    writers.write_labels(tmp_path, name)
    shutil.rmtree(tmp_path / writers.RECORDS)
    return name, pictures, tmp_path


def test_what_exists_is_not_made_again_and_labels_stay(kept):
    name, pictures, folder = kept
    before = labels(folder)
    assert len(making.unfinished(folder, pictures, 1)) == 6
    assert resume.restore_records(folder) == 6
    assert making.unfinished(folder, pictures, 1) == []
    writers.write_labels(folder, name)
    assert labels(folder) == before
    assert resume.restore_records(folder) == 0


def test_a_picture_taken_out_is_made_again(kept):
    _, pictures, folder = kept
    next(p for p in folder.rglob("*.jpg") if p.stem.startswith(pictures[2].stem)).unlink()
    assert resume.restore_records(folder) == 5
    assert [job.picture for job in making.unfinished(folder, pictures, 1)] == [pictures[2]]


def test_a_picture_without_attributes_is_made_again(kept):
    _, pictures, folder = kept
    path = folder / "attributes.csv"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]) + "\n")
    assert resume.restore_records(folder) == 5
    assert len(making.unfinished(folder, pictures, 1)) == 1


def test_an_empty_folder_has_nothing_to_restore(tmp_path):
    assert resume.restore_records(tmp_path / "none") == 0


def test_the_command_keeps_a_whole_set(kept, monkeypatch, capsys):
    name, _, folder = kept
    before = labels(folder)
    size = ["--persons", "1"] if name == "imm" else ["--train", "4", "--test", "2"]
    monkeypatch.setattr("sys.argv", ["demo_faces", name, "--out", str(folder), *size])
    assert command_line.main() == 0
    assert f"{folder}: 6 pictures, 0 of them new" in capsys.readouterr().out
    assert labels(folder) == before


def test_a_name_of_the_other_set_makes_nothing(tmp_path, monkeypatch, capsys):
    argv = ["demo_faces", "imm", "--out", str(tmp_path / "imm"), "--only", "train0042"]
    monkeypatch.setattr("sys.argv", argv)
    assert command_line.main() == 0
    assert "imm: has no train0042; nothing to make" in capsys.readouterr().out
    assert not (tmp_path / "imm").exists()


def test_both_sets_are_verified_at_once(kept, tmp_path_factory, monkeypatch, capsys):
    name, _, folder = kept
    two = [tmp_path_factory.mktemp("ours"), tmp_path_factory.mktemp("theirs")]
    for parent in two:
        shutil.copytree(folder, parent / name)
    monkeypatch.setattr("sys.argv", ["demo_faces", "verify", *map(str, two)])
    assert command_line.main() == 0
    assert "6 pictures compared, 0 differ" in capsys.readouterr().out


def test_verifying_nothing_is_an_error(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["demo_faces", "verify", str(tmp_path / "a"), str(tmp_path)])
    assert command_line.main() == 1
    assert "holds no .asf and no .xml" in capsys.readouterr().err
