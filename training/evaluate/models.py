"""The models under test, as the product loads them, and their vectors as rankers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.loading.embedding import load_local
from mlx_jinabert.vectors.pooling import l2_normalize
from training.evaluate.records import Role
from training.evaluate.vectors import VectorCache

__all__ = ["Model", "Prefix", "Spec"]


@dataclass(frozen=True, slots=True)
class Spec:
    """A model as the command line names it: ``NAME=FOLDER`` or ``NAME=FOLDER@float32``."""

    name: str
    folder: str
    dtype: str = "int8"

    @classmethod
    def parse(cls, text: str) -> Spec:
        """Raises ValueError."""
        name, separator, rest = text.partition("=")
        folder, _, dtype = rest.partition("@")
        if not (name and separator and folder):
            raise ValueError(f"{text!r} is no model: expected NAME=FOLDER, or NAME=FOLDER@float32")
        return cls(name, folder, dtype or "int8")


class Model:
    """Ranks by the cosine of whole vectors. ``work`` holds the vectors of all runs."""

    def __init__(self, spec: Spec, work: Path) -> None:
        self.spec, self.name = spec, spec.name
        self.embedder = load_local(spec.folder, backend="onnx", dtype=spec.dtype)
        stem = f"{self.embedder.fingerprint}-{self.embedder.dtype}"
        self._vectors = {
            "query": VectorCache(work / f"{stem}-query", self._encode_query, self.dim),
            "document": VectorCache(work / f"{stem}-document", self._encode_document, self.dim),
        }

    @property
    def dim(self) -> int:
        """Width of the vectors."""
        return self.embedder.dim

    def of(self, texts: Sequence[str], role: Role) -> NDArray[np.float32]:
        """(texts, dim) float32 of unit length."""
        return self._vectors[role].of(texts)

    def put(self, texts: Sequence[str], vectors: NDArray[np.float32], role: Role) -> None:
        """Take over vectors that this very model made elsewhere."""
        self._vectors[role].put(texts, vectors)

    def over(self, texts: Sequence[str]) -> Cosines:
        """Vectors of this pool."""
        return Cosines(self, texts, self.dim)

    def weights(self) -> dict[str, str]:
        """sha256 (hexadecimal) of the files that the weights came from, by name."""
        files = sorted(Path(self.embedder.folder.path).glob("model*"))
        return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file.is_file()}

    def _encode_query(self, texts: list[str]) -> NDArray[np.float32]:
        return self.embedder.encode_query(texts, truncation="silent")

    def _encode_document(self, texts: list[str]) -> NDArray[np.float32]:
        return self.embedder.encode_document(texts, truncation="silent")


class Prefix:
    """A model cut to its first ``dim`` components ("Matryoshka Representation Learning", 2022)."""

    def __init__(self, model: Model, dim: int) -> None:
        self.name = f"{model.name} {dim}d"
        self._model, self._dim = model, dim

    def over(self, texts: Sequence[str]) -> Cosines:
        """Cut vectors of this pool."""
        return Cosines(self._model, texts, self._dim)


class Cosines:
    """One pool's vectors."""

    def __init__(self, model: Model, texts: Sequence[str], dim: int) -> None:
        self._model, self._dim = model, dim
        self._pool = self._cut(texts, "document")

    def scores(self, questions: Sequence[str], role: Role) -> NDArray[np.float32]:
        """(questions, texts) float32 in -1..1."""
        return self._cut(questions, role) @ self._pool.T

    def _cut(self, texts: Sequence[str], role: Role) -> NDArray[np.float32]:
        vectors: NDArray[np.float32] = l2_normalize(self._model.of(texts, role)[:, : self._dim])
        return vectors
