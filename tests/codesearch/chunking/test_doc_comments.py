"""Documented definitions: found in every comment style, and erased to the byte."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codesearch.chunking.syntax.doc_comments import DocumentedDefinition, documented
from codesearch.chunking.syntax.grammars import parse
from codesearch.chunking.workers.parse_pool import ChunkPool
from codesearch.records import SourceFile

STYLES = {
    "python": ('@cached\ndef load(path):\n    """Reads it."""\n    return 1\n', '"""Reads it."""'),
    "rust": ("/// Reads it.\n#[inline]\npub fn load() {}\n", "/// Reads it."),
    "java": ("class A {\n  /** Reads it. */\n  @Override\n  void load() {}\n}\n", "/** Reads it. */"),
    "go": ("package a\n\n// Reads\n// it.\nfunc load() {}\n", "// Reads\n// it."),
    "ruby": ("# Reads it.\ndef load\nend\n", "# Reads it."),
    "lua": ("--- Reads it.\nlocal function load() end\n", "--- Reads it."),
    "haskell": ("-- | Reads it.\nload :: Int\nload = 1\n", "-- | Reads it."),
    "cpp": ("/** Reads it. */\ntemplate <typename T>\nT load() { return 1; }\n", "/** Reads it. */"),
    "csharp": (
        "/// <summary>Reads it.</summary>\n[Old]\nclass load {}\n",
        "/// <summary>Reads it.</summary>",
    ),
    "javascript": ("/** Reads it. */\n\nexport function load() {}\n", "/** Reads it. */"),
    "elixir": (
        'defmodule A do\n  @doc "Reads it."\n  @spec load(a) :: b\n  def load(a), do: a\nend\n',
        '@doc "Reads it."',
    ),
}


def _erased(source: str, found: DocumentedDefinition) -> str:
    data = source.encode()
    for part in sorted(found.erasures, key=lambda each: -each.start):
        data = data[: part.start] + part.filler.encode() + data[part.end :]
    return data.decode()


@pytest.mark.parametrize("language", STYLES)
def test_each_style_of_comment_is_found(language: str) -> None:
    source, comment = STYLES[language]
    (found,) = documented(source.encode(), language)
    assert (found.name, found.comment) == ("load", comment)
    shown = "\n".join(source.splitlines()[found.start_line - 1 : found.end_line])
    assert "load" in shown
    erased = _erased(source, found)
    assert "Reads" not in erased
    assert not parse(erased.encode(), language).root_node.has_error


def test_a_docstring_that_is_the_whole_body_leaves_a_body() -> None:
    source = 'class E(Exception):\n    """Raised."""\n\n\ndef f():\n    # why\n    """Nothing."""\n'
    for found in documented(source.encode(), "python"):
        assert not parse(_erased(source, found).encode(), "python").root_node.has_error


@pytest.mark.parametrize(
    "source",
    [
        "// far\n\nfn f() {}\n",
        "let x = 1; // of x\nfn f() {}\n",
        "//! of the module\nfn f() {}\n",
        "fn f() {} // of f\n",
    ],
)
def test_other_comments_document_nothing(source: str) -> None:
    assert documented(source.encode(), "rust") == []


def test_one_comment_documents_one_definition() -> None:
    found = documented(b"// Shapes.\ntype ( A struct{ x int }\n B struct{} )\n", "go")
    assert len(found) <= 1
    source = 'class A:\n    """Holds."""\n    def f(self):\n        """Does."""\n        x = 1\n'
    assert [each.name for each in documented(source.encode(), "python")] == ["A", "f"]


@given(
    st.lists(
        st.sampled_from(["/// a", "#[x]", "fn f() {}", "", "// b", "struct S;", "/* c */ "]), max_size=12
    )
)
def test_erasures_are_comments_and_disjoint(lines: list[str]) -> None:
    data = "\n".join(lines).encode()
    parts = [part for found in documented(data, "rust") for part in found.erasures]
    for part in parts:
        assert data[part.start : part.end].startswith((b"/// a", b"// b", b"/* c */"))
    ends = sorted((part.start, part.end) for part in parts)
    assert all(first[1] <= second[0] for first, second in pairwise(ends))


def test_processes_give_the_same_answer() -> None:
    sources = [(language, source) for language, (source, _) in STYLES.items()]
    files = [(SourceFile(name, 1, 1, name), source.encode()) for name, source in sources]
    with ChunkPool(workers=1) as pool:
        got = [item.definitions for item in pool.documented_many(files)]
    assert got == [documented(source.encode(), language) for language, source in sources]
