"""Hits as ``path:line:column:text``, the form that Vim, Emacs, VS Code and fzf jump from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from codesearch.records import Hit
from codesearch.rendering.render import Answer, shown_path
from codesearch.rendering.snippets import excerpt
from codesearch.rendering.terminal import one_line
from codesearch.searching.question.pattern import Pattern, parse_pattern
from codesearch.storage.lexical.tokens import query_terms, tokenize

__all__ = ["as_vimgrep", "telling_line"]


def as_vimgrep(answer: Answer, folder: Path, regexes: Sequence[str] = ()) -> str:
    """A line for each hit, best first; line and column are 1-based, the column in bytes, as Vim counts it."""
    pattern = parse_pattern(regexes)
    shown = []
    for hit in answer.hits:
        number, text = telling_line(hit, answer.query, pattern)
        column = len(text[: len(text) - len(text.lstrip())].encode("utf-8", "replace")) + 1
        shown.append(f"{shown_path(hit, folder)}:{number}:{column}:{one_line(text.strip())}\n")
    return "".join(shown)


def telling_line(hit: Hit, query: str, pattern: Pattern | None = None) -> tuple[int, str]:
    """The line of a hit to jump to: the first with a match, else with most of the query's terms."""
    if pattern is not None:
        lines = hit.text.splitlines()
        at = min(pattern.first_lines(hit.text), default=0)
        return hit.start_line + at, lines[at] if at < len(lines) else ""
    terms = set(query_terms(query))
    shown = [line for line in excerpt(hit, query).lines if line.text.strip()]
    if not shown:
        return hit.start_line, ""
    best = max(shown, key=lambda line: (len(terms.intersection(tokenize(line.text))), -line.number))
    return best.number, best.text
