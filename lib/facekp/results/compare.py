"""Hold fresh results against committed ones, or put them in their place."""

import shutil
from collections.abc import Iterator
from typing import Any

import pandas as pd

from facekp.results.schema import Section
from facekp.results.store import CHANGED, ResultsError, Store

__all__ = ["accept", "compare"]


def compare(store: Store) -> pd.DataFrame:
    """Compare each fresh metric with the committed one.

    Parameters
    ----------
    store : Store
        Results of one profile.

    Returns
    -------
    DataFrame
        section, metric, committed, fresh, tolerance, unit and verdict, a row a metric. The verdict
        is "within" or "beyond" the tolerance, or "other choice" where validation chose something
        else for that metric, so that the two are numbers of different things.

    Raises
    ------
    ResultsError
        If nothing is fresh, or fresh files have other metrics, data or parameters than the
        committed ones, so that their numbers cannot be compared; it names all that differs.
    """
    fresh = store.sections()
    if not fresh:
        raise ResultsError(f"nothing to compare in {store.fresh}; run a notebook first")
    pairs = {name: (section, store.load(name, committed=True)) for name, section in fresh.items()}
    odd = [f"{name}: {what}" for name, pair in pairs.items() for what in _odd(*pair)]
    if odd:
        remedy = f", or make accept PROFILE={store.profile}"
        raise ResultsError(
            "\n".join(odd) + "\nNumbers of different things are not compared: run them as the "
            f"committed ones were run{'' if store.profile.endswith(CHANGED) else remedy}"
        )
    rows = []
    for name, (section, committed) in pairs.items():
        for key, old in committed.metrics.items():
            new = section.metrics[key]
            chosen, before = (s.choices.get(key.split(".")[0]) for s in (section, committed))
            within = abs(new.value - old.value) <= old.tolerance
            verdict = "other choice" if chosen != before else "within" if within else "beyond"
            rows.append((name, key, old.value, new.value, old.tolerance, old.unit, verdict))
    columns = ["section", "metric", "committed", "fresh", "tolerance", "unit", "verdict"]
    return pd.DataFrame(rows, columns=columns)


def accept(store: Store) -> list[str]:
    """Copy the fresh results files and the run files that they name to results/<profile>/.

    Run files that no committed results file names any more are deleted.

    Parameters
    ----------
    store : Store
        Results of one profile.

    Returns
    -------
    list of str
        Names of the sections copied.

    Raises
    ------
    ResultsError
        If the results are of parameters of one's own, nothing is fresh, or a run file is missing;
        then nothing is copied.
    """
    if store.profile.endswith(CHANGED):
        raise ResultsError(
            f"{store.fresh}: results of changed parameters are not taken for those of the profile; "
            "put the parameters into profiles/ and run it"
        )
    sections = store.sections()
    if not sections:
        raise ResultsError(f"nothing to accept in {store.fresh}; run a notebook first")
    for name, section in sections.items():
        for key in section.runs:
            if store.find_run(key) is None:
                raise ResultsError(f"{name}: run {key} is missing; run the notebook again")
    runs = store.committed / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    for name, section in sections.items():
        for key in section.runs:
            fresh = store.fresh / "runs" / f"{key}.json"
            if fresh.exists():
                shutil.copyfile(fresh, runs / fresh.name)
        shutil.copyfile(store.fresh / f"{name}.json", store.committed / f"{name}.json")
    named = {key for section in store.sections(committed=True).values() for key in section.runs}
    for path in runs.glob("*.json"):
        if path.stem not in named:
            path.unlink()
    return sorted(sections)


def _odd(section: Section, committed: Section) -> Iterator[str]:
    """Name what keeps two results files of a section from being compared."""
    parts = {"dataset", "parameters", "seeds"}
    yield from _differing(*(kept.model_dump(include=parts) for kept in (section, committed)))
    only = section.metrics.keys() ^ committed.metrics.keys()
    if only:
        yield f"only one of both has {', '.join(sorted(only))}"


def _differing(new: Any, old: Any, path: str = "") -> Iterator[str]:
    if isinstance(new, dict) and isinstance(old, dict):
        for key in sorted(new.keys() | old.keys()):
            values = (side.get(key, "absent") for side in (new, old))
            yield from _differing(*values, f"{path}.{key}".lstrip("."))
    elif new != old:
        yield f"{path} is {new}, committed {old}"
