import shutil

import pytest
import torch

from dots import dot_persons
from facekp.data import join
from facekp.experiments import __main__ as command_line
from facekp.experiments import jobs, run_all
from facekp.experiments.__main__ import main
from facekp.experiments.experiment import OPTIMIZERS, adam
from facekp.experiments.trees import run_trees
from facekp.experiments.validity import kind, stale
from facekp.experiments.witnesses import EPOCHS, HELD_OUT, SEEN, train_witnesses
from facekp.manifest import load_manifest
from facekp.results import Store


@pytest.fixture
def witnesses(tmp_path):
    return Store(tmp_path, "cpu-witnesses")


@pytest.fixture
def load():
    """Return a loader that notes what is asked of it."""

    def loaded(name, size, channels):
        loaded.calls.append((name, size, channels))
        return dot_persons(size)

    loaded.calls = []
    return loaded


def renamed(parameters, lr):
    return torch.optim.Adam(parameters, lr, fused=True)


def slower(parameters, lr):
    return torch.optim.Adam(parameters, lr / 2, fused=True)


for optimizer in (renamed, slower):
    optimizer.__module__ = adam.__module__  # the digest follows the library's own code alone


def test_one_of_each_kind_in_small(experiment, faces, store, witnesses, load):
    turning = {"name": "random", "rotation": 5}
    due = [experiment(), experiment(seed=1), experiment(augment=turning)]
    runs = run_all(due, faces, store, workers=1)
    found = train_witnesses(runs, witnesses, load)
    assert [kind(run) for run in found] == [kind(runs[0]), kind(runs[2])]
    assert [run.code for run in found] == [runs[0].code, runs[2].code]
    assert load.calls == 2 * [("demo_imm", (9, 14), 3)]
    for run in found:
        assert run.parameters["dataset"] == "demo_imm"
        assert len(run.history["lr"]) == EPOCHS < runs[0].parameters["epochs"]
        assert len(run.ids) == HELD_OUT
        assert run.provenance["images_per_second"] * run.provenance[
            "wall_seconds"
        ] == pytest.approx(SEEN * EPOCHS, rel=1e-3)
    assert {run.key for run in witnesses.fresh_runs()} == {run.key for run in found}
    # Keys change with the code, and so does the order in which the runs come.
    again = train_witnesses(runs[::-1], witnesses, load)
    assert [run.key for run in again] == [run.key for run in found]


def test_a_schedule_ends_with_its_training(experiment, faces, store, witnesses, load):
    cycle = {"name": "one_cycle", "max_lr": 0.01, "total_steps": 3}
    runs = run_all([experiment(schedule=cycle)], faces, store, workers=1)
    [found] = train_witnesses(runs, witnesses, load)
    assert kind(found) == kind(runs[0])
    assert found.history["lr"][-1] < found.history["lr"][0]


@pytest.mark.parametrize("able", ["32-true", "bf16-mixed"])
def test_in_the_precision_of_the_run(experiment, faces, store, witnesses, load, monkeypatch, able):
    monkeypatch.setattr(jobs, "usable_precision", lambda _: able)
    runs = run_all([experiment(precision="bf16-mixed")], faces, store, workers=1)
    monkeypatch.setattr(jobs, "usable_precision", lambda _: "32-true")
    [found] = train_witnesses(runs, witnesses, load)
    assert found.provenance["precision"] == runs[0].provenance["precision"] == able
    assert kind(found) == kind(runs[0])


def test_of_joined_sets(experiment, faces, store, witnesses, load):
    split = {"name": "imm_sets", "source": "rendered", "target": "real", "fold": 4}
    both = join({"rendered": faces, "real": faces})
    runs = run_all([experiment(dataset="demo_imm+imm", split=split)], both, store, workers=1)
    [found] = train_witnesses(runs, witnesses, load)
    assert found.parameters["dataset"] == "demo_imm+demo_imm"
    assert all(name.startswith("real/") for name in found.ids)


def test_of_trees(store, witnesses, load):
    faces = dot_persons((32, 32))
    options = {"box_scale": 1.2, "seed": 0, "cascade_depth": 1}
    run = run_trees({"name": "imm", "fold": 4}, faces, store, **options)
    [found] = train_witnesses([run], witnesses, load)
    assert load.calls == [("demo_ibug300w", (32, 32), 1)]
    assert (found.code, kind(found), len(found.ids)) == (run.code, kind(run), HELD_OUT)


class TestCommandLine:
    @pytest.fixture
    def root(self, experiment, faces, store, load, monkeypatch):
        """Return the root of a repository with two committed trainings, with witnesses."""
        monkeypatch.setattr(command_line, "_load", load)
        run_all([experiment(), experiment(seed=1)], faces, store, workers=1)
        shutil.move(store.fresh, store.committed)
        assert main(["witnesses", "--root", str(store.root)]) == 0
        return store.root

    def test_a_change_that_computes_the_same(self, root, store, monkeypatch, capsys):
        monkeypatch.setitem(OPTIMIZERS, "adam", renamed)
        assert main(["revalidate", "--root", str(root)]) == 0
        assert stale(store) == []
        assert "renewed" in capsys.readouterr().out

    def test_a_change_that_computes_something_else(self, root, store, monkeypatch, capsys):
        monkeypatch.setitem(OPTIMIZERS, "adam", slower)
        assert main(["revalidate", "--root", str(root)]) == 1
        assert "differs at history.lr.0" in capsys.readouterr().out
        assert len(stale(store)) == 2

    @pytest.mark.parametrize(("name", "size"), [("imm", (30, 40)), ("ibug300w", (32, 32))])
    def test_rendered_pictures_stand_for_each_committed_set(self, name, size):
        assert load_manifest()[name].scheme == load_manifest()[f"demo_{name}"].scheme
        assert command_line._load(f"demo_{name}", size, 1).images.shape[1:] == (1, *size)
