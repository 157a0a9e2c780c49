"""Pairs of texts to scores: how relevant a document is to a query.

Names are those of sentence-transformers' CrossEncoder. As there, the logit of a model with one label goes
through a sigmoid unless the checkpoint or the caller says "identity"; the order is the same either way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NotRequired, TypedDict, get_args

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.backends.forward import WINDOW, Limits, batch_tokens, compute
from mlx_jinabert.backends.owner import BackendOwner
from mlx_jinabert.checkpoint.folder import ModelFolder
from mlx_jinabert.errors import UnsupportedConfig
from mlx_jinabert.spec import Source
from mlx_jinabert.text import encoding
from mlx_jinabert.text.encoding import Truncation
from mlx_jinabert.text.pairs import Pair, PairTokenizer
from mlx_jinabert.text.progress import Advance, progress_bar
from mlx_jinabert.text.tokenizer import Ids

__all__ = ["Activation", "Ranked", "Reranker", "activate", "default_activation"]

Activation = Literal["sigmoid", "identity"]
"""What becomes of a logit: a number between 0 and 1, or what it is."""

_ACTIVATIONS: Mapping[str, Activation] = {
    "torch.nn.modules.activation.Sigmoid": "sigmoid",
    "torch.nn.modules.linear.Identity": "identity",
}
_LARGEST_EXPONENT = 80.0
"""exp of it is finite in float32."""


class Ranked(TypedDict):
    """One document of ``rank``: its position in the call, its score, its text if asked for."""

    corpus_id: int
    score: float
    text: NotRequired[str]


class Reranker:
    """A loaded cross-encoder; made by ``mlx_jinabert.load_reranker``. Any thread may call it."""

    def __init__(
        self, source: Source, tokenizer: PairTokenizer, owner: BackendOwner, activation: Activation
    ) -> None:
        self._source = source
        self._tokenizer = tokenizer
        self._owner = owner
        self._activation: Activation = activation

    def __repr__(self) -> str:
        return f"Reranker({self.model_id!r}, {self.backend} {self.dtype} on {self.device})"

    @property
    def max_length(self) -> int:
        """Longest pair in tokens, special tokens included; longer ones are cut."""
        return self._source.max_length

    @property
    def model_id(self) -> str:
        """A name that ``load_reranker`` takes: a Hub id or a path."""
        return self._source.folder.model_id

    @property
    def folder(self) -> ModelFolder:
        """Where the model was loaded from."""
        return self._source.folder

    @property
    def fingerprint(self) -> str:
        """Identity of the scores; the same on every backend and float type."""
        return self._source.fingerprint

    @property
    def backend(self) -> str:
        """ "mlx" or "onnx"."""
        return self._owner.name

    @property
    def device(self) -> str:
        """Where it computes, as the framework calls it."""
        return self._owner.device

    @property
    def dtype(self) -> str:
        """What it computes in: float32, float16, bfloat16, int8 or int4. Scores are float32."""
        return self._owner.dtype

    @property
    def activation(self) -> Activation:
        """What ``predict`` and ``rank`` do with a logit unless told otherwise."""
        return self._activation

    def predict(  # noqa: PLR0917 - as in sentence-transformers
        self,
        pairs: Sequence[Pair] | Pair,
        batch_size: int | None = None,
        show_progress_bar: bool = False,
        activation: Activation | None = None,
        max_batch_tokens: int | None = None,
        truncation: Truncation = "warn",
    ) -> NDArray[np.float32]:
        """Scores of (query, document) pairs in their order, (n,) float32; one pair alone gives ().

        ``batch_size`` bounds the pairs of a batch, ``max_batch_tokens`` pairs times padded length, and with
        it the memory. ``truncation`` of pairs over ``max_length`` (see ``pairs.py`` for what is cut): "warn"
        logs how many were cut, "error" raises TooLong before anything is computed. A score that is not
        finite raises NonFinite.
        """
        _check_choice("truncation", truncation, get_args(Truncation))
        chosen = _activation_of(activation, self._activation)
        if batch_size is not None and (isinstance(batch_size, bool) or batch_size < 1):
            raise ValueError(f"batch_size must be a positive int, not {batch_size!r}")
        limits = Limits(batch_tokens(max_batch_tokens, self.device), self.max_length, batch_size)
        listed, alone = _listed(pairs)
        with progress_bar(len(listed), show=show_progress_bar) as advance:
            scores = activate(self._logits(listed, limits, truncation, advance), chosen)
        return scores.reshape(()) if alone else scores

    def rank(
        self,
        query: str,
        documents: Iterable[str],
        top_k: int | None = None,
        return_documents: bool = False,
        **options: Any,
    ) -> list[Ranked]:
        """The documents by relevance to the query, best first; equal scores keep the order of the call.

        ``top_k``: so many at most. ``return_documents`` adds "text". ``options`` are those of ``predict``.
        """
        if not isinstance(query, str):
            raise TypeError(f"query must be a str, not {type(query).__name__}")
        if isinstance(documents, str):
            raise TypeError("documents must be a list of str, not one str")
        if top_k is not None and (isinstance(top_k, bool) or top_k < 1):
            raise ValueError(f"top_k must be a positive int or None, not {top_k!r}")
        texts = encoding.listed(documents)
        chosen = _activation_of(options.pop("activation", None), self._activation)
        # By logits: a sigmoid in float32 is 1 for all that are over 17.
        logits = self.predict([(query, text) for text in texts], activation="identity", **options)
        scores = activate(logits, chosen)
        found: list[Ranked] = []
        for position in np.argsort(-logits, kind="stable")[:top_k].tolist():
            found.append({"corpus_id": position, "score": float(scores[position])})
            if return_documents:
                found[-1]["text"] = texts[position]
        return found

    @property
    def tokenizer(self) -> PairTokenizer:
        """Pairs to the ids and token types that ``logits`` takes."""
        return self._tokenizer

    def logits(self, ids: Sequence[Ids], types: Sequence[Ids]) -> NDArray[np.float32]:
        """Logits of token ids, (n,) float32: see ``activate``. For servers, which score for many at once.

        Each of ``ids`` and ``types`` is (length,) int32, with special tokens, at most ``max_length`` long.
        """
        limits = Limits(batch_tokens(None, self.device), self.max_length)
        found = np.empty(len(ids), np.float32)
        for computed in compute(self._owner, ids, limits, self._tokenizer.pad_id, types):
            found[list(computed.positions)] = computed.values[:, 0]
        return found

    def logits_of_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Logits of single texts, (n,) float32: not what the model is for, but what others published."""
        tokens = self._tokenizer.encode(texts)
        return self.logits(tokens.ids, [np.zeros_like(ids) for ids in tokens.ids])

    def _logits(
        self, pairs: Sequence[Pair], limits: Limits, truncation: Truncation, advance: Advance
    ) -> NDArray[np.float32]:
        """Of every pair in the order of the call, (n,)."""
        windows = range(0, len(pairs), WINDOW)
        lengths: list[int] = []
        if truncation == "error":
            for start in windows:
                lengths += self._tokenizer.encode_pairs(pairs[start : start + WINDOW]).lengths
            encoding.report_cut(lengths, self.max_length, truncation)
        logits = np.empty(len(pairs), np.float32)
        documents = [document for _, document in pairs]
        lengths = []
        for start in windows:
            tokens = self._tokenizer.encode_pairs(pairs[start : start + WINDOW])
            lengths += tokens.lengths
            for computed in compute(self._owner, tokens.ids, limits, self._tokenizer.pad_id, tokens.types):
                positions = [start + position for position in computed.positions]
                encoding.check_finite(computed.values, positions, documents)
                logits[positions] = computed.values[:, 0]
                advance(len(positions))
        encoding.report_cut(lengths, self.max_length, truncation)
        return logits


