"""Where a data set lies, and how it gets there: FACEKP_DATA, the repository, the cache.

The cache is ``FACEKP_CACHE`` or ``~/.cache/facekp``; data sets lie in its ``data`` folder, and
beside them ``data.lock.json`` with the sha256 of what was fetched.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pooch
import requests
from filelock import FileLock, Timeout

from facekp.manifest import tree
from facekp.manifest.download import ResumingDownloader
from facekp.manifest.schema import MANIFEST, Dataset, ManifestError, find_root, load_manifest
from facekp.manifest.unpack import unpack

LOCK = "data.lock.json"


def locate(name: str, root: Path | None = None) -> Path:
    """Return the folder that holds a data set, fetching it if there is no other way.

    Parameters
    ----------
    name
        The data set's name in the manifest.
    root
        The repository; by default found by :func:`find_root`.

    Raises
    ------
    ManifestError
        The data set is not there and cannot be fetched; says what is missing and the remedies.
    """
    root = root or find_root()
    entry = load_manifest(root / MANIFEST)[name]
    folder = folder_of(entry, root)
    if folder.is_dir():
        return folder
    if entry.embedded:
        raise ManifestError(
            f"{name} is missing at {folder}, where the repository has it: restore it with "
            f"`git checkout {entry.embedded}`"
        )
    if _given_data():
        raise ManifestError(
            f"{name} is missing at {folder}, the folder that FACEKP_DATA names: put the unpacked "
            "data set there, or unset FACEKP_DATA to have it fetched"
        )
    return fetch(name, root)


def folder_of(entry: Dataset, root: Path) -> Path:
    """Return where a data set's folder must lie, there or not."""
    if entry.embedded:
        return root / entry.embedded
    return _data_folder(root) / entry.folder


def fetch(name: str, root: Path | None = None) -> Path:
    """Download, check and unpack a data set into the cache.

    Interrupting leaves at most parts under a hidden name, which the next fetch takes up; the data
    set's folder appears whole, by one rename. Processes that fetch the same set wait for the first.

    Parameters
    ----------
    name
        The data set's name in the manifest.
    root
        The repository; by default found by :func:`find_root`.

    Returns
    -------
    Path
        The folder; nothing is fetched if it is there already or ``FACEKP_DATA`` is set.

    Raises
    ------
    ManifestError
        No source gave the archive as it must be; gives each source's failure and the remedies.
    """
    root = root or find_root()
    entry = load_manifest(root / MANIFEST)[name]
    if entry.embedded or _given_data():
        return locate(name, root)
    folder = folder_of(entry, root)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _turn(folder.with_name(f".{entry.folder}.lock"), name):
            work = folder.with_name(f".fetch-{entry.folder}")
            if not folder.is_dir():
                _fetch(name, entry, folder, work)
            shutil.rmtree(work, ignore_errors=True)
            return folder
    except OSError as error:
        raise ManifestError(
            f"{name} cannot be kept at {folder} ({error.strerror}): make room or set FACEKP_CACHE "
            "to a folder on another disk"
        ) from error


def recorded(folder: Path) -> dict:
    """Return what the lock file beside a data set's folder says of it."""
    return _read_lock(folder.parent).get(folder.name, {})


def _given_data() -> str:
    return os.environ.get("FACEKP_DATA", "")


def _data_folder(root: Path) -> Path:
    """Return the folder that holds the data sets' folders."""
    # Relative names count from the repository: notebooks run in another folder than make does.
    if _given_data():
        return (root / Path(_given_data()).expanduser()).resolve()
    cache = os.environ.get("FACEKP_CACHE") or "~/.cache/facekp"
    return (root / Path(cache).expanduser()).resolve() / "data"


@contextmanager
def _turn(path: Path, name: str):
    """Hold the file lock, which the system frees when its process dies."""
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(f"{name}: another process fetches it, waiting", file=sys.stderr)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _fetch(name: str, entry: Dataset, folder: Path, work: Path) -> None:
    """Try the sources in order until one gives the data set."""
    failures = []
    for url in entry.sources:
        try:
            unpacked = _fetch_from(url, entry, folder, work)
        except (requests.RequestException, ValueError, ManifestError) as error:
            failures.append(_reason(error))
            print(f"{name}: {url}: {failures[-1]}", file=sys.stderr)
        else:
            unpacked.replace(folder)
            return
    reasons = "; ".join(dict.fromkeys(failures))  # offline, all fail alike
    raise ManifestError(
        f"{name} ({entry.title}) is missing at {folder} and none of its {len(failures)} sources "
        f"gave it ({reasons}): run `make data` with a network that reaches a source, or put the "
        f"unpacked data set at that place, or set FACEKP_DATA to a folder that holds {entry.folder}"
    )


def _fetch_from(url: str, entry: Dataset, folder: Path, work: Path) -> Path:
    """Return the checked, unpacked tree of one source, still in the working folder."""
    known = entry.sha256 or recorded(folder).get("sha256")
    pooch.get_logger().setLevel("WARNING")  # its hints are for callers without a manifest
    downloader = ResumingDownloader(work, entry.size.bytes)
    archive = Path(pooch.retrieve(url, known, entry.archive, work, downloader=downloader))
    try:
        unpacked = unpack(archive, work / "tree")
        listing = tree.make_listing(unpacked)
        _check(entry, unpacked, listing)
    except ManifestError:
        archive.unlink()  # or it would be taken for the next source's
        raise
    _record(folder, url, pooch.file_hash(str(archive)), listing)
    return unpacked


def _check(entry: Dataset, unpacked: Path, listing: str) -> None:
    """Raise unless the tree is the one that the manifest describes."""
    found = tree.digest(listing)
    if entry.tree_digest and found != entry.tree_digest:
        raise ManifestError(f"the files' digest is {found} and must be {entry.tree_digest}")
    pictures = tree.count_pictures(unpacked)
    if pictures == 0 or (entry.pictures and pictures != entry.pictures):
        wanted = entry.pictures or "some"
        raise ManifestError(f"it holds {pictures} pictures and must hold {wanted}")


def _record(folder: Path, url: str, sha256: str, listing: str) -> None:
    """Write the lock file and the listing beside the data."""
    (folder.with_name(f"{folder.name}.sha256")).write_bytes(os.fsencode(listing))
    with FileLock(folder.with_name(f".{LOCK}.lock")):
        entries = _read_lock(folder.parent)
        entries[folder.name] = {
            "sha256": sha256,
            "tree_digest": tree.digest(listing),
            "source": url,
            "fetched": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        draft = folder.with_name(f".{LOCK}.draft")
        draft.write_text(json.dumps(entries, indent=2, sort_keys=True) + "\n")
        draft.replace(folder.with_name(LOCK))


def _read_lock(parent: Path) -> dict:
    path = parent / LOCK
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise ManifestError(f"{path} is no JSON ({error}): delete it to record anew") from error


def _reason(error: Exception) -> str:
    """Shorten an error of requests or pooch to one clause."""
    if isinstance(error, requests.HTTPError):
        return f"HTTP {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.ConnectionError | requests.exceptions.ChunkedEncodingError):
        return "no connection, or it broke"
    return str(error).split(". ")[0]
