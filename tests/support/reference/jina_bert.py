"""JinaBERT in plain PyTorch, code and en variants, as functions over the checkpoint's tensors.

Follows the published description and the reference code: jinaai/jina-bert-v2-qk-post-norm @3baf9e3
(code), jinaai/jina-bert-implementation (en). Slopes are written out for the head counts in use.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch.nn.functional import embedding, gelu, layer_norm, linear

SLOPES = {
    4: [2**-2, 2**-4, 2**-6, 2**-8],
    8: [2**-1, 2**-2, 2**-3, 2**-4, 2**-5, 2**-6, 2**-7, 2**-8],
    12: [2**-1, 2**-2, 2**-3, 2**-4, 2**-5, 2**-6, 2**-7, 2**-8, 2**-0.5, 2**-1.5, 2**-2.5, 2**-3.5],
}


class Tensors:
    """Tensors by name without the prefix that some saves have, in double precision."""

    def __init__(self, folder: Path) -> None:
        self._all: dict[str, torch.Tensor] = {}
        for path in folder.glob("*.safetensors"):
            self._all |= {name.removeprefix("bert."): t.double() for name, t in load_file(path).items()}

    def __contains__(self, name: str) -> bool:
        return f"{name}.weight" in self._all

    def weight(self, name: str) -> torch.Tensor:
        return self._all[f"{name}.weight"]

    def linear(self, name: str, x: torch.Tensor) -> torch.Tensor:
        return linear(x, self.weight(name), self._all.get(f"{name}.bias"))

    def norm(self, name: str, x: torch.Tensor) -> torch.Tensor:
        return layer_norm(x, x.shape[-1:], self.weight(name), self._all[f"{name}.bias"], 1e-12)


def open_model(folder: Path, config: dict[str, Any]) -> Callable[..., torch.Tensor]:
    """(L,) ids, optional (L,) token types, (L,) weights of the keys in every softmax (1) -> (L, W)."""
    tensors = Tensors(folder)
    layers, heads = config["num_hidden_layers"], config["num_attention_heads"]

    def forward(
        ids: torch.Tensor, types: torch.Tensor | None = None, weights: torch.Tensor | None = None
    ) -> torch.Tensor:
        words = embedding(ids, tensors.weight("embeddings.word_embeddings"))
        types = torch.zeros_like(ids) if types is None else types
        weights = torch.ones(len(ids)).double() if weights is None else weights
        sides = embedding(types, tensors.weight("embeddings.token_type_embeddings"))
        x = tensors.norm("embeddings.LayerNorm", words + sides)
        for n in range(layers):
            prefix = f"encoder.layer.{n}."
            block = _code_block if f"{prefix}mlp.up_gated_layer" in tensors else _en_block
            x = block(tensors, prefix, x, heads, weights)
        return x

    return forward


def open_classifier(folder: Path, config: dict[str, Any]) -> Callable[..., torch.Tensor]:
    """(L,) ids and token types -> (labels,) logits, as transformers' BertForSequenceClassification."""
    tensors, encoder = Tensors(folder), open_model(folder, config)

    def forward(ids: torch.Tensor, types: torch.Tensor) -> torch.Tensor:
        pooled = torch.tanh(tensors.linear("pooler.dense", encoder(ids, types)[0]))
        return tensors.linear("classifier", pooled)

    return forward


def _code_block(
    tensors: Tensors, layer: str, x: torch.Tensor, heads: int, weights: torch.Tensor
) -> torch.Tensor:
    q = tensors.norm(layer + "attention.self.layer_norm_q", tensors.linear(layer + "attention.self.query", x))
    k = tensors.norm(layer + "attention.self.layer_norm_k", tensors.linear(layer + "attention.self.key", x))
    v = tensors.linear(layer + "attention.self.value", x)
    projected = tensors.linear(layer + "attention.output.dense", _attention(q, k, v, heads, weights))
    attended = tensors.norm(layer + "attention.output.LayerNorm", projected + x)
    residual = tensors.norm(layer + "layer_norm_1", attended + x)
    wide = tensors.linear(layer + "mlp.up_gated_layer", residual)
    middle = wide.shape[-1] // 2
    gated = wide[:, :middle] * gelu(wide[:, middle:], approximate="none")
    return tensors.norm(layer + "layer_norm_2", residual + tensors.linear(layer + "mlp.down_layer", gated))


def _en_block(
    tensors: Tensors, layer: str, x: torch.Tensor, heads: int, weights: torch.Tensor
) -> torch.Tensor:
    q, k, v = (tensors.linear(f"{layer}attention.self.{part}", x) for part in ("query", "key", "value"))
    projected = tensors.linear(layer + "attention.output.dense", _attention(q, k, v, heads, weights))
    attended = tensors.norm(layer + "attention.output.LayerNorm", projected + x)
    wide = tensors.linear(layer + "mlp.gated_layers", attended)
    middle = wide.shape[-1] // 2
    gated = gelu(wide[:, :middle], approximate="none") * wide[:, middle:]
    return tensors.norm(layer + "mlp.layernorm", attended + tensors.linear(layer + "mlp.wo", gated))


def _attention(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, heads: int, weights: torch.Tensor
) -> torch.Tensor:
    length, width = q.shape
    size = width // heads
    distance = (torch.arange(length)[:, None] - torch.arange(length)[None, :]).abs().double()
    contexts = []
    for head in range(heads):
        part = slice(head * size, (head + 1) * size)
        scores = q[:, part] @ k[:, part].T / size**0.5 - SLOPES[heads][head] * distance
        shares = torch.exp(scores - scores.max(dim=-1, keepdim=True).values) * weights
        contexts.append(shares / shares.sum(dim=-1, keepdim=True) @ v[:, part])
    return torch.cat(contexts, dim=-1)
