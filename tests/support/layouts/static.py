"""Static embeddings: one table, as model2vec saves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenizers import Tokenizer

from tests.support.checkpoint_tokenizers import SPECIAL_TOKENS, word_piece

if TYPE_CHECKING:
    from tests.support.checkpoints import Checkpoint, Shape


def config(checkpoint: Checkpoint) -> dict[str, object]:
    return {
        "model_type": "model2vec",
        "architectures": ["StaticModel"],
        "hidden_size": checkpoint.hidden,
        "vocab_size": checkpoint.vocab,
        "seq_length": 1_000_000,
        "normalize": True,
    }


def shapes(checkpoint: Checkpoint) -> dict[str, Shape]:
    return {"embeddings": (checkpoint.vocab, checkpoint.hidden)}


def tokenizer(checkpoint: Checkpoint) -> Tokenizer:
    return word_piece()


def special_tokens(checkpoint: Checkpoint) -> dict[str, object]:
    return dict(SPECIAL_TOKENS["wordpiece"])
