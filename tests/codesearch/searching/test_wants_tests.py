"""Questions for tests, and what that does to a list."""

from __future__ import annotations

from dataclasses import replace

import pytest

from codesearch.records import Chunk, ChunkRef
from codesearch.searching.question.query import Query
from codesearch.searching.ranking.ranking import HYBRID, rank
from codesearch.searching.signals.wants_tests import wants_tests

CODE = Chunk("src/basic.py", 0, 1, 1, 1, "python", "function", "", (), "", (), "grow the pool")
TEST = replace(CODE, path="spec/basic_spec.rb", text="it grows the pool")


@pytest.mark.parametrize(
    "query",
    [
        "which tests cover the pool",
        "tests for a pool that grows",
        "unit tests of the pool",
        "test cases where the pool is full",
        "is the pool covered by a test",
        "are there any tests of the pool",
        "find the tests that check the pool",
    ],
)
def test_questions_for_tests(query: str) -> None:
    assert wants_tests(Query(query))


@pytest.mark.parametrize(
    "query",
    [
        "how does the test client follow redirects",
        "where is the pool tested for liveness",
        "what test data is written by the pool",
        "which test runner starts the pool",
        "latest tests",
        "test_pool",
    ],
)
def test_questions_that_speak_of_testing(query: str) -> None:
    assert not wants_tests(Query(query))


def test_tests_come_first_where_they_are_wanted() -> None:
    assert first("which tests cover the pool") == TEST.path
    assert first("how are pools tested") == CODE.path


def first(query: str) -> str:
    """The path that comes first; the code is ahead by a little."""
    chunks = {ChunkRef("/r", 0): CODE, ChunkRef("/r", 1): TEST}
    scores = {ChunkRef("/r", 0): 0.9, ChunkRef("/r", 1): 0.6}
    return rank(chunks, scores, Query(query), HYBRID)[0].chunk.path
