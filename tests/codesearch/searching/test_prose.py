"""Which questions are for the documentation, and what that does to a list."""

from __future__ import annotations

from dataclasses import replace

import pytest

from codesearch.records import Chunk, ChunkRef
from codesearch.searching.question.query import Query
from codesearch.searching.ranking.ranking import HYBRID, rank
from codesearch.searching.signals.prose import AnswerKind, prose_wanted

CODE = Chunk("src/proxy.py", 0, 1, 1, 1, "python", "function", "", (), "", (), "start the proxy")
PROSE = replace(CODE, path="doc/proxy.md", language="markdown", kind="section", text="start the proxy.")


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("how to start the proxy", AnswerKind.PROSE),
        ("How do I set up a proxy?", AnswerKind.PROSE),
        ("troubleshooting a proxy that does not start", AnswerKind.PROSE),
        ("which options does the proxy take", AnswerKind.EITHER),
        ("how does the proxy work", AnswerKind.EITHER),
        ("where is the proxy started", AnswerKind.CODE),
        ("how does the proxy decide whom to answer", AnswerKind.CODE),
        ("how long does the proxy wait", AnswerKind.CODE),  # a constant of the code
        ("how many connections does the proxy keep", AnswerKind.CODE),
        ("function that parses the configuration", AnswerKind.CODE),
        ("how is ProxyServer configured", AnswerKind.CODE),
        ("setup", AnswerKind.CODE),  # a name
    ],
)
def test_what_a_question_wants(query: str, wanted: AnswerKind) -> None:
    assert prose_wanted(Query(query)) is wanted


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("how to start the proxy", "doc/proxy.md"),
        ("where is the proxy started", "src/proxy.py"),
        ("documentation of the proxy", "doc/proxy.md"),
    ],
)
def test_prose_comes_first_where_it_is_wanted(query: str, first: str) -> None:
    chunks = {ChunkRef("/r", 0): CODE, ChunkRef("/r", 1): PROSE}
    assert rank(chunks, dict.fromkeys(chunks, 0.5), Query(query), HYBRID)[0].chunk.path == first


HISTORY = replace(PROSE, path="CHANGELOG.md", text="start the proxy sooner.")


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("how to start the proxy", "doc/proxy.md"),
        ("start the proxy", "src/proxy.py"),
        ("which options start the proxy", "doc/proxy.md"),
        ("changelog of the proxy's start", "CHANGELOG.md"),
    ],
)
def test_a_changelog_comes_last_unless_it_is_asked_for(query: str, first: str) -> None:
    chunks = {ChunkRef("/r", at): chunk for at, chunk in enumerate((HISTORY, CODE, PROSE))}
    kind = "docs" if first == "CHANGELOG.md" else "auto"
    paths = [c.chunk.path for c in rank(chunks, dict.fromkeys(chunks, 0.5), Query(query, kind), HYBRID)]
    assert paths[0] == first
    assert first == "CHANGELOG.md" or paths[-1] == "CHANGELOG.md"


def test_an_issue_asks_for_code() -> None:
    words = " ".join(f"word{i}" for i in range(60))
    assert prose_wanted(Query(f"How to install it?\n\n{words}")) is AnswerKind.CODE
