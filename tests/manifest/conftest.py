import random
from pathlib import Path

import pytest

from flaky_server import running_server
from toy_repository import Repository, pack


@pytest.fixture
def server():
    with running_server() as state:
        yield state


@pytest.fixture
def toy_files() -> dict[str, bytes]:
    """Two labelled 'pictures' that do not compress, 300 kB each, and a note."""
    random.seed(0)
    pictures = {f"toy/0{k}.jpg": random.randbytes(300_000) for k in (1, 2)}
    return pictures | {"toy/01.asf": b"1", "toy/02.asf": b"2", "toy/note.txt": b"read me"}


@pytest.fixture
def toy_archive(toy_files: dict[str, bytes]) -> bytes:
    return pack(toy_files)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.setenv("FACEKP_CACHE", "cache")
    monkeypatch.delenv("FACEKP_DATA", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.chdir(tmp_path)
    return Repository(tmp_path)
