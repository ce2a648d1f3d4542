import json
import os

import numpy as np
import pytest

from facekp.results import ResultsError, Store, write_json
from killed import run_in_process


class TestWriteJson:
    def test_floats_keep_six_digits(self, tmp_path):
        content = {
            "a": 123456.78,
            "b": [1 / 3, (2e-7 / 3,)],
            "c": np.float64(0.1234567),
            4: 12345678,
        }
        path = write_json(tmp_path / "new" / "a.json", content)
        assert json.loads(path.read_text()) == {
            "a": 123457,
            "b": [0.333333, [6.66667e-8]],
            "c": 0.123457,
            "4": 12345678,
        }

    def test_what_is_no_number_is_not_written(self, tmp_path):
        path = write_json(tmp_path / "a.json", [1.5])
        with pytest.raises(ValueError, match="not JSON compliant"):
            write_json(path, [float("nan")])
        assert [p.name for p in tmp_path.iterdir()] == ["a.json"]
        assert json.loads(path.read_text()) == [1.5]

    def test_killed_in_between(self, tmp_path):
        path = tmp_path / "a.json"
        kill = ("while a text file is written", 1)
        assert run_in_process(write_json, path, {"a": 1.5}, kill=kill) == -9
        assert [p.suffix for p in tmp_path.iterdir()] == [".part"]
        write_json(path, {"a": 1.5})
        before = path.read_bytes()
        assert run_in_process(write_json, path, {"a": 2.5}, kill=kill) == -9
        assert path.read_bytes() == before

    def test_two_writers_do_not_share_a_temporary_name(self, tmp_path, monkeypatch):
        path = tmp_path / "a.json"
        (tmp_path / f"a.json.{os.getpid() + 1}.part").write_text("another writer's")
        write_json(path, [1.5])
        assert sorted(p.read_text() for p in tmp_path.glob("*.part")) == ["another writer's"]


class TestRuns:
    def test_round_trip(self, store, make_run):
        path = store.save_run(make_run())
        assert path == store.root / "_build" / "results" / "cpu" / "runs" / "k1.json"
        assert store.find_run("k1") == make_run()
        assert store.find_run("k2") is None

    def test_the_fresh_is_found_before_the_committed(self, store, make_run, commit):
        commit(make_run(best_epoch=1))
        assert store.find_run("k1").best_epoch == 1
        store.save_run(make_run(best_epoch=2))
        assert store.find_run("k1").best_epoch == 2

    def test_retraining_finds_only_what_this_store_saved(self, store, make_run, commit):
        commit(make_run())
        store.save_run(make_run())
        again = Store(store.root, "cpu", retrain=True)
        assert again.find_run("k1") is None
        again.save_run(make_run())
        assert again.find_run("k1") == make_run()

    def test_retraining_goes_on_where_it_was_killed(self, store, make_run, make_section):
        Store(store.root, "cpu", retrain=True).save_run(make_run())
        again = Store(store.root, "cpu", retrain=True)
        assert again.find_run("k1") == make_run()
        again.record(make_section(runs=["k1"]))
        assert again.find_run("k1") is None
        assert store.find_run("k1") == make_run()

    def test_profiles_do_not_mix(self, store, make_run):
        store.save_run(make_run())
        assert Store(store.root, "gpu").find_run("k1") is None

    def test_a_run_of_ones_own_finds_the_profiles_trainings_and_lies_apart(
        self, store, make_run, make_section, commit
    ):
        commit(make_run("k1"))
        store.save_run(make_run("k2"))
        own = Store(store.root, "cpu-changed")
        assert own.find_run("k1") and own.find_run("k2")
        own.save_run(make_run("k3"))
        own.record(make_section(profile="cpu-changed"))
        assert store.find_run("k3") is None
        assert store.sections() == {}

    def test_a_file_under_another_key_is_refused(self, store, make_run):
        path = store.save_run(make_run("k1"))
        path.rename(path.with_name("k2.json"))
        with pytest.raises(ResultsError, match=r"k2\.json: holds run k1; delete it"):
            store.find_run("k2")


class TestSections:
    def test_round_trip(self, store, make_section):
        path = store.record(make_section())
        assert path == store.root / "_build" / "results" / "cpu" / "nose_tip.json"
        assert store.load("nose_tip") == make_section()

    def test_all_by_name(self, store, make_section, make_run, commit):
        store.record(make_section())
        store.record(make_section(section="resnet"))
        store.save_run(make_run())  # lies below, and is no section
        commit(make_section(section="claims"))
        assert list(store.sections()) == ["nose_tip", "resnet"]
        assert list(store.sections(committed=True)) == ["claims"]

    def test_another_profile_is_refused(self, store, make_section):
        with pytest.raises(ResultsError, match="results of profile gpu in"):
            store.record(make_section(profile="gpu"))

    def test_a_missing_one_says_how_it_is_made(self, store):
        with pytest.raises(ResultsError) as caught:
            store.load("nose_tip")
        assert str(caught.value) == (
            "_build/results/cpu/nose_tip.json: no results yet; make run NB=… PROFILE=cpu"
        )
        with pytest.raises(ResultsError, match=r"^results/cpu/nose_tip\.json.*then make accept"):
            store.load("nose_tip", committed=True)
