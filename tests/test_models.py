import pytest
import torch
from torch import nn

from facekp.models import KeypointNet, layer_table, nose_net


def test_shapes_of_a_picture_that_is_not_square():
    net = KeypointNet((45, 70), (4, 6, 8), 10, keypoints=5, in_channels=3)
    images = torch.zeros(2, 3, 45, 70)
    assert net.features(images).shape == (2, 8, 5, 8)  # 45 // 8, 70 // 8
    assert net(images).shape == (2, 5, 2)


def test_x_and_y_of_a_keypoint_lie_side_by_side():
    net = KeypointNet((8, 12), (4,), 6, keypoints=3)
    with torch.no_grad():
        net.head[-1].weight.zero_()
        net.head[-1].bias.copy_(torch.arange(6.0))
    assert net(torch.zeros(1, 1, 8, 12)).tolist() == [[[0, 1], [2, 3], [4, 5]]]


def test_a_picture_smaller_than_its_poolings_is_refused():
    KeypointNet((8, 9), (4, 4, 4), 6, keypoints=1)
    with pytest.raises(ValueError, match="use at least 8 pixels a side or fewer channels"):
        KeypointNet((9, 7), (4, 4, 4), 6, keypoints=1)


@pytest.mark.parametrize(
    ("depth", "width", "channels", "hidden"),
    [
        (3, 1, [16, 32, 32], 58),
        (3, 0.5, [8, 16, 16], 29),
        (5, 1, [16, 32, 64, 128, 256], 58),
        (5, 2, [32, 64, 128, 256, 512], 116),
    ],
)
def test_the_nets_of_the_original(depth, width, channels, hidden):
    net = nose_net((60, 80), depth, width)
    convolutions = [layer for layer in net.features if isinstance(layer, nn.Conv2d)]
    assert [layer.out_channels for layer in convolutions] == channels
    linear = [layer.out_features for layer in net.head if isinstance(layer, nn.Linear)]
    assert linear == [hidden, 2]
    kinds = [type(layer) for layer in net.features]
    assert kinds == [nn.Conv2d, nn.ReLU, nn.MaxPool2d] * depth


def test_another_depth_is_refused():
    with pytest.raises(ValueError, match="depth must be 3 or 5, not 4"):
        nose_net((60, 80), depth=4)


def test_the_table_of_layers_by_hand():
    rows = layer_table(nose_net((60, 80)), (60, 80))
    assert [(row["layer"], row["output"], row["parameters"]) for row in rows] == [
        ("Conv2d", "16 × 60 × 80", 16 * (9 + 1)),
        ("ReLU", "16 × 60 × 80", 0),
        ("MaxPool2d", "16 × 30 × 40", 0),
        ("Conv2d", "32 × 30 × 40", 32 * (16 * 9 + 1)),
        ("ReLU", "32 × 30 × 40", 0),
        ("MaxPool2d", "32 × 15 × 20", 0),
        ("Conv2d", "32 × 15 × 20", 32 * (32 * 9 + 1)),
        ("ReLU", "32 × 15 × 20", 0),
        ("MaxPool2d", "32 × 7 × 10", 0),
        ("Flatten", "2240", 0),
        ("Linear", "58", 58 * (2240 + 1)),
        ("ReLU", "58", 0),
        ("Linear", "2", 2 * (58 + 1)),
    ]


def test_the_table_leaves_the_model_as_it_was():
    net = KeypointNet((8, 12), (4, 6), 10, keypoints=3, in_channels=2)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    total = sum(row["parameters"] for row in layer_table(net, (8, 12), in_channels=2))
    assert total == sum(value.numel() for value in before.values())
    assert net.training
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert not any(layer._forward_hooks for layer in net.modules())
