"""Everything that is known of a model without loading its weights, from its name.

Cheap on purpose: an index that has nothing new to embed needs a fingerprint and a width, not a model.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import fields, replace
from functools import cached_property
from typing import Any

from mlx_jinabert.architectures import ArchitectureConfig, read_architecture
from mlx_jinabert.checkpoint.dense import check_chain
from mlx_jinabert.checkpoint.fingerprint import content, fingerprint, shipped_content
from mlx_jinabert.checkpoint.folder import EMBEDDED, ModelFolder, has_adapters, resolve
from mlx_jinabert.checkpoint.pooling_mode import POOLING_KEYS, check_own_layers, configured_pooling
from mlx_jinabert.checkpoint.sentence_files import read_json
from mlx_jinabert.checkpoint.weights import Weights
from mlx_jinabert.errors import ModelFolderError, UnsupportedConfig, naming_folder
from mlx_jinabert.quick_dataclass import dataclass
from mlx_jinabert.vectors import matryoshka

__all__ = ["LocalSpec", "read_spec", "with_settings"]

_COUNTED = "count_repeated_tokens"


@dataclass(frozen=True)
class LocalSpec:
    """A model folder, what it holds, and how the caller wants it."""

    folder: ModelFolder
    architecture: ArchitectureConfig
    dim: int
    """Width of the vectors, after the cut that the caller asked for."""
    max_length: int
    variant: Mapping[str, Any]
    """Changes of the caller's to the numbers: config overrides, int4 weights."""

    @cached_property
    def fingerprint(self) -> str:
        """Identity of the vectors, see ``fingerprint.py``."""
        cut = self.dim < self.full_dim
        normed = {"matryoshka_layer_norm": True} if cut and self.norms_prefixes else {}
        variant = {key: value for key, value in self.variant.items() if key not in matryoshka.KEYS} | normed
        return fingerprint(
            self.folder,
            dim=self.dim,
            max_length=self.max_length,
            numbers=None if self._is_shipped else self._numbers,
            variant=variant,
        )

    @property
    def _is_shipped(self) -> bool:
        """Whether weights, tokenizer and configuration are the shipped model's, wherever they lie.

        Its fingerprint is older than the hashing of the configuration, and indexes name it.
        """
        if self.folder.path == EMBEDDED:
            return True
        shipped = shipped_content()
        if shipped is None or content(self.folder) != shipped:
            return False
        original = resolve("embedded")
        return self.architecture == read_architecture(original.config, _tensor_names(original))

    @property
    def _numbers(self) -> Mapping[str, Any]:
        """The configuration as far as it is not what its fields default to: a new one changes nothing old."""
        changed = {
            field.name: value
            for field in fields(self.architecture)
            if field.name != "quantization"
            and (value := getattr(self.architecture, field.name)) != field.default
        }
        return {"architecture": self.architecture.architecture, **changed}

    @cached_property
    def full_dim(self) -> int:
        """Width of the vectors before any cut."""
        return check_chain(self.folder.dense, self.architecture.output_size)

    @property
    def norms_prefixes(self) -> bool:
        """Whether a layer norm comes before the cut."""
        return matryoshka.norms_prefixes(self.folder.config)

    def check_dim(self, wanted: int | None) -> int:
        """``wanted`` if the model's vectors may be cut to it, the full width for None."""
        return matryoshka.check_dim(wanted, self.full_dim, self.folder.config, self.folder.entry)


def read_spec(
    name: str | os.PathLike[str],
    *,
    dtype: str = "auto",
    truncate_dim: int | None = None,
    max_length: int | None = None,
    revision: str | None = None,
    config_overrides: Mapping[str, Any] | None = None,
) -> LocalSpec:
    """Resolve and check a model; arguments as for ``load``. Reads the headers of its weights only.

    Raises what ``load`` raises for a name, a folder and an argument.
    """
    folder = resolve(name, revision)
    with naming_folder(folder.path):
        return _checked_spec(folder, dtype, truncate_dim, max_length, config_overrides or {})


