import math

import pytest
import torch

from facekp.experiments import MAP_LOSSES, build, map_task

NET = {"name": "unet", "scheme": "imm58", "width": 2, "depth": 1}
SIZE = (16, 24)


@pytest.mark.parametrize("loss", MAP_LOSSES)
def test_an_untrained_net_has_the_loss_of_a_map_that_says_nothing(loss):
    torch.manual_seed(0)
    task = map_task(loss, NET, sigma=1.5)
    points = torch.full((3, 58, 2), 8.0)
    cost = build("loss", task["loss"], SIZE)
    maps = build("model", task["model"], SIZE)(torch.rand(3, 1, *SIZE) - 0.5)
    found = cost(maps.detach(), points, torch.ones(3, 58, dtype=torch.bool)).item()
    mass = 2 * math.pi * 1.5**2 / (16 * 24)  # of the target, a cell; the square's is half of it
    expected = {
        "spatial": math.log(16 * 24),
        "per pixel": math.log1p(math.exp(-4.6)) + 4.6 * mass,
        "squared": mass / 2,
    }
    assert found == pytest.approx(expected[loss], rel=0.03)


def test_readings_look_at_the_same_maps_in_five_ways():
    task = map_task("per pixel", NET, radius=3, window=2)
    ways = {name: reading["decoder"] for name, reading in task["readings"].items()}
    assert set(ways) == {"argmax", "softmax", "weighted", "dark", "local"}
    assert {way["maps"] for way in ways.values()} == {"sigmoid"}
    assert ways["weighted"] == task["decoder"]
    assert task["loss"] == {"name": "pixel_cross_entropy", "radius": 3}


def test_without_a_window_there_are_no_readings():
    assert map_task("squared", NET, sigma=2.0)["readings"] == {}
