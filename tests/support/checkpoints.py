"""Random checkpoints in the original Hugging Face layout, the same on every machine.

Names, shapes and configuration keys are written down from the published checkpoints, apart from
the product's own tables: where the two disagree, a test fails. Values come from
``numpy.random.RandomState``, whose stream NumPy has frozen, and the safetensors are written by hand
so that a digest does not depend on a library's version.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from math import prod, sqrt
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tests.support.checkpoint_tokenizers import SPECIAL_TOKENS, byte_level_bpe, word_piece
from tests.support.layouts import (
    c2llm,
    codesage,
    gemma2,
    gemma3,
    gte,
    llama,
    modernbert,
    nomic_bert,
    qwen,
    qwen2_5_vl,
    reranker,
    roberta,
    static,
)

Kind = Literal[
    "code",
    "en",
    "bert",
    "qwen2",
    "qwen3",
    "codesage",
    "gemma2",
    "qwen2_5_vl",
    "nomic_bert",
    "gte",
    "modernbert",
    "reranker",
    "roberta",
    "llama",
    "eurobert",
    "gemma3",
    "static",
    "c2llm",
]
Shape = tuple[int, ...]

LAYOUTS = {
    "qwen2": qwen,
    "qwen3": qwen,
    "codesage": codesage,
    "gemma2": gemma2,
    "qwen2_5_vl": qwen2_5_vl,
    "nomic_bert": nomic_bert,
    "gte": gte,
    "modernbert": modernbert,
    "reranker": reranker,
    "roberta": roberta,
    "llama": llama,
    "eurobert": llama,
    "gemma3": gemma3,
    "static": static,
    "c2llm": c2llm,
}
"""Families with a module of their own; the others are written down here."""


@dataclass(frozen=True)
class Checkpoint:
    """What to write. ``prefix`` goes before every tensor of the encoder, ``shards`` > 1 splits the file."""

    kind: Kind = "code"
    seed: int = 0
    layers: int = 2
    hidden: int = 64
    heads: int = 8
    intermediate: int = 96
    vocab: int = 512
    max_position: int = 512
    dtype: Literal["float32", "float16", "bfloat16"] = "float32"
    shards: int = 1
    prefix: str = ""
    pooler: bool = True
    pooling: Literal["mean", "cls", "last", "pma"] = "mean"
    kv_heads: int = 2
    head_dim: int = 0
    head: bool = False
    closed: bool = True
    types: int = 2
    config: tuple[tuple[str, object], ...] = ()
    """Keys of config.json that this checkpoint has beside (or instead of) those of its family."""

    def but(self, **changes: object) -> Checkpoint:
        """The same checkpoint with some fields changed."""
        return replace(self, **changes)

    def record(self) -> dict[str, object]:
        """For the provenance of a golden file."""
        return asdict(self)


def write(folder: Path, checkpoint: Checkpoint) -> Path:
    """Write the whole folder as it would come from the hub; returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: _stored(value, checkpoint.dtype) for name, value in tensors_of(checkpoint).items()}
    write_shards(folder, tensors, checkpoint.dtype, checkpoint.shards)
    _write_json(folder / "config.json", config_of(checkpoint))
    layout = LAYOUTS.get(checkpoint.kind)
    tokenizer = byte_level_bpe() if checkpoint.kind == "code" else word_piece()
    special: dict[str, object] = {**SPECIAL_TOKENS["bpe" if checkpoint.kind == "code" else "wordpiece"]}
    if layout is not None:
        tokenizer, special = layout.tokenizer(checkpoint), layout.special_tokens(checkpoint)
    tokenizer.save(str(folder / "tokenizer.json"))
    _write_json(folder / "tokenizer_config.json", {**special, "model_max_length": checkpoint.max_position})
    _write_json(folder / "sentence_bert_config.json", {"max_seq_length": checkpoint.max_position})
    _write_json(folder / "config_sentence_transformers.json", {"prompts": {}, "default_prompt_name": None})
    if checkpoint.pooling == "pma":
        own = {"idx": 0, "name": "0", "path": "", "type": "custom_transformer.C2LLMTransformer"}
        _write_json(folder / "modules.json", [own])
        return folder
    kinds = ("Transformer", "Pooling")
    modules = [
        {
            "idx": n,
            "name": str(n),
            "path": f"{n}_{kind}" if n else "",
            "type": f"sentence_transformers.models.{kind}",
        }
        for n, kind in enumerate(kinds)
    ]
    _write_json(folder / "modules.json", modules)
    modes = {"mean": "mean_tokens", "cls": "cls_token", "last": "lasttoken"}
    pooling = {f"pooling_mode_{key}": mode == checkpoint.pooling for mode, key in modes.items()}
    (folder / "1_Pooling").mkdir(exist_ok=True)
    _write_json(folder / "1_Pooling/config.json", {"word_embedding_dimension": checkpoint.hidden, **pooling})
    return folder


