"""Command line: ``python -m facekp.experiments stale|revalidate --profile cpu``."""

import argparse
import sys
from pathlib import Path

from facekp.experiments import revalidate, stale
from facekp.results import ResultsError, Store

WITNESSES = "demo"  # the profile whose trainings take minutes


def main(arguments: list[str] | None = None) -> int:
    """List or renew stale trainings; return the exit status: 1 if any are left."""
    parser = argparse.ArgumentParser(prog="facekp.experiments", description=__doc__)
    parser.add_argument("command", choices=["stale", "revalidate"])
    parser.add_argument("--profile", default="cpu")
    parser.add_argument("--root", type=Path, default=Path.cwd(), help="root of the repository")
    options = parser.parse_args(arguments)
    store = Store(options.root, options.profile)
    try:
        if options.command == "revalidate":
            table = revalidate(store, Store(options.root, WITNESSES))
            if len(table):
                print(table.to_string(index=False, float_format="{:.1f}".format))
        left = [run for run, _ in stale(store)]
    except ResultsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    hours = sum(run.provenance["wall_seconds"] for run in left) / 3600
    remedy = "; CONTRIBUTING.md, Changing what trainings run, says what to do" if left else ""
    print(f"{len(left)} committed trainings ({hours:.1f} hours) are of other code{remedy}")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
