import re
import shutil
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from cartoon_faces import image_xml
from facekp.data import LOADERS, DataError, load_ibug

TRAIN = "labels_ibug_300W_train.xml"
TEST = "labels_ibug_300W_test.xml"
BOX = (20, 30, 40, 40)


@pytest.fixture
def folder(tmp_path, ibug_folder):
    """A folder that may be broken."""
    return shutil.copytree(ibug_folder, tmp_path / "ibug300w")


def write(folder, label_file, pictures):
    """Write a label file; `pictures` maps names to lists of (points, box)."""
    elements = []
    for name, faces in pictures.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            Image.new("L", (100, 90)).save(path)
        opening, *body, closing = image_xml(name, (90, 100), *faces[0]).split("\n")
        for face in faces[1:]:
            body += image_xml(name, (90, 100), *face).split("\n")[1:-1]
        elements += [opening, *body, closing]
    text = "\n".join(["<dataset><images>", *elements, "</images></dataset>"])
    (folder / label_file).write_text(text)


def points(shift=0.0):
    return np.linspace(20, 60, 136).reshape(68, 2) + shift


def test_train_and_test(ibug_folder):
    faces = LOADERS["ibug300w"](ibug_folder, (48, 48), channels=3)
    assert faces.images.shape == (16, 3, 48, 48)
    assert faces.attributes["split"].tolist() == ["train"] * 12 + ["test"] * 4
    assert set(faces.attributes["subset"]) == {"lfpw", "helen"}
    assert faces.attributes["box_leaves"].dtype == bool
    assert faces.ids[:2].tolist() == ["lfpw/trainset/image_1000", "helen/trainset/1001_1"]
    assert faces.groups[:2].tolist() == ["lfpw/trainset/image_1000", "helen/1001"]
    np.testing.assert_array_equal(faces.crop[:, 2], faces.crop[:, 3])


def test_keypoints_and_interocular_distance_of_the_original(ibug_folder):
    faces = load_ibug(ibug_folder, (48, 48))
    text = (ibug_folder / TRAIN).read_text()
    first = re.findall(r"<part name='(\d+)' x='(.+?)' y='(.+?)'", text)[:68]
    truth = np.array([row[1:] for row in first], dtype=float)
    np.testing.assert_allclose(faces.keypoints_img()[0], truth, atol=1e-3)
    distance = np.hypot(*(truth[36] - truth[45]))
    assert faces.interocular[0] == pytest.approx(distance, rel=1e-6)


def test_the_box_is_squared_and_enlarged_about_its_centre(tmp_path):
    write(tmp_path, TRAIN, {"lfpw/a.png": [(points(), (20, 30, 40, 20))]})
    write(tmp_path, TEST, {"lfpw/b.png": [(points(), BOX)]})
    # Pixels 20-59 and 30-49: edges 19.5 to 59.5 and 29.5 to 49.5, centre (39.5, 39.5), side 60.
    crop = load_ibug(tmp_path, (32, 32), box_scale=1.5).crop
    np.testing.assert_allclose(crop[0], [9.5, 9.5, 60, 60])


@pytest.mark.parametrize("box", [(20, 30, 40, 40), (-9, -7, 50, 50), (60, 50, 60, 61)])
def test_keypoints_lie_on_their_marks_in_the_crop(tmp_path, box):
    """A bright square about one keypoint; boxes inside and beyond the picture."""
    mark = (71, 60) if box[0] > 50 else (33, 38)
    columns, rows = np.arange(100), np.arange(90)[:, None]
    square = (abs(columns - mark[0]) <= 3) & (abs(rows - mark[1]) <= 3)
    (tmp_path / "lfpw").mkdir()
    Image.fromarray((square * 255).astype(np.uint8)).save(tmp_path / "lfpw/a.png")
    face = points()
    face[30] = mark
    write(tmp_path, TRAIN, {"lfpw/a.png": [(face, box)]})
    write(tmp_path, TEST, {"lfpw/b.png": [(points(), BOX)]})
    faces = load_ibug(tmp_path, (64, 64))
    mass = faces.images[0, 0].astype(float)
    rows, columns = np.indices(mass.shape)
    centre = [(mass * axis).sum() / mass.sum() for axis in (columns, rows)]
    np.testing.assert_allclose(faces.keypoints[0, 30], centre, atol=0.05)


