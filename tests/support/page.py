"""The search page over a small tree, served by a real resident process."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode

import pytest

from codesearch.serving.resident.address import Address
from codesearch.serving.resident.client import ask as ask_resident
from tests.support.resident import start, stopped
from tests.support.waiting import PATIENCE

__all__ = ["FILES", "Page", "page_over", "write"]

FILES = {
    "src/client.py": "class Client:\n    def send(self, request):\n        return request\n",
    "src/retry.py": "def should_retry(attempt):\n    return attempt < 3\n",
    "web/config.js": 'export function parseConfiguration(t) {\n  return "<img src=x onerror=alert(1)>";\n}\n',
    "notes.md": "# Index\n\nhow the index is stored, and where a retry is decided\n",
}


@dataclass(frozen=True)
class Page:
    """Where it is, and how to ask it."""

    url: str
    address: Address
    root: Path

    def get(self, path: str) -> Any:
        """GET with the secret."""
        request = urllib.request.Request(
            f"{self.url}{path}", headers={"authorization": f"Bearer {self.address.secret}"}
        )
        return urllib.request.urlopen(request, timeout=PATIENCE)

    def ask(self, name: str, **asked: str) -> Any:
        """The answer to a question."""
        return json.loads(self.get(f"/api/{name}?{urlencode(asked)}").read())

    def refused(self, name: str, **asked: str) -> str:
        """Why a question is refused; it has to be, with a 4xx."""
        with pytest.raises(urllib.error.HTTPError) as refusal:
            self.ask(name, **asked)
        assert 400 <= refusal.value.code < 500, refusal.value.code
        return str(json.loads(refusal.value.read())["error"])

    def link(self) -> str:
        """An address that opens the page in a browser, once."""
        return f"{self.url}{next(ask_resident(self.address, '/v1/link', {}))['path']}"


def write(root: Path, files: dict[str, str]) -> Path:
    """Write a tree."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


@contextmanager
def page_over(root: Path, home: Path) -> Iterator[Page]:
    """Serve the page over a folder; its indexes lie in ``home``."""
    with patch.dict(os.environ, {"CODESEARCH_HOME": str(home), "CODESEARCH_DAEMON": "1"}):
        process = start("--port", "0", "--root", str(root))
        address = Address.read()
        assert address is not None
        port = next(ask_resident(address, "/v1/status", {}))["port"]
        try:
            yield Page(f"http://127.0.0.1:{port}", address, root)
        finally:
            stopped(process)
