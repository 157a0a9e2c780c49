"""A shipped model -> the student that a further run begins with, its vocabulary another one.

Words that both know keep their vectors, layers are taken over. A word that the old model cuts to pieces
begins as their mean, an operator as the mean of what it is called, and what it cannot read at random;
frequent ones begin light, as in ``teacher.first_table``. ``of_words`` gives the part that learns the new
words cheaply.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor

from training.model.student import JinaBertStudent, Shape
from training.model.teacher import in_words

__all__ = ["grown", "known_to", "of_words"]

_SPECIAL = 5
_LIGHT = 1e-3
"""A word with this share of the corpus weighs half (SIF, see ``teacher.first_table``)."""
_TABLE = "embeddings.word_embeddings.weight"


def known_to(folder: Path, vocabulary: Sequence[str]) -> Tensor:
    """Return (vocabulary,) bool: which tokens the model in ``folder`` has a vector of."""
    known = Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab()
    return torch.tensor([token in known for token in vocabulary])


def of_words(student: JinaBertStudent, learnt: Tensor) -> JinaBertStudent:
    """Return the student without its layers; only the vectors of the ``learnt`` words (bool) are trained.

    Its output scale is that of the last norm, where an exported model keeps it.
    """
    words = JinaBertStudent(Shape(student.shape.vocabulary, student.shape.width, layers=0))
    words.load_state_dict(student.state_dict(), strict=False)
    words.output_scale.data = student.encoder.layer[-1].layer_norm_2.weight.detach().clone()
    for parameter in words.parameters():
        parameter.requires_grad_(False)
    table = words.embeddings.word_embeddings.weight.requires_grad_(True)
    table.register_hook(lambda gradient: gradient * learnt[:, None].to(gradient.device))
    return words


def grown(folder: Path, vocabulary: Sequence[str], counts: np.ndarray) -> JinaBertStudent:
    """The student of the model in ``folder`` with these tokens, by id; layers and sizes are the model's.

    ``counts``: (vocabulary,) int64, how often each stands in the corpus.
    """
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    state = {name: tensor.float() for name, tensor in load_file(folder / "model.safetensors").items()}
    reader = Tokenizer.from_file(str(folder / "tokenizer.json"))
    known = reader.get_vocab()
    dice = torch.Generator().manual_seed(0)
    typical = float(state[_TABLE].norm(dim=1).median())
    light = _LIGHT / (_LIGHT + counts / max(counts.sum(), 1))
    rows = []
    for token, weight in zip(vocabulary, light.tolist(), strict=True):
        if token in known:
            rows.append(state[_TABLE][known[token]])
        else:
            row = _begin(in_words(token), reader, state[_TABLE], dice)
            rows.append(_weighing(row, weight) * typical)
    state[_TABLE] = torch.stack(rows)
    student = JinaBertStudent(
        Shape(
            len(vocabulary),
            config["hidden_size"],
            config["num_hidden_layers"],
            config["num_attention_heads"],
            config["intermediate_size"],
        )
    )
    student.load_state_dict(state, strict=False)
    return student


def _begin(word: str, reader: Tokenizer, table: Tensor, dice: torch.Generator) -> Tensor:
    pieces = [n for n in reader.encode(word, add_special_tokens=False).ids if n >= _SPECIAL]
    if not pieces:
        return torch.randn(table.shape[1], generator=dice)
    return table[pieces].mean(0)


def _weighing(row: Tensor, weight: float) -> Tensor:
    """Return ``row`` at unit length, ``weight`` of it outside the last place, which the model erases."""
    out = row.clone()
    out[-1] = 0.0
    out *= weight / out.norm().clamp(min=1e-6)
    out[-1] = (1 - weight**2) ** 0.5
    return out
