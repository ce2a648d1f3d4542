"""What Make and Snakemake run again after a change, and how an installation goes wrong."""

import os
import re
import shutil
import subprocess

import pytest
import yaml
from jupyter_server.services.contents.largefilemanager import LargeFileManager

from graph import ROOT, SITE, snakemake

NOTEBOOK = "01_nose_tip"
HOOK = "facekp.notebooks.saving.renew_in_index"


@pytest.fixture
def checkout(site, tmp_path):
    """A copy of the checkout in which everything has just been built."""
    folder = tmp_path / "checkout"
    left_out = shutil.ignore_patterns(".venv", "__pycache__", "checkpoints")
    shutil.copytree(ROOT, folder, symlinks=True, ignore=left_out)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    # The filter of `make lab` takes seconds a notebook, and a copy looks new to git.
    filtered = ["git", "config", "--local", "--unset", "filter.nbstripout.clean"]
    subprocess.run(filtered, cwd=folder, capture_output=True)
    return folder


def due(folder):
    """Return the names of the jobs that would run."""
    done = snakemake("--dry-run", folder=folder)
    assert done.returncode == 0, done.stderr
    return set(re.findall(r"^(\w+) +\d+$", done.stdout, re.MULTILINE)) - {"total"}


def notebooks(jobs):
    return {name for name in jobs if name.startswith("notebook_")}


def all_notebooks():
    return {f"notebook_{path.stem}" for path in ROOT.glob("notebooks/[0-9]*.ipynb")}


def test_nothing_is_due_after_a_build(checkout):
    before = os.times()
    assert due(checkout) == set()
    after = os.times()
    # Processor time, as a loaded machine makes any command slow; it waits for nothing else.
    used = after.children_user - before.children_user
    assert used + after.children_system - before.children_system < 10


def test_prose_rebuilds_the_pages_alone(checkout):
    with (checkout / "book" / "index.md").open("a") as page:
        page.write("\nOne more sentence.\n")
    assert due(checkout) == {"site"}


def test_what_python_compiles_beside_the_pages_changes_nothing(checkout):
    (checkout / "book" / "__pycache__").mkdir()
    (checkout / "book" / "__pycache__" / "browser.cpython-311.pyc").write_bytes(b"compiled")
    (checkout / "book" / ".ipynb_checkpoints").mkdir()
    assert due(checkout) == set()


def test_a_profile_that_does_not_exist_is_named(checkout):
    done = snakemake("--dry-run", folder=checkout, profile="nope")
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert "no profile 'nope' in" in said
    assert "take one of cpu, demo, gpu" in said


def test_a_notebook_runs_alone(checkout):
    path = checkout / "notebooks" / f"{NOTEBOOK}.ipynb"
    path.write_text(path.read_text().replace('"source": [', '"source": [\n "",', 1))
    assert due(checkout) == {f"notebook_{NOTEBOOK}", "site"}


def test_the_library_runs_every_notebook(checkout):
    with (checkout / "lib" / "facekp" / "coords.py").open("a") as module:
        module.write("# changed\n")
    assert due(checkout) == all_notebooks() | {"site"}


def test_a_profile_runs_the_notebook_of_its_section(checkout):
    path = checkout / "profiles" / "demo.yaml"
    settings = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump(settings | {"99_other": {"dataset": "imm"}}))
    assert notebooks(due(checkout)) == set()
    settings[NOTEBOOK]["seed"] = 12345
    path.write_text(yaml.safe_dump(settings))
    assert notebooks(due(checkout)) == {f"notebook_{NOTEBOOK}"}


def test_a_broken_page_fails_the_build_and_leaves_no_site(checkout):
    with (checkout / "book" / "index.md").open("a") as page:
        page.write("\n{result}`nose_tip/no.such.number`\n")
    done = snakemake(folder=checkout)
    assert done.returncode != 0
    assert "index.md" in done.stdout + done.stderr
    assert "no metric 'no.such.number'" in done.stdout + done.stderr
    assert not (checkout / SITE).exists()


