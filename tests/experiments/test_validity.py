import json
import shutil
from pathlib import Path

import pytest
import torch

from facekp.experiments import __main__ as command_line
from facekp.experiments import jobs, run_all, run_file
from facekp.experiments.__main__ import main
from facekp.experiments.experiment import OPTIMIZERS, adam, identify, train
from facekp.experiments.trees import trees_code
from facekp.experiments.validity import present_identities, revalidate, stale
from facekp.results import Store, write_json

ROOT = Path(__file__).resolve().parents[2]


def renamed(parameters, lr):
    return torch.optim.Adam(parameters, lr, fused=True)


def slower(parameters, lr):
    return torch.optim.Adam(parameters, lr / 2, fused=True)


def other_at_high_rates(parameters, lr):
    return torch.optim.Adam(parameters, lr if lr < 0.1 else lr / 2, fused=True)


for optimizer in (renamed, slower, other_at_high_rates):
    optimizer.__module__ = adam.__module__  # the digest follows the library's own code alone


def without_nme(*arguments):
    found = train(*arguments)
    del found[0].history["val_nme"]
    return found


@pytest.fixture
def demo(tmp_path):
    return Store(tmp_path, "demo")


@pytest.fixture
def committed(experiment, faces, store):
    """Two trainings among the committed ones, which a results file names; returns them."""
    runs = run_all([experiment(), experiment(seed=1)], faces, store, workers=1)
    shutil.move(store.fresh, store.committed)
    keys = [run.key for run in runs]
    content = {"runs": keys, "methods": {"nose.val": {"runs": keys[1:]}}, "value": 0.123457}
    write_json(store.committed / "nose_tip.json", content)
    return runs


@pytest.fixture
def change(monkeypatch):
    """Return a function that puts another one in the place of Adam's."""
    return lambda optimizer: monkeypatch.setitem(OPTIMIZERS, "adam", optimizer)


def contents(store):
    return {p: p.read_bytes() for p in store.committed.rglob("*") if p.is_file()}


class TestCommitted:
    def test_every_training_is_of_the_code_at_hand(self):
        kinds = {(str(r.parameters.get("model")), r.code[:8]) for r, _ in stale(Store(ROOT, "cpu"))}
        assert not kinds, (
            "the trained numbers of these are of other code; see CONTRIBUTING.md, Changing what "
            "trainings run"
        )


class TestStale:
    def test_only_what_the_code_at_hand_would_train_anew(self, committed, store, change):
        assert stale(store) == []
        change(renamed)
        assert sorted(run.key for run, _ in stale(store)) == sorted(run.key for run in committed)

    def test_the_present_identity_is_the_experiments(self, committed, experiment, faces, change):
        change(renamed)
        (run, now), _ = present_identities(committed)
        assert now == experiment().identity(faces) != run.key

    def test_numbers_of_many_digits_keep_their_key(self, experiment, faces, store):
        third = experiment(optimizer={"name": "adam", "lr": 0.01 / 3})
        run_all([third], faces, store, workers=1)
        shutil.move(store.fresh, store.committed)
        assert stale(store) == []

    def test_what_is_no_experiment_any_more(self, committed, store):
        path = store.committed / "runs" / f"{committed[0].key}.json"
        content = json.loads(path.read_text())
        content["parameters"]["optimizer"]["name"] = "gone"
        path.write_text(json.dumps(content))
        assert [(run.key, now) for run, now in stale(store)] == [(committed[0].key, None)]
        assert revalidate(store, Store(store.root, "demo"))["verdict"].tolist() == ["no witness"]

    @pytest.mark.parametrize("change", ["", "other"])
    def test_trees(self, committed, store, change):
        parameters = {"method": "trees", "split": {"name": "imm"}, "epochs": 3}
        identity = identify(parameters, "ab", trees_code(parameters["split"]) + change)
        (path := store.committed / "runs" / f"{committed[0].key}.json").unlink()
        run = committed[0].model_dump(by_alias=True) | identity
        write_json(path.with_stem(identity["key"]), run)
        assert len(stale(store)) == bool(change)


