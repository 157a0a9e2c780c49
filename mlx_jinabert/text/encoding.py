"""Checks and small choices of one ``encode`` call, as pure functions: texts, prompt, width, precision."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.catalog import CatalogEntry
from mlx_jinabert.errors import NonFinite, TooLong, UnsupportedConfig
from mlx_jinabert.vectors.pooling import layer_norm, truncate

__all__ = [
    "Truncation",
    "check_dim",
    "check_finite",
    "choose_prompt",
    "listed",
    "norms_prefixes",
    "report_cut",
    "shorten",
]

Truncation = Literal["warn", "error", "silent"]
"""What happens to a text that is longer than the model takes."""

_EXCERPT = 60
_log = logging.getLogger("mlx_jinabert")


def listed(texts: Iterable[str]) -> list[str]:
    """The texts as a list; TypeError that names the first one that is no ``str``."""
    if isinstance(texts, bytes | bytearray | Mapping) or not isinstance(texts, Iterable):
        raise TypeError(f"texts must be a str or a list of str, not {type(texts).__name__}")
    found = list(texts)
    for position, text in enumerate(found):
        if not isinstance(text, str):
            raise TypeError(f"text {position} must be a str, not {type(text).__name__}: {text!r:.80}")
    return found


def choose_prompt(
    prompts: Mapping[str, str], default: str | None, prompt_name: str | None, prompt: str | None
) -> str:
    """The text to put before every text of the call; "" for none."""
    if prompt is not None and prompt_name is not None:
        raise ValueError("give prompt or prompt_name, not both")
    if prompt is not None:
        return prompt
    name = default if prompt_name is None else prompt_name
    if name is None:
        return ""
    if name not in prompts:
        known = ", ".join(sorted(prompts)) or "none"
        raise ValueError(f"unknown prompt_name {name!r}; this model's prompts: {known}")
    return prompts[name]


def check_dim(wanted: int | None, full: int, config: Mapping[str, Any], entry: CatalogEntry | None) -> int:
    """The width to cut vectors to; ``full`` for None.

    Refused unless the model was trained for shorter vectors (Matryoshka, arXiv:2205.13147): the folder's
    config.json or the catalog lists the widths, or the catalog allows every prefix.
    """
    if wanted is None or wanted == full:
        return full
    if isinstance(wanted, bool) or not isinstance(wanted, int | np.integer):
        raise TypeError(f"truncate_dim must be an int, not {type(wanted).__name__}")
    named = config.get("matryoshka_dims") or config.get("matryoshka_dimensions") or ()
    trained = sorted({*named, *(entry.matryoshka_dims if entry else ())})
    if wanted in trained or (
        entry is not None and entry.any_prefix and entry.shortest_prefix <= wanted <= full
    ):
        return int(wanted)
    if entry is not None and entry.any_prefix:
        raise UnsupportedConfig("truncate_dim", wanted, f"{entry.shortest_prefix} to {full}")
    if trained:
        raise UnsupportedConfig("truncate_dim", wanted, (*trained, full))
    raise UnsupportedConfig(
        "truncate_dim", wanted, f"{full}, as this model was not trained for shorter vectors"
    )


def norms_prefixes(config: Mapping[str, Any]) -> bool:
    """Whether vectors are layer-normed at full width before they are cut: ``matryoshka_layer_norm``.

    That key is ours; nomic-embed-text-v1.5 was trained so, and only its model card says it.
    """
    found = config.get("matryoshka_layer_norm", False)
    if not isinstance(found, bool):
        raise UnsupportedConfig("matryoshka_layer_norm", found, (True, False))
    return found


def shorten(vectors: NDArray[np.float32], dim: int, normed: bool) -> NDArray[np.float32]:
    """The first ``dim`` components of (n, width), after a layer norm if ``normed``; all stay as they are."""
    if dim == vectors.shape[-1]:
        return vectors
    short: NDArray[np.float32] = truncate(layer_norm(vectors) if normed else vectors, dim)
    return short


def report_cut(lengths: Sequence[int], max_length: int, truncation: Truncation) -> None:
    """Tell of texts over the limit: one log record per call, TooLong, or nothing."""
    over = [position for position, length in enumerate(lengths) if length > max_length]
    if not over or truncation == "silent":
        return
    if truncation == "error":
        raise TooLong(over, [lengths[position] for position in over], max_length)
    _log.warning(
        "%d of %d texts were cut to the limit of %d tokens (the longest has %d)",
        len(over),
        len(lengths),
        max_length,
        max(lengths),
    )


def check_finite(vectors: NDArray[np.float32], positions: Sequence[int], texts: Sequence[str]) -> None:
    """NonFinite that names the first text whose vector holds NaN or infinity."""
    finite = np.isfinite(vectors).all(axis=1)
    if not finite.all():
        position = positions[int(np.argmin(finite))]
        raise NonFinite(position, texts[position][:_EXCERPT])
