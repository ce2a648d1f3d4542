from pathlib import Path

import pytest

from facekp.manifest import ManifestError, cards, find_root, load_manifest

GOOD = """\
datasets:
  toy:
    title: Toy faces
    homepage: http://toy.example/
    sources:
      - http://toy.example/toy.tar.gz
    archive: toy.tar.gz
    size: {bytes: 12, of: archive}
    licence: CC0
    terms: none
    citation: toy2000
    scheme: imm58
    split: by person
    format: imm
    folder: toy_db
"""

# what to replace, by what, the line that must be named, and words of the message
FAULTS = {
    "unknown key": (
        "    title:",
        "    titel:",
        3,
        ["unknown key 'titel'", "did you mean 'title'?"],
    ),
    "unknown key, nothing near": (
        "scheme: imm58",
        "scheme: imm58\n    xyz: 1",
        13,
        ["take one of"],
    ),
    "missing key": ("    licence: CC0\n", "", 2, ["'licence' is missing", "add it"]),
    "wrong type": ("title: Toy faces", "title: 12", 3, ["toy.title is 12", "in quotes"]),
    "nested wrong type": ("bytes: 12", "bytes: many", 8, ["size.bytes is 'many'", "whole number"]),
    "nested unknown": ("of: archive", "off_: archive", 8, ["'off_'", "did you mean 'of'?"]),
    "key that YAML takes for no": ("of: archive", "off: archive", 8, ["False", "in quotes"]),
    "not among": ("scheme: imm58", "scheme: imm68", 12, ["'imm68'", "imm58 or ibug68"]),
    "bad address": ("- http://toy", "- ftp://toy", 6, ["sources.0", "http or https addresses"]),
    "climbing folder": ("folder: toy_db", "folder: ../toy_db", 15, ["'../toy_db'", "bare name"]),
    "climbing embedded": (
        "folder: toy_db",
        "folder: toy_db\n    embedded: a/../../b",
        16,
        ["'a/../../b'", "does not climb"],
    ),
    "bad digest": ("folder: toy_db", "folder: toy_db\n    sha256: 12ab", 16, ["64 lower-case"]),
    "no way to get it": ("    archive: toy.tar.gz\n", "", 2, ["gives no archive", "'embedded'"]),
    "double key": ("    terms: none", "    title: again", 10, ["'title' stands twice"]),
    "no YAML": ("title: Toy faces", "title: 'Toy", 16, ["mend the YAML"]),
    "no mapping": (GOOD, "- toy", 1, ["the file", "mapping"]),
    "empty": (GOOD, "", 1, ["the file", "mapping"]),
    "two faults, the first is told": (
        "title: Toy faces",
        "title: 1\n    zzz: 1",
        3,
        ["title is 1"],
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_told_with_its_line_and_a_remedy(fault: str, tmp_path: Path):
    old, new, line, words = FAULTS[fault]
    assert old in GOOD
    path = tmp_path / "data_manifest.yaml"
    path.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(ManifestError) as caught:
        load_manifest(path)
    message = str(caught.value)
    assert message.startswith(f"{path}, line {line}: ")
    assert all(word in message for word in words), message
    assert "\n" not in message


def test_a_good_manifest_loads_and_unknown_names_are_answered(tmp_path: Path):
    path = tmp_path / "data_manifest.yaml"
    path.write_text(GOOD)
    manifest = load_manifest(path)
    assert manifest["toy"].size.bytes == 12
    with pytest.raises(ManifestError, match="did you mean 'toy'"):
        manifest["toyy"]


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_an_unreadable_manifest_is_named(content: bytes | None, tmp_path: Path):
    path = tmp_path / "data_manifest.yaml"
    if content:
        path.write_bytes(content)
    with pytest.raises(ManifestError, match="restore it") as caught:
        load_manifest(path)
    assert str(path) in str(caught.value)


def test_root_is_found_upwards_and_from_the_package(tmp_path, monkeypatch):
    monkeypatch.chdir(Path(__file__).parent)
    root = find_root()
    assert (root / "data_manifest.yaml").is_file()
    monkeypatch.chdir(tmp_path)
    assert find_root() == root
    with pytest.raises(ManifestError, match="run from the repository"):
        find_root(tmp_path)


def test_the_projects_own_manifest_has_a_card_for_each_set():
    manifest = load_manifest(find_root(Path(__file__).parent) / "data_manifest.yaml")
    assert {"imm", "ibug300w", "demo_imm", "demo_ibug300w"} == set(manifest.datasets)
    text = cards(manifest)
    for name, entry in manifest.datasets.items():
        card = text.split(f"(data-{name})=\n## {entry.title}\n")[1].split("\n## ")[0]
        assert entry.licence in card and entry.terms in card and entry.split in card
    assert "{cite}`nordstrom2004imm`" in text
    assert "28 MB unpacked" in text
