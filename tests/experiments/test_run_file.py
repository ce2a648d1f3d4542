import numpy as np
import pytest
import torch

from dots import INTEROCULAR, dot_persons
from facekp import metrics
from facekp.experiments import evaluation, jobs, predictions, run_all, run_file, scores
from facekp.experiments.experiment import MODELS, split_imm
from facekp.models import KeypointNet, nose_net
from facekp.schemes import IMM58
from killed import run_in_process


class TestRun:
    def test_what_a_run_holds(self, experiment, faces, store):
        (run,) = run_all([experiment()], faces, store, workers=1)
        _, val = split_imm(faces.select([52]), 4, [5])
        assert run.ids == val.ids.tolist()
        assert (run.data, run.code) == (faces.digest, experiment().code())
        assert run.parameters == experiment().model_dump(mode="json")
        assert sorted(run.evaluations) == [2, 3]
        # The crop is a quarter of the picture, so 1 px of it is 4 px there.
        distance = np.linalg.norm(predictions(run) - val.keypoints, axis=-1)[:, 0]
        assert run.evaluations[3].nme == pytest.approx(4 * distance / INTEROCULAR, abs=1e-4)
        crop_error = np.mean(run.evaluations[3].nme) * INTEROCULAR / 4
        assert run.history["val_error"][-1] == pytest.approx(crop_error, rel=1e-5)
        assert run.history["val_nme"][-1] == pytest.approx(np.mean(run.evaluations[3].nme))
        assert run.provenance["device"] == "cpu"
        assert not list(store.checkpoints.iterdir())

    def test_channels_that_never_answer_are_counted(self, experiment, faces, store, monkeypatch):
        def muted(size, **options):
            net = nose_net(size, **options)
            with torch.no_grad():  # a bias that no picture and no training of three epochs outdoes
                net.features[0].bias[:3] = -1e6
            return net

        monkeypatch.setitem(MODELS, "nose", muted)
        (run,) = run_all([experiment()], faces, store, workers=1)
        assert [layer.channels for layer in run.layers.values()] == [4, 8, 8]
        assert next(iter(run.layers.values())).dead >= 3

    def test_without_bfloat16_it_trains_in_float32_and_says_so(
        self, experiment, faces, store, monkeypatch
    ):
        wished = experiment(precision="bf16-mixed")
        monkeypatch.setattr(jobs, "usable_precision", lambda _: "32-true")
        in_float32, wanted = run_all([experiment(), wished], faces, store, workers=1)
        assert wanted.history["val_error"] == in_float32.history["val_error"]
        assert wanted.parameters["precision"] == "bf16-mixed"
        assert wanted.provenance["precision"] == "32-true"

    def test_time_before_an_interruption_counts(self, experiment, faces, store):
        kill = ("while a text file is written", 1)  # all trained, no run file yet
        assert run_in_process(run_all, [experiment()], faces, store, 1, kill=kill) == -9
        (run,) = run_all([experiment()], faces, store, workers=1)
        seconds = sum(run.history["seconds"])
        assert run.provenance["wall_seconds"] == pytest.approx(seconds, rel=1e-4)
        assert run.provenance["images_per_second"] == pytest.approx(3 * 20 / seconds, rel=1e-4)

    def test_predictions_by_epoch(self, experiment, faces, store):
        (run,) = run_all([experiment()], faces, store, workers=1)
        assert predictions(run).dtype == np.float32
        assert predictions(run).shape == (8, 1, 2)
        np.testing.assert_array_equal(predictions(run), predictions(run, 3))
        assert not np.allclose(predictions(run, 2), predictions(run, 3))
        found = predictions(store.find_run(run.key))
        np.testing.assert_array_equal(found, predictions(run))


class TestManyKeypoints:
    @pytest.fixture(autouse=True)
    def many(self, monkeypatch):
        monkeypatch.setitem(MODELS, "many", lambda size: KeypointNet(size, [3], 4, 58))

    @pytest.fixture
    def all_keypoints(self, experiment):
        return experiment(keypoints=None, model={"name": "many"})

    def test_errors_by_group_and_by_keypoint(self, all_keypoints, faces, store):
        (run,) = run_all([all_keypoints], faces, store, workers=1)
        _, val = split_imm(faces, 4, [5])
        # The crop is a quarter of the picture, so 1 px of it is 4 px there.
        error = 4 / INTEROCULAR * np.linalg.norm(predictions(run) - val.keypoints, axis=-1)
        found = run.evaluations[3]
        assert found.groups.keys() == IMM58.groups.keys()
        for name, members in IMM58.groups.items():
            expected = error[:, list(members)].mean(1)
            assert found.groups[name] == pytest.approx(expected, abs=1e-4)
        assert found.by_keypoint == pytest.approx(error.mean(0), abs=1e-4)
        offset = 4 * (predictions(run) - val.keypoints).mean(1)
        np.testing.assert_allclose(found.offset, offset, atol=1e-3)
        table = scores([run], faces)
        assert table["nme"].tolist() == found.nme
        assert table["jaw"].tolist() == found.groups["jaw"]
        assert table["person"].tolist() == val.groups.tolist()
        np.testing.assert_array_equal(table[["dx", "dy"]], found.offset)

    def test_a_large_set_keeps_the_ends_of_the_ranking(
        self, all_keypoints, faces, store, monkeypatch
    ):
        monkeypatch.setattr(evaluation, "KEEP_ALL", 7)
        monkeypatch.setattr(evaluation, "KEEP_ENDS", 2)
        (run,) = run_all([all_keypoints], faces, store, workers=1)
        found = run.evaluations[3]
        assert len(found.nme) == 8
        ranked = np.array(run.ids)[np.argsort(found.nme)]
        assert list(found.keypoints) == [*ranked[:2], *ranked[-2:]]
        with pytest.raises(KeyError):
            predictions(run)