def make(folder, *words, **environment):
    variables = {"PATH": f"{folder}/bin:/usr/bin:/bin", **environment}
    return subprocess.run(
        ["make", *words], cwd=folder, env=variables, capture_output=True, text=True
    )


def test_bare_make_prints_a_line_a_target():
    printed = make(ROOT).stdout
    for target in ("book", "test", "data", "run", "lab", "compare", "accept", "lint", "clean"):
        assert re.search(rf"^  make {target} +\S", printed, re.MULTILINE)


def test_what_was_run_alone_is_due_when_the_library_changes(checkout):
    shutil.rmtree(checkout / ".snakemake")  # nothing is known of what the graph made
    done = make(checkout, "run", f"NB={NOTEBOOK}")
    assert done.returncode == 0, done.stderr
    with (checkout / "lib" / "facekp" / "coords.py").open("a") as module:
        module.write("# changed\n")
    assert notebooks(due(checkout)) == {f"notebook_{NOTEBOOK}"}


def status(folder):
    command = ["git", "status", "--porcelain", "notebooks"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert not done.stderr
    return done.stdout


def save(path, change):
    """Change a notebook and save it as JupyterLab does."""
    manager = LargeFileManager(root_dir=str(path.parent), post_save_hook=HOOK)
    model = manager.get(path.name)
    change(model["content"])
    manager.save(model, path.name)


def execute(notebook):
    notebook["metadata"]["language_info"] = {"name": "python", "version": "3.11.99"}
    names = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    notebook["metadata"]["kernelspec"] = names
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["execution_count"] = 7
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "1\n"}]


def test_saving_an_executed_notebook_leaves_git_as_it_was(checkout):
    before = status(checkout)
    assert make(checkout, "lab", "ARGS=--version").returncode == 0
    path = checkout / "notebooks" / f"{NOTEBOOK}.ipynb"
    save(path, execute)
    assert 'execution_count": 7' in path.read_text()
    assert status(checkout) == before
    save(path, lambda notebook: notebook["cells"].pop())
    assert NOTEBOOK in status(checkout)


def test_git_works_where_the_environment_is_gone(checkout):
    assert make(checkout, "lab", "ARGS=--version").returncode == 0
    (checkout / ".venv").unlink()
    (checkout / "notebooks" / "new.ipynb").write_text("{}")
    assert subprocess.run(["git", "add", "notebooks"], cwd=checkout).returncode == 0
    shown = subprocess.run(
        ["git", "show", ":notebooks/new.ipynb"], cwd=checkout, capture_output=True, text=True
    )
    assert shown.stdout == "{}"


@pytest.fixture
def bare(tmp_path):
    """A folder with the Makefile and pythons that are shell scripts."""
    (tmp_path / "bin").mkdir()
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "requirements.lock").write_text("")

    def script(path, text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    return tmp_path, script


def test_a_python_that_is_too_old_is_named(bare):
    folder, script = bare
    for name in ("python3.13", "python3.12", "python3.11", "python3"):
        script(folder / "bin" / name, "exit 1")
    done = make(folder, "book")
    assert done.returncode != 0
    assert "Python 3.11.4 or newer is needed" in done.stderr


def test_a_python_without_venv_is_named(bare):
    folder, script = bare
    script(folder / "bin" / "python3.13", 'test "$1" = -c')
    done = make(folder, "book")
    assert done.returncode != 0
    assert "install its venv module" in done.stderr


def test_an_interrupted_installation_is_taken_up(bare):
    folder, script = bare
    python = folder / ".venv" / "bin" / "python"
    log = folder / "log"
    script(python, f'echo "$@" >> {log}; case "$*" in *requirements.lock) exit 1;; esac')
    assert make(folder, ".venv/installed").returncode != 0
    assert not (folder / ".venv" / "installed").exists()
    script(python, f'echo "$@" >> {log}')
    assert make(folder, ".venv/installed", "PIP_ARGS=--no-index").returncode == 0
    assert "--no-index -r requirements.lock" in log.read_text()
    log.unlink()
    assert make(folder, ".venv/installed").returncode == 0
    assert not log.exists()
