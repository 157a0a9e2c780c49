"""``callers``: who calls and uses a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from codesearch import caller
from codesearch.errors import counted
from codesearch.rendering.terminal import say, write
from codesearch.shell.exit_codes import NONE_FOUND
from codesearch.shell.options import completion, options

if TYPE_CHECKING:
    from codesearch.index.index import Index
    from codesearch.searching.references.find import Reference
    from codesearch.shell.options.places import Place

__all__ = ["callers"]


@click.command(short_help="Find who calls a name, and what it calls.")
@click.argument("place", metavar="SYMBOL|FILE:LINE|FILE#SYMBOL")
@click.argument("path", required=False, shell_complete=completion.paths)
@click.option(
    "-k", "--limit", default=50, show_default=True, type=click.IntRange(min=1), help="Number of uses."
)
@click.option("--all", "everything", is_flag=True, help="Show imports and other uses too.")
@options.filters
@options.json_flag
@options.freshness
@options.root_here
@options.yes
@click.pass_context
def callers(
    ctx: click.Context,
    /,
    place: str,
    path: str | None,
    *,
    limit: int,
    everything: bool,
    types: tuple[str, ...],
    globs: tuple[str, ...],
    as_json: bool,
    no_refresh: bool,
    max_wait: float | None,
    wait: bool,
    root_here: bool,
    yes: bool,
) -> None:
    """Find who calls SYMBOL in this repository or that of PATH, product code first.

    For a place in a file, find who calls the definition there, and what it calls. Calls are matched by
    syntax, not by type: a call of send counts for every send.
    """
    from codesearch.rendering import references
    from codesearch.shell.options import session
    from codesearch.shell.options.places import parse

    wanted = parse(place)
    if wanted.is_code:
        raise click.UsageError("callers takes a SYMBOL, FILE:LINE or FILE#SYMBOL, no code")
    if wanted.file and wanted.line is not None:
        session.check_line(wanted.file, wanted.line)
    languages = session.languages_of(types)
    target = session.Target((session.home_of(wanted.file or path or "."),), None, root_here, yes=yes)
    with session.open_one(target, create=not no_refresh) as (index, _):
        if not no_refresh:
            session.refresh_before_search(index, options.patience(max_wait, wait), "lexical")
        name, callees = _meant(index, wanted)
        if not name:
            raise click.UsageError(f"{place} holds no definition; give a line of one, or a SYMBOL")
        found = index.references(
            name, limit=limit, calls_only=not everything, languages=languages, globs=globs, under=()
        )
    in_words = references.as_text(found, callees, caller.folder())
    write(references.as_json(found, callees) if as_json else in_words)
    if not found.complete:
        say(f"more than {counted(limit, 'use')}; -k shows more")
    if not found.definitions and not found.uses:
        say(f"nothing here is called {name}; names are told apart by case")
    ctx.exit(0 if found.uses else NONE_FOUND)


def _meant(index: Index, place: Place) -> tuple[str, tuple[Reference, ...]]:
    """The name at a place, and what its definition calls; of a name alone nothing is known to call."""
    if not place.file:
        return place.symbol, ()
    from codesearch.shell.options import session

    file = session.path_in(index, place.file)
    related = index.related(file, line=place.line, symbol=place.symbol or None)
    return related.name, related.callees