def _checked_spec(
    folder: ModelFolder,
    dtype: str,
    truncate_dim: int | None,
    max_length: int | None,
    config_overrides: Mapping[str, Any],
) -> LocalSpec:
    changes = {key: value for key, value in config_overrides.items() if _differs(folder.config, key, value)}
    _refuse_fixed(folder, changes)
    folder = with_settings(folder, changes)
    _refuse_unmerged(folder)
    matryoshka.norms_prefixes(folder.config)
    architecture = read_architecture(folder.config, _tensor_names(folder))
    check_own_layers(folder.pooling, architecture.pools_itself)
    _check_counting(folder, architecture)
    hashed_anyway = ("is_causal", "append_token", "pooling", _COUNTED)
    variant = {key: value for key, value in changes.items() if key not in hashed_anyway}
    variant |= {"dtype": dtype} if dtype == "int4" else {}
    spec = LocalSpec(
        folder, architecture, architecture.output_size, _limit(folder, architecture, max_length), variant
    )
    return replace(spec, dim=spec.check_dim(truncate_dim))


def _check_counting(folder: ModelFolder, architecture: ArchitectureConfig) -> None:
    """Refuse to count repeated tokens where that is not built, or where it would mean nothing."""
    asked = folder.config.get(_COUNTED, False)
    if asked is not False and not architecture.counts_repeats:
        raise UnsupportedConfig(_COUNTED, asked, "true for JinaBERT's embedding models alone")
    if architecture.counts_repeats and folder.pooling != "mean":
        raise UnsupportedConfig("pooling", folder.pooling, f"'mean', because of {_COUNTED}")


def _refuse_unmerged(folder: ModelFolder) -> None:
    if has_adapters(folder.path):
        raise ModelFolderError(
            folder.path,
            "its tasks are adapters beside the weights, which alone are another model; merge one: "
            f"convert-weights {folder.model_id} --adapter NAME --out DIR",
        )


def with_settings(folder: ModelFolder, settings: Mapping[str, Any]) -> ModelFolder:
    """The folder under a configuration with ``settings``; what nobody knows of the model has to be there."""
    folder = replace(folder, config={**folder.config, **settings})
    if settings.keys() & set(POOLING_KEYS):
        folder = replace(folder, stated_pooling=configured_pooling(settings))
    for key, unknown in (folder.entry.unknown if folder.entry else {}).items():
        if key not in folder.config:
            remedy = f"config_overrides={{{key!r}: ...}}, or convert-weights --set {key}=..."
            raise UnsupportedConfig(key, None, f"true or false ({unknown}); pass {remedy}")
    return folder


def _refuse_fixed(folder: ModelFolder, changes: Mapping[str, Any]) -> None:
    """Refuse changes to what a finished graph computes; the texts that go in may change."""
    fixed = sorted(changes.keys() - {"append_token", *matryoshka.KEYS})
    if fixed and folder.onnx is not None:
        raise ModelFolderError(
            folder.path,
            f"config_overrides change {', '.join(fixed)}, which its graph was built with; "
            "convert the original again: convert-weights --set KEY=VALUE, or with another config.json",
        )


def _tensor_names(folder: ModelFolder) -> Collection[str]:
    """Names of the stored tensors; for a folder that holds a graph alone, those its conversion recorded."""
    if folder.weights:
        with Weights(folder.weights) as weights:
            return weights.names()
    names = (read_json(folder.path / "mlx_jinabert.json") or {}).get("tensors")
    if not isinstance(names, list) or not names:
        raise ModelFolderError(folder.path, "mlx_jinabert.json lists no tensors; convert the model again")
    return [str(name) for name in names]


def _differs(config: Mapping[str, Any], key: str, value: Any) -> bool:
    return key not in config or config[key] != value


def _limit(folder: ModelFolder, architecture: ArchitectureConfig, wanted: int | None) -> int:
    if wanted is None:
        return min(folder.max_length, architecture.max_position)
    if (
        isinstance(wanted, bool)
        or not isinstance(wanted, int)
        or not 1 <= wanted <= architecture.max_position
    ):
        raise ValueError(f"max_length is {wanted!r}; supported: 1 to {architecture.max_position} tokens")
    return wanted
