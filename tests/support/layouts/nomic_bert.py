"""NomicBERT: written down from CodeRankEmbed; the configuration is in GPT-2's spelling and in transformers',
as in today's repositories. ``pooler=True`` adds a head over the vocabulary, as pre-trained saves have one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenizers import Tokenizer

from tests.support.checkpoint_tokenizers import SPECIAL_TOKENS, word_piece

if TYPE_CHECKING:
    from tests.support.checkpoints import Checkpoint, Shape

THETA = 1000


def config(checkpoint: Checkpoint) -> dict[str, object]:
    gpt2 = {
        "n_embd": checkpoint.hidden,
        "n_head": checkpoint.heads,
        "n_inner": checkpoint.intermediate,
        "n_layer": checkpoint.layers,
        "n_positions": checkpoint.max_position,
        "max_trained_positions": 2048,
        "activation_function": "swiglu",
        "layer_norm_epsilon": 1e-12,
        "prenorm": False,
        "parallel_block": False,
        "use_rms_norm": False,
        "causal": False,
        "qkv_proj_bias": False,
        "mlp_fc1_bias": False,
        "mlp_fc2_bias": False,
        "rotary_emb_base": THETA,
        "rotary_emb_fraction": 1.0,
        "rotary_emb_interleaved": False,
        "rotary_emb_scale_base": None,
        "rotary_scaling_factor": None,
        "scale_attn_weights": True,
        "scale_attn_by_inverse_layer_idx": False,
        "summary_type": "cls_index",
        "use_flash_attn": True,
    }
    transformers = {
        "hidden_size": checkpoint.hidden,
        "num_attention_heads": checkpoint.heads,
        "intermediate_size": checkpoint.intermediate,
        "num_hidden_layers": checkpoint.layers,
        "max_position_embeddings": checkpoint.max_position,
        "hidden_act": "silu",
        "layer_norm_eps": 1e-12,
        "rope_parameters": {"rope_theta": float(THETA), "rope_type": "default"},
    }
    shared = {
        "model_type": "nomic_bert",
        "architectures": ["NomicBertModel"],
        "vocab_size": checkpoint.vocab,
        "type_vocab_size": 2,
        "torch_dtype": checkpoint.dtype,
    }
    return {**shared, **gpt2, **transformers}


def shapes(checkpoint: Checkpoint) -> dict[str, Shape]:
    width, inner = checkpoint.hidden, checkpoint.intermediate
    found: dict[str, Shape] = {
        "embeddings.word_embeddings.weight": (checkpoint.vocab, width),
        "embeddings.token_type_embeddings.weight": (2, width),
        "emb_ln.weight": (width,),
        "emb_ln.bias": (width,),
    }
    for n in range(checkpoint.layers):
        layer = f"encoder.layers.{n}"
        found |= {
            f"{layer}.attn.Wqkv.weight": (3 * width, width),
            f"{layer}.attn.out_proj.weight": (width, width),
            f"{layer}.mlp.fc11.weight": (inner, width),
            f"{layer}.mlp.fc12.weight": (inner, width),
            f"{layer}.mlp.fc2.weight": (width, inner),
        }
        for norm in ("norm1", "norm2"):
            found |= {f"{layer}.{norm}.weight": (width,), f"{layer}.{norm}.bias": (width,)}
    if checkpoint.pooler:
        found["cls.predictions.decoder.bias"] = (checkpoint.vocab,)
    return found


def tokenizer(checkpoint: Checkpoint) -> Tokenizer:
    return word_piece()


def special_tokens(checkpoint: Checkpoint) -> dict[str, object]:
    return dict(SPECIAL_TOKENS["wordpiece"])
