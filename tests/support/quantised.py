"""Folders as mlx-lm and mlx-embeddings leave them: every matrix that divides packed by MLX itself.

Names are those of their modules, ``model.`` before each where their model has a wrapper. config.json records
the packing; files about pooling are left out.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
from numpy.typing import NDArray

from tests.support.checkpoints import Checkpoint, config_of, tensors_of, write, write_safetensors

Packing = Mapping[str, int]
Tensors = dict[str, NDArray[np.float32]]


def write_quantised(
    folder: Path,
    checkpoint: Checkpoint,
    packing: Packing,
    *,
    single: Mapping[str, Packing | bool] | None = None,
    inner: Tensors | None = None,
) -> Tensors:
    """Write the folder; returns what its weights mean, by the names of the original, in float32.

    ``single``: the packing of single layers by name. ``inner``: matrices beside the transformer's, under
    names without the wrapper's prefix.
    """
    single = single or {}
    write(folder, checkpoint)
    shutil.rmtree(folder / "1_Pooling")
    for name in ("modules.json", "config_sentence_transformers.json", "sentence_bert_config.json"):
        (folder / name).unlink()
    stored: dict[str, mx.array] = {}
    meant: Tensors = {}
    with mx.stream(mx.cpu):
        for name, values in {**tensors_of(checkpoint), **(inner or {})}.items():
            array = mx.array(values).astype(getattr(mx, checkpoint.dtype))
            layer = name.removesuffix(".weight")
            chosen = single.get(layer, packing)
            if values.ndim == 2 and chosen and values.shape[1] % int(packing["group_size"]) == 0:
                chosen = packing if chosen is True else chosen
                parts = mx.quantize(array, **chosen)
                stored |= {f"{layer}.{part}": a for part, a in zip(_PARTS, parts, strict=True)}
                array = mx.dequantize(parts[0], *(p.astype(mx.float32) for p in parts[1:]), **chosen)
            else:
                stored[name] = array
            meant[name] = np.array(array.astype(mx.float32))
        mx.save_safetensors(str(folder / "model.safetensors"), stored, {"format": "mlx"})
    record = {**packing, "mode": "affine", **single}
    config: dict[str, Any] = {**config_of(checkpoint), "quantization": record, "quantization_config": record}
    (folder / "config.json").write_text(json.dumps(config))
    return meant


_PARTS = ("weight", "scales", "biases")


def write_meant(folder: Path, checkpoint: Checkpoint, meant: Tensors) -> Path:
    """Write the same model as a float32 checkpoint, for a reference; returns the folder."""
    write(folder, checkpoint.but(dtype="float32"))
    write_safetensors(
        folder / "model.safetensors", {name: meant[name] for name in tensors_of(checkpoint)}, "float32"
    )
    return folder
