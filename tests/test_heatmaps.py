import math
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch.nn import functional as F

from facekp.coords import resize_points
from facekp.heatmaps import (
    cells,
    decode_argmax,
    decode_dark,
    decode_local,
    decode_softmax,
    decode_weighted,
    encode_disc,
    encode_gaussian,
    map_decoder,
    map_entropy,
    map_mse,
    pixel_cross_entropy,
    spatial_cross_entropy,
)
from facekp.heatmaps.cells import exponential

B, K, H, W = 2, 3, 21, 30  # the maps'
SIGMA, RADIUS = 1.5, 2.7  # in map pixels
WINDOW = 5  # of decode_local: three sigmas and a little
UNIT = arrays(np.float32, (B, K, 2), elements=st.floats(0, 1, width=32))

few = settings(max_examples=30, deadline=None)


def in_middle(unit, margin=9.0):
    """Points at least `margin` from the map's edges, by default six sigmas."""
    low, high = margin - 0.5, np.array([W, H]) - 0.5 - margin
    return torch.from_numpy((low + unit * (high - low)).astype(np.float32))


def anywhere(unit):
    """Points on the map, edges included."""
    return in_middle(unit, margin=0)


def at_edge(unit):
    """Points on the map, at most two pixels from its left and upper edge."""
    return torch.from_numpy(unit * 2 - 0.5)


def log_gaussian(points, size, sigma):
    return encode_gaussian(points, size, sigma).clamp(min=1e-37).log()


def assert_near(found, points, bound):
    assert found.shape == points.shape
    assert (found - points).abs().max().item() <= bound


class TestEncode:
    def test_a_gaussian_by_hand(self):
        points = torch.tensor([[[1.5, 1.25]]])
        found = encode_gaussian(points, (3, 4), sigma=2.0)
        assert found.shape == (1, 1, 3, 4) and found.dtype == torch.float32
        # The cell in row 1 and column 3 is 1.5 to the right and 0.25 up: d² = 2.3125.
        assert found[0, 0, 1, 3].item() == pytest.approx(math.exp(-2.3125 / 8))
        assert found[0, 0, 2, 1].item() == pytest.approx(math.exp(-(0.25 + 0.5625) / 8))

    def test_the_peak_is_one_at_the_centre_of_a_cell(self):
        assert encode_gaussian(torch.tensor([[[2.0, 1.0]]]), (3, 4), 0.3)[0, 0, 1, 2] == 1

    def test_a_disc_by_hand(self):
        # Radius 1 reaches the four neighbours, their centres included; their diagonals not.
        found = encode_disc(torch.tensor([[[2.0, 1.0]]]), (3, 5), radius=1.0)
        assert found[0, 0].tolist() == [[0, 0, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 0, 0]]

    @pytest.mark.parametrize("encode", [encode_gaussian, encode_disc])
    def test_each_keypoint_of_each_picture_has_its_own_map(self, encode):
        points = anywhere(np.random.default_rng(0).random((B, K, 2), dtype=np.float32))
        maps = encode(points, (H, W), 2.0)
        assert maps.shape == (B, K, H, W)
        for b in range(B):
            for k in range(K):
                alone = encode(points[b : b + 1, k : k + 1], (H, W), 2.0)
                assert torch.equal(maps[b, k], alone[0, 0])

    @few
    @given(UNIT)
    def test_a_disc_smaller_than_a_cell_is_the_nearest_cell(self, unit):
        points = anywhere(unit)
        x, y = decode_weighted(encode_disc(points, (H, W), radius=0.01)).unbind(-1)
        # Of two equally near cells both are drawn, and the mean is where they touch. In float32
        # cells whose distances differ by less than a rounding (2^-22 of a coordinate) are equal.
        assert ((x - points[..., 0]).abs() <= 0.5 + 1e-5).all()
        assert ((y - points[..., 1]).abs() <= 0.5 + 1e-5).all()

    def test_equally_near_cells_are_drawn_all(self):
        found = encode_disc(torch.tensor([[[1.5, 0.5], [0.5, 1.0]]]), (2, 3), radius=0.1)
        assert found[0, 0].tolist() == [[0, 1, 1], [0, 1, 1]]
        assert found[0, 1].tolist() == [[0, 0, 0], [1, 1, 0]]

    def test_of_a_keypoint_outside_what_reaches_in_is_drawn(self):
        outside = torch.tensor([[[-2.0, 1.0]]])
        assert encode_gaussian(outside, (3, 4), 1.0)[0, 0, 1, 0].item() == pytest.approx(
            math.exp(-2)
        )
        assert encode_disc(outside, (3, 4), 2.0)[0, 0].nonzero().tolist() == [[1, 0]]
        assert encode_disc(outside, (3, 4), 1.9).sum() == 0  # the nearest cell is not drawn
        assert encode_disc(outside, (3, 4), 1.9, normalise=True).sum() == 0

    @few
    @given(UNIT, st.floats(0.001, 20))
    def test_normalised_maps_sum_to_one(self, unit, length):
        for encode in (encode_gaussian, encode_disc):
            found = encode(anywhere(unit), (H, W), length, normalise=True).sum((2, 3))
            torch.testing.assert_close(found, torch.ones(B, K))

    def test_normalising_only_scales(self):
        points = in_middle(np.random.default_rng(0).random((B, K, 2), dtype=np.float32))
        for encode in (encode_gaussian, encode_disc):
            maps = encode(points, (H, W), SIGMA)
            scaled = maps / maps.sum((2, 3), keepdim=True)
            torch.testing.assert_close(encode(points, (H, W), SIGMA, normalise=True), scaled)

    @pytest.mark.parametrize("length", [0, -1, math.nan])
    def test_lengths_must_be_positive(self, length):
        with pytest.raises(ValueError, match="sigma must be positive"):
            encode_gaussian(torch.zeros(1, 1, 2), (3, 4), length)
        with pytest.raises(ValueError, match="radius must be positive"):
            encode_disc(torch.zeros(1, 1, 2), (3, 4), length)