class TestRevalidate:
    def test_a_change_that_computes_the_same(
        self, committed, experiment, faces, store, demo, change, monkeypatch
    ):
        short = experiment(epochs=2, seed=7, optimizer={"name": "adam", "lr": 0.02})
        run_all([short], faces, demo, workers=1)
        change(renamed)
        run_all([short], faces, demo, workers=1)
        (row,) = revalidate(store, demo).to_dict("records")
        assert (row["model"], row["loss"], row["trainings"]) == ("nose", "mse", 2)
        assert (row["witnesses"], row["verdict"]) == (1, "renewed")
        assert row["hours"] == sum(run.provenance["wall_seconds"] for run in committed) / 3600
        assert stale(store) == []
        monkeypatch.setattr(run_file, "train", lambda *_: pytest.fail("trained again"))
        found = run_all([experiment(), experiment(seed=1)], faces, store, workers=1)
        for before, after in zip(committed, found, strict=True):
            changed = {"key", "code", "formerly"}
            assert after.model_dump(exclude=changed) == before.model_dump(exclude=changed)
            assert after.formerly == [{"key": before.key, "code": before.code}]
        keys = [run.key for run in found]
        assert json.loads((store.committed / "nose_tip.json").read_text()) == {
            "runs": keys,
            "methods": {"nose.val": {"runs": keys[1:]}},
            "value": 0.123457,
        }
        assert sorted(p.stem for p in store.committed.glob("runs/*")) == sorted(keys)

    def test_a_field_that_experiments_did_not_have(self, committed, experiment, faces, store, demo):
        run_all([experiment(seed=7)], faces, demo, workers=1)
        for place in (demo.fresh, store.committed):
            for path in list(place.glob("runs/*.json")):
                content = json.loads(path.read_text())
                del content["parameters"]["readings"]
                content |= identify(*(content[n] for n in ("parameters", "data", "code")))
                path.unlink()
                path.with_stem(content["key"]).write_text(json.dumps(content))
        assert len(stale(store)) == 2
        run_all([experiment(seed=7)], faces, demo, workers=1)
        assert revalidate(store, demo)["verdict"].tolist() == ["renewed"]
        assert stale(store) == []

    def test_a_curve_that_the_code_did_not_draw(self, committed, experiment, faces, store, demo):
        run_all([experiment(seed=7)], faces, demo, workers=1)
        for place in (demo.fresh, store.committed):
            for path in list(place.glob("runs/*.json")):
                content = json.loads(path.read_text()) | {"code": "of before"}
                del content["history"]["val_nme"]
                content |= identify(*(content[n] for n in ("parameters", "data", "code")))
                path.unlink()
                path.with_stem(content["key"]).write_text(json.dumps(content))
        run_all([experiment(seed=7)], faces, demo, workers=1)
        assert revalidate(store, demo)["verdict"].tolist() == ["renewed"]
        assert stale(store) == []
        assert all("val_nme" not in run.history for run in store.committed_runs())

    def test_a_curve_that_is_drawn_no_more(
        self, committed, experiment, faces, store, demo, change, monkeypatch
    ):
        run_all([experiment(seed=7)], faces, demo, workers=1)
        change(renamed)
        monkeypatch.setattr(run_file, "train", without_nme)
        run_all([experiment(seed=7)], faces, demo, workers=1)
        (verdict,) = revalidate(store, demo)["verdict"]
        assert verdict.startswith("differs at history.val_nme.0: 0.")

    def test_a_change_that_computes_something_else(
        self, committed, experiment, faces, store, demo, change
    ):
        run_all([experiment(seed=7)], faces, demo, workers=1)
        change(slower)
        run_all([experiment(seed=7)], faces, demo, workers=1)
        before = contents(store)
        (verdict,) = revalidate(store, demo)["verdict"]
        assert verdict.startswith("differs at history.lr.0: 0.004, now 0.002")
        assert contents(store) == before

    def test_one_witness_of_another_kind_that_differs_is_enough(
        self, committed, experiment, faces, store, demo, change
    ):
        high = experiment(optimizer={"name": "adam", "lr": 0.1}, schedule=None)
        for optimizer in (adam, other_at_high_rates):
            change(optimizer)
            run_all([experiment(seed=7), high], faces, demo, workers=1)
        (row,) = revalidate(store, demo).to_dict("records")
        assert row["witnesses"] == 1
        assert row["verdict"].startswith("differs at history.")

    @pytest.mark.parametrize(
        "other",
        [
            pytest.param({"schedule": None}, id="schedule"),
            pytest.param({"model": {"name": "nose"}}, id="option"),
            pytest.param({"augment": {"name": "random", "rotation": 0}}, id="augmentation"),
        ],
    )
    def test_a_witness_of_another_kind_does_not_speak(
        self, committed, experiment, faces, store, demo, change, other
    ):
        for optimizer in (adam, renamed):
            change(optimizer)
            run_all([experiment(**other)], faces, demo, workers=1)
        before = contents(store)
        assert revalidate(store, demo)["verdict"].tolist() == ["no witness"]
        assert contents(store) == before

    def test_a_witness_of_another_precision_does_not_speak(
        self, experiment, faces, store, demo, change, monkeypatch
    ):
        wished = experiment(precision="bf16-mixed")
        monkeypatch.setattr(jobs, "usable_precision", lambda _: "bf16-mixed")
        run_all([wished], faces, store, workers=1)
        shutil.move(store.fresh, store.committed)
        monkeypatch.setattr(jobs, "usable_precision", lambda _: "32-true")
        for optimizer in (adam, renamed):
            change(optimizer)
            run_all([wished], faces, demo, workers=1)
        assert revalidate(store, demo)["verdict"].tolist() == ["no witness"]

    def test_an_option_of_0_is_another_kind(self, experiment, faces, store, demo, change):
        def turning(degrees):
            return experiment(augment={"name": "random", "rotation": degrees})

        run_all([turning(5), turning(0)], faces, store, workers=1)
        shutil.move(store.fresh, store.committed)
        for optimizer in (adam, renamed):
            change(optimizer)
            run_all([turning(8)], faces, demo, workers=1)
        assert sorted(revalidate(store, demo)["verdict"]) == ["no witness", "renewed"]
        ((left, _),) = stale(store)
        assert left.parameters["augment"]["rotation"] == 0

    @pytest.mark.parametrize("writes", range(3))
    def test_stopped_in_between(
        self, committed, experiment, faces, store, demo, change, monkeypatch, writes
    ):
        for optimizer in (adam, renamed):
            change(optimizer)
            run_all([experiment(seed=7)], faces, demo, workers=1)
        left = iter(range(writes))

        def interrupted(self, target, replace=Path.replace):
            if next(left, None) is None:
                raise KeyboardInterrupt
            return replace(self, target)

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(Path, "replace", interrupted)
            revalidate(store, demo)
        assert len(stale(store)) == 2
        revalidate(store, demo)
        assert stale(store) == []
        keys = json.loads((store.committed / "nose_tip.json").read_text())["runs"]
        assert keys == [e.key(faces) for e in (experiment(), experiment(seed=1))]
        assert sorted(p.stem for p in store.committed.glob("runs/*.json")) == sorted(keys)


class TestCommandLine:
    def test_nothing_stale(self, committed, store, capsys):
        assert main(["stale", "--root", str(store.root)]) == 0
        assert capsys.readouterr().out == "0 committed trainings (0.0 hours) are of other code\n"

    def test_what_is_left(self, committed, faces, store, change, capsys, monkeypatch):
        monkeypatch.setattr(command_line, "_load", lambda *_: faces)
        change(renamed)
        assert main(["revalidate", "--root", str(store.root)]) == 1
        out = capsys.readouterr().out
        assert "no witness" in out
        assert out.splitlines()[-1].startswith("2 committed trainings (0.0 hours) are of other co")

    def test_a_broken_run_file(self, committed, store, capsys):
        path = store.committed / "runs" / f"{committed[0].key}.json"
        path.write_text("{")
        assert main(["stale", "--root", str(store.root)]) == 1
        assert str(path) in capsys.readouterr().err
