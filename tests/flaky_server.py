"""A local HTTP server that fails in the ways that servers do."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Resource:
    """What one address answers; `cuts` is used up, one entry a request."""

    body: bytes
    status: int = 200
    etag: str | None = '"one"'
    ranges: bool = True
    cuts: list[int] = field(default_factory=list)  # bytes to send before breaking off
    wait: float = 0.0  # seconds before each packet
    packet: int = 2**20
    encoding: str | None = None
    shift: int = 0  # a server that answers another range than it was asked for


class FlakyServer:
    """Resources by path, and the Range header of each request in order."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.resources: dict[str, Resource] = {}
        self.asked: list[tuple[str, str | None]] = []

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def serve(self, path: str, body: bytes, **behaviour: object) -> str:
        self.resources[path] = Resource(body, **behaviour)
        return self.url(path)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        state: FlakyServer = self.server.state
        state.asked.append((self.path, self.headers["Range"]))
        resource = state.resources.get(self.path, Resource(b"nothing here", status=404))
        start = self._start(resource)
        body = resource.body[start:]
        self.send_response(206 if start is not None else resource.status)
        self.send_header("Content-Length", str(len(body)))
        self._describe(resource, start)
        self.end_headers()
        self._send(resource, body)

    def _start(self, resource: Resource) -> int | None:
        wanted, version = self.headers["Range"], self.headers["If-Range"]
        if resource.ranges and wanted and version == resource.etag:
            return int(wanted.removeprefix("bytes=").removesuffix("-")) + resource.shift
        return None

    def _describe(self, resource: Resource, start: int | None) -> None:
        size = len(resource.body)
        if resource.etag:
            self.send_header("ETag", resource.etag)
        if resource.encoding:
            self.send_header("Content-Encoding", resource.encoding)
        if start is not None:
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")

    def _send(self, resource: Resource, body: bytes) -> None:
        cut = resource.cuts.pop(0) if resource.cuts else None
        body = body[:cut]
        for offset in range(0, len(body), resource.packet):
            time.sleep(resource.wait)
            try:
                self.wfile.write(body[offset : offset + resource.packet])
            except OSError:  # the client was killed
                break
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Keep quiet; the tests look at FlakyServer.asked."""


@contextmanager
def running_server() -> Iterator[FlakyServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.state = FlakyServer(server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
