"""Pairs of texts to scores: how relevant a document is to a query.

Names are those of sentence-transformers' CrossEncoder. As there, the logit of a model with one label goes
through a sigmoid unless the checkpoint or the caller says "identity"; the order is the same either way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NotRequired, TypedDict, Unpack, get_args

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.backends.forward import WINDOW, Limits, compute, compute_at_once, limits_of
from mlx_jinabert.backends.owner import BackendOwner
from mlx_jinabert.checkpoint.sentence_files import read_json
from mlx_jinabert.errors import UnsupportedConfig, check_choice, check_count
from mlx_jinabert.local.model import LocalModel, Reload
from mlx_jinabert.local.spec import LocalSpec
from mlx_jinabert.text.judging import JudgingTokenizer
from mlx_jinabert.text.pairs import Pair, PairTokenizer, list_pairs
from mlx_jinabert.text.progress import Advance, progress_bar
from mlx_jinabert.text.prompts import list_texts
from mlx_jinabert.text.tokenizer import Ids
from mlx_jinabert.text.truncation import Truncation, check_truncation, report_cut
from mlx_jinabert.vectors.finite import check_finite

__all__ = ["Activation", "Ranked", "Reranker", "activate", "default_activation"]

Activation = Literal["sigmoid", "identity"]
"""Turns a logit into a score: into a number between 0 and 1, or leaves it as it is."""

_ACTIVATIONS: Mapping[str, Activation] = {
    "torch.nn.modules.activation.Sigmoid": "sigmoid",
    "torch.nn.modules.linear.Identity": "identity",
}
_LARGEST_EXPONENT = 80.0
"""exp of it is finite in float32."""


class PredictOptions(TypedDict, total=False):
    """The keywords of ``Reranker.predict``."""

    batch_size: int | None
    show_progress_bar: bool
    activation: Activation | None
    max_batch_tokens: int | None
    truncation: Truncation


class Ranked(TypedDict):
    """One document of ``rank``: its position in the call, its score, its text if asked for."""

    corpus_id: int
    score: float
    text: NotRequired[str]


class Reranker(LocalModel):
    """A loaded cross-encoder; made by ``mlx_jinabert.load_reranker``. Any thread may call it."""

    def __init__(
        self,
        spec: LocalSpec,
        tokenizer: PairTokenizer | JudgingTokenizer,
        owner: BackendOwner,
        reload: Reload,
        activation: Activation,
    ) -> None:
        super().__init__(spec, owner, reload)
        self._tokenizer = tokenizer
        self._activation: Activation = activation

    @property
    def activation(self) -> Activation:
        """The activation of ``predict`` and ``rank`` unless they are told otherwise."""
        return self._activation

    def predict(
        self,
        pairs: Sequence[Pair] | Pair,
        *,
        batch_size: int | None = None,
        show_progress_bar: bool = False,
        activation: Activation | None = None,
        max_batch_tokens: int | None = None,
        truncation: Truncation = "warn",
    ) -> NDArray[np.float32]:
        """Score (query, document) pairs, in their order: (n,) float32; one pair alone gives ().

        A batch holds at most ``batch_size`` pairs and at most ``max_batch_tokens`` tokens, pairs times the
        longest one; scores do not depend on either. ``truncation`` of pairs over ``max_length``, which lose
        the end of their longer text: "warn" cuts them and logs how many, "silent" cuts them, "error" raises
        TooLong before anything is computed.

        Raises ValueError or TypeError for an argument, NonFinite for a score that is not finite.
        """
        check_truncation(truncation)
        chosen = _activation_of(activation, self._activation)
        limits = limits_of(batch_size, max_batch_tokens, self.max_length, self.device)
        listed, alone = list_pairs(pairs)
        with progress_bar(len(listed), show=show_progress_bar) as advance:
            scores = activate(self._logits(listed, limits, truncation, advance), chosen)
        return scores.reshape(()) if alone else scores

    def rank(
        self,
        query: str,
        documents: Iterable[str],
        *,
        top_k: int | None = None,
        return_documents: bool = False,
        **options: Unpack[PredictOptions],
    ) -> list[Ranked]:
        """Sort documents by relevance to the query, best first; equal scores keep the order of the call.

        ``top_k``: so many at most. ``return_documents`` adds "text". ``options`` are those of ``predict``.
        """
        if not isinstance(query, str):
            raise TypeError(f"query must be a str, not {type(query).__name__}")
        if isinstance(documents, str):
            raise TypeError("documents must be a list of str, not one str")
        check_count("top_k", top_k)
        texts = list_texts(documents)
        chosen = _activation_of(options.get("activation"), self._activation)
        # By logits: a sigmoid in float32 is 1 for all that are over 17.
        options["activation"] = "identity"
        logits = self.predict([(query, text) for text in texts], **options)
        scores = activate(logits, chosen)
        found: list[Ranked] = []
        for position in np.argsort(-logits, kind="stable")[:top_k].tolist():
            found.append({"corpus_id": position, "score": float(scores[position])})
            if return_documents:
                found[-1]["text"] = texts[position]
        return found

    @property
    def tokenizer(self) -> PairTokenizer | JudgingTokenizer:
        """Gives the ids and token types that ``logits`` takes."""
        return self._tokenizer

    def logits(self, ids: Sequence[Ids], types: Sequence[Ids]) -> NDArray[np.float32]:
        """Logits of token ids, (n,) float32: see ``activate``. For servers, which score for many at once.

        Each of ``ids`` and ``types`` is (length,) int32, with special tokens, at most ``max_length`` long.
        """
        limits = limits_of(None, None, self.max_length, self.device)
        found = np.empty(len(ids), np.float32)
        for computed in compute_at_once(self._owner, ids, limits, self._tokenizer.pad_id, self._types(types)):
            found[list(computed.positions)] = self._scores(computed.values)
        return found

    def _scores(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Turn the results of the backend for n pairs, (n, width), into their logits, (n,)."""
        return values[:, 0]

    def _types(self, types: Sequence[Ids]) -> Sequence[Ids] | None:
        """Token types as the model takes them: none where it knows none."""
        return types if self._spec.architecture.token_types else None

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
            report_cut(lengths, self.max_length, truncation)
        logits = np.empty(len(pairs), np.float32)
        documents = [document for _, document in pairs]
        lengths = []
        for start in windows:
            tokens = self._tokenizer.encode_pairs(pairs[start : start + WINDOW])
            lengths += tokens.lengths
            for computed in compute(
                self._owner, tokens.ids, limits, self._tokenizer.pad_id, self._types(tokens.types)
            ):
                positions = [start + position for position in computed.positions]
                check_finite(computed.values, positions, documents)
                logits[positions] = self._scores(computed.values)
                advance(len(positions))
        report_cut(lengths, self.max_length, truncation)
        return logits


