"""Qwen2 and Qwen3: written down from Qwen2.5-Coder and Qwen3-Embedding.

``kv_heads`` and ``head_dim`` of the checkpoint count; ``head=True`` adds the untied ``lm_head``. The
tokenizer closes texts with <|endoftext|>, as those of jina-code-embeddings and Qwen3-Embedding do, unless
``closed=False``, as in the gte lineage. The end of a chat turn, <|im_end|>, is what config.json calls
``eos_token_id`` in Qwen3: it never closes a text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenizers import Tokenizer, processors

from tests.support.checkpoint_tokenizers import endless_bpe

if TYPE_CHECKING:
    from tests.support.checkpoints import Checkpoint, Shape

END, CHAT_END = "<|endoftext|>", "<|im_end|>"


def config(checkpoint: Checkpoint) -> dict[str, object]:
    known = {
        "model_type": checkpoint.kind,
        "architectures": [f"{checkpoint.kind.capitalize()}ForCausalLM"],
        "vocab_size": checkpoint.vocab,
        "hidden_size": checkpoint.hidden,
        "intermediate_size": checkpoint.intermediate,
        "num_hidden_layers": checkpoint.layers,
        "num_attention_heads": checkpoint.heads,
        "num_key_value_heads": checkpoint.kv_heads,
        "max_position_embeddings": checkpoint.max_position,
        "max_window_layers": checkpoint.layers,
        "sliding_window": checkpoint.max_position,
        "use_sliding_window": False,
        "hidden_act": "silu",
        "attention_dropout": 0.0,
        "rms_norm_eps": 1e-6,
        "rope_theta": 1000000.0,
        "tie_word_embeddings": not checkpoint.head,
        "use_cache": True,
        "bos_token_id": 0,
        "eos_token_id": 0,
        "torch_dtype": checkpoint.dtype,
    }
    if checkpoint.kind == "qwen3":
        own = {"head_dim": _size(checkpoint), "attention_bias": False, "rope_scaling": None}
        return {**known, **own, "eos_token_id": 2}
    return known


def shapes(checkpoint: Checkpoint) -> dict[str, Shape]:
    width, inner = checkpoint.hidden, checkpoint.intermediate
    size = _size(checkpoint)
    rows = {"q": checkpoint.heads * size, "k": checkpoint.kv_heads * size, "v": checkpoint.kv_heads * size}
    found: dict[str, Shape] = {"embed_tokens.weight": (checkpoint.vocab, width)}
    for n in range(checkpoint.layers):
        layer = f"layers.{n}"
        found |= {f"{layer}.self_attn.{part}_proj.weight": (out, width) for part, out in rows.items()}
        if checkpoint.kind == "qwen2":
            found |= {f"{layer}.self_attn.{part}_proj.bias": (out,) for part, out in rows.items()}
        else:
            found |= {f"{layer}.self_attn.{part}_norm.weight": (size,) for part in "qk"}
        found[f"{layer}.self_attn.o_proj.weight"] = (width, rows["q"])
        found |= {f"{layer}.mlp.{part}_proj.weight": (inner, width) for part in ("gate", "up")}
        found[f"{layer}.mlp.down_proj.weight"] = (width, inner)
        found |= {f"{layer}.{norm}_layernorm.weight": (width,) for norm in ("input", "post_attention")}
    found["norm.weight"] = (width,)
    if dict(checkpoint.config).get("num_labels"):
        found["linear.weight"] = (int(str(dict(checkpoint.config)["num_labels"])), width)
    if checkpoint.head:
        found["lm_head.weight"] = (checkpoint.vocab, width)
    return found


def _size(checkpoint: Checkpoint) -> int:
    return checkpoint.head_dim or checkpoint.hidden // checkpoint.heads


def tokenizer(checkpoint: Checkpoint) -> Tokenizer:
    made = endless_bpe()
    if checkpoint.closed:
        made.post_processor = processors.TemplateProcessing(
            single=f"$A {END}", pair=f"$A $B {END}", special_tokens=[(END, made.token_to_id(END))]
        )
    return made


def special_tokens(checkpoint: Checkpoint) -> dict[str, object]:
    return {"eos_token": CHAT_END if checkpoint.kind == "qwen3" else END, "pad_token": END}
