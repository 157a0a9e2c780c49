"""The second stage: which candidates it orders, what becomes of their scores, and what is no reranker."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codesearch.errors import BadQuery, CodesearchError, ModelUnavailable
from codesearch.index.index import Index
from codesearch.index.opening import open_index
from codesearch.records import ChunkRef
from codesearch.searching.ranking.ranking import Candidate
from codesearch.searching.ranking.rerank import RERANKED, rerank
from tests.support.checkpoints import Checkpoint
from tests.support.closeness import WordHashEmbedder
from tests.support.running import checkpoint_folder
from tests.support.store_support import chunks_of
from tests.support.trees import write_tree

SMALL = Checkpoint("reranker", heads=12, hidden=48)


@pytest.fixture
def index(tmp_path: Path) -> Index:
    opened = open_index(write_tree(tmp_path / "tree", 20), WordHashEmbedder())
    opened.refresh()
    return opened


class Longest:
    """Likes long texts; remembers what it was asked."""

    def __init__(self) -> None:
        self.pairs: list[tuple[str, str]] = []

    def predict(self, pairs: list[tuple[str, str]]) -> Any:
        self.pairs = list(pairs)
        return np.array([[len(text)] for _, text in pairs])  # a column, as some give it


class Ranks:
    """The same with ``rank`` alone."""

    def rank(self, query: str, documents: list[str]) -> list[dict[str, Any]]:
        order = sorted(range(len(documents)), key=lambda at: -len(documents[at]))
        return [{"corpus_id": at, "score": len(documents[at])} for at in order]


def candidates(scores: list[float]) -> list[Candidate]:
    (chunk,) = chunks_of("a.py", ["x\n"])
    return [
        Candidate(ChunkRef("", at), chunk, score) for at, score in enumerate(sorted(scores, reverse=True))
    ]


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(-50, 50)), max_size=40))
def test_the_first_are_ordered_again_and_scores_stay_comparable(given: list[tuple[float, float]]) -> None:
    ranked = candidates([score for score, _ in given])
    said = np.array([said for _, said in given][:RERANKED])
    got = rerank("q", ranked, lambda query, texts: said).candidates
    first, rest = got[:RERANKED], got[RERANKED:]
    assert [c.ref.id for c in first] == sorted(range(len(first)), key=lambda at: (-said[at], at))
    assert rest == ranked[RERANKED:]
    assert all(a.score >= b.score - 1e-12 for a, b in pairwise(got))
    if len(first) > 1 and said.min() < said.max():
        assert first[0].score == pytest.approx(ranked[0].score)
        assert first[-1].score == ranked[len(first) - 1].score


def test_an_object_orders_the_hits(index: Index) -> None:
    plain, model = index.search("retry the socket", limit=40), Longest()
    got = index.search("retry the socket", limit=40, rerank=model)
    assert len(model.pairs) == RERANKED
    assert {query for query, _ in model.pairs} == {"retry the socket"}
    assert all(
        hit.text in text and hit.path in text for hit, (_, text) in zip(plain, model.pairs, strict=False)
    )
    assert got != plain
    assert [hit.score for hit in got] == sorted((hit.score for hit in got), reverse=True)
    assert got[RERANKED:] == plain[RERANKED:]
    assert index.search("retry the socket", limit=40, rerank=Ranks()) == got


def test_the_limit_comes_after_the_second_stage(index: Index) -> None:
    whole = index.search("retry the socket", limit=40, rerank=Longest())
    assert index.search("retry the socket", limit=1, rerank=Longest())[0].path == whole[0].path


def test_a_checkpoint_is_loaded_once_by_its_name(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlx_jinabert.loading import scoring

    name = str(checkpoint_folder(SMALL))
    load, loaded = scoring.load_reranker, []
    monkeypatch.setattr(scoring, "load_reranker", lambda n, **options: loaded.append(n) or load(n, **options))
    got = index.search("retry the socket", limit=5, rerank=name)
    assert (
        got
        == index.search("retry the socket", limit=5, rerank=name)
        == index.search("retry the socket", limit=5, rerank=load(name))
    )
    assert loaded == [name]
    assert got != index.search("retry the socket", limit=5)


def test_the_order_is_that_of_the_models_own_logits(index: Index) -> None:
    import mlx_jinabert

    model = mlx_jinabert.load_reranker(checkpoint_folder(SMALL))
    found = index.explain("retry the socket", limit=30, rerank=model)
    said = [explained.explanation.reranker for explained in found]
    path, text = found[0].hit.path, found[0].hit.text
    (chunk,) = (c.chunk for c in index.chunks_of(path) if c.chunk.text == text)
    assert said == sorted(said, key=lambda score: -(score or 0))
    assert said[0] == pytest.approx(
        float(model.predict([("retry the socket", chunk.embedded_text)], activation="identity")[0]), abs=1e-5
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("embedded", "'embedded' cannot be used: no reranker: .*vectors"),
        (Checkpoint("bert"), "no reranker: .*embedding model"),
        ("/no/such/folder", "'/no/such/folder' cannot be used: no reranker"),
    ],
)
def test_a_model_that_is_no_reranker(index: Index, name: Any, said: str) -> None:
    given = str(checkpoint_folder(name)) if isinstance(name, Checkpoint) else name
    with pytest.raises(ModelUnavailable, match=said):
        index.search("x", rerank=given)


class Returns:
    def __init__(self, found: Any) -> None:
        self.predict = lambda pairs: found


class RanksAs:
    def __init__(self, found: Any) -> None:
        self.rank = lambda query, documents: found


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (Returns([1.0]), r"shape \(1,\) for 30 pairs"),
        (Returns([float("nan")] * 30), "not finite"),
        (Returns(["high"] * 30), "no numbers"),
        (RanksAs([{"corpus_id": 0, "score": 1.0}]), "expected a corpus_id"),
        (RanksAs(None), "expected a corpus_id"),
    ],
)
def test_what_a_reranker_may_not_return(index: Index, model: Any, said: str) -> None:
    with pytest.raises(CodesearchError, match=said):
        index.search("retry the socket", rerank=model)


def test_another_object_is_refused(index: Index) -> None:
    with pytest.raises(BadQuery, match=r"rerank is a WordHashEmbedder; expected .*predict"):
        index.search("x", rerank=WordHashEmbedder())
