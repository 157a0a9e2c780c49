"""The joint search asks as users do, keeps what it tried, and takes nothing that costs files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benches.retrieval import joint
from benches.retrieval.data.annotations import Repository
from benches.retrieval.data.places import Span
from benches.retrieval.lines import ask
from benches.retrieval.running import bench_of
from codesearch import open_index
from codesearch.searching.ranking.weights import WEIGHTS
from tests.support.closeness import WordHashEmbedder

_FILES = {
    "http/client.py": "class Client:\n    def send(self, request):\n        return retry(request)\n",
    "http/retry.py": "def retry(request):\n    'Send a request again.'\n    return request\n",
    "README.md": "# Client\n\nHow a request is sent again by the client.\n",
}
_QUESTION, _SPANS = "how a request is sent again", (Span("http/retry.py", 1, 3, 2), Span("README.md", 3, 3))


def test_a_question_is_asked_as_users_ask_it(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    for path, text in _FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    embedder = WordHashEmbedder()
    with open_index(root, model=embedder, here=True) as index:
        index.refresh()
        wanted = ask(index, "code", "hybrid", _QUESTION, _SPANS).ndcg
        with bench_of(Repository("r", "", root, ()), index, embedder) as bench:
            asked = joint.Asked("code", bench, _QUESTION, _SPANS, held_out=True)
            assert asked.ndcg(WEIGHTS) == wanted
            assert wanted == 1
            prose_first = replace(WEIGHTS, roles={**WEIGHTS.roles, "prose": 50.0}, code_beside_prose=0.01)
            other = asked.ndcg(prose_first)
    # The section that is worth less comes above the function now.
    assert 0 < other < wanted


def test_what_was_tried_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "tried"
    figures = {"files": (0.9, 0.8), "code": (0.7, 0.6)}
    assert joint.read_tried(path) == {}
    path.write_text(json.dumps(['{"closeness": 2}', figures]) + "\n", encoding="utf-8")
    assert joint.Trial([], [], path, joint.read_tried(path)).scores({"closeness": 2}) == figures
    assert len(path.read_text("utf-8").splitlines()) == 1


def test_a_gain_that_costs_files_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joint, "GRIDS", {"closeness": (0.5, WEIGHTS.closeness, 2)})
    known = {
        "{}": {"files": (0.90, 0.9), "code": (0.70, 0.7)},
        '{"closeness": 0.5}': {"files": (0.89, 0.9), "code": (0.90, 0.9)},
        '{"closeness": 2}': {"files": (0.90, 0.9), "code": (0.71, 0.1)},
    }
    assert joint.searched(joint.Trial([], [], tmp_path / "tried", known)) == {"closeness": 2}
    known['{"closeness": 2}'] = {"files": (0.90, 0.9), "code": (0.701, 0.9)}
    assert joint.searched(joint.Trial([], [], tmp_path / "tried", known)) == {}
