"""Qwen3-Reranker's kind: yes or no as the next token, against the authors' own steps in transformers."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

import mlx_jinabert
from conversion.convert import Request, convert
from conversion.errors import ConversionError
from mlx_jinabert.errors import ModelFolderError, WeightMismatch
from tests.support.checkpoints import Checkpoint, write
from tests.support.closeness import assert_close
from tests.support.quantised import write_quantised
from tests.support.running import BACKENDS, require

QWEN3 = Checkpoint(
    "qwen3", heads=12, kv_heads=4, head_dim=8, hidden=96, layers=3, max_position=1024, closed=False
)
PAIRS = [("where are retries decided", "def retry(): ..."), ("x", ""), ("a b c", "y " * 200), ("世界", "🚀")]
PREFIX = (
    "<|im_start|>system\nJudge whether the Document meets the requirements based on the Query and "
    'the Instruct provided. Note that the answer can only be "yes" or "no".<|im_end|>\n<|im_start|>user\n'
)
SUFFIX = "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"
TASK = "Given a web search query, retrieve relevant passages that answer the query"
LIMIT = 420


def written(folder: Path, checkpoint: Checkpoint = QWEN3, answers: tuple[str, ...] = ("yes", "no")) -> Path:
    """As it is published: a language model with the tokenizer of Qwen, and no files of modules."""
    write(folder, checkpoint)
    for name in ("modules.json", "config_sentence_transformers.json", "sentence_bert_config.json"):
        (folder / name).unlink(missing_ok=True)
    return with_answers(folder, answers)


def with_answers(folder: Path, answers: tuple[str, ...] = ("yes", "no")) -> Path:
    """The folder with these words as tokens of their own."""
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text())
    vocabulary, merges = content["model"]["vocab"], content["model"]["merges"]
    for word in answers:
        for end in range(2, len(word) + 1):
            vocabulary.setdefault(word[:end], len(vocabulary))
            merges.append([word[: end - 1], word[end - 1]])
    path.write_text(json.dumps(content))
    return folder


def reference(folder: Path, pairs: list[tuple[str, str]], task: str = TASK) -> np.ndarray:
    """The probabilities of "yes", by the steps of the model's card, over the whole table."""
    import torch
    from transformers import AutoModelForCausalLM

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    encode = lambda text: tokenizer.encode(text, add_special_tokens=False).ids  # noqa: E731
    before, after = encode(PREFIX), encode(SUFFIX)
    rows = []
    for query, document in pairs:
        text = f"<Instruct>: {task}\n<Query>: {query}\n<Document>: {document}"
        rows.append(before + encode(text)[: LIMIT - len(before) - len(after)] + after)
    model = AutoModelForCausalLM.from_pretrained(
        folder, attn_implementation="eager", dtype=torch.float64
    ).eval()
    with torch.no_grad():
        last = torch.cat([model(input_ids=torch.tensor([row])).logits[:, -1, :] for row in rows])
    answers = torch.stack([last[:, tokenizer.token_to_id(word)] for word in ("no", "yes")], dim=1)
    return torch.log_softmax(answers, dim=1)[:, 1].exp().numpy()


@pytest.mark.parity
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("tied", [True, False])
def test_scores_are_those_of_the_models_card(tmp_path: Path, backend: str, tied: bool) -> None:
    require("torch", "transformers", {"mlx": "mlx.core", "onnx": "onnxruntime"}[backend])
    folder = written(tmp_path / "small-reranker", QWEN3.but(head=not tied))
    model = mlx_jinabert.load_reranker(folder, backend=backend, dtype="float32", max_length=LIMIT)
    want = reference(folder, PAIRS)
    assert np.ptp(want) > 1e-3
    assert_close(model.predict(PAIRS, truncation="silent"), want.astype(np.float32), atol=2e-6, what="scores")
    model = mlx_jinabert.load_reranker(
        folder, backend=backend, dtype="float32", max_length=LIMIT, instruction="Find code"
    )
    want = reference(folder, PAIRS, "Find code")
    assert_close(
        model.predict(PAIRS, truncation="silent"), want.astype(np.float32), atol=2e-6, what="instructed"
    )


@pytest.mark.parametrize("backend", BACKENDS)
def test_it_ranks_survives_pickle_and_takes_batches(tmp_path: Path, backend: str) -> None:
    require({"mlx": "mlx.core", "onnx": "onnxruntime"}[backend])
    model = mlx_jinabert.load_reranker(
        written(tmp_path / "a-Reranker"), backend=backend, instruction="Find code"
    )
    scores = model.predict(PAIRS)
    assert ((scores > 0) & (scores < 1)).all()
    assert_close(model.predict(PAIRS, batch_size=1), scores, atol=1e-6, what="one at a time")
    ranked = model.rank("x", ["", "y"])
    assert [row["score"] for row in ranked] == sorted((row["score"] for row in ranked), reverse=True)
    again = pickle.loads(pickle.dumps(model))
    assert_close(again.predict(PAIRS), scores, atol=1e-6, what="after pickle")


def test_what_is_refused(tmp_path: Path) -> None:
    require("onnxruntime")
    with pytest.raises(ModelFolderError, match="load_reranker"):
        mlx_jinabert.load(written(tmp_path / "my-reranker"), backend="onnx")
    with pytest.raises(ModelFolderError, match="'yes' and 'no'"):
        mlx_jinabert.load_reranker(written(tmp_path / "other-reranker", answers=()), backend="onnx")
    with pytest.raises(ModelFolderError, match="leaves no room"):
        mlx_jinabert.load_reranker(tmp_path / "my-reranker", backend="onnx", max_length=30)


def test_a_quantised_folder_scores_alike_on_both_backends(tmp_path: Path) -> None:
    require("mlx.core", "onnxruntime")
    folder = tmp_path / "packed-reranker"
    write_quantised(folder, QWEN3, {"group_size": 32, "bits": 8})
    with_answers(folder)
    mlx, onnx = (
        mlx_jinabert.load_reranker(folder, backend=backend, dtype="float32").predict(PAIRS)
        for backend in ("mlx", "onnx")
    )
    assert_close(mlx, onnx, atol=2e-4, what="scores")


def test_conversion_keeps_the_scores_or_is_refused(tmp_path: Path) -> None:
    require("onnxruntime", "mlx.core")
    folder = written(tmp_path / "small-reranker")
    want = mlx_jinabert.load_reranker(folder, backend="onnx").predict(PAIRS)
    out = convert(Request(str(folder), "mlx", tmp_path / "converted-reranker")).out
    assert_close(
        mlx_jinabert.load_reranker(out, backend="onnx").predict(PAIRS), want, atol=1e-6, what="scores"
    )
    with pytest.raises(ConversionError, match="output table"):
        convert(Request(str(folder), "onnx", tmp_path / "other-reranker"))
    untied = written(tmp_path / "untied-reranker", QWEN3.but(head=True))
    with pytest.raises(ConversionError, match="output table"):
        convert(Request(str(untied), "mlx", tmp_path / "third-reranker"))


def test_a_table_that_is_missing_is_named(tmp_path: Path) -> None:
    require("onnxruntime")
    folder = written(tmp_path / "small-reranker")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "tie_word_embeddings": False}))
    with pytest.raises(WeightMismatch, match="lm_head"):
        mlx_jinabert.load_reranker(folder, backend="onnx")
