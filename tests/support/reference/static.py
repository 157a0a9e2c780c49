"""Static embeddings: rows of the stored table. ``test_static`` holds texts against model2vec itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file


def open_model(folder: Path, config: dict[str, Any]) -> Callable[[torch.Tensor], torch.Tensor]:
    """(L,) ids -> (L, W)."""
    table = load_file(folder / "model.safetensors")["embeddings"].double()
    return lambda ids: table[ids]
