"""A model behind HTTP with the surface of a local Embedder.

What a local model does itself is the service's here: tokenising, cutting what is too long (``truncation``
"error" asks it to refuse instead), prompts where the service has them. Everything that comes back is
checked: as many vectors as texts, in their order, of the width that was asked for, finite.

An empty text is sent as one space, because services refuse empty ones.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, Unpack, get_args

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.catalog import find
from mlx_jinabert.embedder import EncodeOptions
from mlx_jinabert.errors import RemoteError, UnsupportedConfig
from mlx_jinabert.remote import sending
from mlx_jinabert.remote.address import Address
from mlx_jinabert.remote.service import About, Asked, Role, Service
from mlx_jinabert.text import encoding
from mlx_jinabert.text.encoding import Truncation
from mlx_jinabert.text.progress import Advance, progress_bar
from mlx_jinabert.text.tokenizer import without_surrogates
from mlx_jinabert.vectors.pooling import l2_normalize
from mlx_jinabert.vectors.precision import Precision, as_precision, check_precision

__all__ = ["RemoteEmbedder"]

_FORMAT = 1


class RemoteEmbedder:
    """Made by ``mlx_jinabert.load`` for a name as in ``remote/__init__.py``. Any thread may call it."""

    backend = "remote"

    def __init__(self, address: Address, service: Service, about: About, dim: int | None = None) -> None:
        self._address = address
        self._service = service
        self._about = about
        self._dim = None if dim == about.dim else dim
        entry = None if about.has_prompts else find(about.model)
        self._prompts = MappingProxyType(dict(entry.prompts) if entry else {})

    def __repr__(self) -> str:
        return f"RemoteEmbedder({self.model_id!r}, dim={self.dim}, {self._about.model} on {self.device})"

    @property
    def dim(self) -> int:
        """Width of the vectors."""
        return self._dim or self._about.dim

    @property
    def max_length(self) -> int:
        """Longest text in tokens as far as it is known, else 512."""
        return self._about.max_length

    @property
    def model_id(self) -> str:
        """The name that it was loaded by, and can be again."""
        return self._address.name

    @property
    def device(self) -> str:
        """The host that computes."""
        return self._address.host

    @property
    def dtype(self) -> str:
        """What the service says that it computes in, else "unknown". Results are float32."""
        return self._about.dtype

    @property
    def prompts(self) -> Mapping[str, str]:
        """The catalog's prompts for the model that the service names; empty where it puts its own."""
        return self._prompts

    @property
    def fingerprint(self) -> str:
        """Identity of the vectors: protocol, model, revision, width and prompts. The host counts only where
        the service does not say which model it serves.
        """
        about = self._about
        identity = {
            "format": _FORMAT,
            "protocol": self._address.protocol,
            "model": about.model,
            "revision": about.revision,
            "pooling": about.pooling,
            "dim": self.dim,
            "prompts": dict(self._prompts),
            "host": "" if about.is_identified else self._address.url,
        }
        return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:32]

    def encode(  # noqa: PLR0917 - as in Embedder
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
        """As ``Embedder.encode``. ``max_batch_tokens`` is accepted and left to the service's own limits.

        Raises RemoteError for what the service refuses or answers wrongly, NonFinite for a vector.
        """
        options: EncodeOptions = {
            "prompt_name": prompt_name,
            "prompt": prompt,
            "normalize_embeddings": normalize_embeddings,
            "truncate_dim": truncate_dim,
            "precision": precision,
            "show_progress_bar": show_progress_bar,
            "truncation": truncation,
        }
        return self._encode(texts, None, options)

    def encode_query(self, texts: str | Iterable[str], **options: Unpack[EncodeOptions]) -> NDArray[Any]:
        """``encode`` with the prompt for queries, the service's own or the catalog's."""
        return self._encode(texts, "query", options)

    def encode_document(self, texts: str | Iterable[str], **options: Unpack[EncodeOptions]) -> NDArray[Any]:
        """``encode`` with the prompt for documents, likewise."""
        return self._encode(texts, "document", options)

    def _encode(self, texts: str | Iterable[str], role: Role | None, options: EncodeOptions) -> NDArray[Any]:
        precision, truncation = options.get("precision", "float32"), options.get("truncation", "warn")
        if truncation not in get_args(Truncation):
            raise UnsupportedConfig("truncation", truncation, get_args(Truncation))
        listed = [texts] if isinstance(texts, str) else encoding.listed(texts)
        own_prompt = options.get("prompt") is not None or options.get("prompt_name") is not None
        prefix = self._prefix(role, options)
        normalize = options.get("normalize_embeddings", True)
        dim = _check_dim(options.get("truncate_dim")) or self._dim
        check_precision(precision, normalised=normalize, dim=dim or self._about.dim)
        asked = Asked(
            role=None if own_prompt else role,
            dim=dim,
            normalize=normalize,
            truncate=truncation != "error",
        )
        with progress_bar(len(listed), show=options.get("show_progress_bar", False)) as advance:
            vectors = self._vectors(
                [without_surrogates(prefix + text) or " " for text in listed], asked, advance
            )
        vectors = l2_normalize(vectors) if normalize else vectors
        result = as_precision(np.ascontiguousarray(vectors), precision)
        return result[0] if isinstance(texts, str) else result

    def _prefix(self, role: Role | None, options: EncodeOptions) -> str:
        name, prompt = options.get("prompt_name"), options.get("prompt")
        if name is None and prompt is None and role in self._prompts:
            name = role
        return encoding.choose_prompt(self._prompts, None, name, prompt)

    def _vectors(self, texts: Sequence[str], asked: Asked, advance: Advance) -> NDArray[np.float32]:
        """In input order, (n, width) float32, as they came."""
        width = asked.dim or self._about.dim
        found = np.empty((len(texts), width), np.float32)
        batches = sending.plan(texts, self._about.rows, self._about.payload_bytes)
        send = partial(self._service.embed, asked=asked)
        for batch, vectors in sending.embed_all(texts, batches, send):
            if vectors.shape[1] != width:
                raise RemoteError(
                    self.device, f"gave vectors of {vectors.shape[1]} components, expected {width}"
                )
            encoding.check_finite(vectors, batch, texts)
            found[batch.start : batch.stop] = vectors
            advance(len(batch))
        return found


def _check_dim(wanted: int | None) -> int | None:
    """Whether a model can be asked for a width is the service's to say."""
    if wanted is not None and (isinstance(wanted, bool) or not isinstance(wanted, int) or wanted < 1):
        raise UnsupportedConfig("truncate_dim", wanted, "a positive int")
    return wanted
