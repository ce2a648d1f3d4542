import numpy as np
import pytest

from facekp.data import DataError, read_pts

WITH_HEADER = "version: 1\nn_points: 2\n{\n1.0 1.0\n12.5 7.25\n}\n"


def write(folder, text):
    path = folder / "face.pts"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "text",
    [
        WITH_HEADER,
        WITH_HEADER.replace("\n", "\r\n"),
        "version:1\nn_points:  2\n{\n1 1\n12.5 7.25\n}",
        "{\n1 1\n12.5 7.25\n}",
        "1 1\n\n12.5\t7.25\n",
    ],
)
def test_one_is_taken_off_with_and_without_header(tmp_path, text):
    points = read_pts(write(tmp_path, text))
    np.testing.assert_array_equal(points, [[0, 0], [11.5, 6.25]])
    assert points.dtype == np.float32


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        (WITH_HEADER.replace("points: 2", "points: 3"), 2, "announces 3 points, 2 follow"),
        (WITH_HEADER.replace("points: 2", "points: two"), 2, "whole number"),
        (WITH_HEADER.replace("7.25", "NaN"), 5, "finite number"),
        (WITH_HEADER.replace("7.25", "1e400"), 5, "finite number"),
        (WITH_HEADER.replace("7.25", ""), 5, "x and y"),
        (WITH_HEADER.replace("7.25", "7 25"), 5, "x and y"),
        (WITH_HEADER.replace("}", ""), 5, "braces"),
        (WITH_HEADER.replace("{\n", ""), 5, "braces"),
        ("version: 1\nn_points: 0\n", None, "braces"),
        ("{\n}\n", None, "no points"),
        ("", None, "no points"),
        ("1 1\n{\n", 2, "x and y"),
    ],
)
def test_a_broken_file_is_named_with_its_line(tmp_path, text, line, problem):
    path = write(tmp_path, text)
    with pytest.raises(DataError, match=problem) as caught:
        read_pts(path)
    assert caught.value.place == (path, line)


def test_points_far_outside_a_picture_of_known_size_are_refused(tmp_path):
    # 0-based (11.5, 6.25): within twice a height of 4, not of 3.
    path = write(tmp_path, WITH_HEADER)
    assert read_pts(path, size=(4, 6)).shape == (2, 2)
    with pytest.raises(DataError, match=f"{path}:5: .* outside its picture of 6×3"):
        read_pts(path, size=(3, 6))
