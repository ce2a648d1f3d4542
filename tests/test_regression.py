import pytest
import torch

from facekp.regression import decode_unit, mse_loss

H, W = 10, 20


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
