"""C2LLM: Qwen2 inside a wrapper, and the layers of its pooling beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenizers import Tokenizer

from tests.support.checkpoint_tokenizers import endless_bpe
from tests.support.layouts import qwen

if TYPE_CHECKING:
    from tests.support.checkpoints import Checkpoint, Shape


def config(checkpoint: Checkpoint) -> dict[str, object]:
    known = qwen.config(checkpoint.but(kind="qwen2"))
    for key in ("tie_word_embeddings", "bos_token_id", "eos_token_id"):
        del known[key]
    own = {
        "model_type": "c2llm",
        "architectures": ["C2LLMForEmbedding"],
        "attn_implementation": "flash_attention_2",
        "auto_map": {
            "AutoConfig": "configuration_c2llm.C2LLMConfig",
            "AutoModel": "modeling_c2llm.C2LLMForEmbedding",
        },
        "compressed_dim": checkpoint.hidden,
        "embedding_method": "pma",
        "padding_side": "left",
        "pma_ln": True,
        "pma_norm": False,
        "pma_norm_mode": "post_normal",
        "pma_num_heads": 2 * checkpoint.heads,
    }
    return {**known, "sliding_window": None, **own}


def shapes(checkpoint: Checkpoint) -> dict[str, Shape]:
    base = qwen.shapes(checkpoint.but(kind="qwen2", head=False))
    found: dict[str, Shape] = {f"plm_model.model.{name}": shape for name, shape in base.items()}
    if checkpoint.head:
        found["plm_model.lm_head.weight"] = (checkpoint.vocab, checkpoint.hidden)
    out = int(str({**config(checkpoint), **dict(checkpoint.config)}["compressed_dim"]))
    found["mha_pma.S"] = (1, 1, out)
    widths = {"fc_q": out, "fc_k": checkpoint.hidden, "fc_v": checkpoint.hidden, "fc_o": out}
    for name, width in widths.items():
        found[f"mha_pma.mab.{name}.weight"] = (out, width)
        found[f"mha_pma.mab.{name}.bias"] = (out,)
    for name in ("ln0", "ln1"):
        found |= {f"mha_pma.mab.{name}.weight": (out,), f"mha_pma.mab.{name}.bias": (out,)}
    return found


def tokenizer(checkpoint: Checkpoint) -> Tokenizer:
    return endless_bpe()


def special_tokens(checkpoint: Checkpoint) -> dict[str, object]:
    return qwen.special_tokens(checkpoint.but(kind="qwen2"))
