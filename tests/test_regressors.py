import pytest
import torch
from torch import nn

from facekp.models import layer_table
from facekp.regression import bin_cross_entropy, decode_bins, decode_unit, mse_loss
from facekp.regressors import Float32Linear, full_net, resnet18, resnet18_bins

SIZE = (33, 70)  # ResNet-18 makes 2 × 3 cells of it


def constant(net: nn.Module, value: float) -> nn.Module:
    """Let a net's last linear layer put out one value, whatever it sees."""
    last = [layer for layer in net.modules() if isinstance(layer, nn.Linear)][-1]
    nn.init.zeros_(last.weight)
    nn.init.constant_(last.bias, value)
    return net


def test_the_original_net_by_hand():
    table = layer_table(full_net((180, 240)), (180, 240))
    rows = [(row["layer"], row["output"], row["parameters"]) for row in table]
    convolutions = [row for row in rows if row[0] == "Conv2d"]
    assert convolutions == [
        ("Conv2d", "16 × 180 × 240", 16 * (9 + 1)),
        ("Conv2d", "32 × 90 × 120", 32 * (16 * 9 + 1)),
        ("Conv2d", "64 × 45 × 60", 64 * (32 * 9 + 1)),
        ("Conv2d", "128 × 22 × 30", 128 * (64 * 9 + 1)),
        ("Conv2d", "256 × 11 × 15", 256 * (128 * 9 + 1)),
    ]
    assert [row[0] for row in rows[:15]] == ["Conv2d", "ReLU", "MaxPool2d"] * 5
    assert rows[15:] == [
        ("Flatten", "8960", 0),  # 256 × 5 × 7
        ("Linear", "128", 128 * (8960 + 1)),
        ("ReLU", "128", 0),
        ("Dropout", "128", 0),
        ("Float32Linear", "116", 116 * (128 + 1)),
    ]


@pytest.mark.parametrize("norm", [False, True])
def test_shapes_and_widths(norm):
    net = full_net((32, 70), keypoints=5, width=0.25, norm=norm, in_channels=3)
    assert net(torch.zeros(4, 3, 32, 70)).shape == (4, 5, 2)
    channels = [layer.out_channels for layer in net.features if isinstance(layer, nn.Conv2d)]
    assert channels == [4, 8, 16, 32, 64]
    assert [part.out_features for part in net.head if isinstance(part, nn.Linear)] == [32, 10]


def test_normalisation_stands_between_convolution_and_relu_and_takes_the_bias():
    net = full_net((32, 40), keypoints=3, width=0.25, norm=True)
    kinds = [nn.Conv2d, nn.BatchNorm2d, nn.ReLU, nn.MaxPool2d]
    assert [type(layer) for layer in net.features] == kinds * 5
    assert all(net.features[place].bias is None for place in range(0, 20, 4))
    assert [net.features[place].num_features for place in range(1, 20, 4)] == [4, 8, 16, 32, 64]


@pytest.mark.parametrize("place", ["before_output", "after_output"])
def test_dropout_acts_in_training_only(place):
    torch.manual_seed(0)
    net = full_net((32, 40), keypoints=7, width=0.25, dropout_at=place)
    pictures = torch.rand(4, 1, 32, 40) - 0.5
    assert not torch.equal(net(pictures), net(pictures))
    net.eval()
    assert torch.equal(net(pictures), net(pictures))


def test_no_dropout_no_layer():
    net = full_net((32, 40), keypoints=7, width=0.25, dropout=0)
    assert not any(isinstance(layer, nn.Dropout) for layer in net.modules())
    pictures = torch.rand(4, 1, 32, 40) - 0.5
    assert torch.equal(net(pictures), net.eval()(pictures))


def test_the_literal_reading_loses_coordinates_in_training():
    torch.manual_seed(0)
    net = constant(full_net((32, 40), width=0.125, dropout_at="after_output"), 1.0)
    pictures = torch.zeros(20, 1, 32, 40)
    output = net(pictures)
    # Each is lost or made larger, x without its y as well.
    assert output.unique().tolist() == pytest.approx([0, 1 / 0.65])
    lost = output == 0
    assert (lost[..., 0] != lost[..., 1]).any()
    # 2320 coordinates: the share's standard deviation is √(0.35 · 0.65 / 2320) = 0.0099.
    assert lost.float().mean().item() == pytest.approx(0.35, abs=5 * 0.0099)
    assert (net.eval()(pictures) == 1).all()


def test_dropout_before_the_output_layer_loses_none():
    net = constant(full_net((32, 40), width=0.125), 1.0)
    assert (net(torch.zeros(20, 1, 32, 40)) == 1).all()


