"""Gemma-2 through transformers' own model, which knows nothing of the name that SFR gives its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import Gemma2Config, Gemma2Model


def open_model(folder: Path, config: dict[str, Any]) -> Callable[[torch.Tensor], torch.Tensor]:
    """(L,) ids -> (L, W). Without ``is_causal`` the masks are the reference's own, by kind of layer."""
    known = Gemma2Config(**{key: value for key, value in config.items() if key != "model_type"})
    model = Gemma2Model.from_pretrained(folder, config=known, attn_implementation="eager").double().eval()

    def forward(ids: torch.Tensor) -> torch.Tensor:
        mask = None
        if config.get("is_causal") is False:
            places = torch.arange(len(ids))
            far = (places[:, None] - places).abs() >= config["sliding_window"]
            hidden = torch.zeros(1, 1, len(ids), len(ids), dtype=torch.float64)
            least = torch.finfo(torch.float64).min
            mask = {"full_attention": hidden, "sliding_attention": hidden.masked_fill(far, least)}
        return model(input_ids=ids[None], attention_mask=mask, use_cache=False).last_hidden_state[0]

    return forward
