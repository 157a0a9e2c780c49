"""Llama made to see both ways, and EuroBERT: written down from transformers' configurations of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenizers import Tokenizer

from tests.support.checkpoint_tokenizers import SPECIAL_TOKENS, byte_level_bpe
from tests.support.layouts import qwen

if TYPE_CHECKING:
    from tests.support.checkpoints import Checkpoint, Shape


def config(checkpoint: Checkpoint) -> dict[str, object]:
    known = {
        "model_type": "eurobert" if checkpoint.kind == "eurobert" else "llama_bidirec",
        "architectures": ["EuroBertModel" if checkpoint.kind == "eurobert" else "LlamaBidirectionalModel"],
        "vocab_size": checkpoint.vocab,
        "hidden_size": checkpoint.hidden,
        "intermediate_size": checkpoint.intermediate,
        "num_hidden_layers": checkpoint.layers,
        "num_attention_heads": checkpoint.heads,
        "num_key_value_heads": checkpoint.kv_heads,
        "max_position_embeddings": checkpoint.max_position,
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "rms_norm_eps": 1e-5,
        "rope_theta": 250000.0,
        "pretraining_tp": 1,
        "pad_token_id": 1,
        "tie_word_embeddings": False,
        "torch_dtype": checkpoint.dtype,
    }
    return known | ({"mask_token_id": 4} if checkpoint.kind == "eurobert" else {})


def shapes(checkpoint: Checkpoint) -> dict[str, Shape]:
    own = (".q_norm.weight", ".k_norm.weight")
    return {name: shape for name, shape in qwen.shapes(checkpoint).items() if not name.endswith(own)}


def tokenizer(checkpoint: Checkpoint) -> Tokenizer:
    return byte_level_bpe()


def special_tokens(checkpoint: Checkpoint) -> dict[str, object]:
    return dict(SPECIAL_TOKENS["bpe"])
