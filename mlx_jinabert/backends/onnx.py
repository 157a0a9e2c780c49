"""ONNX Runtime on the CPU, in float32 or int8.

The graph is built from the safetensors at the first load and kept in the user's cache folder; a
process that finds it there does not import ``onnx``. A converted folder that holds a graph is run as
it is.

Half types are refused rather than pretended: on a CPU, ONNX Runtime converts float16 and bfloat16
and computes in float32, slower than from float32 weights. Other execution providers are not used.

A batch is cut into pieces of a few texts, and each core takes pieces on its own, one thread per
piece: nothing has to meet between operators, and a piece stays in the core's cache (2 cores, 4
layers of 256: 1.2 times as fast as one run over both cores; the gain grows with the cores). Where a
batch has fewer texts than there are cores and the model is large, a second session spreads each
operator over the cores instead.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.backends.cores import usable_cores
from mlx_jinabert.backends.onnx_graph import GraphFile, computed_dtype
from mlx_jinabert.backends.onnx_session import Session

if TYPE_CHECKING:
    from mlx_jinabert.architectures import ArchitectureConfig
    from mlx_jinabert.checkpoint.folder import ModelFolder
    from mlx_jinabert.text.tokenizer import TokenBatch

__all__ = ["OnnxBackend", "device"]

_PIECE_TOKENS = 512
"""Tokens that one thread takes at a time: their activations fit a core's cache."""
_SMALL_BYTES = 32 << 20
"""Models up to this size are never spread over cores: waking threads costs more than they bring."""


def device() -> str:
    """Where it computes."""
    return "cpu"


class OnnxBackend:
    """One model in one or two sessions. ``dtype`` "auto" is float32."""

    name = "onnx"
    device = "cpu"

    def __init__(self, folder: ModelFolder, architecture: ArchitectureConfig, dtype: str) -> None:
        """Raises BackendUnavailable for a dtype that a CPU does not compute in."""
        self.dtype = computed_dtype(dtype)
        self.dim = architecture.output_size
        self._rows = architecture.vocab_size
        self._cores = usable_cores()
        self._graph = GraphFile(folder, architecture, self.dtype)
        self._final = self.dtype in architecture.final_graphs and not architecture.num_labels
        self._per_token = folder.pooling == "tokens"
        self._narrow = self._open(threads=1)
        self._wide: Session | None = None
        is_brief = self._graph.bytes <= _SMALL_BYTES and not self._narrow.foreign
        self.brief_tokens = _PIECE_TOKENS if is_brief else 0
        self._pool = ThreadPoolExecutor(self._cores, thread_name_prefix="mlx-jinabert-onnx")

    def _open(self, threads: int) -> Session:
        def session(path: str, foreign: bool) -> Session:
            final = self._final and not foreign
            return Session(path, threads, self.dim, foreign=foreign, final=final, per_token=self._per_token)

        return self._graph.open(session)

    def embed(self, batch: TokenBatch) -> NDArray[np.float32]:
        """Pooled vectors, (batch, dim) float32, not normalised, or logits."""
        batch.check_ids(self._rows)
        rows, length = batch.ids.shape
        if rows < self._cores and self._graph.bytes > _SMALL_BYTES:
            self._wide = self._wide or self._open(threads=self._cores)
            return self._wide.run(batch)
        size = min(max(1, _PIECE_TOKENS // length), -(-rows // self._cores))
        pieces = [slice(start, start + size) for start in range(0, rows, size)]
        if len(pieces) == 1:
            return self._narrow.run(batch)
        return np.concatenate(list(self._pool.map(self._narrow.run, (batch.rows(piece) for piece in pieces))))

    def close(self) -> None:
        """Free the weights and end the threads."""
        self._pool.shutdown()
        del self._narrow
        self._wide = None
