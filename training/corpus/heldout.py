"""Held-out projects -> documented functions, whole, each with the sentence that its comment begins with.

What "documented" means is the product's definition
(codesearch.chunking.syntax.doc_comments), to the byte: the same figure can be had from ``codesearch bench``
on any project.
"""

from __future__ import annotations

from collections.abc import Sequence

from codesearch.chunking.syntax.doc_comments import DocumentedDefinition
from codesearch.chunking.workers.parse_pool import DocumentedFile
from training.corpus.prose.foreign import foreign_sentence
from training.corpus.prose.sentences import sentence_of
from training.corpus.reading import is_test
from training.corpus.records import Kind, Pair

__all__ = ["heldout_pairs"]

_FUNCTIONS = frozenset({"function", "method", "macro"})
_MIN_TEXT, _MAX_TEXT = 50, 6_000
"""Characters of a function: a stub says nothing, and nobody reads a longer one."""


def heldout_pairs(repo: str, file: DocumentedFile) -> list[Pair]:
    """One row a documented function of this file, in order."""
    if is_test(file.file.path):
        return []
    pairs = []
    for definition in file.definitions:
        if definition.kind not in _FUNCTIONS:
            continue
        said = sentence_of([definition.comment], definition.name)
        foreign = foreign_sentence(definition.comment.split("\n"))
        body = _without_comment(file.data, definition)
        if not _MIN_TEXT <= len("".join(body.split())) <= _MAX_TEXT:
            continue
        if said is not None and said not in body:
            pairs.append(_row(repo, file, definition, ("doc", said), body))
        elif foreign is not None and foreign not in body:
            pairs.append(_row(repo, file, definition, ("foreign", foreign), body))
    return pairs


def _row(
    repo: str, file: DocumentedFile, definition: DocumentedDefinition, asked: tuple[Kind, str], body: str
) -> Pair:
    qualified = " > ".join((*definition.scope, definition.name))
    return Pair(
        id="",
        query=asked[1],
        text=f"# {file.file.path}\n# {qualified}\n{body}",
        kind=asked[0],
        language=file.file.language or "",
        repo=repo,
        path=file.file.path,
        symbol=definition.name,
    )


def _without_comment(data: bytes, definition: DocumentedDefinition) -> str:
    """The definition's lines; erasures above them do not matter, those inside are filled."""
    lines: Sequence[bytes] = data.split(b"\n")
    start = sum(len(line) + 1 for line in lines[: definition.start_line - 1])
    end = start + sum(len(line) + 1 for line in lines[definition.start_line - 1 : definition.end_line])
    kept, at = b"", start
    for gone in sorted(definition.erasures, key=lambda each: each.start):
        if gone.start >= at and gone.end <= end:
            kept += data[at : gone.start] + gone.filler.encode()
            at = gone.end
    text = (kept + data[at:end]).decode("utf-8", "replace")
    return "\n".join(line for line in text.split("\n") if line.strip())
