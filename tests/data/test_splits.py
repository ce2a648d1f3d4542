import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facekp.data import TUNING_FOLD, VAL_FOLD, imm_fold, split_hash


def test_five_folds_hold_each_of_forty_persons_once():
    persons = [person for fold in range(1, 6) for person in imm_fold(fold)]
    assert persons == [f"{k:02d}" for k in range(1, 41)]


def test_the_tuning_and_the_validation_fold():
    assert (imm_fold(TUNING_FOLD)[0], imm_fold(TUNING_FOLD)[-1]) == ("25", "32")
    assert (imm_fold(VAL_FOLD)[0], imm_fold(VAL_FOLD)[-1]) == ("33", "40")


@pytest.mark.parametrize("fold", [0, 6, -1])
def test_there_is_no_other_fold(fold):
    with pytest.raises(ValueError, match="1 to 5"):
        imm_fold(fold)


def test_the_draw_is_the_same_for_ever():
    # `printf salt:afw/0 | sha256sum` begins with 51, afw/1 with 51 and afw/6 with 3c, below
    # 0.4 · 256 = 0x66; the others begin with f9, d9, cb, f5, 80, ed and c9.
    groups = np.array([f"afw/{k}" for k in range(10)])
    assert np.flatnonzero(split_hash(groups, 0.4, "salt")).tolist() == [0, 1, 6]


@given(st.lists(st.text("abc/_", max_size=4), max_size=20), st.randoms())
def test_a_group_is_drawn_or_not_whatever_else_is_there(groups, random):
    drawn = dict(zip(groups, split_hash(np.array(groups, dtype=str), 0.5, "s"), strict=True))
    other = random.sample(groups, len(groups) // 2) * 2
    assert split_hash(np.array(other, dtype=str), 0.5, "s").tolist() == [drawn[g] for g in other]


def test_the_share_is_kept_and_the_salt_draws_anew():
    groups = np.array([str(k) for k in range(10_000)])
    first, second = (split_hash(groups, 0.2, salt) for salt in "ab")
    # Binomial: 2,000 ± 40; both salts together: 400 ± 20. Five standard deviations.
    assert abs(first.sum() - 2000) < 200 and abs(second.sum() - 2000) < 200
    assert abs((first & second).sum() - 400) < 100
    assert not split_hash(groups, 0.0, "a").any() and split_hash(groups, 1.0, "a").all()
