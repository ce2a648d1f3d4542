"""Cache of decoded faces on disk, under a hash of all that they depend on.

An entry is one .npz file. It may be deleted at any time; a broken one is made anew.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import PIL

from facekp import coords, schemes
from facekp.schemes import Scheme

from .errors import DataError, Place
from .faces import Faces

__all__ = ["cache_folder", "through_cache"]

ARRAYS = ("images", "keypoints", "visible", "ids", "groups", "interocular", "crop")
ATTRIBUTE = "attribute."  # prefix of an attribute's name in an entry


def cache_folder() -> Path:
    """Return where decoded faces are kept: $FACEKP_CACHE, else ~/.cache/facekp."""
    return Path(os.environ.get("FACEKP_CACHE") or "~/.cache/facekp").expanduser()


def through_cache(
    build: Callable[[], Faces],
    folder: Path,
    options: dict,
    scheme: Scheme,
    cache: Path | None,
) -> Faces:
    """Take faces from the cache, or build them and leave them there.

    Parameters
    ----------
    build : callable
        Reads the data set, without arguments.
    folder : pathlib.Path
        All files below it count as sources: their names, sizes and bytes.
    options : dict
        All else that decides what `build` returns, as JSON values.
    scheme : Scheme
        Scheme of the faces.
    cache : pathlib.Path or None
        The cache's folder; None takes `cache_folder()`.

    Returns
    -------
    Faces
        Equal to what `build` returns.

    Raises
    ------
    DataError
        `folder` is missing or a file in it cannot be read, the cache cannot be written, or
        `build` raises it.
    """
    key = _key(folder, options)
    entry = (cache or cache_folder()) / f"{options['loader']}-{key}.npz"
    faces = _load(entry, scheme)
    if faces is None:
        faces = build()
        _store(faces, entry)
    return faces


def _key(folder: Path, options: dict) -> str:
    """Return a hash of options, sources, this package's code and the decoder's version."""
    if not folder.is_dir():
        raise DataError(Place(folder), "there is no such folder; fetch the data set first")
    sources = sorted(path for path in folder.rglob("*") if path.is_file())
    code = [*sorted(Path(__file__).parent.glob("*.py"))]
    code += [Path(module.__file__) for module in (coords, schemes)]
    with ThreadPoolExecutor() as pool:
        source_hashes = list(pool.map(_file_hash, sources))
    names = [path.relative_to(folder).as_posix() for path in sources]
    parts = [options, PIL.__version__, [_file_hash(path) for path in code]]
    parts.append(list(zip(names, source_hashes, strict=True)))
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def _file_hash(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(Place(path), f"cannot be read ({error.strerror}); restore it") from error


def _load(entry: Path, scheme: Scheme) -> Faces | None:
    """Return the entry's faces, or None where there is no whole entry."""
    try:
        with np.load(entry, allow_pickle=False) as arrays:
            attributes = {
                name.removeprefix(ATTRIBUTE): arrays[name]
                for name in arrays.files
                if name.startswith(ATTRIBUTE)
            }
            values = {name: arrays[name] for name in ARRAYS}
            return Faces(**values, scheme=scheme, attributes=attributes)
    except Exception:
        # A cut or overwritten file fails in zipfile, zlib or numpy, in a dozen ways; the sources
        # are still there, so each of them only means reading those again.
        return None


def _store(faces: Faces, entry: Path) -> None:
    """Write an entry under a temporary name and rename it, so that no reader sees half of it."""
    arrays = {name: getattr(faces, name) for name in ARRAYS}
    arrays |= {ATTRIBUTE + name: values for name, values in faces.attributes.items()}
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            dir=entry.parent, prefix=f".{entry.stem}-", suffix=".tmp", delete=False
        ) as file:
            temporary = Path(file.name)
            try:
                np.savez(file, allow_pickle=False, **arrays)
                file.close()
                temporary.replace(entry)
            finally:
                temporary.unlink(missing_ok=True)
    except OSError as error:
        problem = f"cannot be written ({error.strerror}); set FACEKP_CACHE to a writable folder"
        raise DataError(Place(entry.parent), problem) from error
