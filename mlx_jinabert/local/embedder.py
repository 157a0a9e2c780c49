"""Embed texts on this machine: tokenise, batch, forward and pool, normalise, back into input order.

Names are those of sentence-transformers; unlike there, vectors have unit length unless told otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, Unpack

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.backends.forward import WINDOW, Limits, compute, compute_at_once, limits_of
from mlx_jinabert.backends.owner import BackendOwner
from mlx_jinabert.embedder import Embedder, EncodeOptions
from mlx_jinabert.local.model import LocalModel, Reload
from mlx_jinabert.local.spec import LocalSpec
from mlx_jinabert.text.counting import counted
from mlx_jinabert.text.progress import Advance, progress_bar
from mlx_jinabert.text.prompts import choose_prompt, list_texts
from mlx_jinabert.text.tokenizer import Ids, Tokenizer
from mlx_jinabert.text.truncation import Truncation, check_truncation, report_cut
from mlx_jinabert.vectors.dense import DenseChain
from mlx_jinabert.vectors.finite import check_finite
from mlx_jinabert.vectors.matryoshka import shorten
from mlx_jinabert.vectors.pooling import l2_normalize
from mlx_jinabert.vectors.precision import Precision, as_precision, check_precision
from mlx_jinabert.vectors.rounding import round_squashed, squash

__all__ = ["LocalEmbedder"]


_ROLES: Mapping[str, tuple[str, ...]] = {"query": ("query",), "document": ("document", "passage")}
"""The names of the prompts for each use of a text, the first one first."""


class LocalEmbedder(LocalModel, Embedder):
    """An embedding model with its weights on this machine."""

    def __init__(self, spec: LocalSpec, tokenizer: Tokenizer, owner: BackendOwner, reload: Reload) -> None:
        super().__init__(spec, owner, reload)
        self._tokenizer = tokenizer
        self._dense = DenseChain(spec.folder.dense)
        known = spec.folder.entry.prompts if spec.folder.entry else {}
        self._prompts = MappingProxyType({**known, **spec.folder.prompts})

    def __repr__(self) -> str:
        return f"Embedder({self.model_id!r}, dim={self.dim}, {self.backend} {self.dtype} on {self.device})"

    @property
    def dim(self) -> int:
        """Width of the vectors."""
        return self._spec.dim

    @property
    def prompts(self) -> Mapping[str, str]:
        """The prompts by name: the checkpoint's, and the catalogue's where that has none of the name."""
        return self._prompts

    def count_tokens(self, texts: str | Iterable[str]) -> list[int]:
        """Count the tokens of each text: special tokens included, prompt not, before truncation."""
        return self._tokenizer.count(list_texts(texts))

    def encode(
        self,
        texts: str | Iterable[str],
        *,
        prompt_name: str | None = None,
        prompt: str | None = None,
        normalize_embeddings: bool = True,
        truncate_dim: int | None = None,
        precision: Precision = "float32",
        batch_size: int | None = None,
        max_batch_tokens: int | None = None,
        show_progress_bar: bool = False,
        truncation: Truncation = "warn",
    ) -> NDArray[Any]:
        """Embed texts; see ``Embedder.encode``."""
        check_truncation(truncation)
        finish = self.finisher(normalize_embeddings, truncate_dim, precision)
        prefix = self.choose_prompt(prompt_name, prompt)
        prefixed = [prefix + text for text in list_texts(texts)]
        limits = limits_of(batch_size, max_batch_tokens, self.max_length, self.device)
        with progress_bar(len(prefixed), show=show_progress_bar) as advance:
            result = finish(self._embed(prefixed, limits, truncation, advance))
        return result[0] if isinstance(texts, str) else result

    def finisher(
        self,
        normalize_embeddings: bool = True,
        truncate_dim: int | None = None,
        precision: Precision = "float32",
    ) -> Callable[[NDArray[np.float32]], NDArray[Any]]:
        """The last step of ``encode``, with options as there: from what ``pool`` gives to its result.

        For servers, which pool the texts of many callers at once. Raises what ``encode`` raises for options.
        """
        dim = self.dim if truncate_dim is None else self._spec.check_dim(truncate_dim)
        rounds = self._spec.folder.rounds
        check_precision(precision, normalised=normalize_embeddings or rounds, dim=dim)

        def finish(pooled: NDArray[np.float32]) -> NDArray[Any]:
            vectors = self._dense(pooled)
            if rounds:
                vectors = squash(vectors) if precision in ("binary", "ubinary") else round_squashed(vectors)
            vectors = shorten(vectors, dim, self._spec.norms_prefixes)
            if normalize_embeddings:
                vectors = l2_normalize(vectors)
            return as_precision(np.ascontiguousarray(vectors), precision, whole=not normalize_embeddings)

        return finish

    def pool(self, ids: Sequence[Ids]) -> NDArray[np.float32]:
        """Pool the hidden states of token ids: (n, width) float32, neither cut nor normalised.

        Each of ``ids`` is (length,) int32, special tokens included, 1 to ``max_length`` long. ``finisher``
        makes the vectors that ``encode`` gives of them.
        """
        limits = limits_of(None, None, self.max_length, self.device)
        vectors = np.empty((len(ids), self._owner.dim), dtype=np.float32)
        read, counts = self._read(ids)
        for computed in compute_at_once(self._owner, read, limits, self._tokenizer.pad_id, counts=counts):
            vectors[list(computed.positions)] = computed.values
        return vectors

    @property
    def tokenizer(self) -> Tokenizer:
        """Gives the ids that ``pool`` takes."""
        return self._tokenizer

    def choose_prompt(self, prompt_name: str | None = None, prompt: str | None = None) -> str:
        """The text that ``encode`` with these options puts before every text; "" for none."""
        return choose_prompt(self._prompts, self._spec.folder.default_prompt_name, prompt_name, prompt)

    def role_prompt(self, role: Literal["query", "document"]) -> str:
        """The text that ``encode_query`` or ``encode_document`` puts before every text; "" for none."""
        return self.choose_prompt(self._role_prompt_name(*_ROLES[role]))

    def encode_query(self, texts: str | Iterable[str], **options: Unpack[EncodeOptions]) -> NDArray[Any]:
        """``encode`` with the prompt named "query", else the catalogue's query prompt, else the default."""
        return self.encode(texts, **self._with_role_prompt(options, "query"))

    def encode_document(self, texts: str | Iterable[str], **options: Unpack[EncodeOptions]) -> NDArray[Any]:
        """``encode`` with the prompt named "document", else "passage", likewise."""
        return self.encode(texts, **self._with_role_prompt(options, "document"))

    def _with_role_prompt(self, options: EncodeOptions, role: str) -> EncodeOptions:
        if options.get("prompt") is not None or options.get("prompt_name") is not None:
            return options
        name = self._role_prompt_name(*_ROLES[role])
        return options if name is None else {**options, "prompt_name": name}

    def _role_prompt_name(self, *names: str) -> str | None:
        for known in (self._spec.folder.prompts, self._prompts):  # The checkpoint's own come first.
            for name in names:
                if name in known:
                    return name
        return None

    def _read(self, ids: Sequence[Ids]) -> tuple[Sequence[Ids], Sequence[Ids] | None]:
        """What goes through the model of each sequence, and how often each token stands (None: once)."""
        return counted(ids) if self._spec.architecture.counts_repeats else (ids, None)

    def _embed(
        self, texts: Sequence[str], limits: Limits, truncation: Truncation, advance: Advance
    ) -> NDArray[np.float32]:
        """Pooled vectors of full width in input order, (n, width) float32."""
        if truncation == "error":
            report_cut(self._tokenizer.count(texts), self.max_length, truncation)
        vectors = np.empty((len(texts), self._owner.dim), dtype=np.float32)
        lengths: list[int] = []
        for start in range(0, len(texts), WINDOW):
            tokens = self._tokenizer.encode(texts[start : start + WINDOW])
            lengths += tokens.lengths
            read, counts = self._read(tokens.ids)
            for computed in compute(self._owner, read, limits, self._tokenizer.pad_id, counts=counts):
                positions = [start + position for position in computed.positions]
                check_finite(computed.values, positions, texts)
                vectors[positions] = computed.values
                advance(len(positions))
        report_cut(lengths, self.max_length, truncation)
        return vectors
