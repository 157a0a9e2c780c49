"""Dense layers added to a checkpoint, in sentence-transformers' layout."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.support.checkpoints import write_safetensors

TANH = "torch.nn.modules.activation.Tanh"
IDENTITY = "torch.nn.modules.linear.Identity"
RELU = "torch.nn.modules.activation.ReLU"


def add_dense(
    folder: Path,
    wide: int,
    out: int,
    *,
    activation: str,
    bias: bool,
    seed: int,
    said: object = None,
    **config: object,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Put one more layer behind the chain of modules.json; its weight (out, wide) and its bias, or zeros."""
    random = np.random.RandomState(seed)
    weight = (random.standard_normal((out, wide)) / np.sqrt(wide)).astype(np.float32)
    offset = (0.1 * random.standard_normal(out)).astype(np.float32)
    modules = json.loads((folder / "modules.json").read_text())
    path = f"{len(modules)}_Dense"
    kind = "sentence_transformers.models.Dense"
    modules.append({"idx": len(modules), "name": str(len(modules)), "path": path, "type": kind})
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / path).mkdir()
    record = {
        "in_features": wide,
        "out_features": out,
        "bias": bias if said is None else said,
        "activation_function": activation,
    }
    (folder / path / "config.json").write_text(json.dumps(record | config))
    tensors = {"linear.weight": weight} | ({"linear.bias": offset} if bias else {})
    write_safetensors(folder / path / "model.safetensors", tensors, "float32")
    return weight, offset if bias else np.zeros(out, np.float32)
