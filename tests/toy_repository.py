"""A repository with one tiny data set, and archives to fetch it from."""

import io
import tarfile
from pathlib import Path

import yaml


def pack(files: dict[str, bytes], *extra: tarfile.TarInfo) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for member in extra:
            archive.addfile(member, io.BytesIO(bytes(member.size)))
    return buffer.getvalue()


class Repository:
    """A repository with a manifest of one set called toy."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.cache = root / "cache"
        self.folder = self.cache / "data" / "toy_db"
        self.entry = {
            "title": "Toy faces",
            "homepage": "http://127.0.0.1/toy",
            "sources": [],
            "archive": "toy.tar.gz",
            "size": {"bytes": 600_000, "of": "archive"},
            "licence": "CC0",
            "terms": "none",
            "citation": "toy2000",
            "scheme": "imm58",
            "split": "none",
            "format": "imm",
            "folder": "toy_db",
        }

    def write(self, *sources: str, **changes: object) -> None:
        self.entry |= {"sources": list(sources)} | changes
        text = yaml.safe_dump({"datasets": {"toy": self.entry}}, sort_keys=False)
        (self.root / "data_manifest.yaml").write_text(text)
