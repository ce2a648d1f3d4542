from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from dots import dot_faces
from facekp import training
from facekp.models import KeypointNet
from facekp.regression import decode_unit, mse_loss
from facekp.training import Pictures, TrainingError, evaluate, fit
from killed import run_in_process

H, W, K = 12, 17, 3
BATCH = 4  # 11 pictures: batches of 4, 4 and 3
EPOCHS = 5
CPU = torch.device("cpu")


def some_faces(count, seed=0):
    return dot_faces([f"{n:02d}" for n in range(count)], (H, W), K, seed)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Keep nets of this size from waiting for a second core."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def train():
    return some_faces(11)


@pytest.fixture(scope="module")
def val():
    return some_faces(5, seed=1)


def dropout_net(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(4 * (H // 2) * (W // 2), 2 * K),
        nn.Unflatten(1, (K, 2)),
    )


def jitter(images, keypoints, visible):
    """Move brightness, drawing from torch's generator as an augmentation does."""
    return images + 0.1 * torch.randn(len(images), 1, 1, 1), keypoints, visible


def fused_adam(parameters):
    return torch.optim.Adam(parameters, 4e-3, fused=True)


def halving(optimizer):
    return torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)


SETTINGS = {
    "loss": mse_loss((H, W)),
    "decode": decode_unit((H, W)),
    "optimizer": fused_adam,
    "scheduler": halving,
    "augment": jitter,
    "epochs": EPOCHS,
    "batch_size": BATCH,
    "seed": 7,
    "keep": (2, EPOCHS),
}


def fitted(train, val, model=None, **changes):
    return fit(model or dropout_net(), train, val, **{**SETTINGS, **changes})


def untimed(history):
    return {name: curve for name, curve in history.items() if name != "seconds"}


def assert_same(one, other):
    assert untimed(one.history) == untimed(other.history)
    assert one.best_epoch == other.best_epoch
    assert one.last.keys() == other.last.keys() == one.best.keys() == other.best.keys()
    for name in one.last:
        assert torch.equal(one.last[name], other.last[name]), name
        assert torch.equal(one.best[name], other.best[name]), name
    assert one.kept.keys() == other.kept.keys()
    for epoch in one.kept:
        np.testing.assert_array_equal(one.kept[epoch], other.kept[epoch])


class Drift(nn.Module):
    """Predicts one point for all; with ``drift`` and rate 1 its x grows by 1 a step."""

    def __init__(self):
        super().__init__()
        self.point = nn.Parameter(torch.zeros(2))

    def forward(self, images):
        return torch.zeros(len(images), K, 2) + self.point


DRIFT = {
    "loss": lambda output, keypoints, visible: -output[..., 0].mean(),
    "decode": lambda output: output,
    "optimizer": lambda parameters: torch.optim.SGD(parameters, lr=1.0),
    "scheduler": None,
    "augment": None,
    "batch_size": 11,
}


def at_three(faces):
    """The faces with each keypoint at (3, 0)."""
    return replace(faces, keypoints=np.tile(np.float32([3, 0]), (len(faces), K, 1)))


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
        }
        assert len(found.history["seconds"]) == 5
        assert found.best_epoch == 3
        assert found.best["point"].tolist() == [3, 0]
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
        shown = Pictures.of(train.take([0, 2, 5, 8, 10]), CPU)
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


