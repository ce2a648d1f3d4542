"""Claims × results → verdicts, by rules that were fixed before the results.

Here: reading book/claims.yaml, deciding, listing. Not here: measuring (the notebooks do, and
``results`` keeps it). ``python -m facekp.claims`` prints a line a claim, then a count.
"""

import argparse
import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pandas as pd
import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from facekp.manifest import ManifestError, find_root
from facekp.results import Metric, ResultsError, Section, Store

__all__ = ["Claim", "ClaimsError", "Rule", "load_claims", "table", "verdict"]

REFERENCE = "cpu"  # the profile whose committed results decide, whatever was executed
# What follows in a metric's name is not told.
SPLIT = re.compile(r"\.(?:cv|val|test|all|primary)\b")


class ClaimsError(Exception):
    """A claims file that does not fit its schema, or a claim whose numbers are missing."""


class Rule(BaseModel):
    """How a claim is decided; the kinds are explained at the head of book/claims.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["superiority", "equivalence", "no_better", "below"]
    delta: float = Field(gt=0)
    metrics: tuple[str, ...] = Field(min_length=1)


class Claim(BaseModel):
    """One claim of the original report, in our words, with its rule or why there is none."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    section: str
    claim: str
    quantity: str
    rule: Rule | None = None
    reason: str | None = None

    @model_validator(mode="after")
    def _decidable(self) -> "Claim":
        if (self.rule is None) == (self.reason is None):
            raise ValueError("a claim has a rule, or a reason why it cannot be judged")
        return self


def verdict(measured: Sequence[Metric], rule: Rule) -> str:
    """Decide by where the intervals lie.

    Parameters
    ----------
    measured : sequence of Metric
        With intervals that hold together.
    rule : Rule

    Returns
    -------
    str
        "reproduced", "not reproduced" or "inconclusive".

    Raises
    ------
    ClaimsError
        If a metric has no interval.

    Examples
    --------
    >>> gain = Metric(value=8, low=6, high=10, n=48, unit="%", tolerance=1)
    >>> verdict([gain], Rule(kind="superiority", delta=5, metrics=["gain"]))
    'reproduced'
    >>> verdict([gain], Rule(kind="superiority", delta=7, metrics=["gain"]))
    'inconclusive'
    """
    for name, m in zip(rule.metrics, measured, strict=True):
        if m.low is None:
            raise ClaimsError(f"{name} has no interval; measure with more than one person")
    low = -rule.delta if rule.kind == "equivalence" else float("-inf")
    inside = [low < m.low and m.high < rule.delta for m in measured]
    outside = [m.low > rule.delta or m.high < low for m in measured]
    agrees, differs = (outside, inside) if rule.kind == "superiority" else (inside, outside)
    if all(agrees):
        return "reproduced"
    return "not reproduced" if any(differs) else "inconclusive"


