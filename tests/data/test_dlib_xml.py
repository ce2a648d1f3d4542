import numpy as np
import pytest
from PIL import Image

from facekp.data import DataError, read_dlib_xml

BOX = "<box left='2' top='1' width='5' height='4'>"
PARTS = "<part name='1' x='3' y='4.5'/>\n<part name='0' x='-1' y='2'/>"
FACE = f"{BOX}\n{PARTS}\n</box>"


def write(folder, images, head="<?xml version='1.0' encoding='ISO-8859-1'?>"):
    for name in ("a.png", "below/b.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        Image.new("L", (8, 6)).save(folder / name)
    path = folder / "labels.xml"
    # The first line of `images` is line 4.
    text = f"{head}\n<dataset><name>x</name>\n<images>\n{images}\n</images></dataset>"
    path.write_text(text, encoding="latin-1")
    return path


def picture(*faces, name="a.png"):
    return f"<image file='{name}'>\n" + "\n".join(faces) + "\n</image>"


def test_boxes_and_parts(tmp_path):
    path = write(tmp_path, picture(FACE) + picture(FACE, name="below/b.png"))
    first, second = read_dlib_xml(path)
    # dlib's rectangle begins with pixel 2, whose edge is 1.5; parts are ordered by name.
    np.testing.assert_array_equal(first.box, [1.5, 0.5, 5, 4])
    np.testing.assert_array_equal(first.points, [[-1, 2], [3, 4.5]])
    assert first.points.dtype == np.float32
    assert (first.name, first.place, first.number) == ("a.png", (path, 4), 1)
    assert second.picture == tmp_path / "below/b.png"


def test_a_picture_may_hold_several_faces(tmp_path):
    other = FACE.replace("x='3'", "x='5'")
    first, second = read_dlib_xml(write(tmp_path, picture(FACE, other)))
    assert (first.number, second.number) == (1, 2)
    assert first.points[1, 0] == 3 and second.points[1, 0] == 5


@pytest.mark.parametrize(
    ("left", "top", "width", "height", "leaves"),
    [
        (0, 0, 8, 6, False),  # all of the picture, whose pixels' edges lie at halves
        (-1, 0, 8, 6, True),
        (0, -1, 8, 6, True),
        (1, 0, 8, 6, True),
        (0, 1, 8, 6, True),
    ],
)
def test_a_box_that_leaves_its_picture_is_known(tmp_path, left, top, width, height, leaves):
    box = f"<box left='{left}' top='{top}' width='{width}' height='{height}'>"
    (face,) = read_dlib_xml(write(tmp_path, picture(FACE.replace(BOX, box))))
    assert face.leaves is leaves


def test_boxes_may_leave_the_picture(tmp_path):
    box = "<box left='-7' top='-5' width='22' height='16'>"  # one picture size on each side
    (face,) = read_dlib_xml(write(tmp_path, picture(FACE.replace(BOX, box))))
    np.testing.assert_array_equal(face.box, [-7.5, -5.5, 22, 16])
    assert face.leaves


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        ("x='3'", "x='nan'", 6, "finite number"),
        ("x='3'", "x='1e39'", 6, "finite number"),
        ("x='3'", "", 6, "lacks 'x'"),
        ("x='3'", "x='16.5'", 6, "outside its picture of 8×6"),
        ("y='2'", "y='-6.5'", 7, "outside its picture"),
        ("name='1'", "name='0'", 7, "part 0 for the second time"),
        ("name='1'", "name='2'", 5, "named 0 to K - 1"),
        ("name='1'", "name='nose'", 6, "whole number"),
        (PARTS, "", 5, "0 parts"),
        (FACE, "", 4, "picture without a box"),
        ("width='5'", "width='0'", 5, "without width or height"),
        ("height='4'", "height='-1'", 5, "without width or height"),
        ("width='5'", "width='1e9'", 5, "outside its picture"),
        ("left='2'", "left='8'", 5, "wholly outside"),
        ("left='2'", "left='-5'", 5, "wholly outside"),
        ("top='1'", "", 5, "lacks 'top'"),
        (" file='a.png'", "", 4, "lacks 'file'"),
        ("a.png", "none.png", 4, "not there"),
        ("a.png", "../a.png", 4, "not there"),
        ("a.png", "/etc/passwd", 4, "only files inside"),
        ("a.png", "labels.xml", 4, "cannot be read"),
        ("a.png", "below", 4, "not there"),
        ("</box>", "", 9, "mismatched tag"),
        (FACE, f"<box><box>{PARTS}</box></box>", 5, "lacks 'left'"),
        (BOX, f"{BOX}{BOX}", 5, "must stand in <image>"),
        (FACE, PARTS, 5, "must stand in <box>"),
    ],
)
def test_a_broken_file_is_named_with_its_line(tmp_path, old, new, line, problem):
    path = write(tmp_path, picture(FACE).replace(old, new, 1))
    with pytest.raises(DataError, match=problem) as caught:
        read_dlib_xml(path)
    assert caught.value.place == (path, line)


def test_a_picture_listed_twice_is_refused(tmp_path):
    path = write(tmp_path, picture(FACE) + "\n" + picture(FACE))
    with pytest.raises(DataError, match=f"{path}:10: .*second time"):
        read_dlib_xml(path)


@pytest.mark.parametrize(
    ("head", "problem"),
    [
        ("<!DOCTYPE d [<!ENTITY a 'aaa'><!ENTITY b '&a;&a;&a;'>]>", "entities"),
        ("<!DOCTYPE d [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>", "entities"),
        ("<!DOCTYPE d>", "DTDForbidden"),
        ("<!DOCTYPE d SYSTEM 'http://localhost/d.dtd'>", "entities"),
        ("<?xml version='1.0' encoding='no-such'?>", "unknown encoding"),
        ("<?xml version='1.0' encoding='UTF-16'?>", "not XML"),
        ("\0", "not XML"),
    ],
)
def test_entity_bombs_and_wrong_encodings_are_refused(tmp_path, head, problem):
    path = write(tmp_path, picture(FACE), head=head)
    with pytest.raises(DataError, match=problem) as caught:
        read_dlib_xml(path)
    assert caught.value.place.path == path
    assert caught.value.place.line in (1, 2)  # expat takes a NUL for the end of a line


def test_a_truncated_file_is_refused_wherever_it_ends(tmp_path):
    path = write(tmp_path, picture(FACE))
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match=str(path)):
            read_dlib_xml(path)


def test_files_without_pictures_are_refused(tmp_path):
    with pytest.raises(DataError, match="holds no pictures"):
        read_dlib_xml(write(tmp_path, ""))
    with pytest.raises(DataError, match="cannot be read"):
        read_dlib_xml(tmp_path / "none.xml")
