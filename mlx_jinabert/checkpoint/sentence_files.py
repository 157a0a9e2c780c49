"""Read the sentence-transformers files of a model folder: modules, prompts, length limit.

Formats: https://github.com/huggingface/sentence-transformers, ``models/`` (modules.json lists the chain
Transformer, Pooling, optional Normalize; prompts are prepended as they are). Whatever would change the
vectors and is not implemented is refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlx_jinabert.checkpoint.reading import parse_json, read_file
from mlx_jinabert.errors import ModelFolderError, UnsupportedConfig
from mlx_jinabert.quick_dataclass import dataclass

__all__ = [
    "ROUNDING_MODULE",
    "EndToken",
    "Modules",
    "Prompts",
    "read_end_token",
    "read_json",
    "read_max_length",
    "read_modules",
    "read_prompts",
    "rounds_by_key",
]

ROUNDING_MODULE = "st_quantize.FlexibleQuantizer"
"""That of pplx-embed-v1, of its own code."""
_LENGTH_KEYS = ("model_max_length", "max_position_embeddings", "n_positions")
_MOST_BYTES = 64 << 20
"""The largest file of this kind is the list of tensors of a checkpoint in many shards: some megabytes."""
_STATIC_LENGTH = 512
"""Tokens that model2vec takes of a text unless a model says otherwise."""
_NO_LIMIT = 1_000_000
"""tokenizer_config.json writes 1e30 for "no limit known"."""


@dataclass(frozen=True, slots=True)
class Modules:
    """The chain of modules.json: sub-folders of the transformer, the pooling and dense layers, a final L2."""

    transformer: str = ""
    pooling: str | None = "1_Pooling"
    """None for a model that gives a vector per token."""
    dense: tuple[str, ...] = ()
    """Sub-folders of dense layers and of layer norms among them, in order."""
    norms: frozenset[str] = frozenset()
    """Those of ``dense`` that hold layer norms."""
    normalize: bool = False
    rounds: bool = False
    """Whether pplx-embed's last module rounds the vectors, see ``vectors/rounding.py``."""


@dataclass(frozen=True, slots=True)
class Prompts:
    """Prompts by name, and the name of the one that ``encode`` uses by default."""

    prompts: Mapping[str, str]
    default: str | None


@dataclass(frozen=True, slots=True)
class EndToken:
    """The special token that closes every text of a model which pools the last one."""

    text: str
    stated: bool
    """Stated by config.json, the catalogue or the caller: then tokenizer.json must not close with another."""


def read_json(path: Path) -> dict[str, Any] | None:
    """Read the object in a JSON file; None if the file does not exist."""
    found = _read(path)
    if found is not None and not isinstance(found, dict):
        raise ModelFolderError(path, f"holds a JSON {type(found).__name__}, expected an object")
    return found


def read_modules(path: Path) -> Modules:
    """Read modules.json; the usual chain if the file does not exist."""
    listed = _read(path / "modules.json")
    if listed is None:
        return Modules()
    if not isinstance(listed, list) or not all(isinstance(module, dict) for module in listed):
        raise ModelFolderError(path / "modules.json", "expected a list of modules")
    types = [str(module.get("type", "")) for module in listed]
    kinds = [kind if kind == ROUNDING_MODULE else kind.rpartition(".")[2] for kind in types]
    folders = [str(module.get("path", "")) for module in listed]
    for folder in folders:
        if Path(folder).is_absolute() or ".." in Path(folder).parts:
            raise ModelFolderError(path / "modules.json", f"module path {folder!r} leads out of the folder")
    return _chain(kinds, folders)


