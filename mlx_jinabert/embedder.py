"""Texts to vectors: tokenise, batch, forward and pool, normalise, back into input order.

Names are those of sentence-transformers; unlike there, vectors have unit length unless told otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, TypedDict, Unpack, get_args

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.backends.forward import WINDOW, Limits, batch_tokens, compute
from mlx_jinabert.backends.owner import BackendOwner
from mlx_jinabert.checkpoint.folder import ModelFolder
from mlx_jinabert.errors import UnsupportedConfig
from mlx_jinabert.spec import Source
from mlx_jinabert.text import encoding
from mlx_jinabert.text.encoding import Truncation
from mlx_jinabert.text.progress import Advance, progress_bar
from mlx_jinabert.text.tokenizer import Ids, Tokenizer
from mlx_jinabert.vectors.pooling import l2_normalize
from mlx_jinabert.vectors.precision import Precision, as_precision, check_precision

__all__ = ["Embedder", "EncodeOptions"]


class EncodeOptions(TypedDict, total=False):
    """Keywords of ``Embedder.encode``."""

    prompt_name: str | None
    prompt: str | None
    normalize_embeddings: bool
    truncate_dim: int | None
    precision: Precision
    max_batch_tokens: int | None
    show_progress_bar: bool
    truncation: Truncation


_ROLES: Mapping[str, tuple[str, ...]] = {"query": ("query",), "document": ("document", "passage")}
"""What a text is for, and the names of the prompts for that, the first one first."""


class Embedder:
    """A loaded model; made by ``mlx_jinabert.load``. Any thread may call it, one computes."""

    def __init__(self, source: Source, tokenizer: Tokenizer, owner: BackendOwner) -> None:
        self._source = source
        self._tokenizer = tokenizer
        self._owner = owner
        known = source.folder.entry.prompts if source.folder.entry else {}
        self._prompts = MappingProxyType({**known, **source.folder.prompts})

    def __repr__(self) -> str:
        return f"Embedder({self.model_id!r}, dim={self.dim}, {self.backend} {self.dtype} on {self.device})"

    @property
    def dim(self) -> int:
        """Width of the vectors."""
        return self._source.dim

    @property
    def max_length(self) -> int:
        """Longest text in tokens, special tokens and prompt included; longer ones are cut."""
        return self._source.max_length

    @property
    def model_id(self) -> str:
        """A name that ``load`` takes: "embedded", a Hub id or a path."""
        return self._source.folder.model_id

    @property
    def folder(self) -> ModelFolder:
        """Where the model was loaded from, and all that is said there about using it."""
        return self._source.folder

    @property
    def fingerprint(self) -> str:
        """Identity of the vectors; the same on every backend and float type. See ``fingerprint.py``."""
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
        """What it computes in: float32, float16, bfloat16, int8 or int4. Results are float32."""
        return self._owner.dtype

    @property
    def prompts(self) -> Mapping[str, str]:
        """The prompts by name: the checkpoint's, and the catalog's where that has none of the name."""
        return self._prompts

    def count_tokens(self, texts: str | Iterable[str]) -> list[int]:
        """Tokens of each text: special tokens included, prompt not, before truncation."""
        return self._tokenizer.count(_listed(texts))

    def encode(  # noqa: PLR0917 - as in sentence-transformers
        self,
        texts: str | Iterable[str],
        prompt_name: str | None = None,
        prompt: str | None = None,
        normalize_embeddings: bool = True,
        truncate_dim: int | None = None,
        precision: Precision = "float32",
        max_batch_tokens: int | None = None,
        show_progress_bar: bool = False,
        truncation: Truncation = "warn",
    ) -> NDArray[Any]:
        """Vectors of texts, in their order: (n, dim) float32 of unit length; a ``str`` gives (dim,).

        ``prompt`` (a text) or ``prompt_name`` (one of ``prompts``) is put before every text; without both
        the checkpoint's default prompt is. ``truncate_dim`` cuts vectors before they are normalised, where
        the model allows it. ``precision``: "int8" and "uint8" are components in 255 steps of one fixed size,
        "binary" and "ubinary" their signs, eight to a byte (see ``precision.py``).
        ``max_batch_tokens`` bounds rows times padded length of a batch, and with it the memory.
        ``truncation`` of texts over ``max_length``: "warn" logs how many were cut, "error" raises TooLong
        before anything is computed. A vector that is not finite raises NonFinite.
        """
        _check_choice("truncation", truncation, get_args(Truncation))
        finish = self.finisher(normalize_embeddings, truncate_dim, precision)
        prefix = self.choose_prompt(prompt_name, prompt)
        prefixed = [prefix + text for text in _listed(texts)]
        limits = Limits(batch_tokens(max_batch_tokens, self.device), self.max_length)
        with progress_bar(len(prefixed), show=show_progress_bar) as advance:
            result = finish(self._embed(prefixed, limits, truncation, advance))
        return result[0] if isinstance(texts, str) else result

    def finisher(
        self,
        normalize_embeddings: bool = True,
        truncate_dim: int | None = None,
        precision: Precision = "float32",
    ) -> Callable[[NDArray[np.float32]], NDArray[Any]]:
        """The last step of ``encode``, with options as there: what ``pool`` gives to what the caller wants.

        For servers, which pool the texts of many callers at once. Raises what ``encode`` raises for options.
        """
        dim = self.dim if truncate_dim is None else self._source.check_dim(truncate_dim)
        check_precision(precision, normalised=normalize_embeddings, dim=dim)

        def finish(pooled: NDArray[np.float32]) -> NDArray[Any]:
            vectors = encoding.shorten(pooled, dim, self._source.norms_prefixes)
            if normalize_embeddings:
                vectors = l2_normalize(vectors)
            return as_precision(np.ascontiguousarray(vectors), precision)

        return finish

    def pool(self, ids: Sequence[Ids]) -> NDArray[np.float32]:
        """Pooled vectors of token ids, (n, width) float32, neither cut nor normalised: see ``finisher``.

        Each of ``ids`` is (length,) int32, special tokens included, 1 to ``max_length`` long.
        """
        limits = Limits(batch_tokens(None, self.device), self.max_length)
        vectors = np.empty((len(ids), self._owner.dim), dtype=np.float32)
        for computed in compute(self._owner, ids, limits, self._tokenizer.pad_id):
            vectors[list(computed.positions)] = computed.values
        return vectors

    @property
    def tokenizer(self) -> Tokenizer:
        """Texts to the ids that ``pool`` takes."""
        return self._tokenizer

    def choose_prompt(self, prompt_name: str | None = None, prompt: str | None = None) -> str:
        """The text that ``encode`` with these options puts before every text; "" for none."""
        return encoding.choose_prompt(
            self._prompts, self._source.folder.default_prompt_name, prompt_name, prompt
        )

    def role_prompt(self, role: Literal["query", "document"]) -> str:
        """The text that ``encode_query`` or ``encode_document`` puts before every text; "" for none."""
        return self.choose_prompt(self._role_prompt_name(*_ROLES[role]))

    def encode_query(self, texts: str | Iterable[str], **options: Unpack[EncodeOptions]) -> NDArray[Any]:
        """``encode`` with the prompt named "query", else the catalog's query prompt, else the default."""
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
        for known in (self._source.folder.prompts, self._prompts):  # The checkpoint's own come first.
            for name in names:
                if name in known:
                    return name
        return None

    def _embed(
        self, texts: Sequence[str], limits: Limits, truncation: Truncation, advance: Advance
    ) -> NDArray[np.float32]:
        """Pooled vectors of full width in input order, (n, width) float32."""
        if truncation == "error":
            encoding.report_cut(self._tokenizer.count(texts), self.max_length, truncation)
        vectors = np.empty((len(texts), self._owner.dim), dtype=np.float32)
        lengths: list[int] = []
        for start in range(0, len(texts), WINDOW):
            tokens = self._tokenizer.encode(texts[start : start + WINDOW])
            lengths += tokens.lengths
            for computed in compute(self._owner, tokens.ids, limits, self._tokenizer.pad_id):
                positions = [start + position for position in computed.positions]
                encoding.check_finite(computed.values, positions, texts)
                vectors[positions] = computed.values
                advance(len(positions))
        encoding.report_cut(lengths, self.max_length, truncation)
        return vectors


def _listed(texts: str | Iterable[str]) -> list[str]:
    return [texts] if isinstance(texts, str) else encoding.listed(texts)


def _check_choice(key: str, value: object, supported: Sequence[str]) -> None:
    if value not in supported:
        raise UnsupportedConfig(key, value, supported)
