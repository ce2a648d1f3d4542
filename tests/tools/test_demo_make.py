"""What `make demo-data` installs, makes and says, with pythons that are shell scripts."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VENV = Path("tools/demo_faces/.venv")
NAMES = ("python3.11", "python3", "python")


@pytest.fixture
def bare(tmp_path):
    """A folder with the Makefile and the generator's requirements, nothing else."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "tools" / "demo_faces").mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copy(ROOT / "tools/demo_faces/requirements.txt", tmp_path / "tools/demo_faces")
    return tmp_path


def script(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def make(folder, *arguments):
    # Nothing else of the environment: `make test ARGS=...` leaves its variables there.
    variables = {"PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(
        ["make", *arguments], cwd=folder, env=variables, capture_output=True, text=True
    )


def installed(folder, python="exit 0"):
    """Put an installed environment there whose python notes its arguments in `log`."""
    script(folder / VENV / "bin" / "python", f'echo "$PYTHONPATH: $@" >> log; {python}')
    (folder / VENV / "installed").touch()


def test_another_python_than_3_11_is_named(bare):
    for name in NAMES:
        script(bare / "bin" / name, 'if [ "$1" = --version ]; then echo Python 3.12.9; fi; exit 1')
    done = make(bare, "demo-data")
    assert done.returncode != 0
    assert "Python 3.11 is needed, no older and no newer" in done.stderr
    assert "(here: Python 3.12.9)" in done.stderr


def test_a_python_without_venv_is_named(bare):
    script(bare / "bin" / "python3.11", 'test "$1" = -c')
    done = make(bare, "demo-data")
    assert done.returncode != 0
    assert "python3.11 cannot make tools/demo_faces/.venv: install its venv module" in done.stderr


def test_it_installs_when_missing_or_older_than_the_requirements(bare):
    target = f"{VENV}/installed"
    installed(bare, 'case "$*" in *requirements.txt) exit 1;; esac')
    (bare / VENV / "installed").unlink()
    assert make(bare, target).returncode != 0
    assert not (bare / VENV / "installed").exists()
    script(bare / VENV / "bin" / "python", 'echo "$@" >> log')
    assert make(bare, target, "PIP_ARGS=--no-index").returncode == 0
    assert "--no-index -r tools/demo_faces/requirements.txt" in (bare / "log").read_text()
    (bare / "log").unlink()
    assert make(bare, target).returncode == 0
    assert not (bare / "log").exists()
    later = (bare / VENV / "installed").stat().st_mtime + 5
    os.utime(bare / "tools/demo_faces/requirements.txt", (later, later))
    assert make(bare, target).returncode == 0
    assert "requirements.txt" in (bare / "log").read_text()


def test_both_sets_are_made_in_place_then_the_card(bare):
    installed(bare)
    assert make(bare, "demo-data").returncode == 0
    assert (bare / "log").read_text().splitlines() == [
        "tools: -m demo_faces ibug300w --out data/demo/ibug300w",
        "tools: -m demo_faces imm --out data/demo/imm",
        "tools: -m demo_faces card data/demo",
    ]


def test_one_picture_made_elsewhere_is_held_against_the_committed_one(bare):
    installed(bare)
    done = make(bare, "demo-data", "DEMO_OUT=again", "DEMO_SETS=imm", "ARGS=--only 07-3")
    assert done.returncode == 0
    assert (bare / "log").read_text().splitlines() == [
        "tools: -m demo_faces imm --out again/imm --only 07-3",
        "tools: -m demo_faces verify again data/demo",
    ]


def test_a_failure_ends_it(bare):
    installed(bare, 'case "$*" in *ibug300w*) exit 1;; esac')
    assert make(bare, "demo-data").returncode != 0
    assert len((bare / "log").read_text().splitlines()) == 1


def test_help_names_it():
    assert "make demo-data " in make(ROOT, "help").stdout
