from dataclasses import replace

import numpy as np
import pytest
import torch

from facekp.training import Pictures, evaluate
from toy_trainings import DRIFT, SETTINGS, Drift, K, dropout_net

CPU = torch.device("cpu")


class TestPictures:
    def test_images_arrive_as_float32_about_zero(self, train):
        images = np.array([0, 255, 51], np.uint8)[:, None, None, None]
        faces = train.take([0, 1, 2])
        images = np.broadcast_to(images, faces.images.shape)
        batch, keypoints, visible = Pictures.of(replace(faces, images=images), CPU).batch(
            torch.tensor([2, 0, 1])
        )
        assert batch.dtype == torch.float32
        assert batch[:, 0, 0, 0].tolist() == pytest.approx([-0.3, -0.5, 0.5])
        np.testing.assert_array_equal(keypoints, faces.keypoints[[2, 0, 1]])
        assert visible.dtype == torch.bool


class TestEvaluate:
    @pytest.fixture
    def pictures(self, train):
        return Pictures.of(train, CPU)

    def run(self, pictures, model, **options):
        return evaluate(model, pictures, SETTINGS["loss"], SETTINGS["decode"], **options)

    @pytest.mark.parametrize("batch_size", [1, 4, 11, 64])
    def test_the_batch_size_does_not_matter(self, pictures, batch_size):
        whole, parts = (
            self.run(pictures, dropout_net(), batch_size=size) for size in (11, batch_size)
        )
        assert parts.loss == pytest.approx(whole.loss, rel=1e-6)
        np.testing.assert_allclose(parts.keypoints, whole.keypoints, atol=1e-5)
        np.testing.assert_allclose(parts.error, whole.error, atol=1e-5)

    @pytest.mark.parametrize("mode", [True, False])
    def test_the_mode_is_restored_and_the_generator_untouched(self, pictures, mode):
        model = dropout_net().train(mode)
        state = torch.get_rng_state()
        one, other = self.run(pictures, model), self.run(pictures, model)
        assert model.training is mode
        np.testing.assert_array_equal(one.keypoints, other.keypoints)  # no dropout
        assert torch.equal(torch.get_rng_state(), state)

    @pytest.mark.parametrize("batch_size", [4, 11])
    def test_what_a_decoder_measures_is_averaged_over_pictures(self, pictures, batch_size):
        class Decoder:
            def with_measures(self, output):
                return SETTINGS["decode"](output), {"first": output[:, 0, 0]}

        loss, model = SETTINGS["loss"], dropout_net()
        found = evaluate(model, pictures, loss, Decoder(), batch_size=batch_size)
        unit = (found.keypoints[:, 0, 0] + 0.5) / pictures.images.shape[3]
        assert found.measures == {"first": pytest.approx(unit.mean(), rel=1e-5)}
        assert self.run(pictures, model).measures == {}

    def test_the_error_by_hand_leaves_out_invisible_keypoints(self, val):
        # Drift says (0, 0) for all; a visible keypoint is 5 px away, the others 13 px.
        points = np.tile(np.float32([[3, 4], [5, 12], [5, 12]]), (5, 1, 1))
        visible = np.tile([True, False, False], (5, 1))
        visible[4] = False
        pictures = Pictures.of(replace(val, keypoints=points, visible=visible), CPU)
        found = evaluate(Drift(), pictures, DRIFT["loss"], DRIFT["decode"])
        assert found.error[:4].tolist() == [5] * 4
        assert np.isnan(found.error[4])
        assert found.keypoints.shape == (5, K, 2)