def _chain(kinds: list[str], folders: list[str]) -> Modules:
    """Transformer (or StaticEmbedding), Pooling, Dense and LayerNorm, Normalize; only the first is needed.

    A transformer alone is one of the checkpoint's own code, which pools by itself; dense layers without
    pooling give a vector per token. pplx-embed's module stands where Normalize may.
    """
    if kinds == ["C2LLMTransformer"]:
        return Modules(folders[0])
    left = list(kinds)
    normalize = left[-1:] == ["Normalize"] and bool(left.pop())
    rounds = (
        not normalize and left[1:2] == ["Pooling"] and left[-1:] == [ROUNDING_MODULE] and bool(left.pop())
    )
    if left[:1] in (["Transformer"], ["StaticEmbedding"]):
        pooled = left[1:2] == ["Pooling"]
        dense = left[2 if pooled else 1 :]
        if set(dense) <= ({"Dense", "LayerNorm"} if pooled else {"Dense"}) and (
            pooled or not normalize or left[0] == "StaticEmbedding"
        ):
            pooling = folders[1] if pooled else None if dense else "1_Pooling"
            start = 2 if pooled else 1
            chain = tuple(folders[start : start + len(dense)])
            norms = frozenset(f for f, kind in zip(chain, dense, strict=True) if kind == "LayerNorm")
            return Modules(folders[0], pooling, chain, norms, normalize, rounds)
    last = f"an optional Normalize (or {ROUNDING_MODULE})"
    supported = f"Transformer, Pooling, any number of Dense and LayerNorm, and {last}, in this order"
    raise UnsupportedConfig("modules.json", kinds, supported)


def rounds_by_key(config: Mapping[str, Any]) -> bool:
    """Whether ``vector_rounding`` of config.json, our own key, says what pplx-embed's module does."""
    found = config.get("vector_rounding")
    if found not in (None, "tanh-int8"):
        raise UnsupportedConfig("vector_rounding", found, ("tanh-int8",))
    return found is not None


def read_prompts(path: Path) -> Prompts:
    """``prompts`` and ``default_prompt_name`` of config_sentence_transformers.json."""
    file = path / "config_sentence_transformers.json"
    found = read_json(file) or {}
    prompts = found.get("prompts") or {}
    if not isinstance(prompts, dict) or not all(isinstance(text, str) for text in prompts.values()):
        raise ModelFolderError(file, f"prompts are {prompts!r}, expected names and texts")
    default = found.get("default_prompt_name")
    if default is not None and not (isinstance(default, str) and default in prompts):
        raise UnsupportedConfig(
            "default_prompt_name", default, sorted(prompts) or "null, as there are no prompts"
        )
    return Prompts(dict(prompts), default)


def read_max_length(path: Path, config: Mapping[str, Any]) -> int:
    """The limit in tokens: sentence_bert_config.json, else config.json, else tokenizer_config.json."""
    sentence = read_json(path / "sentence_bert_config.json") or {}
    if sentence.get("do_lower_case"):
        raise UnsupportedConfig("do_lower_case", True, (False,))
    candidates = [sentence.get("max_seq_length")]
    candidates += [config.get(key) for key in _LENGTH_KEYS]
    candidates += [(read_json(path / "tokenizer_config.json") or {}).get("model_max_length")]
    if config.get("model_type") == "model2vec":
        candidates = [sentence.get("max_seq_length"), config.get("max_length", _STATIC_LENGTH)]
    for length in candidates:
        if isinstance(length, int | float) and not isinstance(length, bool) and 0 < length < _NO_LIMIT:
            return int(length)
    raise ModelFolderError(
        path,
        "no length limit: sentence_bert_config.json (max_seq_length), config.json "
        f"({', '.join(_LENGTH_KEYS)}) and tokenizer_config.json (model_max_length) name none",
    )


def read_end_token(path: Path, config: Mapping[str, Any]) -> EndToken | None:
    """The token to append where tokenizer.json closes texts with none; None for "as tokenizer.json does".

    ``append_token`` of the configuration is our own key: a token, true for the tokenizer's own
    ``eos_token``, or false. Without it ``add_eos_token`` of tokenizer_config.json counts, which fast
    tokenizers ignore unless they are rebuilt (the gte-Qwen2 lineage relies on that).
    """
    tokenizer = read_json(path / "tokenizer_config.json") or {}
    wanted = config.get("append_token", tokenizer.get("add_eos_token") is True)
    if isinstance(wanted, str) and wanted:
        return EndToken(wanted, stated=True)
    if wanted is None or wanted is False:
        return None
    if wanted is not True:
        raise UnsupportedConfig("append_token", wanted, "a token of tokenizer.json, true or false")
    eos = tokenizer.get("eos_token")
    text = eos.get("content") if isinstance(eos, dict) else eos
    if not isinstance(text, str):
        raise ModelFolderError(
            path, f"texts are to end with the eos_token, but tokenizer_config.json has {eos!r} for it"
        )
    return EndToken(text, stated=False)


def _read(path: Path) -> Any:
    content = read_file(path, _MOST_BYTES)
    return None if content is None else parse_json(path, content)
