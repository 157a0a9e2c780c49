"""C2LLM: transformers' Qwen2, and its pooling by PyTorch's own attention (Lee et al., arXiv:1810.00825)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch.nn import functional
from transformers import Qwen2Config, Qwen2Model

Forward = Callable[[torch.Tensor], torch.Tensor]


def open_model(folder: Path, config: dict[str, Any]) -> Forward:
    """(L,) ids -> (L, W) hidden states of the causal model."""
    kept = {
        key: value
        for key, value in config.items()
        if key not in ("model_type", "auto_map", "architectures", "attn_implementation")
    }
    model = Qwen2Model(Qwen2Config(**kept, attn_implementation="eager")).double().eval()
    start = "plm_model.model."
    model.load_state_dict(
        {
            name.removeprefix(start): value.double()
            for name, value in _tensors(folder).items()
            if name.startswith(start)
        }
    )

    def forward(ids: torch.Tensor) -> torch.Tensor:
        return model(input_ids=ids[None], use_cache=False).last_hidden_state[0]

    return forward


def open_pooling(folder: Path) -> Forward:
    """(L, W) hidden states -> (V,)."""
    config = json.loads((folder / "config.json").read_text())
    heads = config["pma_num_heads"]
    tensors = {
        name.removeprefix("mha_pma."): value.double()
        for name, value in _tensors(folder).items()
        if name.startswith("mha_pma.")
    }

    def linear(name: str, x: torch.Tensor) -> torch.Tensor:
        return functional.linear(x, tensors[f"mab.{name}.weight"], tensors[f"mab.{name}.bias"])

    def norm(name: str, x: torch.Tensor) -> torch.Tensor:
        return functional.layer_norm(
            x, x.shape[-1:], tensors[f"mab.{name}.weight"], tensors[f"mab.{name}.bias"]
        )

    def forward(hidden: torch.Tensor) -> torch.Tensor:
        seed = tensors["S"][0]
        parts = (linear("fc_q", seed), linear("fc_k", hidden), linear("fc_v", hidden))
        q, k, v = (part.view(len(part), heads, -1).transpose(0, 1) for part in parts)
        mixed = functional.scaled_dot_product_attention(q, k, v, scale=seed.shape[-1] ** -0.5)
        x = norm("ln0", seed + mixed.transpose(0, 1).reshape(1, -1))
        return norm("ln1", x + linear("fc_o", x).relu())[0]

    return forward


def _tensors(folder: Path) -> dict[str, torch.Tensor]:
    return {name: value for path in folder.glob("*.safetensors") for name, value in load_file(path).items()}
