"""Write what goes beside the weights: configuration, tokenizer, pooling, prompts and length limit.

The sentence-transformers files are written anew from what was read (the catalog's knowledge included), so
that the converted folder says by itself what its source meant.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.numpy import save_file

from mlx_jinabert.checkpoint.dense import IDENTITY, Layer, NormModule
from mlx_jinabert.checkpoint.folder import ModelFolder
from mlx_jinabert.checkpoint.pooling_mode import OWN_LAYERS
from mlx_jinabert.checkpoint.sentence_files import ROUNDING_MODULE, read_json

__all__ = ["SOURCE_FILES", "write_settings"]

_COPIED = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "LICENSE",
    "LICENSE.txt",
    "LICENSE.md",
    "NOTICE",
    "NOTICE.txt",
)
SOURCE_FILES = (
    *_COPIED,
    "config.json",
    "modules.json",
    "1_Pooling/config.json",
    "config_sentence_transformers.json",
    "sentence_bert_config.json",
)
"""Files besides the weights that a conversion reads."""

_POOLING_KEYS = {"cls": "cls_token", "mean": "mean_tokens", "last": "lasttoken"}
_KEPT = ("activation_fn",)
_MODULES = "sentence_transformers.models"
_OWN_MODULE = "custom_transformer.C2LLMTransformer"


def write_settings(
    target: Path, source: ModelFolder, *, width: int, dtype: str, quantization: Mapping[str, int] | None
) -> None:
    """Write all files but the weights and the records. ``quantization`` is that of MLX weights."""
    for name in _COPIED:
        if (source.path / name).is_file():
            shutil.copyfile(source.path / name, target / name)
    config = {key: value for key, value in source.config.items() if key not in ("torch_dtype", "dtype")}
    config["torch_dtype"] = dtype
    if source.entry is not None and source.entry.matryoshka_dims:
        config.setdefault("matryoshka_dims", list(source.entry.matryoshka_dims))
    if quantization is not None:
        config["quantization"] = dict(quantization)
    _write(target / "config.json", config)
    prompts = {**(source.entry.prompts if source.entry else {}), **source.prompts}
    name = "config_sentence_transformers.json"
    # How late interaction marks, cuts and skips tokens stands beside the prompts, as does how scores end.
    found = read_json(source.path / name) or {}
    kept = found if source.pooling == "tokens" else {key: found[key] for key in _KEPT if key in found}
    _write(target / name, {**kept, "prompts": prompts, "default_prompt_name": source.default_prompt_name})
    _write(
        target / "sentence_bert_config.json", {"max_seq_length": source.max_length, "do_lower_case": False}
    )
    _write_modules(target, source, width)


def _write_modules(target: Path, source: ModelFolder, width: int) -> None:
    chain = [("", "Transformer")]
    if source.pooling == OWN_LAYERS:  # as config.json says
        _write(target / "modules.json", [{"idx": 0, "name": "0", "path": "", "type": _OWN_MODULE}])
        return
    if source.pooling != "tokens":
        chain.append(("1_Pooling", "Pooling"))
    for module in source.dense:
        kind = "LayerNorm" if isinstance(module, NormModule) else "Dense"
        chain.append((f"{len(chain)}_{kind}", kind))
        folder = target / chain[-1][0]
        folder.mkdir()
        _write_layer(folder, module)
    if source.rounds:
        chain.append(("", ROUNDING_MODULE))
    elif source.normalize:
        chain.append((f"{len(chain)}_Normalize", "Normalize"))
    modules = [
        {"idx": n, "name": str(n), "path": path, "type": kind if "." in kind else f"{_MODULES}.{kind}"}
        for n, (path, kind) in enumerate(chain)
    ]
    _write(target / "modules.json", modules)
    if source.pooling == "tokens":
        return
    pooling = {f"pooling_mode_{key}": mode == source.pooling for mode, key in _POOLING_KEYS.items()}
    (target / "1_Pooling").mkdir()
    _write(target / "1_Pooling" / "config.json", {"word_embedding_dimension": width, **pooling})


def _write_layer(folder: Path, module: Layer) -> None:
    """Copy a layer, or write one that lies among the transformer's weights in a folder of its own."""
    if isinstance(module, NormModule) or module.layer == "linear":
        for name in ("config.json", "model.safetensors"):
            shutil.copyfile(module.path / name, folder / name)
        return
    config = {"in_features": module.in_features, "out_features": module.out_features, "bias": module.bias}
    _write(folder / "config.json", {**config, "activation_function": IDENTITY})
    save_file(module.read(), folder / "model.safetensors")


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
