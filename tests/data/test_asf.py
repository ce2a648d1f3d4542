import numpy as np
import pytest
from PIL import Image

from facekp.data import DataError, read_asf

ROWS = ["0 4 0.25 0.5 0 0 1", "0 4 0.0 1.0 1 0 2", "0 4 1.5 -0.5 2 1 2"]


def write(folder, rows=ROWS, count=None, picture="face.png", before=("# a comment", "")):
    if not (folder / "face.png").exists():
        Image.new("L", (8, 6)).save(folder / "face.png")
    lines = [*before, str(len(rows) if count is None else count), "", *rows, "# host", picture]
    path = folder / "face.asf"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_fractions_become_pixels_with_fraction_0_at_the_first_pixels_centre(tmp_path):
    shape = read_asf(write(tmp_path))
    np.testing.assert_array_equal(shape.points, [[2, 3], [0, 6], [12, -3]])  # times 8 and 6
    assert shape.points.dtype == np.float32
    assert shape.size == (6, 8)
    assert shape.picture == tmp_path / "face.png"


def test_ten_columns_and_windows_line_ends_are_read_alike(tmp_path):
    plain = read_asf(write(tmp_path)).points
    path = write(tmp_path, [f"{row}\t0.00\t0.00\t0.00\r" for row in ROWS])
    np.testing.assert_array_equal(read_asf(path).points, plain)


def test_the_picture_is_measured_after_its_exif_turn(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn: 8 × 6 becomes 6 × 8
    Image.new("L", (8, 6)).save(tmp_path / "face.png", exif=exif)
    shape = read_asf(write(tmp_path))
    assert shape.size == (8, 6)
    np.testing.assert_array_equal(shape.points[0], [1.5, 4])


@pytest.mark.parametrize(
    ("changes", "line", "problem"),
    [
        ({"rows": [ROWS[0], "0 4 nan 0.5 1 0 2"]}, 6, "finite number"),
        ({"rows": ["0 4 0.5 inf 0 0 2"]}, 5, "finite number"),
        ({"rows": ["0 4 0.5 1e39 0 0 2"]}, 5, "finite number"),
        ({"rows": ["0 4 0.5 1_0 0 0 2"]}, 5, "finite number"),
        ({"rows": ["0 4 0.5 ٣ 0 0 2"]}, 5, "finite number"),
        ({"rows": ["0 4 0.5 2.01 0 0 2"]}, 5, "outside its picture of 8×6"),
        ({"rows": [ROWS[0], "0 4 -1.01 0.5 1 0 2"]}, 6, "outside its picture"),
        ({"rows": ["0 4 0.5 0.5 0 0"]}, 5, "columns"),
        ({"rows": ["0 4 0.5 0.5 0 0 1 0"]}, 5, "columns"),
        ({"rows": [ROWS[1]]}, 5, "point 0 is due"),
        ({"count": 4}, 3, "announces 4 points"),
        ({"count": 2}, 3, "announces 2 points"),
        ({"count": 0, "rows": []}, 3, "announces 0 points"),
        ({"count": "9" * 5000}, 3, "whole number"),
        ({"count": "-3"}, 3, "whole number"),
        ({"picture": "other.png"}, 9, "not there"),
        ({"picture": "../face.png"}, 9, "not there"),
        ({"picture": "/etc/passwd"}, 9, "only files inside"),
        ({"picture": "a\0b"}, 9, "not there"),
        ({"picture": "face.asf"}, 9, "cannot be read"),
    ],
)
def test_a_broken_file_is_named_with_its_line(tmp_path, changes, line, problem):
    path = write(tmp_path, **changes)
    with pytest.raises(DataError, match=problem) as caught:
        read_asf(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")


def test_a_truncated_file_is_refused_wherever_it_ends(tmp_path):
    path = write(tmp_path)
    whole = path.read_text()
    for length in range(len(whole.rstrip()) - 1):
        path.write_text(whole[:length])
        with pytest.raises(DataError, match=str(path)):
            read_asf(path)


def test_what_is_no_text_file_is_refused(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_asf(tmp_path)
    with pytest.raises(DataError, match=r"none.asf: cannot be read"):
        read_asf(tmp_path / "none.asf")
    path = write(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"0.25", b"\xff.25"))
    with pytest.raises(DataError, match=f"{path}:5: is not UTF-8"):
        read_asf(path)


def test_a_link_that_leaves_the_folder_is_refused(tmp_path):
    Image.new("L", (8, 6)).save(tmp_path / "secret.png")
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "face.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(DataError, match="only files inside"):
        read_asf(write(tmp_path / "set"))


def test_a_path_back_into_the_folder_is_refused_too(tmp_path):
    (tmp_path / "below").mkdir()
    with pytest.raises(DataError, match="only files inside"):
        read_asf(write(tmp_path, picture="below/../face.png"))
