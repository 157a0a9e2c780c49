"""Qwen2 and Qwen3 through transformers' own models, causal or not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import Qwen2Model, Qwen3Model

_MODELS = {"qwen2": Qwen2Model, "qwen3": Qwen3Model}


def open_model(folder: Path, config: dict[str, Any]) -> Callable[[torch.Tensor], torch.Tensor]:
    """(L,) ids -> (L, W). The mask is made here: what the reference makes of ``is_causal`` is no matter."""
    kind = _MODELS[config["model_type"]]
    model = kind.from_pretrained(folder, attn_implementation="eager").double().eval()

    def forward(ids: torch.Tensor) -> torch.Tensor:
        mask = torch.zeros(1, 1, len(ids), len(ids), dtype=torch.float64)
        if config.get("is_causal", True):
            later = torch.ones(len(ids), len(ids), dtype=torch.bool).triu(1)
            mask = mask.masked_fill(later, torch.finfo(torch.float64).min)
        return model(input_ids=ids[None], attention_mask=mask, use_cache=False).last_hidden_state[0]

    return forward
