"""Both backends against the independent PyTorch references: float32 to 2e-5, float16 by cosine.

Random checkpoints in the original layout; the shipped model and all-MiniLM-L6-v2 on real weights.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from mlx_jinabert.checkpoint.folder import EMBEDDED
from mlx_jinabert.text.tokenizer import Tokenizer
from tests.support.checkpoints import Checkpoint
from tests.support.closeness import assert_close
from tests.support.running import (
    BACKENDS,
    LENGTHS,
    checkpoint_folder,
    cosine,
    embed,
    minilm,
    open_model,
    random_ids,
    read,
    require,
)

pytestmark = pytest.mark.parity

FLOAT32_ATOL = 2e-5
DEEP_ATOL = 3e-5
"""For more than 20 layers."""
FLOAT16_COSINE = 0.9999
HALF_COSINE = 0.9995
INT8_COSINE = 0.995

CASES = [
    pytest.param(Checkpoint(kind, heads=heads, hidden=8 * heads), id=f"{kind}-{heads}")
    for kind in ("code", "en", "bert")
    for heads in (8, 12)
]
SHORT = {"max_position": 160, "pooling": "last"}
QWEN2 = Checkpoint("qwen2", heads=14, kv_heads=2, hidden=112, **SHORT)
QWEN3 = Checkpoint("qwen3", heads=16, kv_heads=8, head_dim=16, **SHORT)
BOTH_WAYS = QWEN2.but(heads=12, hidden=96, config=(("is_causal", False),))
CASES += [
    pytest.param(QWEN2, id="qwen2-14-2"),
    pytest.param(BOTH_WAYS, id="qwen2-12-2-bidirectional"),
    pytest.param(QWEN3, id="qwen3-16-8"),
]
SMALL = {"heads": 12, "hidden": 96, "max_position": 160}
NOMIC = Checkpoint("nomic_bert", **SMALL, pooling="cls")
GTE = Checkpoint("gte", heads=16, hidden=128, max_position=160)
GTE_BASE = Checkpoint("gte", **SMALL, types=0, pooling="cls", config=(("rope_scaling", None),))
MODERN = Checkpoint("modernbert", **SMALL, layers=4)
SILU = MODERN.but(pooling="cls", config=(("hidden_activation", "silu"), ("local_attention", 64)))
CASES += [
    pytest.param(NOMIC, id="nomic_bert-12"),
    pytest.param(GTE, id="gte-16-ntk"),
    pytest.param(GTE_BASE, id="gte-12-without-types"),
    pytest.param(MODERN, id="modernbert-12"),
    pytest.param(SILU, id="modernbert-12-silu"),
]
CODESAGE = Checkpoint("codesage", max_position=160)
GEMMA2 = Checkpoint("gemma2", layers=4, heads=8, kv_heads=4, head_dim=16, **SHORT)
BOTH_NEAR = GEMMA2.but(config=(("is_causal", False), ("attn_logit_softcapping", 50.0)))
QWEN25_VL = Checkpoint("qwen2_5_vl", heads=8, hidden=128, max_position=160)
CASES += [
    pytest.param(CODESAGE, id="codesage-8"),
    pytest.param(GEMMA2, id="gemma2-8-4"),
    pytest.param(BOTH_NEAR, id="gemma2-8-4-bidirectional"),
    pytest.param(QWEN25_VL, id="qwen2_5_vl-8-2"),
]
ROBERTA = Checkpoint("roberta", **SMALL, pooling="cls")
LLAMA = Checkpoint("llama", heads=12, hidden=96, kv_heads=4, max_position=160)
EUROBERT = LLAMA.but(kind="eurobert")
GEMMA3 = Checkpoint("gemma3", layers=4, heads=8, kv_heads=4, head_dim=16, max_position=160)
GEMMA3_CAUSAL = GEMMA3.but(pooling="last", config=(("use_bidirectional_attention", False),))
VOYAGE = QWEN3.but(
    prefix="model.", pooling="mean", config=(("use_bidirectional_attention", True), ("num_labels", 48))
)
C2LLM = Checkpoint("c2llm", heads=14, hidden=112, max_position=160, pooling="pma")
C2LLM_NARROW = C2LLM.but(head=True, config=(("compressed_dim", 64), ("pma_num_heads", 16)))
CASES += [
    pytest.param(C2LLM, id="c2llm-14-2"),
    pytest.param(C2LLM_NARROW, id="c2llm-14-2-compressed"),
    pytest.param(VOYAGE, id="qwen3-16-8-bidirectional-projected"),
    pytest.param(ROBERTA, id="roberta-12"),
    pytest.param(LLAMA, id="llama-12-4"),
    pytest.param(EUROBERT, id="eurobert-12-4"),
    pytest.param(GEMMA3, id="gemma3-8-4"),
    pytest.param(GEMMA3_CAUSAL, id="gemma3-8-4-causal"),
]
HALF = [
    pytest.param(Checkpoint(kind, prefix="bert.", pooling="cls"), id=kind) for kind in ("code", "en", "bert")
]
HALF += [
    pytest.param(QWEN2.but(prefix="model.", head=True), id="qwen2"),
    pytest.param(QWEN3.but(prefix="model."), id="qwen3"),
    pytest.param(C2LLM, id="c2llm"),
    pytest.param(NOMIC, id="nomic_bert"),
    pytest.param(GTE.but(prefix="new."), id="gte"),
    pytest.param(MODERN.but(prefix="model."), id="modernbert"),
    pytest.param(CODESAGE.but(prefix="transformer."), id="codesage"),
    pytest.param(GEMMA2.but(prefix="model."), id="gemma2"),
    pytest.param(ROBERTA.but(prefix="roberta."), id="roberta"),
    pytest.param(LLAMA.but(prefix="model.", head=True), id="llama"),
    pytest.param(EUROBERT.but(prefix="model."), id="eurobert"),
    pytest.param(GEMMA3.but(prefix="model."), id="gemma3"),
    pytest.param(QWEN25_VL.but(prefix="model.", head=True), id="qwen2_5_vl"),
    pytest.param(QWEN25_VL.but(prefix="model.language_model."), id="qwen2_5_vl-renamed"),
]
DEEP = [
    pytest.param(QWEN2.but(layers=28), id="qwen2"),
    pytest.param(QWEN3.but(layers=36), id="qwen3"),
    pytest.param(C2LLM.but(layers=24), id="c2llm"),
    pytest.param(GTE.but(layers=24), id="gte"),
    pytest.param(MODERN.but(layers=22), id="modernbert"),
    pytest.param(CODESAGE.but(layers=24), id="codesage"),
    pytest.param(GEMMA2.but(layers=26), id="gemma2"),
    pytest.param(GEMMA3.but(layers=24), id="gemma3"),
    pytest.param(ROBERTA.but(layers=24), id="roberta"),
]
TEXTS = (
    "def parse(line: str) -> dict[str, str]:\n    return dict(part.split('=') for part in line.split(';'))",
    "where are retries decided",
    "x",
    "Grüße, 世界! 🚀\tfor (int i = 0; i < n; ++i) { sum += a[i]; }",
    "return " + "value + " * 20 + "0",
)


@cache
def reference(checkpoint: Checkpoint, lengths: tuple[int, ...]) -> NDArray[np.float32]:
    require("torch", "transformers")
    from tests.support import reference as torch_reference

    ids = random_ids(lengths, checkpoint.vocab)
    return torch_reference.embed(checkpoint_folder(checkpoint), ids, checkpoint.pooling)


def lengths_of(checkpoint: Checkpoint) -> tuple[int, ...]:
    """Around a multiple of 32 and up to the limit; attention on a CPU costs its square."""
    return LENGTHS if checkpoint.max_position >= LENGTHS[-1] else (1, 2, 63, 64, 65, checkpoint.max_position)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("checkpoint", CASES)
def test_a_padded_batch(checkpoint: Checkpoint, backend: str) -> None:
    folder = checkpoint_folder(checkpoint)
    lengths = lengths_of(checkpoint)
    want = reference(checkpoint, lengths)
    got = embed(open_model(folder, backend), random_ids(lengths, checkpoint.vocab))
    assert_close(got, want, atol=FLOAT32_ATOL, what=f"{checkpoint.kind} on {backend}")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("checkpoint", CASES)
def test_texts_without_padding(checkpoint: Checkpoint, backend: str) -> None:
    folder = checkpoint_folder(checkpoint)
    lengths = lengths_of(checkpoint)
    want = reference(checkpoint, lengths)
    model = open_model(folder, backend)
    got = np.concatenate([embed(model, [ids]) for ids in random_ids(lengths, checkpoint.vocab)])
    assert_close(got, want, atol=FLOAT32_ATOL, what=f"{checkpoint.kind} on {backend}")


@pytest.mark.parametrize("padded_to", [64, 96], ids=["unpadded", "padded"])
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("checkpoint", CASES)
def test_equally_long_texts(checkpoint: Checkpoint, backend: str, padded_to: int) -> None:
    folder, lengths = checkpoint_folder(checkpoint), (64, 64, 64)
    want = reference(checkpoint, lengths)
    got = embed(open_model(folder, backend), random_ids(lengths, checkpoint.vocab), padded_to)
    assert_close(got, want, atol=FLOAT32_ATOL, what=f"{checkpoint.kind} on {backend}")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("checkpoint", HALF)
def test_half_precision_shards_in_float32(checkpoint: Checkpoint, dtype: str, backend: str) -> None:
    checkpoint = checkpoint.but(dtype=dtype, shards=3)
    lengths = (1, 2, 33)
    got = embed(open_model(checkpoint_folder(checkpoint), backend), random_ids(lengths, checkpoint.vocab))
    assert_close(got, reference(checkpoint, lengths), atol=FLOAT32_ATOL, what=f"{dtype} shards")


@pytest.mark.parametrize("checkpoint", CASES)
def test_float16_on_mlx(checkpoint: Checkpoint) -> None:
    lengths = LENGTHS if checkpoint.kind == "code" else (1, 2, 127, 128, 129)
    folder = checkpoint_folder(checkpoint)
    got = embed(open_model(folder, "mlx", "float16"), random_ids(lengths, checkpoint.vocab))
    assert cosine(got, reference(checkpoint, lengths)).min() >= FLOAT16_COSINE


@pytest.mark.parametrize("checkpoint", HALF)
def test_bfloat16_on_mlx(checkpoint: Checkpoint) -> None:
    checkpoint, lengths = checkpoint.but(dtype="bfloat16", shards=3), (1, 2, 33)
    model = open_model(checkpoint_folder(checkpoint), "mlx", "bfloat16")
    got = embed(model, random_ids(lengths, checkpoint.vocab))
    assert cosine(got, reference(checkpoint, lengths)).min() >= HALF_COSINE


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("checkpoint", CASES)
def test_hidden_states_stay_in_half_precision_on_mlx(checkpoint: Checkpoint, dtype: str) -> None:
    """One float32 constant amid the layers would widen all that follows it, padded or not."""
    require("mlx.core")
    import mlx.core as mx

    model = open_model(checkpoint_folder(checkpoint), "mlx", dtype)
    ids = mx.array(np.full((2, 9), 7, np.int32))
    for mask in (None, mx.array(np.array([[1] * 9, [1] * 5 + [0] * 4], np.int32))):
        assert model._model(ids, mask).dtype == getattr(mx, dtype)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("checkpoint", DEEP)
def test_the_depth_of_the_published_models(checkpoint: Checkpoint, backend: str) -> None:
    lengths = (2, 17)
    got = embed(open_model(checkpoint_folder(checkpoint), backend), random_ids(lengths, checkpoint.vocab))
    assert_close(got, reference(checkpoint, lengths), atol=DEEP_ATOL, what=f"{checkpoint.layers} layers")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("model", ["embedded", "all-MiniLM-L6-v2"])
def test_trained_weights(model: str, backend: str) -> None:
    folder = EMBEDDED if model == "embedded" else minilm()
    require("torch", "transformers")
    from tests.support import reference as torch_reference

    ids = Tokenizer(folder / "tokenizer.json", 256).encode(TEXTS).ids
    want = torch_reference.embed(folder, ids)
    count = read(folder)[1].counts_repeats
    got = embed(open_model(folder, backend), ids, count=count)
    assert_close(got, want, atol=FLOAT32_ATOL, what=f"{model} on {backend}")
    if backend == "mlx":  # What int8 costs on ONNX is in test_arithmetic.py.
        for dtype, least in (("float16", FLOAT16_COSINE), ("int8", INT8_COSINE)):
            assert cosine(embed(open_model(folder, backend, dtype), ids, count=count), want).min() >= least


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("kind", "vocab"), [("code", 61056), ("en", 30528)])
def test_full_structure(kind: str, vocab: int, backend: str) -> None:
    checkpoint = Checkpoint(
        kind,
        layers=12,
        hidden=768,
        heads=12,
        intermediate=3072,
        vocab=vocab,
        max_position=8192,
        dtype="float16",
    )
    folder = checkpoint_folder(checkpoint)
    want = reference(checkpoint, LENGTHS)
    got = embed(open_model(folder, backend), random_ids(LENGTHS, vocab))
    assert_close(got, want, atol=FLOAT32_ATOL, what=f"full {kind} on {backend}")
