"""Models by name, each made once: several indexes with one model load it once."""

from __future__ import annotations

import threading
from pathlib import Path

from codesearch import caller
from codesearch.models.embedder import Model
from codesearch.records import Embedder

__all__ = ["ModelPool"]


def _located(name: str) -> str:
    """A folder by its absolute path: a relative one would be another folder, or none, in the next command."""
    path = caller.path(name)
    if path.is_absolute() and path == Path(name):
        return name
    try:
        return str(path.resolve()) if (path / "config.json").is_file() else name
    except OSError:
        return name


class ModelPool:
    """Shared by indexes that are opened together. Any thread may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._models: dict[str, Model] = {}

    def model(self, given: str | Embedder) -> Model:
        """The model of that name, or the object as a model."""
        if not isinstance(given, str):
            return Model(given)
        name = _located(given)
        with self._lock:
            return self._models.setdefault(name, Model(name))

    def default(self) -> Model:
        """As ``Model.default``."""
        return self.model(Model.default().name)
