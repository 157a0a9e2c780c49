"""Hits as text and as JSON. Pure: strings in, strings out; everything from files is made safe here.

JSON is ASCII (every other character escaped), so it passes any terminal and any pipe unharmed.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codesearch.quick_dataclass import dataclass
from codesearch.records import Copy, Hit, metadata_of
from codesearch.rendering.explanations import as_record, in_words
from codesearch.rendering.groups import Sections, by_file, merged
from codesearch.rendering.snippets import Line, Snippet, more_lines
from codesearch.rendering.terminal import one_line, safe
from codesearch.searching.explain import Explanation

if TYPE_CHECKING:
    from codesearch.searching.references.find import Reference

__all__ = [
    "Answer",
    "as_files",
    "as_json",
    "as_jsonl",
    "as_object",
    "as_text",
    "dump",
    "error_json",
    "shown_path",
]

_SHOWN_COPIES = 3


@dataclass(frozen=True, slots=True)
class Answer:
    """The hits of a search, and how complete the index was: ``embedded`` of ``total`` chunks."""

    query: str
    roots: tuple[str, ...]
    model: str
    embedded: int
    total: int
    hits: tuple[Hit, ...]
    explanations: tuple[Explanation, ...] = ()
    """One a hit, or none."""


def as_json(answer: Answer, content: bool = True) -> str:
    """One object, with a line feed at the end."""
    return dump(as_object(answer, content))


def as_object(answer: Answer, content: bool = True) -> dict[str, Any]:
    """Return the values that ``--json`` prints."""
    return {
        "query": answer.query,
        "root": answer.roots[0] if len(answer.roots) == 1 else None,
        "roots": answer.roots,
        "model": answer.model,
        "embedded": answer.embedded,
        "total": answer.total,
        "results": _records(answer, content),
    }


def as_jsonl(answer: Answer, content: bool = True) -> str:
    """One object a line and hit."""
    return "".join(dump(record, indent=None) for record in _records(answer, content))


def as_files(answer: Answer, cwd: Path) -> str:
    """The files of the hits and of their copies, best first, each once."""
    places = [place for hit in answer.hits for place in _places(hit)]
    paths = dict.fromkeys(shown_path(place, cwd) for place in places)
    return "".join(f"{path}\n" for path in paths)


def as_text(
    hits: Sequence[Hit],
    cwd: Path,
    snippet: Callable[[Hit], Snippet] | None,
    paint: Callable[[Hit, Sequence[Line]], list[str]] | None = None,
    heading: Callable[[str], str] = str,
    *,
    explanations: Sequence[Explanation] = (),
) -> str:
    """The hits of a file together: a heading each, ``path:start-end  kind symbol  score``, then the lines.

    ``snippet`` None leaves the lines out, and with them the grouping: a hit a line, best first. ``paint``
    gives the (safe) lines highlighted. ``explanations``, one a hit, go below the headings.
    """

    def headings(places: Iterable[int]) -> list[str]:
        shown = []
        for place in places:
            shown.append(heading(_heading(hits[place], cwd)))
            shown += _copies(hits[place], cwd)
            if explanations:
                shown.append(f"    {in_words(explanations[place])}")
        return shown

    if snippet is None:
        return "".join(f"{line}\n" for line in headings(range(len(hits))))
    blocks = []
    for group in by_file(hits):
        lines = headings(group.places) + _numbered(group.hits[0], merged(group, snippet), paint)
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def shown_path(hit: Hit | Copy | Reference, cwd: Path) -> str:
    """The path as it can be used from here: relative to a folder inside or above the root, else absolute."""
    root = Path(hit.root)
    if cwd == root:
        return one_line(hit.path)
    related = root in cwd.parents or cwd in root.parents
    return one_line(Path(os.path.relpath(root / hit.path, cwd) if related else root / hit.path).as_posix())


def dump(value: Any, indent: int | None = 2) -> str:
    """ASCII JSON of records, paths and plain values, with a line feed at the end."""
    # DEL is the one control character that JSON lets through.
    return json.dumps(value, default=_plain, indent=indent).replace("\x7f", "\\u007f") + "\n"


def error_json(error: str, kind: str) -> str:
    """An error for a program that asked for JSON."""
    return dump({"error": error, "kind": kind}, indent=None)


def _records(answer: Answer, content: bool) -> list[dict[str, Any]]:
    records = [_record(hit, content, len(answer.roots) > 1) for hit in answer.hits]
    for record, why in zip(records, answer.explanations, strict=False):
        record["explain"] = as_record(why)
    return records


def _record(hit: Hit, content: bool, several: bool) -> dict[str, Any]:
    """Places name their root where there are several; ``copies`` is there where there are any."""
    record: dict[str, Any] = {**metadata_of(hit), "score": hit.score}
    if hit.best_lines:
        record["best_lines"] = list(hit.best_lines)
    if hit.copies:
        record["copies"] = [_copy_record(copy, several) for copy in hit.copies]
    if content:
        record["content"] = hit.text
    return {"root": hit.root, **record} if several else record


def _copy_record(copy: Copy, several: bool) -> dict[str, Any]:
    record = {"path": copy.path, "start_line": copy.start_line, "end_line": copy.end_line}
    return {"root": copy.root, **record} if several else record


def _heading(hit: Hit, cwd: Path) -> str:
    what = " ".join(one_line(part) for part in (hit.kind, hit.symbol) if part)
    return f"{shown_path(hit, cwd)}:{hit.start_line}-{hit.end_line}  {what}  {hit.score:.3f}"


def _places(hit: Hit) -> list[Hit | Copy]:
    return [hit, *hit.copies]


def _copies(hit: Hit, cwd: Path) -> list[str]:
    """The line that says where else the text stands."""
    shown = [
        f"{shown_path(copy, cwd)}:{copy.start_line}-{copy.end_line}" for copy in hit.copies[:_SHOWN_COPIES]
    ]
    if len(hit.copies) > len(shown):
        shown.append(f"{len(hit.copies) - len(shown)} more places")
    return [f"    also in {', '.join(shown)}"] if shown else []


def _numbered(
    hit: Hit, sections: Sections, paint: Callable[[Hit, Sequence[Line]], list[str]] | None
) -> list[str]:
    """The lines of the file that ``hit`` is in, with their numbers, and ``--`` where some are skipped."""
    width = max((len(str(run[-1].number)) for run in sections.runs), default=0)
    shown: list[str] = []
    for run in sections.runs:
        lines = [Line(line.number, safe(line.text), line.inside) for line in run]
        texts = paint(hit, lines) if paint else [line.text for line in lines]
        shown += ["--"] if shown else []
        shown += [
            f"{line.number:>{width}}{':' if line.inside else '-'} {text}".rstrip()
            for line, text in zip(lines, texts, strict=True)
        ]
    if sections.omitted:
        shown.append(f"{'':>{width}}  ... {more_lines(sections.omitted)}")
    return shown


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Path | datetime):
        return str(value)
    if hasattr(value, "items"):
        return dict(value)
    return list(value)
