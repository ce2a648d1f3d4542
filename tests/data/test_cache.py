import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from cartoon_faces import write_imm
from facekp.data import DataError, imm, load_imm
from facekp.data.cache import cache_folder

SIZE = (30, 40)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "imm_face_db"
    folder.mkdir()
    write_imm(folder, persons=1, size=(60, 80), seed=1)
    return folder


@pytest.fixture
def builds(monkeypatch):
    """A list that grows by one whenever faces are built from their files."""
    calls = []

    def counted(*args):
        calls.append(args)
        return build(*args)

    build = imm.build_faces
    monkeypatch.setattr(imm, "build_faces", counted)
    return calls


def load(folder, size=SIZE, **options):
    return load_imm(folder, size, cache=folder.parent / "cache", persons=1, **options)


def entries(folder):
    return sorted((folder.parent / "cache").iterdir())


def assert_equal(one, other):
    assert one.digest == other.digest and one.scheme == other.scheme
    for field in fields(one):
        if field.name not in ("scheme", "attributes"):
            a, b = getattr(one, field.name), getattr(other, field.name)
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)
    assert one.attributes.keys() == other.attributes.keys()
    for name, values in one.attributes.items():
        np.testing.assert_array_equal(values, other.attributes[name])


def test_the_second_load_comes_from_the_cache_and_is_equal(folder, builds):
    first, second = load(folder), load(folder)
    assert len(builds) == 1
    assert_equal(first, second)


def test_a_moved_folder_finds_its_entry(folder, builds):
    load(folder)
    load(folder.rename(folder.with_name("elsewhere")))
    assert len(builds) == 1


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: flip_a_bit(sorted(folder.glob("*.jpg"))[3]),
        lambda folder: (folder / "note.txt").write_text("another file"),
        lambda folder: [p.write_text(p.read_text() + "\n") for p in folder.glob("01-2?.asf")],
    ],
)
def test_a_changed_file_makes_a_new_entry(folder, builds, change):
    load(folder)
    change(folder)
    load(folder)
    assert len(builds) == 2 and len(entries(folder)) == 2


@pytest.mark.parametrize("options", [{"size": (15, 20)}, {"channels": 3}], ids=str)
def test_another_option_makes_a_new_entry(folder, builds, options):
    load(folder)
    load(folder, **options)
    assert len(builds) == 2 and len(entries(folder)) == 2


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-30]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"garbage" * 100),
        flip_a_bit,
        lambda path: np.savez(path, images=np.zeros((6, 1, 30, 40), dtype=np.uint8)),
    ],
)
def test_a_broken_entry_is_made_anew(folder, builds, damage):
    whole = load(folder)
    (entry,) = entries(folder)
    damage(entry)
    assert_equal(load(folder), whole)
    assert_equal(load(folder), whole)
    assert len(builds) == 2 and entries(folder) == [entry]


def test_objects_in_an_entry_are_not_unpickled(folder):
    class Trap:
        def __reduce__(self):
            return (Path.touch, (folder.parent / "sprung",))

    whole = load(folder)
    (entry,) = entries(folder)
    with np.load(entry) as arrays:
        np.savez(entry, **{**arrays, "ids": np.array([Trap()] * 6, dtype=object)})
    assert_equal(load(folder), whole)
    assert not (folder.parent / "sprung").exists()


def test_a_failed_write_leaves_no_temporary_file(folder, monkeypatch):
    def full(*args, **arrays):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(DataError, match=r"cannot be written \(No space left on device\)"):
        load(folder)
    assert entries(folder) == []


def test_two_processes_may_build_the_same_entry_at_once(folder):
    script = (
        "import sys; from pathlib import Path; from facekp.data import load_imm\n"
        "print(load_imm(sys.argv[1], (30, 40), cache=Path(sys.argv[2]), persons=1).digest)"
    )
    command = [sys.executable, "-c", script, str(folder), str(folder.parent / "cache")]
    environment = {**os.environ, "PYTHONPATH": str(Path(imm.__file__).parents[2])}
    processes = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    digests = [process.communicate(timeout=300)[0].strip() for process in processes]
    assert digests == [load(folder).digest] * 2
    assert len(entries(folder)) == 1  # and no temporary file


def test_broken_data_leave_no_entry(folder):
    next(folder.glob("*.asf")).write_text("")
    with pytest.raises(DataError):
        load(folder)
    assert not (folder.parent / "cache").exists()


def test_a_cache_that_cannot_be_written_is_named(folder):
    (folder.parent / "cache").write_text("a file")
    with pytest.raises(DataError, match="set FACEKP_CACHE to a writable folder"):
        load(folder)


def test_the_folder_of_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("FACEKP_CACHE", str(tmp_path / "here"))
    assert cache_folder() == tmp_path / "here"
    monkeypatch.delenv("FACEKP_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "facekp"
