"""Where results lie: fresh ones in _build/results/<profile>/, committed ones in results/."""

import json
import os
from collections.abc import Iterator, Mapping
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
        Find only what was saved by such a store since a section was last recorded with it, so that
        the rest is trained anew. Each is marked on disk: who is killed goes on where it was.
    """

    def __init__(self, root: Path, profile: str, retrain: bool = False):
        self.root, self.profile, self.retrain = Path(root), profile, retrain
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
        if self.retrain and not self._mark(key).exists():
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
        """Write a run file, whole or not at all; all digits of its parameters make its key."""
        content = _rounded(run.model_dump(by_alias=True)) | {"parameters": run.parameters}
        path = _write(self.fresh / "runs" / f"{run.key}.json", content)
        if self.retrain:
            self._mark(run.key).parent.mkdir(parents=True, exist_ok=True)
            self._mark(run.key).touch()
        return path

    def fresh_runs(self) -> Iterator[Run]:
        """Read all fresh run files, also those that no results file names any more."""
        return (_read(path, Run) for path in sorted(self.fresh.glob("runs/*.json")))

    def committed_runs(self) -> Iterator[Run]:
        """Read all committed run files."""
        return (_read(path, Run) for path in sorted(self.committed.glob("runs/*.json")))

    def renew(self, identities: Mapping[str, Mapping[str, Any]]) -> None:
        """Give committed trainings other identities, in their files and in those that name them.

        A call that is killed leaves each file whole and the old run files in place; the next call
        ends what it began.

        Parameters
        ----------
        identities : mapping
            From a key to what ``Experiment.identity`` returns now. Where a run file of the new key
            is there already, it stays.
        """
        runs = self.committed / "runs"
        for key, identity in identities.items():
            content = json.loads((runs / f"{key}.json").read_text())
            former = {"key": key, "code": content["code"]}
            content |= {**identity, "formerly": [*content.get("formerly", []), former]}
            if not (path := runs / f"{identity['key']}.json").exists():
                _write(path, content)
        for path in self.committed.glob("*.json"):
            _write(path, _renamed(json.loads(path.read_text()), identities))
        for key in identities:
            (runs / f"{key}.json").unlink()

    def record(self, section: Section) -> Path:
        """Write the results file of a section, whole or not at all."""
        if section.profile != self.profile:
            raise ResultsError(f"results of profile {section.profile} in {self.fresh}")
        path = write_json(self.fresh / f"{section.section}.json", section.model_dump(by_alias=True))
        if self.retrain:
            for key in section.runs:
                self._mark(key).unlink(missing_ok=True)
        return path

    def _mark(self, key: str) -> Path:
        """Return the file that says that a run was trained anew, as asked."""
        return self.checkpoints / f"{key}.retrained"

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
    return _write(path, _rounded(content))


def _write(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    temporary.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n")
    temporary.replace(path)
    return path


def _renamed(content: Any, identities: Mapping[str, Mapping[str, Any]]) -> Any:
    if isinstance(content, str) and content in identities:
        return identities[content]["key"]
    if isinstance(content, dict):
        return {name: _renamed(part, identities) for name, part in content.items()}
    if isinstance(content, list):
        return [_renamed(part, identities) for part in content]
    return content


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
