"""The table of ratios. What the clock says is no matter of a test."""

import numpy as np
import pytest

from facekp import bench


def test_rounds_alternate_and_the_first_call_does_not_count():
    calls = []
    ratios = bench.paired(lambda: calls.append("a"), lambda: calls.append("b"), 3)
    assert "".join(calls) == "ab" * 4
    assert ratios.shape == (3,) and np.all(ratios > 0)


def test_the_ratio_is_the_first_over_the_second():
    def spin(times):
        return lambda: sum(range(times))

    assert np.median(bench.paired(spin(200_000), spin(2_000), 5)) > 5


@pytest.mark.parametrize("case", bench.CASES, ids=lambda case: case.name)
def test_each_case_runs(case):
    row = bench.run([case], size=32, batch=2, rounds=1).iloc[0]
    assert row["ratio"] == case.name
    assert 0 < row["least"] <= row["median"] <= row["greatest"]


def test_the_cost_of_an_epoch_by_size_and_pictures():
    found = bench.seconds_an_epoch((32, 48), (4, 6), batch=2)
    assert found[["size", "pictures"]].to_numpy().tolist() == [[32, 4], [32, 6], [48, 4], [48, 6]]
    expected = 1e6 * found["seconds"] / (found["pictures"] * found["size"] ** 2)
    np.testing.assert_allclose(found["µs a pixel"], expected)
