"""Translations, and comments with their code -> token ids, and the vectors that they shall come near.

Those vectors are what the model that is extended makes of the English text, or of the code without the
comment: it knows both, and does not change.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

import mlx_jinabert
from training.corpus.prose.foreign import script_of
from training.corpus.shards import read_rows

__all__ = ["Asked", "Examples", "Texts", "read_texts"]

_LONGEST = 48
"""Tokens of a text in another script."""
_LONGEST_TARGET = 128


@dataclass(frozen=True, slots=True)
class Asked:
    """A text in another script and what it belongs to: the same in English, or code."""

    text: str
    target: str
    repo: str
    is_translation: bool


@dataclass(frozen=True, slots=True)
class Texts:
    """What is learnt from; ``chunks`` are texts with letters of other scripts, for the vocabulary alone."""

    asked: tuple[Asked, ...]
    chunks: tuple[str, ...]


def read_texts(data: Path, most: int) -> Texts:
    """Return all translations, and of each script ``most`` comments with their code, drawn at random."""
    asked = [
        Asked(row["foreign"], row["english"], row["repo"], True) for row in read_rows(data, "translations")
    ]
    rows = [row for row in read_rows(data, "pairs") if row["kind"] == "foreign"]
    random.Random(0).shuffle(rows)
    taken: Counter[str] = Counter()
    for row in rows:
        script = script_of(row["query"])
        taken[script] += 1
        if taken[script] <= most:
            asked.append(Asked(row["query"], row["text"], row["repo"], False))
    chunks = (row["text"] for row in read_rows(data, "texts"))
    return Texts(tuple(asked), tuple(text for text in chunks if not text.isascii()))


@dataclass(frozen=True, slots=True)
class Examples:
    """One row an example."""

    ids: tuple[NDArray[np.int64], ...]
    """Its token ids, special ones included."""
    target: NDArray[np.int64]
    """Its place in ``targets`` and in ``vectors``."""
    groups: tuple[NDArray[np.int64], ...]
    """Examples of one repository and kind, several at least: what a block of a batch is drawn from."""
    is_translation: NDArray[np.bool_]
    targets: tuple[str, ...]
    vectors: NDArray[np.float32]
    """(targets, width), of unit length."""

    @classmethod
    def make(cls, asked: Sequence[Asked], tokenizer: Tokenizer, model: Path, least: int = 8) -> Examples:
        """Embed the targets with the model folder ``model``; groups of fewer than ``least`` are left out."""
        targets = sorted({each.target for each in asked})
        place = {text: at for at, text in enumerate(targets)}
        encodings = tokenizer.encode_batch_fast([each.text for each in asked])
        embedder = mlx_jinabert.load(str(model), max_length=_LONGEST_TARGET)
        members: dict[tuple[str, bool], list[int]] = {}
        for at, each in enumerate(asked):
            members.setdefault((each.repo, each.is_translation), []).append(at)
        return cls(
            tuple(np.array(each.ids[:_LONGEST], np.int64) for each in encodings),
            np.array([place[each.target] for each in asked], np.int64),
            tuple(np.array(group) for _, group in sorted(members.items()) if len(group) >= least),
            np.array([each.is_translation for each in asked]),
            tuple(targets),
            np.asarray(embedder.encode(targets), np.float32),
        )
