import json

import numpy as np
import pytest
from pydantic import ValidationError

from facekp.results import Metric, ResultsError, metric

NUMBER = {"value": 4.0, "n": 48, "unit": "%"}


def edited(content, place, value):
    """The content with the value at a dotted place replaced, or put there."""
    *way, last = place.split("/")
    inner = content
    for step in way:
        inner = inner[step]
    inner[last] = value
    return content


class TestRefusals:
    """Each names the file and the place in it, and says what to do."""

    @pytest.mark.parametrize(
        ("place", "value", "where", "what"),
        [
            ("metric", 1, "metric", "Extra inputs are not permitted"),
            ("metrics/nose.val.nme/mean", 1, "metrics.nose.val.nme.mean", "Extra inputs"),
            ("metrics/nose.val.nme/value", float("nan"), "metrics.nose.val.nme.value", "finite"),
            ("metrics/nose.val.nme/value", 4.6, "metrics.nose.val.nme", "value 4.6 lies outside"),
            ("metrics/nose.val.nme/value", 3.4, "metrics.nose.val.nme", "value 3.4 lies outside"),
            ("metrics/nose.val.nme/low", None, "metrics.nose.val.nme", "both ends or none"),
            ("metrics/nose.val.nme/n", 0, "metrics.nose.val.nme.n", "greater than 0"),
            ("metrics/nose.val.nme/tolerance", -1, "metrics.nose.val.nme.tolerance", "greater"),
            ("groups/view/1/value", "4 %", "groups.view.1.value", "valid number"),
            ("curves/train_loss", [0.5, float("inf")], "curves.train_loss.1", "finite"),
            ("dataset/n/val", 47.5, "dataset.n.val", "valid integer"),
            ("schema", 2, "schema", "Input should be 1"),
        ],
    )
    def test_results_files(self, store, make_section, place, value, where, what):
        path = store.record(make_section())
        content = json.loads(path.read_text())
        path.write_text(json.dumps(edited(content, place, value)))
        self.refused(lambda: store.load("nose_tip"), path, where, what)

    @pytest.mark.parametrize(
        ("place", "value", "where", "what"),
        [
            ("weights", "a.pt", "weights", "Extra inputs are not permitted"),
            ("history/train_loss", [0.5, float("nan")], "history.train_loss.1", "finite"),
            ("history/train_loss", [0.5], "the file", r"curves of \[1, 2\] epochs, 2 due"),
            ("history", {}, "the file", r"curves of \[\] epochs, 2 due"),
            ("parameters", {}, "the file", r"curves of \[2\] epochs, None due"),
            ("parameters/epochs", 3, "the file", r"curves of \[2\] epochs, 3 due"),
            ("evaluations/2/nme", [0.04], "the file", "one error a picture"),
            ("evaluations/2/nme", [0.04, None], "evaluations.2.nme.1", "valid number"),
            ("evaluations/last", {}, "evaluations.last", "valid integer"),
        ],
    )
    def test_run_files(self, store, make_run, place, value, where, what):
        path = store.save_run(make_run())
        content = json.loads(path.read_text())
        path.write_text(json.dumps(edited(content, place, value)))
        self.refused(lambda: store.find_run("k1"), path, where, what)

    @pytest.mark.parametrize(
        ("text", "where", "what"),
        [
            ("", "the file", "Invalid JSON"),
            ('{"schema": 1,', "the file", "Invalid JSON"),
            ("[]", "the file", "should be an object"),
            ('{"schema": 1}', "section", "Field required"),
        ],
    )
    def test_what_is_no_results_file_at_all(self, store, make_section, text, where, what):
        path = store.record(make_section())
        path.write_text(text)
        self.refused(lambda: store.load("nose_tip"), path, where, what)

    def test_what_is_no_text(self, store, make_run):
        path = store.save_run(make_run())
        path.write_bytes(b"\xff\xfe\x00" + path.read_bytes())
        self.refused(lambda: store.find_run("k1"), path, "the file", "Invalid JSON")

    def refused(self, read, path, where, what):
        with pytest.raises(ResultsError, match=what) as caught:
            read()
        message = str(caught.value)
        assert message.startswith(f"{path}: {where}")
        assert message.endswith("; delete the file and make it again")

    def test_a_missing_key(self, make_section):
        content = make_section().model_dump(by_alias=True)
        del content["seeds"]
        with pytest.raises(ValidationError, match="seeds"):
            type(make_section())(**content)


class TestMetric:
    def test_by_hand(self):
        # By seed 1, 2 and 3 %: deviation 1, of a difference of two means of three √(2/3).
        found = metric((0.02, 0.01, 0.04), 48, "%", [0.01, 0.02, 0.03], scale=100)
        assert found.model_dump(exclude={"tolerance"}) == NUMBER | {"value": 2, "low": 1, "high": 4}
        assert found.tolerance == pytest.approx(5 * np.sqrt(2 / 3))

    def test_what_no_seed_touches_may_move_by_rounding(self):
        found = metric((3.0,), 48, "px", 3.0)
        assert (found.low, found.high) == (None, None)
        assert found.tolerance == pytest.approx(3e-4)

    def test_the_ends_of_an_interval_belong_to_it(self):
        assert Metric(**NUMBER, low=4, high=4, tolerance=0).low == 4
