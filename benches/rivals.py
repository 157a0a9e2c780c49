"""What a user would run otherwise: the same checkpoint in plain PyTorch, and that graph exported to ONNX.

Plain means: whole padded batches, default session and thread settings; quantised only where that is said.
Needs torch and transformers (references, never dependencies of the product).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F  # noqa: N812 - the usual name

Run = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float32]]
"""(ids, mask), both (B, L) -> (B, W) mean-pooled."""


class _Pooled(nn.Module):
    """Mean over the mask of a model's hidden states."""

    def __init__(self, hidden: nn.Module) -> None:
        super().__init__()
        self.hidden = hidden

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        weight = mask[..., None].float()
        return (self.hidden(ids, mask) * weight).sum(1) / weight.sum(1)


class _Bert(nn.Module):
    def __init__(self, folder: Path) -> None:
        super().__init__()
        from transformers import BertModel

        self.model = BertModel.from_pretrained(folder, add_pooling_layer=False, attn_implementation="eager")

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return self.model(input_ids=ids, attention_mask=mask).last_hidden_state


class _JinaCode(nn.Module):
    """The code variant, batched; slopes for a power of two or 12 heads."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        config = json.loads((folder / "config.json").read_text())
        self.width = config["hidden_size"]
        self.layers, self.heads = config["num_hidden_layers"], config["num_attention_heads"]
        tensors = {
            name.removeprefix("bert."): t.float()
            for name, t in load_file(folder / "model.safetensors").items()
        }
        for name, tensor in tensors.items():
            self.register_buffer(name.replace(".", "_"), tensor)
        near = 1 << (self.heads.bit_length() - 1)
        slopes = [2 ** (-8 * (i + 1) / near) for i in range(near)]
        slopes += [2 ** (-4 * (i + 1) / near) for i in range(0, 2 * near, 2)][: self.heads - near]
        self.register_buffer("slopes", torch.tensor(slopes))

    def _linear(self, name: str, x: torch.Tensor) -> torch.Tensor:
        name = name.replace(".", "_")
        return F.linear(x, getattr(self, f"{name}_weight"), getattr(self, f"{name}_bias", None))

    def _norm(self, name: str, x: torch.Tensor) -> torch.Tensor:
        name = name.replace(".", "_")
        return F.layer_norm(
            x, (self.width,), getattr(self, f"{name}_weight"), getattr(self, f"{name}_bias"), 1e-12
        )

    def _split(self, x: torch.Tensor) -> torch.Tensor:
        rows, length, width = x.shape
        return x.view(rows, length, self.heads, width // self.heads).transpose(1, 2)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        x = (
            F.embedding(ids, self.embeddings_word_embeddings_weight)
            + self.embeddings_token_type_embeddings_weight[0]
        )
        x = self._norm("embeddings.LayerNorm", x)
        at = torch.arange(ids.shape[1])
        bias = -self.slopes[:, None, None] * (at[:, None] - at[None, :]).abs()
        bias = bias + (1.0 - mask[:, None, None, :].float()) * -1e9
        for n in range(self.layers):
            p = f"encoder.layer.{n}."
            q = self._split(
                self._norm(p + "attention.self.layer_norm_q", self._linear(p + "attention.self.query", x))
            )
            k = self._split(
                self._norm(p + "attention.self.layer_norm_k", self._linear(p + "attention.self.key", x))
            )
            v = self._split(self._linear(p + "attention.self.value", x))
            context = F.scaled_dot_product_attention(q, k, v, bias).transpose(1, 2).reshape(x.shape)
            a = self._norm(
                p + "attention.output.LayerNorm", self._linear(p + "attention.output.dense", context) + x
            )
            r = self._norm(p + "layer_norm_1", a + x)
            up, gate = self._linear(p + "mlp.up_gated_layer", r).chunk(2, -1)
            x = self._norm(p + "layer_norm_2", r + self._linear(p + "mlp.down_layer", up * F.gelu(gate)))
        return x


def _module(folder: Path) -> nn.Module:
    config = json.loads((folder / "config.json").read_text())
    hidden = _JinaCode(folder) if config.get("position_embedding_type") == "alibi" else _Bert(folder)
    return _Pooled(hidden).eval()


def pytorch(folder: Path) -> Run:
    module = _module(folder)

    def run(ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        with torch.inference_mode():
            return module(torch.from_numpy(ids), torch.from_numpy(mask)).numpy()

    return run


def exported_onnx(folder: Path, scratch: Path, *, quantized: bool = False) -> Run:
    """``torch.onnx.export`` of the same module, in a default onnxruntime session.

    ``quantized``: through onnxruntime's ``quantize_dynamic`` in its default settings.
    """
    from mlx_jinabert.backends.ort import onnxruntime

    path = scratch / "plain.onnx"
    example = (torch.ones((2, 16), dtype=torch.int64), torch.ones((2, 16), dtype=torch.int64))
    dynamic = {0: "batch", 1: "length"}
    torch.onnx.export(
        _module(folder),
        example,
        str(path),
        input_names=["ids", "mask"],
        output_names=["vector"],
        dynamic_axes={"ids": dynamic, "mask": dynamic, "vector": {0: "batch"}},
        opset_version=17,
        dynamo=False,
    )
    if quantized:
        from onnxruntime.quantization import quantize_dynamic

        quantize_dynamic(str(path), str(path := scratch / "plain-int8.onnx"))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return lambda ids, mask: session.run(None, {"ids": ids, "mask": mask})[0]
