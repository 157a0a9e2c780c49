"""The table of words: rows of the shipped model, which stay, and new ones behind them, which are learnt."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from training.foreign.examples import Examples
from training.foreign.tokenizer import owners
from training.model.student import JinaBertStudent, Shape

__all__ = ["TABLE", "Words"]

TABLE = "embeddings.word_embeddings.weight"
_SPECIAL = 5
_LIGHT = 1e-3
"""A word with this share of all new ones weighs half (SIF, see ``teacher.first_table``)."""
_EPSILON = 1e-12


class Words:
    """``table()`` is what the layers read; ``learnt`` the parameter, a row for each distinct new word."""

    def __init__(self, begin: Path, tokens: Sequence[str]) -> None:
        state = {name: tensor.float() for name, tensor in load_file(begin / "model.safetensors").items()}
        config = json.loads((begin / "config.json").read_text(encoding="utf-8"))
        self.student = JinaBertStudent(
            Shape(
                config["vocab_size"],
                config["hidden_size"],
                config["num_hidden_layers"],
                config["num_attention_heads"],
                config["intermediate_size"],
            )
        )
        self.student.load_state_dict(state, strict=False)
        self.student.requires_grad_(False)
        self.old: Tensor = state[TABLE]
        self.typical = float(self.old.norm(dim=1).median())
        """Length of a row."""
        distinct, owner = torch.unique(torch.tensor(owners(tokens)), return_inverse=True)
        self.owner: Tensor = owner
        """(tokens,) int64: the row of each token."""
        self.learnt = torch.nn.Parameter(torch.zeros(len(distinct), config["hidden_size"]))
        self._reader = Tokenizer.from_file(str(begin / "tokenizer.json"))
        self._kept = self._normed(self.old)

    def table(self) -> Tensor:
        """(vocabulary, width): every token after the first norm."""
        return torch.cat([self._kept, self._normed(self.learnt[self.owner])])

    def rows(self) -> Tensor:
        """(tokens, width): the new rows as a checkpoint has them."""
        return self.learnt.detach()[self.owner]

    def begin(self, examples: Examples) -> None:
        """Start from the English words that a new one is found with: means weighted by what they share.

        The weight is the squared positive mutual information times the logarithm of the count; frequent
        words begin light, and those that no translation has at random.
        """
        found, counts = self._together(examples)
        width = self.old.shape[1]
        meanings = self.old.clone()
        meanings[:, -1] = 0.0
        sums = torch.sparse.mm(found, functional.normalize(meanings))
        dice = torch.Generator().manual_seed(0)
        unseen = sums.norm(dim=1) < 1e-6
        sums[unseen] = torch.randn(int(unseen.sum()), width, generator=dice)
        weight = _LIGHT / (_LIGHT + counts / counts.sum())
        sums[:, -1] = 0.0
        rows = functional.normalize(sums) * weight[:, None]
        rows[:, -1] = (1.0 - weight**2).clamp(min=0.0).sqrt()
        self.learnt.data = rows * self.typical

    def _normed(self, rows: Tensor) -> Tensor:
        before = self.student.embeddings
        norm = before.LayerNorm
        shifted = rows + before.token_type_embeddings.weight[0]
        return functional.layer_norm(shifted, shifted.shape[1:], norm.weight, norm.bias, _EPSILON)

    def _new(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """The rows of ``learnt`` that a text has, repeated as they are."""
        old = len(self.old)
        rows: NDArray[np.int64] = self.owner.numpy()[ids[ids >= old] - old]
        return rows

    def _together(self, examples: Examples) -> tuple[Tensor, Tensor]:
        """Return (learnt, old vocabulary), sparse: weights; (learnt,): how often each stands anywhere."""
        counts = np.zeros(len(self.learnt))
        english: dict[int, NDArray[np.int64]] = {}
        pairs = []
        for at, ids in enumerate(examples.ids):
            new = self._new(ids)
            np.add.at(counts, new, 1)
            target = int(examples.target[at])
            if examples.is_translation[at] and len(new):
                if target not in english:
                    read = self._reader.encode(examples.targets[target]).ids
                    english[target] = np.unique([token for token in read if token >= _SPECIAL])
                distinct, other = np.unique(new), english[target]
                pairs.append(np.stack([np.repeat(distinct, len(other)), np.tile(other, len(distinct))]))
        size = (len(self.learnt), len(self.old))
        at_pairs = torch.from_numpy(np.concatenate(pairs, axis=1)).long()
        found = torch.sparse_coo_tensor(
            at_pairs, torch.ones(at_pairs.shape[1]), size, check_invariants=True
        ).coalesce()
        (row, column), count = found.indices(), found.values()
        of_row = torch.zeros(size[0]).index_add(0, row, count)
        of_column = torch.zeros(size[1]).index_add(0, column, count)
        shared = torch.log(count * count.sum() / (of_row[row] * of_column[column])).clamp(min=0.0)
        weights = torch.sparse_coo_tensor(
            found.indices(), shared**2 * torch.log1p(count), size, check_invariants=True
        )
        return weights, torch.from_numpy(counts).float()
