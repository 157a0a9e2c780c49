"""A checkpoint as it is with an adapter merged into it: W + scale * B A, in float32, when it is read.

Nothing is written in between, and no more than one tensor is there twice. What comes out of a conversion is
an ordinary checkpoint, which knows its adapter from its record alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conversion.adapters import Adapter, Update, find_adapter, names_at, read_adapter
from conversion.errors import ConversionError
from mlx_jinabert.architectures import read_architecture
from mlx_jinabert.architectures.shared.matching import match
from mlx_jinabert.checkpoint.fingerprint import Content, content
from mlx_jinabert.checkpoint.folder import ModelFolder, has_adapters
from mlx_jinabert.checkpoint.weights import Weights

__all__ = ["MergedWeights", "merged_content", "open_adapter", "open_weights"]


class MergedWeights(Weights):
    """The weights of ``source`` with ``adapter`` in them, under their stored names and types."""

    def __init__(self, source: ModelFolder, adapter: Adapter) -> None:
        super().__init__(source.weights)
        stored = match(self, read_architecture(source.config, self.names()))
        self._updates: Mapping[str, Update] = {stored[name]: u for name, u in adapter.updates.items()}
        self._adapter = Weights([adapter.path])
        self._scale = np.float32(adapter.scale)

    def read(self, name: str) -> NDArray[Any]:
        """As stored, or (out, in) float32 where the adapter changes it."""
        return self._merged(name, super().read(name), slice(None))

    def rows(self, name: str, start: int, stop: int) -> NDArray[Any]:
        """The same for rows ``start`` to ``stop`` (or the last one) alone."""
        return self._merged(name, super().rows(name, start, stop), slice(start, stop))

    def _merged(self, name: str, values: NDArray[Any], rows: slice) -> NDArray[Any]:
        update = self._updates.get(name)
        if update is None:
            return values
        down, up = (np.asarray(self._adapter.read(part), np.float32) for part in (update.down, update.up))
        return np.asarray(values.astype(np.float32) + self._scale * (up[rows] @ down), np.float32)

    def close(self) -> None:
        """Forget the mappings of both."""
        super().close()
        self._adapter.close()


def open_adapter(source: ModelFolder, wanted: str | None) -> Adapter | None:
    """The adapter that was asked for, checked against the source."""
    if wanted is None:
        if has_adapters(source.path):
            raise ConversionError(
                f"{source.path}: its tasks are adapters beside its weights; name one: {names_at(source.path)}"
            )
        return None
    with Weights(source.weights) as weights:
        architecture = read_architecture(source.config, weights.names())
    if architecture.quantization is not None:
        raise ConversionError("the source is quantised already; an adapter belongs to the original weights")
    return read_adapter(find_adapter(source.path, wanted), architecture)


def open_weights(source: ModelFolder, adapter: Adapter | None) -> Weights:
    """The source's weights, with the adapter in them."""
    return Weights(source.weights) if adapter is None else MergedWeights(source, adapter)


def merged_content(source: ModelFolder, adapter: Adapter | None) -> Content:
    """Hash weights and adapter together: with another adapter it is another model."""
    found = content(source)
    if adapter is None:
        return found
    both = hashlib.sha256(f"{found.weights} + {adapter.name} {adapter.sha256}".encode()).hexdigest()
    return Content(both, found.tokenizer)
