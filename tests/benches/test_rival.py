"""semble as a child process: a stand-in with its surface answers, and one that is missing is an error."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benches.retrieval.data.annotations import Query, Repository, Target
from benches.retrieval.rival import running

_STAND_IN = """
import os
from types import SimpleNamespace as Made
class SembleIndex:
    @classmethod
    def from_path(cls, path):
        assert os.path.isdir(path) and os.environ["SEMBLE_MODEL_NAME"] == "some/model"
        print("on stdout, where only answers belong")
        return cls()
    def search(self, query, top_k):
        paths = ["b.py", query + ".py", "c.py"][:top_k]
        return [Made(chunk=Made(file_path=p, start_line=1, end_line=9, content="x" * 40)) for p in paths]
"""


def test_its_hits_are_scored_like_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "semble.py").write_text(_STAND_IN)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    queries = (Query("a", "semantic", (Target("src/a.py", 9, 9),)), Query("z", "symbol", (Target("y.py"),)))
    with running(Path(sys.executable), "some/model") as semble:
        first, second = semble.score(Repository("r", "python", tmp_path, queries))
    assert (first.reciprocal_rank, first.recall_1, first.tokens_to_first) == (0.5, 0.0, 20)
    assert (second.ndcg, second.category, second.mode) == (0.0, "symbol", "semble")


def test_an_environment_without_it_is_an_error(tmp_path: Path) -> None:
    repository = Repository("r", "python", tmp_path, ())
    with (
        running(Path(sys.executable), None) as semble,
        pytest.raises(RuntimeError, match="ended with status"),
    ):
        semble.score(repository)
