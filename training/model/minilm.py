"""The teacher in PyTorch, for a machine that has a GPU and little else: all-MiniLM-L6-v2 (Apache-2.0).

BERT after Devlin et al. (arXiv:1810.04805) with mean pooling. ``packed`` makes it a quarter as large, for the
way there: matrices in int8 with a scale a row.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from training.data.encoded import Ragged

__all__ = ["MiniLm", "packed"]

_HEADS, _LAYERS, _EPSILON = 12, 6, 1e-12
_TOKENS_AT_ONCE = 400_000
_SCALE = ".scale"


def packed(state: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    """Tensors by name -> arrays: matrices int8 with ``NAME.scale``, the rest float32."""
    out: dict[str, np.ndarray] = {}
    for name, tensor in state.items():
        if tensor.ndim == 2 and tensor.is_floating_point():
            scale = tensor.float().abs().amax(1, keepdim=True).clamp(min=1e-9) / 127
            out[name] = (tensor.float() / scale).round().to(torch.int8).numpy()
            out[name + _SCALE] = scale.numpy()
        elif tensor.is_floating_point():
            out[name] = tensor.float().numpy()
    return out


class MiniLm:
    """``MiniLm(arrays, device).vectors(rows) -> (rows, 384) float16`` of unit length; ``arrays``: packed."""

    def __init__(self, arrays: Mapping[str, np.ndarray], device: torch.device) -> None:
        self._device = device
        self._dtype = torch.float16 if device.type == "cuda" else torch.float32
        self._w: dict[str, Tensor] = {}
        for name, array in arrays.items():
            if not name.endswith(_SCALE):
                tensor = torch.from_numpy(array).float()
                if name + _SCALE in arrays:
                    tensor = tensor * torch.from_numpy(arrays[name + _SCALE])
                self._w[name] = tensor.to(device, self._dtype)

    def vectors(self, rows: Ragged) -> np.ndarray:
        """Of token ids of the teacher's own tokenizer, borders included."""
        lengths = rows.lengths()
        order = np.argsort(lengths, kind="stable")
        out = np.zeros((len(rows), 384), np.float16)
        at = 0
        with torch.no_grad():
            while at < len(order):
                most = int(lengths[order[min(at + 20_000, len(order) - 1)]])
                part = order[at : at + max(1, _TOKENS_AT_ONCE // most)]
                out[part] = self._embed(rows, part).cpu().numpy()
                at += len(part)
        return out

    def _embed(self, rows: Ragged, part: np.ndarray) -> Tensor:
        lengths = rows.lengths()[part]
        places = np.arange(lengths.max())
        mask = torch.from_numpy(places < lengths[:, None]).to(self._device)
        at = np.where(places < lengths[:, None], rows.starts[part][:, None] + places, 0)
        ids = torch.from_numpy(rows.ids[at].astype(np.int64)).to(self._device)
        x = self._w["embeddings.word_embeddings.weight"][ids]
        x = x + self._w["embeddings.position_embeddings.weight"][: ids.shape[1]]
        x = self._norm(x + self._w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        for n in range(_LAYERS):
            x = self._layer(x, mask, f"encoder.layer.{n}")
        weights = mask[:, :, None].to(x.dtype)
        return functional.normalize(((x * weights).sum(1) / weights.sum(1)).float(), dim=-1).half()

    def _layer(self, x: Tensor, mask: Tensor, name: str) -> Tensor:
        batch, length, width = x.shape
        q, k, v = (
            self._linear(x, f"{name}.attention.self.{part}")
            .view(batch, length, _HEADS, width // _HEADS)
            .transpose(1, 2)
            for part in ("query", "key", "value")
        )
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None, None, :])
        mixed = mixed.transpose(1, 2).reshape(batch, length, width)
        attended = self._linear(mixed, f"{name}.attention.output.dense") + x
        x = self._norm(attended, f"{name}.attention.output.LayerNorm")
        inner = functional.gelu(self._linear(x, f"{name}.intermediate.dense"))
        return self._norm(self._linear(inner, f"{name}.output.dense") + x, f"{name}.output.LayerNorm")

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return functional.linear(x, self._w[f"{name}.weight"], self._w[f"{name}.bias"])

    def _norm(self, x: Tensor, name: str) -> Tensor:
        shape = x.shape[-1:]
        return functional.layer_norm(x, shape, self._w[f"{name}.weight"], self._w[f"{name}.bias"], _EPSILON)
