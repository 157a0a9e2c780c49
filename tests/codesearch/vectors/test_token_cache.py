"""The cache of token vectors: what it gives back and what not, and that reranking with it embeds once."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

import mlx_jinabert
from codesearch.index.opening import open_index
from codesearch.models.reranker import Rerankers
from codesearch.storage.folders import locations
from codesearch.vectors.token_cache import TokenVectorCache, pack, unpack
from mlx_jinabert.local.late_interaction import LateInteractionModel
from tests.support.checkpoints import Checkpoint
from tests.support.closeness import WordHashEmbedder
from tests.support.late_interaction import write_late_interaction
from tests.support.trees import write_tree

MODERN = Checkpoint("modernbert", heads=4, hidden=64, layers=3, max_position=160)
SETTINGS = {"do_query_expansion": False, "query_length": 24, "document_length": 40}
TEXTS = ["def retry(n): return n", "x", "", "y " * 90]
VECTORS = [np.random.RandomState(n).standard_normal((n, 8)).astype(np.float32) for n in (3, 1, 0, 9)]


@given(
    arrays(np.float32, st.tuples(st.integers(0, 5), st.integers(1, 9)), elements=st.floats(-4, 4, width=32))
)
def test_rounding_is_within_half_a_step_and_repeats_itself(vectors: NDArray[np.float32]) -> None:
    found = unpack(pack(vectors))
    assert (found.shape, found.dtype) == (vectors.shape, np.float32)
    step = float(np.abs(vectors).max(initial=0)) / 127
    assert np.abs(found - vectors).max(initial=0) <= step * 0.5001 + 1e-37
    np.testing.assert_allclose(unpack(pack(found)), found, atol=step * 1e-3)
    assert len(pack(vectors)) == 8 + vectors.size


def knows(cache: TokenVectorCache, text: str) -> bool:
    return cache.get("model", [text])[0] is not None


def test_what_was_put_is_found_again(tmp_path: Path) -> None:
    cache = TokenVectorCache(tmp_path / "tokens.sqlite")
    assert cache.get("model", TEXTS) == [None] * 4
    put = cache.put("model", TEXTS, VECTORS)
    found = TokenVectorCache(tmp_path / "tokens.sqlite").get("model", TEXTS)
    for got, given_back, original in zip(found, put, VECTORS, strict=True):
        assert got is not None
        np.testing.assert_array_equal(got, given_back)
        np.testing.assert_allclose(got, original, atol=0.02)
    assert cache.get("another model", TEXTS) == [None] * 4
    assert cache.get("model", ["another text"]) == [None]


def test_a_damaged_row_is_computed_again(tmp_path: Path) -> None:
    cache = TokenVectorCache(tmp_path / "tokens.sqlite")
    cache.put("model", TEXTS[:1], VECTORS[:1])
    with sqlite3.connect(cache.path) as db:
        (blob,) = db.execute("SELECT vector FROM vectors").fetchone()
        db.execute("UPDATE vectors SET vector = ?", (blob[:-1] + bytes([blob[-1] ^ 1]),))
    db.close()
    assert cache.get("model", TEXTS[:1]) == [None]
    cache.path.write_bytes(b"no database " * 500)
    assert cache.get("model", TEXTS[:1]) == [None]
    cache.put("model", TEXTS[:1], VECTORS[:1])
    assert knows(cache, TEXTS[0])


def test_the_file_stays_within_its_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = TokenVectorCache(tmp_path / "small.sqlite", max_bytes=200_000)
    vectors = [np.ones((100, 16), np.float32)]
    for n in range(300):
        small.put("model", [f"text {n}"], vectors)
    assert small.path.stat().st_size < 400_000
    assert (knows(small, "text 299"), knows(small, "text 0")) == (True, False)
    monkeypatch.setenv("CODESEARCH_CACHE_BYTES", "0")
    off = TokenVectorCache(tmp_path / "off.sqlite")
    off.put("model", TEXTS, VECTORS)
    assert not off.path.exists()


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LateInteractionModel:
    pytest.importorskip("onnxruntime")
    monkeypatch.setenv("MLX_JINABERT_CACHE", str(tmp_path / "graphs"))
    folder = write_late_interaction(tmp_path / "late", MODERN, **SETTINGS)
    return mlx_jinabert.load_late_interaction(folder, backend="onnx", dtype="float32")


def counted(model: LateInteractionModel, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that are embedded as documents from here on."""
    embedded: list[str] = []
    encode = model.encode_document

    def encode_document(texts: Sequence[str], **options: Any) -> Any:
        embedded.extend(texts)
        return encode(texts, **options)

    monkeypatch.setattr(model, "encode_document", encode_document)
    return embedded


def test_a_text_is_embedded_once_and_its_scores_stay(
    tmp_path: Path, model: LateInteractionModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = model.predict([("where are retries", text) for text in [*TEXTS, TEXTS[0]]])
    embedded = counted(model, monkeypatch)
    first = Rerankers(TokenVectorCache(tmp_path / "tokens.sqlite")).scorer(model)
    again = Rerankers(TokenVectorCache(tmp_path / "tokens.sqlite")).scorer(model)
    assert first is not None
    assert again is not None
    scores = first("where are retries", [*TEXTS, TEXTS[0]])
    assert embedded == TEXTS
    np.testing.assert_array_equal(again("where are retries", [*TEXTS, TEXTS[0]]), scores)
    assert embedded == TEXTS
    np.testing.assert_allclose(scores, exact, atol=0.1)
    assert np.ptp(exact) > 0.5
    again("another question", ["a new text", TEXTS[1]])
    assert embedded == [*TEXTS, "a new text"]


def test_other_settings_are_another_identity(tmp_path: Path, model: LateInteractionModel) -> None:
    """The same weights, cut at another length, give a document other vectors."""
    longer = write_late_interaction(tmp_path / "longer", MODERN, **{**SETTINGS, "document_length": 60})
    other = mlx_jinabert.load_late_interaction(longer, backend="onnx", dtype="float32")
    assert other.fingerprint == model.fingerprint
    assert other.document_identity != model.document_identity


def test_an_index_keeps_them_from_one_search_to_the_next(
    tmp_path: Path, model: LateInteractionModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = open_index(write_tree(tmp_path / "tree", 20), WordHashEmbedder())
    index.refresh()
    embedded = counted(model, monkeypatch)
    hits = index.search("module 3", rerank=model)
    judged = len(embedded)
    assert judged == len(set(embedded)) > 0
    assert [hit.path for hit in index.search("module 3", rerank=model)] == [hit.path for hit in hits]
    assert len(embedded) == judged
    assert locations.token_cache_path().exists()
    locations.clear_all()
    assert not locations.token_cache_path().exists()
