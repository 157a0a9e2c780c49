"""Insert a table into TOML text, and remove it, with tomlkit, which keeps comments, order and style."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

from codesearch.errors import CodesearchError

__all__ = ["BadToml", "get", "put", "take"]


class BadToml(CodesearchError):
    """Text that is not TOML."""


def get(text: str, path: Sequence[str]) -> Any:
    """The value at a path of keys; None where there is none."""
    value: Any = _read(text)
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def put(text: str, path: Sequence[str], value: Mapping[str, Any]) -> str:
    """The text with the table at the path. BadToml where something else stands on the way."""
    if get(text, path) == value:
        return text
    import tomlkit
    from tomlkit.items import InlineTable

    document = tomlkit.parse(text)
    parent: MutableMapping[str, Any] = document
    for key in path[:-1]:
        if key not in parent:
            parent[key] = tomlkit.table(is_super_table=True)
        parent = parent[key]
        if not isinstance(parent, MutableMapping):
            raise BadToml(f"{key} is not a table; expected one that {path[-1]} can be put into")
    table = tomlkit.inline_table() if isinstance(parent, InlineTable) else tomlkit.table()
    table.update(value)
    if path[-1] not in parent and text and not text.endswith("\n\n"):
        document.add(tomlkit.nl()) if text.endswith("\n") else document.add(tomlkit.ws("\n\n"))
    parent[path[-1]] = table
    return tomlkit.dumps(document)


def take(text: str, path: Sequence[str]) -> str:
    """The text without the table at the path, and without those that it alone had filled."""
    if get(text, path) is None:
        return text
    import tomlkit

    document = tomlkit.parse(text)
    chain: list[Any] = [document]
    for key in path[:-1]:
        chain.append(chain[-1][key])
    depth = len(path) - 1
    while depth and len(chain[depth]) == 1:
        depth -= 1
    del chain[depth][path[depth]]
    return _without_lines(text, path, document.unwrap()) or tomlkit.dumps(document)


def _without_lines(text: str, path: Sequence[str], expected: Mapping[str, Any]) -> str | None:
    """The text without the lines of the table, where that leaves what is expected; None where it does not.

    tomlkit takes what follows a table for a part of it: a comment at the end of the file would go with it.
    """
    lines = text.splitlines(keepends=True)
    header = f"[{'.'.join(path)}]"
    first = next((at for at, line in enumerate(lines) if line.strip() == header), None)
    if first is None:
        return None
    following = range(first + 1, len(lines))
    last = next((at for at in following if lines[at].startswith("[")), len(lines))
    while last > first + 1 and lines[last - 1].lstrip()[:1] in ("#", ""):
        last -= 1
    left = "".join([*lines[:first], *lines[last:]])
    try:
        return left if _read(left) == expected else None
    except BadToml:
        return None


def _read(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text.replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        raise BadToml(str(error)) from error
