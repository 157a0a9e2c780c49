"""Gemma-3's text model as EmbeddingGemma's configuration has it, with a window that texts of tests exceed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenizers import Tokenizer

from tests.support.layouts import gemma2

if TYPE_CHECKING:
    from tests.support.checkpoints import Checkpoint, Shape


def config(checkpoint: Checkpoint) -> dict[str, object]:
    kinds = ["full_attention" if (n + 1) % 3 == 0 else "sliding_attention" for n in range(checkpoint.layers)]
    return {
        "model_type": "gemma3_text",
        "architectures": ["Gemma3TextModel"],
        "vocab_size": checkpoint.vocab,
        "hidden_size": checkpoint.hidden,
        "intermediate_size": checkpoint.intermediate,
        "num_hidden_layers": checkpoint.layers,
        "num_attention_heads": checkpoint.heads,
        "num_key_value_heads": checkpoint.kv_heads,
        "head_dim": checkpoint.head_dim,
        "query_pre_attn_scalar": 2 * checkpoint.head_dim,
        "max_position_embeddings": checkpoint.max_position,
        "sliding_window": 40,
        "layer_types": kinds,
        "use_bidirectional_attention": True,
        "hidden_activation": "gelu_pytorch_tanh",
        "attention_bias": False,
        "attn_logit_softcapping": None,
        "final_logit_softcapping": None,
        "rms_norm_eps": 1e-6,
        "rope_theta": 1000000.0,
        "rope_local_base_freq": 10000.0,
        "rope_scaling": None,
        "bos_token_id": 2,
        "eos_token_id": 1,
        "pad_token_id": 0,
        "torch_dtype": checkpoint.dtype,
    }


def shapes(checkpoint: Checkpoint) -> dict[str, Shape]:
    norms = {
        f"layers.{n}.self_attn.{part}_norm.weight": (checkpoint.head_dim,)
        for n in range(checkpoint.layers)
        for part in "qk"
    }
    return gemma2.shapes(checkpoint) | norms


def tokenizer(checkpoint: Checkpoint) -> Tokenizer:
    return gemma2.tokenizer(checkpoint)


def special_tokens(checkpoint: Checkpoint) -> dict[str, object]:
    return gemma2.special_tokens(checkpoint)
