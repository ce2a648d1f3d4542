"""Maps read with a prior of shapes: heatmaps.prior."""

import numpy as np
import pytest
import torch

from facekp.heatmaps import ShapeDecoder, decode_softmax, map_moments, shape_decoder
from facekp.schemes import SCHEMES
from facekp.shapes import shape_model

SCHEME = SCHEMES["ibug68"]
SIZE, CELLS = (96, 96), (48, 48)  # of crop and maps: stride 2
K = SCHEME.count


def gaussian_maps(means, covariances, size=CELLS):
    """Logits whose softmax is a Gaussian: means (B, K, 2), covariances (B, K, 2, 2), in cells."""
    rows, columns = torch.meshgrid(*(torch.arange(n).double() for n in size), indexing="ij")
    away = torch.stack([columns, rows], -1) - means[:, :, None, None]  # (B, K, h, w, 2)
    inverse = torch.linalg.inv(covariances)[:, :, None, None]
    return (-0.5 * (away[..., None, :] @ inverse @ away[..., None]))[..., 0, 0].float()


def round_maps(points, sigma):
    """Maps with peaks at crop points (B, K, 2), of one width or one a keypoint, in cells."""
    means = torch.as_tensor((points + 0.5) / 2 - 0.5)
    width = torch.as_tensor(np.broadcast_to(sigma, points.shape[:2]).copy())
    return gaussian_maps(means, width[..., None, None] ** 2 * torch.eye(2).double())


@pytest.fixture
def faces():
    """40 faces that differ in two ways, in place, size and turn: (40, 68, 2)."""
    random = np.random.default_rng(0)
    mean = random.uniform(-20, 20, (K, 2))
    ways = random.normal(size=(2, K, 2))
    return placed(random, mean + np.einsum("nw,wkd->nkd", random.normal(size=(40, 2)), ways))


def placed(random, shapes):
    factors = random.uniform(0.8, 1.2, len(shapes)) * np.exp(
        1j * random.uniform(-0.4, 0.4, len(shapes))
    )
    z = (shapes @ [1, 1j]) * factors[:, None]
    return np.stack([z.real, z.imag], -1) + 47 + random.uniform(-2, 2, (len(shapes), 1, 2))


@pytest.fixture
def decode(faces):
    decoder = shape_decoder(SIZE)
    decoder.learn(faces, SCHEME)
    return decoder


class TestMoments:
    def test_of_gaussians(self):
        means = torch.tensor([[[20.3, 25.6], [24.0, 18.5]]]).double()
        covariances = torch.tensor(
            [[[[9.0, 3.0], [3.0, 4.0]], [[4.0, -1.0], [-1.0, 6.0]]]]
        ).double()
        found, spread = map_moments(gaussian_maps(means, covariances))
        torch.testing.assert_close(found, means.float(), atol=1e-3, rtol=0)
        torch.testing.assert_close(spread, covariances.float(), atol=1e-3, rtol=0)

    def test_the_mean_is_that_of_softmax(self):
        logits = torch.randn(3, K, 20, 30, generator=torch.Generator().manual_seed(0))
        mean, spread = map_moments(logits)
        torch.testing.assert_close(mean, decode_softmax(logits), atol=1e-4, rtol=0)
        assert (torch.linalg.eigvalsh(spread) > 0).all()

    def test_of_one_cell(self):
        logits = torch.zeros(1, 1, 5, 7)
        logits[..., 3, 6] = 200
        mean, spread = map_moments(logits)
        assert mean.tolist() == [[[6, 3]]]
        assert not spread.any()


