"""Command line: make a set, draw its contact sheet, compare its shapes with another set's."""

import argparse
import os
import sys
from functools import partial
from pathlib import Path

from . import card, making, readers, resume, splits, verify, writers
from .contact_sheet import contact_sheet

# Rays a pixel. Crops are smaller, and behind a camera's faults: more could hardly be seen.
SAMPLES = {"imm": 8, "ibug300w": 4}
RESULTS = Path(__file__).parents[2] / "results"
ACROSS = 8  # crops in a row of the card's picture


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    top = argparse.ArgumentParser(prog="python -m demo_faces", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    for name, about in (
        ("imm", "persons x 6 views, 58 keypoints, as the IMM Face Database"),
        ("ibug300w", "face crops, 68 keypoints, as 300-W in dlib's layout"),
    ):
        command = commands.add_parser(name, help=about, description=about)
        command.add_argument("--out", type=Path, required=True, help="folder of the set")
        command.add_argument("--seed", type=int, default=0, help="another seed is another set")
        command.add_argument("--samples", type=int, default=SAMPLES[name], help="rays a pixel")
        command.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes")
        command.add_argument(
            "--only", nargs="*", metavar="STEM", help="make only these, such as 07-3 or train0042"
        )
        command.add_argument(
            "--relabel",
            action="store_true",
            help="write the labels of finished pictures anew, after a definition was changed",
        )
        add_sheet_options(command)
        if name == "imm":
            command.add_argument("--persons", type=int, default=40)
        else:
            command.add_argument("--train", type=int, default=550, help="training crops")
            command.add_argument("--test", type=int, default=150, help="test crops")
    again = commands.add_parser("verify", help="hold a set made again against the committed one")
    again.add_argument("ours", type=Path, help="folder of a set made again, or of both sets")
    again.add_argument("theirs", type=Path, help="folder of the committed set, or of both")
    data_card = commands.add_parser("card", help="write the data card of both sets, README.md")
    data_card.add_argument("folder", type=Path, help="folder that holds imm/ and ibug300w/")
    return top


def add_sheet_options(command: argparse.ArgumentParser) -> None:
    """Add the options of contact sheets."""
    command.add_argument("--contact-sheet", type=Path, metavar="PNG")
    command.add_argument(
        "--overlay",
        action="store_true",
        help="draw keypoints (hidden ones red) and boxes on the sheet",
    )
    command.add_argument("--columns", type=int, default=6, help="pictures a row of the sheet")
    command.add_argument("--first", type=int, default=1, help="first picture of the sheet")
    command.add_argument("--limit", type=int, default=60, help="pictures on the sheet")


def make_set(args: argparse.Namespace) -> None:
    """Make what is missing of a set, then its label files and the contact sheet."""
    from tqdm import tqdm

    pictures = (
        splits.imm_pictures(args.seed, args.persons)
        if args.command == "imm"
        else splits.ibug_pictures(args.seed, args.train, args.test)
    )
    if args.only and args.relabel:
        raise ValueError("--relabel takes no --only: one set's labels have one definition")
    if args.only:
        pictures = [p for p in pictures if p.stem in args.only]
        if not pictures:
            print(f"{args.command}: has no {' and no '.join(args.only)}; nothing to make")
            return
    resume.restore_records(args.out)
    choose = making.finished if args.relabel else making.unfinished
    jobs = choose(args.out, pictures, args.samples)
    bar = partial(
        tqdm,
        total=len(jobs) if args.relabel else len(pictures),
        initial=0 if args.relabel else len(pictures) - len(jobs),
        unit="picture",
        desc=args.command,
        disable=None,
    )
    if args.relabel:  # all or none: label files of two definitions would be worthless
        making.make_all(jobs, args.jobs, bar, making.relabel)
        made = writers.write_labels(args.out, args.command)
        print(f"{args.out}: {made} pictures, {len(jobs)} of them labelled anew")
        return
    try:
        making.make_all(jobs, args.jobs, bar)
    finally:
        made = writers.write_labels(args.out, args.command)
    print(f"{args.out}: {made} pictures, {len(jobs)} of them new")
    if args.contact_sheet:
        some = readers.read_folder(args.out)[args.first - 1 :][: args.limit]
        contact_sheet(some, args.contact_sheet, columns=args.columns, overlay=args.overlay)


def check(args: argparse.Namespace) -> int:
    """Print how two makings of a set differ; return 1 where a picture differs too much."""
    names = [name for name in SAMPLES if (args.ours / name).is_dir()]
    pairs = [(args.ours / name, args.theirs / name) for name in names]
    found = [d for pair in pairs or [(args.ours, args.theirs)] for d in verify.differences(*pair)]
    print(verify.report(found))
    return int(not all(d.small for d in found))


def write_card(args: argparse.Namespace) -> None:
    """Write the data card, and the picture of some crops that it shows."""
    crops = readers.read_folder(args.folder / "ibug300w")[: 3 * ACROSS]
    contact_sheet(crops, args.folder / "faces.jpg", columns=ACROSS, overlay=False, scale=0.4)
    path = args.folder / "README.md"
    writers.write_whole(path, card.card(args.folder, SAMPLES, RESULTS).encode())
    print(f"{path}: written")


def main() -> int:
    """Run the command line; return the exit status."""
    args = parser().parse_args()
    commands = {"card": write_card, "verify": check}
    run = commands.get(args.command, make_set)
    try:
        return run(args) or 0
    except (readers.LabelError, making.MakingError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