def load_claims(path: Path) -> list[Claim]:
    """Read the claims file.

    Raises
    ------
    ClaimsError
        If it does not fit; names the line, the claim, the key and what is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
        entries = yaml.safe_load(text)
        claims = TypeAdapter(list[Claim]).validate_python(entries)
    except OSError as error:
        raise ClaimsError(f"{path} cannot be read ({error.strerror}); restore it") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1
        raise ClaimsError(f"{path}, line {line}: {error.problem}; mend the YAML there") from None
    except ValidationError as error:
        raise ClaimsError(f"{path}, {_misfit(error, entries, text)}; mend it there") from None
    twice = [name for name, count in Counter(c.id for c in claims).items() if count > 1]
    if twice:
        raise ClaimsError(f"{path.name}: claim {twice[0]} stands there twice; rename one")
    return claims


def _misfit(error: ValidationError, entries: object, text: str) -> str:
    """Say at which line, claim and key the entries do not fit, and why."""
    first = error.errors()[0]
    if not first["loc"]:
        return f"line 1: the file: {first['msg']}"
    number, *keys = first["loc"]
    line = yaml.compose(text).value[number].start_mark.line + 1
    entry = entries[number] if isinstance(entries[number], dict) else {}
    place = ".".join(map(str, keys)) or "entry"
    return f"line {line}: claim {entry.get('id', number + 1)}: {place}: {first['msg']}"


def table(root: Path) -> pd.DataFrame:
    """Judge all claims by the committed reference results.

    Parameters
    ----------
    root : Path
        Root of the repository.

    Returns
    -------
    DataFrame
        id, section, claim, evidence, rule (empty where there is none) and verdict, a row a claim.

    Raises
    ------
    ClaimsError
        If the claims file does not fit, or a section has no results, or they lack a metric that a
        rule names.
    """
    root = Path(root)
    sections = Store(root, REFERENCE).sections(committed=True)
    rows = []
    for claim in load_claims(root / "book" / "claims.yaml"):
        section = sections.get(claim.section)
        evidence, decided = _judge(claim, section)
        rule = _wording(claim.rule, section) if claim.rule else ""
        rows.append((claim.id, claim.section, claim.claim, evidence, rule, decided))
    return pd.DataFrame(rows, columns=["id", "section", "claim", "evidence", "rule", "verdict"])


def _judge(claim: Claim, section: Section | None) -> tuple[str, str]:
    """Return evidence and verdict in words."""
    if claim.rule is None:
        return claim.reason, "not comparable"
    file = f"results/{REFERENCE}/{claim.section}.json"
    found = section.metrics if section else {}
    missing = [name for name in claim.rule.metrics if name not in found]
    if missing:
        lack = f"{file} has no {missing[0]}" if section else f"there is no {file}"
        raise ClaimsError(
            f"claim {claim.id}: {lack}; make run and make accept its notebook, or mend the rule"
        )
    measured = [section.metrics[name] for name in claim.rule.metrics]
    try:
        decided = verdict(measured, claim.rule)
    except ClaimsError as error:
        raise ClaimsError(f"claim {claim.id}: {file}: {error}") from None
    numbers = "; ".join(map(_evidence, claim.rule.metrics, measured))
    return f"{claim.quantity}: {numbers}", decided


def _wording(rule: Rule, section: Section) -> str:
    """Say what the rule asks, and of how many pictures and seeds: "above 5 %; N = 48, 3 seeds"."""
    found = [section.metrics[name] for name in rule.metrics]
    margin = f"{rule.delta:g} {found[0].unit}".strip()
    asked = {"superiority": f"above {margin}", "equivalence": f"within ±{margin}"}
    counts = " or ".join(str(n) for n in sorted({m.n for m in found}))
    seeds = "one seed" if len(section.seeds) == 1 else f"{len(section.seeds)} seeds"
    return f"{asked.get(rule.kind, f'below {margin}')}; N = {counts}, {seeds}"


def _evidence(name: str, measured: Metric) -> str:
    """Word one metric: rate0.01_less_0.1.cv.relative is "rate 0.01 less 0.1: 8 % (6 to 10)"."""
    what = re.sub(r"(?<=[a-z])(?=\d)", " ", SPLIT.split(name)[0].replace("_", " "))
    form = ".0f" if max(abs(measured.low), abs(measured.high)) >= 10 else ".2f"
    value, low, high = (
        f"{number:{form}}".replace("-", "\N{MINUS SIGN}")
        for number in (measured.value, measured.low, measured.high)
    )
    unit = f" {measured.unit}" if measured.unit else ""
    return f"{what}: {value}{unit} ({low} to {high})"


def main(arguments: list[str] | None = None) -> int:
    """Print a line a claim, then a count; return the exit status."""
    parser = argparse.ArgumentParser(prog="facekp.claims", description=__doc__)
    parser.add_argument("--root", type=Path, help="root of the repository; found by default")
    try:
        judged = table(parser.parse_args(arguments).root or find_root())
    except (ClaimsError, ManifestError, ResultsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for row in judged.itertuples():
        print(f"{row.id:15} {row.verdict:15} {row.evidence}")
    counts = Counter(judged["verdict"])
    print(", ".join(f"{count} {name}" for name, count in counts.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
