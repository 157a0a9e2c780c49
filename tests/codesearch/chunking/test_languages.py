"""What a file is written in, and what each grammar's patterns find."""

from __future__ import annotations

import pytest

from codesearch.chunking.syntax.definitions import DEFINITIONS
from codesearch.chunking.syntax.grammars import GrammarUnavailable, definition_query, parse
from codesearch.chunking.syntax.symbols import find_definitions
from codesearch.errors import BadQuery
from codesearch.files.language_of import language_of
from codesearch.files.languages import LANGUAGES, canonical_language
from tests.support.language_samples import SAMPLES

WITH_GRAMMAR = sorted(name for name, language in LANGUAGES.items() if language.grammar)


@pytest.mark.parametrize("language", WITH_GRAMMAR)
def test_definitions_are_found_with_kind_owner_and_order(language: str) -> None:
    source, expected = SAMPLES[language]
    data = source.encode()
    found = find_definitions(parse(data, language), data, language)
    assert ", ".join(f"{each.kind} {'.'.join((*each.scope, each.name))}" for each in found) == expected


@pytest.mark.parametrize("language", WITH_GRAMMAR)
def test_samples_and_patterns_parse_without_an_error(language: str) -> None:
    assert not parse(SAMPLES[language][0].encode(), language).root_node.has_error
    query = definition_query(language)
    assert (query.pattern_count if query else 0) == len(DEFINITIONS[language])


@pytest.mark.parametrize(
    ("language", "source", "signature"),
    [
        (
            "python",
            "class A:\n  def f(self,\n      x: int) -> str:\n    return 1\n",
            "def f(self, x: int) -> str",
        ),
        ("go", "func (r *R) Len(a int) (int, error) {\n}\n", "func (r *R) Len(a int) (int, error)"),
        (
            "rust",
            "impl S {\n  pub fn f<T>(\n    a: T,\n  ) -> T\n  where T: X {\n a }\n}\n",
            "pub fn f<T>( a: T, ) -> T where T: X",
        ),
        ("kotlin", "fun String.f(a: Int): Int {\n return 1\n}\n", "fun String.f(a: Int): Int"),
        ("javascript", "const f = async (a, b) => {\n  return a\n}\n", "const f = async (a, b) =>"),
    ],
)
def test_a_signature_is_one_line_without_the_body(language: str, source: str, signature: str) -> None:
    data = source.encode()
    assert find_definitions(parse(data, language), data, language)[-1].signature == signature


@pytest.mark.parametrize(
    ("path", "head", "language"),
    [
        ("a/b.PY", b"", "python"),
        ("Makefile", b"", "make"),
        ("docker/Dockerfile.dev", b"", "dockerfile"),
        ("bin/run", b"#!/usr/bin/env -S python3.11 -u\n", "python"),
        ("bin/run", b"#!/bin/bash -e\nx", "bash"),
        ("x.h", b"int f(void);\n", "c"),
        ("x.h", b"// c\ntemplate <class T>\nclass A;\n", "cpp"),
        ("data.unknown", b"", None),
        ("dir.py/file", b"", None),
        (".gitignore", b"", "gitconfig"),
    ],
)
def test_language_of_a_path(path: str, head: bytes, language: str | None) -> None:
    assert language_of(path, head) == language


def test_no_extension_or_name_belongs_to_two_languages() -> None:
    for attribute in ("extensions", "filenames", "interpreters", "aliases"):
        claimed = [claim for each in LANGUAGES.values() for claim in getattr(each, attribute)]
        assert sorted(set(claimed)) == sorted(claimed), attribute


@pytest.mark.parametrize("typed", ["py", ".PY", "Python", " python "])
def test_what_a_user_types_is_understood(typed: str) -> None:
    assert canonical_language(typed) == "python"


def test_an_unknown_language_names_what_is_near() -> None:
    with pytest.raises(BadQuery, match=r"'pythn'; did you mean python\b"):
        canonical_language("pythn")


def test_a_language_without_a_grammar_says_so() -> None:
    with pytest.raises(GrammarUnavailable, match="no grammar for dart"):
        parse(b"x", "dart")


@pytest.mark.parametrize("kinds", [("function", "constant"), ("constant", "function")])
def test_of_two_patterns_for_one_node_the_more_telling_kind_wins(
    monkeypatch: pytest.MonkeyPatch, kinds: tuple[str, str]
) -> None:
    patterns = tuple(f"(function_declaration name: (_) @name) @{kind}" for kind in kinds)
    monkeypatch.setattr("codesearch.chunking.syntax.grammars.DEFINITIONS", {"lua": patterns})
    monkeypatch.setattr("codesearch.chunking.syntax.symbols.definition_query", definition_query.__wrapped__)
    data = b"function f() end\n"
    assert [each.kind for each in find_definitions(parse(data, "lua"), data, "lua")] == ["function"]


def test_a_pattern_that_the_grammar_does_not_know_costs_that_pattern_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    patterns = {**DEFINITIONS, "lua": (*DEFINITIONS["lua"], "(renamed_node name: (_) @name) @function")}
    monkeypatch.setattr("codesearch.chunking.syntax.grammars.DEFINITIONS", patterns)
    query = definition_query.__wrapped__("lua")
    assert query is not None
    assert query.pattern_count == len(DEFINITIONS["lua"])
