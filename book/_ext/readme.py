"""Put the results of results/cpu into README.md: `make readme`. No number there is typed by hand.

With `--check` nothing is written, and the exit status says whether README.md is up to date.
"""

import argparse
import sys
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
from pages import count_verdicts, headlines

from facekp import claims, plots
from facekp.results import Store

ROOT = Path(__file__).resolve().parents[2]
BEGIN, END = "<!-- results: written by make readme -->", "<!-- end of results -->"
PICTURE = ROOT / "book" / "drawings" / "nose_tip.svg"
BARS = {
    "mean.val.mse": "mean position",
    "nose.val.mse": "3-layer net",
    "better.val.mse": "trained longer",
}


def block():
    """Return the part of README.md that holds results."""
    rows = [("measure", "value", "95 % interval", "pictures"), ("---", "---:", "---:", "---:")]
    rows += headlines(ROOT)
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"{BEGIN}\n\n{table}\n\n{count_verdicts(claims.table(ROOT))}\n\n{END}"


def draw(path):
    """Draw error by method and by view; a plot, so that no photograph is shown."""
    section = Store(ROOT, "cpu").load("nose_tip", committed=True)
    plots.use_book_style()
    panels = [
        ("mean squared error, persons 33–40", {BARS[k]: section.metrics[k] for k in BARS}),
        ("NME by view, %", section.groups["nme"]),
    ]
    for number, ax in enumerate(plots.axes(1, 2, height=2.4)):
        label, found = panels[number]
        intervals = [(m.value, m.low, m.high) for m in found.values()]
        plots.draw_intervals(list(found), intervals, number=number, ax=ax)
        ax.set_xlabel(label)
        ax.set_xlim(left=0)
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
    print("README.md and book/drawings/nose_tip.svg hold the numbers of results/cpu")


if __name__ == "__main__":
    main()
