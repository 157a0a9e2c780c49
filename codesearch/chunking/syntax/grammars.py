"""The only file that loads grammars: a language's parser and definition query, late and once each.

Raises GrammarUnavailable where there is no grammar or it cannot be loaded; the caller cuts at lines.
Parsers are kept per thread (a parser is not thread-safe), grammars and queries per process.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Sequence
from functools import cache

import tree_sitter

from codesearch.chunking.syntax.cpp_macros import without_export_macros
from codesearch.chunking.syntax.definitions import DEFINITIONS
from codesearch.chunking.syntax.member_patterns import MEMBERS
from codesearch.files.languages import LANGUAGES

__all__ = ["GrammarUnavailable", "compiled", "definition_query", "member_query", "parse"]

_local = threading.local()


class GrammarUnavailable(Exception):
    """There is no usable grammar for this language."""


def parse(data: bytes, language: str) -> tree_sitter.Tree:
    """The syntax tree of ``data``; it always covers the whole input, broken or not.

    The interpreter lock is held meanwhile and nothing can interrupt it: a file that may be hostile
    to its grammar belongs in a worker process (parse_worker.py).
    """
    grammar = _grammar(language)
    parsers: dict[str, tree_sitter.Parser] = _local.__dict__.setdefault("parsers", {})
    parser = parsers.get(language)
    if parser is None:
        parser = parsers[language] = tree_sitter.Parser(grammar)
    try:
        return parser.parse(without_export_macros(data) if language in ("c", "cpp") else data)
    except ValueError as error:  # "Parsing failed": the parser would resume with the old input
        parser.reset()
        raise GrammarUnavailable(f"the {language} grammar gave up on the file") from error


@cache
def definition_query(language: str) -> tree_sitter.Query | None:
    """The patterns of ``definitions.py`` as one query; None where the language defines nothing."""
    return compiled(language, DEFINITIONS.get(language, ()))


@cache
def member_query(language: str) -> tree_sitter.Query | None:
    """The patterns of ``member_patterns.py`` as one query; None where the language has none."""
    return compiled(language, MEMBERS.get(language, ()))


def compiled(language: str, patterns: Sequence[str]) -> tree_sitter.Query | None:
    """Patterns as one query; None where none is left.

    A pattern that the installed grammar does not know (any more) is left out.
    """
    grammar = _grammar(language)
    try:
        return tree_sitter.Query(grammar, "\n".join(patterns)) if patterns else None
    except tree_sitter.QueryError:
        known = [pattern for pattern in patterns if _compiles(grammar, pattern)]
        return tree_sitter.Query(grammar, "\n".join(known)) if known else None


def _compiles(grammar: tree_sitter.Language, pattern: str) -> bool:
    try:
        tree_sitter.Query(grammar, pattern)
    except tree_sitter.QueryError:
        return False
    return True


@cache
def _grammar(language: str) -> tree_sitter.Language:
    known = LANGUAGES.get(language)
    if known is None or not known.grammar:
        raise GrammarUnavailable(f"no grammar for {language}")
    module, _, function = known.grammar.rpartition(".")
    try:
        return tree_sitter.Language(getattr(importlib.import_module(module), function)())
    except (ImportError, AttributeError, ValueError) as error:  # ValueError: an ABI we do not speak
        raise GrammarUnavailable(f"the {language} grammar cannot be loaded: {error}") from error
