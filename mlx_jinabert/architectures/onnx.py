"""ONNX graphs built from safetensors: one file and one line of ``_BUILDERS`` per architecture.

Importing this package costs nothing: ``onnx`` is imported when a graph is built, and a process that
finds its graph in the cache never builds one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from mlx_jinabert import __version__

if TYPE_CHECKING:
    from mlx_jinabert.architectures import ArchitectureConfig
    from mlx_jinabert.architectures.shared.onnx.builder import Graph
    from mlx_jinabert.checkpoint.weights import Weights

__all__ = ["DTYPES", "GROUP_SIZES", "build_graph", "builder_version"]

DTYPES = ("float32", "int8", "int4")
"""What a graph can compute its matrix products in."""

GROUP_SIZES: Mapping[str, int] = {"int8": 0, "int4": 32}
"""Inputs whose weights share a scale; 0: those of an output channel, or of one of its few parts."""

_BUILDERS: Mapping[str, str] = {
    "bert": "mlx_jinabert.architectures.bert.onnx",
    "codesage": "mlx_jinabert.architectures.codesage.onnx",
    "gemma2": "mlx_jinabert.architectures.gemma2.onnx",
    "gte": "mlx_jinabert.architectures.gte.onnx",
    "jina_bert": "mlx_jinabert.architectures.jina_bert.onnx",
    "modernbert": "mlx_jinabert.architectures.modernbert.onnx",
    "nomic_bert": "mlx_jinabert.architectures.nomic_bert.onnx",
    "qwen2": "mlx_jinabert.architectures.qwen2.onnx",
    "qwen2_5_vl": "mlx_jinabert.architectures.qwen2.onnx",
    "qwen3": "mlx_jinabert.architectures.qwen3.onnx",
}
"""Architecture -> module with ``encode(layers, architecture) -> hidden states``.

Where an architecture may have labels, also ``classify(layers, hidden states) -> logits``.
"""


def build_graph(
    weights: Weights, architecture: ArchitectureConfig, *, pooling: str, dtype: str, data: Path | None = None
) -> Graph:
    """The graph of a checkpoint, from token ids to pooled vectors that are not normalised.

    Inputs ``input_ids`` and ``attention_mask``, (batch, length) int64, both axes dynamic; output
    ``sentence_embedding``, (batch, hidden size) float32. An architecture with labels gives ``logits``,
    (batch, labels) float32, whatever the pooling, and may take ``token_type_ids`` as well.

    ``data``: the ``PATH.data`` of the path that the graph will be saved to. Weights that are too many for
    one file go there while the graph is built, instead of being held.

    Raises ``WeightMismatch`` where the tensors are not those of the architecture, ValueError for a
    dtype that is not in ``DTYPES``.
    """
    if dtype not in DTYPES:
        raise ValueError(f"dtype {dtype!r}; supported: {', '.join(DTYPES)}")
    from mlx_jinabert.architectures.shared.onnx.arithmetic import Arithmetic, Float32
    from mlx_jinabert.architectures.shared.onnx.builder import FLOAT, GraphBuilder
    from mlx_jinabert.architectures.shared.onnx.checkpoint import Checkpoint
    from mlx_jinabert.architectures.shared.onnx.layers import Layers
    from mlx_jinabert.architectures.shared.onnx.nbits import Int4
    from mlx_jinabert.architectures.shared.onnx.quantize import Int8

    checkpoint = Checkpoint(weights, architecture)
    graph, width = GraphBuilder(data), architecture.hidden_size
    arithmetic: Arithmetic = Float32(graph)
    if dtype != "float32":
        arithmetic = Int8(graph, width) if dtype == "int8" else Int4(graph)
    layers = Layers(graph, checkpoint, arithmetic, width)
    builder = import_module(_BUILDERS[architecture.architecture])
    hidden = builder.encode(layers, architecture)
    if architecture.num_labels:
        logits = builder.classify(layers, hidden)
        graph.output(logits, "logits", FLOAT, ("batch", architecture.num_labels))
    else:
        layers.pool(hidden, pooling)
    return graph.finish(
        architecture=architecture.architecture,
        dtype=dtype,
        pooling=pooling,
        dim=str(architecture.output_size),
    )


@cache
def builder_version() -> str:
    """Changes whenever a graph built from the same weights may differ: part of the cache key.

    The sources themselves are hashed, so that nobody has to remember to raise a number.
    """
    digest = hashlib.sha256(__version__.encode())
    here = Path(__file__).parent
    for source in sorted((*here.rglob("onnx.py"), *here.glob("shared/*.py"), *here.glob("shared/onnx/*.py"))):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]
