"""The language model of Qwen2.5-VL through transformers, with M-RoPE as it is: three positions a token."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from transformers.models.qwen2_5_vl.configuration_qwen2_5_vl import Qwen2_5_VLTextConfig
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLTextModel

_OTHERS = ("visual.", "lm_head.", "multi_vector_projector.")


def open_model(folder: Path, config: dict[str, Any]) -> Callable[[torch.Tensor], torch.Tensor]:
    """(L,) ids -> (L, W)."""
    known = Qwen2_5_VLTextConfig(**{key: value for key, value in config.items() if key != "model_type"})
    known._attn_implementation = "eager"
    model = Qwen2_5_VLTextModel(known).double().eval()
    stored = {name: t for path in folder.glob("*.safetensors") for name, t in load_file(path).items()}
    named = {name.removeprefix("model.").removeprefix("language_model."): t for name, t in stored.items()}
    model.load_state_dict({name: t for name, t in named.items() if not name.startswith(_OTHERS)})
    assert model.rotary_emb.mrope_section == config["rope_scaling"]["mrope_section"]
    return lambda ids: model(input_ids=ids[None], use_cache=False).last_hidden_state[0]
