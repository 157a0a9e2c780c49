"""A student that reads questions and texts in two ways: learnt tokens stand before a question.

Prompt tuning (Lester et al., arXiv:2104.08691). The tokens are rows of the table of words like others, so
what is trained is a model as the library loads it, with a prompt in its configuration. The table itself is
held: words that are compared without the layers, and those of other scripts, stay what they are.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from mlx_jinabert.text.counting import counted
from training.data.examples import PAD
from training.foreign.words import TABLE
from training.model import grow

__all__ = ["LETTERS", "Prompted"]

_AT_ONCE = 96
"""Rows of like length that are computed together, so that little is spent on padding."""
LETTERS = tuple(map(chr, range(0x10600, 0x10608)))
"""What the tokens of a prompt are called: letters of Linear A, which nobody programs or asks with. They are
ordinary words of the vocabulary, so a tokenizer needs to know nothing more."""
_BEGIN_AS = ("find", "code", "where", "function", "how", "method", "class", "implement")
"""Words whose vectors the prompt's begin with."""


class Prompted:
    """``asked`` and ``read``: token ids -> (rows, width) float32 of unit length."""

    def __init__(self, begin: Path, tokens: int) -> None:
        """``begin``: a model folder; its prompt, if it has one, goes on. ``tokens``: of a new one, 1 to 8."""
        described = json.loads((begin / "tokenizer.json").read_text(encoding="utf-8"))
        place: dict[str, int] = described["model"]["vocab"]
        vocabulary = sorted(place.keys() - set(LETTERS), key=place.__getitem__)
        self.student = grow.grown(begin, vocabulary, np.ones(len(vocabulary), np.int64))
        self.student.requires_grad_(False)
        self.layers = self.student.encoder.requires_grad_(True)
        config = json.loads((begin / "config.json").read_text(encoding="utf-8"))
        self._counts_repeats = config.get("count_repeated_tokens", False)
        self._table = self.student.embeddings.table().detach()
        words = self.student.embeddings.word_embeddings.weight
        learnt = load_file(begin / "model.safetensors")[TABLE][len(vocabulary) : len(place)].float()
        fresh = words[[place[word] for word in _BEGIN_AS[:tokens]]]
        self.rows = nn.Parameter((learnt if len(learnt) else fresh).clone())
        """(tokens, width): of the prompt, as the table of words has them."""

    def asked(self, questions: Sequence[np.ndarray]) -> Tensor:
        """Questions, the prompt behind their first token."""
        return self._embedded(questions, self._prompt())

    def read(self, texts: Sequence[np.ndarray]) -> Tensor:
        """Texts as they are."""
        return self._embedded(texts, self._prompt()[:0])

    def _prompt(self) -> Tensor:
        embeddings = self.student.embeddings
        prompt: Tensor = embeddings.LayerNorm(self.rows + embeddings.token_type_embeddings.weight[0])
        return prompt

    def _embedded(self, rows: Sequence[np.ndarray], prompt: Tensor) -> Tensor:
        read = self._weighed(rows)
        order = np.argsort([len(ids) for ids, _ in read], kind="stable")
        parts = [
            self._part([read[at] for at in order[start : start + _AT_ONCE]], prompt)
            for start in range(0, len(order), _AT_ONCE)
        ]
        return torch.cat(parts)[torch.from_numpy(np.argsort(order, kind="stable"))]

    def _weighed(self, rows: Sequence[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
        """The tokens that are read of each row, and what each weighs."""
        if not self._counts_repeats:
            return [(row, np.ones(len(row))) for row in rows]
        return [(ids, np.sqrt(counts)) for ids, counts in zip(*counted(rows), strict=True)]

    def _part(self, rows: Sequence[tuple[np.ndarray, np.ndarray]], prompt: Tensor) -> Tensor:
        length = max(len(ids) for ids, _ in rows)
        ids, weights = torch.full((len(rows), length), PAD), torch.zeros(len(rows), length)
        for at, (row, each) in enumerate(rows):
            ids[at, : len(row)] = torch.from_numpy(row.astype(np.int64))
            weights[at, : len(row)] = torch.from_numpy(each.astype(np.float32))
        words = functional.embedding(ids, self._table)
        x = torch.cat([words[:, :1], prompt.expand(len(rows), -1, -1), words[:, 1:]], 1)
        weights = torch.cat([weights[:, :1], torch.ones(len(rows), len(prompt)), weights[:, 1:]], 1)
        with torch.autocast("cpu", torch.bfloat16):
            x = self.student.encoder(x, self.student.bias(weights))
        return functional.normalize(self.student.pooled(x, weights), dim=-1)
