"""How well one chunk or path fits a query: the grades that the ranking weighs.

Grades lie in [0, 1]; they know nothing of weights and of other candidates, except ``path_affinity``,
which has to: a word that every path holds says nothing.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from pathlib import PurePosixPath
from sys import intern

from codesearch.records import Chunk
from codesearch.searching.question.query import Name, Query, stem
from codesearch.searching.signals.path_roles import roles_of
from codesearch.storage.lexical.tokens import bare_name, tokenize

__all__ = [
    "defines",
    "definition_grade",
    "initials",
    "last_component",
    "name_rarity",
    "path_affinity",
    "unwanted_roles",
    "within",
]

_INNER = 0.9  # defined in the chunk, but the chunk is about something else (or holds several)
_CONSTRUCTOR = 0.9  # called as its class is, and comes after it
_OTHER_CASE = 0.6
_OTHER_SCOPE = 0.5
_CONTINUED = 0.3  # a later part of a definition that was too long for one chunk
_PARTIAL_NAMESAKE = 0.8  # Query.Async.cs beside Query.cs
_NOT_NAMESAKE = 0.6  # a file named after the name is its home
_QUALIFIER = re.compile(r"::|[.\\]")
_UNTELLING = frozenset({"mod", "index", "init", "main", "lib"})  # such a file is what its folder is
_MIN_PREFIX = 3  # letters that an abbreviation must have
_FOLDER = 0.5  # a word of a folder's name, against one of the file's
_NOTHING = frozenset[str]()
_INITIALS = (2, 3, 4)  # words that a file abbreviates by their first letters


def definition_grade(chunk: Chunk, name: Name, *, fold_case: bool = False) -> float:
    """How surely the chunk defines this name; 0 if it does not."""
    grade = _named(chunk, name.last, fold_case)
    if not grade:
        return 0.0
    if chunk.scope and name.last == last_component(chunk.scope[-1]):
        grade *= _CONSTRUCTOR
    if name.scope and not within(chunk, name.scope[-1]):
        grade *= _OTHER_SCOPE
    return grade * _namesake(chunk.path, name)


def defines(chunk: Chunk, name: Name) -> bool:
    """Whether the name, spelt like this, is defined in the chunk (not only continued or implemented)."""
    return any(name.last == last_component(defined) for defined in chunk.definitions)


def _named(chunk: Chunk, name: str, fold_case: bool) -> float:
    inside = name in chunk.definitions or any(
        name == last_component(defined) for defined in chunk.definitions
    )
    if name == last_component(chunk.symbol):
        return 1.0 if inside else _CONTINUED
    if inside:
        return _INNER
    if fold_case:
        folded = bare_name(name)
        if folded == bare_name(chunk.symbol):
            return _OTHER_CASE if chunk.symbol in chunk.definitions else _OTHER_CASE * _CONTINUED
        if any(folded == bare_name(defined) for defined in chunk.definitions):
            return _OTHER_CASE * _INNER
    return 0.0


def within(chunk: Chunk, scope: str) -> bool:
    """Whether the innermost enclosing name of the query encloses the chunk, or names its file or folder."""
    wanted = bare_name(scope)
    where = PurePosixPath(chunk.path)
    around = (part for name in (*chunk.scope, chunk.symbol) for part in (name, *_QUALIFIER.split(name)))
    return any(wanted == bare_name(part) for part in (*around, where.stem, where.parent.name))


def _namesake(path: str, name: Name) -> float:
    """1 for the file that is named after the name (or its scope), less for any other."""
    file = PurePosixPath(path).name
    wanted = {bare_name(name.last), *(bare_name(scope) for scope in name.scope[-1:])}
    if bare_name(file.rpartition(".")[0] or file) in wanted:
        return 1.0
    return _PARTIAL_NAMESAKE if bare_name(file.split(".")[0]) in wanted else _NOT_NAMESAKE


def last_component(name: str) -> str:
    """The last component of a qualified name (``Phoenix.Router``, ``ns::f``, ``App\\\\User``)."""
    return _QUALIFIER.split(name)[-1] if "." in name or ":" in name or "\\" in name else name


def name_rarity(number: int) -> float:
    """Grade how rare a name is that this many files define; 1 for one file."""
    return 1 / (1 + math.log(max(number, 1)))


def path_affinity(
    paths: Sequence[str], terms: Sequence[str], *, abbreviated: bool = True
) -> dict[str, float]:
    """Grade how well each path says what the terms say, and nothing else; one path for each file.

    The share of the terms that its words repeat, rare words counting more, times the share of the words
    of its file name that the terms explain: "json rendering" is about ``json.go``, less about
    ``json_stream.go``. A shortened word repeats the word (``utils``, ``impls``, ``auth``), and so do, where
    ``abbreviated``, the first letters of neighbouring words (``ws`` for "web socket", ``SSE``).
    """
    wanted = list(dict.fromkeys(stem(term) for term in terms))
    distinct = {path: _path_stems(path) for path in paths}
    words = set(chain.from_iterable(chain.from_iterable(distinct.values())))
    meant = _meant(words, wanted, initials(terms) if abbreviated else {})
    asked, telling = frozenset(wanted), frozenset(meant)
    near = {path: stems for path, stems in distinct.items() if not all(map(telling.isdisjoint, stems))}
    seen = Counter(word for path in paths if path in near for word in asked.intersection(chain(*near[path])))
    weight = {word: math.log((len(paths) + 1) / (seen[word] + 0.5)) for word in wanted}
    total = sum(weight.values())
    affinity = dict.fromkeys(distinct, 0.0)
    if total > 0:
        affinity |= {path: _affinity(*stems, meant, weight) / total for path, stems in near.items()}
    return affinity


def initials(terms: Sequence[str]) -> dict[str, frozenset[str]]:
    """The first letters of neighbouring terms, and the stems of the terms that they stand for.

    >>> sorted(initials(("server", "sent", "event"))["sse"])
    ['event', 'sent', 'serv']
    """
    return {
        "".join(term[0] for term in run): frozenset(map(stem, run))
        for number in _INITIALS
        for run in (terms[first : first + number] for first in range(len(terms) - number + 1))
    }


def unwanted_roles(path: str, query: Query) -> list[str]:
    """Roles of the path (test, example, ...) that the query does not ask for."""
    return [role.name for role in roles_of(path) if not query.mentions(role.asked_by)]


@lru_cache(maxsize=1 << 14)
def _path_stems(path: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the stems of the words of a path's file name, and those of its folders."""
    where = PurePosixPath(path.replace("-", "_"))
    name = where.name.split(".")[0] or where.name
    folders = list(where.parts[:-1])
    if folders and name.strip("_").casefold() in _UNTELLING:
        name, folders = folders[-1], [*folders[:-1], name]
    return _stems(name), _stems(" ".join(folders))


