"""One order: whatever the limit, whatever the order in which files were indexed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codesearch.index.index import Index
from codesearch.index.opening import open_index
from codesearch.records import ChunkRef, Hit
from codesearch.searching.request import MODES, Mode
from codesearch.searching.search import STABLE_LIMIT, depth
from codesearch.searching.stores.order import by_score_and_place, with_ties
from codesearch.searching.stores.protocol import Match
from codesearch.storage.lexical.tokens import query_terms
from codesearch.storage.store import Store
from tests.support.closeness import WordHashEmbedder
from tests.support.searching import Ask, single
from tests.support.store_support import embed_pending, put_file
from tests.support.trees import write_tree

WORDS = [
    "retry",
    "socket",
    "parse",
    "config",
    "where",
    "is",
    "a",
    "branch",
    "merge_token",
    "retry_socket_3_1",
]
QUERIES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    root = write_tree(tmp_path_factory.mktemp("tree"), 120)  # more chunks than candidates
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CODESEARCH_HOME", str(tmp_path_factory.mktemp("home")))
        with open_index(root, WordHashEmbedder()) as opened:
            opened.refresh()
            yield opened


@settings(max_examples=60)
@given(QUERIES, st.sampled_from(MODES), st.integers(1, STABLE_LIMIT))
def test_the_limit_does_not_change_the_order(index: Index, query: str, mode: Mode, limit: int) -> None:
    most = index.search(query, limit=STABLE_LIMIT, mode=mode)
    assert index.search(query, limit=limit, mode=mode) == most[:limit]


def test_more_are_found_beyond_the_stable_limit(index: Index) -> None:
    assert len({depth(limit) for limit in range(1, STABLE_LIMIT + 1)}) == 1
    assert len(index.search("retry socket", limit=300)) == 300


def filled(directory: Path, files: dict[str, list[str]], order: list[str]) -> Store:
    store = Store.open(directory, create=True)
    for path in order:
        put_file(store, path, files[path])
    embed_pending(store, WordHashEmbedder())
    return store


TEXTS = ["def retry(socket):\n", "def close(socket):\n", "retry = socket\n"]


@pytest.mark.parametrize("mode", MODES)
def test_equal_scores_are_ordered_by_path_and_not_by_insertion(tmp_path: Path, mode: str) -> None:
    pick = random.Random(1)
    # Paths of the same words: the chunks of a text tie in every list, at its end too.
    files = {f"x{'/' * (n % 2)}{n}.py": [TEXTS[n % 3]] for n in range(240)}
    answers: list[list[tuple[str, float]]] = []
    for name in "abc":
        order = list(files)
        pick.shuffle(order)
        with filled(tmp_path / name, files, order) as store:
            answers.append(ranks(Ask(store, WordHashEmbedder).search("retry the socket", 50, mode)))
    assert answers[0] == answers[1] == answers[2]


def ranks(hits: list[Hit]) -> list[tuple[str, float]]:
    return [(hit.path, hit.score) for hit in hits]


def test_what_ties_with_the_last_candidate_is_chosen_by_path(tmp_path: Path) -> None:
    files = {f"{letter}.py": ["def retry(socket):\n"] for letter in "hgfedcba"}
    with filled(tmp_path, files, list(files)) as store:
        source = single(store)
        found = source.lexical(query_terms("retry"), 3, (1.0, 1.0, 1.0))
        chunks = source.chunks([match.ref for match in found])
    assert [chunks[match.ref].path for match in found] == ["a.py", "b.py", "c.py"]


@given(st.lists(st.integers(0, 3), max_size=30), st.integers(1, 10), st.randoms(use_true_random=False))
def test_rounding_decides_nothing(grades: list[int], limit: int, rng: random.Random) -> None:
    """Scores that differ in their last bits alone are ordered by place, the cut included."""

    def retrieve(count: int) -> list[Match]:
        noisy = [
            Match(ChunkRef("/r", at), grade + rng.uniform(-1e-8, 1e-8)) for at, grade in enumerate(grades)
        ]
        return sorted(noisy, key=lambda match: -match.score)[:count]

    def places(found: object) -> dict[int, tuple[str, int]]:
        assert isinstance(found, list)
        return {at: (f"{match.ref.id:03}", 0) for at, match in enumerate(found)}

    got = by_score_and_place(with_ties(retrieve, limit, 1e-6), places, 1e-6)[:limit]
    want = np.lexsort((np.arange(len(grades)), -np.array(grades)))[:limit] if grades else []
    assert [match.ref.id for match in got] == list(want)
