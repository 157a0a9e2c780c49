"""``search`` and ``similar``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import click

from codesearch import caller
from codesearch.errors import counted
from codesearch.rendering.terminal import say
from codesearch.shell.exit_codes import NONE_FOUND
from codesearch.shell.options import completion, options
from codesearch.shell.options.output import checked, output_options, print_answer

if TYPE_CHECKING:
    from codesearch.index.index import Index
    from codesearch.index.remote import RemoteIndex
    from codesearch.index.several import Indexes
    from codesearch.records import Hit
    from codesearch.rendering.render import Answer
    from codesearch.searching.request import Kind, Mode, SearchRequest
    from codesearch.shell.options.session import OpenTarget

__all__ = ["search", "similar"]


@click.command(
    short_help="Search with a question, a name or a message.",
    epilog="If the query begins with a dash, put -- before it.",
)
@click.argument("query", required=False)
@click.argument("paths", nargs=-1, metavar="[PATH]...", shell_complete=completion.paths)
@options.limit
@options.filters
@click.option(
    "-e",
    "--regex",
    "regexes",
    multiple=True,
    metavar="REGEX",
    help="Keep only chunks that match; repeat to require several. (?i) ignores case. "
    "Without QUERY, list the matches by path.",
)
@click.option(
    "--mode",
    type=click.Choice(["hybrid", "semantic", "lexical"]),
    default="hybrid",
    show_default=True,
    help="hybrid: full text and vectors; semantic: vectors only; lexical: full text only, needs no model.",
)
@click.option(
    "--kind",
    type=click.Choice(["auto", "code", "docs", "all"]),
    default="auto",
    show_default=True,
    help="Search only code, only documentation or all alike; auto judges by the question which ranks first.",
)
@click.option(
    "--rerank",
    metavar="MODEL",
    help="Rerank the top 30 with a cross-encoder (an alias, a Hub id or a folder). Slow.",
)
@click.option("--explain", is_flag=True, help="Show how each score came about: ranks, signals, reranker.")
@output_options
@options.model
@options.scope
@options.freshness
@options.store
@options.root_here
@options.yes
@click.pass_context
def search(
    ctx: click.Context,
    /,
    query: str | None,
    paths: tuple[str, ...],
    *,
    limit: int,
    types: tuple[str, ...],
    globs: tuple[str, ...],
    regexes: tuple[str, ...],
    mode: str,
    kind: str,
    rerank: str | None,
    explain: bool,
    model: str | None,
    hidden: bool | None,
    ignore: bool | None,
    max_file_size: int | None,
    follow: bool | None,
    generated: bool | None,
    no_refresh: bool,
    max_wait: float | None,
    wait: bool,
    store: str | None,
    root_here: bool,
    yes: bool,
    **printing: object,
) -> None:
    """Search this repository, or each PATH, for QUERY: a question, a name or a message."""
    started, output = time.monotonic(), checked(printing)
    from codesearch.shell.options import session, several

    # What cannot be asked is refused before anything is indexed for it.
    request = _request(query, limit, mode, kind, types, globs, regexes, rerank, explain)
    if store:
        answer = _answer_of_store(store, paths, model, request)
        print_answer(answer, output, regexes)
        ctx.exit(0 if answer.hits else NONE_FOUND)
    existing = session.existing(request.query, paths)
    target = session.Target(existing, model, root_here, hidden, ignore, yes, max_file_size, follow, generated)
    with several.open_all(target, create=not no_refresh) as place:
        if not no_refresh:
            several.refresh_all_before_search(place, options.patience(max_wait, wait), request.mode)
        answer = _answer_of_place(place, request, globs)
    _tell_completeness(answer, request.mode)
    print_answer(answer, output, regexes, started=started)
    ctx.exit(0 if answer.hits else NONE_FOUND)


@click.command(short_help="Find code similar to a chunk, a definition or stdin.")
@click.argument("place", metavar="FILE:LINE|FILE#SYMBOL|SYMBOL|-")
@options.limit
@options.filters
@output_options
@options.model
@options.freshness
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
    wait: bool,
    root_here: bool,
    yes: bool,
    **printing: object,
) -> None:
    """Find code like the chunk at FILE:LINE, like the definition FILE#SYMBOL, like that of a SYMBOL which
    is defined only once, or like the code on standard input (-)."""
    started, output = time.monotonic(), checked(printing)
    from codesearch.shell.options import session
    from codesearch.shell.options.places import parse, standard_input

    wanted = parse(place)
    code = standard_input() if wanted.is_code else None
    if wanted.file and wanted.line is not None:
        session.check_line(wanted.file, wanted.line)
    target = session.Target((session.home_of(wanted.file or "."),), model, root_here, yes=yes)
    languages = session.languages_of(types)
    with session.open_one(target, create=not no_refresh) as (index, _):
        if not no_refresh:
            session.refresh_before_search(index, options.patience(max_wait, wait), "semantic")
        path = session.path_in(index, wanted.file) if wanted.file else None
        hits = index.similar(
            path,
            line=wanted.line,
            symbol=wanted.symbol or None,
            code=code,
            limit=limit,
            languages=languages,
            globs=globs,
            under=(),
        )
        answer = _with_state(index, code or place, hits)
    _tell_completeness(answer, "semantic")
    print_answer(answer, output, started=started)
    ctx.exit(0 if answer.hits else NONE_FOUND)


def _request(  # noqa: PLR0917 - the options of the command
    query: str | None,
    limit: int,
    mode: str,
    kind: str,
    types: tuple[str, ...],
    globs: tuple[str, ...],
    regexes: tuple[str, ...],
    rerank: str | None,
    explain: bool,
) -> SearchRequest:
    """Make the request, with its reranker loaded."""
    from codesearch.models.reranker import load_reranker
    from codesearch.searching.request import SearchRequest
    from codesearch.shell.options.places import is_path
    from codesearch.shell.options.session import languages_of

    if query is None and not regexes:
        raise click.UsageError("Missing argument 'QUERY'.")
    text = query or ""
    if regexes and text and is_path(text):
        say(f"note: {text} is the query here; what matches below a path: codesearch -e REGEX '' {text}")
    request = SearchRequest.make(
        text,
        limit=limit,
        mode=cast("Mode", mode),
        kind=cast("Kind", kind),
        languages=languages_of(types),
        globs=globs,
        pattern=regexes,
        explain=explain,
    )
    if request.is_listing:
        if explain or rerank:
            raise click.UsageError("--explain and --rerank need a QUERY: what matches by path is not ranked")
        # Needs no vectors; what matches by path is listed place by place.
        return replace(request, mode="lexical", fold=False)
    return replace(request, rerank=load_reranker(rerank) if rerank else None, fold=True)


def _answer_of_store(url: str, paths: Sequence[str], model: str | None, request: SearchRequest) -> Answer:
    """Search an engine. A PATH is a folder whose root is there, or the name of a root."""
    from codesearch.index.remote import open_store, root_name
    from codesearch.storage.folders.locations import locate

    names = [root_name(locate(path).root) if caller.path(path).exists() else path for path in paths]
    with open_store(url, roots=names or None, model=model) as remote:
        return _listing(remote, request) if request.is_listing else _answer(remote, request)


def _answer_of_place(place: OpenTarget, request: SearchRequest, globs: Sequence[str]) -> Answer:
    """Search the open indexes within what was named. Globs count from the current folder."""
    from codesearch.shell.options.filtering import globs_in, say_nothing_passes

    within = globs_in(place.index.roots, globs)
    request = replace(request, filter=replace(request.filter, under=place.under, globs=within))
    answer = _listing(place.index, request) if request.is_listing else _answer(place.index, request)
    if not answer.hits:
        say_nothing_passes(place.index, request.filter, globs)
    return answer


def _listing(index: Index | Indexes | RemoteIndex, request: SearchRequest) -> Answer:
    answer = _answer(index, replace(request, limit=request.limit + 1))
    if len(answer.hits) > request.limit:
        say(f"more than {counted(request.limit, 'chunk')} match; these are the first by path (-k shows more)")
    return replace(answer, hits=answer.hits[: request.limit])


def _answer(index: Index | Indexes | RemoteIndex, request: SearchRequest) -> Answer:
    found = index.answer(request)
    answer = _with_state(index, request.query, found.hits)
    return replace(answer, explanations=found.explanations)


def _with_state(index: Index | Indexes | RemoteIndex, query: str, hits: Sequence[Hit]) -> Answer:
    from codesearch.rendering.render import Answer

    counts, roots = index.counts(), tuple(str(root) for root in index.roots)
    return Answer(query, roots, index.model, counts.embedded, counts.to_embed, tuple(hits))


def _tell_completeness(answer: Answer, mode: str) -> None:
    if mode != "lexical" and answer.embedded < answer.total:
        embedded = f"{answer.embedded:,} of {counted(answer.total, 'chunk')} embedded"
        say(f"{embedded}; the others were searched lexically only (--wait waits for all)")
