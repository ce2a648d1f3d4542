import shutil

import numpy as np
import pytest
from PIL import Image

from cartoon_faces import asf_text
from facekp.data import LOADERS, DataError, load_imm

ONE = {"size": (60, 80), "persons": 1}


@pytest.fixture
def one_person(tmp_path, imm_folder):
    """A folder that may be broken: the six views of person 01, a man or a woman."""
    folder = tmp_path / "imm_face_db"
    folder.mkdir()
    for path in imm_folder.glob("01-*"):
        shutil.copy(path, folder)
    return folder


def stem_of(folder, view=3):
    (path,) = folder.glob(f"01-{view}?.asf")
    return path.stem


def test_forty_persons_in_six_views(imm_folder):
    faces = LOADERS["imm"](imm_folder, (60, 80))
    assert faces.images.shape == (240, 1, 60, 80)
    assert faces.keypoints.shape == (240, 58, 2) and faces.keypoints.dtype == np.float32
    assert faces.visible.all()
    assert faces.groups.tolist() == [f"{k:02d}" for k in range(1, 41) for _ in range(6)]
    assert faces.attributes["view"].tolist() == [1, 2, 3, 4, 5, 6] * 40
    assert faces.ids[8][:4] == "02-3"
    np.testing.assert_array_equal(faces.crop, [[-0.5, -0.5, 160, 120]] * 240)
    # Half of 160 × 120: (x + 0.5) · 2 - 0.5 leads back.
    np.testing.assert_allclose(faces.keypoints_img(), faces.keypoints * 2 + 0.5, atol=1e-4)


def test_the_interocular_distance_is_in_pixels_of_the_original(imm_folder):
    small, large = (load_imm(imm_folder, size) for size in ((60, 80), (120, 160)))
    np.testing.assert_array_equal(small.interocular, large.interocular)
    corners = large.keypoints[:, [21, 13]]  # at the original size
    expected = np.hypot(*(corners[:, 0] - corners[:, 1]).T)
    np.testing.assert_allclose(small.interocular, expected, rtol=1e-5)


def test_colour(one_person):
    colour = load_imm(one_person, channels=3, **ONE).images
    grey = load_imm(one_person, **ONE).images
    assert colour.shape == (6, 3, 60, 80) and colour.std(axis=1).max() > 20
    luma = np.tensordot(colour, [0.299, 0.587, 0.114], axes=(1, 0))
    assert np.abs(luma - grey[:, 0]).max() <= 1.6  # each rounds twice: to grey, to the new size


def test_keypoints_lie_on_their_marks_after_resizing(one_person):
    """From the files to the arrays: 640 × 480, a bright square about one keypoint."""
    columns, rows = np.arange(640), np.arange(480)[:, None]
    for view, (x, y) in enumerate([(100, 90), (320, 240), (333, 201), (540, 400), (99, 380)], 1):
        stem = stem_of(one_person, view)
        mark = (abs(columns - x) <= 20) & (abs(rows - y) <= 20)
        picture = Image.fromarray((mark * 255).astype(np.uint8))
        picture.save(one_person / f"{stem}.jpg", quality=100)
        points = np.linspace(0.2, 0.8, 116).reshape(58, 2)
        points[52] = x / 640, y / 480
        (one_person / f"{stem}.asf").write_text(asf_text(points, f"{stem}.jpg"))
    (one_person / f"{stem_of(one_person, 6)}.jpg").unlink()
    shutil.copy(one_person / f"{stem}.jpg", one_person / f"{stem_of(one_person, 6)}.jpg")
    faces = load_imm(one_person, **ONE).take(range(5))
    mass = faces.images[:, 0].astype(float)
    mass[mass < 6] = 0  # what JPEG left in the dark
    rows, columns = np.indices((60, 80))
    centre = np.stack([(mass * axis).sum((1, 2)) for axis in (columns, rows)], axis=-1)
    centre /= mass.sum((1, 2))[:, None]
    np.testing.assert_allclose(faces.keypoints[:, 52], centre, atol=0.05)


def test_a_size_of_another_aspect_ratio_is_refused(imm_folder):
    with pytest.raises(DataError, match=r"160×120 pixels would be squashed to 60×80"):
        load_imm(imm_folder, (80, 60))


@pytest.mark.parametrize("suffix", ["jpg", "asf"])
def test_one_missing_file_is_named(one_person, suffix):
    path = one_person / f"{stem_of(one_person)}.{suffix}"
    path.unlink()
    with pytest.raises(DataError, match=f"{path}: is missing"):
        load_imm(one_person, **ONE)


