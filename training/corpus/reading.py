"""One repository's work tree -> the files to learn from, within a budget, tests and prose in moderation.

The walk and the reading are the product's; what is left out besides is screening.py's business. Files
are taken in an order that is random but fixed, so that a budget cuts no folder off.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from codesearch.files.content.source import SourceText, read_source
from codesearch.files.languages import LANGUAGES
from codesearch.files.walk import walk
from codesearch.searching.signals.path_roles import roles_of
from training.corpus.duplicates import Fingerprint, fingerprint
from training.corpus.prose.screening import kept_by_content, kept_by_path

__all__ = ["SHARES", "Candidate", "candidates", "is_test", "read", "share_of"]

_MAX_FILE_BYTES = 120_000
_BYTES_PER_CHUNK = 1_100
"""About what a chunk of source holds; the exact cut is made when the chunks are there."""
_SPARE = 1.6
SHARES: Mapping[str, float] = {"code": 1.0, "test": 0.25, "prose": 0.12, "data": 0.03}
"""Of a repository's budget of chunks; what one does not use goes to none of the others."""
_CODE_WITHOUT_GRAMMAR = frozenset(
    {"perl", "groovy", "gradle", "erlang", "clojure", "dart", "cmake", "vue", "svelte"}
)
_DATA = frozenset({"json", "yaml", "toml", "html", "css", "sql"})


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that passed, and what it is compared by."""

    path: str
    fingerprint: Fingerprint


def is_test(path: str) -> bool:
    """Whether a path is a test's by the conventions of its language."""
    return any(role.name == "test" for role in roles_of(path))


def share_of(path: str, language: str | None) -> str:
    """Which part of a repository's budget a file counts for: "code", "test", "prose" or "data"."""
    if language is None:
        return "data"
    if LANGUAGES[language].prose:
        return "prose"
    has_grammar = LANGUAGES[language].grammar and language not in _DATA
    if not (has_grammar or language in _CODE_WITHOUT_GRAMMAR):
        return "data"
    return "test" if is_test(path) else "code"


def candidates(root: Path, max_chunks: int) -> list[Candidate]:
    """Files of a work tree that pass, in the order in which they are to be taken."""
    left = {share: int(part * _SPARE * max_chunks * _BYTES_PER_CHUNK) for share, part in SHARES.items()}
    found = []
    for source in _sources(root):
        if max(left.values()) <= 0:
            break
        share = share_of(source.file.path, source.file.language)
        if left[share] <= 0 or not kept_by_content(source.data):
            continue
        left[share] -= len(source.data)
        found.append(Candidate(source.file.path, fingerprint(source.data)))
    return found


def read(root: Path, paths: Iterable[str]) -> Iterator[SourceText]:
    """These files of a work tree, in their order."""
    files = {file.path: file for file in walk(root).files}
    for path in paths:
        source = read_source(root, files[path])
        if isinstance(source, SourceText):
            yield source


def _sources(root: Path) -> Iterator[SourceText]:
    files = [file for file in walk(root).files if file.size <= _MAX_FILE_BYTES and kept_by_path(file.path)]
    files.sort(key=lambda file: hashlib.blake2b(file.path.encode(), digest_size=8).digest())
    for file in files:
        source = read_source(root, file)
        if isinstance(source, SourceText):
            yield source
