import doctest

import numpy as np
import pytest
from scipy import stats

from facekp import metrics


def test_doctests():
    assert doctest.testmod(metrics, extraglobs={"np": np}).failed == 0


def test_pixel_error_leaves_out_invisible_keypoints():
    truth = np.zeros((2, 3, 2))
    predicted = np.add(truth, [[[3, 4]], [[0, 1]]])  # 5 px off in picture 0, 1 px in picture 1
    predicted[0, 2] = 1000
    visible = np.array([[True, True, False], [False, False, False]])
    error = metrics.pixel_error(predicted, truth, visible)
    assert error[0] == 5
    assert np.isnan(error[1])


def test_nme_golden():
    # Distances 3, 4, 5 (mean 4) over an inter-ocular distance of 80 px: 5 %.
    predicted = np.array([[[3.0, 0], [0, 4], [3, 4]]])
    assert metrics.nme(predicted, np.zeros((1, 3, 2)), np.array([80.0])) == pytest.approx([0.05])


def test_nme_refuses_a_normaliser_that_is_not_positive():
    points = np.zeros((2, 3, 2))
    for bad in ([1.0, 0.0], [1.0, -2.0], [1.0, np.nan]):
        with pytest.raises(ValueError, match="normaliser must be positive"):
            metrics.nme(points, points, np.array(bad))


def test_ced_auc_and_failures_by_hand():
    # Of four errors, 2 % and 4 % lie below 8 %, 8 % is no failure, 12 % is one. The CED's steps
    # bound areas of 6/8, 4/8, 0 and 0 of the whole.
    errors = np.array([0.04, 0.12, 0.08, 0.02])
    assert metrics.ced(errors, np.array([0.0, 0.02, 0.05, 0.08, 1])).tolist() == [
        0,
        0.25,
        0.5,
        0.75,
        1,
    ]
    assert metrics.auc_share(errors, 0.08) == pytest.approx([0.5, 0, 0, 0.75])
    assert metrics.failure(errors, 0.08).tolist() == [0, 1, 0, 0]


def test_the_auc_is_the_area_under_the_ced():
    errors = np.random.default_rng(0).gamma(4, 0.01, 500)
    grid = np.linspace(0, 0.08, 20_001)
    area = metrics.ced(errors, grid)[1:].mean()  # a step function on a grid: 500 jumps of 1/500
    assert metrics.auc_share(errors, 0.08).mean() == pytest.approx(area, abs=1 / 20_000)


def test_one_seed_gives_the_t_interval_over_persons():
    values = np.array([1.0, 2, 4, 7, 9])
    low, high = stats.t.interval(0.95, 4, values.mean(), stats.sem(values))
    assert metrics.crossed_interval(values[None]) == pytest.approx((values.mean(), low, high))


def test_the_same_value_everywhere_has_an_interval_of_no_width():
    assert metrics.crossed_interval(np.full((3, 5), 2.0)) == (2, 2, 2)


@pytest.mark.parametrize(("sd_seed", "sd_person"), [(1.0, 1.0), (0.2, 1.0), (1.0, 0.2)])
def test_crossed_intervals_cover_as_often_as_they_say(sd_seed, sd_person):
    rng = np.random.default_rng(3)
    trials, seeds, persons = 600, 5, 24
    seed_effect = rng.normal(0, sd_seed, (trials, seeds, 1))
    person_effect = rng.normal(0, sd_person, (trials, 1, persons))
    values = seed_effect + person_effect + rng.normal(0, 1, (trials, seeds, persons))
    hits = [i.low <= 0 <= i.high for i in map(metrics.crossed_interval, values)]
    # Binomial error of 600 trials at 95 %: 0.9 points; Satterthwaite is approximate.
    assert 0.92 <= np.mean(hits) <= 0.99
    # A plain t interval over all values, as if they were independent, covers far less often.
    naive = [np.abs(v.mean()) < 1.98 * stats.sem(v.ravel()) for v in values]
    assert np.mean(naive) < 0.85


def test_a_family_holds_together():
    rng = np.random.default_rng(5)
    values = rng.normal(0, 1, (300, 6, 3, 20)) + rng.normal(0, 1, (300, 6, 1, 20))
    together = [
        all(i.low <= 0 <= i.high for i in metrics.crossed_family(v, draws=20_000)) for v in values
    ]
    assert 0.91 <= np.mean(together) <= 0.99
    alone = [all(i.low <= 0 <= i.high for i in map(metrics.crossed_interval, v)) for v in values]
    assert np.mean(alone) < 0.88


def test_a_family_of_equal_members_is_one_comparison():
    values = np.random.default_rng(1).normal(0, 1, (1, 4, 9))
    one = metrics.crossed_interval(values[0])
    for member in metrics.crossed_family(np.repeat(values, 3, axis=0)):
        assert member.value == pytest.approx(one.value)
        assert member.high - member.low == pytest.approx(one.high - one.low, rel=0.02)


def test_crossed_family_refuses_one_person():
    with pytest.raises(ValueError, match="at least two"):
        metrics.crossed_family(np.zeros((2, 3, 1)))


def test_jackknife_of_a_mean_is_the_values_themselves():
    values = np.array([3.0, 1, 8, 2])
    assert metrics.jackknife(lambda who: values[who].mean(), 4) == pytest.approx(values)


def test_jackknife_of_a_ratio_matches_the_delta_method():
    rng = np.random.default_rng(0)
    x, y = rng.normal(5, 1, 400), rng.normal(10, 1, 400)
    pseudo = metrics.jackknife(lambda who: x[who].mean() / y[who].mean(), 400)
    ratio = x.mean() / y.mean()
    expected = np.std(x - ratio * y, ddof=1) / y.mean() / np.sqrt(400)
    assert stats.sem(pseudo) == pytest.approx(expected, rel=0.02)


def test_the_pull_towards_a_point():
    rng = np.random.default_rng(0)
    truth, point = rng.normal(size=(3, 20, 2)), np.array([0.5, -2.0])
    share = np.array([0.0, 0.3, 1.0])
    moved = truth + share[:, None, None] * (point - truth)
    np.testing.assert_allclose(metrics.pull(moved, truth, point), share, atol=1e-12)
    across = (point - truth)[..., ::-1] * [1, -1]  # at right angles to the way
    np.testing.assert_allclose(metrics.pull(moved + across, truth, point), share, atol=1e-12)


def test_the_absolute_error_leaves_hidden_keypoints_out():
    predicted = np.array([[[3.0, -4.0], [100.0, 0.0]], [[0.0, 1.0], [0.0, 0.0]]])
    visible = np.array([[True, False], [True, True]])
    found = metrics.absolute_error(predicted, np.zeros((2, 2, 2)), visible)
    np.testing.assert_allclose(found, [3.5, 0.25])


def test_the_offset_keeps_its_sign_and_leaves_hidden_keypoints_out():
    predicted = np.array([[[3.0, -2.0], [9.0, 9.0]], [[1.0, 1.0], [-3.0, 5.0]], [[1.0, 1.0]] * 2])
    visible = np.array([[True, False], [True, True], [False, False]])
    found = metrics.offset(predicted, np.zeros((3, 2, 2)), visible)
    np.testing.assert_array_equal(found, [[3.0, -2.0], [-1.0, 3.0], [np.nan, np.nan]])
