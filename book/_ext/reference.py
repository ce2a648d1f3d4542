"""Draw what the reference runs on real photographs found: the figures that every build shows.

Each ``draw_*`` returns the alternative text of what it drew, made from the same numbers.
"""

import csv
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from defusedxml import ElementTree

from facekp import metrics, plots
from facekp.results import Store
from facekp.schemes import IBUG68


@dataclass(frozen=True)
class Panel:
    """What is drawn of a section's results file: label to name of a curve, or of a group."""

    ylabel: str  # like xlabel, may name parameters of the section in braces
    curves: dict[str, str]
    groups: dict[str, str] = field(default_factory=dict)
    xlabel: str = "NME, %"


PANELS = {
    "nose_tip": Panel(
        "mean squared error",
        {"training": "plain, train_loss", "persons 33–40": "plain, val_loss"},
        {"3-layer net": "nme"},
    ),
    "full_keypoints": Panel(
        "error, px of {size[1]}×{size[0]}",
        {
            "as reported": "plain, val_error",
            "no dropout": "no dropout, val_error",
            "lower rate": "lower rate, val_error",
        },
        {"as reported": "parts"},
    ),
    "resnet": Panel(
        "error, px of {size[1]}",
        {
            "constant rate": "constant rate",
            "StepLR": "StepLR",
            "smooth L1": "StepLR, smooth L1",
            "bins": "StepLR, bins",
        },
        {"ResNet-18": "resnet, part", "dlib's trees": "dlib, part"},
    ),
    "gaussian_heatmaps": Panel(
        "NME, %",
        {f"σ = {sigma}": f"sigma {sigma}, val_nme" for sigma in (7, 9, 11)},
        {"σ = 7": "parts"},
    ),
    "binary_masks": Panel(
        "error, px of {size[1]}",
        {
            "mask": "mask, spatial, val_error",
            "Gaussian": "Gaussian, spatial, val_error",
        },
    ),
    "fair_comparison": Panel(
        "error, px of {primary_size[1]}",
        {
            "disc": "('primary', ('disc', 7, 'spatial'))",
            "Gaussian": "('primary', ('equal moment', 7, 'spatial'))",
        },
        {"disc": "disc, spatial", "Gaussian": "equal moment, spatial"},
        "NME, % (crops of {size[1]})",
    ),
    "transfer": Panel(
        "error, px of {size[1]}",
        {"learnt from rendered faces": "demo_to_real", "learnt from photographs": "real"},
        {"rendered": "demo_to_real", "photographs": "real"},
    ),
}
# What is ranked side by side: only what was measured on the same pictures.
METHODS = {
    "IMM, nose": {
        ("nose_tip", "mean.val"): "mean position",
        ("nose_tip", "nose.val"): "3-layer net",
        ("nose_tip", "better.val"): "3-layer net, trained longer",
    },
    "IMM, 58 points": {
        ("full_keypoints", "mean.val"): "mean shape",
        ("full_keypoints", "plain.val"): "5-layer net, as reported",
        ("full_keypoints", "no_dropout.val"): "5-layer net, no dropout",
        ("full_keypoints", "better.val"): "5-layer net, better trained",
    },
    "300-W": {
        ("transfer", "mean.test"): "mean shape in the box",
        ("transfer", "demo_to_real.test"): "U-Net*, rendered faces only",
        ("binary_masks", "disc3.test"): "U-Net, masks, trained briefly",
        ("binary_masks", "gaussian7.test"): "U-Net, Gaussians, trained briefly",
        ("resnet", "dlib.test"): "dlib's regression trees",
        ("resnet", "resnet.test"): "ResNet-18",
        ("transfer", "real.test"): "U-Net*, some of the photographs",
        ("fair_comparison", "best.test"): "U-Net, best recipe",
    },
}


def methods(root):
    """Yield (data set, label, section, stem) of each method that has been measured."""
    sections = Store(root, "cpu").sections(committed=True)
    for dataset, stems in METHODS.items():
        for (name, stem), label in stems.items():
            if name in sections and f"{stem}.nme" in sections[name].metrics:
                yield dataset, label, sections[name], stem


def evaluations(root, section, stem):
    """Return the last evaluations of the trainings behind the numbers of a method."""
    store = Store(root, "cpu")
    found = [store.find_run(key) for key in section.methods[stem].runs]
    return [run.evaluations[run.parameters["epochs"]] for run in found]


def draw_section(section):
    """Draw curves and errors by group of a section; return the figure's alternative text."""
    panel = PANELS[section.section]
    ylabel, xlabel = (s.format(**section.parameters) for s in (panel.ylabel, panel.xlabel))
    axes = plots.axes(1, 2 if panel.groups else 1, height=2.7)
    said = []
    for number, (label, name) in enumerate(panel.curves.items()):
        curve = np.array(section.curves[name])
        plots.draw_band(curve[None], number=number, label=label, ax=axes[0])
        said.append(f"{label} from {curve[0]:.3g} to {curve[-1]:.3g}")
    axes[0].set(yscale="log", ylabel=ylabel)
    axes[0].legend(fontsize=8)
    alt = f"{ylabel} by epoch: {', '.join(said)}."
    for number, (label, name) in enumerate(panel.groups.items()):
        found = section.groups[name]
        intervals = [(m.value, m.low, m.high) for m in found.values()]
        style = {"number": number, "shift": 0.3 * number, "label": label}
        plots.draw_intervals(list(found), intervals, **style, ax=axes[1])
        values = ", ".join(f"{group} {m.value:.1f}" for group, m in found.items())
        alt += f" {xlabel} by group, {label}: {values}."
    if panel.groups:
        axes[1].set(xlabel=xlabel, xlim=(0, None))
    if len(panel.groups) > 1:
        axes[1].legend(fontsize=8, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1))
    return alt


