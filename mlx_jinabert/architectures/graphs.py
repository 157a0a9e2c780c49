"""Build ONNX graphs from safetensors, with the onnx.py of each architecture's folder.

Importing this file costs nothing: ``onnx`` is imported when a graph is built, and a process that finds its
graph in the cache never builds one.
"""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from mlx_jinabert import __version__
from mlx_jinabert.architectures import implementation
from mlx_jinabert.architectures.shared.onnx.dtypes import DTYPES

if TYPE_CHECKING:
    from mlx_jinabert.architectures import ArchitectureConfig
    from mlx_jinabert.architectures.shared.onnx.builder import Graph
    from mlx_jinabert.checkpoint.weights import Weights

__all__ = ["build_graph", "builder_sources", "builder_version"]


def build_graph(
    weights: Weights,
    architecture: ArchitectureConfig,
    *,
    pooling: str,
    dtype: str,
    tiles: bool | None = None,
    data: Path | None = None,
) -> Graph:
    """The graph of a checkpoint, from token ids to pooled vectors that are not normalised.

    Inputs ``input_ids`` and ``attention_mask``, (batch, length) int64, both axes dynamic; output
    ``sentence_embedding``, (batch, hidden size) float32. An architecture with labels gives ``logits``,
    (batch, labels) float32, whatever the pooling, and may take ``token_type_ids`` as well.

    ``tiles``: whether attention is computed in tiles of queries; None: where its scores are many. A runtime
    can fuse it into one operator only with False, where long texts need all their scores in memory.

    ``data``: the ``PATH.data`` of the path that the graph will be saved to. Weights that are too many for
    one file go there while the graph is built, instead of being held.

    Raises ``WeightMismatch`` where the tensors are not those of the architecture, ValueError for a
    dtype that is not in ``DTYPES``.
    """
    if dtype not in DTYPES:
        raise ValueError(f"dtype {dtype!r}; supported: {', '.join(DTYPES)}")
    from mlx_jinabert.architectures.shared.onnx.arithmetic import Arithmetic, Float32
    from mlx_jinabert.architectures.shared.onnx.builder import FLOAT, GraphBuilder
    from mlx_jinabert.architectures.shared.onnx.int4 import Int4
    from mlx_jinabert.architectures.shared.onnx.int8 import Int8
    from mlx_jinabert.architectures.shared.onnx.layers import Layers
    from mlx_jinabert.architectures.shared.onnx.tensors import Checkpoint

    checkpoint = Checkpoint(weights, architecture)
    graph, width = GraphBuilder(data), architecture.hidden_size
    arithmetic: Arithmetic = Float32(graph)
    if dtype != "float32":
        arithmetic = Int8(graph, width) if dtype == "int8" else Int4(graph)
    most = architecture.max_position if architecture.counts_repeats else 1
    layers = Layers(graph, checkpoint, arithmetic, width, tiles=tiles, most=most)
    builder = implementation(type(architecture), "onnx")
    hidden = builder.encode(layers, architecture)
    if architecture.num_labels:
        logits = builder.classify(layers, architecture, hidden)
        graph.output(logits, "logits", FLOAT, ("batch", architecture.num_labels))
    elif architecture.pools_itself:
        vectors = builder.pool(layers, architecture, hidden)
        graph.output(vectors, "sentence_embedding", FLOAT, ("batch", architecture.output_size))
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
    """Hash the sources that can change a graph: part of its cache key.

    Everything in this room but what MLX runs, and the reader of weights. Nobody has to remember to raise a
    number.
    """
    digest = hashlib.sha256(__version__.encode())
    for path in builder_sources():
        with path.open("rb", buffering=0) as file:
            digest.update(file.read())
    return digest.hexdigest()[:16]


def builder_sources() -> list[Path]:
    """The files that ``builder_version`` hashes, in order."""
    here = Path(__file__).parent
    found = [here.parent / "checkpoint" / name for name in ("packed.py", "weights.py")]
    for folder, _, names in os.walk(here):  # in half the time of ``rglob``, at every load
        if not folder.endswith(f"{os.sep}mlx"):
            found += [Path(folder, name) for name in names if name.endswith(".py") and name != "mlx.py"]
    return sorted(found, key=os.fspath)
