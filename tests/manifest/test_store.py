import functools
import hashlib
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pooch
import pytest

from facekp.manifest import ManifestError, fetch, locate, store, verify
from facekp.manifest.__main__ import main
from facekp.manifest.download import ResumingDownloader
from toy_repository import pack

SHA = "0123456789abcdef" * 4


def pictures(folder: Path) -> dict[str, bytes]:
    return {f"toy/{path.name}": path.read_bytes() for path in folder.iterdir()}


def leftovers(repository) -> list[str]:
    """What lies in the cache beside the data set, its records and the (empty) file locks."""
    known = {"toy_db", "toy_db.sha256", "data.lock.json"}
    names = {path.name for path in (repository.cache / "data").iterdir()}
    return sorted(name for name in names - known if not name.endswith(".lock"))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch):
    """A downloader that waits a second for a packet rather than half a minute."""
    quick = functools.partial(ResumingDownloader, tries=2, timeout=(1, 1))
    monkeypatch.setattr(store, "ResumingDownloader", quick)


class TestTransfer:
    def test_whole_at_once(self, repository, server, toy_archive, toy_files):
        repository.write(server.serve("/toy.tar.gz", toy_archive))
        assert fetch("toy") == repository.folder
        assert pictures(repository.folder) == toy_files
        assert leftovers(repository) == []
        assert server.asked == [("/toy.tar.gz", None)]

    def test_a_cut_transfer_is_resumed(self, repository, server, toy_archive, toy_files):
        url = server.serve("/toy.tar.gz", toy_archive, cuts=[200_000, 150_000])
        repository.write(url)
        assert pictures(fetch("toy")) == toy_files
        # Whole packets of 64 KiB are kept: 3 of the first 200 000 bytes, 2 of the next 150 000;
        # the last byte that came is asked for again.
        first = 3 * 2**16 - 1
        ranges = [None, f"bytes={first}-", f"bytes={first + 2 * 2**16 - 1}-"]
        assert server.asked == [("/toy.tar.gz", wanted) for wanted in ranges]

    @pytest.mark.parametrize("behaviour", [{"ranges": False}, {"etag": None}])
    def test_a_server_that_cannot_resume_starts_again(
        self, behaviour, repository, server, toy_archive, toy_files
    ):
        repository.write(server.serve("/toy.tar.gz", toy_archive, cuts=[200_000], **behaviour))
        assert pictures(fetch("toy")) == toy_files
        assert len(server.asked) == 2
        assert (server.asked[1][1] is None) == (behaviour == {"etag": None})

    def test_a_part_of_an_older_version_is_dropped(
        self, repository, server, toy_archive, toy_files
    ):
        repository.write(server.serve("/toy.tar.gz", toy_archive * 4, cuts=[200_000] * 5))
        with pytest.raises(ManifestError, match="broke"):
            fetch("toy")
        server.serve("/toy.tar.gz", toy_archive, etag='"two"')
        assert pictures(fetch("toy")) == toy_files
        assert server.asked[-1][1] is not None  # it was asked for the rest and sent the whole

    def test_another_range_than_asked_for_is_not_appended(
        self, repository, server, toy_archive, toy_files
    ):
        repository.write(server.serve("/toy.tar.gz", toy_archive, cuts=[200_000], shift=7))
        with pytest.raises(ManifestError, match="broke"):
            fetch("toy")
        server.serve("/toy.tar.gz", toy_archive)
        assert pictures(fetch("toy")) == toy_files
        assert server.asked[-1] == ("/toy.tar.gz", None)

    def test_a_part_that_was_whole_is_taken(self, server, toy_archive, tmp_path, monkeypatch):
        downloader = ResumingDownloader(tmp_path, size=1)
        arguments = (server.serve("/toy.tar.gz", toy_archive), str(tmp_path / "toy.tar.gz"), None)

        rename = Path.replace

        def killed(path: Path, target: object) -> Path:
            if path.suffix == ".part":
                raise KeyboardInterrupt
            return rename(path, target)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", killed)
            with pytest.raises(KeyboardInterrupt):
                downloader(*arguments)
        downloader(*arguments)
        assert (tmp_path / "toy.tar.gz").read_bytes() == toy_archive
        assert server.asked[-1][1] == f"bytes={len(toy_archive) - 1}-"

    def test_content_encoding_is_not_undone(self, repository, server, toy_archive):
        url = server.serve("/toy.tar.gz", toy_archive, encoding="x-gzip")
        repository.write(url, sha256=_sha256(toy_archive))
        assert fetch("toy").is_dir()

    def test_a_stalled_server_is_given_up(
        self, impatient, repository, server, toy_archive, toy_files
    ):
        slow = server.serve("/slow.tar.gz", toy_archive, wait=3)
        good = server.serve("/good.tar.gz", toy_archive)
        repository.write(slow, good)
        begun = time.monotonic()
        assert pictures(fetch("toy")) == toy_files
        assert time.monotonic() - begun < 15
        assert ("/good.tar.gz", None) in server.asked


