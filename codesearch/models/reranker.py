"""The one place where codesearch reaches for a reranker: a name of mlx_jinabert, or an object, late.

An object needs ``predict(pairs)`` or ``rank(query, documents)``, as sentence-transformers' CrossEncoder and
mlx_jinabert's Reranker have them. What it returns is checked here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from codesearch.errors import BadQuery, CodesearchError, ModelUnavailable
from codesearch.records import Scorer

__all__ = ["DocumentMemory", "Rerankers", "load_reranker"]

Scores = NDArray[np.float64]
TokenVectors = NDArray[np.float32]


class DocumentMemory(Protocol):
    """Keeps the vectors of the tokens of documents from one question to the next."""

    def get(self, identity: str, texts: Sequence[str], /) -> list[TokenVectors | None]:
        """Of each text the vectors, (tokens, dim), or None; ``identity`` is that of the model."""

    def put(
        self, identity: str, texts: Sequence[str], vectors: Sequence[TokenVectors], /
    ) -> list[TokenVectors]:
        """Keep those of each text. Returns them as ``get`` will give them."""


class Rerankers:
    """Rerankers that were asked for by name stay loaded. Any thread may ask."""

    def __init__(self, memory: DocumentMemory | None = None) -> None:
        """``memory`` of documents, for models by late interaction."""
        self._memory = memory
        self._lock = threading.Lock()
        self._loaded: dict[str, Any] = {}

    def scorer(self, given: object) -> Scorer | None:
        """None for None. ModelUnavailable where a name brings no reranker, BadQuery for another object."""
        if given is None:
            return None
        if isinstance(given, str):
            with self._lock:
                if given not in self._loaded:
                    self._loaded[given] = load_reranker(given)
                given = self._loaded[given]
        if self._memory is not None and hasattr(given, "document_identity") and _is_ours(given):
            return _by_tokens(given, self._memory)
        if callable(getattr(given, "predict", None)):
            return _by_pairs(given)
        if callable(getattr(given, "rank", None)):
            return _by_ranks(given)
        raise BadQuery(
            f"rerank is a {type(given).__name__}; expected the name of a reranker, "
            "or an object with predict(pairs) or rank(query, documents)"
        )


def load_reranker(name: str) -> Any:
    """Load a reranker of mlx_jinabert. ModelUnavailable says what is wrong, also with an embedding model."""
    import mlx_jinabert
    from mlx_jinabert.loading.scoring import load_scorer

    try:
        return load_scorer(name)
    except mlx_jinabert.errors.JinabertError as error:
        raise ModelUnavailable(name, f"no reranker: {error}") from error


def _by_pairs(model: Any) -> Scorer:
    # A sigmoid in float32 makes all the best ones equal; what is cut of a chunk is no news.
    options = {"activation": "identity", "truncation": "silent"} if _is_ours(model) else {}

    def score(query: str, texts: Sequence[str], /) -> Scores:
        pairs = [(query, text) for text in texts]
        return _checked(_asked(model, lambda: model.predict(pairs, **options)), model, len(texts))

    return score


def _is_ours(model: object) -> bool:
    return type(model).__module__.partition(".")[0] == "mlx_jinabert"


def _by_tokens(model: Any, memory: DocumentMemory) -> Scorer:
    """Score by late interaction: only texts that the memory does not have are embedded."""
    from mlx_jinabert.architectures.graphs import builder_version
    from mlx_jinabert.local.late_interaction import max_sim

    identity = f"{model.document_identity} {builder_version()}"

    def score(query: str, texts: Sequence[str], /) -> Scores:
        def ask() -> Any:
            found = dict(zip(texts, memory.get(identity, texts), strict=True))
            known = {text: vectors for text, vectors in found.items() if vectors is not None}
            missing = [text for text in found if text not in known]
            if missing:
                made = memory.put(identity, missing, model.encode_document(missing))
                known |= zip(missing, made, strict=True)
            return max_sim(model.encode_query([query])[0], [known[text] for text in texts])

        return _checked(_asked(model, ask), model, len(texts))

    return score


def _by_ranks(model: Any) -> Scorer:
    def score(query: str, texts: Sequence[str], /) -> Scores:
        found = _asked(model, lambda: model.rank(query, list(texts)))
        try:
            by_text = {int(entry["corpus_id"]): entry["score"] for entry in found}
            ordered = [by_text[at] for at in range(len(texts))]
        except (KeyError, TypeError, ValueError) as error:
            raise CodesearchError(
                f"rank of the reranker {_name(model)} returned {found!r:.100}; expected a corpus_id and a "
                f"score for each of {len(texts)} texts"
            ) from error
        return _checked(ordered, model, len(texts))

    return score


def _asked(model: Any, ask: Callable[[], Any]) -> Any:
    """Ask a reranker; turn an error of mlx_jinabert (a score that is not finite) into one of ours."""
    try:
        return ask()
    except Exception as error:
        from mlx_jinabert.errors import JinabertError

        if isinstance(error, JinabertError):
            raise ModelUnavailable(_name(model), str(error)) from error
        raise


def _checked(found: Any, model: Any, count: int) -> Scores:
    try:
        scores = np.asarray(found, np.float64)
    except (TypeError, ValueError) as error:
        raise CodesearchError(f"the reranker {_name(model)} returned no numbers: {found!r:.100}") from error
    if scores.shape == (count, 1):
        scores = scores[:, 0]
    if scores.shape != (count,):
        raise CodesearchError(
            f"the reranker {_name(model)} returned an array of shape {scores.shape} for {count} pairs, "
            f"expected ({count},): one score each"
        )
    if not np.isfinite(scores).all():
        raise CodesearchError(f"the reranker {_name(model)} returned a score that is not finite")
    return scores


def _name(model: Any) -> str:
    return str(getattr(model, "model_id", None) or type(model).__name__)
