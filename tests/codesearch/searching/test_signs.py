"""Operators, which are no words: a question for one finds where it is declared, else where it is used."""

from __future__ import annotations

from pathlib import Path

import pytest

from codesearch import open_index
from codesearch.searching.question.query import Query
from codesearch.searching.signals.signs import declares_sign, signs_in
from tests.support.page import write

DECLARED = {
    "src/Core.fs": ("let compose f g = f\n\nlet (>=>) = compose\n", ">=>"),
    "src/Kleisli.hs": ("module K where\n\n(>>>=) :: Monad m => a -> b\n(>>>=) = undefined\n", ">>>="),
    "src/parser.scala": ("class P {\n  def <|>(that: P): P = this\n}\n", "<|>"),
    "src/version.nim": ("proc `<~`*(a, b: Version): bool =\n  true\n", "<~"),
    "src/shift.cpp": ("Out& operator<<=(Out& out, int x) {\n  return out;\n}\n", "<<="),
}


@pytest.mark.parametrize("path", sorted(DECLARED))
@pytest.mark.parametrize(
    "ask", ["{}", "({})", "`{}`", "what does {} do?", "where is the operator {} defined"]
)
def test_an_operator_is_found_where_it_is_declared(tmp_path: Path, path: str, ask: str) -> None:
    _, sign = DECLARED[path]
    files = {other: text for other, (text, _) in DECLARED.items()}
    files |= {f"a{n}.txt": f"What does the operator do? It is defined: a {sign} b\n" for n in range(3)}
    tree = write(tmp_path / "tree", files)
    with open_index(tree, here=True) as index:
        index.refresh(vectors=False)
        assert index.search(ask.format(sign), limit=1, mode="lexical")[0].path == path


def test_an_operator_without_a_declaration_is_found_where_it_is_used(tmp_path: Path) -> None:
    tree = write(
        tmp_path / "tree",
        {"LICENSE": "All rights: reserved.\n" * 9, "a.pl": "$x =~ m/y/;\n", "b.pl": "$x = 1;\n"},
    )
    with open_index(tree, here=True) as index:
        index.refresh(vectors=False)
        assert [hit.path for hit in index.search("=~", mode="lexical")] == ["a.pl"]
        assert index.search("=~", mode="lexical", globs=["b.pl"]) == []


@pytest.mark.parametrize(
    "text", ["how is a -> b resolved", "why is x == y false here", "retry -- how often", "...", "a", "x => y"]
)
def test_questions_about_something_else_ask_for_no_operator(text: str) -> None:
    assert signs_in(Query(text)) in ((), (text,))


def test_a_longer_operator_is_another_one() -> None:
    assert not declares_sign("let (>=>>) = compose\n", ">=>")
    assert declares_sign("let (>=>) = compose\n", ">=>")
