"""text-embeddings-inference's endpoints, and what our own client makes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import mlx_jinabert
from tests.mlx_jinabert.server.models import TEXTS
from tests.support.serving import Served

DOCUMENTS = ["open(path)", "sum(x)", "", "世界", "open(path)"]


def vectors(rows: list[list[float]]) -> np.ndarray:
    return np.array(rows, np.float64).astype(np.float32)


def test_vectors_are_those_of_encode_to_the_byte(server: Served, embedder: mlx_jinabert.Embedder) -> None:
    assert (
        vectors(server.post("/embed", {"inputs": TEXTS}).json).tobytes() == embedder.encode(TEXTS).tobytes()
    )
    one = server.post("/embed", {"inputs": TEXTS[0], "normalize": False, "dimensions": 32}).json
    want = embedder.encode(TEXTS[:1], normalize_embeddings=False, truncate_dim=32)
    assert vectors(one).tobytes() == want.tobytes()


def test_long_texts_are_cut_only_where_asked(server: Served, embedder: mlx_jinabert.Embedder) -> None:
    long = "b " * 600
    refused = server.post("/embed", {"inputs": ["a", long]})
    assert refused.status == 413
    assert refused.json["error_type"] == "Validation"
    assert "text 1 has 602 tokens" in refused.json["error"]
    cut = server.post("/embed", {"inputs": [long], "truncate": True})
    assert vectors(cut.json).tobytes() == embedder.encode([long], truncation="silent").tobytes()


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/embed", {"inputs": []}, 422),
        ("/embed", {"inputs": "a", "truncation_direction": "Left"}, 422),
        ("/embed", {"inputs": "a", "prompt_name": "nobody"}, 422),
        ("/embed", {"inputs": "a", "truncate": "yes"}, 422),
        ("/embed", {"inputs": ["a"] * 2049}, 413),
        ("/embed", {"inputs": [1, 2, 3] * 200}, 413),
        ("/embed", {"input": "a"}, 422),
        ("/rerank", {"query": "a", "texts": []}, 422),
        ("/rerank", {"query": "a"}, 422),
        ("/rerank", {"query": "b " * 600, "texts": ["a"]}, 413),
        ("/tokenize", {"inputs": [1]}, 422),
        ("/v2/rerank", {"query": "a", "documents": [1]}, 422),
        ("/v2/rerank", {"query": "a", "documents": ["a"], "model": "embedded"}, 404),
        ("/nowhere", {}, 404),
    ],
)
def test_bad_requests(server: Served, path: str, body: dict[str, Any], status: int) -> None:
    answer = server.post(path, body)
    assert answer.status == status, answer.content
    assert set(answer.json) == {"error", "error_type"}


def test_rerank_is_ranked_as_rank_ranks(server: Served, reranker: mlx_jinabert.Reranker) -> None:
    want = reranker.rank("read a file", DOCUMENTS)
    got = server.post("/rerank", {"query": "read a file", "texts": DOCUMENTS, "return_text": True}).json
    assert [(row["index"], np.float32(row["score"])) for row in got] == [
        (row["corpus_id"], np.float32(row["score"])) for row in want
    ]
    assert [row["text"] for row in got] == [DOCUMENTS[row["index"]] for row in got]
    raw = server.post("/rerank", {"query": "read a file", "texts": DOCUMENTS, "raw_scores": True}).json
    logits = reranker.predict([("read a file", text) for text in DOCUMENTS], activation="identity")
    assert {row["index"]: np.float32(row["score"]) for row in raw} == dict(enumerate(logits))


@pytest.mark.parametrize("path", ["/v1/rerank", "/v2/rerank"])
def test_cohere_and_jina_read_the_same_ranking(
    server: Served, reranker: mlx_jinabert.Reranker, path: str
) -> None:
    want = reranker.rank("read a file", DOCUMENTS, top_k=2)
    mixed: list[Any] = [*DOCUMENTS[:3], *({"text": text} for text in DOCUMENTS[3:])]
    body = {
        "model": "ranker",
        "query": "read a file",
        "documents": mixed,
        "top_n": 2,
        "return_documents": True,
    }
    answer = server.post(path, body).json
    assert [(row["index"], np.float32(row["relevance_score"])) for row in answer["results"]] == [
        (row["corpus_id"], np.float32(row["score"])) for row in want
    ]
    assert answer["results"][0]["document"] == {"text": DOCUMENTS[want[0]["corpus_id"]]}
    assert answer["usage"]["total_tokens"] > 0


def test_documents_are_cut_to_their_tokens(server: Served, reranker: mlx_jinabert.Reranker) -> None:
    body = {"query": "q", "documents": ["alpha beta gamma"], "max_tokens_per_doc": 2}
    got = server.post("/v2/rerank", body).json["results"][0]["relevance_score"]
    short = reranker.tokenizer.shorten("alpha beta gamma", 2)
    assert len(reranker.tokenizer.pieces(short, add_special_tokens=False)) == 2
    assert np.float32(got) == reranker.predict([("q", short)])[0]


def test_tokens_cover_the_bytes_of_the_text(server: Served, embedder: mlx_jinabert.Embedder) -> None:
    text = "def naïve(世界): 🚀 return"
    rows = server.post("/tokenize", {"inputs": text}).json[0]
    assert [row["id"] for row in rows] == embedder.tokenizer.encode([text]).ids[0].tolist()
    assert [row["special"] for row in rows] == [True, *[False] * (len(rows) - 2), True]
    raw = text.encode()
    for row in rows[1:-1]:
        assert raw[row["start"] : row["stop"]].decode() == row["text"]
    plain = server.post("/tokenize", {"inputs": [text], "add_special_tokens": False}).json[0]
    assert plain == rows[1:-1]


def test_info_says_what_clients_ask_for(server: Served, embedder: mlx_jinabert.Embedder) -> None:
    info = server.get("/info").json
    assert info["model_id"] == "embedded"
    assert info["max_input_length"] == embedder.max_length
    assert info["max_client_batch_size"] == 2048
    assert info["fingerprint"] == embedder.fingerprint


@pytest.mark.parametrize("protocol", ["tei", "openai"])
def test_our_own_remote_model_reads_it(
    server: Served, embedder: mlx_jinabert.Embedder, protocol: str
) -> None:
    path = {"tei": "", "openai": "/v1#embedded"}[protocol]
    remote = mlx_jinabert.load(f"{protocol}+http://127.0.0.1:{server.port}{path}")
    texts = [text for text in TEXTS if text]
    got = remote.encode(texts)
    assert got.shape == (len(texts), embedder.dim)
    np.testing.assert_allclose(got, embedder.encode(texts), atol=1e-6)


def test_health_and_metrics(server: Served) -> None:
    assert server.get("/health").status == server.get("/ping").status == 200
    server.post("/embed", {"inputs": ["counted"]})
    text = server.get("/metrics").content.decode()
    for name in (
        'mlx_jinabert_requests_total{method="POST",route="/embed",status="200"}',
        'mlx_jinabert_batch_tokens_count{model="embedded"}',
        'mlx_jinabert_queue_tokens{model="embedded"} 0',
        "mlx_jinabert_healthy 1",
        'mlx_jinabert_model_loaded{backend="onnx",device="cpu",dtype="int8",model="embedded",',
    ):
        assert name in text, name
