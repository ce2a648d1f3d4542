import subprocess

import torch

from facekp.results import provenance


def git(root, *words):
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    done = subprocess.run(["git", "-C", root, *who, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_outside_git(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    found = provenance(tmp_path, 1.0, 1, "cpu")
    assert (found["commit"], found["clean"]) == (None, False)


def test_without_git_installed(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    found = provenance(tmp_path, 1.0, 1, "cpu")
    assert (found["commit"], found["clean"]) == (None, False)


def test_in_git(tmp_path):
    git(tmp_path, "init")
    (tmp_path / "a").write_text("1")
    git(tmp_path, "add", "a")
    git(tmp_path, "commit", "-m", "first")
    found = provenance(tmp_path, 1.0, 1, "cpu")
    assert (found["commit"], found["clean"]) == (git(tmp_path, "rev-parse", "HEAD"), True)
    (tmp_path / "a").write_text("2")
    assert provenance(tmp_path, 1.0, 1, "cpu")["clean"] is False
    git(tmp_path, "commit", "-am", "second")
    (tmp_path / "b").touch()
    assert provenance(tmp_path, 1.0, 1, "cpu")["clean"] is False  # an untracked module counts


def test_time_machine_and_versions(tmp_path):
    found = provenance(tmp_path, 2.0, 500, "cuda")
    assert found["wall_seconds"] == 2
    assert found["images_per_second"] == 250
    assert found["device"] == "cuda"
    assert found["versions"]["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert 50 < found["peak_memory_mb"] < 100_000  # torch alone takes more than 50 MiB
    assert provenance(tmp_path, 0.0, 500, "cpu")["images_per_second"] == 0
