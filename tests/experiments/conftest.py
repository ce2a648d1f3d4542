"""Trainings of a tenth of a second, on one thread, with the progress bar out of the way."""

from pathlib import Path

import pytest
import torch

from dots import dot_persons
from facekp.data import Faces
from facekp.experiments import Experiment
from facekp.results import Store

SIZE = (9, 14)


@pytest.fixture(autouse=True)
def quiet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FACEKP_PROGRESS", str(tmp_path / "progress"))
    return tmp_path / "progress"


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def faces() -> Faces:
    """40 persons, a picture each."""
    return dot_persons(SIZE)


@pytest.fixture
def experiment():
    """Return a function that makes an experiment with some fields changed."""

    def make(**changes) -> Experiment:
        fields = {
            "dataset": "imm",
            "size": SIZE,
            "keypoints": (52,),
            "split": {"name": "imm", "fold": 4, "without": [5], "persons": 20},
            "model": {"name": "nose", "width": 0.25},
            "optimizer": {"name": "adam", "lr": 4e-3},
            "schedule": {"name": "step", "step_size": 2},
            "epochs": 3,
            "batch_size": 8,
            "seed": 0,
            "keep": (2,),
        }
        return Experiment(**fields | changes)

    return make


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path, "cpu")
