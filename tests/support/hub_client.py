"""Fixtures of the Hub tests: a stand-in Hub with one repository, and ``fetch`` in a process of its own.

The client reads its settings (HF_ENDPOINT, HF_HOME, ...) when it is imported.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.hub_server import Hub, Repository, running_hub
from tests.support.waiting import PATIENCE

SCRIPT = """
import json, sys
from mlx_jinabert.errors import ModelFolderError
from mlx_jinabert.checkpoint.hub import fetch
try:
    repo, revision, sha256 = sys.argv[1:]
    print(json.dumps({"folder": str(fetch(repo, revision or None, weights_sha256=sha256 or None))}))
except ModelFolderError as error:
    print(json.dumps({"error": str(error), "cause": type(error.__cause__).__name__}))
"""
COMMIT = "a" * 40
WEIGHTS = bytes(range(256)) * 4096  # 1 MiB
FILES = {
    "config.json": b'{"model_type": "bert"}',
    "tokenizer.json": b"{}",
    "modules.json": b"[]",
    "1_Pooling/config.json": b'{"pooling_mode_mean_tokens": true}',
    "model.safetensors": WEIGHTS,
    "pytorch_model.bin": b"pickle",
    "modeling_bert.py": b"import os",
    "onnx/model.onnx": b"graph",
}
WANTED = {"config.json", "tokenizer.json", "modules.json", "1_Pooling/config.json", "model.safetensors"}


@dataclass(frozen=True)
class Outcome:
    folder: Path | None
    error: str
    cause: str
    log: str


Fetch = Callable[..., Outcome]


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        hub.repositories["org/model"] = Repository(dict(FILES))
        yield hub


@pytest.fixture
def fetch(hub: Hub, tmp_path: Path) -> Fetch:
    def run(repo: str = "org/model", revision: str = "", weights_sha256: str = "", **env: str) -> Outcome:
        settings = {
            "HF_ENDPOINT": hub.endpoint,
            "HF_HOME": str(tmp_path / "hf"),
            "HF_HUB_OFFLINE": "0",
            **env,
        }
        found = subprocess.run(
            [sys.executable, "-c", SCRIPT, repo, revision, weights_sha256],
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert found.returncode == 0, found.stderr
        answer = json.loads(found.stdout)
        folder = Path(answer["folder"]) if "folder" in answer else None
        return Outcome(folder, answer.get("error", ""), answer.get("cause", ""), found.stderr)

    return run


def files_in(folder: Path | None) -> set[str]:
    assert folder is not None
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def stored_bytes(home: Path) -> int:
    return max((p.stat().st_size for p in home.rglob("blobs/*") if p.is_file()), default=0)
