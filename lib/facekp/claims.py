"""Claims × results → verdicts, by rules that were fixed before the results.

Here: reading book/claims.yaml, deciding, listing. Not here: measuring (the notebooks do, and
``results`` keeps it). ``python -m facekp.claims`` prints a line a claim, then a count.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pandas as pd
import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from facekp.results import Metric, ResultsError, Section, Store

__all__ = ["Claim", "ClaimsError", "Rule", "load_claims", "table", "verdict"]

REFERENCE = "cpu"  # the profile whose committed results decide, whatever was executed


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
    if any(m.low is None for m in measured):
        raise ClaimsError(f"{rule.metrics}: a verdict needs intervals")
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
        If it does not fit; names the claim, the key and what is wrong.
    """
    entries = yaml.safe_load(path.read_text())
    try:
        claims = TypeAdapter(list[Claim]).validate_python(entries)
    except ValidationError as error:
        first = error.errors()[0]
        number, *keys = first["loc"] or ("",)
        entry = entries[number] if isinstance(number, int) else {}
        name = entry.get("id", number) if isinstance(entry, dict) else number
        place = ".".join(map(str, keys)) or "entry"
        raise ClaimsError(f"{path.name}: claim {name}: {place}: {first['msg']}") from None
    twice = [name for name, count in Counter(c.id for c in claims).items() if count > 1]
    if twice:
        raise ClaimsError(f"{path.name}: claim {twice[0]} stands there twice; rename one")
    return claims


def table(root: Path) -> pd.DataFrame:
    """Judge all claims by the committed reference results.

    Parameters
    ----------
    root : Path
        Root of the repository.

    Returns
    -------
    DataFrame
        id, section, claim, evidence and verdict, a row a claim.

    Raises
    ------
    ClaimsError
        If the claims file does not fit, or results lack a metric that a rule names.
    """
    root = Path(root)
    sections = Store(root, REFERENCE).sections(committed=True)
    rows = []
    for claim in load_claims(root / "book" / "claims.yaml"):
        evidence, decided = _judge(claim, sections.get(claim.section))
        rows.append((claim.id, claim.section, claim.claim, evidence, decided))
    return pd.DataFrame(rows, columns=["id", "section", "claim", "evidence", "verdict"])


def _judge(claim: Claim, section: Section | None) -> tuple[str, str]:
    """Return evidence and verdict in words."""
    if claim.rule is None:
        return claim.reason, "not comparable"
    if section is None:
        return f"not measured yet: no results/{REFERENCE}/{claim.section}.json", "not comparable"
    missing = [name for name in claim.rule.metrics if name not in section.metrics]
    if missing:
        raise ClaimsError(
            f"claim {claim.id}: results/{REFERENCE}/{claim.section}.json has no {missing[0]}; "
            f"make run and make accept its notebook, or mend the rule"
        )
    measured = [section.metrics[name] for name in claim.rule.metrics]
    numbers = "; ".join(
        f"{name.split('.cv')[0].replace('_', ' ')}: {_number(m.value, m.unit)} "
        f"({_number(m.low, '')} to {_number(m.high, '')})"
        for name, m in zip(claim.rule.metrics, measured, strict=True)
    )
    return f"{claim.quantity}: {numbers}", verdict(measured, claim.rule)


def _number(value: float, unit: str) -> str:
    text = f"{value:.2f}" if abs(value) < 10 else f"{value:.0f}"
    return f"{text} {unit}".strip().replace("-", "\N{MINUS SIGN}")


def main(arguments: list[str] | None = None) -> int:
    """Print a line a claim, then a count; return the exit status."""
    parser = argparse.ArgumentParser(prog="facekp.claims", description=__doc__)
    parser.add_argument("--root", type=Path, default=Path.cwd(), help="root of the repository")
    try:
        judged = table(parser.parse_args(arguments).root)
    except (ClaimsError, ResultsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for row in judged.itertuples():
        print(f"{row.id:15} {row.verdict:15} {row.evidence}")
    counts = Counter(judged["verdict"])
    print(", ".join(f"{count} {name}" for name, count in counts.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
