"""``search`` and ``similar``: the two questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from codesearch.shell.commands import options
from codesearch.shell.commands.output import checked, output_options, print_answer
from codesearch.shell.terminal import say

if TYPE_CHECKING:
    from codesearch.index.index import Index
    from codesearch.index.indexes import Indexes
    from codesearch.records import Hit
    from codesearch.shell.render import Answer

__all__ = ["search", "similar"]

_NONE_FOUND = 1


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for. Without ``text`` it is what matches the regular expressions."""

    text: str
    regexes: tuple[str, ...] = ()
    mode: str = "hybrid"
    reranker: object = None
    explain: bool = False


@click.command(epilog="A query that begins with a dash goes after --")
@click.argument("query", required=False)
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@options.limit
@options.filters
@click.option(
    "-e",
    "--regex",
    "regexes",
    multiple=True,
    metavar="REGEX",
    help="Only chunks that match, all of them if repeated; (?i) ignores case. "
    "Without QUERY: what matches, by path.",
)
@click.option(
    "--mode",
    type=click.Choice(["hybrid", "semantic", "lexical"]),
    default="hybrid",
    show_default=True,
    help="Meaning and words, meaning alone, or words alone (needs no model).",
)
@click.option(
    "--rerank",
    metavar="MODEL",
    help="Let a reranker (an alias, a Hub id, a folder) order the first 30 again. Off by default: it costs "
    "seconds, and with no trained one at hand, nobody has measured here what it gains.",
)
@click.option("--explain", is_flag=True, help="Show why each hit is where it is: ranks, signals, score.")
@output_options
@options.model
@options.scope
@options.no_refresh
@options.no_daemon
@options.max_wait
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
    rerank: str | None,
    explain: bool,
    model: str | None,
    hidden: bool | None,
    ignore: bool | None,
    no_refresh: bool,
    max_wait: float | None,
    root_here: bool,
    yes: bool,
    **printing: object,
) -> None:
    """Search the repository (or the PATHs, in one or several) for QUERY: a question, a name, a message."""
    output = checked(printing)
    from codesearch.shell.commands import session, several

    # What cannot be asked is refused before anything is indexed for it.
    question = _question(query, regexes, mode, rerank, explain)
    request = session.Request(session.existing(question.text, paths), model, root_here, hidden, ignore, yes)
    languages = session.languages_of(types)
    with several.opened(request, create=not no_refresh) as place:
        if not no_refresh:
            several.refresh_before_search(place, max_wait, question.mode)
        wanted = {"languages": languages, "globs": list(globs) or None, "under": place.under}
        answer = _answered(place.index, question, limit, wanted)
    _tell_completeness(answer, question.mode)
    print_answer(answer, output, question.regexes)
    ctx.exit(0 if answer.hits else _NONE_FOUND)


@click.command()
@click.argument("place", metavar="FILE:LINE|FILE#SYMBOL|SYMBOL|-")
@options.limit
@options.filters
@output_options
@options.model
@options.no_refresh
@options.no_daemon
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
    """Find code like the chunk at FILE:LINE, like the definition FILE#SYMBOL, like that of a SYMBOL which
    is defined only once, or like the code on standard input (-)."""
    output = checked(printing)
    from codesearch.shell.commands import session
    from codesearch.shell.commands.places import parse, standard_input

    wanted = parse(place)
    code = standard_input() if wanted.is_code else None
    request = session.Request((session.home_of(wanted.file or "."),), model, root_here, yes=yes)
    languages = session.languages_of(types)
    with session.opened(request, create=not no_refresh) as opened:
        if not no_refresh:
            session.refresh_before_search(opened.index, max_wait, "semantic")
        path = session.path_in(opened.index, wanted.file) if wanted.file else None
        hits = opened.index.similar(
            path,
            wanted.line,
            limit,
            languages,
            list(globs) or None,
            symbol=wanted.symbol or None,
            code=code,
            under=(),
        )
        answer = _answer(opened.index, code or place, hits)
    _tell_completeness(answer, "semantic")
    print_answer(answer, output)
    ctx.exit(0 if answer.hits else _NONE_FOUND)


def _question(
    query: str | None, regexes: tuple[str, ...], mode: str, rerank: str | None, explain: bool
) -> Question:
    """What is asked, checked and with its reranker loaded."""
    from codesearch.models.reranker import load_reranker
    from codesearch.searching.pattern import parse_pattern
    from codesearch.searching.query import Query
    from codesearch.shell.commands.places import is_path

    if query is None and not regexes:
        raise click.UsageError("Missing argument 'QUERY'.")
    text = query or ""
    if parse_pattern(regexes) is None:
        Query(text)
    elif text and is_path(text):
        say(f"note: {text} is the query here; what matches below a path: codesearch -e REGEX '' {text}")
    if not text.strip():
        if explain or rerank:
            raise click.UsageError("--explain and --rerank need a QUERY: what matches by path is not ranked")
        return Question(text, regexes, mode="lexical")  # needs no vectors
    return Question(text, regexes, mode, load_reranker(rerank) if rerank else None, explain)


def _answered(index: Index | Indexes, question: Question, limit: int, wanted: dict[str, Any]) -> Answer:
    asked: dict[str, Any] = {
        "mode": question.mode,
        "rerank": question.reranker,
        "pattern": question.regexes or None,
        "fold": bool(question.text.strip()),  # what matches by path is listed place by place
    }
    if not question.text.strip():
        hits = index.search(question.text, limit + 1, **asked, **wanted)
        if len(hits) > limit:
            say(f"more than {limit} chunks match; these are the first by path (-k shows more)")
        return _answer(index, question.text, hits[:limit])
    if not question.explain:
        return _answer(index, question.text, index.search(question.text, limit, **asked, **wanted))
    found = index.explain(question.text, limit, **asked, **wanted)
    answer = _answer(index, question.text, [explained.hit for explained in found])
    return replace(answer, explanations=tuple(explained.explanation for explained in found))


def _answer(index: Index | Indexes, query: str, hits: Sequence[Hit]) -> Answer:
    from codesearch.shell.render import Answer

    counts, roots = index.counts(), tuple(str(root) for root in index.roots)
    return Answer(query, roots, index.model, counts.embedded, counts.chunks, tuple(hits))


def _tell_completeness(answer: Answer, mode: str) -> None:
    if mode != "lexical" and answer.embedded < answer.total:
        say(f"{answer.embedded} of {answer.total} chunks embedded; the rest was searched by words only")
