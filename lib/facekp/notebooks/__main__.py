"""``python -m facekp.notebooks run NAME --profile PROFILE [-p KEY VALUE]… [--retrain]``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import yaml

from facekp.manifest import ManifestError
from facekp.notebooks import NotebookError, run

INTERRUPTED = 130  # what a shell reports for Ctrl-C


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m facekp.notebooks", description=__doc__)
    parser.add_argument("command", choices=["run"])
    parser.add_argument("name", help="a notebook of notebooks/, such as 01_nose_tip")
    parser.add_argument("--profile", default="demo", help="a file of profiles/; demo by default")
    parser.add_argument("-p", nargs=2, action="append", default=[], metavar=("KEY", "VALUE"))
    parser.add_argument("--retrain", action="store_true", help="train anew what is already known")
    parser.add_argument("--output", type=Path, help="where to write the executed notebook")
    options = parser.parse_args(arguments)
    try:
        overrides = {key: yaml.safe_load(value) for key, value in options.p}
        if options.retrain:
            overrides["retrain"] = True
        path = run(options.name, options.profile, overrides, options.output)
        print(f"{options.name}: executed notebook at {path}")
        return 0
    except (NotebookError, ManifestError, yaml.YAMLError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            "stopped; the same command goes on with the first unfinished training", file=sys.stderr
        )
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
