"""A refined model -> a model folder: new layers, the prompt, its tokens behind the other words."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import load_file

from training.export import tensors
from training.foreign.words import TABLE
from training.foreign.writing import change_record, write_over
from training.refine.prompted import LETTERS, Prompted

__all__ = ["write_folder"]


def write_folder(begin: Path, model: Prompted, out: Path) -> None:
    """Write ``begin``'s files into ``out``: words and tokens as they are, the prompt behind them."""
    state = tensors(model.student)
    words = load_file(begin / "model.safetensors")[TABLE][: model.student.shape.vocabulary]
    state[TABLE] = torch.cat([words, model.rows.detach().to(words.dtype)])
    tokenizer = json.loads((begin / "tokenizer.json").read_text(encoding="utf-8"))
    prompt = LETTERS[: len(model.rows)]
    tokenizer["model"]["vocab"] |= {token: len(words) + n for n, token in enumerate(prompt)}
    write_over(begin, state, tokenizer, out)
    prompts = {"query": "".join(f"{token} " for token in prompt)}
    change_record(out / "config_sentence_transformers.json", prompts=prompts)
