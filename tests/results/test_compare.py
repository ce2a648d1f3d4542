import pytest

from facekp.results import ResultsError, Store, accept, compare
from facekp.results.__main__ import main


def numbers(**values):
    """Metrics by name, each with tolerance 0.25."""
    return {
        name: {"value": value, "n": 48, "unit": "%", "tolerance": 0.25}
        for name, value in values.items()
    }


class TestCompare:
    def test_each_number_by_the_committed_tolerance(self, store, make_section, commit):
        commit(make_section(metrics=numbers(a=4.0, b=4.0, c=4.0, d=4.0)))
        store.record(make_section(metrics=numbers(a=4.0, b=4.25, c=3.75, d=4.5)))
        table = compare(store).set_index("metric")
        assert table["verdict"].to_dict() == {
            "a": "within",
            "b": "within",
            "c": "within",
            "d": "beyond",
        }
        assert table.loc["d", ["committed", "fresh", "tolerance", "unit"]].tolist() == [
            4.0,
            4.5,
            0.25,
            "%",
        ]

    def test_a_fresh_tolerance_excuses_nothing(self, store, make_section, commit):
        commit(make_section(metrics=numbers(a=4.0)))
        wide = {"a": {"value": 9.0, "n": 48, "unit": "%", "tolerance": 99.0}}
        store.record(make_section(metrics=wide))
        assert compare(store)["verdict"].tolist() == ["beyond"]

    def test_a_metric_chosen_otherwise_is_not_held(self, store, make_section, commit):
        names = ("deep.nme", "deep.mse", "plain.nme", "deeper.nme")
        commit(make_section(metrics=numbers(**dict.fromkeys(names, 4.0)), choices={"deep": 0.001}))
        fresh = numbers(**dict.fromkeys(names, 9.0))
        store.record(make_section(metrics=fresh, choices={"deep": 0.003}))
        table = compare(store).set_index("metric")
        assert table["verdict"].to_dict() == {
            "deep.nme": "other choice",
            "deep.mse": "other choice",
            "plain.nme": "beyond",
            "deeper.nme": "beyond",
        }

    @pytest.mark.parametrize(
        ("part", "change", "named"),
        [
            (
                "dataset",
                {"name": "imm", "digest": "cd", "n": {"val": 48}, "split": "fold"},
                "nose_tip: dataset.digest is cd, committed ",
            ),
            ("parameters", {"epochs": 3}, "nose_tip: parameters.epochs is 3, committed "),
            ("seeds", [0, 1], r"nose_tip: seeds is \[0, 1\], committed \[0, 1, 2\]"),
        ],
    )
    def test_other_data_or_parameters_cannot_be_compared(
        self, store, make_section, commit, part, change, named
    ):
        commit(make_section())
        store.record(make_section(**{part: change}))
        with pytest.raises(ResultsError, match=named):
            compare(store)

    def test_all_that_differs_is_named_at_once(self, store, make_section, commit):
        for section in ("nose_tip", "resnet"):
            commit(make_section(section=section, metrics=numbers(a=4.0)))
            changed = {"seeds": [0, 1], "metrics": numbers(b=4.0)}
            store.record(make_section(section=section, **changed))
        with pytest.raises(ResultsError) as error:
            compare(store)
        told = str(error.value).splitlines()
        assert [line.partition(": ")[0] for line in told[:-1]] == 2 * ["nose_tip"] + 2 * ["resnet"]
        assert "make accept PROFILE=" in told[-1]

    def test_a_metric_that_only_one_has(self, store, make_section, commit):
        commit(make_section(metrics=numbers(a=4.0, b=4.0)))
        store.record(make_section(metrics=numbers(a=4.0, c=4.0)))
        with pytest.raises(ResultsError, match="nose_tip: only one of both has b, c"):
            compare(store)

    def test_nothing_fresh_or_nothing_committed(self, store, make_section):
        with pytest.raises(ResultsError, match=r"nothing to compare in .*; run a notebook first"):
            compare(store)
        store.record(make_section())
        with pytest.raises(ResultsError, match=r"results/cpu/nose_tip\.json: no results yet"):
            compare(store)


