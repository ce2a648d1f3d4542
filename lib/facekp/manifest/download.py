"""One transfer from one address: continued where it was cut, never taken for whole."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import requests
from pooch import HTTPDownloader
from requests.exceptions import ChunkedEncodingError, ConnectionError, Timeout
from tqdm.auto import tqdm

CONNECT_TIMEOUT, READ_TIMEOUT = 10.0, 30.0  # seconds; the second one between two packets
BROKEN = (ChunkedEncodingError, ConnectionError, Timeout)


class ResumingDownloader:
    """A downloader for pooch that goes on after a broken transfer, also in a later process.

    Bytes go to a ``.part`` file, whose name belongs to the address, and are renamed once whole.
    A part is continued (HTTP Range) only if the server named a version of the file by ETag or
    Last-Modified and still has that version (If-Range, RFC 9110 section 13.1.5); any other server
    sends the file from the start and the part is dropped.

    Parameters
    ----------
    folder
        Where the parts are kept.
    size
        Bytes expected, for the progress bar until the server tells.
    tries
        Transfers begun before giving an address up. An address that never answers is given up
        at once.
    timeout
        Seconds to connect, seconds between two packets.
    """

    def __init__(
        self,
        folder: Path,
        size: int,
        tries: int = 5,
        timeout: tuple[float, float] = (CONNECT_TIMEOUT, READ_TIMEOUT),
    ) -> None:
        self.folder, self.size, self.tries, self.timeout = folder, size, tries, timeout

    def __call__(self, url: str, output_file: str, pooch: object) -> None:
        """Bring `url` to `output_file`; `pooch` is what pooch's protocol passes."""
        name = hashlib.sha256(url.encode()).hexdigest()[:16]
        transfer = _Transfer(url, self.folder / f"{name}.part", self.timeout)
        for attempt in range(self.tries):
            try:
                transfer.run(self.size)
                break
            except BROKEN:
                if attempt + 1 == self.tries or not transfer.begun:
                    raise
                time.sleep(0.1 * 2**attempt)
        transfer.part.replace(output_file)
        transfer.version.unlink(missing_ok=True)


class _Transfer:
    """The state of one address's part file and of the attempt that fills it."""

    def __init__(self, url: str, part: Path, timeout: tuple[float, float]) -> None:
        self.url, self.part, self.timeout = url, part, timeout
        self.version = part.with_suffix(".version")
        self.begun = False

    def run(self, size: int) -> None:
        """Ask for what is missing and append it to the part."""
        self.begun = False
        # The last byte is asked for again: a part that was whole when its process was killed is
        # then answered like any other, not with "416 Range Not Satisfiable".
        start = max(self._kept() - 1, 0)
        headers = {"Accept-Encoding": "identity"}
        if start:
            headers |= {"Range": f"bytes={start}-", "If-Range": self.version.read_text()}
        with (
            self.part.open("ab") as file,
            tqdm(total=size, unit="B", unit_scale=True, disable=None) as bar,
        ):
            bar.set_description(self._label(start))
            file.truncate(start)
            download = HTTPDownloader(
                progressbar=bar,
                chunk_size=2**16,
                headers=headers,
                timeout=self.timeout,
                hooks={"response": lambda answer, **_: self._begin(answer, file, start)},
            )
            download(self.url, file, None)

    def _kept(self) -> int:
        """Return how many bytes of the part can be relied on."""
        if self.part.is_file() and self.version.is_file():
            return self.part.stat().st_size
        return 0

    def _label(self, start: int) -> str:
        name = self.url.rsplit("/", 1)[-1]
        return f"{name} from {start / 1e6:.0f} MB on" if start else name

    def _begin(self, answer: requests.Response, file: object, start: int) -> None:
        """Look at the answer's head before its body is written."""
        if answer.status_code == requests.codes.partial_content:
            if not answer.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
                self.version.unlink(missing_ok=True)
                raise ConnectionError("the server sent another range than asked for")
        elif answer.status_code == requests.codes.ok:
            file.truncate(0)
            self._keep_version(answer)
        # Some servers call a .tar.gz "Content-Encoding: x-gzip" whatever was asked for; undoing
        # that would store another file than the published one.
        answer.raw.headers.pop("Content-Encoding", None)
        self.begun = answer.ok

    def _keep_version(self, answer: requests.Response) -> None:
        """Remember which version of the file the part is of, if the server says so."""
        etag = answer.headers.get("ETag", "")
        weak = not etag or etag.startswith("W/")
        version = answer.headers.get("Last-Modified") if weak else etag
        self.version.unlink(missing_ok=True)
        if version:
            draft = self.version.with_suffix(".draft")
            draft.write_text(version)
            draft.replace(self.version)
