"""The generated parts of the book's pages, each a function that returns MyST Markdown."""

import re
from collections import Counter
from pathlib import Path

import matplotlib.pyplot as plt
import reference
from notebook_pages import commit, origin
from quotes import show

from facekp import claims, plots
from facekp.manifest import cards, load_manifest
from facekp.results import Store

METHOD_COLUMNS = (
    "method",
    "data",
    "pictures",
    "NME",
    "95 % interval",
    "AUC",
    "failures",
    "seeds",
    "weights",
    "minutes",
)
VERDICTS = ("reproduced", "not reproduced", "inconclusive", "not comparable")


def datasets(env):
    """Describe the data sets, a section each."""
    return cards(load_manifest(Path(env.config.facekp_root) / "data_manifest.yaml"))


def verdicts(env):
    """Count the verdicts in a sentence."""
    return count_verdicts(claims.table(env.config.facekp_root))


def methods(env):
    """Show the error of each method in a figure."""
    caption = (
        "Error of each method on photographs that it has not seen, by the reference runs; a panel "
        "for each data set, 95 % intervals over persons or photographs, crossed with seeds where "
        "there are several. Methods of one panel were measured on the same pictures; the U-Nets "
        "marked * are read with a prior of shapes and a shift of the labels, the others without."
    )
    behind = [section for _, _, section, _ in reference.methods(env.config.facekp_root)]
    return _figure(env, "methods", reference.draw_methods, caption, behind)


def method_table(env, page):
    """Tabulate the methods: what they are, what they cost, how they err."""
    rows = [METHOD_COLUMNS, *method_rows(env.config.facekp_root)]
    caption = (
        "Methods by data set, reference runs on photographs. NME with its 95 % interval; AUC up "
        "to, and failures above, an NME of 8 %; seeds: of the trainings behind the number (with "
        "one, no interval holds the luck of that training); weights: trainable parameters; "
        "minutes: of one training, on the machine that [Reproduce](reproduce.md) names. *: read "
        "with a prior of shapes and a shift of the labels, the others without."
    )
    return _table(rows, caption, f"tab-methods-{page}", "methods sortable")


def method_rows(root):
    """Yield the rows of the table of methods as text."""
    for dataset, label, section, stem in reference.methods(root):
        nme = section.metrics[f"{stem}.nme"]
        others = [section.metrics.get(f"{stem}.{measure}") for measure in ("auc8", "fr8")]
        made = section.methods.get(stem)
        yield (
            label,
            dataset,
            str(nme.n),
            show(nme),
            show(nme, "interval"),
            *(show(m) if m else "" for m in others),
            str(_seeds(Store(root, "cpu"), made)) if made else "",
            f"{made.weights:,}" if made and made.weights else "",
            f"{made.seconds / 60:.1f}" if made else "",
        )


def _seeds(store, method):
    """Count the seeds of a method's trainings."""
    return len({store.find_run(key).parameters["seed"] for key in method.runs})


def ced(env):
    """Show the cumulative error distributions on 300-W."""
    caption = (
        "Share of 300-W's test photographs with an NME up to a bound (CED), all seeds pooled; the "
        "grey line at 8 % is where a picture counts as failed."
    )
    behind = [section for _, section, _ in reference.trained(env.config.facekp_root)]
    return _figure(env, "ced", reference.draw_ced, caption, behind)


def keypoints(env):
    """Show the error of each keypoint on a face."""
    caption = (
        "Mean NME of each keypoint on 300-W's test photographs, by method: a dot's area grows with "
        "the error. The outline is the mean shape of the rendered faces."
    )
    behind = [section for _, section, _ in reference.trained(env.config.facekp_root)]
    return _figure(env, "keypoints", reference.draw_keypoints, caption, behind)


def downloads(env):
    """Offer every reference number as a table."""
    path = Path(env.srcdir) / "reference" / "results.csv"
    path.parent.mkdir(exist_ok=True)
    reference.write_csv(env.config.facekp_root, path)
    return "All reference numbers: {download}`results.csv </reference/results.csv>`."


def panel(env, name):
    """Show what a section's reference run found: curves, errors by group, numbers."""
    sections = Store(Path(env.config.facekp_root), "cpu").sections(committed=True)
    if name not in sections:
        return "The reference run of this section has not been made yet."
    section, slug = sections[name], name.replace("_", "-")
    groups = ", and by group with 95 % intervals" if reference.PANELS[name].groups else ""
    caption = (
        f"Reference run on photographs ({section.dataset.name}): error by epoch, mean over the "
        f"seeds{groups}."
    )
    drawn = _figure(env, name, lambda _root: reference.draw_section(section), caption, [section])
    rows = [("metric", "value", "95 % interval", "pictures")]
    for metric, found in section.metrics.items():
        interval = "" if found.low is None else show(found, "interval")
        rows.append((f"`{metric}`", show(found), interval, str(found.n)))
    table = _table(rows, "All numbers of the reference run.", f"tab-reference-{slug}", "headline")
    fold = (
        f"````{{dropdown}} All {len(section.metrics)} numbers of the reference run\n{table}\n````"
    )
    return f"{drawn}\n\n{fold}"


