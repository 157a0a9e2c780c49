"""The ``llm`` command: every embedding model of the catalogue by its short name, as a plug-in.

``llm embed -m jinabert/embedded -c 'read a file'``; found by the entry point "llm".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import llm

import mlx_jinabert

__all__ = ["JinabertModel", "register_embedding_models"]

_PREFIX = "jinabert/"


class JinabertModel(llm.EmbeddingModel):
    """One of our models; loaded when it first embeds."""

    batch_size = 256

    def __init__(self, name: str) -> None:
        """``name`` is what ``mlx_jinabert.load`` takes."""
        self.model_id = f"{_PREFIX}{name}"
        self._name = name
        self._model: mlx_jinabert.Embedder | None = None

    def embed_batch(self, items: Iterable[str | bytes], *, key: str | None = None) -> Iterator[list[float]]:
        """A vector of unit length for each item; no key is needed."""
        self._model = self._model or mlx_jinabert.load(self._name)
        yield from self._model.encode([str(item) for item in items]).tolist()


@llm.hookimpl
def register_embedding_models(register: Callable[[JinabertModel], None]) -> None:
    """Called by ``llm`` when it starts; nothing is loaded."""
    for alias, entry in mlx_jinabert.available_models().items():
        if entry.task == "embedding":
            register(JinabertModel(alias))
