import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from facekp.manifest import find_root, load_manifest, tree
from facekp.manifest import verify as verify_set

FILES = {"b.jpg": b"bee", "a.asf": b"ay", "Sub/c 1.PNG": b"sea", "Z.xml": b"zed"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        path = tmp_path / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "set"


def test_listing_is_what_sha256sum_prints_in_byte_order(folder: Path):
    names = ["Sub/c 1.PNG", "Z.xml", "a.asf", "b.jpg"]  # capitals come first in bytes
    lines = [f"{hashlib.sha256(FILES[name]).hexdigest()}  {name}\n" for name in names]
    assert tree.make_listing(folder) == "".join(lines)
    assert tree.digest("".join(lines)) == hashlib.sha256("".join(lines).encode()).hexdigest()
    if shutil.which("sha256sum"):
        printed = subprocess.run(
            ["sha256sum", *names], cwd=folder, capture_output=True, text=True, check=True
        )
        assert printed.stdout == tree.make_listing(folder)


def test_notes_and_hidden_files_do_not_count(folder: Path):
    before = tree.make_listing(folder)
    for name in ("note.pdf", "README.txt", ".DS_Store", "._b.jpg", ".hidden/d.jpg"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"more")
    assert tree.make_listing(folder) == before
    assert tree.count_pictures(folder) == 2


def test_differences_name_each_file(folder: Path):
    expected = tree.make_listing(folder)
    (folder / "b.jpg").write_bytes(b"been")
    (folder / "a.asf").rename(folder / "d.asf")
    assert tree.differences(expected, tree.make_listing(folder)) == [
        "a.asf is missing",
        "b.jpg differs from the published file",
        "d.asf does not belong to the data set",
    ]
    assert tree.differences(expected, expected) == []


def test_committed_listing_has_the_manifests_digest():
    root = find_root(Path(__file__).parent)
    entry = load_manifest(root / "data_manifest.yaml")["imm"]
    listing = (root / entry.listing).read_text()
    assert tree.digest(listing) == entry.tree_digest
    assert sum(line.endswith(".jpg") for line in listing.splitlines()) == entry.pictures == 240


class TestVerify:
    def given(self, repository, folder: Path, **changes: object):
        shutil.copytree(folder, repository.folder)
        repository.write("http://127.0.0.1/none", **changes)
        return verify_set("toy")

    def test_whole(self, repository, folder):
        digest = tree.digest(tree.make_listing(folder))
        finding = self.given(repository, folder, tree_digest=digest, pictures=2)
        assert finding.state == "whole" and "2 pictures in 4 files" in str(finding)

    def test_unknown_digest_is_called_unchecked(self, repository, folder):
        finding = self.given(repository, folder)
        assert finding.state == "unchecked"
        assert tree.digest(tree.make_listing(folder)) in finding.text

    def test_wrong_names_the_file(self, repository, folder):
        listing = tree.make_listing(folder)
        (repository.root / "toy.sha256").write_text(listing)
        (folder / "b.jpg").write_bytes(b"been")
        changes = {"tree_digest": tree.digest(listing), "listing": "toy.sha256"}
        finding = self.given(repository, folder, **changes)
        assert finding.state == "wrong" and "b.jpg differs" in finding.text
        assert finding.text.endswith("get the data set anew")

    def test_wrong_names_five_files_and_counts_the_rest(self, repository, folder):
        for number in range(7):
            (folder / f"x{number}.jpg").write_bytes(b"x")
        listing = tree.make_listing(folder)
        (repository.root / "toy.sha256").write_text(listing)
        for number in range(7):
            (folder / f"x{number}.jpg").unlink()
        changes = {"tree_digest": tree.digest(listing), "listing": "toy.sha256"}
        finding = self.given(repository, folder, **changes)
        assert "x4.jpg is missing and 2 more" in finding.text and "x5" not in finding.text

    def test_wrong_count_without_a_listing(self, repository, folder):
        finding = self.given(repository, folder, pictures=3)
        assert finding.state == "wrong"
        assert "2 pictures" in finding.text and "must hold 3" in finding.text

    def test_without_pictures_and_with_nothing_known_of_them(self, repository, folder):
        for picture in ("b.jpg", "Sub/c 1.PNG"):
            (folder / picture).unlink()
        finding = self.given(repository, folder)
        assert finding.state == "wrong" and "0 pictures" in finding.text
        assert "it must hold some; get" in finding.text

    def test_another_digest_with_the_right_count(self, repository, folder):
        finding = self.given(repository, folder, pictures=2, tree_digest=64 * "0")
        assert finding.state == "wrong" and "must hold" not in finding.text
        assert tree.digest(tree.make_listing(folder)) in finding.text and 64 * "0" in finding.text

    def test_absent(self, repository):
        repository.write("http://127.0.0.1/none")
        assert verify_set("toy").state == "absent"
