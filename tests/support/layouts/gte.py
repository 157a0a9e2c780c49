"""GTE's encoder: written down from gte-large-en-v1.5. ``types`` is its ``type_vocab_size``, 0 in gte-base."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenizers import Tokenizer

from tests.support.checkpoint_tokenizers import SPECIAL_TOKENS, word_piece

if TYPE_CHECKING:
    from tests.support.checkpoints import Checkpoint, Shape


def config(checkpoint: Checkpoint) -> dict[str, object]:
    return {
        "model_type": "new",
        "architectures": ["NewModel"],
        "auto_map": {"AutoModel": "Alibaba-NLP/new-impl--modeling.NewModel"},
        "vocab_size": checkpoint.vocab,
        "hidden_size": checkpoint.hidden,
        "num_hidden_layers": checkpoint.layers,
        "num_attention_heads": checkpoint.heads,
        "intermediate_size": checkpoint.intermediate,
        "max_position_embeddings": checkpoint.max_position,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-12,
        "layer_norm_type": "layer_norm",
        "logn_attention_clip1": False,
        "logn_attention_scale": False,
        "pack_qkv": True,
        "position_embedding_type": "rope",
        "rope_theta": 160000,
        "rope_scaling": {"factor": 2.0, "type": "ntk"},
        "type_vocab_size": checkpoint.types,
        "unpad_inputs": False,
        "use_memory_efficient_attention": False,
        "torch_dtype": checkpoint.dtype,
    }


def shapes(checkpoint: Checkpoint) -> dict[str, Shape]:
    width, inner = checkpoint.hidden, checkpoint.intermediate
    found: dict[str, Shape] = {"embeddings.word_embeddings.weight": (checkpoint.vocab, width)}
    if checkpoint.types:
        found["embeddings.token_type_embeddings.weight"] = (checkpoint.types, width)
    found |= _affine("embeddings.LayerNorm", width)
    for n in range(checkpoint.layers):
        layer = f"encoder.layer.{n}"
        found |= _affine(f"{layer}.attention.qkv_proj", 3 * width, width)
        found |= _affine(f"{layer}.attention.o_proj", width, width)
        found |= _affine(f"{layer}.attn_ln", width)
        found[f"{layer}.mlp.up_gate_proj.weight"] = (2 * inner, width)
        found |= _affine(f"{layer}.mlp.down_proj", width, inner)
        found |= _affine(f"{layer}.mlp_ln", width)
    return found | (_affine("pooler.dense", width, width) if checkpoint.pooler else {})


def _affine(name: str, *shape: int) -> dict[str, Shape]:
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}


def tokenizer(checkpoint: Checkpoint) -> Tokenizer:
    return word_piece()


def special_tokens(checkpoint: Checkpoint) -> dict[str, object]:
    return dict(SPECIAL_TOKENS["wordpiece"])
