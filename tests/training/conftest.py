import pytest
import torch

from toy_trainings import some_faces


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Keep nets of this size from waiting for a second core."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def train():
    return some_faces(11)


@pytest.fixture(scope="session")
def val():
    return some_faces(5, seed=1)
