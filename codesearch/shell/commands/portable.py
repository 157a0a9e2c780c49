"""``index export`` and ``index import``: an index as a file, for teammates and new machines."""

from __future__ import annotations

import click

from codesearch.rendering.terminal import one_line, say, write
from codesearch.shell.options import options

__all__ = ["export", "import_"]


@click.command(short_help="Write an index to a file, without text.")
@click.argument("file")
@click.argument("path", default=".")
@options.root_here
@options.json_flag
def export(file: str, path: str, *, root_here: bool, as_json: bool) -> None:
    """Write the index of PATH to FILE: chunk boundaries, names and vectors, but no text.

    Anyone with the same sources can import it instead of embedding them again. Bring the index up to date
    first: codesearch index PATH.
    """
    from codesearch.rendering.render import dump
    from codesearch.shell.options import session

    with session.open_one(session.Target((path,), root_here=root_here), create=False) as (index, _):
        manifest = index.export(file)
        counts = index.counts()
    if counts.embedded < counts.to_embed:
        say(f"note: {counts.embedded:,} of {counts.to_embed:,} chunks are embedded; codesearch index goes on")
    if as_json:
        write(dump({"file": file, "manifest": manifest}))
    else:
        write(
            f"{one_line(file)}: {manifest.files:,} files, {manifest.vectors:,} vectors of {manifest.model}\n"
        )


@click.command("import", short_help="Import an exported index, then index the rest.")
@click.argument("source", metavar="FILE|URL")
@click.argument("path", default=".")
@click.option("--sha256", metavar="HEX", help="Refuse the file unless it has this SHA-256.")
@options.max_wait
@options.root_here
@options.yes
@options.json_flag
def import_(
    source: str,
    path: str,
    *,
    sha256: str | None,
    max_wait: float | None,
    root_here: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Import what matches the files of PATH from an exported index, then index the rest.

    FILE|URL is a path, an http(s) URL or, with fsspec installed, s3://, gs:// and the like. Text always comes
    from your own files, and only from those whose content matches the export. Vectors cannot be checked: only
    import from people you trust, and pass --sha256.
    """
    from codesearch.rendering.render import dump
    from codesearch.shell.options import session
    from codesearch.shell.progress import Display

    with session.open_one(session.Target((path,), root_here=root_here, yes=yes)) as (index, _):
        with Display(f"importing into {index.root}") as display:
            imported = index.import_from(source, sha256=sha256, progress=display)
        for note in imported.notes:
            say(f"note: {note}")
        stats = session.refresh_with_progress(index, max_wait=max_wait)
        counts = index.counts()
    if as_json:
        write(dump({"imported": imported, "stats": stats, "counts": counts}))
        return
    write(
        f"{imported.files:,} files and {imported.vectors:,} vectors imported, "
        f"{imported.other_files:,} files differ here\n"
        f"{stats.files_added + stats.files_changed:,} files indexed, {stats.embedded:,} chunks embedded\n"
    )
