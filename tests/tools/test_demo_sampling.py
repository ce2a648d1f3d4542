"""Who and what is drawn: determined by the seed, spread evenly, within bounds. No anny needed."""

from collections import Counter

import numpy as np
import pytest
from demo_faces import expressions, look, person, shots, splits

PEOPLE = [person.sample_person((1, 0, k)) for k in range(1, 401)]


def test_the_same_key_gives_the_same_person_and_another_key_another():
    assert person.sample_person((1, 0, 7)) == PEOPLE[6]
    assert person.sample_person((0, 0, 7)) != PEOPLE[6]
    assert person.sample_person((1, 1, 7)) != PEOPLE[6]


def test_sexes_ages_tones_and_face_shapes_are_spread_evenly():
    adults = np.array([p.years for p in PEOPLE if not p.child])
    assert sum(p.female for p in PEOPLE) == pytest.approx(200, abs=6)
    assert 400 - len(adults) == pytest.approx(400 * person.CHILDREN, abs=6)
    decades = np.histogram(adults, bins=np.linspace(18, 82, 9))[0]
    tones = np.histogram([p.melanin for p in PEOPLE], bins=np.linspace(0.04, 0.88, 7))[0]
    forms = np.array(list(Counter(p.head_shape for p in PEOPLE).values()))
    for counts in (decades, tones, forms):
        assert counts.min() > 0.8 * counts.mean()
        assert counts.max() < 1.2 * counts.mean()


def test_even_draws_fill_each_axis():
    draws = np.array([person.even(k, 3) for k in range(64)])
    assert ((draws >= 0) & (draws < 1)).all()
    for axis in draws.T:  # random numbers would leave one of 16 bins empty in 23 % of the cases
        assert np.histogram(axis, bins=16, range=(0, 1))[0].min() >= 1


def test_no_beard_on_women_and_children_no_children_in_imm():
    assert all(p.beard == "none" for p in PEOPLE if p.female or p.child)
    assert {p.beard for p in PEOPLE} == {"none", "stubble", "full", "goatee", "moustache"}
    assert not any(person.sample_person((0, 0, k), children=False).child for k in range(1, 41))


def test_shape_parameters_stay_in_anny_s_range():
    for p in PEOPLE[:50]:
        assert max(map(abs, p.local.values())) <= person.LARGEST
        assert all(0 <= v <= 1 for v in p.phenotype.values())
        assert sum(p.phenotype[k] for k in ("african", "asian", "caucasian")) == pytest.approx(1)


def test_faces_are_not_symmetric():
    p = PEOPLE[0]
    pairs = [(p.local["l-" + k], p.local["r-" + k]) for k in person.BOTH_SIDES]
    assert all(a != b for a, b in pairs)
    assert any(name.startswith("asym/") and w > 0.1 for name, w in p.targets.items())


@pytest.mark.parametrize("name", expressions.RANGES)
def test_every_expression_can_be_drawn(name):
    actions = expressions.expression(name, np.random.default_rng(3))
    assert all(0 <= v < 2 for v in actions.values())
    assert {"eyeBlinkLeft", "eyeBlinkRight"} <= set(actions)


def test_an_unknown_expression_is_named():
    with pytest.raises(ValueError, match="unknown expression 'bored'"):
        expressions.expression("bored", np.random.default_rng(0))


def test_a_smile_is_on_both_sides_and_a_wry_one_on_one():
    smile = expressions.expression("smile", np.random.default_rng(0))
    wry = expressions.expression("wry", np.random.default_rng(0))
    assert min(smile["mouthSmileLeft"], smile["mouthSmileRight"]) > 0.2
    assert len({"mouthSmileLeft", "mouthSmileRight"} & set(wry)) == 1


def test_the_free_view_is_far_from_neutral():
    for name in expressions.FREE:
        drawn = expressions.expression(name, np.random.default_rng(5))
        rest = expressions.expression("neutral", np.random.default_rng(5))
        assert max(drawn[k] - rest.get(k, 0) for k in drawn) > 0.35


def test_imm_views_turn_by_30_degrees_and_keep_the_person():
    views = [shots.shot(p, 1) for p in splits.imm_pictures(0, 1)]
    yaw = np.array([s.head[0] + s.body_yaw for s in views])
    np.testing.assert_allclose(yaw, [0, 0, -30, 30, 0, 0], atol=10)
    assert len({s.person.seed for s in views}) == 1
    assert len({s.look.clothes for s in views}) == 1
    assert [s.look.light for s in views] == [*["studio"] * 4, "side spot", "studio"]
    assert views[2].file == f"01-3{views[0].person.sex}.jpg"


def test_the_crops_hold_what_the_issue_asks_for():
    some = [shots.shot(p, 1) for p in splits.ibug_pictures(0, 400, 0)]
    rows = [shots.attributes(s) for s in some]
    hidden = sum(r["occluder"] != "none" for r in rows)
    assert hidden == pytest.approx(40, abs=20)  # a tenth; three standard deviations are 18
    assert max(abs(r["yaw"]) for r in rows) > 35
    assert {r["expression"] for r in rows} >= {"neutral", "toothy smile", "laugh", "eyes shut"}
    assert {r["glasses"] for r in rows} == {"none", "thin", "thick", "sun"}
    assert "studio" not in look.HDRIS


def test_a_shot_is_decided_by_its_picture():
    picture = splits.ibug_pictures(0, 3, 0)[2]
    first, second = shots.shot(picture, 1), shots.shot(picture, 1)
    assert shots.attributes(first) == shots.attributes(second)
    assert first.actions == second.actions
    assert first.faults == second.faults