class TestRefusals:
    def test_an_empty_split(self, train, val):
        with pytest.raises(TrainingError, match="training has 0 pictures and validation 5"):
            fitted(train.take([]), val)
        with pytest.raises(TrainingError, match="training has 11 pictures and validation 0"):
            fitted(train, val.take([]))

    @pytest.mark.parametrize("bad", [float("nan"), float("inf")])
    def test_a_loss_that_is_not_finite_names_epoch_batch_and_rate(self, train, val, bad, tmp_path):
        calls = iter(range(1, 100))

        def breaking(output, keypoints, visible):
            training = output.requires_grad
            factor = bad if training and next(calls) == 3 + 3 + 2 else 1.0
            return SETTINGS["loss"](output, keypoints, visible) * factor

        path = tmp_path / "a.pt"
        message = f"the loss is {bad} in epoch 3, batch 2 of 3, at rate 0.002"
        with pytest.raises(TrainingError, match=message):
            fitted(train, val, loss=breaking, checkpoint=path)
        stored = torch.load(path, weights_only=True)  # of the last epoch that went well
        assert len(stored["history"]["lr"]) == 2
        assert all(value.isfinite().all() for value in stored["model"].values())

    @pytest.mark.parametrize("damage", ["truncated", "text", "empty"])
    def test_an_unreadable_checkpoint(self, train, val, tmp_path, damage):
        path = tmp_path / "a.pt"
        fitted(train, val, epochs=1, checkpoint=path)
        whole = path.read_bytes()
        path.write_bytes({"truncated": whole[:-200], "text": b"weights", "empty": b""}[damage])
        with pytest.raises(TrainingError, match=r"a\.pt: unreadable checkpoint; delete it"):
            fitted(train, val, checkpoint=path)

    def test_a_checkpoint_with_code_in_it_is_not_run(self, train, val, tmp_path):
        path = tmp_path / "a.pt"
        torch.save({"identity": Path("/")}, path)  # a class that plain weights have no need of
        with pytest.raises(TrainingError, match="unreadable checkpoint"):
            fitted(train, val, checkpoint=path)

    @pytest.mark.parametrize("change", [{"seed": 8}, {"epochs": 6}, {"batch_size": 5}, "faces"])
    def test_a_checkpoint_of_another_training(self, train, val, tmp_path, change):
        path = tmp_path / "a.pt"
        fitted(train, val, checkpoint=path)
        if change == "faces":
            train, change = some_faces(11, seed=2), {}
        with pytest.raises(TrainingError, match=r"a\.pt: checkpoint of another training; delete"):
            fitted(train, val, checkpoint=path, **change)


def fit_to_files(train, val, folder):
    """Fit with a checkpoint and leave all that came of it in a file; runs in another process."""
    found = fitted(train, val, checkpoint=folder / "a.pt")
    kept = {epoch: torch.from_numpy(points) for epoch, points in found.kept.items()}
    torch.save({**vars(found), "kept": kept}, folder / "found")


def read_fitted(folder):
    found = torch.load(folder / "found", weights_only=True)
    found["kept"] = {epoch: points.numpy() for epoch, points in found["kept"].items()}
    return training.Fitted(**found)


@pytest.fixture(scope="module")
def uninterrupted(train, val, tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted")
    assert run_in_process(fit_to_files, train, val, folder) == 0
    return read_fitted(folder)


class TestResume:
    @pytest.mark.parametrize(
        ("moment", "count", "done"),
        [
            ("after an optimiser step", 1, None),  # before there is any checkpoint
            ("after an optimiser step", 3 + 3 + 2, 2),  # in the middle of epoch 3
            ("while torch.save writes", 3, 2),  # in the checkpoint of epoch 3
            ("after a file is put in place", 3, 3),  # right after the checkpoint of epoch 3
            ("after a file is put in place", 5, 5),  # all trained, nothing returned
        ],
    )
    def test_killed_and_started_again(
        self, train, val, tmp_path, uninterrupted, moment, count, done
    ):
        assert run_in_process(fit_to_files, train, val, tmp_path, kill=(moment, count)) == -9
        path = tmp_path / "a.pt"
        assert path.exists() == bool(done)
        if done:
            assert len(torch.load(path, weights_only=True)["history"]["lr"]) == done
        assert run_in_process(fit_to_files, train, val, tmp_path) == 0
        assert_same(read_fitted(tmp_path), uninterrupted)

    def test_a_half_written_checkpoint_is_ignored(self, train, val, tmp_path):
        (tmp_path / "a.part").write_bytes(b"half")
        assert_same(fitted(train, val, checkpoint=tmp_path / "a.pt"), fitted(train, val))
        assert [path.name for path in tmp_path.iterdir()] == ["a.pt"]

    def test_a_finished_training_is_not_repeated(self, train, val, tmp_path):
        path = tmp_path / "a.pt"
        whole = fitted(train, val, checkpoint=path)
        model = dropout_net(seed=3)
        again = fitted(train, val, model, checkpoint=path, report=lambda *_: pytest.fail("trained"))
        assert_same(whole, again)
        assert torch.equal(model.state_dict()["5.weight"], whole.last["5.weight"])


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
