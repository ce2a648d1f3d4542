"""Shared fixtures: cartoon data sets, a cache of the run's own, hypothesis without a clock."""

import os
from pathlib import Path

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from cartoon_faces import write_ibug, write_imm

settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")


class TogetherByFixture(LoadScopeScheduling):
    """Hands out to one process, as a whole, the tests that share a fixture which takes long.

    That is the built book for tests/book, a tiny run in test_sections, and elsewhere what a file
    has. (The groups of the plugin itself, --dist loadgroup, do not work with pytest 9.)
    """

    def _split_scope(self, nodeid: str) -> str:
        path, _, name = nodeid.partition("::")
        if path.startswith("tests/book/"):
            return "tests/book"
        return name.partition("[")[2] if path == "tests/test_sections.py" else path


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return TogetherByFixture(config, log)


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """Keep decoded faces of the tests out of the user's cache, in subprocesses too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACEKP_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def imm_folder(tmp_path_factory) -> Path:
    """40 persons × 6 views of 160 × 120 pixels in IMM's layout; not to be changed."""
    folder = tmp_path_factory.mktemp("imm_face_db")
    write_imm(folder, persons=40, size=(120, 160), seed=0)
    return folder


@pytest.fixture(scope="session")
def ibug_folder(tmp_path_factory) -> Path:
    """12 train and 4 test pictures in dlib's layout of 300-W; not to be changed."""
    folder = tmp_path_factory.mktemp("ibug300w")
    write_ibug(folder, train=12, test=4, seed=0)
    return folder


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with the real data sets; the test is skipped where there is none."""
    folder = os.environ.get("FACEKP_DATA")
    if not folder:
        pytest.skip("set FACEKP_DATA to the folder with the real data sets")
    return Path(folder)
