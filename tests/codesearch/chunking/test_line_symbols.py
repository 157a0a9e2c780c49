"""Definitions in languages without a grammar, told by their lines and their layout."""

from __future__ import annotations

import codecs

import pytest

from codesearch.chunking.chunk import chunk_file
from codesearch.chunking.syntax.line_patterns import LINE_PATTERNS
from codesearch.chunking.syntax.line_symbols import line_definitions
from codesearch.files.languages import LANGUAGES
from tests.support.line_samples import SAMPLES


@pytest.mark.parametrize("language", sorted(SAMPLES))
def test_definitions_and_members_are_found_with_kind_and_owner(language: str) -> None:
    source, expected = SAMPLES[language]
    definitions, members = line_definitions(source.encode(), language)
    found = ", ".join(f"{each.kind} {'.'.join((*each.scope, each.name))}" for each in definitions)
    assert f"{found} | {' '.join(each.name for each in members)}".strip() == expected


@pytest.mark.parametrize("language", sorted(LINE_PATTERNS))
def test_patterns_are_for_languages_without_a_grammar_and_compile(language: str) -> None:
    assert not LANGUAGES[language].grammar
    assert line_definitions(b"x\n", language) is not None


@pytest.mark.parametrize("language", sorted(SAMPLES))
def test_chunks_tile_the_file_and_hold_the_names(language: str) -> None:
    source = SAMPLES[language][0]
    chunks = chunk_file("x", source.encode(), language)
    assert "".join(chunk.text for chunk in chunks) == source
    definitions, members = line_definitions(source.encode(), language)
    unlisted = ("impl", "namespace", "rule", "section")
    named = {each.name for each in definitions if each.name and each.kind not in unlisted}
    named |= {each.name for each in members}
    assert named <= {name for chunk in chunks for name in chunk.definitions}


def test_a_block_ends_where_the_indentation_does() -> None:
    source = b"sub first {\n    one();\n\n    two();\n}\n\nsub second\n{\n    three();\n}\nfour();\n"
    definitions, _ = line_definitions(source, "perl")
    texts = [source[each.start : each.end] for each in definitions]
    assert texts == [b"sub first {\n    one();\n\n    two();\n}\n", b"sub second\n{\n    three();\n}\n"]


def test_the_comment_above_belongs_to_the_definition() -> None:
    source = b"x <- 1\n\n# Interest, year by year.\n# @export\ncompound <- function(p) {\n  p\n}\n"
    definitions, _ = line_definitions(source, "r")
    assert source[definitions[-1].start :].startswith(b"# Interest")
    assert definitions[-1].signature == "compound <- function(p)"


def test_names_are_unicode_and_offsets_are_bytes() -> None:
    source = "# größe\nfunction größe(x)\n    x\nend\n".encode()
    definitions, _ = line_definitions(source, "julia")
    assert [(each.name, source[each.start : each.end]) for each in definitions] == [("größe", source)]


def test_a_call_is_no_definition() -> None:
    source = b"void main() {\n  run(1);\n  if (ready(2)) {\n    stop();\n  }\n}\n"
    definitions, members = line_definitions(source, "dart")
    assert ([each.name for each in definitions], members) == (["main"], [])


def test_a_line_that_nobody_wrote_defines_nothing() -> None:
    source = b"x <- function() " + b"1 + " * 500 + b"1\ny <- function() 2\n"
    assert [each.name for each in line_definitions(source, "r")[0]] == ["y"]


def test_a_byte_order_mark_hides_no_definition() -> None:
    data = codecs.BOM_UTF8 + b"function Should-Exist($x) {\n  1\n}\n"
    (found,), _ = line_definitions(data, "powershell")
    assert (found.name, found.start, found.end) == ("Should-Exist", 0, len(data))


def test_tags_of_polymorphic_variants_are_members_where_they_are_declared() -> None:
    declared = b"type t =\n  [ `One (* x *)\n  | `Two of int\n  ]\n"
    data = declared + b"\nlet f = function\n  | `Two _ -> 1\n  | `Three -> 2\n"
    _, members = line_definitions(data, "ocaml")
    assert [(m.name, data[m.start : m.start + 3]) for m in members] == [("One", b"One"), ("Two", b"Two")]


_TABLE = "====  ====\nA     B\n====  ====\n1     2\n====  ====\n\n----\n\n"
HEADED = {
    "rst": "=====\nTitle\n=====\n\n.. note:: no title\n\nText, then a list:\n\n* one\n* two\n\n"
    f"Install ``it``\n--------------\n\n{_TABLE}On Windows\n~~~~~~~~~~\n",
    "asciidoc": "= Title\n:toc:\n\n== Install ``it``\ntext\n----\ncode\n----\n=== On Windows\n",
    "org": "#+x: y\n* Title :tag:other:\ntext\n** TODO Install ``it``\n- x\n* On Windows\n",
    "pod": "=pod\n\n=head1 Title\n\ntext\n\n=head2 Install ``it``\n\n=over\n\n=item x\n\n=head1 On Windows\n",
    "tex": "\\documentclass{a}\n\\section{Title}\\label{x}\n\\subsection*[a]{Install ``it``}\nt\n"
    "  \\chapter{On Windows}\n",
}
"""The same three titles, with what only looks like one."""


@pytest.mark.parametrize("language", sorted(HEADED))
def test_titles_of_documentation_name_what_follows_them(language: str) -> None:
    source = HEADED[language].encode()
    sections, _ = line_definitions(source, language)
    assert [(each.kind, each.name) for each in sections] == [
        ("section", name) for name in ("Title", "Install ``it``", "On Windows")
    ]
    assert [each.end for each in sections] == [*(each.start for each in sections[1:]), len(source)]
    title = source[sections[0].start : sections[0].end]
    assert title.startswith(b"=====\nTitle\n=====\n" if language == "rst" else title[:1])
    long = source + b"Words of a paragraph.\n" * 90
    chunks = chunk_file("x", long, language)
    assert {chunk.kind for chunk in chunks} <= {"section", "text"}
    assert "On Windows" in {chunk.symbol for chunk in chunks}
    assert not any(chunk.definitions for chunk in chunks)  # a title is nobody's definition
