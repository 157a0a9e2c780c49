"""Models that the tests serve, and texts that they send."""

from __future__ import annotations

from pathlib import Path

from tests.support.checkpoints import Checkpoint
from tests.support.running import checkpoint_folder

RERANKER = "ranker"
TEXTS = [
    "def parse(line): return line.split()",
    "where are retries decided",
    "世界 🚀",
    "naïve\tcafé\n",
    "x",
    "word " * 300,
    "",
]


def reranker_folder() -> Path:
    return checkpoint_folder(Checkpoint("reranker", heads=12, hidden=48))
