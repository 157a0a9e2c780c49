"""Vectors that the PyTorch references wrote, with what it takes to write them again.

Each file holds the vectors (unit length), what they are vectors of and their provenance.
``python -m tests.golden.make`` rewrites them; the tests read them without torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.checkpoint.folder import EMBEDDED
from tests.support.checkpoints import Checkpoint
from tests.support.running import checkpoint_folder, minilm

FOLDER = Path(__file__).parent
FILES = tuple(sorted(FOLDER.glob("*.json")))

TEXTS = (
    "where are retries decided",
    "def parse(line: str) -> dict[str, str]:\n    return dict(part.split('=') for part in line.split(';'))",
    "x",
    "Grüße, 世界! 🚀\tfor (int i = 0; i < n; ++i) { sum += a[i]; }",
)
LENGTHS = (1, 2, 31, 128)

CHECKPOINTS = {
    "code-8": Checkpoint("code", heads=8, hidden=32),
    "code-12": Checkpoint("code", heads=12, hidden=48, dtype="float16", shards=2, prefix="bert."),
    "en-8": Checkpoint("en", heads=8, hidden=32, dtype="bfloat16"),
    "en-12": Checkpoint("en", heads=12, hidden=48),
    "bert-12": Checkpoint("bert", heads=12, hidden=48),
}


@dataclass(frozen=True)
class Golden:
    """One file. ``ids`` are the token sequences that the vectors belong to."""

    name: str
    sha256: str
    ids: tuple[NDArray[np.int32], ...]
    texts: tuple[str, ...]
    vectors: NDArray[np.float32]
    provenance: Mapping[str, Any]

    def folder(self) -> Path:
        """The model that the vectors are of."""
        return folder_of(self.name)


def folder_of(name: str) -> Path:
    """A random checkpoint, the shipped model or all-MiniLM-L6-v2."""
    if name in CHECKPOINTS:
        return checkpoint_folder(CHECKPOINTS[name])
    return EMBEDDED if name == "embedded" else minilm()


def read(path: Path) -> Golden:
    """A golden file."""
    record = json.loads(path.read_text(encoding="utf-8"))
    return Golden(
        path.stem,
        record["sha256"],
        tuple(np.array(ids, np.int32) for ids in record["ids"]),
        tuple(record["texts"]),
        np.array(record["vectors"], np.float32),
        record["provenance"],
    )
