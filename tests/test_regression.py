import doctest
import math

import pytest
import torch

from facekp import regression
from facekp.coords import unit_from_pixels
from facekp.regression import (
    bin_cross_entropy,
    decode_bins,
    decode_unit,
    encode_bins,
    mirror_bins,
    mirror_unit,
    mse_loss,
    smooth_l1_loss,
)

H, W = 10, 20


def test_doctests():
    assert doctest.testmod(regression, extraglobs={"torch": torch}).failed == 0


def test_mse_by_hand():
    # Off by 0.3 W and 0.4 H: (0.09 + 0.16) / 2. The second keypoint is met.
    output = torch.tensor([[[0.2, 0.1], [0.5, 0.5]]])
    keypoints = torch.tensor([[[9.5, 4.5], [9.5, 4.5]]])  # the middle, (0.5, 0.5)
    loss = mse_loss((H, W))(output, keypoints, torch.ones(1, 2, dtype=torch.bool))
    assert loss.item() == pytest.approx(0.125 / 2)


def test_invisible_keypoints_weigh_nothing():
    keypoints = torch.rand(3, 4, 2) * 9
    visible = torch.tensor([[1, 1, 0, 1], [0, 0, 0, 0], [1, 0, 1, 1]], dtype=torch.bool)
    output = torch.rand(3, 4, 2, requires_grad=True)
    loss = mse_loss((H, W))(output, keypoints, visible)
    loss.backward()
    assert (output.grad[~visible] == 0).all()
    assert (output.grad[visible] != 0).all()
    seen = mse_loss((H, W))(
        output[visible][None], keypoints[visible][None], torch.ones(1, 6, dtype=torch.bool)
    )
    assert loss.item() == pytest.approx(seen.item())


def test_a_batch_without_a_visible_keypoint_costs_nothing():
    output = torch.rand(2, 3, 2, requires_grad=True)
    loss = mse_loss((H, W))(output, torch.rand(2, 3, 2), torch.zeros(2, 3, dtype=torch.bool))
    loss.backward()
    assert loss.item() == 0
    assert (output.grad == 0).all()


def test_decoding_by_hand():
    decoded = decode_unit((H, W))(torch.tensor([[[0.0, 0.0], [0.5, 0.5], [1.0, 1.0]]]))
    assert decoded.tolist() == [[[-0.5, -0.5], [9.5, 4.5], [19.5, 9.5]]]


def test_what_is_decoded_costs_nothing():
    output = torch.rand(2, 3, 2)
    keypoints = decode_unit((H, W))(output)
    loss = mse_loss((H, W))(output, keypoints, torch.ones(2, 3, dtype=torch.bool))
    assert loss.item() < 1e-12


def test_smooth_l1_by_hand():
    # Off by 6 and 1 pixels at beta 2: 6 - 1 and 1 / 4. The second keypoint is met.
    output = torch.tensor([[[0.2, 0.4], [0.5, 0.5]]])
    keypoints = torch.tensor([[[9.5, 4.5], [9.5, 4.5]]])
    loss = smooth_l1_loss((H, W), beta=2.0)(output, keypoints, torch.ones(1, 2, dtype=torch.bool))
    assert loss.item() == pytest.approx((5 + 0.25) / 2 / 2)


def test_smooth_l1_tends_to_the_mean_absolute_error_in_pixels():
    output, keypoints = torch.rand(3, 4, 2), torch.rand(3, 4, 2) * 9
    loss = smooth_l1_loss((H, W), beta=1e-6)(output, keypoints, torch.ones(3, 4, dtype=torch.bool))
    mae = (decode_unit((H, W))(output) - keypoints).abs().mean()
    assert loss.item() == pytest.approx(mae.item(), abs=1e-5)


def test_smooth_l1_needs_a_beta():
    with pytest.raises(ValueError, match="beta must be positive, not 0"):
        smooth_l1_loss((H, W), beta=0)


LOSSES = pytest.mark.parametrize(
    ("loss", "outputs"),
    [(smooth_l1_loss((H, W)), 2), (bin_cross_entropy((H, W)), 2 * (H + W))],
    ids=["smooth_l1", "bins"],
)


@LOSSES
def test_what_is_invisible_weighs_nothing(loss, outputs):
    keypoints = torch.rand(3, 4, 2) * 9
    visible = torch.tensor([[1, 1, 0, 1], [0, 0, 0, 0], [1, 0, 1, 1]], dtype=torch.bool)
    keypoints[1, 2] = torch.nan
    output = torch.rand(3, 4, outputs, requires_grad=True)
    cost = loss(output, keypoints, visible)
    cost.backward()
    assert (output.grad[~visible] == 0).all()
    assert (output.grad[visible] != 0).all()
    everything = torch.ones(1, 6, dtype=torch.bool)
    seen = loss(output[visible][None], keypoints[visible][None], everything)
    assert cost.item() == pytest.approx(seen.item())


