import json
import shutil
import time
from contextlib import suppress

import psutil
import pytest
from filelock import FileLock

from facekp.experiments import jobs, run_all, run_file
from facekp.results import Store
from facekp.training import TrainingError
from killed import PROCESSES, run_in_process, start_process


def timeless(store):
    """The text of each run file without what a clock or the machine's load tells."""
    texts = {}
    for path in sorted((store.fresh / "runs").glob("*.json")):
        run = json.loads(path.read_text())
        del run["history"]["seconds"]
        for name in ("wall_seconds", "images_per_second", "peak_memory_mb"):
            del run["provenance"][name]
        texts[path.name] = json.dumps(run)
    return texts


@pytest.fixture
def no_training(monkeypatch):
    """Return a function after whose call a training fails the test."""
    return lambda: monkeypatch.setattr(run_file, "train", lambda *_: pytest.fail("trained again"))


@pytest.fixture
def quick_workers(monkeypatch):
    """Fork the workers from a process that has imported torch, which takes seconds."""
    monkeypatch.setattr(jobs, "get_context", lambda _method: PROCESSES)


class TestFinding:
    def test_in_order_and_equal_ones_once(self, experiment, faces, store, quiet):
        wanted = [experiment(seed=1), experiment(seed=0), experiment(seed=1)]
        runs = run_all(wanted, faces, store, workers=1)
        assert [run.parameters["seed"] for run in runs] == [1, 0, 1]
        assert [run.key for run in runs] == [e.key(faces) for e in wanted]
        assert len(timeless(store)) == 2
        assert "2/2" in quiet.read_text()

    def test_a_finished_run_is_found_and_not_trained(self, experiment, faces, store, no_training):
        wanted = [experiment(), experiment(seed=1)]
        first = run_all(wanted, faces, store, workers=1)
        no_training()
        assert run_all(wanted, faces, Store(store.root, "cpu"), workers=1) == first
        shutil.move(store.fresh, store.committed)
        assert run_all(wanted, faces, store, workers=1) == first
        assert not store.fresh.exists()

    def test_only_what_is_due_is_trained(self, experiment, faces, store, quiet):
        run_all([experiment()], faces, store, workers=1)
        run_all([experiment(), experiment(seed=1)], faces, store, workers=1)
        assert "1/1" in quiet.read_text()

    def test_retraining_once_in_one_store(self, experiment, faces, store, monkeypatch):
        run_all([experiment()], faces, store, workers=1)
        before = timeless(store)
        trained = []

        def counted(*arguments, train=run_file.train):
            trained.append(arguments[0])
            return train(*arguments)

        monkeypatch.setattr(run_file, "train", counted)
        again = Store(store.root, "cpu", retrain=True)
        run_all([experiment()], faces, again, workers=1)
        run_all([experiment()], faces, again, workers=1)
        assert len(trained) == 1
        assert timeless(store) == before

    def test_one_alone_has_all_threads(self, experiment, faces, store, monkeypatch):
        def refuse(*_):
            raise RuntimeError("side by side")

        monkeypatch.setattr(jobs, "_side_by_side", refuse)
        monkeypatch.setattr(jobs.os, "cpu_count", lambda: 2)
        monkeypatch.setattr(jobs.torch.cuda, "is_available", lambda: False)
        assert len(run_all([experiment(), experiment()], faces, store)) == 2  # one and the same
        two = [experiment(), experiment(seed=1)]
        with pytest.raises(RuntimeError, match="side by side"):  # also where one is done
            run_all(two, faces, store)

    def test_nothing_to_do(self, faces, store):
        assert run_all([], faces, store) == []


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    return Store(tmp_path_factory.mktemp("uninterrupted"), "cpu")


class TestKilled:
    # Two trainings of 3 epochs, 3 steps each; a run file follows each training's 3 checkpoints.
    @pytest.mark.parametrize(
        ("moment", "count", "finished"),
        [
            ("after an optimiser step", 5, 0),  # epoch 2 of the first training
            ("while torch.save writes", 5, 1),  # epoch 2 of the second training
            ("while a text file is written", 1, 0),  # the first run file
            ("after a file is put in place", 4, 1),  # right after the first run file
        ],
    )
    def test_started_again(self, experiment, faces, store, uninterrupted, moment, count, finished):
        wanted = [experiment(seed=0), experiment(seed=1)]
        assert run_in_process(run_all, wanted, faces, uninterrupted, 1) == 0
        kill = (moment, count)
        assert run_in_process(run_all, wanted, faces, store, 1, kill=kill) == -9
        assert len(timeless(store)) == finished
        assert run_in_process(run_all, wanted, faces, store, 1) == 0
        assert timeless(store) == timeless(uninterrupted)
        assert not list(store.checkpoints.glob("*.pt"))


