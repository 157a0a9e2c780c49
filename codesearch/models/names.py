"""Names of models, before any is loaded: which there are, which are services, where graphs are kept.

Apart from ``embedder.py``, because commands that only list things must not wait for NumPy.
"""

from __future__ import annotations

from pathlib import Path

from codesearch.errors import CodesearchError
from codesearch.quick_dataclass import dataclass

__all__ = ["KnownModel", "is_service", "known_models", "model_cache"]


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model that has a short name: what is known of it before it is on this machine."""

    name: str
    source: str
    """Where it comes from: a Hub id, or that it ships with the package."""
    parameters: int
    dim: int
    matryoshka_dims: tuple[int, ...]
    """Shorter vectors that it was trained for."""
    any_prefix: bool
    """Whether its vectors may be cut anywhere."""
    context: int
    """Longest text in tokens."""
    licence: str
    commercial_use: bool
    use: str
    """Its recommended use, in a line."""
    to_state: tuple[str, ...]
    """Settings that its checkpoint may leave open and that nobody published."""


def known_models() -> list[KnownModel]:
    """The embedding models that can be given by a short name."""
    from mlx_jinabert.catalog import available_models

    return [
        KnownModel(
            name=entry.alias,
            source=entry.hub_id or "ships with the package",
            parameters=entry.parameters,
            dim=entry.dim,
            matryoshka_dims=entry.matryoshka_dims,
            any_prefix=entry.any_prefix,
            context=entry.context,
            licence=entry.licence,
            commercial_use=entry.commercial_use,
            use=entry.note,
            to_state=tuple(entry.unknown),
        )
        for entry in available_models().values()
        if entry.task == "embedding"
    ]


def is_service(name: str) -> bool:
    """Whether a name is that of a model behind HTTP, to which texts are sent."""
    from mlx_jinabert.remote import is_remote

    return is_remote(name)


def model_cache() -> Path:
    """Where mlx_jinabert keeps the graphs that it builds. CodesearchError where its name is no folder's."""
    from mlx_jinabert.checkpoint.cache_location import cache_dir
    from mlx_jinabert.errors import ModelFolderError

    try:
        return cache_dir()
    except ModelFolderError as error:
        raise CodesearchError(str(error)) from error