def test_another_place_of_dropout_is_refused():
    with pytest.raises(ValueError, match=r"one of \('before_output', 'after_output'\), not 'here'"):
        full_net((32, 40), dropout_at="here")


def test_a_picture_too_small_for_five_poolings_is_refused():
    full_net((32, 33), width=0.125)
    with pytest.raises(ValueError, match="use at least 32 pixels a side"):
        full_net((33, 31), width=0.125)


def test_resnet_18_has_its_published_parameters_less_what_is_changed():
    net = resnet18(SIZE, keypoints=5)
    count = sum(p.numel() for p in net.parameters())
    # 11,689,512 with three input channels and 1000 classes.
    assert count == 11_689_512 - 1000 * 513 - 2 * 64 * 49 + 10 * 513


def test_coordinates_of_resnet_18():
    net = resnet18(SIZE, keypoints=5, in_channels=3).eval()
    pictures = torch.rand(2, 3, *SIZE) - 0.5
    assert net.features(pictures).shape == (2, 512, 2, 3)
    assert net(pictures).shape == (2, 5, 2)
    nn.init.zeros_(net.head[2].weight)
    net.head[2].bias.data = torch.arange(10.0)
    assert net(pictures)[0].tolist() == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]


def test_bins_of_resnet_18():
    net = resnet18_bins(SIZE, keypoints=5, bins_per_pixel=3).eval()
    pictures = torch.rand(2, 1, *SIZE) - 0.5
    assert net(pictures).shape == (2, 5, 3 * (70 + 33))
    constant(net, 0.0).head[2].bias.data = torch.arange(5.0 * 309)
    assert torch.equal(net(pictures)[1], torch.arange(5.0 * 309).view(5, 309))


def test_the_first_convolution_is_drawn_like_the_others():
    torch.manual_seed(0)
    weight = resnet18(SIZE, keypoints=1).features.conv1.weight
    # He's normal draw by outputs, 64 · 49; the standard deviation of n draws' is σ / √2n.
    sigma = (2 / (64 * 49)) ** 0.5
    assert weight.std().item() == pytest.approx(sigma, rel=5 / (2 * weight.numel()) ** 0.5)


@pytest.mark.parametrize("build", [full_net, resnet18, resnet18_bins])
def test_the_output_is_not_rounded_to_bfloat16(build):
    net = constant(build((33, 70), keypoints=2), 0.7)  # next to it in bfloat16 is 0.69921875
    with torch.autocast("cpu", torch.bfloat16):
        output = net.eval()(torch.zeros(2, 1, 33, 70))
    assert output.dtype == torch.float32
    assert (output == 0.7).all()


def test_a_float32_layer_is_a_linear_layer():
    torch.manual_seed(0)
    layer, plain = Float32Linear(5, 3), nn.Linear(5, 3)
    plain.load_state_dict(layer.state_dict())
    features = torch.rand(4, 5)
    assert torch.equal(layer(features), plain(features))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(layer(features), layer(features.float()))
        assert not torch.equal(layer(features), plain(features).float())
    assert torch.equal(layer(features.bfloat16()), layer(features.bfloat16().float()))


@pytest.mark.parametrize(
    ("build", "loss", "decode", "steps"),
    [
        (lambda size, k: full_net(size, k, 0.5, 0.0), mse_loss, decode_unit, 140),
        (lambda size, k: full_net(size, k, 0.25, 0.0, norm=True), mse_loss, decode_unit, 40),
        (resnet18, mse_loss, decode_unit, 40),
        (resnet18_bins, bin_cross_entropy, decode_bins, 20),
    ],
    ids=["full", "full-normalised", "resnet18", "resnet18-bins"],
)
def test_one_batch_can_be_overfitted(build, loss, decode, steps):
    torch.manual_seed(0)
    size, keypoints = (32, 48), torch.rand(3, 2, 2) * torch.tensor([47.0, 31.0])
    pictures, visible = torch.rand(3, 1, *size) - 0.5, torch.ones(3, 2, dtype=torch.bool)
    net, cost = build(size, 2), loss(size)
    adam = torch.optim.Adam(net.parameters(), 2e-3)
    for _ in range(steps):
        adam.zero_grad()
        cost(net(pictures), keypoints, visible).backward()
        adam.step()
    with torch.no_grad():
        found = decode(size)(net(pictures))
    assert (found - keypoints).norm(dim=-1).mean() < 2  # pixels; the batch's mean is off by 7.6
