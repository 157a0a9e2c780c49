"""Static embeddings against model2vec itself: both backends, lengths, unknown tokens, nothing at all."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

import mlx_jinabert
from conversion.convert import Request, convert
from mlx_jinabert.errors import ModelFolderError, TooLong, WeightMismatch
from tests.support.closeness import assert_close
from tests.support.running import BACKENDS, require

WORDS = ["retry", "the", "socket", "def", "return", "x", "##y", "where", "are"]
TEXTS = [
    "where are the socket retry",
    "x",
    "",
    "nothing known",
    "def retry unknown return x",
    "retry " * 700,
    "xy " * 300,
    "return socket",
]


def written(folder: Path, dtype: str = "float32", **config: object) -> Path:
    """As model2vec saves: config.json, tokenizer.json, one table."""
    folder.mkdir(parents=True, exist_ok=True)
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS]
    tokenizer = Tokenizer(models.WordPiece({p: n for n, p in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.save(str(folder / "tokenizer.json"))
    table = np.random.RandomState(0).standard_normal((len(pieces), 16)).astype(dtype)
    save_file({"embeddings": table}, folder / "model.safetensors")
    record = {
        "model_type": "model2vec",
        "architectures": ["StaticModel"],
        "normalize": True,
        "seq_length": 1_000_000,
    }
    (folder / "config.json").write_text(json.dumps(record | config))
    modules = [
        {"idx": 0, "name": "0", "path": ".", "type": "sentence_transformers.models.StaticEmbedding"},
        {"idx": 1, "name": "1", "path": "1_Normalize", "type": "sentence_transformers.models.Normalize"},
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    return folder


@pytest.mark.parity
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("config", [{}, {"max_length": 20}], ids=["512", "20"])
def test_vectors_are_those_of_model2vec(tmp_path: Path, backend: str, config: dict[str, int]) -> None:
    require("model2vec", {"mlx": "mlx.core", "onnx": "onnxruntime"}[backend])
    from model2vec import StaticModel

    folder = written(tmp_path, **config)
    want = StaticModel.from_pretrained(str(folder)).encode(TEXTS)
    model = mlx_jinabert.load(folder, backend=backend, dtype="float32")
    assert model.max_length == config.get("max_length", 512)
    assert_close(model.encode(TEXTS, truncation="silent"), want, atol=5e-6, what=f"static on {backend}")
    assert not want[2].any()
    assert not want[3].any()


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_text_has_one_vector_in_any_company(tmp_path: Path, backend: str) -> None:
    require({"mlx": "mlx.core", "onnx": "onnxruntime"}[backend])
    model = mlx_jinabert.load(written(tmp_path), backend=backend, dtype="float32")
    together = model.encode(TEXTS, truncation="silent", batch_size=3)
    alone = np.stack([model.encode(text, truncation="silent") for text in TEXTS])
    assert_close(together, alone, atol=1e-6, what="alone")


def test_half_precision_tables_and_int8(tmp_path: Path) -> None:
    require("onnxruntime")
    folder = written(tmp_path, "float16")
    exact = mlx_jinabert.load(folder, backend="onnx", dtype="float32").encode(TEXTS, truncation="silent")
    got = mlx_jinabert.load(folder, backend="onnx", dtype="int8").encode(TEXTS, truncation="silent")
    assert_close(got, exact, atol=1e-3, what="int8")


def test_long_texts_are_told_of(tmp_path: Path) -> None:
    model = mlx_jinabert.load(written(tmp_path, max_length=20))
    with pytest.raises(TooLong) as caught:
        model.encode(["x", "retry " * 30, "x " * 200], truncation="error")
    assert caught.value.texts == (1, 2)
    assert model.encode("x", truncation="error").shape == (16,)


@pytest.mark.parametrize("target", BACKENDS)
def test_a_conversion(tmp_path: Path, target: str) -> None:
    require({"mlx": "mlx.core", "onnx": "onnxruntime"}[target])
    folder = written(tmp_path / "source")
    done = convert(Request(str(folder), target, tmp_path / "out"))
    got = mlx_jinabert.load(done.out, backend=target, dtype="float32").encode(TEXTS, truncation="silent")
    want = mlx_jinabert.load(folder, backend=target, dtype="float32").encode(TEXTS, truncation="silent")
    assert_close(got, want, atol=1e-6, what="converted")


def test_shared_rows_and_missing_tables_are_refused(tmp_path: Path) -> None:
    folder = written(tmp_path)
    table = np.zeros((13, 16), np.float32)
    save_file({"embeddings": table, "mapping": np.zeros(13, np.int64)}, folder / "model.safetensors")
    with pytest.raises(WeightMismatch, match="not expected: mapping"):
        mlx_jinabert.load(folder)
    save_file({"vectors": table}, folder / "model.safetensors")
    with pytest.raises(ModelFolderError, match="one table of vectors called embeddings"):
        mlx_jinabert.load(folder)
