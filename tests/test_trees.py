"""dlib's trees on drawn faces: they learn, they repeat, they are written whole."""

import numpy as np
import pytest

from dots import dot_persons
from facekp.experiments import run_trees
from facekp.metrics import pixel_error
from facekp.results import Store
from facekp.trees import fit_trees, predict_trees

FEW = {"oversampling": 5, "cascade_depth": 3, "tree_depth": 2}


@pytest.fixture(scope="module")
def faces():
    return dot_persons((48, 48))


@pytest.fixture(scope="module")
def predictor(faces, tmp_path_factory):
    path = tmp_path_factory.mktemp("trees") / "new" / "trees.dat"
    fit_trees(faces, path, 1.2, **FEW)
    return path


def test_it_learns_and_leaves_one_whole_file(faces, predictor):
    found = predict_trees(faces, predictor, 1.2)
    assert found.shape == faces.keypoints.shape
    mean = np.broadcast_to(faces.keypoints.mean(0), found.shape)
    error, constant = (pixel_error(p, faces.keypoints).mean() for p in (found, mean))
    assert error < 0.6 * constant
    assert [path.name for path in predictor.parent.iterdir()] == ["trees.dat"]


def test_the_same_seed_is_the_same_predictor(faces, predictor, tmp_path):
    fit_trees(faces, tmp_path / "again.dat", 1.2, **FEW)
    fit_trees(faces, tmp_path / "other.dat", 1.2, seed=1, **FEW)
    same, again, other = (
        predict_trees(faces, path, 1.2)
        for path in (predictor, tmp_path / "again.dat", tmp_path / "other.dat")
    )
    assert (same == again).all()
    assert (same != other).any()


def test_a_finished_run_is_found(faces, tmp_path, monkeypatch):
    store, split = Store(tmp_path, "demo"), {"name": "imm", "fold": 5}
    first = run_trees(split, faces, store, 1.2, 0, **FEW)
    assert len(first.ids) == 8
    assert first.history["val_error"][0] > 0
    monkeypatch.setattr("dlib.train_shape_predictor", lambda *_: pytest.fail("trained again"))
    assert run_trees(split, faces, store, 1.2, 0, **FEW) == first
    assert len(list((store.fresh / "runs").iterdir())) == 1