class TestAccept:
    def files(self, store):
        return {
            str(path.relative_to(store.committed)): path.read_text()
            for path in store.committed.rglob("*.json")
        }

    def test_copies_what_is_named_and_deletes_what_is_no_longer(
        self, store, make_section, make_run, commit
    ):
        other = make_section(section="resnet", runs=["shared"])
        commit(make_section(runs=["old", "shared"]), other)
        commit(*map(make_run, ["old", "shared", "stray"]))
        new = store.record(make_section(runs=["shared", "new"], seeds=[5]))
        run = store.save_run(make_run("new"))
        store.save_run(make_run("unnamed"))
        before = self.files(store)
        assert accept(store) == ["nose_tip"]
        assert self.files(store) == {
            "nose_tip.json": new.read_text(),
            "resnet.json": before["resnet.json"],
            "runs/new.json": run.read_text(),
            "runs/shared.json": before["runs/shared.json"],
        }
        assert compare(store)["verdict"].eq("within").all()

    def test_a_fresh_run_replaces_the_committed_one(self, store, make_section, make_run, commit):
        commit(make_section(), make_run(best_epoch=1))
        store.record(make_section())
        store.save_run(make_run(best_epoch=2))
        accept(store)
        assert '"best_epoch": 2' in self.files(store)["runs/k1.json"]

    def test_a_missing_run_is_refused(self, store, make_section):
        store.record(make_section(runs=["gone"]))
        with pytest.raises(ResultsError, match="nose_tip: run gone is missing; run the notebook"):
            accept(store)
        assert not (store.committed / "nose_tip.json").exists()

    def test_a_missing_run_of_a_later_section_leaves_all_as_it_was(
        self, store, make_section, make_run
    ):
        store.record(make_section(section="a"))
        store.save_run(make_run())
        store.record(make_section(section="b", runs=["gone"]))
        with pytest.raises(ResultsError, match="b: run gone is missing"):
            accept(store)
        assert not store.committed.exists()

    def test_results_of_changed_parameters_are_refused(self, store, make_section, make_run):
        own = Store(store.root, "cpu-changed")
        own.record(make_section(profile="cpu-changed"))
        own.save_run(make_run())
        with pytest.raises(ResultsError, match=r"changed parameters are not taken .* profiles/"):
            accept(own)
        assert not store.committed.exists()

    def test_nothing_fresh(self, store):
        with pytest.raises(ResultsError, match=r"nothing to accept in .*; run a notebook first"):
            accept(store)


class TestCommandLine:
    def call(self, store, command):
        return main([command, "--profile", "cpu", "--root", str(store.root)])

    def test_compare_within(self, store, make_section, commit, capsys):
        commit(make_section(metrics=numbers(a=4.0)))
        store.record(make_section(metrics=numbers(a=4.1)))
        assert self.call(store, "compare") == 0
        out = capsys.readouterr().out
        assert "1 of 1 numbers within their tolerance" in out
        assert " ".join(out.splitlines()[1].split()) == "nose_tip a 4.0 4.1 0.25 % within"

    def test_compare_beyond(self, store, make_section, commit, capsys):
        commit(make_section(metrics=numbers(a=4.0, b=4.0)))
        store.record(make_section(metrics=numbers(a=4.1, b=4.3)))
        assert self.call(store, "compare") == 1
        assert "1 of 2 numbers within their tolerance" in capsys.readouterr().out

    def test_compare_chosen_otherwise(self, store, make_section, commit, capsys):
        commit(make_section(metrics=numbers(a=4.0, b=4.0), choices={"a": "cosine"}))
        store.record(make_section(metrics=numbers(a=5.0, b=4.0), choices={"a": "constant"}))
        assert self.call(store, "compare") == 0
        out = capsys.readouterr().out
        assert "1 of 2 numbers within their tolerance" in out
        assert "1 not held against it: validation chose otherwise" in out

    def test_accept(self, store, make_section, make_run, capsys):
        store.record(make_section())
        store.save_run(make_run())
        assert self.call(store, "accept") == 0
        assert capsys.readouterr().out == "accepted: nose_tip\n"
        assert store.load("nose_tip", committed=True) == make_section()

    @pytest.mark.parametrize("command", ["compare", "accept"])
    def test_errors_are_one_line(self, store, command, capsys):
        assert self.call(store, command) == 1
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith(f"error: nothing to {command} in ")
        assert captured.err.count("\n") == 1

    def test_an_unknown_command(self, store, capsys):
        with pytest.raises(SystemExit, match="2"):
            self.call(store, "delete")
        assert "choose from" in capsys.readouterr().err