def _stems(text: str) -> tuple[str, ...]:
    """Return the stems of a text, each once. Paths share most of them, and so the memory of these."""
    return tuple(dict.fromkeys(intern(stem(token)) for token in tokenize(text)))


def _alike(word: str, term: str) -> bool:
    """Whether one begins with the other; two that are alike share their first ``_MIN_PREFIX`` letters."""
    if word == term:
        return True
    return min(len(word), len(term)) >= _MIN_PREFIX and (term.startswith(word) or word.startswith(term))


def _meant(
    words: Iterable[str], terms: Iterable[str], short: Mapping[str, frozenset[str]]
) -> dict[str, frozenset[str]]:
    """Return the terms that words of paths repeat; without the words, most of them, that repeat none."""
    by_start: dict[str, list[str]] = {}
    for term in terms:
        by_start.setdefault(term[:_MIN_PREFIX], []).append(term)
    near = {word: found for word in words if (found := by_start.get(word[:_MIN_PREFIX]))}
    meant = {word: frozenset(term for term in found if _alike(word, term)) for word, found in near.items()}
    meant = {word: found for word, found in meant.items() if found}
    return {word: short[word] for word in short.keys() & words} | meant


def _affinity(
    name: Sequence[str],
    folders: Sequence[str],
    meant: Mapping[str, frozenset[str]],
    weight: Mapping[str, float],
) -> float:
    explained = [meant[word] for word in name if word in meant]
    if not explained:  # what only a folder says is worth nothing
        return 0.0
    by_name = _NOTHING.union(*explained)
    by_folder = _NOTHING.union(*(meant[word] for word in folders if word in meant)) - by_name
    said = sum(weight[term] for term in by_name) + _FOLDER * sum(weight[term] for term in by_folder)
    return said * len(explained) / len(name)
