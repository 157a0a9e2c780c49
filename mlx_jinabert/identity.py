"""The fingerprint of a model by its name, local or remote, without loading weights.

An index that has nothing new to embed needs this and no more.
"""

from __future__ import annotations

import os

from mlx_jinabert.remote import is_remote

__all__ = ["fingerprint_of"]


def fingerprint_of(name: str | os.PathLike[str]) -> str:
    """That of ``mlx_jinabert.load(name)``. A local model's files are read; a service may be asked.

    Raises what ``load`` raises for a name, folder or service.
    """
    if isinstance(name, str) and is_remote(name):
        from mlx_jinabert.remote.loading import load_remote

        return load_remote(name).fingerprint
    from mlx_jinabert.architectures.tasks import check_name, check_tensors
    from mlx_jinabert.spec import open_source

    check_name(name, "embedding")
    source = open_source(name)
    check_tensors(source.architecture, "embedding")
    return source.fingerprint
