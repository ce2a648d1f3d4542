import math

import numpy as np
import pytest
import torch
from PIL import Image

from facekp.augment import (
    Augmentation,
    add_noise,
    adjust_tones,
    affine_matrices,
    blur,
    brighten,
    inside,
    lower_resolution,
    move,
    occlude,
    random_rectangles,
    saturate,
    to_grey,
    warp,
)
from facekp.schemes import IBUG68, IMM58

B, K, H, W = 24, 3, 41, 60  # pairwise different
STILL = {"rotation": 0, "brightness": 0, "saturation": 0, "jitter_probability": 0}


def marked(keypoints, sigma):
    """Draw one mark a picture, white on black, at its first keypoint."""
    x, y = torch.arange(W), torch.arange(H)[:, None]
    there = keypoints[:, 0, :, None, None]  # (B, 2, 1, 1)
    squared = (x - there[:, 0]) ** 2 + (y - there[:, 1]) ** 2
    light = torch.exp(-squared / (2 * sigma**2)) if sigma else (squared == 0).float()
    return light[:, None] - 0.5


def centre_of_mass(images):
    light = (images[:, 0] + 0.5).double()  # (B, H, W)
    x, y = light.sum(1), light.sum(2)
    mean_x, mean_y = ((p * torch.arange(p.shape[1])).sum(1) / p.sum(1) for p in (x, y))
    return torch.stack([mean_x, mean_y], -1).float()


