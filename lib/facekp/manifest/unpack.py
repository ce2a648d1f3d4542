"""Unpacking an archive that nobody vouches for."""

from __future__ import annotations

import shutil
import tarfile
import zlib
from gzip import BadGzipFile
from lzma import LZMAError
from pathlib import Path

from facekp.manifest.schema import ManifestError

# Pictures hardly shrink: IMM and 300-W unpack to little more than their archives.
MAX_RATIO = 20
# Tar pads to blocks of 10 KiB, so that a tiny archive shrinks more than any set of pictures.
FREE_BYTES = 2**20


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack a tar archive into a new folder.

    Parameters
    ----------
    archive
        The file, compressed in any way that :mod:`tarfile` knows.
    folder
        Where to put the members; whatever lies there is removed first.

    Returns
    -------
    Path
        The folder that holds the data: `folder`, or the single folder inside it, since some
        archives bring a top folder and some do not.

    Raises
    ------
    ManifestError
        The archive is damaged; a member is a link or a device or would lie outside `folder`; or
        all of them come to more than `MAX_RATIO` times the archive.
    """
    if not hasattr(tarfile, "data_filter"):
        raise ManifestError("this Python cannot unpack safely: make .venv by 3.11.4 or a newer one")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    left = MAX_RATIO * archive.stat().st_size + FREE_BYTES
    try:
        with tarfile.open(archive) as members:
            for member in members:
                left -= member.size + tarfile.BLOCKSIZE
                _refuse(archive, member, left)
                members.extract(member, folder, filter="data")
            _read_to_the_end(archive, members, left)
    except tarfile.FilterError as error:
        raise ManifestError(f"{archive.name} is not safe to unpack: {error}") from error
    except (tarfile.TarError, EOFError, BadGzipFile, zlib.error, LZMAError) as error:
        raise ManifestError(f"{archive.name} is damaged or no archive: {error}") from error
    inside = [path for path in folder.iterdir() if not path.name.startswith(".")]
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else folder


def _read_to_the_end(archive: Path, members: tarfile.TarFile, left: int) -> None:
    """Read what follows the last member: the checksum of the compressed stream comes last."""
    while chunk := members.fileobj.read(2**20):
        left -= len(chunk)
        if left < 0:
            raise ManifestError(f"{archive.name} is not safe to unpack: it goes on after its end")


def _refuse(archive: Path, member: tarfile.TarInfo, left: int) -> None:
    """Raise if `member` is of a kind that no data set needs."""
    unsafe = f"{archive.name} is not safe to unpack: {member.name!r}"
    if left < 0:
        raise ManifestError(f"{unsafe} makes it more than {MAX_RATIO} times the archive's size")
    if not (member.isfile() or member.isdir()):
        raise ManifestError(f"{unsafe} is a link or a device")
    if member.name.startswith(("/", "\\")):
        raise ManifestError(f"{unsafe} is an absolute path")
