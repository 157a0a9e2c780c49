"""The arithmetic that the refit searches with gives what the search gives; and a stopped refit goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from benches.retrieval import refit
from benches.retrieval.data.annotations import Query, Repository, Target
from benches.retrieval.data.gathering import Measurement
from benches.retrieval.features import gathered
from benches.retrieval.reports import misses
from benches.retrieval.running import Bench
from codesearch import open_index
from codesearch.searching.ranking.ranking import WEIGHTS
from codesearch.storage.store import Store
from codesearch.vectors.vector_index import VectorIndex
from tests.support.closeness import WordHashEmbedder

_FILES = {
    "http/client.py": "class Client:\n    def send(self, request):\n        return retry(request)\n",
    "http/retry.py": "def retry(request):\n    'Send a request again.'\n    return request\n",
    "vendor/retry.py": "def retry(request):\n    'Send a request again.'\n    return request\n",
    "tests/test_retry.py": "def test_retry():\n    assert retry('request') == 'request'\n",
    "README.md": "# Client\n\nHow a request is sent again by the client.\n",
    "http/ws.py": "class Frame:\n    'Of a web socket.'\n    size = 2\n",
}
_QUERIES = (
    Query("how a request is sent again", "semantic", (Target("http/retry.py"), Target("http/client.py"))),
    Query("Client", "symbol", (Target("http/client.py"),)),
    Query("web socket frames", "architecture", (Target("http/ws.py", 1, 3),)),
    Query("tests of retry", "semantic", (Target("tests/test_retry.py"),)),
)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    root = tmp_path / "tree"
    for path, text in _FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    embedder = WordHashEmbedder()
    with open_index(root, model=embedder, here=True) as index:
        index.refresh()
        with Store.open(index.directory, root=index.root, read_only=True) as store:
            repository = Repository("r", "python", root, _QUERIES)
            yield Bench(repository, index, store, VectorIndex(store, index.directory), embedder, 0.0)


@pytest.mark.parametrize("mode", ["hybrid", "lexical"])
def test_other_weights_give_what_a_search_with_them_gives(bench: Bench, mode: str) -> None:
    rows = gathered(bench, mode)
    for change in (
        {"coherence": 2.0, "lexical_share": 0.1},
        {"path": 0.0, "words": 3.0, "names": 0.0, "length": 1.0},
        {"definition": 0.1, "mention": 0.0, "rrf_k": 1.0},
        {"roles": dict.fromkeys(WEIGHTS.roles, 1.0), "duplicate": 1.0},
        {"further": 0.01, "abbreviations": False},
        {"likeness": 2.0, "names_beside_likeness": 1.0},
        {"likeness": 0.5, "further_beside_likeness": 0.01},
        {"further": 1.0, "further_power": 0.5, "closeness": 0.0},
    ):
        weights = replace(WEIGHTS, **change)
        assert [row.ndcg(weights) for row in rows] == pytest.approx(bench.ndcg(weights, mode)), change


def test_the_search_for_weights_finds_better_ones(bench: Bench) -> None:
    series = [gathered(bench)]
    worst = replace(refit.START, roles=dict.fromkeys(WEIGHTS.roles, 1.0), path=0.0)
    assert refit.objective(series, refit.climb(series, worst)) > refit.objective(series, worst)


def test_a_language_that_is_done_is_not_searched_again(bench: Bench, tmp_path: Path) -> None:
    data = Measurement(list(_QUERIES), ["a", "a", "b", "b"], {"hybrid": gathered(bench)})
    done = refit.Fold("a", asdict(WEIGHTS), {"hybrid": [0.25, 0.5]})
    (tmp_path / "folds").write_text(json.dumps(asdict(done)) + "\n")
    got = refit.folds(data, tmp_path / "folds")
    assert got[0].scores == done.scores
    assert [fold.held_out for fold in got] == ["a", "b"]
    again = refit.folds(data, tmp_path / "folds")
    assert [fold.scores for fold in again] == [fold.scores for fold in got]


def test_a_miss_that_nobody_has_read_is_counted_as_such(bench: Bench) -> None:
    scored = [replace(row, ndcg=0.5) for row in bench.score("hybrid")]
    assert "| not read yet | 4 | 0.500 |" in misses.table(scored)
