"""One tiny picture with the real renderer, where it is installed."""

import json

import numpy as np
import pytest
from PIL import Image


@pytest.mark.slow
def test_a_tiny_picture_is_rendered_and_labelled(tmp_path, monkeypatch):
    pytest.importorskip("bpy", reason="Blender's module is not installed")
    pytest.importorskip("anny", reason="anny is not installed")
    from demo_faces import making, shots, splits

    monkeypatch.setattr(shots, "IBUG_SIZE", (64, 64))
    picture = splits.ibug_pictures(0, 1, 0)[0]
    made = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        making.make(making.Job(folder, picture, 1))
        made.append(json.loads((folder / ".records" / "train0001.json").read_text()))
    points = np.array(made[0]["points"])
    assert points.shape == (68, 2)
    assert ((points > -10) & (points < 74)).all()
    assert np.ptp(points[:, 1]) > 15  # a face, not a speck
    assert sum(made[0]["visible"]) > 30
    image = np.asarray(Image.open(tmp_path / "a" / made[0]["file"]), float)
    assert image.shape == (64, 64, 3)
    assert image.std() > 10
    np.testing.assert_allclose(points, made[1]["points"], atol=0.01)
    again = np.asarray(Image.open(tmp_path / "b" / made[1]["file"]), float)
    assert np.abs(image - again).mean() < 1