@LOSSES
def test_no_visible_keypoint_costs_nothing(loss, outputs):
    output = torch.rand(2, 3, outputs, requires_grad=True)
    cost = loss(output, torch.rand(2, 3, 2), torch.zeros(2, 3, dtype=torch.bool))
    cost.backward()
    assert cost.item() == 0
    assert (output.grad == 0).all()


BINS = 3  # a pixel
EDGES = torch.tensor([W - 0.5, H - 0.5])


def places(count: int, margin: float) -> torch.Tensor:
    """Draw keypoints (2, count, 2) no nearer to the crop's edges than a margin in pixels."""
    torch.manual_seed(0)
    low = margin - 0.5
    return low + torch.rand(2, count, 2) * (EDGES - margin - low)


def test_the_share_of_bins_by_hand():
    # A crop 1 high and 3 wide, a bin a pixel; σ = 1 bin. x: e^-2, e^-½ and 1; y has one bin.
    shares = encode_bins((1, 3), bins_per_pixel=1, sigma=1.0)(torch.tensor([[[2.0, 0.0]]]))
    e = torch.tensor([math.exp(-2), math.exp(-0.5), 1.0])
    torch.testing.assert_close(shares, torch.cat([e / e.sum(), torch.ones(1)])[None, None])


def test_shares_are_of_x_first_and_sum_to_1():
    shares = encode_bins((H, W), BINS)(places(5, 0))
    assert shares.shape == (2, 5, BINS * (H + W))
    x, y = shares.split([BINS * W, BINS * H], -1)
    torch.testing.assert_close(x.sum(-1), torch.ones(2, 5))
    torch.testing.assert_close(y.sum(-1), torch.ones(2, 5))


def test_sigma_is_in_pixels():
    # The variance of a Gaussian on a grid finer than σ is σ²; its ends are 5 σ away.
    sigma, x = 0.9, torch.tensor([[[9.5, 4.5]]])
    shares = encode_bins((H, W), BINS, sigma)(x)[0, 0, : BINS * W]
    centres = (torch.arange(BINS * W) + 0.5) / BINS - 0.5
    variance = (shares * (centres - 9.5).square()).sum()
    assert variance.item() == pytest.approx(sigma**2, rel=1e-4)


@pytest.mark.parametrize(("decoder", "bound"), [("argmax", 0.5 / BINS), ("expectation", 1e-4)])
def test_encoding_and_decoding(decoder, bound):
    # argmax: half a bin an axis. The mean of a Gaussian on a grid: 4πσ² exp(-2π²σ²) bins from
    # aliasing, under 1e-6 at σ = 0.4 · 3 bins, and σ · φ(4) bins, under 2e-4, from what the edge
    # cuts off at 4 σ; a third of both in pixels. float32 adds 60 · 2^-24.
    keypoints = places(50, margin=1.6)
    logits = encode_bins((H, W), BINS, sigma=0.4)(keypoints).log()
    found = decode_bins((H, W), BINS, decoder)(logits)
    assert (found - keypoints).abs().max() <= bound + 1e-5
    if decoder == "argmax":
        assert (found - keypoints).abs().max() > 0.8 * bound


@pytest.mark.parametrize("decoder", ["argmax", "expectation"])
def test_a_shift_by_one_bin_is_one_bin_off(decoder):
    keypoints, decode = places(50, margin=2.0), decode_bins((H, W), BINS, decoder)
    x, y = encode_bins((H, W), BINS, sigma=0.4)(keypoints).log().split([BINS * W, BINS * H], -1)
    straight, shifted = (decode(torch.cat([x.roll(n, -1), y], -1)) for n in (0, 1))
    expected = torch.tensor([1 / BINS, 0]).expand(2, 50, 2)
    torch.testing.assert_close(shifted - straight, expected, rtol=0, atol=1e-3)


def test_at_the_edge_the_expectation_is_drawn_inwards():
    corner = torch.tensor([[[-0.5, H - 0.5]]])
    logits = encode_bins((H, W), BINS, sigma=1.0)(corner).log()
    found = decode_bins((H, W), BINS)(logits)[0, 0]
    # The mean of half a Gaussian: √(2 / π) σ. Bins replace an integral by midpoints: 1 % at 3 a σ.
    inwards = math.sqrt(2 / math.pi)
    assert found.tolist() == pytest.approx([inwards - 0.5, H - 0.5 - inwards], abs=0.01)
    found = decode_bins((H, W), BINS, "argmax")(logits)[0, 0]
    assert found.tolist() == pytest.approx([0.5 / BINS - 0.5, H - 0.5 - 0.5 / BINS])


