"""A shipped model -> the student that a further run begins with, its vocabulary another one.

Words that both know keep their vectors, layers are taken over. A word that the old model cuts to pieces
begins as their mean, an operator as the mean of what it is called, and what it cannot read at random.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor

from training.student import JinaBertStudent, Shape
from training.teacher import in_words

__all__ = ["grown"]

_UNKNOWN, _SPECIAL = 3, 5
_TABLE = "embeddings.word_embeddings.weight"


def grown(folder: Path, vocabulary: Sequence[str]) -> JinaBertStudent:
    """The student of the model in ``folder`` with these tokens, by id; layers and sizes are the model's."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    state = {name: tensor.float() for name, tensor in load_file(folder / "model.safetensors").items()}
    reader = Tokenizer.from_file(str(folder / "tokenizer.json"))
    known = reader.get_vocab()
    dice = torch.Generator().manual_seed(0)
    typical = float(state[_TABLE].norm(dim=1).median())
    rows = []
    for token in vocabulary:
        if token in known:
            rows.append(state[_TABLE][known[token]])
        else:
            rows.append(_begin(in_words(token), reader, state[_TABLE], typical, dice))
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


def _begin(word: str, reader: Tokenizer, table: Tensor, typical: float, dice: torch.Generator) -> Tensor:
    pieces = [n for n in reader.encode(word, add_special_tokens=False).ids if n >= _SPECIAL]
    if not pieces:
        row = torch.randn(table.shape[1], generator=dice)
    else:
        row = table[pieces].mean(0)
    return row / row.norm().clamp(min=1e-6) * typical
