"""Print hits, and define the options for how."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from codesearch import caller
from codesearch.quick_dataclass import dataclass
from codesearch.rendering.terminal import write
from codesearch.shell.options import options

if TYPE_CHECKING:
    from codesearch.records import Hit
    from codesearch.rendering.render import Answer

__all__ = ["Output", "checked", "output_options", "print_answer"]


@dataclass(frozen=True, slots=True)
class Output:
    """The options of printing."""

    as_json: bool = False
    as_jsonl: bool = False
    as_vimgrep: bool = False
    files_only: bool = False
    opened: int | None = None
    """Which hit the editor opens, from 1."""
    content: bool = True
    before: int | None = None
    after: int | None = None


_COUNT = click.IntRange(min=0)
_OPTIONS: tuple[Callable[[options.Command], options.Command], ...] = (
    click.option("--no-content", is_flag=True, help="Print locations only, no text."),
    click.option("--jsonl", "as_jsonl", is_flag=True, help="Print one JSON object per hit, one per line."),
    options.json_flag,
    click.option(
        "--format",
        "form",
        type=click.Choice(["text", "json", "jsonl", "vimgrep"]),
        help="Output format. vimgrep prints path:line:column:text, for editors and fzf.",
    ),
    click.option(
        "--open",
        "opened",
        is_flag=False,
        flag_value=1,
        type=click.IntRange(min=1),
        metavar="[N]",
        help="Open the first (or Nth) hit in $VISUAL or $EDITOR.",
    ),
    click.option(
        "-C",
        "--context",
        type=_COUNT,
        metavar="N",
        help="Print whole chunks with N lines before and after.",
    ),
    click.option(
        "-B",
        "--before-context",
        "before",
        type=_COUNT,
        metavar="N",
        help="Print whole chunks with N lines before.",
    ),
    click.option(
        "-A",
        "--after-context",
        "after",
        type=_COUNT,
        metavar="N",
        help="Print whole chunks with N lines after.",
    ),
    click.option(
        "-l", "--files-with-matches", "files_only", is_flag=True, help="Print only paths, each once."
    ),
)


def output_options(command: options.Command) -> options.Command:
    """Add the options that ``checked`` reads."""
    for option in _OPTIONS:
        command = option(command)
    return command


def checked(printing: dict[str, object]) -> Output:
    """Return the printing flags as a record. UsageError where they exclude each other."""
    form = printing["form"]
    forms = {
        "--json": bool(printing["as_json"]) or form == "json",
        "--jsonl": bool(printing["as_jsonl"]) or form == "jsonl",
        "--format vimgrep": form == "vimgrep",
        "-l": bool(printing["files_only"]),
    }
    if sum(forms.values()) + (form == "text") > 1:
        raise click.UsageError("--json, --jsonl, -l and other values of --format exclude each other")
    opened = printing["opened"]
    around, before, after = (printing[key] for key in ("context", "before", "after"))
    return Output(
        as_json=forms["--json"],
        as_jsonl=forms["--jsonl"],
        as_vimgrep=forms["--format vimgrep"],
        files_only=forms["-l"],
        opened=opened if isinstance(opened, int) else None,
        content=not printing["no_content"],
        before=_first(before, around),
        after=_first(after, around),
    )


def _first(*values: object) -> int | None:
    return next((value for value in values if isinstance(value, int)), None)


def print_answer(
    answer: Answer, output: Output, regexes: Sequence[str] = (), *, started: float | None = None
) -> None:
    """Print an answer. ``regexes`` are those of the search: lines that match are shown before others.

    ``started`` (``time.monotonic``) makes it count in ``codesearch stats``.
    """
    if output.opened:
        _open(answer, output.opened)
        return
    text = _printed(answer, output, regexes)
    write(text)
    if started is not None:
        from codesearch.storage.receipts import record

        record(
            "command line", " ".join(answer.roots), started, answer.hits, len(text.encode("utf-8", "replace"))
        )


def _printed(answer: Answer, output: Output, regexes: Sequence[str]) -> str:
    from codesearch.rendering import render

    if output.as_vimgrep:
        from codesearch.rendering.vimgrep import as_vimgrep

        return as_vimgrep(answer, caller.folder(), regexes)
    if output.as_json:
        return render.as_json(answer, output.content)
    if output.as_jsonl:
        return render.as_jsonl(answer, output.content)
    if output.files_only:
        return render.as_files(answer, caller.folder())
    return _as_text(answer, output, regexes)


def _open(answer: Answer, number: int) -> None:
    from codesearch.shell.editor import open_in_editor

    if not answer.hits:
        return
    if number > len(answer.hits):
        raise click.UsageError(f"--open is {number}, but there are {len(answer.hits)} hits")
    open_in_editor(answer.hits[number - 1])


def _as_text(answer: Answer, output: Output, regexes: Sequence[str]) -> str:
    from codesearch.rendering import render
    from codesearch.rendering.snippets import Snippet, excerpt, with_context
    from codesearch.rendering.terminal import colours
    from codesearch.searching.question.pattern import parse_pattern

    pattern = parse_pattern(regexes)
    snippet: Callable[[Hit], Snippet] | None = None
    if output.before is not None or output.after is not None:
        snippet = lambda hit: with_context(hit, output.before or 0, output.after or 0)  # noqa: E731
    elif output.content:
        snippet = lambda hit: excerpt(hit, answer.query, pattern)  # noqa: E731
    styles: tuple[Any, ...] = ()
    if colours(caller.stdout()):
        from codesearch.rendering.highlight import heading, paint

        styles = (paint, heading)
    why = answer.explanations
    return render.as_text(answer.hits, caller.folder(), snippet, *styles, explanations=why)
