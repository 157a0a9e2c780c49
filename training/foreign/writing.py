"""A model folder and rows for new tokens -> the model folder with both."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor

from training.foreign.words import TABLE

__all__ = ["change_record", "write_folder", "write_over"]

_OF_SHIPPED = ("fingerprint.json", "golden.json", "MODEL_CARD.md")
"""What is computed of a shipped model, or says what it reaches."""


def write_folder(begin: Path, tokenizer: Tokenizer, rows: Tensor, out: Path) -> None:
    """Write ``begin``'s files into ``out``: every tensor to the bit, the table grown by ``rows``."""
    tensors = load_file(begin / "model.safetensors")
    tensors[TABLE] = torch.cat([tensors[TABLE], rows.to(tensors[TABLE].dtype)])
    write_over(begin, tensors, json.loads(tokenizer.to_str()), out)


def write_over(begin: Path, tensors: Mapping[str, Tensor], tokenizer: Mapping[str, Any], out: Path) -> None:
    """Write ``begin``'s files into ``out``, these tensors and this tokenizer.json in place of its own."""
    shutil.copytree(begin, out, ignore=shutil.ignore_patterns(*_OF_SHIPPED), dirs_exist_ok=True)
    save_file(dict(tensors), out / "model.safetensors", metadata={"format": "pt"})
    change_record(out / "config.json", vocab_size=len(tensors[TABLE]))
    (out / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False), encoding="utf-8")


def change_record(path: Path, **changes: object) -> None:
    """Change these keys of a JSON file."""
    record = json.loads(path.read_text(encoding="utf-8")) | changes
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
