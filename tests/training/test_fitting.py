from dataclasses import replace

import numpy as np
import pytest
import torch

from dots import INTEROCULAR
from facekp.models import KeypointNet
from facekp.regression import decode_unit
from facekp.training import Pictures, evaluate
from toy_trainings import (
    DRIFT,
    EPOCHS,
    SETTINGS,
    Drift,
    H,
    K,
    W,
    assert_same,
    at_three,
    dropout_net,
    fitted,
    fused_adam,
    untimed,
)


class TestFit:
    def test_one_batch_can_be_overfitted(self, train):
        torch.manual_seed(0)
        batch = train.take(range(7))
        truth = batch.keypoints
        mean_predictor = np.linalg.norm(truth - truth.mean(0), axis=-1).mean()
        adam = {"optimizer": lambda parameters: torch.optim.Adam(parameters, 5e-3)}
        model = KeypointNet((H, W), (8, 16), 32, K)
        plain = {"scheduler": None, "augment": None, "epochs": 400, "batch_size": 7, "keep": ()}
        history = fitted(batch, batch, model, **adam, **plain).history
        assert history["train_error"][-1] < 0.03 * mean_predictor
        assert history["train_error"] == history["val_error"]

    def test_the_same_seed_gives_the_same_bits(self, train, val):
        first, second = dropout_net(), dropout_net()
        one = fitted(train, val, first)
        torch.manual_seed(99)  # what was drawn before does not matter
        assert_same(one, fitted(train, val, second))

    def test_another_seed_gives_others(self, train, val):
        one, other = fitted(train, val), fitted(train, val, seed=8)
        assert one.history["train_loss"] != other.history["train_loss"]
        assert not torch.equal(one.last["5.weight"], other.last["5.weight"])

    def test_history_best_and_kept_by_hand(self, train, val):
        # One step an epoch, so after epoch n the net says x = n; the truth is x = 3, y = 0.
        found = fitted(at_three(train), at_three(val), Drift(), **DRIFT)
        assert untimed(found.history) == {
            "lr": [1] * 5,
            "train_loss": [0, -1, -2, -3, -4],  # before each step
            "val_loss": [-1, -2, -3, -4, -5],
            "train_error": [2, 1, 0, 1, 2],
            "val_error": [2, 1, 0, 1, 2],
            # 1 px of the crop is 4 px of the picture
            "val_nme": pytest.approx([4 * px / INTEROCULAR for px in (2, 1, 0, 1, 2)]),
        }
        assert len(found.history["seconds"]) == 5
        assert found.best_epoch == 3
        assert found.last["point"].tolist() == [5, 0]
        assert sorted(found.kept) == [2, 5]
        np.testing.assert_array_equal(found.kept[2], np.tile([2, 0], (5, K, 1)))

    def test_the_model_ends_with_the_last_weights(self, train, val):
        model = dropout_net()
        found = fitted(train, val, model)
        for name, value in model.state_dict().items():
            assert torch.equal(value, found.last[name])

    def test_the_scheduler_is_stepped_once_an_epoch(self, train, val):
        rates = fitted(train, val).history["lr"]
        assert rates == pytest.approx([4e-3, 4e-3, 2e-3, 2e-3, 1e-3])

    def test_the_training_loss_is_the_mean_over_pictures_not_batches(self, train, val):
        def x(output, keypoints, visible):
            return keypoints[:, 0, 0].mean() + 0 * output.sum()

        found = fitted(train, val, loss=x, augment=None)
        expected = train.keypoints[:, 0, 0].mean(dtype=float)  # 4, 4 and 3 pictures a batch
        assert found.history["train_loss"] == pytest.approx([expected] * EPOCHS, rel=1e-6)

    def test_each_epoch_sees_each_picture_once_in_another_order(self, train, val):
        orders = []

        def note(images, keypoints, visible):
            orders.extend(keypoints[:, 0, 0].tolist())
            return images, keypoints, visible

        fitted(train, val, augment=note)
        epochs = np.reshape(orders, (EPOCHS, len(train)))
        assert (np.sort(epochs) == np.sort(train.keypoints[:, 0, 0])).all()
        assert len(np.unique(epochs, axis=0)) == EPOCHS

    def test_augmentation_is_for_training_alone(self, train, val):
        def blank(images, keypoints, visible):
            return torch.full_like(images, 9), keypoints, visible

        seen = {True: set(), False: set()}  # by model.training
        model = dropout_net()
        model.register_forward_pre_hook(
            lambda net, args: seen[net.training].add(float(args[0].max()))
        )
        fitted(train, val, model, augment=blank)
        assert seen[True] == {9}
        assert max(seen[False]) <= 0.5

    def test_the_training_error_is_of_evaluation_mode_on_pictures_spread_evenly(self, train, val):
        model = dropout_net()
        found = fitted(train, val, model, augment=None)
        # As many as validation has, 5 of 11: 0, 2.5, 5, 7.5, 10, rounded to even.
        shown = Pictures.of(train.take([0, 2, 5, 8, 10]), torch.device("cpu"))
        expected = evaluate(model, shown, SETTINGS["loss"], SETTINGS["decode"])
        assert found.history["train_error"][-1] == expected.error.mean()
        model.train()
        noisy = decode_unit((H, W))(model(shown.batch(torch.arange(5))[0]))
        assert not np.allclose(noisy.detach(), expected.keypoints, atol=0.1)

    def test_invisible_keypoints_weigh_nothing(self, train, val):
        visible = np.tile([True, False, True], (len(train), 1))
        one = replace(train, visible=visible)
        other = replace(one, keypoints=np.where(visible[..., None], one.keypoints, np.float32(99)))
        assert_same(fitted(one, val), fitted(other, val))

    def test_a_step_is_one_forward_one_backward_and_one_update(self, train, val, monkeypatch):
        counts = dict.fromkeys(["forward", "backward", "update", "to device"], 0)

        def count(name):
            counts[name] += 1

        model = dropout_net()
        model.register_forward_pre_hook(lambda net, _: count("forward") if net.training else None)
        model[-1].register_full_backward_hook(lambda *_: count("backward"))

        def optimizer(parameters):
            adam = fused_adam(parameters)
            adam.register_step_post_hook(lambda *_: count("update"))
            return adam

        def of(faces, device, move=Pictures.of):
            count("to device")
            return move(faces, device)

        monkeypatch.setattr(Pictures, "of", of)
        fitted(train, val, model, optimizer=optimizer)
        steps = 3 * EPOCHS
        # Training, validation, and the training pictures that are evaluated.
        assert counts == {"forward": steps, "backward": steps, "update": steps, "to device": 3}

    def test_bfloat16_keeps_weights_and_predictions_in_float32(self, train, val):
        model = dropout_net()
        outputs = set()
        model.register_forward_hook(lambda *args: outputs.add(args[2].dtype))
        found = fitted(train, val, model, precision="bf16-mixed")
        assert torch.bfloat16 in outputs
        assert found.last["5.weight"].dtype == torch.float32
        assert found.kept[2].dtype == np.float32

    def test_report_is_told_each_row(self, train, val):
        rows = {}
        found = fitted(train, val, report=rows.__setitem__)
        assert list(rows) == [1, 2, 3, 4, 5]
        assert [row["val_error"] for row in rows.values()] == found.history["val_error"]
