"""A model folder and rows for new tokens -> the model folder with both."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor

from training.foreign.words import TABLE

__all__ = ["OF_SHIPPED", "write_folder"]

OF_SHIPPED = ("fingerprint.json", "golden.json", "MODEL_CARD.md")
"""What is computed of a shipped model, or says what it reaches."""


def write_folder(begin: Path, tokenizer: Tokenizer, rows: Tensor, out: Path) -> None:
    """Write ``begin``'s files into ``out``: every tensor to the bit, the table grown by ``rows``."""
    shutil.copytree(begin, out, ignore=shutil.ignore_patterns(*OF_SHIPPED), dirs_exist_ok=True)
    tensors = load_file(begin / "model.safetensors")
    tensors[TABLE] = torch.cat([tensors[TABLE], rows.to(tensors[TABLE].dtype)])
    save_file(tensors, out / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((begin / "config.json").read_text(encoding="utf-8"))
    config["vocab_size"] = len(tensors[TABLE])
    (out / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    described = json.loads(tokenizer.to_str())
    (out / "tokenizer.json").write_text(json.dumps(described, ensure_ascii=False), encoding="utf-8")
