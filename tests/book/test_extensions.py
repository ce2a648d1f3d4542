"""Quoted numbers, formulas and README: what the book's own Sphinx extensions do with text."""

import subprocess
import sys

import pytest
from docutils import nodes

from graph import ROOT

sys.path.insert(0, str(ROOT / "book" / "_ext"))

import mathml
import pages
import pandas as pd
import quotes

from facekp.results import Metric

THIN = "\N{NARROW NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ("", f"5.31{THIN}%"),
        ("ci", f"5.31{THIN}% (95{THIN}% interval 4.90 to 5.75{THIN}%)"),
        ("interval", f"4.90 to 5.75{THIN}%"),
        ("n", "48"),
        (".1f", f"5.3{THIN}%"),
    ],
)
def test_a_metric_in_words(how, text):
    metric = Metric(value=5.314, low=4.9, high=5.749, n=48, unit="%", tolerance=0.1)
    assert quotes.show(metric, how) == text


def test_a_negative_number_has_a_minus_sign_and_no_unit_no_space():
    metric = Metric(value=-0.00123, low=-0.002, high=0.001, n=48, unit="", tolerance=0)
    assert quotes.show(metric, "interval") == "\N{MINUS SIGN}0.00200 to 0.00100"


def test_an_interval_that_is_not_there_is_not_quoted():
    metric = Metric(value=1, n=48, unit="px", tolerance=0)
    with pytest.raises(quotes.QuoteError, match="no interval"):
        quotes.show(metric, "ci")


@pytest.mark.parametrize(
    ("value", "form"),
    [(0.00123, ".5f"), (0.0999, ".4f"), (5.3, ".2f"), (12.3, ".1f"), (640.0, ".0f"), (0, ".2f")],
)
def test_three_digits(value, form):
    assert quotes.three_digits(value) == form


def test_a_formula_becomes_mathml():
    done = mathml._mathml(nodes.math_block("", r"\frac{a}{b}"), "block")
    assert "<mfrac><mrow><mi>a</mi></mrow><mrow><mi>b</mi></mrow></mfrac>" in done
    rows = mathml._mathml(nodes.math_block("", r"\begin{align}a&=b\\c&=d\end{align}"), "block")
    assert rows.count("<mtr>") == 2


def test_an_unknown_command_in_a_formula_is_a_warning(caplog):
    mathml._mathml(nodes.math("", r"\nosuchcommand{x}"), "inline")
    assert "unknown command \\nosuchcommand" in caplog.text


def test_readme_holds_the_committed_results():
    command = [sys.executable, "book/_ext/readme.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_claims_without_results_are_counted_apart():
    evidence = ["a: 1", "not measured yet: no results/cpu/b.json", "The original shows no number."]
    verdicts = ["reproduced", "not comparable", "not comparable"]
    said = pages.count_verdicts(pd.DataFrame({"evidence": evidence, "verdict": verdicts}))
    expected = "Of 2 claims tested: 1 reproduced, 1 not comparable. Not measured yet: 1 more."
    assert said == expected
