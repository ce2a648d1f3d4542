"""The generated parts of the book's pages, each a function that returns MyST Markdown."""

import re
from collections import Counter
from pathlib import Path

from notebook_pages import commit
from quotes import show

from facekp import claims
from facekp.manifest import cards, load_manifest
from facekp.results import Store

VERDICTS = ("reproduced", "not reproduced", "inconclusive", "not comparable")
# What the first page and the README show of each section, in words.
HEADLINES = {
    "nose_tip": {
        "mean.val.mse": "Mean position for every picture: mean squared error in [0, 1]",
        "nose.val.mse": "3-layer net of the original: mean squared error in [0, 1]",
        "better.val.mse": "The same net, trained longer: mean squared error in [0, 1]",
        "nose.val.px640": "3-layer net: error in pixels of 640×480",
        "better.val.px640": "Trained longer: error in pixels of 640×480",
        "nose.val.nme": "3-layer net: NME",
        "better.val.nme": "Trained longer: NME",
        "nose.cv.nme": "3-layer net, five folds of persons: NME",
    },
    "full_keypoints": {
        "mean.val.nme": "58 keypoints, mean shape for every picture: NME",
        "plain.val.nme": "58 keypoints, the original's net: NME",
        "plain.cv.nme": "58 keypoints, the original's net, five folds of persons: NME",
        "better.cv.nme": "58 keypoints, the same net, better trained, four folds: NME",
        "better.val.mse": "58 keypoints, better trained: mean squared error in [0, 1]",
    },
    "resnet": {
        "resnet.test.nme": "300-W, ResNet-18 from scratch: NME",
        "dlib.test.nme": "300-W, dlib's regression trees, same photographs: NME",
        "resnet.test.fr8": "300-W, ResNet-18: pictures above an NME of 8 %",
        "dlib.test.fr8": "300-W, dlib's trees: pictures above an NME of 8 %",
    },
    "transfer": {
        "mean.test.nme": "300-W, mean shape in each box: NME",
        "demo_to_real.test.nme": "300-W, U-Net that saw only rendered faces: NME",
        "real.test.nme": "300-W, the same U-Net trained on as many photographs: NME",
    },
}


def datasets(config):
    """Describe the data sets, a section each."""
    return cards(load_manifest(Path(config.facekp_root) / "data_manifest.yaml"))


def summary(config):
    """Count the verdicts and show the headline results."""
    counts = count_verdicts(claims.table(config.facekp_root))
    rows = [("measure", "value", "95 % interval", "pictures"), *headlines(config.facekp_root)]
    caption = "Reference results on real photographs; persons of the test unseen in training."
    return f"{counts}\n\n{_table(rows, caption, 'tab-headline', 'headline')}"


def count_verdicts(table):
    """Say in a sentence or two how the claims fared."""
    waiting = table["evidence"].str.startswith(claims.NOT_MEASURED)
    counts = Counter(table["verdict"][~waiting])
    parts = [f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict]]
    sentence = f"Of {(~waiting).sum()} claims tested: {', '.join(parts)}."
    return sentence + (f" Not measured yet: {waiting.sum()} more." if waiting.any() else "")


def headlines(root):
    """Yield the headline results as rows of text: measure, value, interval, pictures."""
    sections = Store(Path(root), "cpu").sections(committed=True)
    for name, measures in HEADLINES.items():  # in the order of the book
        if name not in sections:
            continue
        for metric, words in measures.items():
            found = sections[name].metrics[metric]
            interval = "" if found.low is None else show(found, "interval")
            yield words, show(found), interval, str(found.n)


def claim_rows(config):
    """List each claim with its evidence, its verdict and the section that tests it."""
    table = claims.table(config.facekp_root)
    pages = {path.stem[3:]: path.stem for path in Path(config.facekp_root, "notebooks").glob("*")}
    rows = [("claim", "evidence", "verdict", "section")]
    for row in table.itertuples():
        anchor = f'<span id="claim-{row.id}"></span>{row.claim}'
        chip = f"[{row.verdict}]{{.verdict .{row.verdict.replace(' ', '-')}}}"
        page = pages.get(row.section)
        link = f"[{row.section.replace('_', ' ')}](notebooks/{page}.ipynb)" if page else row.section
        rows.append((f"{anchor} (`{row.id}`)", row.evidence, chip, link))
    caption = "Claims, evidence and verdicts."
    return f"{count_verdicts(table)}\n\n{_table(rows, caption, 'tab-claims', 'claims')}"


def runs(config):
    """Give time, memory, machine and versions of each notebook's run."""
    root = Path(config.facekp_root)
    head = ("section", "profile", "time", "memory", "machine", "versions", "made by")
    rows = [head]
    for store, committed in (
        (Store(root, "cpu"), True),
        (Store(root, config.facekp_profile), False),
    ):
        for name, section in store.sections(committed).items():
            kind = f"{section.profile}, {'reference' if committed else 'this build'}"
            rows.append((name.replace("_", " "), kind, *_made(section.provenance)))
    return _table(rows, "Runs behind the numbers.", "tab-runs", "runs")


def _made(made):
    time = f"{_duration(made['wall_seconds'])}; trainings {_duration(made['training_seconds'])}"
    machine = f"{made['cores']} cores, {made['device']}, {made['system']}"
    versions = ", ".join(f"{name} {version}" for name, version in made["versions"].items())
    return time, f"{made['peak_memory_mb'] / 1024:.1f} GB", machine, versions, commit(made)


def _duration(seconds):
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def _table(rows, caption, name, kind):
    if len(rows) == 1:
        return "No results of this kind are there yet."
    lines = [f"```{{list-table}} {caption}", ":header-rows: 1", f":name: {name}", f":class: {kind}"]
    for row in rows:
        marks = ["* - ", *["  - "] * (len(row) - 1)]
        lines += [
            "",
            *(mark + re.sub(r"\s+", " ", cell) for mark, cell in zip(marks, row, strict=True)),
        ]
    return "\n".join([*lines, "```"])


PAGES = {"claims": claim_rows, "datasets": datasets, "runs": runs, "summary": summary}