LARGE = (16, 24)
MAPS = {"name": "maps", "decoder": "softmax", "maps": "softmax"}


class TestReadings:
    """Further looks at what a trained net says of the pictures held out."""

    @pytest.fixture
    def large(self):
        return dot_persons(LARGE)

    @pytest.fixture
    def run(self, experiment, large, store):
        def train_with(readings):
            maps = experiment(
                size=LARGE,
                keypoints=None,
                model={"name": "unet", "scheme": "imm58", "width": 8, "depth": 2},
                loss={"name": "spatial_cross_entropy", "sigma": 1.5},
                decoder=MAPS,
                optimizer={"name": "adam", "lr": 0.03},
                epochs=2,
                keep=(),
                readings=readings,
            )
            return run_all([maps], large, store, workers=1)[0]

        return train_with

    def test_without_a_change_it_is_the_last_evaluation(self, run, large):
        found = run({"again": {}, "same": {"decoder": MAPS}})
        last = found.evaluations[2]
        for reading in found.readings.values():
            assert reading.nme == pytest.approx(last.nme, rel=1e-5)
            assert reading.groups.keys() == last.groups.keys()
        table = scores([found], large, reading="again")
        assert table["nme"].tolist() == found.readings["again"].nme
        centre = (np.array(LARGE[::-1]) - 1) / 2
        val = large.take([large.ids.tolist().index(picture) for picture in found.ids])
        pull = metrics.pull(predictions(found), val.keypoints, centre)
        np.testing.assert_allclose(table["pull"], pull, rtol=1e-3)

    def test_another_decoder_reads_the_same_maps(self, run):
        found = run({"argmax": {"decoder": MAPS | {"decoder": "argmax"}}})
        assert found.readings["argmax"].nme != found.evaluations[2].nme

    def test_readings_of_the_same_pictures_share_them(self, run, monkeypatch):
        noise = {"name": "random", "noise": 0.5, "damage_probability": 1.0, "rotation": 0}
        ways = ("argmax", "weighted", "local", "dark")
        kinds = {way: MAPS | {"decoder": way} for way in ways}
        kinds["local"] |= {"radius": 2}
        kinds["sigmoid"] = MAPS | {"decoder": "weighted", "maps": "sigmoid"}
        kinds["shape"] = {"name": "maps_with_shape"}
        readings = {name: {"decoder": kind} for name, kind in kinds.items()}
        readings |= {"noisy": {"damage": noise}, "last": {}}
        alone = {name: run({name: reading}).readings[name] for name, reading in readings.items()}
        seen = []

        def counted(*arguments, evaluate=run_file.evaluate):
            seen.append(arguments[1])
            return evaluate(*arguments)

        monkeypatch.setattr(run_file, "evaluate", counted)
        together = run(readings).readings
        assert together == alone
        assert list(together) == list(readings)
        assert len(seen) == 2

    def test_a_decoder_learns_from_the_faces_trained_on(self, run, large):
        found = run({"shape": {"decoder": {"name": "maps_with_shape"}}})
        assert found.readings["shape"].nme != found.evaluations[2].nme

    def test_which_cannot_be_the_decoder_of_the_training(self, experiment, large, store):
        maps = {"name": "unet", "scheme": "imm58", "width": 8, "depth": 2}
        loss = {"name": "spatial_cross_entropy", "sigma": 1.5}
        shape = {"name": "maps_with_shape"}
        wanted = experiment(
            size=LARGE, keypoints=None, model=maps, loss=loss, decoder=shape, keep=()
        )
        with pytest.raises(RuntimeError, match="the decoder of a reading only"):
            run_all([wanted], large, store, workers=1)

    def test_damage_is_the_same_in_each_run(self, run, store):
        noise = {"name": "random", "noise": 0.5, "damage_probability": 1.0, "rotation": 0}
        readings = {"noisy": {"damage": noise}, "noisy again": {"damage": noise}}
        found = run(readings)
        assert found.readings["noisy"] == found.readings["noisy again"]
        assert found.readings["noisy"].nme != found.evaluations[2].nme

    def test_damage_that_moves_keypoints_is_refused(self, run):
        with pytest.raises(ValueError, match="moves keypoints; set rotation and the like to 0"):
            run({"turned": {"damage": {"name": "random", "rotation": 15}}})

    def test_the_entropy_of_the_maps_is_followed(self, run):
        first, last = run({}).history["val_entropy"]
        assert np.log(16 * 24) > first > last > 0

    def test_a_reading_changes_the_key(self, experiment, large):
        readings = [{}, {"a": {}}, {"a": {"decoder": MAPS}}]
        assert len({experiment(readings=r).key(large) for r in readings}) == 3

    @pytest.mark.parametrize("part", ["decoder", "damage"])
    def test_an_unknown_name(self, experiment, part):
        with pytest.raises(ValueError, match="no such name: 'guess'; known: "):
            experiment(readings={"a": {part: {"name": "guess"}}})
