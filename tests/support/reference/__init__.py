"""Independent PyTorch references: written from the published descriptions, sharing no code with the product.

``hidden_states(folder, ids)`` takes one text at a time, so padding and batching do not exist here,
and computes in double precision, so that a difference is the product's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from tests.support.reference import (
    bert,
    c2llm,
    codesage,
    encoders,
    gemma2,
    gte,
    jina_bert,
    library,
    qwen,
    qwen2_5_vl,
    static,
)

Forward = Callable[..., torch.Tensor]


def open_reference(folder: Path) -> Forward:
    """(L,) token ids -> (L, W) hidden states, float64."""
    config = json.loads((folder / "config.json").read_text())
    if config.get("position_embedding_type") == "alibi":
        return jina_bert.open_model(folder, config)
    if config["model_type"] in ("qwen2", "qwen3", "bidirectional_pplx_qwen3"):
        return qwen.open_model(folder, config)
    own = {
        "codesage": codesage,
        "c2llm": c2llm,
        "codexembed2b": gemma2,
        "qwen2_5_vl": qwen2_5_vl,
        "nomic_bert": encoders,
        "modernbert": encoders,
        "new": gte,
        "xlm-roberta": library,
        "eurobert": library,
        "llama_bidirec": library,
        "gemma3_text": library,
        "model2vec": static,
    }.get(config["model_type"])
    if own is not None:
        return own.open_model(folder, config)
    return bert.open_model(folder)


def embed(folder: Path, texts: Sequence[NDArray[np.int32]], pooling: str = "mean") -> NDArray[np.float32]:
    """Vectors of token sequences, (n, W), of unit length."""
    forward = open_reference(folder)
    if json.loads((folder / "config.json").read_text()).get("count_repeated_tokens"):
        return torch.stack([_counted(forward, ids) for ids in texts]).float().numpy()
    attend = c2llm.open_pooling(folder) if pooling == "pma" else None
    rows = []
    with torch.no_grad():
        for ids in texts:
            hidden = forward(torch.from_numpy(np.asarray(ids, np.int64)))
            row = (
                attend(hidden)
                if attend
                else {"mean": hidden.mean(0), "cls": hidden[0], "last": hidden[-1]}[pooling]
            )
            rows.append(row / row.norm())
    return torch.stack(rows).float().numpy()


def _counted(forward: Forward, ids: NDArray[np.int32]) -> torch.Tensor:
    """The vector of a text whose tokens are read once, each weighing the root of how often it stands."""
    distinct = list(dict.fromkeys(ids.tolist()))
    weights = torch.tensor([ids.tolist().count(each) ** 0.5 for each in distinct]).double()
    with torch.no_grad():
        hidden = forward(torch.tensor(distinct), None, weights)
    row = (hidden * weights[:, None]).sum(0)
    return row / row.norm()