class TestMirrors:
    @pytest.mark.parametrize("status", [404, 500, 503])
    def test_next_source_after_an_error_status(
        self, status, repository, server, toy_archive, toy_files, capsys
    ):
        bad = server.serve("/bad.tar.gz", b"sorry", status=status)
        repository.write(bad, server.serve("/good.tar.gz", toy_archive))
        assert pictures(fetch("toy")) == toy_files
        assert [path for path, _ in server.asked] == ["/bad.tar.gz", "/good.tar.gz"]
        assert f"{bad}: HTTP {status}" in capsys.readouterr().err

    def test_next_source_after_a_wrong_checksum(self, repository, server, toy_archive, toy_files):
        corrupt = bytearray(toy_archive)
        corrupt[5000] ^= 1
        bad = server.serve("/bad.tar.gz", bytes(corrupt))
        good = server.serve("/good.tar.gz", toy_archive)
        repository.write(bad, good, sha256=_sha256(toy_archive))
        assert pictures(fetch("toy")) == toy_files

    def test_corrupt_bytes_without_a_known_checksum(
        self, repository, server, toy_archive, toy_files
    ):
        corrupt = bytearray(toy_archive)
        corrupt[-6] ^= 1  # in gzip's own checksum, the last thing in the file
        bad = server.serve("/bad.tar.gz", bytes(corrupt))
        repository.write(bad, server.serve("/good.tar.gz", toy_archive))
        assert pictures(fetch("toy")) == toy_files
        assert json.loads((repository.cache / "data" / "data.lock.json").read_text())["toy_db"][
            "source"
        ] == server.url("/good.tar.gz")

    def test_all_sources_wrong_names_expected_and_got(self, repository, server, toy_archive):
        repository.write(server.serve("/toy.tar.gz", toy_archive), sha256=SHA)
        with pytest.raises(ManifestError) as caught:
            fetch("toy")
        message = str(caught.value)
        assert f"expected {SHA} but got {_sha256(toy_archive)}" in message
        assert not repository.folder.exists()

    def test_an_html_page_is_no_archive(self, repository, server):
        repository.write(server.serve("/toy.tar.gz", b"<html>moved</html>"))
        with pytest.raises(ManifestError, match="damaged or no archive"):
            fetch("toy")
        assert not repository.folder.exists()
        assert not (repository.cache / "data" / "data.lock.json").exists()

    @pytest.mark.parametrize(
        ("changes", "words"),
        [({"tree_digest": SHA}, f"must be {SHA}"), ({"pictures": 3}, "holds 2 pictures")],
    )
    def test_a_tree_that_is_not_the_published_one(
        self, changes, words, repository, server, toy_archive
    ):
        repository.write(server.serve("/toy.tar.gz", toy_archive), **changes)
        with pytest.raises(ManifestError, match=words):
            fetch("toy")
        assert not repository.folder.exists()

    def test_offline_is_one_sentence_with_three_ways(self, repository):
        repository.write("http://127.0.0.1:9/toy.tar.gz")  # the discard port: nobody listens
        with pytest.raises(ManifestError) as caught:
            locate("toy")
        message = str(caught.value)
        assert "\n" not in message and ". " not in message
        assert message.startswith(f"toy (Toy faces) is missing at {repository.folder}")
        assert "make data" in message and "FACEKP_DATA" in message and "at that place" in message


class TestLock:
    def test_first_fetch_is_recorded_and_later_ones_must_match(
        self, repository, server, toy_archive
    ):
        repository.write(server.serve("/toy.tar.gz", toy_archive))
        fetch("toy")
        record = json.loads((repository.cache / "data" / "data.lock.json").read_text())["toy_db"]
        assert record["sha256"] == _sha256(toy_archive)
        assert verify("toy").state == "whole"
        repository.folder.rename(repository.root / "old")
        server.serve("/toy.tar.gz", pack({"toy/01.jpg": b"another picture"}))
        with pytest.raises(ManifestError, match=f"expected {record['sha256']}"):
            fetch("toy")
        server.serve("/toy.tar.gz", toy_archive)
        assert fetch("toy").is_dir()

    def test_verify_names_a_file_changed_after_the_fetch(self, repository, server, toy_archive):
        repository.write(server.serve("/toy.tar.gz", toy_archive))
        (fetch("toy") / "02.jpg").write_bytes(b"other")
        assert "02.jpg differs" in verify("toy").text

    def test_a_broken_lock_file_is_told(self, repository, server, toy_archive):
        repository.write(server.serve("/toy.tar.gz", toy_archive))
        (repository.cache / "data").mkdir(parents=True)
        (repository.cache / "data" / "data.lock.json").write_text("{")
        with pytest.raises(ManifestError, match=r"data\.lock\.json is no JSON"):
            fetch("toy")


