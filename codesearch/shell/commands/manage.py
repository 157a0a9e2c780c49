"""``list`` and ``clear``: the indexes of this user."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from codesearch.rendering.terminal import one_line, write
from codesearch.shell.options import options

if TYPE_CHECKING:
    from codesearch.storage.folders.locations import IndexEntry

__all__ = ["clear", "list_"]


@click.command(name="list", short_help="List every index, its size and its root.")
@options.json_flag
def list_(*, as_json: bool) -> None:
    """List every index with its size and root, and the caches that they share."""
    from codesearch.storage.folders.locations import list_indexes

    entries = list_indexes()
    write(_as_json(entries) if as_json else "".join(map(_line, entries)) + "".join(_shared()))


@click.command()
@click.argument("path", required=False)
@click.option("--all", "everything", is_flag=True, help="Delete every index and the shared caches.")
@click.option("--orphans", is_flag=True, help="Delete the indexes whose folder no longer exists.")
@options.root_here
@options.json_flag
def clear(path: str | None, *, everything: bool, orphans: bool, root_here: bool, as_json: bool) -> None:
    """Delete the index of PATH, or several. Your own files are never touched."""
    from codesearch.storage.folders import locations

    if sum((path is not None, everything, orphans)) != 1:
        raise click.UsageError("give one of PATH, --all and --orphans")
    if everything:
        entries = locations.clear_all()
    elif orphans:
        entries = locations.clear_orphans()
    else:
        entries = [locations.clear(path or ".", here=root_here)]
    if as_json:
        write(_as_json(entries))
    else:
        write("".join(f"cleared  {_line(entry)}" for entry in entries) or "nothing to clear\n")


def _shared() -> Iterator[str]:
    """A line for each cache that belongs to no index alone and holds something."""
    from codesearch.models.names import model_cache
    from codesearch.rendering.report import human_bytes
    from codesearch.storage.folders.locations import clones_path, token_cache_path, vector_cache_path

    vectors, tokens = vector_cache_path(), token_cache_path()
    shared = {
        f"vectors of all indexes, {vectors}": vectors.parent.glob(f"{vectors.name}*"),
        f"vectors of tokens for reranking, {tokens}": tokens.parent.glob(f"{tokens.name}*"),
        f"graphs of models, {model_cache()}": model_cache().rglob("*"),
        f"clones, {clones_path()}": clones_path().rglob("*"),
    }
    for what, files in shared.items():
        if size := sum(file.lstat().st_size for file in files if file.is_file()):
            yield f"{human_bytes(size):>9}  ({one_line(what)})\n"


def _line(entry: IndexEntry) -> str:
    from codesearch.rendering.report import human_bytes

    root = one_line(str(entry.root)) if entry.root else "(root unknown)"
    gone = "  (the folder is gone)" if entry.is_orphan else ""
    return f"{human_bytes(entry.bytes):>9}  {root}{gone}\n"


def _as_json(entries: Sequence[IndexEntry]) -> str:
    from codesearch.rendering.render import dump

    return dump(
        [{"root": e.root, "directory": e.directory, "bytes": e.bytes, "orphan": e.is_orphan} for e in entries]
    )
