"""The embedder's surface, which models on this machine and models behind HTTP share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, TypedDict, Unpack

from numpy.typing import NDArray

from mlx_jinabert.text.truncation import Truncation
from mlx_jinabert.vectors.precision import Precision

__all__ = ["Embedder", "EncodeOptions"]


class EncodeOptions(TypedDict, total=False):
    """The keywords of ``Embedder.encode``."""

    prompt_name: str | None
    prompt: str | None
    normalize_embeddings: bool
    truncate_dim: int | None
    precision: Precision
    batch_size: int | None
    max_batch_tokens: int | None
    show_progress_bar: bool
    truncation: Truncation


class Embedder(ABC):
    """A loaded embedding model; made by ``mlx_jinabert.load``. Any thread may call it.

    Pickled, it is its name and the settings it was loaded with: the other process loads it again.
    """

    @property
    @abstractmethod
    def dim(self) -> int:
        """Width of the vectors."""

    @property
    @abstractmethod
    def max_length(self) -> int:
        """Longest text in tokens, special tokens and prompt included; longer ones are cut."""

    @property
    @abstractmethod
    def model_id(self) -> str:
        """A name that ``load`` takes: "embedded", a Hub id, a path or the address of a service."""

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """Identity of the vectors, 32 hexadecimal digits; the same on every backend and float type."""

    @property
    @abstractmethod
    def backend(self) -> str:
        """ "mlx", "onnx", "openvino" or "remote"."""

    @property
    @abstractmethod
    def device(self) -> str:
        """Where it computes, as the framework calls it; the host of a service."""

    @property
    @abstractmethod
    def dtype(self) -> str:
        """The type computed in: float32, float16, bfloat16, int8 or int4. Results are float32."""

    @property
    @abstractmethod
    def prompts(self) -> Mapping[str, str]:
        """The prompts by name: the checkpoint's, then the catalogue's."""

    @abstractmethod
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
        """Embed texts, in their order: (n, dim) float32 of unit length; one ``str`` gives (dim,).

        ``prompt`` (a text) or ``prompt_name`` (one of ``prompts``) goes in front of every text; without
        both the checkpoint's default prompt does. ``truncate_dim`` cuts vectors before they are normalised,
        where the model allows it. ``precision``: "int8" and "uint8" are components in 255 steps of one
        fixed size, "binary" and "ubinary" their signs, eight to a byte.

        A batch holds at most ``batch_size`` texts and at most ``max_batch_tokens`` tokens, texts times the
        longest one. Texts are sorted by length, and vectors do not depend on either bound; time and memory
        do. By default only tokens are bounded, by what suits the device.

        ``truncation`` of texts over ``max_length``: "warn" cuts them and logs how many, "silent" cuts them,
        "error" raises TooLong before anything is computed. A function is called with the positions of those
        that were cut, if any were; a service does not say which.

        Raises ValueError or TypeError for an argument, NonFinite for a vector that is not finite.
        """

    @abstractmethod
    def encode_query(self, texts: str | Iterable[str], **options: Unpack[EncodeOptions]) -> NDArray[Any]:
        """``encode`` with the prompt named "query"; without one, with the default prompt."""

    @abstractmethod
    def encode_document(self, texts: str | Iterable[str], **options: Unpack[EncodeOptions]) -> NDArray[Any]:
        """``encode`` with the prompt named "document", else "passage", else with the default prompt."""

    @abstractmethod
    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the name and the settings."""