def keypoints_near_the_middle(spread=6):
    torch.manual_seed(5)
    middle = torch.tensor([W // 2, H // 2])
    return (middle + torch.randint(-spread, spread + 1, (B, K, 2))).float()


def random_maps(*kinds, degrees=15):
    torch.manual_seed(6)
    return affine_matrices(
        (H, W),
        degrees * (2 * torch.rand(B) - 1) * ("rotation" in kinds),
        1 + 0.15 * (2 * torch.rand(B) - 1) * ("scale" in kinds),
        3 * (2 * torch.rand(B, 2) - 1) * ("translation" in kinds),
        (torch.rand(B) < 0.5) & ("flip" in kinds),
    )


def distance(keypoints, matrices, sigma=0.0):
    moved = warp(marked(keypoints, sigma), matrices, border="black")
    return centre_of_mass(moved) - move(keypoints, matrices)[:, 0]


KINDS = [
    ["rotation"],
    ["translation"],
    ["flip"],
    ["scale"],
    ["rotation", "translation", "flip", "scale"],
]


@pytest.mark.parametrize("kinds", KINDS, ids="-".join)
def test_marks_and_keypoints_move_alike(kinds):
    # A mark of sigma 2.5 px is smooth to bilinear reading: at worst 0.027 px, when scaled by 0.95.
    off = distance(keypoints_near_the_middle(), random_maps(*kinds), sigma=2.5)
    assert off.norm(dim=-1).max() < 0.05


# A single pixel read bilinearly is its tent, sampled on the turned lattice. Its samples' centre of
# mass errs, by Poisson's formula, by the slope of the tent's spectrum sinc² at the frequencies of
# that lattice, with a sign that depends on where the pixel falls between the samples. At the worst
# of 1440 places that is 0.023 px at 8 degrees, 0.046 at 12 and 0.062 at 15; 0.18 for scales up to
# 1.15. Over many pixels it cancels, and what is left belongs to the map.
@pytest.mark.parametrize("kinds", [*KINDS[:3], ["rotation", "translation", "flip"]], ids="-".join)
def test_single_pixels_and_keypoints_move_alike(kinds):
    off = distance(keypoints_near_the_middle(), random_maps(*kinds, degrees=12))
    assert off.norm(dim=-1).max() < 0.05


@pytest.mark.parametrize("kinds", KINDS, ids="-".join)
def test_single_pixels_and_keypoints_move_alike_on_average(kinds):
    off = distance(keypoints_near_the_middle(), random_maps(*kinds))
    # Errors of at most 0.18 px, uniform and independent: 0.1 / sqrt(24) = 0.02 an axis.
    assert off.mean(0).norm() < 0.05


def test_a_doubled_pixel_by_hand():
    # At scale 2 the samples lie at halves, where the tent's spectrum is 0: exact for one pixel too.
    keypoints = torch.tensor([[[35.0, 18.0]]])
    maps = affine_matrices((H, W), torch.zeros(1), torch.full((1,), 2.0))
    assert move(keypoints, maps).tolist() == [[[2 * 35 - 29.5, 2 * 18 - 20]]]
    assert distance(keypoints, maps).norm() < 1e-4


def test_turning_about_the_corner_is_caught():
    # The formula that the original report met first: as if the picture turned about (0, 0).
    keypoints, maps = keypoints_near_the_middle(), random_maps("rotation")
    wrong = maps.clone()
    wrong[:, :2, 2] = 0
    found = centre_of_mass(warp(marked(keypoints, 0), maps, border="black"))
    off = (found - move(keypoints, wrong)[:, 0]).norm(dim=-1)
    # The corner is hypot(29.5, 20) = 35.6 px from the centre: off by 2 sin(angle / 2) of that.
    angles = torch.atan2(maps[:, 1, 0], maps[:, 0, 0]).float()
    torch.testing.assert_close(
        off, 2 * (angles / 2).sin().abs() * math.hypot(29.5, 20), atol=0.05, rtol=0
    )
    assert off.max() > 5


def test_positive_angles_turn_clockwise_as_seen():
    maps = affine_matrices((H, W), torch.tensor([90.0]))
    right_of_centre = torch.tensor([[[29.5 + 7, 20.0]]])
    below = torch.tensor([[[29.5, 20.0 + 7]]])
    torch.testing.assert_close(move(right_of_centre, maps), below, atol=1e-4, rtol=0)


def test_maps_compose_by_matrix_product():
    keypoints, first, second = keypoints_near_the_middle(), random_maps("rotation"), random_maps()
    second[:, 0, 2] += 4
    torch.testing.assert_close(
        move(keypoints, second @ first), move(keypoints, first) + torch.tensor([4.0, 0.0])
    )


def test_the_whole_augmentation_moves_marks_and_keypoints_alike():
    keypoints = keypoints_near_the_middle()
    augment = Augmentation(
        (H, W), rotation=15, translation=3, scale=0.15, flip=(0, 1, 2), border="black"
    )
    torch.manual_seed(7)
    images, moved, visible = augment(
        marked(keypoints, 2.5), keypoints, torch.ones(B, K, dtype=torch.bool)
    )
    assert (centre_of_mass(images) - moved[:, 0]).norm(dim=-1).max() < 0.05
    assert (moved - keypoints).norm(dim=-1).min() > 0.05  # each picture has moved
    assert visible.all()


def flips(scheme, seed, images, keypoints, visible):
    augment = Augmentation((H, W), **STILL, flip=scheme.flip)
    torch.manual_seed(seed)
    return augment(images, keypoints, visible)


@pytest.mark.parametrize("scheme", [IMM58, IBUG68], ids=lambda s: s.name)
def test_a_flip_swaps_left_and_right(scheme):
    images, keypoints = torch.rand(B, 1, H, W) - 0.5, 30 * torch.rand(B, scheme.count, 2)
    visible = torch.rand(B, scheme.count) < 0.5
    flipped, moved, seen = flips(scheme, 8, images, keypoints, visible)
    right, left = scheme.eye_corners
    swapped = moved[:, right, 0] != keypoints[:, right, 0]
    assert 0 < swapped.sum() < B
    mirrored = keypoints[:, left] * torch.tensor([-1, 1]) + torch.tensor([W - 1, 0])
    torch.testing.assert_close(moved[swapped, right], mirrored[swapped], atol=1e-4, rtol=0)
    assert (seen[swapped, right] == visible[swapped, left]).all()
    torch.testing.assert_close(flipped[swapped], images[swapped].flip(-1), atol=1e-4, rtol=0)
    torch.testing.assert_close(moved[~swapped], keypoints[~swapped])
    # The same seed flips the same pictures once more.
    again = flips(scheme, 8, flipped, moved, seen)
    for got, want in zip(again, (images, keypoints, visible), strict=True):
        torch.testing.assert_close(got, want, atol=1e-4, rtol=0)


def test_keypoints_that_leave_are_invisible_and_keep_their_place():
    keypoints = torch.tensor([[[-0.5, -0.5], [W - 0.5, H - 0.5], [5.0, 5.0]]]).repeat(B, 1, 1)
    visible = torch.ones(B, K, dtype=torch.bool)
    visible[:, 2] = False
    images = torch.zeros(B, 1, H, W)
    assert Augmentation((H, W), **STILL)(images, keypoints, visible)[2].equal(visible)
    torch.manual_seed(9)
    _, moved, seen = Augmentation((H, W), **STILL, translation=4)(images, keypoints, visible)
    shifts = moved[:, 2] - keypoints[:, 2]
    torch.testing.assert_close(moved, keypoints + shifts[:, None])
    assert (seen[:, 0] == (shifts >= 0).all(-1)).all()
    assert (seen[:, 1] == (shifts <= 0).all(-1)).all()
    assert not seen[:, 2].any()  # was invisible within the picture, stays so
    assert seen[:, :2].any() and not seen[:, :2].all()


def test_inside_by_hand():
    places = torch.tensor([[[59.5, 40.5], [59.6, 0], [-0.6, 0], [0, 40.6], [0, -0.6], [-0.5, 0]]])
    assert inside(places, (H, W)).tolist() == [[True, False, False, False, False, True]]


def shifted_ramp(border):
    """Shift the columns 0, 1, 2, … tenths by three pixels and read the first five."""
    ramp = (torch.arange(W) / 100).expand(1, 1, H, W)
    maps = affine_matrices((H, W), torch.zeros(1), shifts=torch.tensor([[3.0, 0.0]]))
    return (100 * warp(ramp, maps, border)[0, 0, 7, :5]).round(decimals=2).tolist()


def test_borders_by_hand():
    assert shifted_ramp("reflection") == [2, 1, 0, 0, 1]  # about the outer edge of column 0
    assert shifted_ramp("edge") == [0, 0, 0, 0, 1]
    assert shifted_ramp("black") == [-50, -50, -50, 0, 1]


def test_only_black_borders_are_black():
    images, keypoints = torch.full((B, 1, H, W), 0.3), torch.zeros(B, K, 2)
    visible = torch.ones(B, K, dtype=torch.bool)
    for border, least in (("reflection", 0.3), ("edge", 0.3), ("black", -0.5)):
        augment = Augmentation((H, W), jitter_probability=0, translation=5, border=border)
        assert augment(images, keypoints, visible)[0].min() == pytest.approx(least, abs=1e-6)


SKIN = torch.tensor([0.8, 0.6, 0.4])[None, :, None, None] - 0.5  # red, green, blue
SKIN_GREY = 0.299 * 0.8 + 0.587 * 0.6 + 0.114 * 0.4 - 0.5


def test_saturation_by_hand():
    # The largest channel stays; the others' distance from it, 0.2 and 0.4, grows by a quarter.
    more = saturate(SKIN, torch.tensor([1.25]))
    assert (more + 0.5).flatten().tolist() == pytest.approx([0.8, 0.55, 0.3])
    # Full saturation, where the least channel is 0, is a factor of 0.8 / 0.4.
    full = saturate(SKIN, torch.tensor([5.0]))
    assert (full + 0.5).flatten().tolist() == pytest.approx([0.8, 0.4, 0.0], abs=1e-6)
    none = saturate(SKIN, torch.tensor([0.0]))
    assert (none + 0.5).flatten().tolist() == pytest.approx([0.8] * 3)


def test_saturation_acts_before_grey():
    grey = to_grey(saturate(SKIN, torch.tensor([1.25])))
    want = 0.299 * 0.8 + 0.587 * 0.55 + 0.114 * 0.3 - 0.5
    assert grey.item() == pytest.approx(want)
    augment = Augmentation((1, 1), rotation=0, brightness=0, saturation=0.25, jitter_probability=1)
    images = SKIN.repeat(B, 1, 1, 1)
    got = augment(images, torch.zeros(B, K, 2), torch.ones(B, K, dtype=torch.bool))[0].flatten()
    factor = (0.3 - got) / (0.3 - SKIN_GREY)  # grey = V - f (V - grey)
    assert factor.min() > 0.75 - 1e-5 and factor.max() < 1.25 + 1e-5
    assert factor.max() - factor.min() > 0.3


@pytest.mark.parametrize("channels", [1, 3])
def test_saturation_leaves_grey_as_it_is(channels):
    grey = (torch.rand(B, 1, H, W) - 0.5).repeat(1, channels, 1, 1)
    torch.testing.assert_close(saturate(grey, 3 * torch.rand(B)), grey)
    black = torch.full((1, 3, 2, 4), -0.5)
    assert saturate(black, torch.tensor([2.0])).equal(black)


def test_brightness_by_hand():
    brighter = brighten(torch.tensor([-0.5, 0.0, 0.4])[None, None, None], torch.tensor([1.2]))
    assert brighter.flatten().tolist() == pytest.approx([-0.5, 0.1, 0.5])


def test_contrast_and_gamma_by_hand():
    light = torch.tensor([0.1, 0.5, 0.9])[None, None, None]
    one = torch.ones(1)
    flat = adjust_tones(light - 0.5, one / 2, one) + 0.5
    assert flat.flatten().tolist() == pytest.approx([0.3, 0.5, 0.7])
    cut = adjust_tones(light - 0.5, one * 2, one) + 0.5
    assert cut.flatten().tolist() == pytest.approx([0, 0.5, 1])
    dark = adjust_tones(light - 0.5, one, one * 2) + 0.5
    assert dark.flatten().tolist() == pytest.approx([0.01, 0.25, 0.81])


def test_grey_is_pillows():
    levels = np.random.default_rng(0).integers(0, 256, (H, W, 3), dtype=np.uint8)
    pillow = np.asarray(Image.fromarray(levels).convert("L")).astype(np.float32)
    ours = to_grey(torch.from_numpy(levels).permute(2, 0, 1)[None] / 255 - 0.5)
    # Pillow rounds to whole levels, its weights are rounded to 1/65536.
    assert np.abs((ours[0, 0].numpy() + 0.5) * 255 - pillow).max() <= 0.5 + 0.01


def test_grey_of_grey_is_the_same_and_of_two_channels_an_error():
    grey = torch.rand(B, 1, H, W)
    assert to_grey(grey) is grey
    with pytest.raises(ValueError, match="1 or 3 channels"):
        to_grey(torch.rand(B, 2, H, W))


def test_the_jitter_meets_its_share_of_pictures():
    # 400 coins of 0.3: 120 ± 9.2, five standard deviations either way.
    augment = Augmentation((1, 2), rotation=0)
    images = torch.full((400, 1, 1, 2), 0.1)
    torch.manual_seed(10)
    got = augment(images, torch.zeros(400, 1, 2), torch.ones(400, 1, dtype=torch.bool))[0]
    light = got[:, 0, 0, 0] + 0.5
    assert abs((light != 0.6).sum() - 120) < 46
    assert 0.45 - 1e-5 < light.min() < 0.5 and 0.7 < light.max() < 0.75 + 1e-5


def batch(channels=3):
    torch.manual_seed(11)
    images = torch.rand(B, channels, H, W) - 0.5
    keypoints = torch.rand(B, K, 2) * torch.tensor([W - 1, H - 1])
    return images, keypoints, torch.rand(B, K) < 0.8


STRONG = {
    "flip": (1, 0, 2),
    "rotation": 30,
    "translation": 5,
    "scale": 0.2,
    "contrast": 0.3,
    "gamma": 0.5,
    "rectangles": 3,
    "blur": 1.5,
    "low_resolution": 3,
    "noise": 0.1,
}


@pytest.mark.parametrize("channels", [1, 3])
def test_the_strong_set_keeps_shape_range_and_input(channels):
    images, keypoints, visible = batch(channels)
    copies = [t.clone() for t in (images, keypoints, visible)]
    got, moved, seen = Augmentation((H, W), **STRONG)(images, keypoints, visible)
    assert (got.shape, moved.shape, seen.shape) == ((B, 1, H, W), (B, K, 2), (B, K))
    assert (got.dtype, moved.dtype, seen.dtype) == (torch.float32, torch.float32, torch.bool)
    # Rounding of the interpolation's four weights.
    assert got.min() >= -0.5 - 1e-6 and got.max() <= 0.5 + 1e-6
    for now, before in zip((images, keypoints, visible), copies, strict=True):
        assert now.equal(before)


@pytest.mark.parametrize("options", [{}, STRONG], ids=["original", "strong"])
def test_the_seed_decides(options):
    augment, results = Augmentation((H, W), **options), []
    for seed in (12, 12, 13):
        data = batch()
        torch.manual_seed(seed)
        results.append(augment(*data))
    assert all(a.equal(b) for a, b in zip(*results[:2], strict=True))
    assert not results[0][0].equal(results[2][0])
    assert not results[0][1].equal(results[2][1])


@pytest.mark.parametrize("probability", [0, 1])
def test_zero_strengths_change_nothing(probability):
    images, keypoints, visible = batch(1)
    off = STILL | {"jitter_probability": probability, "damage_probability": probability}
    got, moved, seen = Augmentation((H, W), **off)(images, keypoints, visible)
    torch.testing.assert_close(got, images, atol=1e-6, rtol=0)
    assert moved.equal(keypoints) and seen.equal(visible)


def test_a_map_that_stays_changes_nothing():
    # The grid is off by float32's rounding of W / 2: 4e-6 px, at slopes of up to 1 a pixel.
    images = batch()[0]
    still = warp(images, affine_matrices((H, W), torch.zeros(B)))
    torch.testing.assert_close(still, images, atol=2e-5, rtol=0)


def test_occluders_by_hand():
    images = torch.zeros(2, 1, H, W)
    boxes = torch.tensor([[2.5, 4.5, 3, 2], [4.5, 4.5, 3, 2]]).repeat(2, 1, 1)
    boxes[1, :, 2:] = 0
    got = occlude(images, boxes, torch.tensor([[0.25, -0.25]] * 2))
    assert got[0, 0, 5:7, 2:9].tolist() == [[0, 0.25, 0.25, -0.25, -0.25, -0.25, 0]] * 2
    assert (got[0] != 0).sum() == 10
    assert got[1].equal(images[1])  # rectangles of no extent cover nothing


def test_rectangles_meet_the_picture():
    boxes, shades = random_rectangles(B, 2, (H, W), side=0.4)
    centre = boxes[..., :2] + boxes[..., 2:] / 2
    assert inside(centre, (H, W)).all()
    whole = torch.tensor([W, H])
    assert (boxes[..., 2:] >= 0.1 * whole).all() and (boxes[..., 2:] <= 0.4 * whole).all()
    assert shades.abs().max() <= 0.5


def test_blur_has_the_sigma_asked_for():
    # Second moment of a sampled Gaussian cut at three sigma of the widest: sigma² less 3 % at most.
    keypoints = keypoints_near_the_middle(0)[:2]
    light = blur(marked(keypoints, 0) + 0.5, torch.tensor([1.0, 2.0]))[:, 0]  # (2, H, W)
    assert light.sum((1, 2)).tolist() == pytest.approx([1, 1], abs=1e-4)
    for axis, size in ((1, W), (2, H)):
        profile, places = light.sum(axis), torch.arange(size)
        mean = (profile * places).sum(1)
        second = (profile * (places - mean[:, None]) ** 2).sum(1)
        assert second.tolist() == pytest.approx([1, 4], rel=0.03)


def test_blur_of_nothing_is_the_identity():
    images = batch()[0]
    assert blur(images, torch.zeros(B)).equal(images)
    mixed = blur(images, torch.tensor([0.0, 2.0] * (B // 2)))
    torch.testing.assert_close(mixed[::2], images[::2])
    assert not mixed[1::2].isclose(images[1::2]).all()


def test_low_resolution_does_not_shift():
    keypoints = keypoints_near_the_middle()
    coarse = lower_resolution(marked(keypoints, 3.0), 2.0)
    assert (centre_of_mass(coarse) - keypoints[:, 0]).norm(dim=-1).max() < 0.05
    assert coarse.max() < marked(keypoints, 3.0).max() - 0.01
    images = batch()[0]
    torch.testing.assert_close(lower_resolution(images, 1.0), images)


def test_noise_has_the_deviation_asked_for():
    # The deviation of H W = 2460 draws is known to 1 / sqrt(2 H W) = 1.4 %; five times that.
    torch.manual_seed(14)
    noisy = add_noise(torch.zeros(2, 1, H, W), torch.tensor([0.0, 0.1]))
    assert noisy[0].abs().max() == 0
    assert noisy[1].std().item() == pytest.approx(0.1, rel=0.07)
    assert add_noise(torch.full((1, 1, H, W), 0.5), torch.ones(1)).max() == 0.5


@pytest.mark.parametrize(
    "one",
    [{"rotation": 9}, {"jitter_probability": 1, "gamma": 1}, {"noise": 0.1}, {"rectangles": 2}],
)
def test_no_step_alone_changes_what_is_passed_in(one):
    images, keypoints, visible = batch(1)
    before = images.clone(), keypoints.clone(), visible.clone()
    got = Augmentation((H, W), **STILL | one)(images, keypoints, visible)
    assert not got[0].equal(images)
    assert all(
        now.equal(then) for now, then in zip((images, keypoints, visible), before, strict=True)
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"border": "grey"}, "border must be one of reflection, edge, black"),
        ({"rotation": -1}, "rotation is -1: give 0 to 1000"),
        ({"brightness": 25}, "brightness is 25: give 0 to 1"),
        ({"low_resolution": 0}, "low_resolution is 0: give 1 to 1000"),
        ({"flip": (1, 2, 0)}, "applied twice is not the identity"),
        ({"flip": (0, 0, 2)}, "applied twice is not the identity"),
    ],
)
def test_impossible_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Augmentation((H, W), **options)


def test_pictures_of_another_size_or_scheme_are_refused():
    images, keypoints, visible = batch()
    with pytest.raises(ValueError, match=r"pictures are \(41, 60\), not \(60, 41\)"):
        Augmentation((W, H))(images, keypoints, visible)
    with pytest.raises(ValueError, match="flip names 58 of 3 keypoints"):
        Augmentation((H, W), flip=IMM58.flip)(images, keypoints, visible)
    with pytest.raises(ValueError, match="border must be one of"):
        warp(images, affine_matrices((H, W), torch.zeros(B)), border="grey")
