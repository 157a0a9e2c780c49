"""A Hub on 127.0.0.1 for the tests: real HTTP for the real ``huggingface_hub`` client.

Speaks what a download needs: ``/api/models/ID/revision/REV`` with siblings and hashes, ``/resolve/REV/FILE``
with HEAD, Range, ETag, X-Linked-ETag and X-Repo-Commit, and the Hub's error codes. Faults (a wrong byte, a
connection cut in mid-file, a gate) are set per repository and named after what the user would meet.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

LFS_SUFFIXES = (".safetensors", ".bin", ".onnx")


@dataclass
class Repository:
    """One repository at one commit, and what is wrong with it."""

    files: dict[str, bytes]
    commit: str = "a" * 40
    branches: tuple[str, ...] = ("main",)
    gated: bool = False
    token: str = "hf_good"
    claimed_size: dict[str, int] = field(default_factory=dict)
    corrupt: set[str] = field(default_factory=set)
    """Files that are served with one wrong byte (and listed with the right hash)."""
    lists_hashes: bool = True
    """Some mirrors list none."""
    cut_after: dict[str, int] = field(default_factory=dict)
    """Bytes after which the connection is dropped, once."""
    status: int = 0
    """If set, every request is answered with it."""
    cdn: bool = False
    """Large files are redirected to another host, as the Hub does."""

    def sibling(self, name: str) -> dict[str, object]:
        content = self.files[name]
        size = self.claimed_size.get(name, len(content))
        if not self.lists_hashes:
            return {"rfilename": name, "size": size}
        entry: dict[str, object] = {"rfilename": name, "size": size, "blobId": git_hash(content)}
        if name.endswith(LFS_SUFFIXES):
            entry["lfs"] = {"sha256": hashlib.sha256(content).hexdigest(), "size": size, "pointerSize": 134}
        return entry


@dataclass(frozen=True)
class Request:
    """What the server saw of one request."""

    method: str
    path: str
    range: str
    authorized: bool


@dataclass
class Hub:
    """The running server: its address, its repositories and the requests that it saw."""

    endpoint: str
    repositories: dict[str, Repository] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)

    def paths(self) -> list[str]:
        return [request.path for request in self.requests]

    def downloads(self) -> list[str]:
        """Names of the files whose content was asked for."""
        files = [
            r.path.split("/resolve/")[1] for r in self.requests if r.method == "GET" and "/resolve/" in r.path
        ]
        return [file.split("/", 1)[1] for file in files]


def git_hash(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@contextmanager
def running_hub() -> Iterator[Hub]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.hub = hub = Hub(f"http://127.0.0.1:{server.server_port}")  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def _answer(self, body: bool) -> None:
        hub: Hub = self.server.hub  # type: ignore[attr-defined]
        path = unquote(urlsplit(self.path).path)
        authorized = "Authorization" in self.headers
        hub.requests.append(Request(self.command, path, self.headers.get("Range", ""), authorized))
        if path.startswith("/cdn/"):
            name, _, filename = path.removeprefix("/cdn/").partition("/resolve/")
            return self._content(hub.repositories[name], filename, body)
        if path.startswith("/api/models/"):
            name, _, revision = path.removeprefix("/api/models/").partition("/revision/")
            return self._listing(hub, name, revision or "main")
        name, _, rest = path.lstrip("/").partition("/resolve/")
        revision, _, filename = rest.partition("/")
        return self._file(hub, name, revision, filename, body)

    def _listing(self, hub: Hub, name: str, revision: str) -> None:
        if repository := self._repository(hub, name, revision):
            siblings = [repository.sibling(file) for file in sorted(repository.files)]
            self._send(200, {"id": name, "sha": repository.commit, "siblings": siblings, "private": False})

    def _repository(self, hub: Hub, name: str, revision: str) -> Repository | None:
        repository = hub.repositories.get(name)
        if repository is None:
            # As the Hub does: without a token it doesn't tell missing from private.
            return self._send(401, {"error": "Invalid username or password."}, code="RepoNotFound")
        if repository.status:
            return self._send(repository.status, {"error": "as set by the test"})
        if revision not in (*repository.branches, repository.commit):
            return self._send(404, {"error": "Invalid rev id"}, code="RevisionNotFound")
        return repository

    def _file(self, hub: Hub, name: str, revision: str, filename: str, body: bool) -> None:
        repository = self._repository(hub, name, revision)
        if repository is None:
            return None
        if repository.gated and self.headers.get("Authorization") != f"Bearer {repository.token}":
            status = 403 if self.headers.get("Authorization") else 401
            return self._send(status, {"error": "gated"}, code="GatedRepo")
        if filename not in repository.files:
            return self._send(404, {"error": "no such file"}, code="EntryNotFound", commit=repository.commit)
        if repository.cdn and filename.endswith(LFS_SUFFIXES):
            return self._redirect(repository, name, filename)
        return self._content(repository, filename, body)

    def _redirect(self, repository: Repository, name: str, filename: str) -> None:
        """To another host name of this machine: what is sent there has left the Hub."""
        content = repository.files[filename]
        self.send_response(302)
        self.send_header(
            "Location", f"http://localhost:{self.server.server_port}/cdn/{name}/resolve/{filename}"
        )
        self.send_header("X-Repo-Commit", repository.commit)
        self.send_header("X-Linked-ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Linked-Size", str(len(content)))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _content(self, repository: Repository, filename: str, body: bool) -> None:
        content = repository.files[filename]
        sha256 = hashlib.sha256(content).hexdigest()
        if filename in repository.corrupt:
            content = content[:-1] + bytes([content[-1] ^ 1])
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0])
        cut = repository.cut_after.pop(filename, None) if body else None
        self.send_response(206 if "Range" in self.headers else 200)
        self.send_header("X-Repo-Commit", repository.commit)
        if filename.endswith(LFS_SUFFIXES):
            self.send_header("X-Linked-ETag", f'"{sha256}"')
            self.send_header("X-Linked-Size", str(len(content)))
        self.send_header("ETag", f'"{git_hash(repository.files[filename])}"')
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(content) - start))
        if "Range" in self.headers:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if body:
            self.wfile.write(content[start : start + cut] if cut is not None else content[start:])
        if cut is not None:
            self.wfile.flush()
            self.close_connection = True

    def _send(self, status: int, payload: dict[str, object], code: str = "", commit: str = "") -> None:
        content = json.dumps(payload).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if code:
            self.send_header("X-Error-Code", code)
        if commit:
            self.send_header("X-Repo-Commit", commit)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Silent: the tests look at ``Hub.requests``."""
