"""Command line: ``python -m facekp.results compare|accept --profile cpu``."""

import argparse
import sys
from pathlib import Path

from facekp.results import ResultsError, Store, accept, compare


def main(arguments: list[str] | None = None) -> int:
    """Compare or accept; return the exit status: 1 if a number is off or missing."""
    parser = argparse.ArgumentParser(prog="facekp.results", description=__doc__)
    parser.add_argument("command", choices=["compare", "accept"])
    parser.add_argument("--profile", default="cpu")
    parser.add_argument("--root", type=Path, default=Path.cwd(), help="root of the repository")
    options = parser.parse_args(arguments)
    store = Store(options.root, options.profile)
    try:
        if options.command == "accept":
            print("accepted:", ", ".join(accept(store)))
            return 0
        table = compare(store)
    except ResultsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(table.to_string(index=False))
    count = table["verdict"].value_counts()
    print(f"{count.get('within', 0)} of {len(table)} numbers within their tolerance")
    if other := count.get("other choice", 0):
        print(f"{other} not held against it: validation chose otherwise for them")
    return 1 if "beyond" in count else 0


if __name__ == "__main__":
    sys.exit(main())
