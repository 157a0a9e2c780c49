"""The reranker: logits of both backends against PyTorch, scores, order, truncation and refusals."""

from __future__ import annotations

import json
import logging
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tokenizers import processors

import mlx_jinabert
from conversion.convert import Request, convert
from mlx_jinabert.errors import ModelFolderError, NonFinite, TooLong, UnsupportedConfig, WeightMismatch
from mlx_jinabert.local.reranker import Reranker, default_activation
from mlx_jinabert.text.pairs import PairTokenizer
from mlx_jinabert.text.tokenizer import Ids, TokenBatch
from tests.support.checkpoint_tokenizers import word_piece
from tests.support.checkpoints import Checkpoint, config_of, tensors_of, write, write_shards
from tests.support.closeness import assert_close
from tests.support.running import BACKENDS, checkpoint_folder, open_model, random_ids, require

parity, invariants = pytest.mark.parity, pytest.mark.invariants
SMALL = Checkpoint("reranker", heads=12, hidden=48)
PAIRS = [
    ("retries decided", "def retry():\n  for _ in range(3): ..."),
    ("x", ""),
    ("", "y"),
    ("世界 🚀", "naïve café\ttabs"),
    ("\ud800 lone surrogate", "word " * 7),
    ("x", ""),
]


@cache
def load(backend: str, dtype: str = "float32", checkpoint: Checkpoint = SMALL) -> Reranker:
    require({"mlx": "mlx.core", "onnx": "onnxruntime"}[backend])
    return mlx_jinabert.load_reranker(
        checkpoint_folder(checkpoint), backend=backend, dtype=dtype, max_length=64
    )


def changed(folder: Path, checkpoint: Checkpoint = SMALL, **config: object) -> Path:
    """A checkpoint of its own, with some keys of config.json set."""
    write(folder, checkpoint)
    (folder / "config.json").write_text(json.dumps(config_of(checkpoint) | config))
    return folder


def reference(folder: Path, ids: list[Ids], types: list[Ids]) -> NDArray[np.float32]:
    require("torch", "transformers")
    import torch

    from tests.support.reference import jina_bert

    forward = jina_bert.open_classifier(folder, json.loads((folder / "config.json").read_text()))
    with torch.no_grad():
        rows = [
            forward(torch.from_numpy(i).long(), torch.from_numpy(t).long())
            for i, t in zip(ids, types, strict=True)
        ]
    return torch.stack(rows).float().numpy()


