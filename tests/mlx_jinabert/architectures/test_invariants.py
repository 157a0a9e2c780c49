"""What every model must hold on every backend, whatever its numbers are. A new model is one line in MODELS.

A vector belongs to its text alone: not to its neighbours, its place in the call or the padding.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import mlx_jinabert
from mlx_jinabert.checkpoint.folder import EMBEDDED
from mlx_jinabert.errors import NonFinite
from mlx_jinabert.text.batching import bucket
from mlx_jinabert.text.tokenizer import TokenBatch
from tests.support.checkpoints import Checkpoint, tensors_of, write, write_shards
from tests.support.closeness import assert_close
from tests.support.running import checkpoint_folder, cosine, embed, minilm, open_model, random_ids, require

pytestmark = pytest.mark.invariants

SMALL = {
    "code": Checkpoint("code", heads=4, hidden=32),
    "en": Checkpoint("en", heads=12, hidden=48, pooling="cls"),
    "bert": Checkpoint("bert", hidden=32, pooling="last"),
    "qwen2": Checkpoint("qwen2", heads=4, hidden=32, pooling="last"),
    "qwen2-bidirectional": Checkpoint("qwen2", heads=4, hidden=32, config=(("is_causal", False),)),
    "qwen3": Checkpoint("qwen3", heads=4, hidden=32, head_dim=16, pooling="last"),
    "nomic_bert": Checkpoint("nomic_bert", heads=4, hidden=32),
    "gte": Checkpoint("gte", heads=4, hidden=32, pooling="cls"),
    "modernbert": Checkpoint("modernbert", heads=4, hidden=32),
    "codesage": Checkpoint("codesage", heads=4, hidden=32),
    "gemma2": Checkpoint("gemma2", heads=4, hidden=32, head_dim=16, pooling="last"),
    "qwen2_5_vl": Checkpoint("qwen2_5_vl", heads=4, hidden=32),
    "roberta": Checkpoint("roberta", heads=4, hidden=32),
    "llama": Checkpoint("llama", heads=4, hidden=32),
    "eurobert": Checkpoint("eurobert", heads=4, hidden=32, pooling="cls"),
    "gemma3": Checkpoint("gemma3", layers=3, heads=4, hidden=32, head_dim=16),
}
"""Random checkpoints: cheap enough for every length, also with MLX on a CPU."""
MODELS: dict[str, Callable[[], Path]] = {
    **{name: partial(checkpoint_folder, checkpoint) for name, checkpoint in SMALL.items()},
    "embedded": lambda: EMBEDDED,
    "all-MiniLM-L6-v2": minilm,
}


@dataclass(frozen=True)
class Run:
    """A model on a backend; ``same`` says whether two sets of vectors count as equal there."""

    model: str
    backend: str
    dtype: str

    def folder(self) -> Path:
        require({"mlx": "mlx.core", "onnx": "onnxruntime"}[self.backend])
        return MODELS[self.model]()

    @property
    def is_small(self) -> bool:
        return self.model in SMALL

    @property
    def is_slow(self) -> bool:
        """MLX multiplies at 3 GFLOP/s a core on a CPU: a minute for what takes a small model a second."""
        return self.model == "all-MiniLM-L6-v2" and self.backend == "mlx"

    def load(self) -> mlx_jinabert.Embedder:
        return _load(self.folder(), self.backend, self.dtype)

    def same(self, got: NDArray[np.float32], want: NDArray[np.float32], what: str) -> None:
        if self.dtype == "float32":
            assert_close(got, want, atol=1e-5, what=what)
        else:  # Activations are rounded by what is beside them: int8 most of all, one scale a tensor.
            worst = cosine(got, want).min()
            assert worst >= {"float16": 0.9999, "int8": 0.99}[self.dtype], f"{what}: cosine {worst:.6f}"


@cache
def _load(folder: Path, backend: str, dtype: str) -> mlx_jinabert.Embedder:
    return mlx_jinabert.load(folder, backend=backend, dtype=dtype, max_length=64)


def _runs() -> Iterator[Run]:
    for model in MODELS:
        yield from (Run(model, backend, "float32") for backend in ("mlx", "onnx"))
    yield from (Run(model, "mlx", "float16") for model in SMALL)
    yield from (Run(model, "onnx", "int8") for model in ("embedded", "all-MiniLM-L6-v2"))


each_run = pytest.mark.parametrize(
    "run", [pytest.param(r, id=f"{r.model}-{r.backend}-{r.dtype}") for r in _runs()]
)

TEXTS = (
    "",
    "x",
    " \t\n",
    "def add(a, b):\n    return a + b\n",
    "🚀👩‍👩‍👧 é e\u0301",
    "世界 こんにちは",
    "\x00\x01\x1b[31m\x7f",
    "\ud800 lone surrogate",
    "word " * 12,
    "x",
)


@each_run
def test_a_vector_does_not_depend_on_its_neighbours(run: Run) -> None:
    model = run.load()
    batch = model.encode(list(TEXTS))
    assert_close(np.linalg.norm(batch, axis=1), np.ones(len(TEXTS), np.float32), atol=1e-5, what="norms")
    run.same(np.stack([model.encode(text) for text in TEXTS]), batch, "one by one")
    order = np.random.RandomState(3).permutation(len(TEXTS))
    run.same(model.encode([TEXTS[n] for n in order]), batch[order], "shuffled")
    run.same(model.encode(list(TEXTS), max_batch_tokens=8), batch, "in small batches")
    run.same(model.encode([TEXTS[3]] * 3), batch[[3, 3, 3]], "equally long")


@each_run
def test_on_a_cpu_a_text_has_one_vector_to_the_bit(run: Run) -> None:
    """What a server relies on when it answers many callers with one batch."""
    if platform.machine() not in ("x86_64", "AMD64") or run.dtype == "float16":
        pytest.skip("kernels that nobody looked at")
    model = run.load()
    if "cpu" not in model.device.lower():
        pytest.skip("computes on a GPU")
    every = 4 if run.is_slow else 1
    texts = [" ".join("ab" * (n % 3 + 1) for n in range(count)) for count in range(0, 45, every)]
    alone = np.stack([model.encode(text) for text in texts])
    for step in (2, 7, len(texts)):
        parts = [model.encode(texts[start : start + step]) for start in range(0, len(texts), step)]
        np.testing.assert_array_equal(np.concatenate(parts), alone, err_msg=f"{step} at a time")


@each_run
def test_a_vector_does_not_depend_on_its_padding(run: Run) -> None:
    longest = 160 if run.is_small else 16
    edges = {bucket(n, longest) for n in range(1, longest + 1)}
    lengths = sorted({1, 2, 31, *edges, *(n + 1 for n in edges if n < longest)})
    model = open_model(run.folder(), run.backend, run.dtype)
    texts = random_ids(lengths, 250)
    batch = embed(model, texts)
    alone = [embed(model, [ids]) for ids in texts]
    bucketed = [embed(model, [ids], bucket(len(ids), longest)) for ids in texts]
    run.same(np.concatenate(alone), batch, "without padding")
    run.same(np.concatenate(bucketed), batch, "padded to the bucket")


@each_run
def test_a_row_of_padding_harms_nobody(run: Run) -> None:
    model = open_model(run.folder(), run.backend, run.dtype)
    texts = random_ids((32, 128) if run.is_small else (9, 32), 250)
    length = len(texts[1])
    padded = TokenBatch.pad([*texts, texts[0][:0]], length, 1)
    vectors = model.embed(padded)
    assert np.isfinite(vectors).all()
    run.same(vectors[:2], model.embed(TokenBatch.pad(texts, length, 1)), "beside a row of padding")


@each_run
def test_what_is_over_the_limit_is_cut(run: Run) -> None:
    model = run.load()
    long = "a b c d " * (model.max_length // 4)
    assert model.count_tokens(long)[0] > model.max_length
    run.same(
        model.encode([long + "e f g"], truncation="silent"), model.encode([long], truncation="silent"), "cut"
    )


@pytest.mark.parametrize("backend", ["mlx", "onnx"])
@pytest.mark.parametrize("kind", ["code", "en", "bert", "qwen2", "qwen3"])
def test_a_vector_that_is_not_finite_names_its_text(tmp_path: Path, kind: str, backend: str) -> None:
    checkpoint = SMALL[kind].but(intermediate=32)
    tensors = tensors_of(checkpoint)
    model = mlx_jinabert.load(write(tmp_path, checkpoint), backend=backend, dtype="float32")
    bad = model._tokenizer.encode(["~"]).ids[0][-2]
    next(iter(tensors.values()))[bad] = np.nan  # the table of words comes first
    write_shards(tmp_path, tensors, "float32")
    require({"mlx": "mlx.core", "onnx": "onnxruntime"}[backend])
    with pytest.raises(NonFinite) as caught:
        mlx_jinabert.load(tmp_path, backend=backend, dtype="float32").encode(["fine", "a ~ b", "fine too"])
    assert caught.value.text == 1
