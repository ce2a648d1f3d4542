from dataclasses import replace

import numpy as np
import pytest
import torch

from facekp.data import Faces, join
from facekp.schemes import IMM58

N, C, H, W = 3, 1, 6, 10


@pytest.fixture
def faces():
    rng = np.random.default_rng(0)
    return Faces(
        images=rng.integers(0, 256, (N, C, H, W), dtype=np.uint8),
        keypoints=rng.uniform(-0.5, 6, (N, 58, 2)).astype(np.float32),
        visible=np.ones((N, 58), dtype=bool),
        ids=np.array(["01-1m", "01-2m", "02-1f"]),
        groups=np.array(["01", "01", "02"]),
        scheme=IMM58,
        interocular=np.array([4, 5, 6], dtype=np.float32),
        crop=np.array([[-0.5, -0.5, 80, 48], [9.5, 19.5, 10, 6], [-10, 0, 20, 12]], np.float32),
        attributes={"view": np.array([1, 2, 1])},
    )


def test_length_and_size(faces):
    assert (len(faces), faces.size) == (N, (H, W))


@pytest.mark.parametrize(
    ("index", "order"), [([2, 0], [2, 0]), (np.array([True, False, True]), [0, 2])]
)
def test_taking_by_index_and_by_mask(faces, index, order):
    taken = faces.take(index)
    assert taken.ids.tolist() == [faces.ids[k] for k in order]
    np.testing.assert_array_equal(taken.images, faces.images[order])
    np.testing.assert_array_equal(taken.crop, faces.crop[order])
    assert taken.attributes["view"].tolist() == [1, 1]
    assert taken.scheme is faces.scheme


def test_taking_nothing(faces):
    assert len(faces.take([])) == len(faces.take(np.zeros(N, dtype=bool))) == 0


def test_selecting_keypoints_keeps_the_interocular_distance(faces):
    nose = faces.select([IMM58.nose_tip])
    np.testing.assert_array_equal(nose.keypoints, faces.keypoints[:, 52:53])
    assert nose.visible.shape == (N, 1)
    assert nose.scheme == IMM58.select([52])
    assert nose.interocular.tolist() == [4, 5, 6]


def test_keypoints_in_the_original_picture(faces):
    image = faces.keypoints_img()
    x, y = faces.keypoints[0, 7]  # an eighth of the whole picture: (x + 0.5) · 8 - 0.5
    np.testing.assert_allclose(image[0, 7], [8 * x + 3.5, 8 * y + 3.5], rtol=1e-6)
    x, y = faces.keypoints[1, 7]  # a crop without change of scale
    np.testing.assert_allclose(image[1, 7], [x + 10, y + 20], rtol=1e-6)
    x, y = faces.keypoints[2, 7]  # from (-10, 0) at the edge, twice as large
    np.testing.assert_allclose(image[2, 7], [2 * x - 9, 2 * y + 1], rtol=1e-5)


def test_predictions_are_mapped_as_tensors_too(faces):
    points = torch.from_numpy(faces.keypoints)
    np.testing.assert_allclose(faces.to_img(points).numpy(), faces.keypoints_img(), rtol=1e-6)


def changed(array):
    array = array.copy()
    array.flat[-1] = "x" if array.dtype.kind == "U" else not array.flat[-1]
    return array


@pytest.mark.parametrize("name", ["images", "keypoints", "visible", "ids", "groups"])
def test_the_digest_changes_with_all_that_a_training_sees(faces, name):
    assert replace(faces).digest == faces.digest
    assert replace(faces, **{name: changed(getattr(faces, name))}).digest != faces.digest


def test_the_digest_tells_a_selection_from_the_whole(faces):
    digests = {faces.digest, faces.select([52]).digest, faces.take([0, 1]).digest}
    assert len(digests | {faces.take([1, 0]).digest}) == 4


@pytest.mark.parametrize("name", ["keypoints", "visible", "ids", "interocular", "crop"])
def test_arrays_that_do_not_agree_are_refused(faces, name):
    with pytest.raises(ValueError, match=f"Faces.{name} has shape"):
        replace(faces, **{name: getattr(faces, name)[:2]})


def test_attributes_that_do_not_agree_are_refused(faces):
    with pytest.raises(ValueError, match=r"Faces\.view has shape"):
        replace(faces, attributes={"view": np.array([1])})


class TestJoin:
    def test_order_names_and_common_attributes(self, faces):
        other = replace(faces, attributes={"view": np.array([3, 4, 5]), "subset": faces.ids})
        both = join({"real": faces, "demo": other.take([2, 0])})
        names = ["real/01-1m", "real/01-2m", "real/02-1f", "demo/02-1f", "demo/01-1m"]
        assert both.ids.tolist() == names
        assert both.groups.tolist() == ["real/01", "real/01", "real/02", "demo/02", "demo/01"]
        assert both.attributes["dataset"].tolist() == ["real"] * 3 + ["demo"] * 2
        assert both.attributes["view"].tolist() == [1, 2, 1, 5, 3]
        assert both.attributes.keys() == {"view", "dataset"}
        np.testing.assert_array_equal(both.keypoints[3:], faces.keypoints[[2, 0]])
        assert both.scheme is faces.scheme

    def test_sets_of_other_schemes_and_sizes_are_refused(self, faces):
        narrow = replace(faces, images=faces.images[..., 1:])
        for other in (faces.select([1, 2]), narrow):
            with pytest.raises(ValueError, match="one scheme and size"):
                join({"a": faces, "b": other})
        with pytest.raises(ValueError, match="one scheme and size"):
            join({})
