"""Committed trainings and the code at hand: which it would make anew, and which it need not.

A training's key holds a digest of the code that it runs (``fingerprint``), so that no number
outlives the code behind it. But then renaming a variable costs a day of training. So small
trainings, made in minutes with the code before and with the code after (``witnesses``), may bear
witness that a change computes the same.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import permutations, zip_longest
from typing import Any

import pandas as pd
from pydantic import ValidationError

from facekp.experiments.experiment import Digest, Experiment, digest_once, identify
from facekp.experiments.trees import trees_code
from facekp.results import Run, Store

__all__ = ["kind", "precision_used", "present_identities", "revalidate", "stale"]

Identity = dict[str, Any]
Codes = tuple[str, str]  # digests of the code before and after

KIND = ("method", "model", "loss", "decoder", "optimizer", "schedule", "augment", "readings")


def present_identities(runs: Iterable[Run]) -> Iterator[tuple[Run, Identity | None]]:
    """Give each run the identity that the same training has with the code at hand.

    Yields
    ------
    Run, dict or None
        As ``Experiment.identity``; None where the parameters no longer describe an experiment.
    """
    digest = digest_once()
    return ((run, _present(run, digest)) for run in runs)


def _present(run: Run, digest: Digest) -> Identity | None:
    if run.parameters.get("method") == "trees":
        return identify(run.parameters, run.data, trees_code(run.parameters["split"]))
    try:
        experiment = Experiment(**run.parameters)
    except ValidationError:
        return None
    return identify(experiment.model_dump(mode="json"), run.data, experiment.code(digest))


def stale(store: Store) -> list[tuple[Run, Identity | None]]:
    """Return the committed trainings that the code at hand would make anew.

    Parameters
    ----------
    store : Store

    Returns
    -------
    list of (Run, dict or None)
        Each with its present identity, whose key is not the run's.
    """
    pairs = present_identities(store.committed_runs())
    return [(run, now) for run, now in pairs if now is None or now["key"] != run.key]


def revalidate(store: Store, witnesses: Store) -> pd.DataFrame:
    """Give stale trainings their present keys where witnesses show that nothing else changed.

    A witness is a training that the other store holds twice: made with the code that the stale
    training ran and with the code at hand. It speaks for trainings of its kind: model, loss,
    decoder, optimiser, schedule, augmentation and readings are the same but for numbers other than
    0, and it computed in the same precision, which the machine may decide. A kind is renewed if it
    has a witness and if in all trainings made with both codes not one digit of the run files
    differs, curves and predictions alike. A curve that only the code at hand draws is no
    difference: the renewed files go without, and ``curves`` says which they are.

    Parameters
    ----------
    store : Store
        Its committed run files are renewed, and the results files that name them.
    witnesses : Store
        Its fresh run files are read.

    Returns
    -------
    DataFrame
        model, loss, trainings, hours (that they took), witnesses and verdict, a row a kind of stale
        training. The verdict is "renewed", "no witness" or where the first difference lies.
    """
    kinds = defaultdict(list)
    for run, now in stale(store):
        kinds[run.code, now and now["code"], kind(run)].append((run, now))
    twice = _twice(witnesses)
    rows, renewed = [], {}
    for (before, after, what), members in kinds.items():
        pairs = twice.get((before, after), [])
        speaking = [
            (old, new)
            for old, new in pairs
            if kind(old) == what and precision_used(old) == precision_used(new)
        ]
        differences = (where for old, new in pairs if (where := _difference(old, new)))
        verdict = next(differences, "renewed") if speaking else "no witness"
        if verdict == "renewed":
            renewed |= {run.key: now for run, now in members}
        model, loss = ((members[0][0].parameters.get(w) or {}).get("name") for w in KIND[1:3])
        hours = sum(run.provenance["wall_seconds"] for run, _ in members) / 3600
        rows.append((model, loss, len(members), hours, len(speaking), verdict))
    store.renew(renewed)
    columns = ["model", "loss", "trainings", "hours", "witnesses", "verdict"]
    return pd.DataFrame(rows, columns=columns)


def _twice(store: Store) -> dict[Codes, list[tuple[Run, Run]]]:
    """Pair fresh runs of the same experiment on the same data, the second one's code at hand."""
    same = defaultdict(list)
    for run, now in present_identities(store.fresh_runs()):
        if now:
            same[json.dumps(now["parameters"], sort_keys=True), run.data].append((run, now))
    pairs = defaultdict(list)
    for members in same.values():
        for (old, _), (new, now) in permutations(members, 2):
            if new.key == now["key"]:
                pairs[old.code, new.code].append((old, new))
    return pairs


def kind(run: Run) -> str:
    """Return what trainings share for which one may speak, as ``revalidate`` says."""
    parts = {name: _blurred(run.parameters.get(name)) for name in KIND}
    return json.dumps(parts | {"precision": precision_used(run)}, sort_keys=True)


def precision_used(run: Run) -> str | None:
    """Return what a training computed in, which the machine may have decided."""
    return run.provenance.get("precision", run.parameters.get("precision"))


def _blurred(value: Any) -> Any:
    """Replace numbers other than 0, which often switches something off."""
    if isinstance(value, dict):
        return {name: _blurred(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_blurred(part) for part in value]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return "number" if number and value else value


def _difference(old: Run, new: Run) -> str:
    """Say where two runs of one training first differ, beside clocks and code; "" if nowhere."""
    before, after = _lasting(old), _lasting(new)
    after["history"] = {n: c for n, c in after["history"].items() if n in before["history"]}
    for leaf, other in zip_longest(_leaves(before), _leaves(after)):
        if leaf != other:
            (place, one), (_, another) = leaf or ("", None), other or ("", None)
            return f"differs at {place}: {one}, now {another}"
    return ""


def _lasting(run: Run) -> dict[str, Any]:
    """Return what a run file says of the training's numbers, without clocks and identity."""
    content = run.model_dump(exclude={"key", "code", "parameters", "provenance", "formerly"})
    content["history"].pop("seconds", None)
    return content


def _leaves(content: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(content, dict | list | tuple):
        parts = content.items() if isinstance(content, dict) else enumerate(content)
        for name, part in parts:
            yield from _leaves(part, f"{place}.{name}" if place else str(name))
    else:
        yield place, content
