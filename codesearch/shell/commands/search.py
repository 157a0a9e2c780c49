"""``search`` and ``similar``: the two questions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from codesearch.shell.commands import options
from codesearch.shell.terminal import say, write

if TYPE_CHECKING:
    from codesearch.index import Index
    from codesearch.records import Hit
    from codesearch.shell.render import Answer

__all__ = ["search", "similar"]

_NONE_FOUND = 1


@dataclass(frozen=True, slots=True)
class Output:
    """How hits are to be printed."""

    as_json: bool = False
    as_jsonl: bool = False
    files_only: bool = False
    content: bool = True
    before: int | None = None
    after: int | None = None


def _output(command: options.Command) -> options.Command:
    count = click.IntRange(min=0)
    for option in (
        click.option("--no-content", is_flag=True, help="Places only, no text."),
        click.option("--jsonl", "as_jsonl", is_flag=True, help="Print one JSON object a line and hit."),
        options.json_flag,
        click.option("-C", "--context", type=count, metavar="N", help="The same, before and after."),
        click.option(
            "-B",
            "--before-context",
            "before",
            type=count,
            metavar="N",
            help="Whole chunks, N lines before.",
        ),
        click.option(
            "-A",
            "--after-context",
            "after",
            type=count,
            metavar="N",
            help="Whole chunks, N lines after.",
        ),
        click.option("-l", "--files-with-matches", "files_only", is_flag=True, help="Paths only, each once."),
    ):
        command = option(command)
    return command


@click.command(epilog="A query that begins with a dash goes after --")
@click.argument("query")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@options.limit
@options.filters
@click.option(
    "--mode",
    type=click.Choice(["hybrid", "semantic", "lexical"]),
    default="hybrid",
    show_default=True,
    help="Meaning and words, meaning alone, or words alone (needs no model).",
)
@_output
@options.model
@options.scope
@options.no_refresh
@options.max_wait
@options.root_here
@options.yes
@click.pass_context
def search(
    ctx: click.Context,
    /,
    query: str,
    paths: tuple[str, ...],
    *,
    limit: int,
    types: tuple[str, ...],
    globs: tuple[str, ...],
    mode: str,
    model: str | None,
    hidden: bool | None,
    ignore: bool | None,
    no_refresh: bool,
    max_wait: float | None,
    root_here: bool,
    yes: bool,
    **printing: object,
) -> None:
    """Search the repository (or the PATHs in it) for QUERY: a question, a name, a message."""
    output = _checked(printing)
    from codesearch.searching.query import Query
    from codesearch.shell.commands import session

    Query(query)  # an empty one is refused before anything is indexed for it
    request = session.Request(session.existing(query, paths), model, root_here, hidden, ignore, yes)
    languages = session.languages_of(types)
    with session.opened(request, create=not no_refresh) as place:
        if not no_refresh:
            session.refresh_before_search(place.index, max_wait, mode)
        hits = place.index.search(query, limit, mode, languages, list(globs) or None, under=place.under)
        answer = _answer(place.index, query, hits)
    _tell_completeness(answer, mode)
    _print(answer, output)
    ctx.exit(0 if answer.hits else _NONE_FOUND)


@click.command()
@click.argument("place", metavar="FILE:LINE|FILE#SYMBOL")
@options.limit
@options.filters
@_output
@options.model
@options.no_refresh
@options.max_wait
@options.root_here
@options.yes
@click.pass_context
def similar(
    ctx: click.Context,
    /,
    place: str,
    *,
    limit: int,
    types: tuple[str, ...],
    globs: tuple[str, ...],
    model: str | None,
    no_refresh: bool,
    max_wait: float | None,
    root_here: bool,
    yes: bool,
    **printing: object,
) -> None:
    """Find code like the chunk at FILE:LINE, or like the definition FILE#SYMBOL."""
    output = _checked(printing)
    from codesearch.shell.commands import session
    from codesearch.shell.commands.places import line_of, parse

    wanted = parse(place)
    request = session.Request((session.home_of(wanted.file),), model, root_here, yes=yes)
    languages = session.languages_of(types)
    with session.opened(request, create=not no_refresh) as opened:
        if not no_refresh:
            session.refresh_before_search(opened.index, max_wait, "semantic")
        path = session.path_in(opened.index, wanted.file)
        line = line_of(opened.index, path, wanted)
        hits = opened.index.similar(path, line, limit, languages, list(globs) or None, under=())
        answer = _answer(opened.index, place, hits)
    _tell_completeness(answer, "semantic")
    _print(answer, output)
    ctx.exit(0 if answer.hits else _NONE_FOUND)


def _checked(printing: dict[str, object]) -> Output:
    """The printing flags as a record. UsageError where they exclude each other."""
    forms = [flag for flag in ("as_json", "as_jsonl", "files_only") if printing[flag]]
    if len(forms) > 1:
        raise click.UsageError("--json, --jsonl and -l exclude each other")
    around, before, after = (printing[key] for key in ("context", "before", "after"))
    return Output(
        as_json=bool(printing["as_json"]),
        as_jsonl=bool(printing["as_jsonl"]),
        files_only=bool(printing["files_only"]),
        content=not printing["no_content"],
        before=_first(before, around),
        after=_first(after, around),
    )


def _first(*values: object) -> int | None:
    return next((value for value in values if isinstance(value, int)), None)


def _answer(index: Index, query: str, hits: Sequence[Hit]) -> Answer:
    from codesearch.shell.render import Answer

    counts = index.counts()
    return Answer(query, str(index.root), index.model, counts.embedded, counts.chunks, tuple(hits))


def _tell_completeness(answer: Answer, mode: str) -> None:
    if mode != "lexical" and answer.embedded < answer.total:
        say(f"{answer.embedded} of {answer.total} chunks embedded; the rest was searched by words only")


def _print(answer: Answer, output: Output) -> None:
    from codesearch.shell import render

    if output.as_json:
        write(render.as_json(answer, output.content))
    elif output.as_jsonl:
        write(render.as_jsonl(answer, output.content))
    elif output.files_only:
        write(render.as_files(answer, Path.cwd()))
    else:
        _print_text(answer, output)


def _print_text(answer: Answer, output: Output) -> None:
    import sys

    from codesearch.shell import render
    from codesearch.shell.snippets import Snippet, excerpt, with_context
    from codesearch.shell.terminal import colours

    snippet: Callable[[Hit], Snippet] | None = None
    if output.before is not None or output.after is not None:
        snippet = lambda hit: with_context(hit, output.before or 0, output.after or 0)  # noqa: E731
    elif output.content:
        snippet = lambda hit: excerpt(hit, answer.query)  # noqa: E731
    if colours(sys.stdout):
        from codesearch.shell.highlight import heading, paint

        write(render.as_text(answer.hits, Path.cwd(), snippet, paint, heading))
    else:
        write(render.as_text(answer.hits, Path.cwd(), snippet))
