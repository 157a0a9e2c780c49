"""Pieces give the text again, whatever the lexer makes of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codesearch.serving.page.highlighting import coloured


@pytest.mark.parametrize("path", ["a.py", "a.js", "a.unknown", "Makefile", "a.html", "a.md", "a.json"])
@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=200))
def test_pieces_are_the_text(path: str, text: str) -> None:
    lines = coloured(text, path)
    assert len(lines) == text.count("\n") + 1
    assert "\n".join("".join(piece for _, piece in line) for line in lines) == text


def test_kinds_are_short_names() -> None:
    pieces = dict(map(reversed, coloured("def f(): return 'x'  # why", "a.py")[0]))  # type: ignore[arg-type]
    assert pieces["def"].startswith("k")
    assert pieces["f"] == "nf"
    assert pieces["# why"].startswith("c")