def test_mirrored_copies_are_left_out_and_photographs_grouped(tmp_path):
    names = [
        "afw/77_1.png",
        "afw/77_1_mirror.png",
        "afw/77_2.png",
        "helen/trainset/image_003_1.png",
    ]
    names += ["lfpw/trainset/image_0003.png", "lfpw/trainset/image_0004_mirror.png"]
    write(tmp_path, TRAIN, {name: [(points(), BOX)] for name in names})
    write(tmp_path, TEST, {"helen/testset/image_003_2.png": [(points(), BOX)]})
    faces = load_ibug(tmp_path, (16, 16))
    assert dict(zip(faces.ids.tolist(), faces.groups.tolist(), strict=True)) == {
        "afw/77_1": "afw/77",
        "afw/77_2": "afw/77",
        "helen/trainset/image_003_1": "helen/image_003",
        "lfpw/trainset/image_0003": "lfpw/trainset/image_0003",
        "helen/testset/image_003_2": "helen/image_003",
    }


def test_several_faces_of_a_picture_stay_in_one_group(tmp_path):
    write(tmp_path, TRAIN, {"afw/7_1.png": [(points(), BOX), (points(5), (30, 30, 30, 30))]})
    write(tmp_path, TEST, {"afw/8_1.png": [(points(), BOX)]})
    faces = load_ibug(tmp_path, (16, 16))
    assert faces.ids.tolist() == ["afw/7_1", "afw/7_1#2", "afw/8_1"]
    assert faces.groups.tolist() == ["afw/7", "afw/7", "afw/8"]


def test_a_picture_in_train_and_test_is_refused(tmp_path):
    write(tmp_path, TRAIN, {"afw/7_1.png": [(points(), BOX)]})
    write(tmp_path, TEST, {"afw/7_1.png": [(points(), BOX)]})
    with pytest.raises(DataError, match=f"{TEST}:2: picture afw/7_1 is labelled twice, first at"):
        load_ibug(tmp_path, (16, 16))


def test_a_scheme_that_does_not_fit_is_refused(tmp_path):
    write(tmp_path, TRAIN, {"afw/7_1.png": [(points()[:58], BOX)]})
    write(tmp_path, TEST, {"afw/8_1.png": [(points(), BOX)]})
    with pytest.raises(DataError, match=f"{TRAIN}:2: 58 points where ibug68 has 68"):
        load_ibug(tmp_path, (16, 16))


@pytest.mark.parametrize("name", [TRAIN, TEST])
def test_a_missing_label_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(DataError, match=f"{folder / name}: cannot be read"):
        load_ibug(folder, (16, 16))


def test_a_truncated_picture_is_named_with_the_line_that_names_it(folder):
    path = folder / "helen/trainset/1001_1.jpg"
    path.write_bytes(path.read_bytes()[:-1000])
    line = (folder / TRAIN).read_text().split("1001_1.jpg")[0].count("\n") + 1
    with pytest.raises(DataError, match=f"{TRAIN}:{line}: picture 1001_1.jpg cannot be read"):
        load_ibug(folder, (16, 16))


@pytest.mark.parametrize(
    "options", [{"size": (16, 20)}, {"size": (16, 16), "box_scale": 0.0}], ids=str
)
def test_wrong_arguments_are_refused(ibug_folder, options):
    with pytest.raises(ValueError, match="crops are square"):
        load_ibug(ibug_folder, **options)


@pytest.mark.data
def test_the_real_300w_images(real_data):
    faces = load_ibug(real_data / "ibug_300W_large_face_landmark_dataset", (64, 64))
    split, subset = faces.attributes["split"], faces.attributes["subset"]
    assert len(faces) == 2012 + 554
    assert Counter(zip(split.tolist(), subset.tolist(), strict=True)) == {
        ("train", "afw"): 337,
        ("train", "helen"): 870,
        ("train", "lfpw"): 805,
        ("test", "helen"): 330,
        ("test", "lfpw"): 224,
    }
    assert not set(faces.groups[split == "train"]) & set(faces.groups[split == "test"])
