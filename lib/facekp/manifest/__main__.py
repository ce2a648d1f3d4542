"""``python -m facekp.manifest fetch|verify|list [name…]``."""

from __future__ import annotations

import argparse
import sys

from facekp.manifest.page import size_in_words
from facekp.manifest.schema import MANIFEST, Manifest, ManifestError, find_root, load_manifest
from facekp.manifest.store import fetch, folder_of
from facekp.manifest.verify import verify

INTERRUPTED = 130  # what a shell reports for Ctrl-C


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m facekp.manifest", description=__doc__)
    parser.add_argument("command", choices=sorted(COMMANDS), help="what to do")
    parser.add_argument("names", nargs="*", metavar="name", help="data sets; by default all")
    options = parser.parse_args(arguments)
    try:
        manifest = load_manifest(find_root() / MANIFEST)
        for name in options.names:
            _ = manifest[name]  # an unknown name stops all, before anything is fetched
        return COMMANDS[options.command](manifest, options.names)
    except ManifestError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; the same command goes on where it was", file=sys.stderr)
        return INTERRUPTED


def _list(manifest: Manifest, names: list[str]) -> int:
    root = find_root()
    for name in names or manifest.datasets:
        entry = manifest[name]
        folder = folder_of(entry, root)
        state = "at" if folder.is_dir() else "not yet at"
        words = (entry.title, size_in_words(entry), entry.licence, f"{state} {folder}")
        print(f"{name}: {'; '.join(filter(None, words))}")
    return 0


def _fetch(manifest: Manifest, names: list[str]) -> int:
    failed = 0
    for name in names or [n for n, entry in manifest.datasets.items() if not entry.embedded]:
        try:
            print(f"{name}: at {fetch(name)}")
        except ManifestError as error:
            failed += 1
            print(f"error: {error}", file=sys.stderr)
    return min(failed, 1)


def _verify(manifest: Manifest, names: list[str]) -> int:
    findings = [verify(name) for name in names or manifest.datasets]
    for finding in findings:
        print(finding)
    # Asked for nothing in particular, a set that was never fetched is no fault.
    faults = {"wrong", "absent"} if names else {"wrong"}
    return int(any(finding.state in faults for finding in findings))


COMMANDS = {"list": _list, "fetch": _fetch, "verify": _verify}

if __name__ == "__main__":
    sys.exit(main())
