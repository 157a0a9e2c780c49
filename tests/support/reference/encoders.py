"""NomicBERT and ModernBERT through transformers' own models, attention written out in float64."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import ModernBertModel, NomicBertModel
from transformers.utils import logging

logging.set_verbosity_error()
logging.disable_progress_bar()

MODELS = {"nomic_bert": NomicBertModel, "modernbert": ModernBertModel}


def open_model(folder: Path, config: dict[str, Any]) -> Callable[[torch.Tensor], torch.Tensor]:
    """(L,) ids -> (L, W). A tensor that transformers does not find, or does not know, is an error."""
    model, report = MODELS[config["model_type"]].from_pretrained(
        folder, attn_implementation="eager", dtype=torch.float64, output_loading_info=True
    )
    assert not report["missing_keys"], report
    model = model.eval()
    return lambda ids: model(input_ids=ids[None], attention_mask=torch.ones(1, len(ids))).last_hidden_state[0]
