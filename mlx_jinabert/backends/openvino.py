"""OpenVINO on the CPU, in bfloat16 or float32: for large models on a CPU with matrix units (AMX).

Its graphs are built as those of ONNX Runtime are, from the safetensors and into the same cache, but without
a choice between all scores of attention at once and tiles of them. What is computed at once, OpenVINO fuses
into one operator; behind ONNX's ``If`` it does not, and a batch took 1.7 times the CPU time (768 wide, 32
texts of 128 tokens). Worse, the first run of a length through a ``Loop`` in an ``If`` gave wrong numbers
(2026.4.1). So texts beyond ``_AT_ONCE_TOKENS``, whose scores would not fit in memory, go one by one through a
graph that has tiles alone, opened when the first one comes.

A batch is cut into pieces of a few texts, one thread per piece (``backends/onnx.py`` says why: four fifths of
the CPU time of one run over both cores). A batch with fewer texts than there are cores goes through a model
that spreads each operator over them. A text's vector depends on its neighbours by what other kernels round
differently: 1e-6 in float32, and in bfloat16 a cosine of 0.9999, mostly nothing at all.

Weights in int8 were slower than bfloat16 on a CPU with AMX and less exact, so they are refused.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.backends.cores import usable_cores
from mlx_jinabert.backends.graph_values import GraphValues
from mlx_jinabert.backends.onnx_graph import GraphFile
from mlx_jinabert.backends.ov import openvino
from mlx_jinabert.errors import BackendUnavailable, ModelFolderError

if TYPE_CHECKING:
    from mlx_jinabert.architectures import ArchitectureConfig
    from mlx_jinabert.checkpoint.folder import ModelFolder
    from mlx_jinabert.text.tokenizer import TokenBatch

__all__ = ["OpenVinoBackend"]

_DTYPES = {"float32": "f32", "bfloat16": "bf16"}
_PIECE_TOKENS = 512
"""Tokens that one thread takes at a time: their activations fit a core's cache."""
_AT_ONCE_TOKENS = 1024
"""Of the longest text whose scores are computed at once: 48 MiB with 12 heads, as much for ALiBi's bias."""


class OpenVinoBackend:
    """One model, compiled for as many pieces at a time as there are cores, and for long or few texts when
    they come. ``dtype`` "auto" is bfloat16 where the CPU has AMX, else float32."""

    name = "openvino"
    device = "cpu"
    brief_tokens = 0

    def __init__(self, folder: ModelFolder, architecture: ArchitectureConfig, dtype: str) -> None:
        """Raises BackendUnavailable for a dtype that it does not compute in."""
        self._core = openvino.Core()
        self.dtype = _computed_dtype(self._core, dtype)
        self.dim = architecture.output_size
        self._rows = architecture.vocab_size
        self._cores = usable_cores()
        own = replace(folder, onnx=None)  # one that a folder brings may loop without end
        self._graphs = {
            tiles: GraphFile(own, architecture, "float32", tiles=tiles) for tiles in (False, True)
        }
        self._per_token = folder.pooling == "tokens"
        self._narrow = self._open(tiles=False, streams=self._cores)
        self._wide: _Compiled | None = None
        self._tiled: _Compiled | None = None

    def _open(self, *, tiles: bool, streams: int) -> _Compiled:
        options = {
            "INFERENCE_PRECISION_HINT": _DTYPES[self.dtype],
            "NUM_STREAMS": str(streams),
            "INFERENCE_NUM_THREADS": str(self._cores),
            "ENABLE_CPU_PINNING": False,  # threads of two processes would be bound to the same cores
        }

        def compiled(path: str, _: bool) -> _Compiled:
            return _Compiled(self._core, path, options, streams, self.dim, per_token=self._per_token)

        return self._graphs[tiles].open(compiled)

    def embed(self, batch: TokenBatch) -> NDArray[np.float32]:
        """Pooled vectors, (batch, dim) float32, not normalised, or logits."""
        batch.check_ids(self._rows)
        rows, length = batch.ids.shape
        if length > _AT_ONCE_TOKENS:
            self._tiled = self._tiled or self._open(tiles=True, streams=1)
            return self._tiled.run(batch, 1)
        if rows < self._cores:
            self._wide = self._wide or self._open(tiles=False, streams=1)
            return self._wide.run(batch, rows)
        return self._narrow.run(batch, min(max(1, _PIECE_TOKENS // length), -(-rows // self._cores)))

    def close(self) -> None:
        """Free the weights and end the threads."""
        del self._narrow, self._core
        self._wide = self._tiled = None


class _Compiled:
    """The graph at ``path``, compiled for ``streams`` pieces at a time."""

    def __init__(
        self,
        core: openvino.Core,
        path: str,
        options: dict[str, Any],
        streams: int,
        width: int,
        *,
        per_token: bool,
    ) -> None:
        """Raises ModelFolderError for inputs or outputs that are no model's, and what OpenVINO raises."""
        self._path = path
        model = core.compile_model(core.read_model(path), "CPU", options)
        names = [[port.get_any_name() for port in those] for those in (model.inputs, model.outputs)]
        self._values = GraphValues(path, width, *names, per_token=per_token)
        self._queue = openvino.AsyncInferQueue(model, streams)

    def run(self, batch: TokenBatch, size: int) -> NDArray[np.float32]:
        """All rows in pieces of ``size`` of them. Raises ModelFolderError where the graph fails."""
        pieces = [batch.rows(slice(start, start + size)) for start in range(0, len(batch.ids), size)]
        found: dict[int, NDArray[np.float32]] = {}
        self._queue.set_callback(
            lambda request, number: found.__setitem__(number, request.get_output_tensor(0).data.copy())
        )
        try:
            for number, piece in enumerate(pieces):
                self._queue.start_async(self._values.columns(piece), number)
            self._queue.wait_all()
        except RuntimeError as error:
            raise ModelFolderError(self._path, f"its graph failed: {error}") from error
        parts = [self._values.checked(found[number], piece) for number, piece in enumerate(pieces)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _computed_dtype(core: openvino.Core, dtype: str) -> str:
    """``dtype`` if it is computed in, for "auto" the fastest; raises BackendUnavailable otherwise."""
    if dtype == "auto":
        return "bfloat16" if _multiplies_by_amx(core) else "float32"
    if dtype in _DTYPES:
        return dtype
    raise BackendUnavailable(
        "openvino",
        f"it does not compute in {dtype}; pass dtype={' or '.join(map(repr, _DTYPES))}, or backend='onnx'",
    )


def _multiplies_by_amx(core: openvino.Core) -> bool:
    """Whether OpenVINO runs a product in bfloat16 on AMX: what it makes of one says so.

    Its list of capabilities names BF16 also where that is emulated, or computed by AVX-512 alone: with the
    latter (2 cores of a CPU with AMX, held back by ``ONEDNN_MAX_CPU_ISA``) bfloat16 took 1.6 times the CPU
    time of float32.
    """
    ops = openvino.opset13
    x = ops.parameter([64, 64], np.float32)
    product = ops.matmul(x, ops.constant(np.ones((64, 64), np.float32)), False, True)
    options = {"INFERENCE_PRECISION_HINT": "bf16", "NUM_STREAMS": "1", "INFERENCE_NUM_THREADS": "1"}
    try:
        model = core.compile_model(openvino.Model([product], [x], "probe"), "CPU", options)
    except RuntimeError:  # a CPU without any bfloat16
        return False
    found = (op.get_rt_info()["primitiveType"] for op in model.get_runtime_model().get_ops())
    return any("amx" in kind.astype(str) for kind in found)
