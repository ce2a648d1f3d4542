"""What the site is made from on its way there: renewed folders, zips, the printed book."""

import hashlib
import subprocess
import sys
import zipfile

import pytest
from PIL import Image

from graph import ROOT

sys.path.insert(0, str(ROOT / "book"))

import browser
import build
import release


def write(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_what_is_the_same_stays_and_the_rest_is_renewed(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    write(old, {"a.md": "a", "b.md": "b", "gone/c.md": "c", "_build/x": "x", "reference/y": "y"})
    write(new, {"a.md": "a", "b.md": "other", "d/e.md": "e"})
    before = (old / "a.md").stat().st_mtime_ns
    build.renew(old, new)
    assert (old / "a.md").stat().st_mtime_ns == before
    assert (old / "b.md").read_text() == "other"
    assert (old / "d/e.md").read_text() == "e"
    assert not (old / "gone").exists()
    assert (old / "_build/x").exists()
    assert (old / "reference/y").exists()


def test_the_same_files_make_the_same_zip_with_its_digest(tmp_path, monkeypatch):
    monkeypatch.setattr(release, "ROOT", tmp_path)
    write(tmp_path / "site", {"index.html": "x", "sub/page.html": "y"})
    for name in ("one.zip", "two.zip"):
        release.pack(tmp_path / name, {"book": tmp_path / "site"})
        (tmp_path / "site" / "index.html").touch()
    one, two = ((tmp_path / name).read_bytes() for name in ("one.zip", "two.zip"))
    assert one == two
    names = zipfile.ZipFile(tmp_path / "one.zip").namelist()
    assert names == ["book/index.html", "book/sub/page.html"]
    digest, name = (tmp_path / "one.zip.sha256").read_text().split()
    assert (digest, name) == (hashlib.sha256(one).hexdigest(), "one.zip")
    assert not list(tmp_path.glob("*.part"))


def test_a_release_is_made_from_a_clean_checkout(tmp_path, monkeypatch):
    monkeypatch.setattr(release, "ROOT", tmp_path)
    with pytest.raises(SystemExit, match="no git checkout"):
        release.refuse_unless_clean()
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    release.refuse_unless_clean()
    (tmp_path / "new.txt").write_text("x")
    with pytest.raises(SystemExit, match=r"commit or put away first:\n\?\? new.txt"):
        release.refuse_unless_clean()


@pytest.mark.slow
def test_a_page_is_printed(site, tmp_path):
    browser.print_pdf(site / "index.html", tmp_path / "book.pdf")
    printed = (tmp_path / "book.pdf").read_bytes()
    assert printed.startswith(b"%PDF-")
    assert printed.count(b"/Type /Page\n") + printed.count(b"/Type /Page ") >= 2


@pytest.mark.slow
def test_a_picture_of_a_page_has_the_size_of_its_window(site, tmp_path):
    browser.take_picture(
        site / "index.html", "fig-reference-methods", tmp_path / "book.png", 900, 500
    )
    assert Image.open(tmp_path / "book.png").size == (900, 500)
