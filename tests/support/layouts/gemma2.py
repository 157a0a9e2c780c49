"""Gemma-2 as SFR-Embedding-Code-2B_R is described: its own ``model_type``, a tokenizer that opens with <bos>.

The window is small, so that tests have texts that are longer than it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers, processors

if TYPE_CHECKING:
    from tests.support.checkpoints import Checkpoint, Shape

WINDOW = 48


def config(checkpoint: Checkpoint) -> dict[str, object]:
    return {
        "model_type": "codexembed2b",
        "architectures": ["CodeXEmbedModel2B"],
        "vocab_size": checkpoint.vocab,
        "hidden_size": checkpoint.hidden,
        "intermediate_size": checkpoint.intermediate,
        "num_hidden_layers": checkpoint.layers,
        "num_attention_heads": checkpoint.heads,
        "num_key_value_heads": checkpoint.kv_heads,
        "head_dim": checkpoint.head_dim,
        "query_pre_attn_scalar": 2 * checkpoint.head_dim,
        "max_position_embeddings": checkpoint.max_position,
        "sliding_window": WINDOW,
        "hidden_act": "gelu_pytorch_tanh",
        "hidden_activation": "gelu_pytorch_tanh",
        "attention_bias": False,
        "attn_logit_softcapping": 2.0,
        "final_logit_softcapping": 30.0,
        "rms_norm_eps": 1e-6,
        "rope_theta": 10000.0,
        "bos_token_id": 2,
        "eos_token_id": [1, 107],
        "pad_token_id": 0,
        "torch_dtype": checkpoint.dtype,
    }


def shapes(checkpoint: Checkpoint) -> dict[str, Shape]:
    width, inner, size = checkpoint.hidden, checkpoint.intermediate, checkpoint.head_dim
    rows = {"q": checkpoint.heads * size, "k": checkpoint.kv_heads * size, "v": checkpoint.kv_heads * size}
    norms = ("input", "post_attention", "pre_feedforward", "post_feedforward")
    found: dict[str, Shape] = {"embed_tokens.weight": (checkpoint.vocab, width)}
    for n in range(checkpoint.layers):
        layer = f"layers.{n}"
        found |= {f"{layer}.self_attn.{part}_proj.weight": (out, width) for part, out in rows.items()}
        found[f"{layer}.self_attn.o_proj.weight"] = (width, rows["q"])
        found |= {f"{layer}.mlp.{part}_proj.weight": (inner, width) for part in ("gate", "up")}
        found[f"{layer}.mlp.down_proj.weight"] = (width, inner)
        found |= {f"{layer}.{norm}_layernorm.weight": (width,) for norm in norms}
    found |= {"norm.weight": (width,)}
    return found | ({"lm_head.weight": (checkpoint.vocab, width)} if checkpoint.head else {})


def tokenizer(checkpoint: Checkpoint) -> Tokenizer:
    special = ["<pad>", "<eos>", "<bos>", "<unk>"]
    pieces = [*special, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    made = Tokenizer(models.BPE({piece: n for n, piece in enumerate(pieces)}, []))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.add_special_tokens([AddedToken(token, special=True) for token in special])
    made.post_processor = processors.TemplateProcessing(
        single="<bos> $A", pair="<bos> $A <bos> $B", special_tokens=[("<bos>", 2)]
    )
    return made


def special_tokens(checkpoint: Checkpoint) -> dict[str, object]:
    return {"bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>", "unk_token": "<unk>"}