def default_activation(config: Mapping[str, Any]) -> Activation:
    """What config.json says under "sentence_transformers" (or in its older spelling), else "sigmoid"."""
    named = config.get("sentence_transformers")
    found = named.get("activation_fn") if isinstance(named, Mapping) else None
    found = found or config.get("sbert_ce_default_activation_function")
    if found is None:
        return "sigmoid"
    if found not in _ACTIVATIONS:
        raise UnsupportedConfig("activation_fn", found, tuple(_ACTIVATIONS))
    return _ACTIVATIONS[found]


def _listed(pairs: Sequence[Pair] | Pair) -> tuple[list[Pair], bool]:
    """The pairs as a list, and whether there was one alone. TypeError names what is no pair of texts."""
    if isinstance(pairs, str | bytes | Mapping) or not isinstance(pairs, Iterable):
        raise TypeError(f"pairs must be a list of (query, document), not {type(pairs).__name__}")
    found: list[Any] = list(pairs)
    alone = len(found) == 2 and all(isinstance(text, str) for text in found)
    checked: list[Pair] = []
    for position, pair in enumerate([found] if alone else found):
        if isinstance(pair, str) or not isinstance(pair, Sequence) or len(pair) != 2:
            raise TypeError(f"pair {position} must be (query, document), not {pair!r:.80}")
        query, document = pair
        if not isinstance(query, str) or not isinstance(document, str):
            raise TypeError(f"pair {position} must hold two str, not {pair!r:.80}")
        checked.append((query, document))
    return checked, alone


def _activation_of(wanted: Activation | None, default: Activation) -> Activation:
    if wanted is None:
        return default
    _check_choice("activation", wanted, get_args(Activation))
    return wanted


def activate(logits: NDArray[np.float32], activation: Activation) -> NDArray[np.float32]:
    """(n,) logits as they are, or 1 / (1 + exp(-x))."""
    if activation == "identity":
        return logits
    bounded = np.clip(-logits, -_LARGEST_EXPONENT, _LARGEST_EXPONENT)
    return np.asarray(1 / (1 + np.exp(bounded)), np.float32)


def _check_choice(key: str, value: object, supported: Sequence[str]) -> None:
    if value not in supported:
        raise UnsupportedConfig(key, value, supported)
