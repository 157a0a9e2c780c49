"""Open a remote model by its name. Options that its service decides about are refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from mlx_jinabert.errors import RemoteError, check_count
from mlx_jinabert.remote.address import Address, parse
from mlx_jinabert.remote.embedder import RemoteEmbedder
from mlx_jinabert.remote.http import Client, Policy
from mlx_jinabert.remote.key import Key
from mlx_jinabert.remote.openai import OpenAi
from mlx_jinabert.remote.service import Service
from mlx_jinabert.remote.tei import Tei
from mlx_jinabert.remote.triton import Triton
from mlx_jinabert.remote.voyage import Voyage

__all__ = ["load_remote", "refuse_local_options"]

_OPENING_ATTEMPTS = 3
"""Tries at first: a name with a slip or a server that is down should be told soon."""


def load_remote(name: str, truncate_dim: int | None = None, policy: Policy | None = None) -> RemoteEmbedder:
    """Ask the service for its model. ``truncate_dim``: width to ask for, where the model has several.

    Raises ModelFolderError for a name, RemoteError for a service or a key that is missing.
    """
    check_count("truncate_dim", truncate_dim)
    address, policy = parse(name), policy or Policy()
    key = Key(address.key_variable)
    if address.is_official and not key.is_set:
        raise RemoteError(address.host, f"takes no request without a key; set ${key.variable}")
    opening = Policy(
        policy.timeout, min(policy.attempts, _OPENING_ATTEMPTS), policy.first_wait, policy.longest_wait
    )
    info = _service(address, Client(address.url, key, opening)).describe()
    service = _service(address, Client(address.url, key, policy))
    return RemoteEmbedder(
        address, service, info, truncate_dim, partial(load_remote, name, truncate_dim, policy)
    )


def refuse_local_options(options: Mapping[str, Any]) -> None:
    """ValueError for an option of ``load`` that only a local model has, unless it is a default."""
    for key, value in options.items():
        if key != "truncate_dim" and value not in (None, "auto") and value != {}:
            raise ValueError(f"{key} is {value!r}; leave it out: a remote model is as its service runs it")


def _service(address: Address, client: Client) -> Service:
    if address.protocol == "tei":
        return Tei(client)
    named: Mapping[str, Callable[[Address, Client], Service]] = {
        "openai": OpenAi,
        "triton": Triton,
        "voyage": Voyage,
    }
    return named[address.protocol](address, client)