@parity
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("heads", [8, 12])
def test_logits_in_a_padded_batch(heads: int, backend: str) -> None:
    lengths = (1, 2, 33, 129)
    folder = checkpoint_folder(SMALL.but(heads=heads, hidden=8 * heads, dtype="float16", shards=2))
    ids = random_ids(lengths, 512)
    types = [(np.arange(len(row)) > len(row) // 2).astype(np.int32) for row in ids]
    batch = TokenBatch.pad(ids, max(lengths), 1, types)
    got = open_model(folder, backend).embed(batch)
    assert_close(got, reference(folder, ids, types), atol=2e-5, what=f"{heads} heads on {backend}")


@parity
@pytest.mark.parametrize(
    ("backend", "dtype", "atol"),
    [
        ("mlx", "float32", 2e-5),
        ("onnx", "float32", 2e-5),
        ("mlx", "float16", 0.01),
        ("mlx", "bfloat16", 0.05),
    ],
)
def test_logits_of_pairs(backend: str, dtype: str, atol: float) -> None:
    model = load(backend, dtype)
    tokens = model._tokenizer.encode_pairs(PAIRS)
    want = reference(model.folder.path, list(tokens.ids), list(tokens.types))[:, 0]
    assert_close(model.predict(PAIRS, activation="identity"), want, atol=atol, what=f"{backend} {dtype}")


@parity
@pytest.mark.parametrize("limit", [12, 20, 64, 400])
def test_pairs_are_encoded_and_cut_as_transformers_does_it(tmp_path: Path, limit: int) -> None:
    require("transformers")
    from transformers import PreTrainedTokenizerFast

    word_piece().save(str(tmp_path / "tokenizer.json"))
    theirs = PreTrainedTokenizerFast(tokenizer_file=str(tmp_path / "tokenizer.json"))
    pairs = [("short", "a long text " * 9), ("a long question " * 9, "short"), ("even " * 8, "evens " * 8)]
    queries, documents = ([pair[side] for pair in pairs] for side in (0, 1))
    got = PairTokenizer(tmp_path / "tokenizer.json", limit, 2).encode_pairs(pairs)
    want = theirs(
        queries, documents, truncation="longest_first", max_length=limit, return_token_type_ids=True
    )
    assert [row.tolist() for row in got.ids] == want["input_ids"]
    assert [row.tolist() for row in got.types] == want["token_type_ids"]
    assert max(map(len, got.ids)) <= limit
    assert list(got.lengths) == [len(ids) for ids in theirs(queries, documents)["input_ids"]]


@invariants
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_score_belongs_to_its_pair_alone(backend: str) -> None:
    model = load(backend)
    batch = model.predict(PAIRS)
    assert (batch.dtype, batch.shape) == (np.float32, (len(PAIRS),))
    assert_close(np.stack([model.predict(pair) for pair in PAIRS]), batch, atol=1e-6, what="one by one")
    order = np.random.RandomState(0).permutation(len(PAIRS))
    assert_close(model.predict([PAIRS[n] for n in order]), batch[order], atol=1e-6, what="shuffled")
    assert_close(model.predict(PAIRS, max_batch_tokens=8), batch, atol=1e-6, what="in small batches")
    assert_close(model.predict(PAIRS, batch_size=2), batch, atol=1e-6, what="two at a time")
    assert model.predict([]).shape == (0,)


@invariants
@pytest.mark.parametrize("backend", BACKENDS)
def test_padding_changes_no_logit(backend: str) -> None:
    model, lengths = open_model(checkpoint_folder(SMALL), backend), (1, 7, 33, 64)
    ids = random_ids(lengths, 512)
    types = [np.zeros_like(row) for row in ids]
    alone = [model.embed(TokenBatch.pad([row], len(row), 1, [row * 0])) for row in ids]
    assert_close(
        model.embed(TokenBatch.pad(ids, 96, 1, types)), np.concatenate(alone), atol=1e-6, what=backend
    )


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_pooling_of_an_embedding_model_is_not_asked(tmp_path: Path, backend: str) -> None:
    model = mlx_jinabert.load_reranker(
        write(tmp_path, SMALL.but(pooling="last")), backend=backend, dtype="float32"
    )
    assert_close(model.predict(PAIRS), load(backend).predict(PAIRS), atol=1e-6, what="pooling")


def test_the_fingerprint_is_that_of_the_model() -> None:
    assert load("mlx").fingerprint == load("onnx").fingerprint


def test_the_template_decides_about_token_types(tmp_path: Path) -> None:
    folder = changed(tmp_path)
    one_type = mlx_jinabert.load_reranker(folder).predict(PAIRS)
    template = json.loads((folder / "tokenizer.json").read_text())
    other = word_piece()
    other.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B:1 </s>:1", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    template["post_processor"] = json.loads(other.to_str())["post_processor"]
    (folder / "tokenizer.json").write_text(json.dumps(template))
    two_types = mlx_jinabert.load_reranker(folder).predict(PAIRS)
    assert np.abs(two_types - one_type).max() > 1e-3
    with pytest.raises(ModelFolderError, match="token type 1"):
        PairTokenizer(folder / "tokenizer.json", 64, type_vocab_size=1)


def test_scores_are_logits_through_a_sigmoid_unless_told_otherwise(tmp_path: Path) -> None:
    model = load("onnx")
    logits = model.predict(PAIRS, activation="identity")
    assert model.activation == "sigmoid"
    assert_close(model.predict(PAIRS), 1 / (1 + np.exp(-logits)), atol=1e-7, what="sigmoid")
    named = {"sentence_transformers": {"activation_fn": "torch.nn.modules.linear.Identity"}}
    plain = mlx_jinabert.load_reranker(changed(tmp_path, **named), backend="onnx")
    assert plain.activation == "identity"
    assert_close(plain.predict(PAIRS), logits, atol=1e-6, what="as the checkpoint says")
    assert default_activation({"sbert_ce_default_activation_function": "torch.nn.modules.linear.Identity"})
    with pytest.raises(UnsupportedConfig, match=r"activation_fn.*ReLU"):
        default_activation({"sentence_transformers": {"activation_fn": "torch.nn.ReLU"}})


def test_documents_are_ranked() -> None:
    model = load("onnx")
    texts = ["def retry(): ...", "class Retry: ...", "", "def retry(): ..."]
    scores = model.predict([("retries", text) for text in texts])
    ranked = model.rank("retries", texts, return_documents=True)
    assert [entry["corpus_id"] for entry in ranked] == np.argsort(-scores, kind="stable").tolist()
    assert [entry["score"] for entry in ranked] == sorted(scores.tolist(), reverse=True)
    assert [entry["text"] for entry in ranked] == [texts[entry["corpus_id"]] for entry in ranked]
    assert model.rank("retries", texts, top_k=2) == [
        {k: e[k] for k in ("corpus_id", "score")} for e in ranked[:2]
    ]
    assert model.rank("retries", []) == []


def test_ranks_are_told_apart_where_the_sigmoid_cannot(tmp_path: Path) -> None:
    tensors = tensors_of(SMALL)
    tensors["classifier.weight"] *= 1000
    tensors["classifier.bias"] += 5000
    folder = write(tmp_path, SMALL)
    write_shards(folder, tensors, "float32")
    model = mlx_jinabert.load_reranker(folder, backend="onnx")
    texts = [document for _, document in PAIRS]
    logits = model.predict([("x", text) for text in texts], activation="identity")
    assert model.predict([("x", text) for text in texts]).tolist() == [1.0] * len(texts)
    assert [e["corpus_id"] for e in model.rank("x", texts)] == np.argsort(-logits, kind="stable").tolist()


def test_a_pair_over_the_limit(caplog: pytest.LogCaptureFixture) -> None:
    model, long = load("onnx"), "word " * 90
    pairs = [("x", long), ("x", "short"), ("x", long + "more")]
    with caplog.at_level(logging.WARNING, "mlx_jinabert"):
        scores = model.predict(pairs)
    assert "2 of 3" in caplog.text
    assert scores[0] == scores[2] != scores[1]
    with pytest.raises(TooLong) as caught:
        model.predict(pairs, truncation="error")
    assert caught.value.texts == (0, 2)
    model.predict(pairs, truncation="silent")
    assert len(caplog.records) == 1


def test_a_score_that_is_not_finite_names_its_pair(tmp_path: Path) -> None:
    tensors, folder = tensors_of(SMALL), write(tmp_path, SMALL)
    bad = load("onnx")._tokenizer.encode(["~"]).ids[0][1]
    tensors["bert.embeddings.word_embeddings.weight"][bad] = np.nan
    write_shards(folder, tensors, "float32")
    with pytest.raises(NonFinite) as caught:
        mlx_jinabert.load_reranker(folder, backend="onnx").predict([("a", "fine"), ("a", "b ~ c")])
    assert caught.value.text == 1


@pytest.mark.parametrize("kind", ["code", "en", "bert"])
def test_an_embedding_model_is_no_reranker(kind: str) -> None:
    with pytest.raises(WeightMismatch, match=r"classifier\.weight.*mlx_jinabert\.load$"):
        mlx_jinabert.load_reranker(checkpoint_folder(Checkpoint(kind)))


def test_a_reranker_is_no_embedding_model() -> None:
    with pytest.raises(WeightMismatch, match=r"classifier\.weight.*load_reranker"):
        mlx_jinabert.load(checkpoint_folder(SMALL))


def test_a_known_name_is_refused_before_anything_is_fetched() -> None:
    with pytest.raises(ModelFolderError, match=r"jina-reranker-tiny.*load_reranker"):
        mlx_jinabert.load("jina-reranker-tiny")
    with pytest.raises(ModelFolderError, match=r"use mlx_jinabert\.load$"):
        mlx_jinabert.load_reranker("jina-code")


@pytest.mark.parametrize(
    ("key", "value"), [("id2label", {"0": "no", "1": "yes"}), ("position_embedding_type", "absolute")]
)
def test_a_head_of_another_kind_is_refused(tmp_path: Path, key: str, value: object) -> None:
    with pytest.raises(UnsupportedConfig, match=key):
        mlx_jinabert.load_reranker(changed(tmp_path, **{key: value}))


def test_a_missing_pooler_and_a_head_on_the_code_variant_are_refused(tmp_path: Path) -> None:
    folder, tensors = write(tmp_path / "a", SMALL), tensors_of(SMALL)
    del tensors["bert.pooler.dense.bias"]
    write_shards(folder, tensors, "float32")
    with pytest.raises(WeightMismatch, match=r"missing: pooler\.dense\.bias"):
        mlx_jinabert.load_reranker(folder)
    code = Checkpoint("code")
    folder = write(tmp_path / "b", code)
    head = {"classifier.weight": np.zeros((1, 64), np.float32), "classifier.bias": np.zeros(1, np.float32)}
    write_shards(folder, tensors_of(code) | head, "float32")
    with pytest.raises(WeightMismatch, match=r"classifier\.bias, classifier\.weight.*en variant"):
        mlx_jinabert.load_reranker(folder)


@pytest.mark.parametrize(
    "pairs", ["text", b"text", 3, [("a",)], [("a", "b", "c")], [("a", 1)], ["ab", "cd", "ef"], {"a": "b"}]
)
def test_what_is_no_pair_of_texts_is_refused(pairs: object) -> None:
    with pytest.raises(TypeError, match="pair"):
        load("onnx").predict(pairs)


def test_options_are_checked() -> None:
    model = load("onnx")
    for option in ({"batch_size": 0}, {"max_batch_tokens": 0}):
        with pytest.raises(ValueError, match=next(iter(option))):
            model.predict(PAIRS, **option)
    with pytest.raises(ValueError, match="activation"):
        model.predict(PAIRS, activation="softmax")
    with pytest.raises(ValueError, match="top_k"):
        model.rank("x", ["a"], top_k=0)
    with pytest.raises(TypeError, match="documents"):
        model.rank("x", "a")


@pytest.mark.parametrize(("target", "bits"), [("mlx", None), ("onnx", None), ("onnx", 8)])
def test_a_converted_reranker(tmp_path: Path, target: str, bits: int | None) -> None:
    source = checkpoint_folder(SMALL)
    done = convert(Request(str(source), target, tmp_path / "out", bits=bits))
    model = mlx_jinabert.load_reranker(done.out, backend=target)
    want = load(target, "int8" if bits else "float32").predict(PAIRS)
    assert_close(model.predict(PAIRS), want, atol=1e-5, what="converted")
