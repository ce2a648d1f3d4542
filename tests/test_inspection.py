import pytest
import torch
from torch import nn

from facekp.inspection import channel_activity, dead_channels, feature_maps, filters
from facekp.models import KeypointNet, MirrorAveraged, UNet
from facekp.regressors import full_net, resnet18, resnet18_bins

BLOCKS = [
    f"features.layer{layer}.{block}.conv{number}"
    for layer in (1, 2, 3, 4)
    for block in (0, 1)
    for number in (1, 2)
]
RESNET = ["features.conv1", *BLOCKS]


def signs() -> tuple[KeypointNet, torch.Tensor]:
    """Build a net whose two channels are the picture and its negative; and three pictures."""
    net = KeypointNet((4, 6), (2,), 3, keypoints=5)
    with torch.no_grad():
        net.features[0].weight.zero_()
        net.features[0].weight[:, 0, 1, 1] = torch.tensor([1.0, -1.0])
        net.features[0].bias.zero_()
    pictures = torch.zeros(3, 1, 4, 6)
    pictures[0, 0, 1:3, 2:5] = 0.5  # 6 of 24 places
    pictures[2, 0, 3] = -0.25  # 6 more
    pictures[2, 0, 0, 0] = 0.1
    return net, pictures


def test_activity_by_hand():
    net, pictures = signs()
    activity = channel_activity(net, pictures)
    assert list(activity) == ["features.0"]
    assert activity["features.0"].tolist() == pytest.approx([7 / 72, 6 / 72])


def test_maps_by_hand():
    net, pictures = signs()
    (maps,) = feature_maps(net, pictures[2]).values()
    assert torch.equal(maps, torch.stack([pictures[2, 0], -pictures[2, 0]]).clamp(min=0))


@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_the_batch_does_not_matter(batch_size):
    torch.manual_seed(0)
    net, pictures = full_net((32, 40), width=0.25), torch.rand(5, 1, 32, 40) - 0.5
    whole, parts = (channel_activity(net, pictures, size) for size in (64, batch_size))
    assert list(whole) == list(parts) == [f"features.{n}" for n in (0, 3, 6, 9, 12)]
    for name, shares in whole.items():
        torch.testing.assert_close(parts[name], shares, rtol=0, atol=0.02)  # rounding at 0
    assert (whole["features.0"] > 0).any()


@pytest.mark.parametrize("norm", [False, True])
def test_a_planted_dead_channel_is_found(norm):
    torch.manual_seed(0)
    net, pictures = full_net((32, 40), width=0.5, norm=norm), torch.rand(5, 1, 32, 40) - 0.5
    step = 4 if norm else 3
    before = channel_activity(net, pictures)
    with torch.no_grad():
        net.features[2 * step + norm].bias[4] = -1e6
    after = channel_activity(net, pictures)
    layer = f"features.{2 * step}"
    alive = torch.arange(32) != 4
    assert before[layer][4] > 0
    assert after[layer][4] == 0
    assert torch.equal(before[layer][alive], after[layer][alive])
    rows = {row["layer"]: row for row in dead_channels(after)}
    dead = 1 + int((before[layer][alive] == 0).sum())
    assert rows[layer] == {"layer": layer, "channels": 32, "dead": dead, "share": dead / 32}


def test_dead_channels_by_hand():
    activity = {"a": torch.tensor([0.0, 1e-9, 0.5, 0.0]), "b": torch.tensor([1.0, 0.2, 0.3])}
    assert dead_channels(activity) == [
        {"layer": "a", "channels": 4, "dead": 2, "share": 0.5},
        {"layer": "b", "channels": 3, "dead": 0, "share": 0.0},
    ]


@pytest.mark.parametrize("build", [resnet18, resnet18_bins])
def test_every_convolution_of_resnet_18_before_its_relu(build):
    net = build((33, 70), keypoints=2)
    activity = channel_activity(net, torch.rand(3, 1, 33, 70) - 0.5, batch_size=2)
    assert list(activity) == RESNET
    assert [len(shares) for shares in activity.values()] == (
        [64] * 5 + [128] * 4 + [256] * 4 + [512] * 4
    )
    assert all(((shares >= 0) & (shares <= 1)).all() for shares in activity.values())
    shapes = [tuple(maps.shape) for maps in feature_maps(net, torch.zeros(1, 33, 70)).values()]
    assert shapes[0] == (64, 17, 35)
    assert shapes[-1] == (512, 2, 3)


def test_a_block_of_resnet_18_answers_after_its_sum():
    torch.manual_seed(0)
    net, picture = resnet18((33, 70), keypoints=2).eval(), torch.rand(1, 33, 70) - 0.5
    expected = net.features[:5](picture[None])[0]  # up to the end of layer 1
    maps = feature_maps(net, picture)
    torch.testing.assert_close(maps["features.layer1.1.conv2"], expected)


def test_a_convolution_without_a_relu_is_not_taken_for_the_next_batch():
    net, pictures = signs()
    ending = nn.Sequential(net.features, nn.Conv2d(2, 1, 1))
    ((name, shares),) = channel_activity(ending, pictures, batch_size=1).items()
    assert name == "0.0"
    assert torch.equal(shares, channel_activity(net, pictures)["features.0"])


def test_a_net_that_is_passed_twice_counts_twice_as_many_places():
    torch.manual_seed(0)
    net = UNet(3, width=2, depth=1)
    pictures = torch.rand(3, 1, 8, 12) - 0.5
    pictures = torch.cat([pictures, pictures.flip(-1)])  # so that both passes see the same
    once = channel_activity(net, pictures)
    twice = channel_activity(MirrorAveraged(net, [1, 0, 2]), pictures)
    for name, shares in once.items():
        torch.testing.assert_close(twice[f"model.{name}"], shares)


def test_filters():
    net = full_net((32, 40), width=0.25, in_channels=2)
    kernels = filters(net)
    shapes = [(4, 2), (8, 4), (16, 8), (32, 16), (64, 32)]
    assert {name: tuple(kernel.shape) for name, kernel in kernels.items()} == {
        f"features.{3 * n}": (*shape, 3, 3) for n, shape in enumerate(shapes)
    }
    kernels["features.0"].zero_()  # a copy
    assert (net.features[0].weight != 0).all()
    assert len(filters(resnet18((33, 70)))) == 1 + 16 + 3  # with three 1×1 ones beside the blocks


def test_the_model_is_left_as_it_was():
    net = full_net((32, 40), width=0.25, norm=True)
    net.features[1].eval()  # a frozen normalisation in a net that is trained
    before = {name: value.clone() for name, value in net.state_dict().items()}
    pictures = torch.rand(3, 1, 32, 40)
    channel_activity(net, pictures)
    feature_maps(net, pictures[0])
    with pytest.raises(RuntimeError, match="channels"):
        channel_activity(net, torch.rand(3, 2, 32, 40))
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert {layer for layer in net.modules() if not layer.training} == {net.features[1]}
    hooks = (h for layer in net.modules() for h in (layer._forward_hooks, layer._forward_pre_hooks))
    assert not any(hooks)


def test_dropout_does_not_act():
    net = nn.Sequential(nn.Dropout(0.9), nn.Conv2d(1, 1, 1, bias=False), nn.ReLU())
    nn.init.ones_(net[1].weight)
    activity = channel_activity(net, torch.ones(2, 1, 4, 6))
    assert activity["1"].tolist() == [1]
    assert net.training


def test_no_pictures():
    with pytest.raises(ValueError, match="no pictures to look at"):
        channel_activity(signs()[0], torch.zeros(0, 1, 4, 6))
