"""Put results of results/cpu and a picture of the built book into README.md: `make readme`.

No number there is typed by hand.

With `--check` nothing is written, and the exit status says whether README.md is up to date.
"""

import argparse
import sys
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
from pages import METHOD_COLUMNS, count_verdicts, method_rows
from reference import draw_methods

from facekp import claims, plots

ROOT = Path(__file__).resolve().parents[2]
BEGIN, END = "<!-- results: written by make readme -->", "<!-- end of results -->"
PICTURE = ROOT / "book" / "drawings" / "methods.svg"


def block():
    """Return the part of README.md that holds results."""
    rows = [
        METHOD_COLUMNS,
        ("---", "---", *["---:"] * (len(METHOD_COLUMNS) - 2)),
        *method_rows(ROOT),
    ]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"{BEGIN}\n\n{table}\n\n{count_verdicts(claims.table(ROOT))}\n\n{END}"


def draw(path):
    """Draw the error of each method; a plot, so that no photograph is shown."""
    plots.use_book_style()
    draw_methods(ROOT)
    plt.savefig(path, metadata={"Date": None})
    plt.close()


def main():
    """Write or check."""
    matplotlib.use("svg")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    current = before + block() + rest.split(END)[1]
    if parser.parse_args().check:
        sys.exit(current != text and "README.md is behind results/cpu: run make readme")
    readme.write_text(current, encoding="utf-8")
    draw(PICTURE)
    print("README.md and book/drawings/methods.svg hold the numbers of results/cpu")


if __name__ == "__main__":
    main()