class TestSideBySide:
    def test_killed_parent_leaves_no_worker_and_the_next_call_ends_in_the_same_files(
        self, experiment, faces, store, tmp_path, quick_workers
    ):
        wanted = [experiment(seed=seed, epochs=40) for seed in range(3)]
        parent = start_process(run_all, wanted, faces, store, 2)
        family = set()
        while not list(store.checkpoints.glob("*.pt")):
            assert parent.is_alive()
            with suppress(psutil.NoSuchProcess):  # it may die while it is looked at
                family.update(psutil.Process(parent.pid).children(recursive=True))
            time.sleep(0.01)
        parent.kill()
        parent.join()
        assert parent.exitcode == -9
        assert len(family) >= 2
        _, alive = psutil.wait_procs(family, timeout=60)
        assert not alive
        assert len(timeless(store)) < 3

        runs = run_all(wanted, faces, store, workers=2)
        assert [run.parameters["seed"] for run in runs] == [0, 1, 2]
        other = Store(tmp_path / "other", "cpu")
        run_all(wanted, faces, other, workers=1)  # on one thread, as each worker
        assert len(timeless(store)) == 3
        assert timeless(store) == timeless(other)

    def test_a_second_call_ends_in_the_same_files(
        self, experiment, faces, store, tmp_path, quick_workers
    ):
        wanted = [experiment(seed=seed) for seed in range(4)]
        other = Store(tmp_path / "other", "cpu")
        run_all(wanted, faces, store, workers=2)
        run_all(wanted[::-1], faces, other, workers=2)
        assert len(timeless(store)) == 4
        assert timeless(store) == timeless(other)

    def test_an_error_of_a_worker_arrives(self, experiment, faces, store, quick_workers):
        nobody = experiment(split={"name": "imm", "fold": 4, "persons": 0})
        with pytest.raises(TrainingError, match="training has 0 pictures"):
            run_all([nobody], faces, store, workers=2)

    def test_an_error_stops_the_other_trainings(self, experiment, faces, store, quick_workers):
        nobody = experiment(split={"name": "imm", "fold": 4, "persons": 0})
        long = [experiment(seed=seed, epochs=100_000) for seed in range(4)]
        with pytest.raises(TrainingError, match="training has 0 pictures"):
            run_all([long[0], nobody, *long[1:]], faces, store, workers=2)
        assert not timeless(store)

    def test_two_that_need_the_same_training(self, experiment, faces, store, monkeypatch):
        other = start_process(run_all, [experiment(epochs=60)], faces, store, 1)
        while not list(store.checkpoints.glob("*.pt")):
            assert other.is_alive()
            time.sleep(0.01)
        monkeypatch.setattr(run_file, "train", lambda *_: pytest.fail("trained twice"))
        (run,) = run_all([experiment(epochs=60)], faces, store, workers=1)
        other.join()
        assert other.exitcode == 0
        assert len(run.history["lr"]) == 60
        assert not list(store.checkpoints.iterdir())


class TestShared:
    @pytest.mark.parametrize("workers", [1, 2])
    def test_what_another_is_at_comes_last(
        self, experiment, faces, store, monkeypatch, quick_workers, workers
    ):
        wanted = [experiment(seed=seed) for seed in range(3)]
        keys = [e.key(faces) for e in wanted]
        store.checkpoints.mkdir(parents=True)
        order = []
        with FileLock(store.checkpoints / f"{keys[0]}.lock") as lock:

            def followed(
                due, *arguments, way=jobs._side_by_side if workers > 1 else jobs._one_by_one
            ):
                for run in way(due, *arguments):
                    order.append(run and run.key)
                    if len(order) == 3:  # all were tried
                        lock.release()
                    yield run

            monkeypatch.setattr(jobs, "_side_by_side", followed)
            monkeypatch.setattr(jobs, "_one_by_one", followed)
            runs = run_all(wanted, faces, store, workers=workers)
        assert [run.key for run in runs] == keys
        assert sorted(order[:3], key=str) == sorted([None, *keys[1:]], key=str)
        assert order[3:] == keys[:1]

    def test_two_share_the_work(self, experiment, faces, store, monkeypatch):
        wanted = [experiment(seed=seed, epochs=40) for seed in range(8)]
        other = start_process(run_all, wanted, faces, store, 1)
        while not list(store.checkpoints.glob("*.pt")):
            assert other.is_alive()
            time.sleep(0.01)
        trained = []

        def counted(*arguments, train=run_file.train):
            trained.append(arguments[0].seed)
            return train(*arguments)

        monkeypatch.setattr(run_file, "train", counted)
        runs = run_all(wanted, faces, store, workers=1)
        other.join()
        assert other.exitcode == 0
        assert [run.parameters["seed"] for run in runs] == list(range(8))
        assert 0 < len(trained) < 8
        assert not list(store.checkpoints.iterdir())
