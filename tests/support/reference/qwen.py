"""Qwen2 and Qwen3 through transformers' own models, causal or not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from transformers import Qwen2Model, Qwen3Model

_MODELS = {"qwen2": Qwen2Model, "qwen3": Qwen3Model, "bidirectional_pplx_qwen3": Qwen3Model}


def open_model(folder: Path, config: dict[str, Any]) -> Callable[[torch.Tensor], torch.Tensor]:
    """(L,) ids -> (L, W). The mask is made here: what the reference makes of ``is_causal`` is no matter."""
    kind = _MODELS[config["model_type"]]
    model = kind.from_pretrained(folder, attn_implementation="eager").double().eval()

    linear = None
    if config.get("num_labels"):  # voyage-4-nano: behind the final norm, without a bias
        tensors = load_file(folder / "model.safetensors")
        linear = next(tensors[name] for name in tensors if name.endswith("linear.weight")).double()

    def forward(ids: torch.Tensor) -> torch.Tensor:
        mask = torch.zeros(1, 1, len(ids), len(ids), dtype=torch.float64)
        if config.get("is_causal", True) and not config.get("use_bidirectional_attention"):
            later = torch.ones(len(ids), len(ids), dtype=torch.bool).triu(1)
            mask = mask.masked_fill(later, torch.finfo(torch.float64).min)
        hidden = model(input_ids=ids[None], attention_mask=mask, use_cache=False).last_hidden_state[0]
        return hidden if linear is None else hidden @ linear.T

    return forward
