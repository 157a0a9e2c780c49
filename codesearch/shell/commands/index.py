"""``index`` and ``status``: building the index, and what is true of it."""

from __future__ import annotations

import time

import click

from codesearch.shell.commands import options
from codesearch.shell.terminal import one_line, say, write

__all__ = ["index", "status"]


@click.command()
@click.argument("path", default=".")
@options.model
@options.scope
@options.max_wait
@click.option("--rebuild", is_flag=True, help="Throw the index away first (a new model, a damaged index).")
@options.root_here
@options.yes
@options.json_flag
def index(
    path: str,
    *,
    model: str | None,
    hidden: bool | None,
    ignore: bool | None,
    max_wait: float | None,
    rebuild: bool,
    root_here: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Index the repository of PATH, or bring its index up to date."""
    from codesearch.shell.commands import session
    from codesearch.shell.render import dump

    started = time.monotonic()
    request = session.Request((path,), model, root_here, hidden, ignore, yes)
    with session.opened(request) as place:
        stats = session.refreshed(place.index, max_wait=max_wait, rebuild=rebuild)
        counts = place.index.counts()
        root = str(place.index.root)
    if as_json:
        write(dump({"root": root, "counts": counts, "stats": stats}))
        return
    for note in stats.notes:
        say(f"note: {note}")
    write(_summary(root, stats, counts, time.monotonic() - started))


def _summary(root: str, stats: object, counts: object, elapsed: float) -> str:
    from codesearch.records import Stats
    from codesearch.shell.report import seconds
    from codesearch.storage.stored import Counts

    assert isinstance(stats, Stats)
    assert isinstance(counts, Counts)
    changed = (
        f"{stats.files_added} added, {stats.files_changed} changed, {stats.files_removed} removed, "
        f"{stats.files_reused} as they were"
    )
    lines = [
        f"{one_line(root)}",
        f"files    {counts.files:,} ({changed})",
        f"chunks   {counts.chunks:,} ({stats.chunks_added:,} new)",
        f"vectors  {counts.embedded:,} ({stats.embedded:,} computed, {stats.from_cache:,} from the cache)",
    ]
    if stats.skipped:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in stats.skipped.items())
        lines.append(f"skipped  {reasons}")
    if stats.truncated:
        lines.append(f"longer than the model takes: {stats.truncated:,} chunks (embedded by their beginning)")
    if counts.embedded < counts.chunks:
        lines.append(f"{counts.embedded} of {counts.chunks} chunks embedded; run again to go on")
    lines.append(f"took     {seconds(elapsed)}")
    return "\n".join(lines) + "\n"


@click.command()
@click.argument("path", default=".")
@options.root_here
@options.json_flag
def status(path: str, *, root_here: bool, as_json: bool) -> None:
    """Say what is indexed for PATH, with which model, and how far."""
    from codesearch.shell.commands import session
    from codesearch.shell.render import dump
    from codesearch.shell.report import facts

    request = session.Request((path,), root_here=root_here)
    with session.opened(request, create=False) as place:
        found = place.index.status()
    write(dump(found) if as_json else facts(found))
