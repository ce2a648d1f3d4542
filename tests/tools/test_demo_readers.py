"""What the generator writes, the project's own readers read: the same keypoints to 0.01 px."""

import numpy as np
import pytest
from demo_faces import splits, writers
from PIL import Image

from cartoon_faces import imm_pose
from cartoon_head import Head, Person, ibug68, imm58
from facekp.data import load_ibug, load_imm

TOLERANCE = 0.01  # pixels, as the labels are promised


def write_projected(folder, pictures, size, points_of):
    """Write pictures of a plain colour with the keypoints of cartoon heads; size: (H, W).

    Return {file without suffix: (K, 2) keypoints, pixels}.
    """
    height, width = size
    projected = {}
    for k, picture in enumerate(pictures):
        rng = np.random.default_rng(k)
        points = points_of(Head(Person.draw(rng), imm_pose(picture.view or 1, size, rng)))
        stem, split = picture.stem, picture.split
        file = f"{stem}f.jpg" if split == "all" else f"demo/{split}set/{stem}.jpg"
        record = {
            "file": file,
            "split": split,
            "width": width,
            "height": height,
            "box": [width // 4, height // 4, width // 2, width // 2],
            "points": points.round(4).tolist(),
            "visible": [True] * len(points),
            "attributes": {"split": split},
        }
        image = Image.new("RGB", (width, height), (90, 80, 70))
        writers.write_picture(folder, stem, record, writers.jpeg_bytes(image, 80))
        projected[file.removesuffix(".jpg")] = points
    return projected


@pytest.mark.parametrize("size", [(36, 48), (27, 36)])
def test_imm(tmp_path, size):
    """Also where the pictures are read smaller than they are."""
    due = write_projected(tmp_path, splits.imm_pictures(0, 2), (360, 480), imm58)
    writers.write_labels(tmp_path, "imm")
    faces = load_imm(tmp_path, size, persons=2)
    assert faces.ids.tolist() == list(due)
    assert not faces.attributes["renumbered"].any()
    assert faces.attributes["view"].tolist() == [*range(1, 7)] * 2
    for points, name in zip(faces.keypoints_img(), due, strict=True):
        np.testing.assert_allclose(points, due[name], atol=TOLERANCE)


@pytest.mark.parametrize("box_scale", [1.0, 1.4])
def test_ibug(tmp_path, box_scale):
    pictures = splits.ibug_pictures(0, 3, 2)
    due = write_projected(tmp_path, pictures, (320, 320), ibug68)
    writers.write_labels(tmp_path, "ibug300w")
    faces = load_ibug(tmp_path, (64, 64), box_scale=box_scale)
    assert faces.ids.tolist() == list(due)
    assert faces.attributes["split"].tolist() == ["train"] * 3 + ["test"] * 2
    assert len(set(faces.groups)) == 5
    for points, name in zip(faces.keypoints_img(), due, strict=True):
        np.testing.assert_allclose(points, due[name], atol=TOLERANCE)
