import importlib
import sys
from pathlib import Path

import pytest

from facekp.fingerprint import code_digest

MODELS = '''\
"""Nets."""

import math

from facekp_fake import shapes
from facekp_fake.helpers import scale, unused
from facekp_fake.settings import Settings

RATE = 3
SLOPE = 4


class Base:
    """What nets share."""

    def start(self):
        return 0


class Layer:
    def depth(self):
        return 2


class Net(Base):
    """A net.

    In two paragraphs.
    """

    layer = Layer

    # why it is so
    def forward(self, x: Settings, note=lambda: None) -> Settings:
        text = "no # comment"
        y: Settings = x

        return scale(y) * RATE + shapes.SIDE + len(text)  # the sum


class Other:
    def forward(self):
        return SLOPE + unused(math.pi)
'''
HELPERS = """\
from facekp_fake.shapes import area


def scale(x):
    return area(x) if x else again(x)


def again(x):
    return scale(x + 1)


def unused(x):
    return x
"""
SHAPES = """\
SIDE = 7
CORNER = 8


def area(x):
    return x * x
"""
SETTINGS = """\
class Settings:
    size = 1
"""
BASE = {"models": MODELS, "helpers": HELPERS, "shapes": SHAPES, "settings": SETTINGS}


@pytest.fixture
def digest_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return a function that digests Net of the package with some text of a module replaced."""
    # A folder a version: what Python caches of a file does not see two edits within a second.
    versions = iter(range(100))

    def digest(module: str = "", old: str = "", new: str = "", top: str = "Net") -> str:
        package = tmp_path / str(next(versions)) / "facekp_fake"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        for name, text in BASE.items():
            if name == module:
                assert old in text
                text = text.replace(old, new, 1)
            (package / f"{name}.py").write_text(text)
        with monkeypatch.context() as patch:
            patch.syspath_prepend(package.parent)
            for name in [name for name in sys.modules if name.startswith("facekp_fake")]:
                patch.delitem(sys.modules, name)
            return code_digest(getattr(importlib.import_module("facekp_fake.models"), top))

    return digest


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        pytest.param("models", "# why it is so", "# another reason", id="comment"),
        pytest.param("models", "    # why it is so\n", "", id="comment gone"),
        pytest.param("models", "  # the sum", "", id="comment at the end of a line"),
        pytest.param("models", "A net.", "Some net.", id="docstring"),
        pytest.param("models", '    """What nets share."""\n\n', "", id="docstring gone"),
        pytest.param("models", "x\n\n        return", "x\n        return", id="blank line"),
        pytest.param("models", "\n\n\nclass Net", "\n\nclass Net", id="blank line between"),
        pytest.param("models", "class Other", "class New:\n    x = 1\n\n\nclass Other", id="class"),
        pytest.param("models", "return SLOPE", "return 2 * SLOPE", id="unrelated class"),
        pytest.param("models", "SLOPE = 4", "SLOPE = 5", id="unrelated constant"),
        pytest.param("shapes", "CORNER = 8", "CORNER = 9", id="unrelated constant elsewhere"),
        pytest.param("helpers", "    return x\n", "    return 2 * x\n", id="unrelated helper"),
        pytest.param("settings", "size = 1", "size = 2", id="what only annotations name"),
    ],
)
def test_what_leaves_a_training_valid(digest_of, module, old, new):
    assert digest_of(module, old, new) == digest_of()


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        pytest.param("models", "* RATE", "/ RATE", id="body"),
        pytest.param("models", "no # comment", "no # other comment", id="hash in a string"),
        pytest.param("models", "note=lambda: None", "note=None", id="default"),
        pytest.param("models", "RATE = 3", "RATE = 4", id="constant"),
        pytest.param("shapes", "SIDE = 7", "SIDE = 8", id="constant of another module"),
        pytest.param("models", "return 0", "return 1", id="base class"),
        pytest.param("models", "return 2", "return 3", id="class it uses"),
        pytest.param("helpers", "scale(x + 1)", "scale(x + 2)", id="helper's helper"),
        pytest.param("shapes", "x * x", "x + x", id="helper at third hand"),
    ],
)
def test_what_makes_a_training_stale(digest_of, module, old, new):
    assert digest_of(module, old, new) != digest_of()


def test_where_the_search_begins_counts(digest_of):
    assert digest_of(top="Net") != digest_of(top="Other")


def test_order_and_repetition_do_not_count(digest_of):
    from facekp.models import KeypointNet, nose_net
    from facekp.regression import mse_loss

    assert code_digest(nose_net, mse_loss) == code_digest(mse_loss, nose_net, KeypointNet)
