"""Make small data sets of cartoon faces with exact keypoints, in the layouts of IMM and 300-W.

They are the source of every test picture, and stand in for a data set where none is at hand:

    python tests/cartoon_faces.py imm OUT [--persons 40] [--size 160x120] [--seed 0]
    python tests/cartoon_faces.py ibug OUT [--train 12] [--test 4] [--seed 0]

Every picture is decided by the seed and its own number.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np

from cartoon_drawing import draw_face
from cartoon_head import Head, Person, Pose, ibug68, imm58


def imm_pose(view: int, size, rng: np.random.Generator) -> Pose:
    """Return a pose for one of IMM's six views."""
    height, width = size
    centre = (width * rng.normal(0.49, 0.025), height * rng.normal(0.56, 0.025))
    common = {
        "centre": centre,
        "scale": width * 0.155 * rng.normal(1, 0.03),
        "roll": rng.normal(0, 0.03),
    }
    particular = {
        1: {},
        2: {"smile": rng.uniform(0.6, 1.0)},
        3: {"yaw": -rng.normal(0.5, 0.06)},
        4: {"yaw": rng.normal(0.5, 0.06)},
        5: {"light": rng.uniform(0.35, 0.5)},
        6: {
            "open_mouth": rng.uniform(0.1, 0.3),
            "brows": rng.uniform(-0.08, 0.12),
            "smile": rng.uniform(-0.5, 0.8),
            "yaw": rng.normal(0, 0.15),
        },
    }
    return Pose(**common, **particular[view])


def write_imm(folder: Path, persons: int, size: tuple[int, int], seed: int) -> None:
    """Write `PP-Vg.jpg` and `PP-Vg.asf` for six views of each person; `size` is (H, W)."""
    for number in range(1, persons + 1):
        rng = np.random.default_rng([seed, number])
        person = Person.draw(rng)
        offset = size[1] * rng.normal(0, 0.02, 2)
        for view in range(1, 7):
            pose = imm_pose(view, size, rng)
            pose = replace(pose, centre=tuple(pose.centre + offset))
            head = Head(person, pose)
            stem = f"{number:02d}-{view}{'f' if person.long_hair else 'm'}"
            draw_face(head, size, "#3f5f56", rng).save(folder / f"{stem}.jpg", quality=90)
            text = asf_text(imm58(head) / size[::-1], f"{stem}.jpg")
            (folder / f"{stem}.asf").write_text(text)


def asf_text(fractions: np.ndarray, picture: str) -> str:
    """Return a shape file's text; the connections between points are left at zero."""
    rows = [f"0\t0\t{x:.8f}\t{y:.8f}\t{k}\t0\t0" for k, (x, y) in enumerate(fractions)]
    return "\n".join(
        [
            "# AAM Shape File",
            "#",
            "# number of model points",
            "#",
            str(len(rows)),
            "",
            "# model points",
            *rows,
            "",
            "# host image",
            picture,
            "",
        ]
    )


def write_ibug(folder: Path, train: int, test: int, seed: int) -> None:
    """Write pictures of several sizes and dlib's XML of both splits."""
    for split, count in {"train": train, "test": test}.items():
        images = []
        for number in range(count):
            rng = np.random.default_rng([seed, split == "test", number])
            subset = f"helen/{split}set" if number % 2 else f"lfpw/{split}set"
            name = f"{subset}/{'' if number % 2 else 'image_'}{1000 + number}{'_1' * (number % 2)}"
            size = (int(rng.integers(120, 180)), int(rng.integers(120, 180)))
            pose = Pose(
                centre=(size[1] * rng.normal(0.5, 0.05), size[0] * rng.normal(0.5, 0.05)),
                scale=min(size) * rng.uniform(0.22, 0.3),
                yaw=rng.normal(0, 0.3),
                roll=rng.normal(0, 0.15),
                smile=rng.uniform(-0.3, 1),
                open_mouth=max(0, rng.normal(0, 0.15)),
                light=rng.normal(0, 0.2),
            )
            head = Head(Person.draw(rng), pose)
            backdrop = "#{:02x}{:02x}{:02x}".format(*rng.integers(60, 200, 3))
            (folder / subset).mkdir(parents=True, exist_ok=True)
            draw_face(head, size, backdrop, rng).save(folder / f"{name}.jpg", quality=90)
            points = ibug68(head)
            images.append(image_xml(f"{name}.jpg", size, points, detector_box(points, rng)))
        text = "\n".join(
            [
                "<?xml version='1.0' encoding='ISO-8859-1'?>",
                "<dataset>",
                "<images>",
                *images,
                "</images>",
                "</dataset>",
                "",
            ]
        )
        (folder / f"labels_ibug_300W_{split}.xml").write_text(text, encoding="latin-1")


def detector_box(points: np.ndarray, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """Return left, top, width, height of a square about the face, a bit off."""
    low, high = points.min(axis=0), points.max(axis=0)
    side = round(float(np.sqrt(np.prod(high - low)) * rng.normal(1.07, 0.06)))
    left, top = np.round((low + high - side) / 2 + side * rng.normal([0, -0.05], 0.03)).astype(int)
    return int(left), int(top), side, side


def image_xml(name: str, size, points: np.ndarray, box) -> str:
    """Return one <image> element with one face."""
    left, top, width, height = box
    return "\n".join(
        [
            f"  <image file={quoteattr(name)} width='{size[1]}' height='{size[0]}'>",
            f"    <box top='{top}' left='{left}' width='{width}' height='{height}'>",
            *(
                f"      <part name='{k:02d}' x='{x:.2f}' y='{y:.2f}'/>"
                for k, (x, y) in enumerate(points)
            ),
            "    </box>",
            "  </image>",
        ]
    )


def write_whole(out: Path, write, *args) -> None:
    """Let `write` fill a temporary folder, then give it its name: `out` is never half a set."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as temporary:
        folder = Path(temporary) / "set"
        folder.mkdir()
        write(folder, *args)
        try:
            folder.rename(out)
        except OSError as error:
            raise SystemExit(f"{out} is there already; remove it or name another") from error


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    kinds = parser.add_subparsers(dest="kind", required=True)
    imm, ibug = (kinds.add_parser(kind) for kind in ("imm", "ibug"))
    for kind in (imm, ibug):
        kind.add_argument("out", type=Path)
        kind.add_argument("--seed", type=int, default=0)
    imm.add_argument("--persons", type=int, default=40)
    imm.add_argument("--size", default="160x120", help="width x height in pixels")
    ibug.add_argument("--train", type=int, default=12)
    ibug.add_argument("--test", type=int, default=4)
    args = parser.parse_args()
    if args.kind == "imm":
        width, height = (int(s) for s in args.size.split("x"))
        write_whole(args.out, write_imm, args.persons, (height, width), args.seed)
    else:
        write_whole(args.out, write_ibug, args.train, args.test, args.seed)


if __name__ == "__main__":
    main()
