"""Command line: ``python -m facekp.experiments stale|witnesses|revalidate --profile cpu``."""

import argparse
import sys
from pathlib import Path

from facekp.data import LOADERS, Faces
from facekp.experiments import revalidate, stale
from facekp.experiments.validity import present_identities
from facekp.experiments.witnesses import train_witnesses
from facekp.manifest import load_manifest, locate
from facekp.results import ResultsError, Store


def main(arguments: list[str] | None = None) -> int:
    """List or renew stale trainings; return the exit status: 1 if any are left.

    "witnesses" trains some in small before the code changes, "revalidate" the stale ones after it.
    """
    parser = argparse.ArgumentParser(prog="facekp.experiments", description=__doc__)
    parser.add_argument("command", choices=["stale", "witnesses", "revalidate"])
    parser.add_argument("--profile", default="cpu")
    parser.add_argument("--root", type=Path, default=Path.cwd(), help="root of the repository")
    options = parser.parse_args(arguments)
    store = Store(options.root, options.profile)
    witnesses = Store(options.root, f"{options.profile}-witnesses")
    try:
        if options.command == "witnesses":
            known = (run for run, now in present_identities(store.committed_runs()) if now)
            trained = train_witnesses(known, witnesses, _load)
            print(f"{len(trained)} small trainings speak for the code at hand")
        if options.command == "revalidate":
            train_witnesses((run for run, now in stale(store) if now), witnesses, _load)
            table = revalidate(store, witnesses)
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


def _load(name: str, size: tuple[int, int], channels: int) -> Faces:
    return LOADERS[load_manifest()[name].format](locate(name), size, channels=channels)


if __name__ == "__main__":
    sys.exit(main())
