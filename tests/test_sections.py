"""Each section's notebook from end to end on cartoon faces, and the results that it committed.

A new section is a line in ``SECTIONS``.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import nbformat
import psutil
import pytest
import yaml

from facekp.claims import load_claims
from facekp.manifest import load_manifest
from facekp.results import Store

ROOT = Path(__file__).resolve().parents[1]
PICTURE_LIMIT = 200_000  # bytes; larger ones make a page slow, and bloat the downloaded notebook
TIMES = ("wall_seconds", "images_per_second", "peak_memory_mb", "training_seconds")


class Section(NamedTuple):
    """What makes a notebook tiny, for the demo and for the gpu profile, and its headline."""

    demo: dict
    gpu: dict
    headline: tuple[str, ...]


TINY_TRANSFER = {
    "size": [32, 32],
    "imm_size": [24, 32],
    "width": 2,
    "imm_width": 2,
    "depth": 2,
    "imm_depth": 2,
    "epochs": 2,
    "imm_epochs": 1,
}
TINY_FULL = {
    "size": [36, 48],
    "batch_size": 64,
    "epochs": 1,
    "better_epochs": 2,
    "show_epochs": 1,
    "widths": [0.25, 1],
}
TINY_RESNET = {
    "size": [32, 32],
    "epochs": 2,
    "short_epochs": 1,
    "head_epochs": 1,
    "own_epochs": 1,
    "few": 8,
    "trees_size": 48,
    "cascade_depth": 1,
}
TINY_MAPS = {"size": [32, 32], "width": 2, "depth": 2, "epochs": 1, "tune_epochs": 1, "count": 8}
TINY_FAIR = {
    "primary_size": [32, 32],
    "best_size": [32, 32],
    "best_width": 2,
    "best_count": 8,
    "trial_epochs": 1,
    "best_epochs": 1,
    "trial_width": 2,
    "narrow_epochs": 1,
    "blocks_epochs": 1,
    "cost_sizes": [16, 32],
    "cost_counts": [4, 8],
}
SECTIONS = {
    "01_nose_tip": Section(
        # Two of each, so that every comparison and figure has something to show.
        demo={
            "batch_size": 64,
            "epochs": 2,
            "lengths": [1],
            "search_epochs": 1,
            "long_epochs": 1,
            "seeds": 1,
            "rates": [0.001, 0.003],
            "batches": [64],
            "person_counts": [8, 32],
            "widths": [1, 2],
        },
        # One of each, so that every comparison may also be left out.
        gpu={
            "batch_size": 64,
            "epochs": 1,
            "lengths": [],
            "search_epochs": 1,
            "long_epochs": 1,
            "seeds": 1,
            "search_seeds": 1,
            "folds": [4, 5],
            "rates": [0.001],
            "batches": [64],
            "person_counts": [32],
            "widths": [1],
        },
        headline=(
            "nose.val.mse",
            "nose.val.px640",
            "nose.val.nme",
            "nose.cv.nme",
            "mean.val.mse",
        ),
    ),
    "02_full_keypoints": Section(
        demo=TINY_FULL | {"seeds": 2, "folds": [4, 5], "person_counts": [8, 32]},
        gpu=TINY_FULL | {"seeds": 1, "folds": [5], "person_counts": [32]},
        headline=(
            "plain.val.mse",
            "plain.val.px640",
            "plain.val.nme",
            "plain.cv.nme",
            "better.cv.nme",
        ),
    ),
    "03_resnet": Section(
        demo=TINY_RESNET | {"seeds": 2},
        gpu=TINY_RESNET | {"seeds": 1},
        headline=(
            "resnet.test.nme",
            "resnet.test.auc8",
            "resnet.test.fr8",
            "resnet.test.mae",
            "dlib.test.nme",
            "dlib.test.fr8",
        ),
    ),
    "04_gaussian_heatmaps": Section(
        demo=TINY_MAPS | {"seeds": 2},
        gpu=TINY_MAPS | {"seeds": 1, "rates": [0.001]},
        headline=("gaussian7.test.nme", "gaussian9.test.nme", "gaussian11.test.nme"),
    ),
    "05_binary_masks": Section(
        demo=TINY_MAPS | {"seeds": 2},
        gpu=TINY_MAPS | {"seeds": 1, "rates": [0.001]},
        headline=("disc3.test.nme", "gaussian7.test.nme"),
    ),
    "06_fair_comparison": Section(
        demo=TINY_MAPS | TINY_FAIR | {"seeds": 2, "radii": [7, 14]},
        gpu=TINY_MAPS
        | TINY_FAIR
        | {
            "seeds": 1,
            "primary_seeds": 1,
            "rates": [0.001],
            "radii": [7, 14],
            "losses": ["spatial"],
        },
        headline=(
            "disc_less_gaussian.primary.nme",
            "difference.test.nme",
            "best.test.nme",
            "best.test.auc8",
            "best.test.fr8",
        ),
    ),
    "07_transfer": Section(
        demo=TINY_TRANSFER | {"seeds": 2},
        gpu=TINY_TRANSFER | {"seeds": 1, "count": 8},
        headline=("demo_to_real.test.nme", "real.test.nme", "mean.test.nme"),
    ),
}


class Checkout:
    """A copy of what notebooks need, with tiny parameters and cartoons for the data sets."""

    def __init__(self, root: Path, cartoons: dict[str, Path]):
        self.root = root
        for name in ("notebooks", "profiles", "data"):
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("demo"))
        shutil.copy(ROOT / "data_manifest.yaml", root)
        for profile in ("demo", "gpu"):
            path = root / "profiles" / f"{profile}.yaml"
            parameters = yaml.safe_load(path.read_text())
            for notebook, section in SECTIONS.items():
                parameters[notebook] |= getattr(section, profile)
            path.write_text(yaml.safe_dump(parameters))
        self.sets = root / "sets"
        for entry in load_manifest(root / "data_manifest.yaml").datasets.values():
            place = root / entry.embedded if entry.embedded else self.sets / entry.folder
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(cartoons[entry.format])

    def start(self, notebook: str, profile: str) -> subprocess.Popen:
        command = [sys.executable, "-m", "facekp.notebooks", "run", notebook]
        command += ["--profile", profile]
        environment = os.environ | {"FACEKP_DATA": str(self.sets)}
        return subprocess.Popen(
            command, cwd=self.root, env=environment, stderr=subprocess.PIPE, text=True
        )

    def run(self, notebook: str, profile: str) -> None:
        process = self.start(notebook, profile)
        printed = process.communicate()[1]
        # Not "nothing printed": a kernel that is shut down under load may leave a line of its own.
        assert process.returncode == 0 and "Traceback" not in printed, printed

    def executed(self, notebook: str, profile: str) -> Path:
        return self.root / "_build" / "executed" / profile / f"{notebook}.ipynb"

    def timeless(self, profile: str) -> dict[str, str]:
        """The text of each results and run file without what only a clock or the load decides."""
        texts = {}
        folder = self.root / "_build" / "results" / profile
        for path in sorted(folder.rglob("*.json")):
            content = json.loads(path.read_text())
            for timed in (content.get("history", {}), *content.get("methods", {}).values()):
                timed.pop("seconds", None)
            for name in TIMES:
                content["provenance"].pop(name, None)
            texts[str(path.relative_to(folder))] = json.dumps(content, indent=1)
        return texts


@pytest.fixture(scope="session")
def cartoons(imm_folder, ibug_folder):
    """The folder of the drawn stand-ins for each format of data sets."""
    return {"imm": imm_folder, "ibug300w": ibug_folder}


@pytest.fixture(scope="session")
def tiny_run(cartoons, tmp_path_factory):
    """Return a function that runs a tiny notebook, once a session, and returns its checkout."""
    done = {}

    def get(notebook, profile):
        if (notebook, profile) not in done:
            checkout = Checkout(tmp_path_factory.mktemp(f"{notebook}_{profile}"), cartoons)
            checkout.run(notebook, profile)
            done[notebook, profile] = checkout
        return done[notebook, profile]

    return get


def test_each_notebook_has_its_line_here():
    assert {path.stem for path in ROOT.glob("notebooks/[0-9]*.ipynb")} == set(SECTIONS)


@pytest.mark.parametrize("notebook", SECTIONS)
def test_saving_changes_nothing_but_what_was_edited(notebook):
    text = (ROOT / "notebooks" / f"{notebook}.ipynb").read_text()
    assert nbformat.writes(nbformat.reads(text, 4)) + "\n" == text


@pytest.mark.slow
@pytest.mark.parametrize("profile", ["demo", "gpu"])
@pytest.mark.parametrize("notebook", SECTIONS)
class TestTiny:
    def test_every_cell_ran_and_left_only_what_belongs_in_a_book(self, notebook, profile, tiny_run):
        executed = nbformat.read(tiny_run(notebook, profile).executed(notebook, profile), 4)
        cells = [cell for cell in executed.cells if cell.cell_type == "code"]
        assert all(cell.execution_count for cell in cells)
        outputs = [output for cell in cells for output in cell.outputs]
        assert {output.get("name", "") for output in outputs} <= {"", "stdout"}
        data = [output.data for output in outputs if "data" in output]
        assert not [kind for item in data for kind in item if "widget" in kind]
        pictures = [item["image/svg+xml"] for item in data if "image/svg+xml" in item]
        assert pictures
        assert max(map(len, pictures)) < PICTURE_LIMIT
        for cell in cells:  # what has an alternative text is a picture, and only that has one
            shown = any("image/svg+xml" in output.get("data", {}) for output in cell.outputs)
            described = "image" in cell.metadata.get("mystnb", {})
            assert described or not shown, cell.source

    def test_the_results(self, notebook, profile, tiny_run):
        root = tiny_run(notebook, profile).root
        store = Store(root, profile)
        section = store.load(notebook[3:])
        assert set(SECTIONS[notebook].headline) <= set(section.metrics)
        assert section.runs and all(store.find_run(key) for key in section.runs)
        entry = yaml.safe_load((root / "profiles" / f"{profile}.yaml").read_text())[notebook]
        assert entry["dataset"] in section.dataset.name.split("+")  # of joined sets: each name
        assert not list(store.checkpoints.glob("*"))


@pytest.mark.parametrize("notebook", SECTIONS.keys())
def test_the_committed_results_have_what_the_claims_name(notebook):
    store = Store(ROOT, "cpu")
    section = store.load(notebook[3:], committed=True)
    assert set(SECTIONS[notebook].headline) <= set(section.metrics)
    for claim in load_claims(ROOT / "book" / "claims.yaml"):
        if claim.section == section.section and claim.rule:
            for name in claim.rule.metrics:
                assert section.metrics[name].low is not None, f"{claim.id}: {name}"
    runs = {path.stem for path in (store.committed / "runs").glob("*.json")}
    assert set(section.runs) <= runs


def kill_when(process: subprocess.Popen, due) -> int:
    """Kill the runner, and it alone, once ``due()``; return how many children died with it."""
    family, runner = set(), psutil.Process(process.pid)
    while not (family and due()):
        assert process.poll() is None, "it ended before the moment came"
        family.update(runner.children(recursive=True))
        time.sleep(0.02)
    process.kill()
    process.wait()  # communicate() would wait for each child that holds the pipe
    process.stderr.close()
    _, alive = psutil.wait_procs(family, timeout=30)
    for orphan in alive:
        orphan.kill()
    assert not alive
    return len(family)


@pytest.mark.slow
@pytest.mark.parametrize(("notebook", "profile"), [("01_nose_tip", "gpu")])
def test_killed_three_times_and_started_again(notebook, profile, tiny_run, cartoons, tmp_path):
    uninterrupted = tiny_run(notebook, profile).timeless(profile)
    checkout = Checkout(tmp_path, cartoons)
    checkpoints = checkout.root / "_build" / "checkpoints" / profile
    runs = checkout.root / "_build" / "results" / profile / "runs"

    def finished():
        return len(list(runs.glob("*.json")))

    total = len(uninterrupted) - 1  # one is the section's own file
    moments = {
        "some trained, others on their way": lambda: (
            finished() > 1 and any(checkpoints.glob("*.pt"))
        ),
        "before the last ones, which follow from the others": lambda: finished() >= total - 2,
        "all trained, nothing recorded": lambda: finished() == total,
    }
    died = []
    for due in moments.values():
        died.append(kill_when(checkout.start(notebook, profile), due))
        assert not checkout.executed(notebook, profile).exists()
    assert max(died) >= 3  # the kernel and two workers
    checkout.run(notebook, profile)
    assert checkout.timeless(profile) == uninterrupted
    assert list(checkout.executed(notebook, profile).parent.iterdir()) == [
        checkout.executed(notebook, profile)
    ]
