"""A refined model -> a model folder: new layers, the prompt's tokens behind the others, and its name.

Each token of the prompt is one character of a private plane of Unicode, which no text has that is asked or
read.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import AddedToken, Tokenizer

from training.export import tensors
from training.foreign.words import TABLE
from training.foreign.writing import OF_SHIPPED
from training.refine.prompted import Prompted

__all__ = ["write_folder"]

_FIRST = 0x10_FF00


def write_folder(begin: Path, model: Prompted, out: Path) -> None:
    """Write ``begin``'s files into ``out``: words and tokens as they are, the prompt behind them."""
    shutil.copytree(begin, out, ignore=shutil.ignore_patterns(*OF_SHIPPED), dirs_exist_ok=True)
    state = tensors(model.student)
    words = load_file(begin / "model.safetensors")[TABLE][: model.student.shape.vocabulary]
    state[TABLE] = torch.cat([words, model.rows.detach().to(words.dtype)])
    save_file(state, out / "model.safetensors", metadata={"format": "pt"})
    prompt = "".join(chr(_FIRST + n) for n in range(len(model.rows)))
    tokenizer = Tokenizer.from_file(str(begin / "tokenizer.json"))
    tokenizer.add_tokens([AddedToken(token, normalized=False) for token in prompt])
    (out / "tokenizer.json").write_text(
        json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False), encoding="utf-8"
    )
    _change(out / "config.json", vocab_size=len(state[TABLE]))
    _change(out / "config_sentence_transformers.json", prompts={"query": prompt})


def _change(path: Path, **changes: object) -> None:
    record = json.loads(path.read_text(encoding="utf-8")) | changes
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
