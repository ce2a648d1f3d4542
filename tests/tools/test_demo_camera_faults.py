"""Exposure and camera faults on pictures made of numbers."""

import numpy as np
import pytest
from demo_faces import backgrounds, faults

POINTS = np.array([[10.0, 8], [30, 8], [30, 28], [10, 28]])


def light(face, around=5.0):
    """Return light (40, 50, 4): a face of one brightness in the square of POINTS."""
    out = np.full((40, 50, 4), around)
    out[8:29, 10:31] = face
    out[..., 3] = 1
    return out


MIDDLING = faults.Faults(0.5)


def developed(picture, wanted=MIDDLING, behind=0.0):
    image = faults.develop(
        picture, np.full((40, 50, 3), behind), POINTS, wanted, np.random.default_rng(0)
    )
    return np.asarray(image, float) / 255


@pytest.mark.parametrize("face", [1e-4, 0.03, 7.0])
@pytest.mark.parametrize("wanted", [0.25, 0.5, 0.7])
def test_a_face_is_as_bright_as_wanted_whatever_the_light(face, wanted):
    values = developed(light(face), faults.Faults(wanted))
    assert values[10:27, 12:29].mean() == pytest.approx(wanted, abs=1 / 255)


def test_dark_lenses_do_not_brighten_the_face():
    dark = light(0.2)
    dark[8:14, 10:31, :3] = 1e-4  # a quarter of the face
    values = developed(dark)
    assert values[16:27, 12:29].mean() == pytest.approx(0.5, abs=1 / 255)


def test_the_background_keeps_its_own_brightness():
    picture = light(0.01)
    picture[:, 40:] = 0  # nothing there: alpha 0
    values = developed(picture, behind=0.2)
    assert values[:, 42:].mean() == pytest.approx(1.055 * 0.2 ** (1 / 2.4) - 0.055, abs=2 / 255)


def test_the_tone_curve_is_srgb_below_the_shoulder_and_never_clips_above():
    x = np.array([0.0, 0.001, 0.18, 0.5])
    expected = [0, 0.01292, 1.055 * 0.18 ** (1 / 2.4) - 0.055, 1.055 * 0.5 ** (1 / 2.4) - 0.055]
    np.testing.assert_allclose(faults.tone_curve(x), expected, atol=1e-9)
    bright = faults.tone_curve(np.linspace(0, 50, 2000))
    assert (np.diff(bright) >= 0).all()
    assert bright.max() <= 1


@pytest.mark.parametrize(
    "fault", [{"blur": 0.9}, {"motion": (5.0, 30.0)}, {"shrink": 0.4}, {"noise": 6.0}]
)
def test_faults_do_not_move_the_picture(fault):
    flat = light(0.05, around=0.05)
    flat[18:23, 22:27, :3] = 2.0  # a spot about (24, 20)
    values = developed(flat, faults.Faults(0.3, **fault)).mean(2)
    window = np.s_[10:31, 14:35]  # its middle is (24, 20): what is flat there adds no moment
    weight, (y, x) = values[window] - 0.3, np.mgrid[window]
    centre = [(weight * x).sum() / weight.sum(), (weight * y).sum() / weight.sum()]
    np.testing.assert_allclose(centre, [24, 20], atol=0.15)


def test_the_hull_covers_what_its_corners_enclose():
    inside = faults.hull_mask(np.vstack([POINTS, [[20, 18]]]), (40, 50))
    assert inside[18, 20]
    assert inside.sum() == 21 * 21
    assert len(faults.convex_hull(np.vstack([POINTS, [[20, 18]]]))) == 4


def test_a_face_outside_the_picture_is_an_error():
    with pytest.raises(ValueError, match="outside the picture"):
        faults.hull_mask(POINTS + 100, (40, 50))


@pytest.mark.parametrize("kind", ["backdrop", "plain", "gradient", "scene", "foliage"])
def test_backgrounds_are_decided_by_their_seed(kind):
    one, again = (backgrounds.paint(kind, 5, (40, 50)) for _ in range(2))
    np.testing.assert_array_equal(one, again)
    assert one.shape == (40, 50, 3)
    assert 0 <= one.min() <= one.max() < 2.5
    assert not np.array_equal(one, backgrounds.paint(kind, 6, (40, 50)))


def test_an_unknown_background_is_named():
    with pytest.raises(ValueError, match="unknown background 'sea'"):
        backgrounds.paint("sea", 0, (4, 5))


def test_partly_covered_edges_lose_their_grain_and_full_cover_changes_nothing():
    rng = np.random.default_rng(1)
    grain = np.zeros((40, 50, 4))
    grain[:, 10:] = 1
    grain[:, 10:20] *= rng.random((40, 10, 1)) < 0.5  # colour and alpha alike: black or covered
    smooth = faults.smooth_edges(grain)
    assert smooth[2:-2, 12:18, 3].std() < grain[2:-2, 12:18, 3].std() / 2
    np.testing.assert_allclose(smooth[..., 0], smooth[..., 3])  # premultiplied: no seam
    np.testing.assert_array_equal(smooth[:, 25:], grain[:, 25:])
    np.testing.assert_array_equal(smooth[:, :7], grain[:, :7])
    whole = np.dstack([rng.random((40, 50, 3)), np.ones((40, 50))])
    np.testing.assert_array_equal(faults.smooth_edges(whole), whole)
