"""``index`` and ``status``: build indexes and show their state.

Of several roots each is done for itself: one that fails is told, the others go on, and the exit code is 2.
With ``--json`` one root is an object, several are a list; what failed is ``{"root", "error", "kind"}`` in it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from codesearch.errors import CodesearchError, counted
from codesearch.rendering.terminal import one_line, say, write
from codesearch.shell.options import options

if TYPE_CHECKING:
    from codesearch.distributed.engines.upload import Upload
    from codesearch.index.index import Index
    from codesearch.shell.options.session import Target

__all__ = ["index", "status"]

_FAILED = 2


@click.command(short_help="Index a repository, or refresh its index.")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@options.model
@options.scope
@options.max_wait
@click.option("--rebuild", is_flag=True, help="Delete the index first, for a new model or after damage.")
@options.store
@click.option(
    "--as",
    "name",
    metavar="NAME",
    help="Name of the root in the store. [default: host/owner/repository of its git remote, else its folder]",
)
@click.option(
    "--text-model",
    metavar="MODEL",
    help="With --store: give each chunk a second vector by this model (Qdrant only).",
)
@options.root_here
@options.yes
@options.json_flag
@click.pass_context
def index(
    ctx: click.Context,
    /,
    paths: tuple[str, ...],
    *,
    model: str | None,
    hidden: bool | None,
    ignore: bool | None,
    max_file_size: int | None,
    follow: bool | None,
    generated: bool | None,
    max_wait: float | None,
    rebuild: bool,
    store: str | None,
    name: str | None,
    text_model: str | None,
    root_here: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Index each PATH, or bring its index up to date; with --store, upload it too."""
    from codesearch.index.several import shares
    from codesearch.shell.options import session, several

    for option, value in (("--as", name), ("--text-model", text_model)):
        if value is not None and not store:
            raise click.UsageError(f"{option} says how to upload; give --store, too")
    target = session.Target(paths, model, root_here, hidden, ignore, yes, max_file_size, follow, generated)
    seconds = shares(max_wait, len(several.each_root(target)))

    def build(one: Target) -> dict[str, Any]:
        started, share = time.monotonic(), next(seconds)
        with session.open_one(one) as (index, _):
            stats = session.refresh_with_progress(index, max_wait=share, rebuild=rebuild)
            counts, root = index.counts(), str(index.root)
            uploaded = _uploaded(index, store, name, text_model) if store else None
        if not as_json:
            for note in stats.notes:
                say(f"note: {note}")
            write(_summary(root, stats, counts, time.monotonic() - started))
            if uploaded:
                write(f"store    {uploaded.written:,} chunks written, {uploaded.deleted:,} deleted\n")
        return {"root": root, "counts": counts, "stats": stats, **({"upload": uploaded} if uploaded else {})}

    ctx.exit(_each(target, build, as_json))


def _uploaded(index: Index, url: str, name: str | None, text_model: str | None) -> Upload:
    """Upload an index to the engine at ``url``."""
    from codesearch.distributed.engines.address import open_engine
    from codesearch.index.remote import root_name
    from codesearch.shell.progress import Display

    engine = open_engine(url)
    try:
        with Display(f"uploading {index.root}") as display:
            root = name or root_name(index.root)
            return index.upload(engine, root, text_model=text_model, progress=display)
    finally:
        engine.close()


def _each(target: Target, work: Callable[[Target], Any], as_json: bool) -> int:
    """Do the work for each root and print its results as JSON, if asked for; the exit code."""
    from codesearch.rendering.render import dump
    from codesearch.shell.options import several

    roots = several.each_root(target)
    if len(roots) == 1:
        found = work(target)
        if as_json:
            write(dump(found))
        return 0
    results: list[Any] = []
    code = 0
    for path in roots:
        try:
            results.append(work(replace(target, paths=(path,))))
        except CodesearchError as error:
            code = _FAILED
            say(f"error: {one_line(path)}: {error}")
            results.append({"root": path, "error": str(error), "kind": type(error).__name__})
    if as_json:
        write(dump(results))
    return code


def _summary(root: str, stats: object, counts: object, elapsed: float) -> str:
    from codesearch.records import Stats
    from codesearch.rendering.report import seconds
    from codesearch.storage.rows import Counts

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
        lines.append(
            f"longer than the model takes: {counted(stats.truncated, 'chunk')} (embedded by their beginning)"
        )
    if counts.chunks > counts.to_embed:
        lines.append(
            f"generated pages: {counted(counts.chunks - counts.to_embed, 'chunk')}, searched by words"
        )
    if counts.embedded < counts.to_embed:
        lines.append(
            f"{counts.embedded:,} of {counted(counts.to_embed, 'chunk')} embedded; run again to go on"
        )
    lines.append(f"took     {seconds(elapsed)}")
    return "\n".join(lines) + "\n"


def _say_left_out(index: Index, as_json: bool) -> dict[str, Any]:
    """Print what was left out, by reason, then by path; the record for JSON."""
    left_out = index.left_out()
    if not as_json:
        rows = sorted((reason, path) for path, reason in left_out.items())
        write("".join(f"{reason}\t{one_line(path)}\n" for reason, path in rows))
    return {"root": index.root, "left_out": left_out}


@click.command(short_help="Show what is indexed, with which model.")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--skipped", is_flag=True, help="List what was left out, and why, instead.")
@options.root_here
@options.json_flag
@click.pass_context
def status(
    ctx: click.Context, /, paths: tuple[str, ...], *, skipped: bool, root_here: bool, as_json: bool
) -> None:
    """Show what is indexed for each PATH, with which model, and how far."""
    from codesearch.rendering.report import facts
    from codesearch.shell.options import session

    target = session.Target(paths, root_here=root_here)
    said = 0

    def say_status(one: Target) -> Any:
        nonlocal said
        with session.open_one(one, create=False) as (index, _):
            if skipped:
                return _say_left_out(index, as_json)
            found = index.status()
        if not as_json:
            write("\n" * bool(said) + facts(found))
        said += 1
        return found

    code = _each(target, say_status, as_json)
    if not (as_json or skipped):
        _say_resident()
    ctx.exit(code)


def _say_resident() -> None:
    """Add what the resident process holds, where one runs."""
    from codesearch.rendering.report import human_bytes
    from codesearch.serving.resident import client
    from codesearch.serving.resident.address import Address

    address = Address.read() if client.allowed() else None
    if address is None:
        return
    try:
        found = next(client.ask(address, "/v1/status", {}), {})
    except (client.Unreachable, ValueError):
        return
    memory = f"{human_bytes(found['memory_bytes'])} of {human_bytes(found['memory_limit_bytes'])}"
    indexes = f"{len(found['indexes'])} indexes open, {len(found['watched'])} trees watched"
    write(f"resident process  {found['pid']}, {memory}, {indexes} (codesearch serve --status)\n")