class TestShapeDecoder:
    def test_narrow_maps_are_believed(self, faces, decode):
        found = decode(round_maps(faces[:4], 0.6)).numpy()
        assert np.abs(found - faces[:4]).max() < 0.3

    def test_keypoints_in_doubt_follow_the_others(self, faces, decode):
        moved, sigma = faces[:4].copy(), np.full((4, K), 0.6)
        moved[:, 7] += [6, -5]
        sigma[:, 7] = 5.0
        maps = round_maps(moved, sigma)
        before = np.linalg.norm(decode_softmax(maps).numpy() * 2 + 0.5 - faces[:4], axis=-1)[:, 7]
        after = np.linalg.norm(decode(maps).numpy() - faces[:4], axis=-1)
        assert before.min() > 6
        assert after.max() < 1.2

    def test_it_is_the_mean_of_both_gaussians(self, faces, decode):
        """In information form, with the place, size and turn that Procrustes analysis finds."""
        random = np.random.default_rng(1)
        points = faces[0] + random.normal(size=(K, 2))
        root = random.normal(size=(K, 2, 2))
        spread = root @ root.transpose(0, 2, 1) + np.eye(2)  # square cells
        maps = gaussian_maps(
            *(torch.from_numpy(a)[None] for a in ((points + 0.5) / 2 - 0.5, spread))
        )
        # What the maps hold, cells apart as they are:
        points, spread = (part[0].double().numpy() for part in map_moments(maps))
        points, spread = points * 2 + 0.5, 4 * (spread + np.eye(2) / 12)

        model = shape_model(faces, SCHEME.eye_corners)
        mean = model.mean - model.mean.mean(0)
        z, t = (points - points.mean(0)) @ [1, 1j], mean @ [1, 1j]
        a = (z.conj() * t).sum() / (np.abs(z) ** 2).sum()
        turn = np.array([[a.real, -a.imag], [a.imag, a.real]])
        seen = np.stack([(a * z).real, (a * z).imag], -1)
        steps = [np.stack(s, -1).ravel() for s in ((t.real, t.imag), (-t.imag, t.real))]
        steps += [np.tile([1.0, 0.0], K), np.tile([0.0, 1.0], K)]
        prior = 0.02**2 * np.eye(2 * K) + 100 * sum(np.outer(s, s) for s in steps)
        prior += sum(v * np.outer(m, m) for v, m in zip(model.variance, model.modes, strict=True))
        trust = np.zeros((2 * K, 2 * K))
        for k in range(K):
            part = slice(2 * k, 2 * k + 2)
            trust[part, part] = np.linalg.inv(turn @ spread[k] @ turn.T)
        information = np.linalg.inv(prior) + trust
        joined = np.linalg.solve(information, trust @ (seen - mean).ravel()).reshape(K, 2) + mean
        expected = (joined @ [1, 1j]) / a
        expected = np.stack([expected.real, expected.imag], -1) + points.mean(0)
        np.testing.assert_allclose(decode(maps)[0].numpy(), expected, atol=2e-3)

    def test_place_size_and_turn_do_not_matter(self, decode):
        random = np.random.default_rng(2)
        shape = random.uniform(-20, 20, (1, K, 2))
        sigma = random.uniform(1, 3, (1, K))
        offsets = []
        for angle, scale, shift in ((0.0, 1.0, 0.0), (0.3, 0.9, 2.0), (-0.5, 0.8, -3.0)):
            factor = scale * np.exp(1j * angle)
            z = shape @ [1, 1j] * factor
            points = np.stack([z.real, z.imag], -1) + 47.5 + shift
            found = decode(round_maps(points, sigma * scale)) - torch.from_numpy(points)
            offsets.append(found.numpy() @ [1, 1j] / factor)
        assert np.abs(offsets[0]).max() > 1
        for other in offsets[1:]:  # but for the cells, whose own extent does not turn along
            np.testing.assert_allclose(other, offsets[0], atol=0.25)

    def test_a_shift_is_added_to_all(self, faces, decode):
        shifted = shape_decoder(SIZE, shift=(0.5, -0.25))
        shifted.learn(faces, SCHEME)
        maps = round_maps(faces[:4], 2.0)
        moved = shifted(maps) - decode(maps)
        torch.testing.assert_close(moved, torch.tensor([0.5, -0.25]).expand_as(moved))

    def test_what_cannot_be_is_refused(self, faces):
        with pytest.raises(ValueError, match="residual must be positive, not 0"):
            shape_decoder(SIZE, residual=0)
        decoder = ShapeDecoder(SIZE, 0.02)
        with pytest.raises(RuntimeError, match="learnt no shapes yet: call learn first"):
            decoder(torch.zeros(1, K, 8, 8))
        with pytest.raises(ValueError, match="two faces or more, not 1"):
            decoder.learn(faces[:1], SCHEME)
