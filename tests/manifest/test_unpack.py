import tarfile
from pathlib import Path

import pytest

from facekp.manifest import ManifestError
from facekp.manifest.unpack import FREE_BYTES, MAX_RATIO, unpack
from toy_repository import pack


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


@pytest.mark.parametrize("top", ["", "imm_face_db/"])
def test_archives_with_and_without_a_top_folder(top: str, tmp_path: Path):
    archive = tmp_path / "toy.tar.gz"
    archive.write_bytes(pack({f"{top}a.jpg": b"a", f"{top}b.asf": b"b"}))
    found = unpack(archive, tmp_path / "out")
    assert sorted(path.name for path in found.iterdir()) == ["a.jpg", "b.asf"]


@pytest.mark.parametrize(
    ("member", "words"),
    [
        (special("../evil.jpg", tarfile.REGTYPE), "outside"),
        (special("a/../../evil.jpg", tarfile.REGTYPE), "outside"),
        (special("/tmp/evil.jpg", tarfile.REGTYPE), "absolute"),
        (special("soft", tarfile.SYMTYPE, "/etc/passwd"), "link or a device"),
        (special("inside", tarfile.SYMTYPE, "a.jpg"), "link or a device"),
        (special("hard", tarfile.LNKTYPE, "a.jpg"), "link or a device"),
        (special("fifo", tarfile.FIFOTYPE), "link or a device"),
        (special("disk", tarfile.BLKTYPE), "link or a device"),
    ],
)
def test_unsafe_members_are_refused(member: tarfile.TarInfo, words: str, tmp_path: Path):
    archive = tmp_path / "in" / "toy.tar.gz"
    archive.parent.mkdir()
    archive.write_bytes(pack({"a.jpg": b"a"}, member))
    with pytest.raises(ManifestError, match="not safe to unpack") as caught:
        unpack(archive, tmp_path / "in" / "out")
    assert words in str(caught.value) and member.name in str(caught.value)
    assert not list(tmp_path.rglob("evil.jpg"))


def test_a_bomb_is_refused_before_it_is_written(tmp_path: Path):
    archive = tmp_path / "toy.tar.gz"
    bomb = special("bomb.jpg", tarfile.REGTYPE)
    bomb.size = 8 * FREE_BYTES  # zeros, which shrink a thousandfold
    archive.write_bytes(pack({"a.jpg": b"a"}, bomb))
    assert MAX_RATIO * archive.stat().st_size + FREE_BYTES < bomb.size
    with pytest.raises(ManifestError, match=r"'bomb\.jpg' makes it more than 20 times"):
        unpack(archive, tmp_path / "out")
    assert not (tmp_path / "out" / "bomb.jpg").exists()


@pytest.mark.parametrize("damage", ["html", "cut", "flipped"])
def test_a_damaged_archive_is_no_other_error(damage: str, tmp_path: Path):
    whole = pack({"a.jpg": bytes(range(256)) * 2000})
    content = {
        "html": b"<html>moved</html>",
        "cut": whole[: len(whole) // 2],
        "flipped": whole[:300] + bytes([whole[300] ^ 255]) + whole[301:],
    }[damage]
    archive = tmp_path / "toy.tar.gz"
    archive.write_bytes(content)
    with pytest.raises(ManifestError, match="damaged or no archive"):
        unpack(archive, tmp_path / "out")


def test_a_python_without_the_data_filter_is_told(tmp_path: Path, monkeypatch):
    monkeypatch.delattr(tarfile, "data_filter")
    with pytest.raises(ManifestError, match=r"3\.11\.4"):
        unpack(tmp_path / "toy.tar.gz", tmp_path / "out")
