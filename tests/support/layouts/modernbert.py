"""ModernBERT: written down from gte-modernbert-base, its configuration in the keys of transformers 4.

``pooler=True`` adds the heads that a model for masked words has: no encoder's tensors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenizers import Tokenizer

from tests.support.checkpoint_tokenizers import SPECIAL_TOKENS, byte_level_bpe

if TYPE_CHECKING:
    from tests.support.checkpoints import Checkpoint, Shape


def config(checkpoint: Checkpoint) -> dict[str, object]:
    return {
        "model_type": "modernbert",
        "architectures": ["ModernBertModel"],
        "vocab_size": checkpoint.vocab,
        "hidden_size": checkpoint.hidden,
        "num_hidden_layers": checkpoint.layers,
        "num_attention_heads": checkpoint.heads,
        "intermediate_size": checkpoint.intermediate,
        "max_position_embeddings": checkpoint.max_position,
        "hidden_activation": "gelu",
        "attention_bias": False,
        "mlp_bias": False,
        "norm_bias": False,
        "norm_eps": 1e-5,
        "layer_norm_eps": 1e-5,
        "global_attn_every_n_layers": 3,
        "global_rope_theta": 160000.0,
        "local_attention": 128,
        "local_rope_theta": 10000.0,
        "position_embedding_type": "absolute",
        "classifier_pooling": "mean",
        "pad_token_id": 1,
        "torch_dtype": checkpoint.dtype,
    }


def shapes(checkpoint: Checkpoint) -> dict[str, Shape]:
    width, inner = checkpoint.hidden, checkpoint.intermediate
    found: dict[str, Shape] = {
        "embeddings.tok_embeddings.weight": (checkpoint.vocab, width),
        "embeddings.norm.weight": (width,),
    }
    for n in range(checkpoint.layers):
        layer = f"layers.{n}"
        if n:
            found[f"{layer}.attn_norm.weight"] = (width,)
        found |= {
            f"{layer}.attn.Wqkv.weight": (3 * width, width),
            f"{layer}.attn.Wo.weight": (width, width),
            f"{layer}.mlp_norm.weight": (width,),
            f"{layer}.mlp.Wi.weight": (2 * inner, width),
            f"{layer}.mlp.Wo.weight": (width, inner),
        }
    found["final_norm.weight"] = (width,)
    if checkpoint.pooler:
        found |= {"head.dense.weight": (width, width), "decoder.bias": (checkpoint.vocab,)}
    return found


def tokenizer(checkpoint: Checkpoint) -> Tokenizer:
    return byte_level_bpe()


def special_tokens(checkpoint: Checkpoint) -> dict[str, object]:
    return dict(SPECIAL_TOKENS["bpe"])
