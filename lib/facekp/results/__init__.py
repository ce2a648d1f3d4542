"""Run files and results files: the only way by which a number reaches prose, table or claim.

Here: their schemas, where they lie, writing them whole or not at all, and holding fresh ones
against committed ones. Not here: computing a number (``metrics``) or judging it (``claims``).
"""

from facekp.results.compare import accept, compare
from facekp.results.provenance import provenance
from facekp.results.schema import Dataset, Method, Metric, Run, Section, metric
from facekp.results.store import CHANGED, ResultsError, Store, write_json

__all__ = [
    "CHANGED",
    "Dataset",
    "Method",
    "Metric",
    "ResultsError",
    "Run",
    "Section",
    "Store",
    "accept",
    "compare",
    "metric",
    "provenance",
    "write_json",
]
