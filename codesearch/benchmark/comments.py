"""Documentation comments -> questions: the first sentence asks, the definition answers.

Left out are definitions that a search puts lower on purpose (tests, examples, generated code, stubs),
those that are too small to be found by anything but their name, and those that share their sentence with
another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from codesearch.benchmark.questions import COMMENTS, Place, Question, unambiguous
from codesearch.benchmark.sentences import first_sentence
from codesearch.chunking.syntax.doc_comments import DocumentedDefinition
from codesearch.chunking.workers.parse_pool import DocumentedFile
from codesearch.searching.signals.path_roles import roles_of

__all__ = ["from_comments"]

_OWNERS = frozenset({"class", "interface", "struct", "enum", "trait", "union", "type"})
_ROUTINES = frozenset({"function", "method", "macro", "property"})
_LEAST_LINES = 3
"""Of a definition, without its comment."""


def from_comments(files: Iterable[DocumentedFile]) -> list[Question]:
    """The questions of all files, in their order."""
    return unambiguous(question for file in files for question in _questions(file))


def _questions(file: DocumentedFile) -> Iterator[Question]:
    path = file.file.path
    if roles_of(path):
        return
    for definition in file.definitions:
        if definition.kind not in _OWNERS | _ROUTINES or _lines(definition, file.data) < _LEAST_LINES:
            continue
        text = first_sentence(definition.comment, definition.name)
        if text is not None:
            yield Question(COMMENTS, text, (_place(path, definition),), definition.erasures)


def _lines(definition: DocumentedDefinition, data: bytes) -> int:
    """Lines of a definition; those of a docstring inside of it do not count."""
    total = definition.end_line - definition.start_line + 1
    if definition.comment.lstrip("rRuU").startswith(('"', "'")):
        docstring = definition.erasures[0]
        total -= data.count(b"\n", docstring.start, docstring.end) + 1
    return total


def _place(path: str, definition: DocumentedDefinition) -> Place:
    """Any line of a routine is an answer; of what has members, only its head: they have their own."""
    end = definition.start_line if definition.kind in _OWNERS else definition.end_line
    return Place(path, definition.start_line, end)
