"""The digest of a folder with a data set, and what differs from the published one.

Only label and image files count, so that a note, a checksum file or a desktop's own droppings
(``.DS_Store``, ``Thumbs.db``) change nothing. The digest is the sha256 of the lines that
``sha256sum`` prints for these files in the byte order of their paths; it can be computed without
this library.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

IMAGES = frozenset({".jpg", ".jpeg", ".png", ".bmp"})
LABELS = frozenset({".asf", ".xml", ".pts"})


def data_files(folder: Path) -> list[str]:
    """Return the label and image files below `folder`, in byte order.

    Parameters
    ----------
    folder
        The unpacked data set; links to folders inside it are followed.

    Returns
    -------
    list of str
        Paths relative to `folder`, with forward slashes. Hidden files are left out.
    """
    found = []
    for parent, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [
            Path(parent, name).relative_to(folder).as_posix()
            for name in names
            if not name.startswith(".") and Path(name).suffix.lower() in IMAGES | LABELS
        ]
    return sorted(found, key=os.fsencode)


def count_pictures(folder: Path) -> int:
    """Return the number of image files below `folder`."""
    return sum(Path(name).suffix.lower() in IMAGES for name in data_files(folder))


def make_listing(folder: Path) -> str:
    """Return one line a label or image file: its sha256, two spaces, its path."""
    return "".join(f"{_file_sha256(folder / name)}  {name}\n" for name in data_files(folder))


def digest(listing: str) -> str:
    """Return the digest of a tree from its listing, as 64 hexadecimal digits."""
    return hashlib.sha256(os.fsencode(listing)).hexdigest()


def differences(expected: str, found: str) -> list[str]:
    """Compare two listings.

    Parameters
    ----------
    expected, found
        Listings as :func:`make_listing` makes them.

    Returns
    -------
    list of str
        One clause a file, beginning with its path; empty if both are the same.
    """
    want, have = _parse(expected), _parse(found)
    clauses = []
    for name in sorted(want.keys() | have.keys(), key=os.fsencode):
        if name not in have:
            clauses.append(f"{name} is missing")
        elif name not in want:
            clauses.append(f"{name} does not belong to the data set")
        elif want[name] != have[name]:
            clauses.append(f"{name} differs from the published file")
    return clauses


def _parse(listing: str) -> dict[str, str]:
    pairs = (line.split("  ", 1) for line in listing.splitlines())
    return {name: sha256 for sha256, name in pairs}


def _file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
