"""Small run files and results files that fit their schemas."""

from pathlib import Path

import pytest

from facekp.results import Run, Section, Store


def section_content(**changes) -> dict:
    metric = {"value": 4.0, "low": 3.5, "high": 4.5, "n": 48, "unit": "%", "tolerance": 0.25}
    return {
        "schema": 1,
        "section": "nose_tip",
        "profile": "cpu",
        "dataset": {"name": "imm", "digest": "ab", "n": {"train": 192, "val": 48}, "split": "fold"},
        "parameters": {"epochs": 2},
        "seeds": [0, 1, 2],
        "metrics": {"nose.val.nme": metric},
        "curves": {"train_loss": [0.5, 0.25]},
        "groups": {"view": {"1": metric}},
        "runs": ["k1"],
        "provenance": {"device": "cpu"},
    } | changes


def run_content(key: str = "k1", **changes) -> dict:
    points = {"33-1": [[1.5, 2.5]], "34-1": [[3.5, 4.5]]}
    return {
        "schema": 1,
        "key": key,
        "parameters": {"epochs": 2},
        "data": "ab",
        "code": "cd",
        "history": {"train_loss": [0.5, 0.25], "lr": [1e-3, 1e-3]},
        "best_epoch": 2,
        "ids": ["33-1", "34-1"],
        "evaluations": {2: {"nme": [0.04, 0.05], "keypoints": points}},
        "provenance": {"device": "cpu"},
    } | changes


@pytest.fixture
def make_section():
    return lambda **changes: Section(**section_content(**changes))


@pytest.fixture
def make_run():
    return lambda key="k1", **changes: Run(**run_content(key, **changes))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path, "cpu")


@pytest.fixture
def commit(store: Store):
    """Return a function that puts results among the committed ones."""

    def put(*things: Section | Run) -> None:
        for thing in things:
            section = isinstance(thing, Section)
            name = f"{thing.section}.json" if section else f"runs/{thing.key}.json"
            path = store.committed / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(thing.model_dump_json(by_alias=True))

    return put
