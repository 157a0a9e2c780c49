"""An object shaped like sentence-transformers' SentenceTransformer, which ``mteb.evaluate`` takes too.

It imports neither sentence-transformers nor torch. mteb hands batches of {"text": [...]} and says what they
are for; everybody else hands texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import mlx_jinabert

__all__ = ["SentenceTransformer"]

Vectors = NDArray[Any]


class SentenceTransformer:
    """A model by its name, or one that is loaded. Results are NumPy arrays of unit length."""

    similarity_fn_name = "cosine"
    modalities = ("text",)

    def __init__(
        self,
        model_name_or_path: str | mlx_jinabert.Embedder = "embedded",
        revision: str | None = None,
        *,
        device: str | None = None,
        truncate_dim: int | None = None,
    ) -> None:
        """``model_name_or_path`` is what ``mlx_jinabert.load`` takes; ``device`` is not looked at."""
        self._model = (
            mlx_jinabert.load(model_name_or_path, revision=revision, truncate_dim=truncate_dim)
            if isinstance(model_name_or_path, str)
            else model_name_or_path
        )

    @property
    def prompts(self) -> Mapping[str, str]:
        """By name."""
        return self._model.prompts

    @property
    def max_seq_length(self) -> int:
        """In tokens."""
        return self._model.max_length

    @property
    def device(self) -> str:
        """Where it computes."""
        return self._model.device

    @property
    def mteb_model_meta(self) -> Any:
        """Describe the model for mteb; needs mteb."""
        from mteb.models import ModelMeta

        return ModelMeta.create_empty(
            {
                "name": self._model.model_id
                if "/" in self._model.model_id
                else f"mlx-jinabert/{self._model.model_id}",
                "revision": self._model.fingerprint,
                "max_tokens": self._model.max_length,
                "embed_dim": self._model.dim,
                "similarity_fn_name": "cosine",
            }
        )

    def get_embedding_dimension(self) -> int:
        """Width of the vectors."""
        return self._model.dim

    get_sentence_embedding_dimension = get_embedding_dimension

    def encode(
        self,
        sentences: Any = None,
        *,
        inputs: Any = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        prompt_type: Any = None,
        batch_size: int | None = None,
        show_progress_bar: bool | None = None,
        normalize_embeddings: bool = True,
        truncate_dim: int | None = None,
        precision: Any = "float32",
        **ignored: Any,
    ) -> Vectors:
        """Vectors of texts, (n, dim), or (dim,) of one.

        ``prompt_type`` is mteb's: "query" or "document". What is ``ignored`` chooses the kind of array or
        device there (convert_to_numpy, device, task_metadata, ...); ``output_value`` has to be None or
        "sentence_embedding". Long texts are cut.
        """
        if ignored.get("output_value") not in (None, "sentence_embedding") or ignored.get(
            "convert_to_tensor"
        ):
            raise ValueError("this model gives sentence embeddings as NumPy arrays, nothing else")
        texts = _texts(sentences if inputs is None else inputs)
        kind = getattr(prompt_type, "value", prompt_type)
        encode = {"query": self._model.encode_query, "document": self._model.encode_document}.get(
            kind, self._model.encode
        )
        vectors: Vectors = encode(
            texts,
            prompt_name=prompt_name,
            prompt=prompt,
            batch_size=batch_size,
            show_progress_bar=bool(show_progress_bar),
            normalize_embeddings=normalize_embeddings,
            truncate_dim=truncate_dim,
            precision=precision,
            truncation="silent",
        )
        return vectors

    def encode_query(self, sentences: Any, **options: Any) -> Vectors:
        """``encode`` with the model's query prompt."""
        return self.encode(sentences, prompt_type="query", **options)

    def encode_document(self, sentences: Any, **options: Any) -> Vectors:
        """``encode`` with the model's document prompt."""
        return self.encode(sentences, prompt_type="document", **options)

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Vectors:
        """Cosine of every row with every row, (n, m)."""
        return _unit(embeddings1) @ _unit(embeddings2).T

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> Vectors:
        """Cosine of every row with its counterpart, (n,)."""
        products: Vectors = (_unit(embeddings1) * _unit(embeddings2)).sum(axis=-1)
        return products


def _texts(given: Any) -> str | Sequence[str]:
    """Texts, or the texts of batches."""
    if isinstance(given, str):
        return given
    listed: list[Any] = list(given)
    if listed and isinstance(listed[0], Mapping):
        return [text for batch in listed for text in _texts_of_batch(batch)]
    return listed


def _texts_of_batch(batch: Mapping[str, Any]) -> Iterable[str]:
    text = batch["text"]
    return [text] if isinstance(text, str) else text


def _unit(vectors: Any) -> Vectors:
    rows = np.atleast_2d(np.asarray(vectors, np.float32))
    unit: Vectors = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return unit
