"""Requests for vectors, and what a service says about itself: common to all protocols."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.quick_dataclass import dataclass

__all__ = ["PROBE", "UNKNOWN_LENGTH", "PublicModel", "Role", "Service", "ServiceInfo", "VectorRequest"]

Role = Literal["query", "document"]

UNKNOWN_LENGTH = 512
"""Tokens that nearly every model takes, where a service does not say."""
PROBE = "def"
"""The text that is sent to learn the width of a model that is not known here."""


@dataclass(frozen=True, slots=True)
class VectorRequest:
    """How the vectors of one request have to be."""

    role: Role | None = None
    dim: int | None = None
    """None: the model's own width."""
    normalize: bool = True
    truncate: bool = True
    """Whether texts that are too long are cut; otherwise the service refuses them."""


@dataclass(frozen=True, slots=True)
class ServiceInfo:
    """A service's description of its model, and how much it takes in one request."""

    model: str
    dim: int
    max_length: int
    rows: int
    payload_bytes: int
    """Of the texts, as JSON. Bounds their tokens too, as a token has one byte at least."""
    revision: str = ""
    pooling: str = ""
    dtype: str = "unknown"
    is_identified: bool = True
    """Whether model and revision alone say which vectors these are, whatever host gives them."""
    has_prompts: bool = False
    """Whether the service puts the prompt of a role before a text by itself."""


@dataclass(frozen=True, slots=True)
class PublicModel:
    """A model of a public service: its own width and its limit in tokens."""

    dim: int
    max_length: int


class Service(Protocol):
    """One protocol on one host. Any thread may use it."""

    def describe(self) -> ServiceInfo:
        """Ask the service about its model; RemoteError if it does not serve vectors."""

    def embed(self, texts: Sequence[str], request: VectorRequest) -> NDArray[np.float32]:
        """Send one request: (n, width) float32 in the order of the texts."""
