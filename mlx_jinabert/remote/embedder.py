"""Embed texts by a service behind HTTP, with the surface of a model on this machine.

The service tokenises, cuts texts that are too long (``truncation`` "error" asks it to refuse them instead)
and puts prompts in front where it has them. Everything that comes back is checked: as many vectors as texts,
in their order, of the expected width, finite.

An empty text is sent as one space, because services refuse empty ones.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.catalog import find
from mlx_jinabert.embedder import Embedder, EncodeOptions
from mlx_jinabert.errors import RemoteError, check_count
from mlx_jinabert.remote import sending
from mlx_jinabert.remote.address import Address
from mlx_jinabert.remote.service import Role, Service, ServiceInfo, VectorRequest
from mlx_jinabert.text.progress import Advance, progress_bar
from mlx_jinabert.text.prompts import choose_prompt, list_texts
from mlx_jinabert.text.tokenizer import without_surrogates
from mlx_jinabert.text.truncation import check_truncation
from mlx_jinabert.vectors.finite import check_finite
from mlx_jinabert.vectors.pooling import l2_normalize
from mlx_jinabert.vectors.precision import as_precision, check_precision

__all__ = ["RemoteEmbedder"]

_FORMAT = 1

Reload = Callable[[], Any]
"""Loads an equal model; picklable, as it is pickled in the model's place."""


class RemoteEmbedder(Embedder):
    """An embedding model behind HTTP, loaded by a name as in ``remote/__init__.py``."""

    def __init__(
        self, address: Address, service: Service, info: ServiceInfo, dim: int | None, reload: Reload
    ) -> None:
        self._address = address
        self._service = service
        self._info = info
        self._dim = None if dim == info.dim else dim
        self._reload = reload
        entry = None if info.has_prompts else find(info.model)
        self._prompts = MappingProxyType(dict(entry.prompts) if entry else {})

    def __repr__(self) -> str:
        return f"RemoteEmbedder({self.model_id!r}, dim={self.dim}, {self._info.model} on {self.device})"

    def __reduce__(self) -> tuple[Any, ...]:
        return self._reload, ()

    @property
    def backend(self) -> str:
        """ "remote"."""
        return "remote"

    @property
    def dim(self) -> int:
        """Width of the vectors."""
        return self._dim or self._info.dim

    @property
    def max_length(self) -> int:
        """Longest text in tokens as far as it is known, else 512."""
        return self._info.max_length

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
        """The type that the service says it computes in, else "unknown". Results are float32."""
        return self._info.dtype

    @property
    def prompts(self) -> Mapping[str, str]:
        """The catalogue's prompts for the model that the service names; empty where it puts its own."""
        return self._prompts

    @property
    def fingerprint(self) -> str:
        """Identity of the vectors: protocol, model, revision, width and prompts. The host counts only where
        the service does not say which model it serves.
        """
        info = self._info
        identity = {
            "format": _FORMAT,
            "protocol": self._address.protocol,
            "model": info.model,
            "revision": info.revision,
            "pooling": info.pooling,
            "dim": self.dim,
            "prompts": dict(self._prompts),
            "host": "" if info.is_identified else self._address.url,
        }
        return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:32]

    def encode(self, texts: str | Iterable[str], **options: Unpack[EncodeOptions]) -> NDArray[Any]:
        """Embed texts; see ``Embedder.encode``.

        A request holds at most ``batch_size`` texts; ``max_batch_tokens`` is left to the service's own
        limits. Raises RemoteError for what the service refuses or answers wrongly, NonFinite for a vector.
        """
        return self._encode(texts, None, options)

    def encode_query(self, texts: str | Iterable[str], **options: Unpack[EncodeOptions]) -> NDArray[Any]:
        """``encode`` with the prompt for queries, the service's own or the catalogue's."""
        return self._encode(texts, "query", options)

    def encode_document(self, texts: str | Iterable[str], **options: Unpack[EncodeOptions]) -> NDArray[Any]:
        """``encode`` with the prompt for documents, likewise."""
        return self._encode(texts, "document", options)

    def _encode(self, texts: str | Iterable[str], role: Role | None, options: EncodeOptions) -> NDArray[Any]:
        precision, truncation = options.get("precision", "float32"), options.get("truncation", "warn")
        check_truncation(truncation)
        check_count("batch_size", options.get("batch_size"))
        check_count("max_batch_tokens", options.get("max_batch_tokens"))
        check_count("truncate_dim", options.get("truncate_dim"))  # which ones, the service knows
        own_prompt = options.get("prompt") is not None or options.get("prompt_name") is not None
        prefix = self._prefix(role, options)
        normalize = options.get("normalize_embeddings", True)
        dim = options.get("truncate_dim") or self._dim
        check_precision(precision, normalised=normalize, dim=dim or self._info.dim)
        request = VectorRequest(
            role=None if own_prompt else role,
            dim=dim,
            normalize=normalize,
            truncate=truncation != "error",
        )
        sent = [without_surrogates(prefix + text) or " " for text in list_texts(texts)]
        rows = min(self._info.rows, options.get("batch_size") or self._info.rows)
        with progress_bar(len(sent), show=options.get("show_progress_bar", False)) as advance:
            vectors = self._vectors(sent, request, rows, advance)
        vectors = l2_normalize(vectors) if normalize else vectors
        result = as_precision(np.ascontiguousarray(vectors), precision)
        return result[0] if isinstance(texts, str) else result

    def _prefix(self, role: Role | None, options: EncodeOptions) -> str:
        name, prompt = options.get("prompt_name"), options.get("prompt")
        if name is None and prompt is None and role in self._prompts:
            name = role
        return choose_prompt(self._prompts, None, name, prompt)

    def _vectors(
        self, texts: Sequence[str], request: VectorRequest, rows: int, advance: Advance
    ) -> NDArray[np.float32]:
        """In input order, (n, width) float32, as they came."""
        width = request.dim or self._info.dim
        found = np.empty((len(texts), width), np.float32)
        batches = sending.plan(texts, rows, self._info.payload_bytes)
        send = partial(self._service.embed, request=request)
        for batch, vectors in sending.embed_all(texts, batches, send):
            if vectors.shape[1] != width:
                raise RemoteError(
                    self.device, f"gave vectors of {vectors.shape[1]} components, expected {width}"
                )
            check_finite(vectors, batch, texts)
            found[batch.start : batch.stop] = vectors
            advance(len(batch))
        return found