def test_cross_entropy_of_bins_by_hand():
    # Logits all alike cost the log of the number of bins, whatever the target: ln 40 and ln 20.
    loss = bin_cross_entropy((H, W))
    cost = loss(torch.zeros(1, 3, 60), places(3, 0)[:1], torch.ones(1, 3, dtype=torch.bool))
    assert cost.item() == pytest.approx((math.log(40) + math.log(20)) / 2)


def test_the_gradient_is_the_share_less_the_target():
    keypoints, visible = places(3, 0), torch.ones(2, 3, dtype=torch.bool)
    logits = torch.randn(2, 3, BINS * (H + W), requires_grad=True)
    bin_cross_entropy((H, W), BINS, sigma=1.5)(logits, keypoints, visible).backward()
    x, y = logits.detach().split([BINS * W, BINS * H], -1)
    p = torch.cat([x.softmax(-1), y.softmax(-1)], -1)
    target = encode_bins((H, W), BINS, sigma=1.5)(keypoints)
    torch.testing.assert_close(logits.grad, (p - target) / 2 / 6)


def test_a_place_outside_the_crop_weighs_nothing():
    inside = torch.tensor([[[-0.5, -0.5], [W - 0.5, H - 0.5], [3.0, 4.0]]])
    outside = inside + torch.tensor([[[-0.01, 0], [0, 0.01], [0, 0]]])
    visible, logits = torch.ones(1, 3, dtype=torch.bool), torch.randn(1, 3, 2 * (H + W))
    loss = bin_cross_entropy((H, W))
    logits.requires_grad_()
    loss(logits, outside, visible).backward()
    assert (logits.grad == 0).all(-1).tolist() == [[True, True, False]]
    alone = loss(logits[:, 2:], inside[:, 2:], visible[:, 2:])
    assert loss(logits, outside, visible).item() == pytest.approx(alone.item())
    assert loss(logits, inside, visible).item() != pytest.approx(alone.item())


def test_bfloat16_logits_cost_a_float32():
    logits = torch.randn(1, 3, 2 * (H + W)).bfloat16()
    arguments = places(3, 0)[:1], torch.ones(1, 3, dtype=torch.bool)
    cost = bin_cross_entropy((H, W))(logits, *arguments)
    assert cost.dtype == torch.float32
    assert cost.item() == bin_cross_entropy((H, W))(logits.float(), *arguments).item()
    assert decode_bins((H, W))(logits).dtype == torch.float32


def test_bins_of_another_crop_are_refused():
    with pytest.raises(ValueError, match="58 logits a keypoint for 40 bins of x and 20 of y"):
        decode_bins((H, W))(torch.zeros(1, 3, 58))


@pytest.mark.parametrize("count", [0, -1, 1.5])
@pytest.mark.parametrize("build", [encode_bins, bin_cross_entropy, decode_bins])
def test_bins_are_whole(build, count):
    with pytest.raises(ValueError, match=f"must be a positive whole number, not {count}"):
        build((H, W), count)


def test_other_arguments_are_refused():
    with pytest.raises(ValueError, match="sigma must be positive, not 0"):
        bin_cross_entropy((H, W), sigma=0)
    with pytest.raises(ValueError, match="'expectation' or 'argmax', not 'mean'"):
        decode_bins((H, W), decoder="mean")


def test_mirrored_coordinates_and_bins_are_those_of_mirrored_keypoints():
    size, keypoints = (9, 14), torch.tensor([[[3.25, 2.0], [12.0, 7.5]]])
    mirrored = torch.tensor([[[9.75, 2.0], [1.0, 7.5]]])  # x to 13 - x
    unit = mirror_unit(unit_from_pixels(keypoints, size))
    assert torch.allclose(decode_unit(size)(unit), mirrored)
    encode, mirror = encode_bins(size, 3), mirror_bins(size, 3)
    assert torch.allclose(mirror(encode(keypoints)), encode(mirrored), atol=1e-6)


def test_bins_of_another_crop_are_not_mirrored():
    with pytest.raises(ValueError, match="60 logits a keypoint for 28 bins of x and 18 of y"):
        mirror_bins((9, 14))(torch.zeros(1, 2, 60))
