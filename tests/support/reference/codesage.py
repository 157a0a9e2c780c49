"""CodeSage in plain PyTorch, as one function over the checkpoint's tensors.

Follows modeling_codesage.py of github.com/amazon-science/CodeSage @7bd27cf. transformers has no model of
that name, and its GPT-2 blocks are causal.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch.nn.functional import layer_norm, scaled_dot_product_attention


def open_model(folder: Path, config: dict[str, Any]) -> Callable[[torch.Tensor], torch.Tensor]:
    """(L,) ids -> (L, W)."""
    stored = {name: t for path in folder.glob("*.safetensors") for name, t in load_file(path).items()}
    tensors = {name.removeprefix("transformer."): tensor.double() for name, tensor in stored.items()}
    heads = config["num_attention_heads"]

    def norm(name: str, x: torch.Tensor) -> torch.Tensor:
        return layer_norm(x, x.shape[-1:], tensors[f"{name}.weight"], tensors[f"{name}.bias"], 1e-5)

    def dense(name: str, x: torch.Tensor) -> torch.Tensor:
        return x @ tensors[f"{name}.weight"] + tensors[f"{name}.bias"]

    def forward(ids: torch.Tensor) -> torch.Tensor:
        x = tensors["wte.weight"][ids] + tensors["wpe.weight"][: len(ids)]
        for n in range(config["num_hidden_layers"]):
            joint = dense(f"h.{n}.attn.c_attn", norm(f"h.{n}.ln_1", x))
            q, k, v = joint.view(len(ids), 3, heads, -1).permute(1, 2, 0, 3)
            mixed = scaled_dot_product_attention(q, k, v).transpose(0, 1).reshape(x.shape)
            x = x + dense(f"h.{n}.attn.c_proj", mixed)
            u = dense(f"h.{n}.mlp.c_fc", norm(f"h.{n}.ln_2", x))
            gelu = 0.5 * u * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (u + 0.044715 * u**3)))
            x = x + dense(f"h.{n}.mlp.c_proj", gelu)
        return norm("ln_f", x)

    return forward
