"""A trained student -> a model folder in the original layout, as the library and anybody else loads it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from training.model.student import JinaBertStudent, Shape

__all__ = ["write_folder"]

_LONGEST = 512
_MODULES = (("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize"))
_TOKENIZER = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "bos_token": "<s>",
    "cls_token": "<s>",
    "eos_token": "</s>",
    "sep_token": "</s>",
    "pad_token": "<pad>",
    "unk_token": "<unk>",
    "mask_token": "<mask>",
    "model_max_length": _LONGEST,
}


def write_folder(student: JinaBertStudent, tokenizer: Path, out: Path) -> None:
    """config.json, model.safetensors (float16), tokenizer and sentence-transformers' files into ``out``."""
    (out / "1_Pooling").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(tokenizer, out / "tokenizer.json")
    save_file(tensors(student), out / "model.safetensors", metadata={"format": "pt"})
    for path, content in _records(student).items():
        (out / path).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def tensors(student: JinaBertStudent) -> dict[str, Tensor]:
    """Name -> float16 tensor. The output scale goes into the last layer's norm, the unused token type is cut
    off from training but stored, as the layout has it."""
    state = {n: t.detach().clone().float() for n, t in student.state_dict().items()}
    scale = state.pop("output_scale")
    last = f"encoder.layer.{student.shape.layers - 1}.layer_norm_2"
    for part in ("weight", "bias"):
        state[f"{last}.{part}"] *= scale
    return {n: t.to(torch.float16).contiguous() for n, t in state.items()}


def _records(student: JinaBertStudent) -> dict[str, object]:
    """Path in the folder -> content."""
    return {
        "config.json": _config(student.shape),
        "1_Pooling/config.json": _pooling(student.shape),
        "modules.json": [
            {"idx": n, "name": str(n), "path": path, "type": f"sentence_transformers.models.{kind}"}
            for n, (path, kind) in enumerate(_MODULES)
        ],
        "sentence_bert_config.json": {"max_seq_length": _LONGEST, "do_lower_case": False},
        "tokenizer_config.json": _TOKENIZER,
        "config_sentence_transformers.json": {
            "prompts": {},
            "default_prompt_name": None,
            "similarity_fn_name": "cosine",
        },
    }


def _config(shape: Shape) -> dict[str, object]:
    return {
        "_name_or_path": "jinaai/jina-bert-v2-qk-post-norm",
        "architectures": ["JinaBertModel"],
        "model_type": "bert",
        "vocab_size": shape.vocabulary,
        "hidden_size": shape.width,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "intermediate_size": shape.feed_forward,
        "hidden_act": "gelu",
        "feed_forward_type": "geglu",
        "layer_norm_eps": 1e-12,
        "position_embedding_type": "alibi",
        "max_position_embeddings": 8192,
        "model_max_length": _LONGEST,
        "type_vocab_size": 2,
        "emb_pooler": "mean",
        "pad_token_id": 1,
        "bos_token_id": 0,
        "eos_token_id": 2,
        "attention_probs_dropout_prob": 0.0,
        "hidden_dropout_prob": 0.0,
        "torch_dtype": "float16",
    }


def _pooling(shape: Shape) -> dict[str, object]:
    return {
        "word_embedding_dimension": shape.width,
        "pooling_mode_cls_token": False,
        "pooling_mode_mean_tokens": True,
        "pooling_mode_max_tokens": False,
        "pooling_mode_mean_sqrt_len_tokens": False,
        "pooling_mode_lasttoken": False,
        "include_prompt": True,
    }
