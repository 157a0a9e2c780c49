"""Both backends against the independent PyTorch references: float32 to 2e-5, float16 by cosine.

Random checkpoints in the original layout; the shipped model and all-MiniLM-L6-v2 on real weights.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mlx_jinabert.folder import EMBEDDED
from mlx_jinabert.tokenizer import Tokenizer
from tests.checkpoints import Checkpoint
from tests.running import (
    BACKENDS,
    LENGTHS,
    checkpoint_folder,
    cosine,
    embed,
    minilm,
    open_model,
    random_ids,
    require,
)
from tests.support import assert_close

pytestmark = pytest.mark.parity

FLOAT32_ATOL = 2e-5
FLOAT16_COSINE = 0.9999
INT8_COSINE = 0.995

CASES = [
    pytest.param(Checkpoint(kind, heads=heads, hidden=8 * heads), id=f"{kind}-{heads}")
    for kind in ("code", "en", "bert")
    for heads in (8, 12)
]
TEXTS = (
    "def parse(line: str) -> dict[str, str]:\n    return dict(part.split('=') for part in line.split(';'))",
    "where are retries decided",
    "x",
    "Grüße, 世界! 🚀\tfor (int i = 0; i < n; ++i) { sum += a[i]; }",
    "return " + "value + " * 20 + "0",
)


@cache
def reference(folder: Path, lengths: tuple[int, ...], vocab: int) -> NDArray[np.float32]:
    require("torch", "transformers")
    from tests import reference as torch_reference

    return torch_reference.embed(folder, random_ids(lengths, vocab))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("checkpoint", CASES)
def test_a_padded_batch(checkpoint: Checkpoint, backend: str) -> None:
    folder = checkpoint_folder(checkpoint)
    want = reference(folder, LENGTHS, checkpoint.vocab)
    got = embed(open_model(folder, backend), random_ids(LENGTHS, checkpoint.vocab))
    assert_close(got, want, atol=FLOAT32_ATOL, what=f"{checkpoint.kind} on {backend}")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("checkpoint", CASES)
def test_texts_without_padding(checkpoint: Checkpoint, backend: str) -> None:
    folder = checkpoint_folder(checkpoint)
    want = reference(folder, LENGTHS, checkpoint.vocab)
    model = open_model(folder, backend)
    got = np.concatenate([embed(model, [ids]) for ids in random_ids(LENGTHS, checkpoint.vocab)])
    assert_close(got, want, atol=FLOAT32_ATOL, what=f"{checkpoint.kind} on {backend}")


@pytest.mark.parametrize("padded_to", [64, 96], ids=["unpadded", "padded"])
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("checkpoint", CASES)
def test_equally_long_texts(checkpoint: Checkpoint, backend: str, padded_to: int) -> None:
    folder, lengths = checkpoint_folder(checkpoint), (64, 64, 64)
    want = reference(folder, lengths, checkpoint.vocab)
    got = embed(open_model(folder, backend), random_ids(lengths, checkpoint.vocab), padded_to)
    assert_close(got, want, atol=FLOAT32_ATOL, what=f"{checkpoint.kind} on {backend}")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("kind", ["code", "en", "bert"])
def test_half_precision_shards_in_float32(kind: str, dtype: str, backend: str) -> None:
    checkpoint = Checkpoint(kind, dtype=dtype, shards=3, prefix="bert.", pooling="cls")
    folder, lengths = checkpoint_folder(checkpoint), (1, 2, 33)
    require("torch", "transformers")
    from tests import reference as torch_reference

    ids = random_ids(lengths, checkpoint.vocab)
    want = torch_reference.embed(folder, ids, "cls")
    assert_close(
        embed(open_model(folder, backend), ids), want, atol=FLOAT32_ATOL, what=f"{kind} {dtype} shards"
    )


@pytest.mark.parametrize("checkpoint", CASES)
def test_float16_on_mlx(checkpoint: Checkpoint) -> None:
    lengths = LENGTHS if checkpoint.kind == "code" else (1, 2, 127, 128, 129)
    folder = checkpoint_folder(checkpoint)
    got = embed(open_model(folder, "mlx", "float16"), random_ids(lengths, checkpoint.vocab))
    assert cosine(got, reference(folder, lengths, checkpoint.vocab)).min() >= FLOAT16_COSINE


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("model", ["embedded", "all-MiniLM-L6-v2"])
def test_trained_weights(model: str, backend: str) -> None:
    folder = EMBEDDED if model == "embedded" else minilm()
    require("torch", "transformers")
    from tests import reference as torch_reference

    ids = Tokenizer(folder / "tokenizer.json", 256).encode(TEXTS).ids
    want = torch_reference.embed(folder, ids)
    assert_close(
        embed(open_model(folder, backend), ids), want, atol=FLOAT32_ATOL, what=f"{model} on {backend}"
    )
    if backend == "mlx":  # What int8 costs on ONNX is in test_graphs.py.
        for dtype, least in (("float16", FLOAT16_COSINE), ("int8", INT8_COSINE)):
            assert cosine(embed(open_model(folder, backend, dtype), ids), want).min() >= least


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
    want = reference(folder, LENGTHS, vocab)
    got = embed(open_model(folder, backend), random_ids(LENGTHS, vocab))
    assert_close(got, want, atol=FLOAT32_ATOL, what=f"full {kind} on {backend}")