gaussian = partial(encode_gaussian, sigma=SIGMA)
disc = partial(encode_disc, radius=RADIUS)
# What encode draws about random points of a region, decode finds within so many map pixels.
ROUND_TRIPS = {
    # The cell whose centre is nearest is half a cell away, along each axis.
    "gaussian, argmax": (gaussian, {"decoder": "argmax"}, anywhere, 0.5),
    # Any cell of the disc may be the first of the equal ones.
    "disc, argmax": (disc, {"decoder": "argmax"}, anywhere, RADIUS),
    # The cells cut off beyond 9 pixels: a tail's first moment is at most σ² exp(-8.5² / 2σ²) =
    # 2e-7. The rest is float32: 30 × the rounding of some sums, 3 × 2^-23.
    "gaussian, weighted": (gaussian, {"decoder": "weighted"}, in_middle, 2e-5),
    "gaussian, softmax": (
        partial(log_gaussian, sigma=SIGMA),
        {"decoder": "softmax"},
        in_middle,
        2e-5,
    ),
    # Each row of a disc is a run of cells whose ends are less than a cell from the disc's edge
    # on either side: so the run's middle is less than half a cell from the centre.
    "disc, weighted": (disc, {"decoder": "weighted"}, in_middle, 0.5),
    # Clipped on one side, a run from cell 0 to at most r right of the centre c has its middle
    # at most (c + r) / 2, which is (r - c) / 2 from the centre; and c is at least -1/2.
    "disc, weighted, edge": (disc, {"decoder": "weighted"}, at_edge, (RADIUS + 0.5) / 2),
    # The window's ends are up to half a cell off symmetry. What one tail has that the other has
    # not is at most its first moment, σ² exp(-(R - 1/2)² / 2σ²), over the mass, 0.99 σ √(2π).
    "gaussian, local": (
        gaussian,
        {"decoder": "local", "radius": WINDOW},
        in_middle,
        SIGMA * math.exp(-((WINDOW - 0.5) ** 2) / (2 * SIGMA**2)) / (0.99 * math.sqrt(2 * math.pi)),
    ),
    # Of a Gaussian cut at its centre, at worst, the mean is σ √(2/π) away (2 % for sampling it).
    "gaussian, weighted, edge": (
        gaussian,
        {"decoder": "weighted"},
        at_edge,
        1.02 * SIGMA * math.sqrt(2 / math.pi),
    ),
    "gaussian, local, edge": (
        gaussian,
        {"decoder": "local", "radius": WINDOW},
        at_edge,
        1.02 * SIGMA * math.sqrt(2 / math.pi),
    ),
    # The logarithm is a quadratic, so only rounding is left, at the edge too: 3e-7 a logarithm,
    # so 1e-6 a second difference of 1/σ² = 0.44, times an offset of at most 1.5.
    "gaussian, dark": (gaussian, {"decoder": "dark"}, anywhere, 2e-5),
    "gaussian, dark, edge": (gaussian, {"decoder": "dark"}, at_edge, 2e-5),
}


