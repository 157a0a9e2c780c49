"""Tell the address of a repository from a path. Imports nothing: every path is asked about."""

from __future__ import annotations

import re

__all__ = ["PROTOCOLS", "is_address", "meant_address"]

PROTOCOLS = ("https", "http", "ssh", "file")
_ADDRESS = re.compile(rf"({'|'.join(PROTOCOLS)})://")
_SHORT = re.compile(r"([\w.-]+@[\w.-]+):/?(?!/)([^\s:]+)")
"""How ssh itself writes an address: ``git@host:owner/repo.git``."""


def is_address(path: object) -> bool:
    """Whether a path is the address of a repository."""
    return isinstance(path, str) and _ADDRESS.match(path) is not None


def meant_address(path: str) -> str:
    """Return advice for a path that was meant as an address and is none; "" for any other path.

    >>> meant_address("git@host:owner/repo.git")
    'as an address it is ssh://git@host/owner/repo.git'
    """
    if short := _SHORT.fullmatch(path):
        return f"as an address it is ssh://{short[1]}/{short[2]}"
    if "://" in path and not is_address(path):
        return f"addresses of repositories begin with {', '.join(f'{each}://' for each in PROTOCOLS)}"
    return ""
