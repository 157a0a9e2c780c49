"""Qwen2.5-VL with one block of its vision tower: Qwen2's tensors, other names, M-RoPE.

Prefixes are ``model.language_model.`` or ``model.``, by the version that saved it; ``head`` adds the untied
``lm_head``. jina-embeddings-v4 has a projector for vectors by token as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenizers import Tokenizer

from tests.support.checkpoint_tokenizers import endless_bpe
from tests.support.layouts import qwen

if TYPE_CHECKING:
    from tests.support.checkpoints import Checkpoint, Shape


def config(checkpoint: Checkpoint) -> dict[str, object]:
    size = checkpoint.hidden // checkpoint.heads
    section = [size // 2 - 2 * (size // 8), size // 8, size // 8]
    return {
        **qwen.config(checkpoint.but(kind="qwen2")),
        "model_type": "qwen2_5_vl",
        "architectures": ["Qwen2_5_VLForConditionalGeneration"],
        "rope_scaling": {"type": "mrope", "mrope_section": section},
        "vision_config": {"depth": 1, "hidden_size": 8},
    }


def shapes(checkpoint: Checkpoint) -> dict[str, Shape]:
    return qwen.shapes(checkpoint.but(kind="qwen2")) | {
        "visual.blocks.0.attn.qkv.weight": (24, 8),
        "visual.blocks.0.attn.qkv.bias": (24,),
        "multi_vector_projector.weight": (16, checkpoint.hidden),
    }


def tokenizer(checkpoint: Checkpoint) -> Tokenizer:
    return endless_bpe()


def special_tokens(checkpoint: Checkpoint) -> dict[str, object]:
    return qwen.special_tokens(checkpoint)
