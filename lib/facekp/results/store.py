"""Where results lie: fresh ones in _build/results/<profile>/, committed ones in results/."""

import json
import os
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from facekp.results.schema import Run, Section

__all__ = ["CHANGED", "ResultsError", "Store", "write_json"]

CHANGED = "-changed"

Model = TypeVar("Model", bound=BaseModel)


class ResultsError(Exception):
    """A results file that is missing or does not fit, with the remedy."""


class Store:
    """The results of one profile, below the root of the repository.

    Parameters
    ----------
    root : Path
        The folder that holds data_manifest.yaml.
    profile : str
        demo, cpu or gpu; with ``-changed`` behind it, a run of that profile with parameters of
        one's own, whose results lie apart and which finds that profile's trainings too.
    retrain : bool
        Find only the runs that this very store has saved, so that the rest is trained anew.
    """

    def __init__(self, root: Path, profile: str, retrain: bool = False):
        self.root, self.profile, self.retrain = Path(root), profile, retrain
        self.saved: set[str] = set()
        kept = profile.removesuffix(CHANGED)
        self.fresh = self.root / "_build" / "results" / profile
        self.committed = self.root / "results" / kept
        self.places = (self.fresh, self.fresh.with_name(kept), self.committed)
        self.checkpoints = self.root / "_build" / "checkpoints" / profile

    def find_run(self, key: str) -> Run | None:
        """Return the finished training of that key, the fresh before the committed, or None.

        Raises
        ------
        ResultsError
            If its file does not fit the schema or is not of that key.
        """
        if self.retrain and key not in self.saved:
            return None
        for folder in self.places:
            path = folder / "runs" / f"{key}.json"
            if path.exists():
                run = _read(path, Run)
                if run.key != key:
                    raise ResultsError(f"{path}: holds run {run.key}; delete it to train it anew")
                return run
        return None

    def save_run(self, run: Run) -> Path:
        """Write a run file, whole or not at all."""
        self.saved.add(run.key)
        return write_json(self.fresh / "runs" / f"{run.key}.json", run.model_dump(by_alias=True))

    def record(self, section: Section) -> Path:
        """Write the results file of a section, whole or not at all."""
        if section.profile != self.profile:
            raise ResultsError(f"results of profile {section.profile} in {self.fresh}")
        path = self.fresh / f"{section.section}.json"
        return write_json(path, section.model_dump(by_alias=True))

    def load(self, section: str, committed: bool = False) -> Section:
        """Read the results file of a section.

        Raises
        ------
        ResultsError
            If it is missing or does not fit the schema.
        """
        path = (self.committed if committed else self.fresh) / f"{section}.json"
        if not path.exists():
            made = f"make run NB=… PROFILE={self.profile}"
            remedy = f"{made}, then make accept PROFILE={self.profile}" if committed else made
            raise ResultsError(f"{path.relative_to(self.root)}: no results yet; {remedy}")
        return _read(path, Section)

    def sections(self, committed: bool = False) -> dict[str, Section]:
        """Read all results files, by the name of their section."""
        folder = self.committed if committed else self.fresh
        return {p.stem: self.load(p.stem, committed) for p in sorted(folder.glob("*.json"))}


def write_json(path: Path, content: Any) -> Path:
    """Write JSON under a temporary name and rename it; floats keep six digits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    temporary.write_text(json.dumps(_rounded(content), indent=1, allow_nan=False) + "\n")
    temporary.replace(path)
    return path


def _rounded(content: Any) -> Any:
    if isinstance(content, float):
        return float(f"{content:.6g}")
    if isinstance(content, dict):
        return {str(key): _rounded(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_rounded(value) for value in content]
    return content


def _read(path: Path, model: type[Model]) -> Model:
    try:
        return model.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise ResultsError(
            f"{path}: {where}: {first['msg']}; delete the file and make it again"
        ) from None