def _figure(env, name, draw, caption, behind):
    """Draw a figure of some sections into the site's sources; return the Markdown to show it."""
    path = Path(env.srcdir) / "reference" / f"{name}.svg"
    path.parent.mkdir(exist_ok=True)
    plots.use_book_style()
    alt = draw(env.config.facekp_root)
    plt.savefig(path, metadata={"Date": None})
    plt.close()
    options = [f":alt: {alt}", f":name: fig-reference-{name.replace('_', '-')}", ":class: plot"]
    top = f"```{{figure}} /reference/{name}.svg"
    made = {
        f"<code>results/cpu/{s.section}.json</code>, made by {commit(s.provenance)} on data "
        f"{s.dataset.name} (digest {s.dataset.digest[:10]})": None
        for s in behind
    }
    text = f"Drawn when this site was built, from {'; '.join(made)}."
    return "\n".join([top, *options, "", caption, "", origin(text), "```"])


def count_verdicts(table):
    """Say in a sentence how the claims fared."""
    counts = Counter(table["verdict"])
    parts = [f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict]]
    return f"Of {len(table)} claims tested: {', '.join(parts)}."


def claim_rows(env):
    """List each claim with its evidence, its verdict and the section that tests it."""
    root = env.config.facekp_root
    table = claims.table(root)
    pages = {path.stem[3:]: path.stem for path in Path(root, "notebooks").glob("*")}
    rows = [("claim", "evidence", "verdict", "section")]
    for row in table.itertuples():
        anchor = f'<span id="claim-{row.id}"></span>{row.claim}'
        chip = f"[{row.verdict}]{{.verdict .{row.verdict.replace(' ', '-')}}}"
        page = pages.get(row.section)
        link = f"[{row.section.replace('_', ' ')}](notebooks/{page}.ipynb)" if page else row.section
        asked = f" *Asked: {row.rule}.*" if row.rule else ""
        rows.append((f"{anchor} (`{row.id}`)", f"{row.evidence}.{asked}", chip, link))
    caption = (
        "Claims, evidence and verdicts: each quantity with its 95 % interval, what the rule asks "
        "of every interval, the pictures (N) and the seeds of the section's trainings."
    )
    return f"{count_verdicts(table)}\n\n{_table(rows, caption, 'tab-claims', 'claims')}"


def runs(env):
    """Give time, memory, machine and versions of each notebook's run."""
    root = Path(env.config.facekp_root)
    found = {
        "reference": Store(root, "cpu").sections(committed=True),
        "this build": Store(root, env.config.facekp_profile).sections(),
    }
    rows = [("section", "run", "notebook", "trainings", "memory", "made on", "made by")]
    places = []  # machines with their versions, in the order in which they are met
    for path in sorted(root.glob("notebooks/*.ipynb")):
        name = path.stem[3:]
        for kind, sections in found.items():
            if name not in sections:
                continue
            made = sections[name].provenance
            if (place := _place(made)) not in places:
                places.append(place)
            times = (_duration(made[part]) for part in ("wall_seconds", "training_seconds"))
            memory = f"{made['peak_memory_mb'] / 1024:.1f} GB"
            run = f"{kind}, {sections[name].profile}"
            number = f"({places.index(place) + 1})"
            rows.append((name.replace("_", " "), run, *times, memory, number, commit(made)))
    listed = "\n".join(f"{number}. {place}" for number, place in enumerate(places, start=1))
    return f"{_table(rows, 'Runs behind the numbers.', 'tab-runs', 'runs')}\n\nMade on:\n\n{listed}"


def _place(made):
    """Describe a run's machine and the versions that it used."""
    versions = ", ".join(f"{name} {version}" for name, version in made["versions"].items())
    return f"{made['cores']} cores, {made['device']}, {made['system']}; {versions}"


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


PAGES = {
    "ced": ced,
    "claims": claim_rows,
    "datasets": datasets,
    "downloads": downloads,
    "keypoints": keypoints,
    "method_table": method_table,
    "methods": methods,
    "reference": panel,
    "runs": runs,
    "verdicts": verdicts,
}