def test_a_missing_view_and_a_missing_person_are_named(one_person):
    with pytest.raises(DataError, match="view 1 of person 02 is missing, but 6 views of 2 persons"):
        load_imm(one_person, (60, 80), persons=2)
    for path in one_person.glob("01-4*"):
        path.unlink()
    with pytest.raises(DataError, match="view 4 of person 01 is missing"):
        load_imm(one_person, **ONE)


def test_a_person_too_many_is_named(imm_folder):
    with pytest.raises(DataError, match="view 1 of person 40 is there"):
        load_imm(imm_folder, (60, 80), persons=39)


def test_a_view_twice_and_a_strange_name_are_refused(one_person):
    stem = stem_of(one_person)
    other = stem[:-1] + {"m": "f", "f": "m"}[stem[-1]]
    for suffix in ("jpg", "asf"):
        shutil.copy(one_person / f"{stem}.{suffix}", one_person / f"{other}.{suffix}")
    with pytest.raises(DataError, match="the same view of one person"):
        load_imm(one_person, **ONE)
    for suffix in ("jpg", "asf"):
        (one_person / f"{other}.{suffix}").rename(one_person / f"me.{suffix}")
    with pytest.raises(DataError, match=r"me.asf: is not named PP-Vg"):
        load_imm(one_person, **ONE)


def edit(path, old, new):
    path.write_text(path.read_text().replace(old, new, 1))


def test_a_label_of_another_picture_is_refused(one_person):
    stem, other = stem_of(one_person, 3), stem_of(one_person, 4)
    edit(one_person / f"{stem}.asf", f"{stem}.jpg", f"{other}.jpg")
    with pytest.raises(DataError, match=rf"{stem}.asf:\d+: names {other}.jpg as its picture"):
        load_imm(one_person, **ONE)


def test_a_scheme_that_does_not_fit_is_refused(one_person):
    stem = stem_of(one_person)
    points = np.linspace(0.2, 0.8, 2 * 57).reshape(57, 2)
    (one_person / f"{stem}.asf").write_text(asf_text(points, f"{stem}.jpg"))
    with pytest.raises(DataError, match=rf"{stem}.asf:\d+: 57 points where imm58 has 58"):
        load_imm(one_person, **ONE)


def test_coinciding_eye_corners_are_refused(one_person):
    stem = stem_of(one_person)
    points = np.full((58, 2), 0.5)
    (one_person / f"{stem}.asf").write_text(asf_text(points, f"{stem}.jpg"))
    with pytest.raises(DataError, match=rf"{stem}.asf:\d+: the outer eye corners"):
        load_imm(one_person, **ONE)


def test_a_truncated_picture_is_named_with_the_line_that_names_it(one_person):
    path = one_person / f"{stem_of(one_person)}.jpg"
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(DataError, match=rf"{path.stem}.asf:\d+: picture {path.name} cannot be"):
        load_imm(one_person, **ONE)


@pytest.mark.parametrize("eye", ["left", "right"])
@pytest.mark.parametrize("view", [1, 3, 4])
def test_an_eye_numbered_from_its_inner_corner_is_renumbered(one_person, eye, view):
    whole = load_imm(one_person, **ONE)
    path = one_person / f"{stem_of(one_person, view)}.asf"
    lines = path.read_text().split("\n")
    first = next(k for k, line in enumerate(lines) if "\t" in line)
    first += {"left": 13, "right": 21}[eye]
    # Inner corner, upper lid, outer corner, lower lid: a mirrored eye's order. Point numbers stay.
    places = [line.split("\t")[2:4] for line in lines[first : first + 8]]
    for k, place in enumerate([places[k] for k in (4, 3, 2, 1, 0, 7, 6, 5)]):
        columns = lines[first + k].split("\t")
        lines[first + k] = "\t".join([*columns[:2], *place, *columns[4:]])
    path.write_text("\n".join(lines))
    mended = load_imm(one_person, **ONE)
    np.testing.assert_array_equal(mended.keypoints, whole.keypoints)
    np.testing.assert_array_equal(mended.interocular, whole.interocular)
    assert not whole.attributes["renumbered"].any()
    assert np.flatnonzero(mended.attributes["renumbered"]).tolist() == [view - 1]


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none: there is no such folder"):
        load_imm(tmp_path / "none", (60, 80))


@pytest.mark.data
def test_the_real_imm_images(real_data):
    faces = load_imm(real_data / "imm_face_db", (60, 80))
    assert faces.images.shape == (240, 1, 60, 80)
    assert len(set(faces.groups)) == 40
    renumbered = " ".join(faces.ids[faces.attributes["renumbered"]])
    assert renumbered == "06-5m 10-4m 18-4m 33-3m 36-4m 36-5m 36-6m 39-3m 40-5m"
    frontal = np.isin(faces.attributes["view"], [1, 2, 5])
    assert np.median(faces.interocular[frontal]) == pytest.approx(128, abs=5)  # a fifth of 640
