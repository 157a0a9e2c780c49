"""A refined model -> a model folder: new layers, the prompt, its tokens behind the other words."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from training.export import tensors
from training.foreign.words import TABLE
from training.foreign.writing import OF_SHIPPED
from training.refine.prompted import LETTERS, Prompted

__all__ = ["write_folder"]


def write_folder(begin: Path, model: Prompted, out: Path) -> None:
    """Write ``begin``'s files into ``out``: words and tokens as they are, the prompt behind them."""
    shutil.copytree(begin, out, ignore=shutil.ignore_patterns(*OF_SHIPPED), dirs_exist_ok=True)
    state = tensors(model.student)
    words = load_file(begin / "model.safetensors")[TABLE][: model.student.shape.vocabulary]
    state[TABLE] = torch.cat([words, model.rows.detach().to(words.dtype)])
    save_file(state, out / "model.safetensors", metadata={"format": "pt"})
    tokenizer = json.loads((begin / "tokenizer.json").read_text(encoding="utf-8"))
    prompt = LETTERS[: len(model.rows)]
    place = {token: len(words) + n for n, token in enumerate(prompt)}
    tokenizer["model"]["vocab"] |= place
    (out / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False), encoding="utf-8")
    _change(out / "config.json", vocab_size=len(state[TABLE]))
    _change(
        out / "config_sentence_transformers.json", prompts={"query": "".join(f"{token} " for token in prompt)}
    )


def _change(path: Path, **changes: object) -> None:
    record = json.loads(path.read_text(encoding="utf-8")) | changes
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