_HEADS = ("cls.", "lm_head.", "visual.", "multi_vector_projector.")
"""Tensors that are not the encoder's and take no prefix."""


def tensors_of(checkpoint: Checkpoint) -> dict[str, NDArray[np.float32]]:
    """Stored name -> values in float32, before they are rounded to the checkpoint's type."""
    random = np.random.RandomState(checkpoint.seed)
    return {
        (name if name.startswith(_HEADS) else checkpoint.prefix + name): _values(random, name, shape)
        for name, shape in shapes_of(checkpoint).items()
    }


def digest(folder: Path) -> str:
    """sha256 over the checkpoint's safetensors, shards in the order of their names."""
    total = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        total.update(path.read_bytes())
    return total.hexdigest()


def config_of(checkpoint: Checkpoint) -> dict[str, object]:
    """``config.json`` with the keys that the published checkpoints have."""
    layout = LAYOUTS.get(checkpoint.kind)
    return (layout.config if layout else _bert_config)(checkpoint) | dict(checkpoint.config)


def _bert_config(checkpoint: Checkpoint) -> dict[str, object]:
    common = {
        "model_type": "bert",
        "vocab_size": checkpoint.vocab,
        "hidden_size": checkpoint.hidden,
        "num_hidden_layers": checkpoint.layers,
        "num_attention_heads": checkpoint.heads,
        "intermediate_size": checkpoint.intermediate,
        "max_position_embeddings": checkpoint.max_position,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-12,
        "type_vocab_size": 2,
        "pad_token_id": 0,
        "initializer_range": 0.02,
        "torch_dtype": checkpoint.dtype,
    }
    if checkpoint.kind == "bert":
        return {**common, "architectures": ["BertModel"], "position_embedding_type": "absolute"}
    code = {"code": "jinaai/jina-bert-v2-qk-post-norm", "en": "jinaai/jina-bert-implementation"}[
        checkpoint.kind
    ]
    return {
        **common,
        "_name_or_path": code,
        "architectures": ["JinaBertForMaskedLM"],
        "auto_map": {"AutoModel": f"{code}--modeling_bert.JinaBertModel"},
        "position_embedding_type": "alibi",
        "feed_forward_type": "geglu",
        "emb_pooler": "mean",
        "attn_implementation": "torch",
        "model_max_length": checkpoint.max_position,
    }


def write_shards(folder: Path, tensors: dict[str, NDArray], dtype: str, shards: int = 1) -> None:
    """model.safetensors, or shards dealt in turn and the index that names them."""
    if shards == 1:
        write_safetensors(folder / "model.safetensors", tensors, dtype)
        return
    weight_map: dict[str, str] = {}
    for n in range(shards):
        file = f"model-{n + 1:05}-of-{shards:05}.safetensors"
        part = {name: tensors[name] for name in list(tensors)[n::shards]}
        write_safetensors(folder / file, part, dtype)
        weight_map |= dict.fromkeys(part, file)
    size = sum(tensor.nbytes for tensor in tensors.values())
    index = {"metadata": {"total_size": size}, "weight_map": weight_map}
    _write_json(folder / "model.safetensors.index.json", index)


