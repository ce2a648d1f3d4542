"""Holding a folder against what the manifest, or the first fetch, says of it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from facekp.manifest import tree
from facekp.manifest.schema import MANIFEST, Dataset, find_root, load_manifest
from facekp.manifest.store import folder_of, recorded

NAMED = 5  # files that differ, named one by one


@dataclass(frozen=True)
class Finding:
    """What :func:`verify` found of one data set."""

    name: str
    state: str  # "whole", "unchecked" (no digest is known), "wrong" or "absent"
    text: str

    def __str__(self) -> str:
        return f"{self.name}: {self.state}, {self.text}"


def verify(name: str, root: Path | None = None) -> Finding:
    """Check every label and image file of a data set; fetches nothing.

    Parameters
    ----------
    name
        The data set's name in the manifest.
    root
        The repository; by default found by :func:`find_root`.

    Returns
    -------
    Finding
        "wrong" names the first files that differ, where a listing of all files is known.
    """
    root = root or find_root()
    entry = load_manifest(root / MANIFEST)[name]
    folder = folder_of(entry, root)
    if not folder.is_dir():
        return Finding(name, "absent", f"no folder {folder}")
    listing = tree.make_listing(folder)
    found, pictures = tree.digest(listing), tree.count_pictures(folder)
    expected = entry.tree_digest or recorded(folder).get("tree_digest")
    what = f"{pictures} pictures in {len(listing.splitlines())} files at {folder}"
    too_few_or_many = pictures != (entry.pictures or pictures)
    if pictures == 0 or too_few_or_many or found != (expected or found):
        problem = (
            _differing(entry, root, folder, listing)
            or (too_few_or_many and f"it must hold {entry.pictures} pictures")
            or (pictures == 0 and "it must hold some")
            or f"the digest is {found}, not {expected}"
        )
        return Finding(name, "wrong", f"{what}: {problem}; get the data set anew")
    if expected:
        return Finding(name, "whole", what)
    return Finding(name, "unchecked", f"{what}; no digest is known, this one's is {found}")


def _differing(entry: Dataset, root: Path, folder: Path, listing: str) -> str:
    """Name the files that differ; empty where no listing tells."""
    fetched = folder.with_name(f"{folder.name}.sha256")
    published = root / entry.listing if entry.listing else fetched
    if not published.is_file():
        return ""
    clauses = tree.differences(os.fsdecode(published.read_bytes()), listing)
    more = f" and {len(clauses) - NAMED} more" if len(clauses) > NAMED else ""
    return "; ".join(clauses[:NAMED]) + more
