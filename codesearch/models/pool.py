"""Models by name, each made once: several indexes with one model load it once."""

from __future__ import annotations

import threading

from codesearch.models.embedder import Model
from codesearch.records import Embedder

__all__ = ["ModelPool"]


class ModelPool:
    """Shared by indexes that are opened together. Any thread may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._models: dict[str, Model] = {}

    def model(self, given: str | Embedder) -> Model:
        """The model of that name, or the object as a model."""
        if not isinstance(given, str):
            return Model(given)
        with self._lock:
            return self._models.setdefault(given, Model(given))

    def default(self) -> Model:
        """As ``Model.default``."""
        return self.model(Model.default().name)
