"""Models that transformers has and computes as their checkpoints were trained, masks included."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import EuroBertModel, Gemma3TextModel, LlamaConfig, LlamaModel, XLMRobertaModel
from transformers.utils import logging

logging.set_verbosity_error()
logging.disable_progress_bar()

_KINDS = {
    "xlm-roberta": XLMRobertaModel,
    "eurobert": EuroBertModel,
    "gemma3_text": Gemma3TextModel,
    "llama_bidirec": LlamaModel,
}


def open_model(folder: Path, config: dict[str, Any]) -> Callable[[torch.Tensor], torch.Tensor]:
    """(L,) ids -> (L, W). A tensor that transformers does not find is an error."""
    kind = config["model_type"]
    options: dict[str, Any] = {"add_pooling_layer": False} if kind == "xlm-roberta" else {}
    both_ways = kind == "llama_bidirec"
    if both_ways:  # transformers has the causal model alone: the same layers under a mask of zeros
        options["config"] = LlamaConfig(**{key: config[key] for key in config if key != "model_type"})
    model, report = _KINDS[kind].from_pretrained(
        folder, attn_implementation="eager", dtype=torch.float64, output_loading_info=True, **options
    )
    assert not report["missing_keys"], report
    model = model.eval()

    def forward(ids: torch.Tensor) -> torch.Tensor:
        mask = torch.ones(1, len(ids), dtype=torch.int64)
        if both_ways:
            mask = torch.zeros(1, 1, len(ids), len(ids), dtype=torch.float64)
        return model(input_ids=ids[None], attention_mask=mask).last_hidden_state[0]

    return forward
