"""The roles `result` and `claim`: every number of the prose is read from a results file.

    {result}`nose_tip/nose.val.nme`           5.31 %
    {result}`nose_tip/nose.val.nme ci`        5.31 % (95 % interval 4.80 to 5.90 %)
    {result}`nose_tip/nose.val.nme interval`  4.80 to 5.90 %
    {result}`nose_tip/nose.val.nme n`         48
    {result}`nose_tip/nose.val.nme .1f`       5.3 %, in a format of Python's
    {result}`nose_tip/nose.val.nme ci .1f`    both
    {result}`nose_tip:provenance.device`      another field of results/cpu/nose_tip.json
    {claim}`nose-epochs`                      the verdict, linked to its row

A name that is in no results file is an error, which fails the build.
"""

import math
from functools import cache

from docutils import nodes
from sphinx.util.docutils import SphinxRole
from sphinx.util.nodes import make_refnode

from facekp import claims
from facekp.results import ResultsError, Store

THIN = "\N{NARROW NO-BREAK SPACE}"
WORDS = ("ci", "interval", "n", "unit")


class QuoteError(Exception):
    """A quoted name that its results file does not have."""


@cache
def section(root, name):
    """Read the committed reference results of a section."""
    return Store(root, "cpu").load(name, committed=True)


def quote(root, text):
    """Return what a `result` role says, as text."""
    name, _, how = text.strip().partition(" ")
    file, slash, metric = name.partition("/")
    if not slash:
        return _field(root, name)
    metrics = section(root, file).metrics
    if metric not in metrics:
        raise QuoteError(f"results/cpu/{file}.json has no metric {metric!r}")
    return show(metrics[metric], how)


def _field(root, name):
    file, _, path = name.partition(":")
    value = section(root, file).model_dump(by_alias=True)
    for key in path.split("."):
        if not isinstance(value, dict) or key not in value:
            raise QuoteError(f"results/cpu/{file}.json has no field {path!r}")
        value = value[key]
    return str(value)


def show(metric, how=""):
    """Return a metric in words, as the words of `how` say: ci, interval, n, unit, a format."""
    words = how.split()
    if words in (["n"], ["unit"]):
        return str(getattr(metric, how))
    form = next((word for word in words if word not in WORDS), digits_format(metric))
    unit = THIN + metric.unit if metric.unit else ""
    text = f"{metric.value:{form}}{unit}"
    if set(words) & set(WORDS):
        if metric.low is None:
            raise QuoteError("this metric has no interval")
        interval = f"{metric.low:{form}} to {metric.high:{form}}{unit}"
        text = f"{text} (95{THIN}% interval {interval})" if "ci" in words else interval
    return text.replace("-", "\N{MINUS SIGN}")


def digits_format(metric):
    """Return the format with three digits of a value or, if larger, of half its interval."""
    half = 0 if metric.low is None else (metric.high - metric.low) / 2
    largest = max(abs(metric.value), half)
    size = math.floor(math.log10(largest)) if largest else 0
    return f".{max(0, 2 - size)}f"


class Result(SphinxRole):
    """Quote a committed result."""

    def run(self):
        try:
            text = quote(self.config.facekp_root, self.text)
        except (QuoteError, ResultsError, ValueError) as error:
            message = self.inliner.reporter.error(f"{self.rawtext}: {error}", line=self.lineno)
            return [self.inliner.problematic(self.rawtext, self.rawtext, message)], [message]
        return [nodes.inline(text, text, classes=["result"])], []


class Claim(SphinxRole):
    """Give a claim's verdict, linked to its row on the claims page."""

    def run(self):
        verdicts = claims.table(self.config.facekp_root).set_index("id")["verdict"]
        if self.text not in verdicts:
            message = self.inliner.reporter.error(f"no claim {self.text!r}", line=self.lineno)
            return [self.inliner.problematic(self.rawtext, self.rawtext, message)], [message]
        verdict = verdicts[self.text]
        classes = ["verdict", verdict.replace(" ", "-")]
        chip = nodes.inline(verdict, verdict, classes=classes)
        builder, here = self.env.app.builder, self.env.docname
        return [make_refnode(builder, here, "claims", f"claim-{self.text}", chip)], []


def setup(app):
    app.add_config_value("facekp_root", "", "env")
    app.add_config_value("facekp_profile", "", "env")
    app.add_config_value("facekp_commit", "", "html")
    app.add_role("result", Result())
    app.add_role("claim", Claim())
    return {"parallel_read_safe": True, "parallel_write_safe": True}
