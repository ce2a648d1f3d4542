# The graph of the book: data -> executed notebooks -> site.
#
# A job runs again when an input, the digest of what it imports, another value under `params` or
# the code of its rule has changed. `make book` calls this file; `snakemake --executor slurm` runs
# the same jobs on a cluster, one a notebook.
import hashlib
import json
import subprocess
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

from facekp.manifest import load_manifest
from facekp.manifest.store import folder_of
from facekp.notebooks.checks import NotebookError, profile_parameters

PROFILE = config.get("profile", "demo")
SITE = config.get("site", "_build/html")
NOTEBOOKS = sorted(path.stem for path in Path("notebooks").glob("[0-9][0-9]_*.ipynb"))
try:
    SETTINGS = {name: profile_parameters(name, PROFILE, Path.cwd()) for name in NOTEBOOKS}
except NotebookError as error:
    raise WorkflowError(str(error)) from None
DATASETS = load_manifest().datasets


def digest(*patterns):
    """Digest names and content of the files that match."""
    found = {path for pattern in patterns for path in Path().glob(pattern)}
    files = sorted(p for p in found if p.is_file() and "__pycache__" not in p.parts)
    state = [(str(path), hashlib.sha256(path.read_bytes()).hexdigest()) for path in files]
    return hashlib.sha256(repr(state).encode()).hexdigest()


def data_state(notebook):
    """Digest names, sizes and times of the files of a notebook's data sets, not their content."""
    values = {value for value in SETTINGS[notebook].values() if isinstance(value, str)}
    state = []
    for name in sorted(values & DATASETS.keys()):
        folder = folder_of(DATASETS[name], Path.cwd())
        for path in sorted(folder.rglob("*.*")):
            stat = path.stat()
            # Not where the folder lies: a checkout that was moved has nothing to run again.
            state.append((str(path.relative_to(folder)), stat.st_size, stat.st_mtime_ns))
    return hashlib.sha256(repr(state).encode()).hexdigest()


def commit():
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


rule site:
    input:
        [f"_build/executed/{PROFILE}/{name}.ipynb" for name in NOTEBOOKS],
    output:
        f"{SITE}/index.html",
    params:
        profile=PROFILE,
        site=SITE,
        commit=commit(),
        pages=digest(
            "_*.yml", "data_manifest.yaml", "data/demo/*.*", "book/**/*.*", "results/**/*.json"
        ),
        library=digest("lib/facekp/**/*.py"),
    message:
        "building the pages"
    shell:
        "{sys.executable} book/build.py --profile {params.profile} --site {params.site}"


for NAME in NOTEBOOKS:

    rule:
        name:
            f"notebook_{NAME}"
        input:
            f"notebooks/{NAME}.ipynb",
        output:
            executed=f"_build/executed/{PROFILE}/{NAME}.ipynb",
            results=f"_build/results/{PROFILE}/{NAME[3:]}.json",
        params:
            name=NAME,
            profile=PROFILE,
            settings=json.dumps(SETTINGS[NAME], sort_keys=True),
            manifest=digest("data_manifest.yaml"),
            data=data_state(NAME),
            library=digest("lib/facekp/**/*.py"),
        # Two on any machine: how many threads add up a sum shows in its last digits.
        threads: 2
        message:
            f"executing {NAME} with the {PROFILE} profile"
        shell:
            "{sys.executable} -m facekp.notebooks run {params.name} --profile {params.profile} "
            "--output {output.executed}"