def default_activation(config: Mapping[str, Any], folder: Path | None = None) -> Activation:
    """Read the activation from config.json, in either spelling of sentence-transformers; else "sigmoid".

    Rerankers that end in modules state it in config_sentence_transformers.json of their ``folder``.
    """
    named = config.get("sentence_transformers")
    found = named.get("activation_fn") if isinstance(named, Mapping) else None
    found = found or config.get("sbert_ce_default_activation_function")
    if found is None and folder is not None:
        found = (read_json(folder / "config_sentence_transformers.json") or {}).get("activation_fn")
    if found is None:
        return "sigmoid"
    if found not in _ACTIVATIONS:
        raise UnsupportedConfig("activation_fn", found, tuple(_ACTIVATIONS))
    return _ACTIVATIONS[found]


def _activation_of(wanted: Activation | None, default: Activation) -> Activation:
    if wanted is None:
        return default
    check_choice("activation", wanted, get_args(Activation))
    return wanted


def activate(logits: NDArray[np.float32], activation: Activation) -> NDArray[np.float32]:
    """(n,) logits as they are, or 1 / (1 + exp(-x))."""
    if activation == "identity":
        return logits
    bounded = np.clip(-logits, -_LARGEST_EXPONENT, _LARGEST_EXPONENT)
    return np.asarray(1 / (1 + np.exp(bounded)), np.float32)