class TestRoundTrip:
    @pytest.mark.parametrize("stride", [1, 2, 4])
    @pytest.mark.parametrize("name", ROUND_TRIPS)
    @few
    @given(unit=UNIT)
    def test_what_is_drawn_is_found(self, name, stride, unit):
        encode, how, region, bound = ROUND_TRIPS[name]
        points_crop = resize_points(region(unit), stride)
        maps = encode(resize_points(points_crop, 1 / stride), (H, W))
        found = map_decoder((H * stride, W * stride), maps="clipped", **how)(maps)
        # To the crop and back costs two roundings of numbers up to 120: 120 × 2^-23.
        assert_near(found, points_crop, stride * bound + 2e-5)

    @pytest.mark.parametrize("axis", [2, 3])
    @pytest.mark.parametrize("name", [n for n in ROUND_TRIPS if ROUND_TRIPS[n][3] <= 0.5])
    def test_a_map_shifted_by_one_cell_is_noticed(self, name, axis):
        encode, how, _, bound = ROUND_TRIPS[name]
        # The nearest cell is to the right and below, where the shift goes as well.
        points = in_middle(np.full((B, K, 2), 0.5, np.float32)).round() - 0.3
        maps = encode(points, (H, W))
        decode = map_decoder((H, W), maps="clipped", **how)
        assert_near(decode(maps), points, bound + 2e-5)
        with pytest.raises(AssertionError):
            assert_near(decode(maps.roll(1, axis)), points, bound + 2e-5)

    def test_only_the_weight_of_the_whole_map_is_pulled_by_its_background(self):
        points = torch.tensor([[[9.0, 5.0]]])
        maps = encode_gaussian(points, (H, W), SIGMA) + 0.01
        # 630 cells of 0.01 about the middle, (14.5, 10), against a peak of 2πσ² = 14.1.
        pull = 6.3 / (6.3 + 2 * math.pi * SIGMA**2)
        expected = points + pull * (torch.tensor([14.5, 10.0]) - points)
        assert_near(decode_weighted(maps), expected, 0.01)
        assert_near(decode_local(maps, WINDOW), points, 0.01)
        assert_near(decode_dark(maps), points, 1e-4)  # symmetric about a cell's centre


