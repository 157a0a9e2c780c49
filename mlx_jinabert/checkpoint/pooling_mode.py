"""Read how a checkpoint's token vectors become one: what its files state, else what its family computes.

Nothing is guessed in silence. Of a folder that states nothing the catalogue's row counts (``original.py``).
Where there is none, it is a decoder's last token and any other's mean, as sentence-transformers takes a plain
checkpoint, with a warning (``tell_pooling``): mean and first token are both common.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlx_jinabert.catalog import Pooling
from mlx_jinabert.checkpoint.sentence_files import Modules, read_json
from mlx_jinabert.errors import UnsupportedConfig

__all__ = [
    "MODES",
    "OWN_LAYERS",
    "POOLING_KEYS",
    "check_own_layers",
    "configured_pooling",
    "family_pooling",
    "stated_pooling",
    "tell_pooling",
]

_log = logging.getLogger("mlx_jinabert")

OWN_LAYERS: Pooling = "pma"
"""Pooling by multi-head attention, which is part of the architecture."""
MODES: tuple[Pooling, ...] = ("cls", "mean", "last")
POOLING_KEYS = ("pooling", "emb_pooler", "single_vector_pool_strategy")
"""Keys of config.json: our own and NVIDIA's, that of JinaBERT and that of jina-embeddings-v4."""
_FLAGS: Mapping[str, Pooling] = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_lasttoken": "last",
}
_NAMES: Mapping[str, Pooling] = {"cls": "cls", "mean": "mean", "lasttoken": "last"}
_AVERAGES: Mapping[str, Pooling] = {"avg": "mean"}
"""Spelling of NVIDIA's bidirectional Llama."""
_SPOKEN: Mapping[Pooling, str] = {"mean": "mean of all tokens", "last": "last token"}
_CAUSAL_FAMILIES = ("qwen2", "qwen3", "gemma2", "gemma3_text", "llama")
"""Types of decoders whose embedding models are trained for the last token."""
_AVERAGING_FAMILIES = ("model2vec",)
"""Types whose own code averages the vectors of the tokens, and does nothing else."""


def stated_pooling(path: Path, modules: Modules, config: Mapping[str, Any]) -> Pooling | None:
    """Read the mode that 1_Pooling, else config.json states; "tokens" for a model without a pooling module.

    "pma" is C2LLM's, by layers of its own.

    None where nothing does. Raises UnsupportedConfig for a mode that is not implemented.
    """
    if config.get("embedding_method") == OWN_LAYERS:
        return OWN_LAYERS
    if modules.pooling is None:
        return "tokens"
    found = read_json(path / modules.pooling / "config.json")
    if found is None:
        return configured_pooling(config)
    if found.get("include_prompt", True) is not True:
        raise UnsupportedConfig("include_prompt", found["include_prompt"], (True,))
    if "pooling_mode" in found:
        return _named_mode(found["pooling_mode"])
    chosen = [key for key, value in found.items() if key.startswith("pooling_mode_") and value]
    if len(chosen) != 1 or chosen[0] not in _FLAGS:
        raise UnsupportedConfig("1_Pooling", chosen, f"exactly one of {', '.join(_FLAGS)}")
    return _FLAGS[chosen[0]]


def family_pooling(config: Mapping[str, Any]) -> Pooling | None:
    """The mode of a checkpoint that states none, by its family; None for families that have several.

    It is the last token for decoders that see only what is before a token, which no other token sums up, and
    the mean for EmbeddingGemma, the one embedding model among the Gemma-3 that see both ways.
    """
    kind = config.get("model_type")
    if kind in _AVERAGING_FAMILIES:
        return "mean"
    if kind == "gemma3_text" and config.get("use_bidirectional_attention") is True:
        return "mean"
    both_ways = config.get("is_causal") is False or config.get("use_bidirectional_attention") is True
    return "last" if kind in _CAUSAL_FAMILIES and not both_ways else None


def check_own_layers(pooling: Pooling, pools_itself: bool) -> None:
    """Raise UnsupportedConfig where a mode is asked for that is not the architecture's, or is another's."""
    if pools_itself and pooling != OWN_LAYERS:
        raise UnsupportedConfig("pooling", pooling, f"{OWN_LAYERS!r}, as its checkpoint has layers for it")
    if not pools_itself and pooling == OWN_LAYERS:
        raise UnsupportedConfig("embedding_method", pooling, "a model of type 'c2llm', or none of that key")


def tell_pooling(path: Path, config: Mapping[str, Any]) -> None:
    """Warn in the log of the mode that a folder gets that states none."""
    kind = config.get("model_type")
    if kind in _AVERAGING_FAMILIES:
        return
    mode = family_pooling(config)
    why = f"as models of type {kind} are trained. If this one was not"
    if mode is None:
        mode = "mean"
        why = f"which may be wrong: models of type {kind} are trained for it or for the first token. If so"
    _log.warning(
        "%s has no 1_Pooling/config.json, and neither config.json nor the catalogue says how it pools; "
        "pooling the %s, %s, add that file (conversions for MLX leave it out), pass "
        "config_overrides={'pooling': ...} or convert-weights --set pooling=...; prompts are those of "
        "config_sentence_transformers.json alone",
        path,
        _SPOKEN[mode],
        why,
    )


def configured_pooling(config: Mapping[str, Any]) -> Pooling | None:
    """The mode that config.json states by one of ``POOLING_KEYS``. Raises UnsupportedConfig for another."""
    key = next((key for key in POOLING_KEYS if config.get(key)), None)
    if key is None:
        return None
    mode = _AVERAGES.get(str(config[key]), config[key])
    if mode not in MODES:
        raise UnsupportedConfig(key, mode, sorted(MODES))
    return str(mode)


def _named_mode(mode: object) -> Pooling:
    names = [mode] if isinstance(mode, str) else mode
    if not isinstance(names, list) or len(names) != 1 or names[0] not in list(_NAMES):
        raise UnsupportedConfig("pooling_mode", mode, sorted(_NAMES))
    return _NAMES[names[0]]
