"""What the tests of ONNX graphs share: build one, open a session on it, make its inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.architectures.graphs import build_graph
from mlx_jinabert.architectures.shared.onnx.builder import Graph
from mlx_jinabert.backends.ort import onnxruntime
from mlx_jinabert.checkpoint.weights import Weights
from tests.support.running import random_ids, read

Array = NDArray[np.float32]


def build(folder: Path, dtype: str, pooling: str = "mean", data: Path | None = None) -> Graph:
    record, architecture = read(folder)
    with Weights(record.weights) as weights:
        return build_graph(weights, architecture, pooling=pooling, dtype=dtype, data=data)


def session(graph: Graph, path: Path, **options: int) -> Callable[..., Array]:
    graph.save(path / "model.onnx", **options)
    quiet = onnxruntime.SessionOptions()
    quiet.log_severity_level = 3
    opened = onnxruntime.InferenceSession(path / "model.onnx", quiet, providers=["CPUExecutionProvider"])
    names = {value.name for value in opened.get_inputs()}
    return lambda **inputs: opened.run(None, {k: v for k, v in inputs.items() if k in names})[0]


def padded(lengths: Sequence[int], length: int) -> dict[str, NDArray[np.int64]]:
    ids = np.ones((len(lengths), length), np.int64)
    mask = np.zeros_like(ids)
    for row, sequence in enumerate(random_ids(lengths, 512)):
        ids[row, : len(sequence)], mask[row, : len(sequence)] = sequence, 1
    return {"input_ids": ids, "attention_mask": mask}