def write_safetensors(path: Path, tensors: dict[str, NDArray], dtype: str) -> None:
    """8 bytes of header length, the header, the tensors; bfloat16 comes as its 16 bit words."""
    code = {"float32": "F32", "float16": "F16", "bfloat16": "BF16"}[dtype]
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for name, tensor in tensors.items():
        end = offset + tensor.nbytes
        kind = "I64" if tensor.dtype == np.int64 else code
        header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for tensor in tensors.values():
            file.write(tensor.tobytes())


def _stored(value: NDArray[np.float32], dtype: str) -> NDArray:
    if dtype == "bfloat16":  # Round to nearest even by hand: NumPy has no such type.
        words = value.view(np.uint32)
        return ((words + 0x7FFF + ((words >> 16) & 1)) >> 16).astype(np.uint16)
    return value.astype(dtype)


def _values(random: np.random.RandomState, name: str, shape: Shape) -> NDArray[np.float32]:
    """Scaled so that every part of the network moves the result, at any width."""
    noise = random.standard_normal(shape).astype(np.float32)
    if len(shape) == 1:
        return np.float32(0.1) * noise + np.float32(_is_norm(name) and name.endswith("weight"))
    return noise * np.float32(0.5 if "embeddings" in name else 1 / sqrt(shape[1]))


def _is_norm(name: str) -> bool:
    parts = name.split(".")
    return "norm" in name.lower() or any(
        part.startswith("ln_") or part.endswith("_ln") or part in ("ln0", "ln1") for part in parts
    )


def shapes_of(checkpoint: Checkpoint) -> dict[str, Shape]:
    """Stored name, without ``prefix`` -> shape."""
    if checkpoint.kind in LAYOUTS:
        return LAYOUTS[checkpoint.kind].shapes(checkpoint)
    width, inner = checkpoint.hidden, checkpoint.intermediate
    shapes: dict[str, Shape] = {"embeddings.word_embeddings.weight": (checkpoint.vocab, width)}
    if checkpoint.kind == "bert":
        shapes["embeddings.position_embeddings.weight"] = (checkpoint.max_position, width)
    shapes["embeddings.token_type_embeddings.weight"] = (2, width)
    shapes |= _affine("embeddings.LayerNorm", width)
    for n in range(checkpoint.layers):
        layer = f"encoder.layer.{n}"
        for part in ("self.query", "self.key", "self.value", "output.dense"):
            shapes |= _affine(f"{layer}.attention.{part}", width, width)
        shapes |= _affine(f"{layer}.attention.output.LayerNorm", width)
        shapes |= _FEED_FORWARD[checkpoint.kind](layer, width, inner)
    if checkpoint.pooler:
        shapes |= _affine("pooler.dense", width, width)
    assert all(prod(shape) for shape in shapes.values())
    return shapes


def _affine(name: str, *shape: int) -> dict[str, Shape]:
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}


def _code(layer: str, width: int, inner: int) -> dict[str, Shape]:
    shapes = {f"{layer}.mlp.up_gated_layer.weight": (2 * inner, width)}
    shapes |= _affine(f"{layer}.mlp.down_layer", width, inner)
    for norm in (
        "attention.self.layer_norm_q",
        "attention.self.layer_norm_k",
        "layer_norm_1",
        "layer_norm_2",
    ):
        shapes |= _affine(f"{layer}.{norm}", width)
    return shapes


def _en(layer: str, width: int, inner: int) -> dict[str, Shape]:
    shapes = {f"{layer}.mlp.gated_layers.weight": (2 * inner, width)}
    return shapes | _affine(f"{layer}.mlp.wo", width, inner) | _affine(f"{layer}.mlp.layernorm", width)


def _bert(layer: str, width: int, inner: int) -> dict[str, Shape]:
    shapes = _affine(f"{layer}.intermediate.dense", inner, width)
    return (
        shapes | _affine(f"{layer}.output.dense", width, inner) | _affine(f"{layer}.output.LayerNorm", width)
    )


_FEED_FORWARD = {"code": _code, "en": _en, "bert": _bert}


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1))
