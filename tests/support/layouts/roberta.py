"""XLM-RoBERTa, as multilingual-e5-base has it; its position table has two rows that no token takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenizers import Tokenizer

from tests.support.checkpoint_tokenizers import SPECIAL_TOKENS, byte_level_bpe

if TYPE_CHECKING:
    from tests.support.checkpoints import Checkpoint, Shape


def config(checkpoint: Checkpoint) -> dict[str, object]:
    return {
        "model_type": "xlm-roberta",
        "architectures": ["XLMRobertaModel"],
        "vocab_size": checkpoint.vocab,
        "hidden_size": checkpoint.hidden,
        "num_hidden_layers": checkpoint.layers,
        "num_attention_heads": checkpoint.heads,
        "intermediate_size": checkpoint.intermediate,
        "max_position_embeddings": checkpoint.max_position + 2,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-5,
        "type_vocab_size": 1,
        "pad_token_id": 1,
        "position_embedding_type": "absolute",
        "torch_dtype": checkpoint.dtype,
    }


def shapes(checkpoint: Checkpoint) -> dict[str, Shape]:
    width, inner = checkpoint.hidden, checkpoint.intermediate

    def affine(name: str, *shape: int) -> dict[str, Shape]:
        return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}

    found: dict[str, Shape] = {
        "embeddings.word_embeddings.weight": (checkpoint.vocab, width),
        "embeddings.position_embeddings.weight": (checkpoint.max_position + 2, width),
        "embeddings.token_type_embeddings.weight": (1, width),
        **affine("embeddings.LayerNorm", width),
    }
    for n in range(checkpoint.layers):
        layer = f"encoder.layer.{n}"
        for part in ("self.query", "self.key", "self.value", "output.dense"):
            found |= affine(f"{layer}.attention.{part}", width, width)
        found |= affine(f"{layer}.attention.output.LayerNorm", width)
        found |= affine(f"{layer}.intermediate.dense", inner, width)
        found |= affine(f"{layer}.output.dense", width, inner) | affine(f"{layer}.output.LayerNorm", width)
    return found | (affine("pooler.dense", width, width) if checkpoint.pooler else {})


def tokenizer(checkpoint: Checkpoint) -> Tokenizer:
    return byte_level_bpe()


def special_tokens(checkpoint: Checkpoint) -> dict[str, object]:
    return dict(SPECIAL_TOKENS["bpe"])