class TestDecode:
    @few
    @given(arrays(bool, (B, K, 5, 7)))
    def test_weighting_by_a_mask_gives_its_centroid(self, mask):
        found = decode_weighted(torch.from_numpy(mask).float()).numpy()
        for b in range(B):
            for k in range(K):
                y, x = mask[b, k].nonzero()
                expected = (x.mean(), y.mean()) if len(x) else (3, 2)  # no cell: the centre
                # Sums of whole numbers are exact in float32: one division is rounded.
                np.testing.assert_allclose(found[b, k], expected, rtol=2**-23)

    def test_weighting_by_hand(self):
        maps = torch.tensor([[[[1.0, 0.0, 0.0], [0.0, 0.0, 3.0]]]])
        assert decode_weighted(maps).tolist() == [[[1.5, 0.75]]]

    def test_of_equal_cells_argmax_takes_the_first_by_rows(self):
        maps = torch.zeros(1, 2, 3, 4)
        maps[0, 0, 1, 3] = maps[0, 0, 2, 0] = maps[0, 0, 1, 2] = 5
        assert decode_argmax(maps).tolist() == [[[2, 1], [0, 0]]]

    @few
    @given(arrays(np.float32, (B, K, 5, 7), elements=st.floats(-9, 9, width=32)))
    def test_argmax_is_that_of_torch(self, values):
        for maps in (torch.from_numpy(values), torch.from_numpy(values).bfloat16()):
            index = maps.flatten(2).argmax(2)
            expected = torch.stack([index % 7, index // 7], dim=-1)
            assert torch.equal(decode_argmax(maps), expected.float())

    def test_softmax_by_hand(self):
        logits = torch.tensor([0.0, math.log(3)]).view(1, 1, 1, 2) + 500  # no overflow
        assert_near(decode_softmax(logits), torch.tensor([[[0.75, 0.0]]]), 1e-4)
        # At temperature 1/2 the odds are squared: 9 to 1.
        assert_near(decode_softmax(logits, 0.5), torch.tensor([[[0.9, 0.0]]]), 1e-4)

    def test_temperature_leads_from_the_argmax_to_the_centre(self):
        logits = torch.randn(B, K, H, W, generator=torch.Generator().manual_seed(0))
        assert_near(decode_softmax(logits, 1e-4), decode_argmax(logits), 1e-3)
        centre = torch.tensor([(W - 1) / 2, (H - 1) / 2]).expand(B, K, 2)
        assert_near(decode_softmax(logits, 1e5), centre, 1e-2)

    def test_a_window_at_the_corner_by_hand(self):
        maps = torch.zeros(1, 1, 3, 4)
        maps[0, 0, 0, 0], maps[0, 0, 0, 1], maps[0, 0, 1, 0] = 2.0, 1.0, 1.0
        maps[0, 0, 2, 3] = 1.5  # beyond the window
        assert decode_local(maps, 1).tolist() == [[[0.25, 0.25]]]

    def test_without_anything_the_refinements_say_what_argmax_says(self):
        assert decode_local(torch.zeros(1, 2, 4, 5), 2).tolist() == [[[0, 0]] * 2]
        assert decode_dark(torch.ones(1, 2, 4, 5)).tolist() == [[[0, 0]] * 2]

    @pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
    @pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
    def test_layout_and_parts_do_not_matter(self, layout, kind, monkeypatch):
        points = in_middle(np.random.default_rng(0).random((B, K, 2), dtype=np.float32))
        maps = gaussian(points, (H, W)).to(kind).contiguous(memory_format=layout)
        decoders = [decode_argmax, decode_weighted, decode_dark, partial(decode_local, radius=2)]
        for decode in decoders:
            whole = decode(maps)
            assert whole.dtype == torch.float32
            monkeypatch.setattr(cells, "PART", 1)
            torch.testing.assert_close(decode(maps), whole)
            torch.testing.assert_close(whole, decode(maps.float().contiguous()))
            monkeypatch.undo()

    def test_smoothing_prefers_the_wider_of_two_peaks(self):
        points = torch.tensor([[[10.3, 8.8]]])
        maps = encode_gaussian(points, (H, W), 3.0)
        maps[0, 0, 8, 16] = 1.2
        assert decode_argmax(maps).tolist() == [[[16, 8]]]
        # The kernel reaches 4 cells: the spike, 5 from the 3 × 3 cells about the peak, is unseen.
        # A smoothed Gaussian is one, but that the kernel is sampled and its tails are cut.
        assert_near(decode_dark(maps, smoothing=1.5), points, 1e-3)

    def test_gradients_are_finite_also_of_maps_without_a_peak(self):
        maps = gaussian(torch.full((B, K, 2), 9.3), (H, W))
        maps[0, 0], maps[0, 1], maps[0, 2] = 0, 1, torch.eye(W)[:H]
        for decode in (
            decode_softmax,
            decode_weighted,
            decode_dark,
            partial(decode_local, radius=2),
        ):
            leaf = maps.clone().requires_grad_()
            decode(leaf).sum().backward()
            assert leaf.grad.isfinite().all() and (leaf.grad[1, 0] != 0).any()

    @pytest.mark.parametrize("decoder", ["weighted", "local", "dark"])
    def test_what_a_map_is_decides_what_is_read(self, decoder):
        options = {"radius": 2} if decoder == "local" else {}
        output = torch.randn(B, K, H, W, generator=torch.Generator().manual_seed(0))
        direct = {"weighted": decode_weighted, "local": decode_local, "dark": decode_dark}[decoder]
        for maps, activated in {
            "softmax": output.flatten(2).softmax(2).view_as(output),
            "sigmoid": output.sigmoid(),
            "clipped": output.clamp(min=0),
        }.items():
            found = map_decoder((H, W), decoder, maps, **options)(output)
            torch.testing.assert_close(found, direct(activated, **options), atol=1e-3, rtol=0)

    def test_after_spatial_cross_entropy_softmax_and_weighted_are_one(self):
        output = torch.randn(B, K, H, W)
        softmax, weighted = (map_decoder((H, W), d, "softmax") for d in ("softmax", "weighted"))
        assert torch.equal(softmax(output), weighted(output))

    def test_what_cannot_be_is_refused(self):
        for unknown in (("mean", "softmax"), ("dark", "tanh")):
            with pytest.raises(ValueError, match=r"no such .*; known: "):
                map_decoder((H, W), *unknown)
        with pytest.raises(ValueError, match="temperature must be positive"):
            decode_softmax(torch.zeros(1, 1, 3, 3), 0)
        with pytest.raises(ValueError, match="radius must be at least 1"):
            decode_local(torch.zeros(1, 1, 3, 3), 0)
        with pytest.raises(ValueError, match="both sides need at least 3"):
            decode_dark(torch.zeros(1, 1, 2, 3))


STRIDE = 2
CROP = (H * STRIDE, W * STRIDE)
EVERYONE = torch.ones(B, K, dtype=torch.bool)


def logits_and_points(seed=0, scale=3.0):
    random = torch.Generator().manual_seed(seed)
    logits = torch.randn(B, K, H, W, generator=random) * scale
    points = torch.rand(B, K, 2, generator=random) * torch.tensor([CROP[1], CROP[0]]) - 0.5
    return logits, points


def naive_spatial(logits, target):
    target = target / target.sum((2, 3), keepdim=True)
    return -(target * logits.flatten(2).log_softmax(2).view_as(logits)).sum((2, 3)).mean()


# The formulas as one would write them, in float64, over full maps of targets.
NAIVE = {
    spatial_cross_entropy: naive_spatial,
    pixel_cross_entropy: F.binary_cross_entropy_with_logits,
    map_mse: F.mse_loss,
}
TARGETS = {"sigma": encode_gaussian, "radius": encode_disc}

every_loss = pytest.mark.parametrize("builder", NAIVE)
every_target = pytest.mark.parametrize("kind", TARGETS)


class TestLosses:
    @every_loss
    @every_target
    @pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
    @pytest.mark.parametrize("part", [1, cells.PART])
    def test_value_and_gradient_are_those_of_the_formula(
        self, builder, kind, layout, part, monkeypatch
    ):
        monkeypatch.setattr(cells, "PART", part)
        logits, points = logits_and_points()
        target = TARGETS[kind](resize_points(points, 1 / STRIDE), (H, W), 4.2 / STRIDE).double()
        exact = logits.double().requires_grad_()
        expected = NAIVE[builder](exact, target)
        expected.backward()
        logits = logits.contiguous(memory_format=layout).requires_grad_()
        loss = builder(CROP, **{kind: 4.2})(logits, points, EVERYONE)
        (3 * loss).backward()
        assert loss.shape == () and loss.dtype == torch.float32
        assert loss.item() == pytest.approx(expected.item(), rel=1e-6)
        # Derivatives are at most 1 over what is averaged; float32 leaves 2^-22 of that.
        atol = exact.grad.abs().max().item() * 1e-6
        torch.testing.assert_close(logits.grad, 3 * exact.grad.float(), rtol=1e-5, atol=atol)

    def test_by_hand(self):
        # A map of 1 × 4 cells, the keypoint on cell 1, its disc that cell alone; logits ln 3 there.
        logits = torch.tensor([0, math.log(3), 0, 0]).view(1, 1, 1, 4)
        arguments = (logits, torch.tensor([[[1.0, 0.0]]]), torch.ones(1, 1, dtype=torch.bool))
        size, disc = (1, 4), {"radius": 0.5}
        assert spatial_cross_entropy(size, **disc)(*arguments).item() == pytest.approx(math.log(2))
        pixel = (3 * math.log(2) + math.log(4) - math.log(3)) / 4
        assert pixel_cross_entropy(size, **disc)(*arguments).item() == pytest.approx(pixel)
        assert map_mse(size, **disc)(*arguments).item() == pytest.approx((math.log(3) - 1) ** 2 / 4)

    @every_target
    def test_the_least_spatial_cross_entropy_is_the_targets_entropy(self, kind):
        _, points = logits_and_points()
        target = TARGETS[kind](resize_points(points, 1 / STRIDE), (H, W), 2.1, normalise=True)
        log = target.clamp(min=1e-37).log()
        logits = log.clone().requires_grad_()
        loss = spatial_cross_entropy(CROP, **{kind: 4.2})(logits, points, EVERYONE)
        loss.backward()
        assert loss.item() == pytest.approx(-(target * log).sum().item() / (B * K), rel=1e-5)
        assert logits.grad.abs().max() < 1e-6

    @every_loss
    def test_lengths_scale_with_the_maps(self, builder):
        # The same length in crop pixels at two strides: on maps made alike, the same cost.
        logits, points = logits_and_points()
        found = builder(CROP, sigma=4.2)(logits, points, EVERYONE)
        same = builder((H, W), sigma=2.1)(logits, resize_points(points, 1 / STRIDE), EVERYONE)
        assert found.item() == pytest.approx(same.item(), rel=1e-5)

    @every_loss
    @every_target
    def test_invisible_and_outside_keypoints_weigh_nothing(self, builder, kind):
        logits, points = logits_and_points()
        logits.requires_grad_()
        visible = torch.tensor([[1, 0, 1], [1, 1, 0]], dtype=torch.bool)
        points[0, 1] = math.nan
        points[1, 2] = 1e9
        points[1, 1, 0] = CROP[1]  # half a pixel right of the edge
        loss = builder(CROP, **{kind: 4.2})
        found = loss(logits, points, visible)
        found.backward()
        counted = torch.tensor([[1, 0, 1], [1, 0, 0]], dtype=torch.bool)
        assert (logits.grad[~counted] == 0).all()
        assert (logits.grad[counted] != 0).any((1, 2)).all()
        alone = loss(logits[counted][None], points[counted][None], EVERYONE[:1])
        assert found.item() == pytest.approx(alone.item(), rel=1e-6)

    @every_loss
    def test_a_batch_without_a_visible_keypoint_costs_nothing(self, builder):
        logits, points = logits_and_points()
        logits.requires_grad_()
        loss = builder(CROP, sigma=4.2)(logits, points, ~EVERYONE)
        loss.backward()
        assert loss.item() == 0
        assert (logits.grad == 0).all()

    @every_loss
    def test_bfloat16_is_computed_in_float32(self, builder):
        logits, points = logits_and_points()
        rounded = logits.bfloat16().requires_grad_()
        exact = rounded.detach().float().requires_grad_()
        loss = builder(CROP, sigma=4.2)
        found, expected = loss(rounded, points, EVERYONE), loss(exact, points, EVERYONE)
        found.backward()
        expected.backward()
        assert found.item() == expected.item()
        # Only the gradient is rounded, twice: once stored and once multiplied.
        torch.testing.assert_close(rounded.grad.float(), exact.grad, rtol=2**-7, atol=1e-12)

    def test_rounding_the_logits_moves_spatial_cross_entropy_little(self):
        logits, points = logits_and_points()
        loss = spatial_cross_entropy(CROP, sigma=4.2)
        moved = loss(logits.bfloat16(), points, EVERYONE) - loss(logits, points, EVERYONE)
        # Logsumexp and a mean move by at most the largest rounding of a logit, 2^-9 of it.
        assert abs(moved.item()) <= 2 * 2**-9 * logits.abs().max().item()

    @every_loss
    @pytest.mark.parametrize("scale", [0, 1e-3, 60, 1e4])
    def test_gradients_of_small_and_large_logits_are_finite(self, builder, scale):
        logits, points = logits_and_points(scale=scale)
        logits.requires_grad_()
        loss = builder(CROP, radius=4.2)(logits, points, EVERYONE)
        loss.backward()
        assert loss.isfinite() and logits.grad.isfinite().all()

    @every_loss
    def test_without_gradients_the_value_is_the_same(self, builder):
        logits, points = logits_and_points()
        loss = builder(CROP, sigma=4.2)
        with torch.inference_mode():
            quiet = loss(logits, points, EVERYONE)
        assert quiet.item() == loss(logits.requires_grad_(), points, EVERYONE).item()

    def test_a_second_backward_pass_is_refused(self):
        logits, points = logits_and_points()
        loss = map_mse(CROP, sigma=4.2)(logits.requires_grad_(), points, EVERYONE)
        loss.backward(retain_graph=True)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            loss.backward()

    @every_loss
    def test_what_cannot_be_is_refused(self, builder):
        for both in ({}, {"sigma": 1, "radius": 1}):
            with pytest.raises(ValueError, match="give sigma or radius, one of them"):
                builder(CROP, **both)
        with pytest.raises(ValueError, match="must be positive, not 0"):
            builder(CROP, sigma=0)
        with pytest.raises(ValueError, match="21 × 30 cells of a crop of 42 × 30 pixels"):
            builder((42, 30), sigma=1)(*logits_and_points(), EVERYONE)


class TestEntropy:
    def test_of_a_gaussian(self):
        maps = encode_gaussian(torch.tensor([[[20.3, 17.8]]]), (40, 44), 2.5)
        expected = math.log(2 * math.pi * math.e * 2.5**2)
        assert map_entropy(maps).item() == pytest.approx(expected, abs=1e-4)

    def test_its_ends(self):
        maps = torch.zeros(1, 3, 4, 5)
        maps[0, 0, 1, 2] = 7.0
        maps[0, 1] = 0.25
        found = map_entropy(maps)[0]
        assert found.tolist() == pytest.approx([0.0, math.log(20), 0.0], abs=1e-6)

    @pytest.mark.parametrize("decoder", ["argmax", "softmax", "weighted", "dark"])
    @pytest.mark.parametrize("maps", ["softmax", "sigmoid", "clipped"])
    def test_measured_beside_the_keypoints_changes_none(self, decoder, maps):
        torch.manual_seed(0)
        output = 3 * torch.randn(5, 7, 16, 24)
        decode = map_decoder((32, 48), decoder, maps)
        points, measures = decode.with_measures(output)
        assert torch.equal(points, decode(output))
        activation = {"softmax": exponential, "sigmoid": torch.sigmoid, "clipped": torch.relu}[maps]
        entropy = map_entropy(output, activation).mean(1)
        assert torch.equal(measures["entropy"], entropy)

    def test_of_a_softmax(self):
        torch.manual_seed(0)
        logits = 3 * torch.randn(2, 3, 4, 5)
        _, measures = map_decoder((8, 10), "softmax", "softmax").with_measures(logits)
        by_torch = torch.distributions.Categorical(logits=logits.flatten(2)).entropy()
        torch.testing.assert_close(measures, {"entropy": by_torch.mean(1)})
