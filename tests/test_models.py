import pytest
import torch
from torch import nn

from facekp.heatmaps import map_decoder, spatial_cross_entropy
from facekp.models import (
    KeypointNet,
    MirrorAveraged,
    UNet,
    layer_table,
    nose_net,
    space_to_depth_unet,
)


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


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_maps_of_a_picture_that_is_not_square(stride):
    net = UNet(5, width=3, depth=3, in_channels=2, stride=stride)
    assert net(torch.zeros(4, 2, 16, 24)).shape == (4, 5, 16 // stride, 24 // stride)


def test_the_u_nets_channels_double_on_the_way_down_and_halve_on_the_way_up():
    rows = layer_table(UNet(5, width=3, depth=2), (8, 12))
    shapes = [row["output"] for row in rows if row["layer"].startswith("Conv")]
    assert shapes == [
        *["3 × 8 × 12"] * 2,
        *["6 × 4 × 6"] * 2,
        *["12 × 2 × 3"] * 2,
        *["6 × 4 × 6"] * 3,
        *["3 × 8 × 12"] * 3,
        "5 × 8 × 12",
    ]
    # Convolutions 3×3 without bias, then a scale and a shift a channel; up 2×2 with a bias.
    two = {(1, 3): 9 * 3 + 81, (3, 6): 162 + 324, (6, 12): 648 + 1296}
    merge = {(12, 6): 648 + 324, (6, 3): 162 + 81}
    normalisations = 2 * 2 * (3 + 6 + 12 + 6 + 3)
    up, head = (12 * 6 * 4 + 6) + (6 * 3 * 4 + 3), 3 * 5 + 5
    expected = sum(two.values()) + sum(merge.values()) + normalisations + up + head
    assert sum(row["parameters"] for row in rows) == expected


@pytest.mark.parametrize("size", [(16, 20), (20, 16)])
def test_a_picture_that_cannot_be_halved_so_often_is_refused(size):
    with pytest.raises(ValueError, match=f"{size[0]} × {size[1]} .* each side must divide by 8"):
        UNet(2, width=2, depth=3)(torch.zeros(1, 1, *size))


@pytest.mark.parametrize("stride", [0, 3, 8])
def test_a_stride_between_the_levels_is_refused(stride):
    with pytest.raises(ValueError, match=rf"one of \[1, 2, 4\] at depth 2, not {stride}"):
        UNet(2, width=2, depth=2, stride=stride)


@pytest.mark.parametrize("stride", [1, 2])
def test_blocks_of_pixels_as_cells(stride):
    net = space_to_depth_unet(5, width=3, depth=2, in_channels=2, stride=stride)
    assert net(torch.zeros(4, 2, 16, 24)).shape == (4, 5, 8 // stride, 12 // stride)


def test_no_pixel_of_a_block_is_lost():
    torch.manual_seed(0)
    net = space_to_depth_unet(1, width=3, depth=1).eval()
    pictures = torch.zeros(5, 1, 8, 12)
    for i, (y, x) in enumerate([(4, 6), (4, 7), (5, 6), (5, 7)], 1):  # of one block
        pictures[i, 0, y, x] = 1
    with torch.no_grad():
        maps = net(pictures)
    for i in range(5):
        for j in range(i):
            assert not torch.allclose(maps[i], maps[j])


def test_a_side_of_half_a_block_is_refused():
    with pytest.raises(RuntimeError, match="divisible"):
        space_to_depth_unet(1, width=2, depth=1)(torch.zeros(1, 1, 8, 9))


def test_what_one_level_sees_reaches_the_maps_of_its_size():
    # Without what comes from below, the maps still depend on the picture.
    net = UNet(2, width=3, depth=2).eval()
    with torch.no_grad():
        for up in net.up:
            up.weight.zero_()
    pictures = torch.rand(2, 1, 8, 12)
    assert not torch.allclose(*net(pictures))


@pytest.mark.parametrize("start", [0.0, -4.6])
def test_maps_begin_near_where_they_are_told_to(start):
    torch.manual_seed(0)
    with torch.no_grad():
        maps = UNet(3, width=4, depth=1, start=start)(torch.rand(2, 1, 8, 12) - 0.5)
    # 4 channels behind a normalisation, of 1 or so each, by weights of 0.001: 6 standard deviations
    assert 0 < (maps - start).abs().max() < 6 * 0.001 * 4


def test_one_batch_of_maps_can_be_overfitted():
    torch.manual_seed(0)
    size, points = (8, 12), torch.rand(3, 2, 2) * torch.tensor([11.0, 7.0])
    pictures, visible = torch.rand(3, 1, *size) - 0.5, torch.ones(3, 2, dtype=torch.bool)
    net, loss = UNet(2, width=6, depth=2), spatial_cross_entropy(size, sigma=1.0)
    adam = torch.optim.Adam(net.parameters(), 2e-2)
    for _ in range(60):
        adam.zero_grad()
        loss(net(pictures), points, visible).backward()
        adam.step()
    found = map_decoder(size, "softmax", "softmax")(net(pictures))
    assert (found - points).norm(dim=-1).mean() < 0.3  # pixels; the centre is 2.5 off on average


FLIP = [1, 0, 2, 4, 3]


def mirror_averaged() -> tuple[nn.Module, torch.Tensor]:
    torch.manual_seed(0)
    net = MirrorAveraged(UNet(5, width=3, depth=2), FLIP)
    pictures = torch.rand(4, 1, 8, 12)
    with torch.no_grad():
        net(pictures)  # running means and variances other than 0 and 1
    return net.eval(), pictures


def test_the_maps_of_a_mirror_image_are_mirrored_and_exchange_left_and_right():
    net, pictures = mirror_averaged()
    maps, mirrored = net(pictures), net(pictures.flip(-1))
    assert torch.equal(mirrored, maps[:, FLIP].flip(-1))
    assert not torch.equal(mirrored, maps.flip(-1))
    assert not torch.equal(net.model(pictures.flip(-1)), net.model(pictures)[:, FLIP].flip(-1))


def test_mirroring_twice_changes_nothing():
    net, pictures = mirror_averaged()
    assert torch.equal(net(pictures.flip(-1).flip(-1)), net(pictures))
    twice = MirrorAveraged(net, FLIP).eval()  # the mean of two equal maps
    assert torch.equal(twice(pictures), net(pictures))


def test_mirror_averaging_by_hand():
    # The model says where the picture is bright, for each keypoint another multiple.
    class Bright(nn.Module):
        def forward(self, images):
            return images * torch.tensor([1.0, 2.0, 3.0])[:, None, None]

    net = MirrorAveraged(Bright(), [1, 0, 2]).eval()
    found = net(torch.tensor([4.0, 0, 0]).view(1, 1, 1, 3))
    assert found[0, :, 0].tolist() == [[6, 0, 0], [6, 0, 0], [12, 0, 0]]  # (1 + 2) / 2 × 4


def test_in_training_nothing_is_averaged():
    net, pictures = mirror_averaged()
    net.train()
    assert torch.equal(net(pictures), net.model(pictures))


def test_weights_are_those_of_the_model():
    net, _ = mirror_averaged()
    assert [*net.state_dict()] == [f"model.{name}" for name in net.model.state_dict()]