class TestLocate:
    def test_given_folder_is_used_and_nothing_fetched(self, repository, server, monkeypatch):
        repository.write(server.serve("/toy.tar.gz", b""))
        (repository.root / "mine" / "toy_db").mkdir(parents=True)
        monkeypatch.setenv("FACEKP_DATA", "mine")  # relative to the repository, wherever we are
        (repository.root / "notebooks").mkdir()
        monkeypatch.chdir(repository.root / "notebooks")
        assert locate("toy") == fetch("toy") == repository.root / "mine" / "toy_db"
        assert server.asked == []

    def test_given_folder_without_the_set(self, repository, server, monkeypatch):
        repository.write(server.serve("/toy.tar.gz", b""))
        monkeypatch.setenv("FACEKP_DATA", str(repository.root / "mine"))
        for action in (locate, fetch):
            with pytest.raises(ManifestError, match="unset FACEKP_DATA") as caught:
                action("toy")
            assert str(repository.root / "mine" / "toy_db") in str(caught.value)
        assert server.asked == []

    def test_embedded(self, repository):
        repository.write(embedded="data/demo/toy")
        with pytest.raises(ManifestError, match="`git checkout data/demo/toy`") as caught:
            locate("toy")
        assert str(repository.root / "data/demo/toy") in str(caught.value)
        (repository.root / "data/demo/toy").mkdir(parents=True)
        assert locate("toy") == repository.root / "data/demo/toy"

    def test_fetches_once(self, repository, server, toy_archive):
        repository.write(server.serve("/toy.tar.gz", toy_archive))
        assert locate("toy") == locate("toy") == repository.folder
        assert len(server.asked) == 1

    def test_unwritable_cache(self, repository, server, toy_archive, monkeypatch):
        repository.write(server.serve("/toy.tar.gz", toy_archive))
        repository.cache.write_text("a file where the folder should be")
        with pytest.raises(ManifestError, match="set FACEKP_CACHE"):
            locate("toy")


def start_fetch() -> subprocess.Popen:
    """Fetch in another process, which takes root and cache from this one's environment."""
    command = [sys.executable, "-m", "facekp.manifest", "fetch", "toy"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


class TestProcesses:
    def test_kill_and_go_on(self, repository, server, toy_archive, toy_files):
        url = server.serve("/toy.tar.gz", toy_archive, wait=0.02, packet=10_000)  # 1.2 s in all
        repository.write(url)
        process = start_fetch()
        self.wait_for_part(repository, 200_000)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert not repository.folder.exists()
        assert verify("toy").state == "absent"
        server.serve("/toy.tar.gz", toy_archive)
        assert pictures(fetch("toy")) == toy_files
        assert leftovers(repository) == []
        assert int(server.asked[-1][1].removeprefix("bytes=").removesuffix("-")) > 100_000

    def wait_for_part(self, repository, size: int) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            parts = list((repository.cache / "data").glob(".fetch-toy_db/*.part"))
            if parts and parts[0].stat().st_size > size:
                return
            time.sleep(0.01)
        pytest.fail("the transfer did not begin within a minute")

    @pytest.mark.parametrize("step", ["unpack", "_check", "_record"])
    def test_stop_at_a_later_step_and_go_on(
        self, step, repository, server, toy_archive, toy_files, monkeypatch
    ):
        repository.write(server.serve("/toy.tar.gz", toy_archive))

        def stop(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(store, step, stop)
            with pytest.raises(KeyboardInterrupt):
                fetch("toy")
        assert not repository.folder.exists()
        assert pictures(fetch("toy")) == toy_files
        assert len(server.asked) == 1  # the archive was whole
        assert leftovers(repository) == []

    def test_two_at_once_fetch_once(self, repository, server, toy_archive, toy_files):
        repository.write(server.serve("/toy.tar.gz", toy_archive, wait=0.02, packet=10_000))
        processes = [start_fetch(), start_fetch()]
        outputs = [process.communicate(timeout=120) for process in processes]
        assert [process.returncode for process in processes] == [0, 0], outputs
        assert pictures(repository.folder) == toy_files
        assert len(server.asked) == 1
        assert "another process fetches it" in outputs[0][1] + outputs[1][1]


class TestCommandLine:
    def test_list_fetch_verify(self, repository, server, toy_archive, capsys):
        repository.write(server.serve("/toy.tar.gz", toy_archive))
        assert main(["list"]) == 0
        assert "toy: Toy faces; 1 MB to download; CC0; not yet at" in capsys.readouterr().out
        assert main(["verify"]) == 0  # nothing was asked for, so nothing is missing
        assert main(["verify", "toy"]) == 1
        assert main(["fetch"]) == 0
        assert main(["verify", "toy"]) == 0
        assert "toy: whole, 2 pictures in 4 files" in capsys.readouterr().out
        (repository.folder / "01.asf").unlink()
        assert main(["verify"]) == 1
        assert "01.asf is missing" in capsys.readouterr().out

    def test_faults_are_one_line_and_a_status(self, repository, server, capsys):
        repository.write(server.serve("/toy.tar.gz", b"", status=404))
        assert main(["fetch"]) == 1
        assert capsys.readouterr().err.splitlines()[-1].startswith("error: toy (Toy faces)")
        assert main(["fetch", "tony"]) == 1
        assert "did you mean 'toy'?" in capsys.readouterr().err

    def test_interrupt(self, repository, server, monkeypatch, capsys):
        repository.write(server.serve("/toy.tar.gz", b""))

        def stop(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(pooch, "retrieve", stop)
        assert main(["fetch"]) == 130
        assert "goes on where it was" in capsys.readouterr().err


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
