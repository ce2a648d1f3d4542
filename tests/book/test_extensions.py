"""Quoted numbers, formulas and README: what the book's own Sphinx extensions do with text."""

import ast
import csv
import subprocess
import sys

import pytest
from docutils import nodes

from graph import ROOT

sys.path.insert(0, str(ROOT / "book" / "_ext"))

import library_links
import mathml
import pages
import pandas as pd
import quotes
import reference

from facekp.results import Metric, Store

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
def test_the_format_of_three_digits(value, form):
    assert quotes.digits_format(Metric(value=value, n=48, unit="", tolerance=0)) == form


def test_a_value_near_zero_has_no_more_digits_than_its_interval_bears_out():
    metric = Metric(value=0.0654, low=-1.107, high=1.238, n=48, unit="", tolerance=0)
    assert quotes.show(metric, "ci").startswith("0.07 (95")


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


def test_claims_are_counted_by_verdict():
    verdicts = ["reproduced", "not comparable", "reproduced"]
    said = pages.count_verdicts(pd.DataFrame({"verdict": verdicts}))
    assert said == "Of 3 claims tested: 2 reproduced, 1 not comparable."


def reference_sections():
    return Store(ROOT, "cpu").sections(committed=True)


def test_each_reference_run_has_a_panel_and_what_it_draws():
    for name, section in reference_sections().items():
        panel = reference.PANELS[name]
        assert set(panel.curves.values()) <= section.curves.keys(), name
        assert set(panel.groups.values()) <= section.groups.keys(), name


def test_each_ranked_method_of_a_reference_run_is_measured():
    sections = reference_sections()
    for stems in reference.METHODS.values():
        for name, stem in stems:
            if name in sections:
                assert f"{stem}.nme" in sections[name].metrics, (name, stem)


def test_methods_of_one_panel_were_measured_on_as_many_pictures():
    pictures = {}
    for dataset, _, section, stem in reference.methods(ROOT):
        pictures.setdefault(dataset, set()).add(section.metrics[f"{stem}.nme"].n)
    assert pictures
    assert all(len(counts) == 1 for counts in pictures.values())


def test_the_table_to_download_has_every_reference_number(tmp_path):
    reference.write_csv(ROOT, tmp_path / "results.csv")
    with (tmp_path / "results.csv").open(newline="") as lines:
        rows = {(row["section"], row["metric"]): row for row in csv.DictReader(lines)}
    sections = reference_sections()
    assert len(rows) == sum(len(section.metrics) for section in sections.values())
    [metric] = [sections["nose_tip"].metrics["nose.val.nme"]]
    row = rows["nose_tip", "nose.val.nme"]
    assert (float(row["value"]), float(row["low"]), int(row["n"])) == (
        metric.value,
        metric.low,
        metric.n,
    )


def test_names_of_the_library_in_code():
    imported = {}
    cells = [
        "from facekp import data, metrics as m\nfrom facekp.experiments import curves\nimport os",
        "faces = data.LOADERS['imm'](m.nme(curves))\nos.path(data)\nfaces.take(1)",
    ]
    names = [set(library_links.used(ast.parse(cell), imported)) for cell in cells]
    assert {"facekp.data.LOADERS", "facekp.metrics.nme", "facekp.experiments.curves"} <= names[1]
    assert not any("os" in name.split(".") or "take" in name for name in names[1])
