"""Prints hits, and defines the options that say how."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from codesearch import caller
from codesearch.shell.commands import options
from codesearch.shell.terminal import write

if TYPE_CHECKING:
    from codesearch.records import Hit
    from codesearch.shell.render import Answer

__all__ = ["Output", "checked", "output_options", "print_answer"]


@dataclass(frozen=True, slots=True)
class Output:
    """The options of printing."""

    as_json: bool = False
    as_jsonl: bool = False
    files_only: bool = False
    content: bool = True
    before: int | None = None
    after: int | None = None


def output_options(command: options.Command) -> options.Command:
    """Add the options that ``checked`` reads."""
    count = click.IntRange(min=0)
    for option in (
        click.option("--no-content", is_flag=True, help="Print places only, no text."),
        click.option(
            "--jsonl", "as_jsonl", is_flag=True, help="Print a JSON object for each hit, one a line."
        ),
        options.json_flag,
        click.option(
            "-C",
            "--context",
            type=count,
            metavar="N",
            help="Print whole chunks and N lines before and after.",
        ),
        click.option(
            "-B",
            "--before-context",
            "before",
            type=count,
            metavar="N",
            help="Print whole chunks and N lines before.",
        ),
        click.option(
            "-A",
            "--after-context",
            "after",
            type=count,
            metavar="N",
            help="Print whole chunks and N lines after.",
        ),
        click.option(
            "-l", "--files-with-matches", "files_only", is_flag=True, help="Print paths only, each once."
        ),
    ):
        command = option(command)
    return command


def checked(printing: dict[str, object]) -> Output:
    """Return the printing flags as a record. UsageError where they exclude each other."""
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


def print_answer(answer: Answer, output: Output, regexes: Sequence[str] = ()) -> None:
    """Print an answer. ``regexes`` are those of the search: lines that match are shown before others."""
    from codesearch.shell import render

    if output.as_json:
        write(render.as_json(answer, output.content))
    elif output.as_jsonl:
        write(render.as_jsonl(answer, output.content))
    elif output.files_only:
        write(render.as_files(answer, caller.folder()))
    else:
        _print_text(answer, output, regexes)


def _print_text(answer: Answer, output: Output, regexes: Sequence[str]) -> None:
    from codesearch.searching.pattern import parse_pattern
    from codesearch.shell import render
    from codesearch.shell.snippets import Snippet, excerpt, with_context
    from codesearch.shell.terminal import colours

    pattern = parse_pattern(regexes)
    snippet: Callable[[Hit], Snippet] | None = None
    if output.before is not None or output.after is not None:
        snippet = lambda hit: with_context(hit, output.before or 0, output.after or 0)  # noqa: E731
    elif output.content:
        snippet = lambda hit: excerpt(hit, answer.query, pattern)  # noqa: E731
    styles: tuple[Any, ...] = ()
    if colours(caller.stdout()):
        from codesearch.shell.highlight import heading, paint

        styles = (paint, heading)
    why = answer.explanations
    write(render.as_text(answer.hits, caller.folder(), snippet, *styles, explanations=why))
