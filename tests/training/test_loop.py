from pathlib import Path

import pytest
import torch

from facekp.models import KeypointNet
from facekp.training import TrainingError
from killed import run_in_process
from toy_trainings import (
    SETTINGS,
    H,
    K,
    W,
    assert_same,
    dropout_net,
    fit_to_files,
    fitted,
    read_fitted,
    some_faces,
)


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

    def test_weights_that_the_last_step_broke(self, train, val, tmp_path):
        path = tmp_path / "a.pt"
        broken = {"optimizer": lambda parameters: torch.optim.SGD(parameters, lr=1e38)}
        message = "the validation loss is (inf|nan) after epoch 1, trained at rate 1e"
        with pytest.raises(TrainingError, match=message):
            fitted(train, val, batch_size=11, scheduler=None, checkpoint=path, **broken)
        assert not path.exists()

    def test_a_checkpoint_of_another_net(self, train, val, tmp_path):
        path = tmp_path / "a.pt"
        fitted(train, val, checkpoint=path)
        with pytest.raises(TrainingError, match=r"a\.pt: unreadable checkpoint; delete it"):
            fitted(train, val, KeypointNet((H, W), (8, 16), 32, K), checkpoint=path)

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
