"""BERT through transformers' own ``BertModel``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from transformers import BertModel
from transformers.utils import logging

logging.set_verbosity_error()
logging.disable_progress_bar()


def open_model(folder: Path) -> Callable[[torch.Tensor], torch.Tensor]:
    """(L,) ids -> (L, W)."""
    model = BertModel.from_pretrained(folder, add_pooling_layer=False, attn_implementation="eager")
    model = model.double().eval()
    return lambda ids: model(input_ids=ids[None]).last_hidden_state[0]
