"""GTE's encoder in plain PyTorch, as functions over the checkpoint's tensors.

Follows Alibaba-NLP/new-impl and, for the scaled rotation, text-embeddings-inference @0d124dc
(``layers/rotary.rs``). transformers has the architecture as "gte" but not its NTK scaling; on plain
rotation the two are compared in test_parity.py.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch.nn.functional import gelu, layer_norm, linear


class Tensors:
    """Tensors by name without the prefix that some saves have, in double precision."""

    def __init__(self, folder: Path, eps: float) -> None:
        self._eps = eps
        self._all: dict[str, torch.Tensor] = {}
        for path in folder.glob("*.safetensors"):
            self._all |= {name.removeprefix("new."): t.double() for name, t in load_file(path).items()}

    def get(self, name: str) -> torch.Tensor | None:
        return self._all.get(name)

    def linear(self, name: str, x: torch.Tensor) -> torch.Tensor:
        return linear(x, self._all[f"{name}.weight"], self.get(f"{name}.bias"))

    def norm(self, name: str, x: torch.Tensor) -> torch.Tensor:
        return layer_norm(x, x.shape[-1:], self._all[f"{name}.weight"], self._all[f"{name}.bias"], self._eps)


def open_model(folder: Path, config: dict[str, Any]) -> Callable[[torch.Tensor], torch.Tensor]:
    """(L,) ids -> (L, W)."""
    tensors = Tensors(folder, config["layer_norm_eps"])
    heads, size = config["num_attention_heads"], config["hidden_size"] // config["num_attention_heads"]
    words = tensors.get("embeddings.word_embeddings.weight")
    types = tensors.get("embeddings.token_type_embeddings.weight")
    assert words is not None
    assert (types is not None) == bool(config["type_vocab_size"])

    def forward(ids: torch.Tensor) -> torch.Tensor:
        x = tensors.norm("embeddings.LayerNorm", words[ids] + (0 if types is None else types[0]))
        turns = _turns(config, size, len(ids))
        for n in range(config["num_hidden_layers"]):
            layer = f"encoder.layer.{n}."
            x = tensors.norm(
                layer + "attn_ln", x + _attention(tensors, layer + "attention.", x, heads, turns)
            )
            up, gate = tensors.linear(layer + "mlp.up_gate_proj", x).chunk(2, dim=-1)
            x = tensors.norm(layer + "mlp_ln", x + tensors.linear(layer + "mlp.down_proj", up * gelu(gate)))
        return x

    return forward


def _turns(config: dict[str, Any], size: int, length: int) -> torch.Tensor:
    """(length, size / 2) complex numbers of length one: what pairs of components are multiplied with."""
    factor = (config["rope_scaling"] or {"factor": 1.0})["factor"]
    pairs = torch.arange(size // 2, dtype=torch.float64)
    periods = (config["rope_theta"] * factor) ** (2 * pairs / size) * factor ** (2 / size)
    angles = torch.arange(length, dtype=torch.float64)[:, None] / periods
    return torch.polar(torch.ones_like(angles), angles)


def _attention(
    tensors: Tensors, attention: str, x: torch.Tensor, heads: int, turns: torch.Tensor
) -> torch.Tensor:
    parts = tensors.linear(attention + "qkv_proj", x).chunk(3, dim=-1)
    q, k, v = (part.unflatten(-1, (heads, -1)).transpose(0, 1) for part in parts)
    scores = _rotated(q, turns) @ _rotated(k, turns).transpose(1, 2) / q.shape[-1] ** 0.5
    context = (torch.softmax(scores, dim=-1) @ v).transpose(0, 1).flatten(1)
    return tensors.linear(attention + "o_proj", context)


def _rotated(x: torch.Tensor, turns: torch.Tensor) -> torch.Tensor:
    first, second = x.chunk(2, dim=-1)
    turned = torch.complex(first, second) * turns
    return torch.cat((turned.real, turned.imag), dim=-1)
