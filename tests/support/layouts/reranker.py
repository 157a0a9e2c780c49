"""jina-reranker-v1: the en variant of JinaBERT under ``bert.``, with pooler and a classifier of one label.

Its tokenizer is byte-level BPE like RoBERTa's: ``<s>`` query ``</s></s>`` document ``</s>``, one token type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support import checkpoints
from tests.support.checkpoint_tokenizers import SPECIAL_TOKENS, byte_level_bpe

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from tests.support.checkpoints import Checkpoint, Shape


def config(checkpoint: Checkpoint) -> dict[str, object]:
    own = {"architectures": ["JinaBertForSequenceClassification"], "id2label": {"0": "LABEL_0"}}
    return checkpoints.config_of(checkpoint.but(kind="en", config=())) | own | {"num_labels": 1}


def shapes(checkpoint: Checkpoint) -> dict[str, Shape]:
    encoder = checkpoints.shapes_of(checkpoint.but(kind="en", pooler=True))
    head = {"classifier.weight": (1, checkpoint.hidden), "classifier.bias": (1,)}
    return {f"bert.{name}": shape for name, shape in encoder.items()} | head


def tokenizer(checkpoint: Checkpoint) -> Tokenizer:
    return byte_level_bpe()


def special_tokens(checkpoint: Checkpoint) -> dict[str, object]:
    return dict(SPECIAL_TOKENS["bpe"])