def draw_methods(root):
    """Draw the error of each method, a panel a data set."""
    by_set = {}
    for dataset, label, section, stem in methods(root):
        by_set.setdefault(dataset, []).append((label, section.metrics[f"{stem}.nme"]))
    heights = [len(rows) + 1 for rows in by_set.values()]
    figure = plt.figure(figsize=(7.0, 0.32 * sum(heights) + 0.5 * len(heights)))
    alt = "NME in per cent."
    panels = np.ravel(figure.subplots(len(by_set), 1, height_ratios=heights))
    for number, (ax, (dataset, rows)) in enumerate(zip(panels, by_set.items(), strict=True)):
        labels, found = zip(*sorted(rows, key=lambda row: -row[1].value), strict=True)
        intervals = [(m.value, m.low, m.high) for m in found]
        plots.draw_intervals(labels, intervals, number=number, ax=ax)
        ax.set_title(f"{dataset}, {found[0].n} pictures", fontsize=10, loc="left")
        ax.set_xlim(left=0)
        values = zip(labels, found, strict=True)
        alt += f" {dataset}: {', '.join(f'{label} {m.value:.1f}' for label, m in values)}."
    panels[-1].set_xlabel("NME, %")
    return alt


def draw_ced(root):
    """Draw the cumulative error distributions on 300-W."""
    grid, said = np.linspace(0, 0.12, 241), []
    [ax] = plots.axes(height=3.2)
    for number, (label, section, stem) in enumerate(trained(root)):
        nme = np.concatenate([e.nme for e in evaluations(root, section, stem)])
        color = [*plots.COLORS, "black"][number]  # as many as there are methods
        style = {"color": color, "ls": plots.LINES[number % len(plots.LINES)]}
        ax.plot(100 * grid, metrics.ced(nme, grid), label=label, **style)
        said.append(f"{label} {100 * np.mean(nme <= 0.05):.0f} %")
    ax.axvline(8, color="0.6", lw=1)
    ax.set(xlabel="NME, %", ylabel="share of pictures at most there", ylim=(0, 1))
    ax.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return f"Rising curves, one a method. Share of pictures at most at 5 %: {', '.join(said)}."


def draw_keypoints(root):
    """Draw the error of each of 300-W's keypoints on a mean face, a panel a method."""
    found = list(trained(root))
    face, scheme = _mean_face(root), IBUG68
    panels = plots.axes(-(-len(found) // 2), 2, height=3.0)
    said = []
    for ax, (label, section, stem) in zip(panels, found, strict=False):
        error = 100 * np.mean([e.by_keypoint for e in evaluations(root, section, stem)], axis=0)
        plots.draw_outline(face, scheme, ax=ax)
        ax.scatter(*face.T, s=12 * error, color=plots.COLORS[1], alpha=0.7, lw=0)
        ax.set_title(f"{label}: {error.min():.1f} to {error.max():.1f} %", fontsize=9)
        worst = next(part for part, ks in scheme.groups.items() if error.argmax() in ks)
        said.append(f"{label} {error.min():.1f} to {error.max():.1f} %, most at the {worst}")
    for ax in panels[len(found) :]:
        ax.set_axis_off()
    return f"An outline of a face with a dot at each keypoint: {'; '.join(said)}."


def trained(root):
    """Yield label, section and stem of the methods on 300-W whose run files are kept."""
    for dataset, label, section, stem in methods(root):
        if dataset.startswith("300-W") and stem in section.methods:
            yield label, section, stem


def _mean_face(root):
    """Return the mean shape of the rendered training crops, (68, 2), each of one size."""
    labels = Path(root) / "data" / "demo" / "ibug300w" / "labels_ibug_300W_train.xml"
    boxes = ElementTree.parse(labels).iter("box")
    faces = np.array([[(float(p.get("x")), float(p.get("y"))) for p in box] for box in boxes])
    faces = faces - faces.mean(1, keepdims=True)
    return (faces / faces.std((1, 2), keepdims=True)).mean(0)


def write_csv(root, path):
    """Write every reference number as a line of a table."""
    with path.open("w", newline="", encoding="utf-8") as out:
        rows = csv.writer(out)
        rows.writerow(["section", "metric", "value", "low", "high", "unit", "n", "dataset"])
        for name, section in Store(root, "cpu").sections(committed=True).items():
            for metric, m in section.metrics.items():
                values = (m.value, m.low, m.high, m.unit, m.n)
                rows.writerow([name, metric, *values, section.dataset.name])
