"""The best rows by words are those of a question to all rows, whatever was left out on the way."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from codesearch.storage.lexical import best_rows, recent_terms, term_scores
from codesearch.storage.lexical.tokens import match_expression
from codesearch.storage.store import Store
from tests.support.store_support import put_file

WEIGHTS = (3.0, 2.0, 1.0)
WORDS = [f"word{chr(97 + at)}" for at in range(20)]
"""The first stands in nearly every chunk, the last in hardly any."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    draw = random.Random(11)
    with Store.open(tmp_path_factory.mktemp("index"), create=True) as opened:
        for file in range(12):
            texts = [
                " ".join(
                    word
                    for at, word in enumerate(WORDS)
                    for _ in range(draw.choice((0, 0, 1, 2, 5)))
                    if draw.random() < 1.1 / (1 + at)
                )
                + f" filler{draw.randrange(9)}" * draw.randrange(12)
                + "\n"
                for _ in range(60)
            ]
            put_file(opened, f"{draw.choice(WORDS)}{file}.py", texts)
        yield opened


@pytest.fixture(params=["remembered", "left out"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Tokens whose scores are remembered, or no such tokens and rows that are left out."""
    monkeypatch.setattr(best_rows, "_LEAST_ROWS", 0)
    monkeypatch.setattr(best_rows, "_ENOUGH", 1)
    monkeypatch.setattr(best_rows, "_TIMES", 0 if request.param == "remembered" else 1_000_000)
    return str(request.param)


def questions(count: int) -> Iterator[list[str]]:
    draw = random.Random(5)
    for _ in range(count):
        terms = draw.sample([*WORDS, "nowhere"], draw.randint(1, 7))
        yield [*terms, *draw.choices(terms, k=draw.choice((0, 0, 1, 3)))]


@pytest.mark.parametrize("guess", [0.0, 0.6, 3.0], ids=["careful", "usual", "rash"])
def test_the_best_of_some_are_the_best_of_all(
    store: Store, guess: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(best_rows, "_GUESS", guess)
    for terms in questions(80):
        for limit in (1, 5, 60):
            wanted = store.lexical(match_expression(terms), limit, WEIGHTS)
            assert store.holding_any(terms, limit, WEIGHTS) == wanted


@pytest.mark.parametrize("weights", [WEIGHTS, (0.0, 0.0, 1.0), (0.3, 7.0, 0.1)])
def test_some_rows_alone(store: Store, weights: tuple[float, ...]) -> None:
    draw = np.random.default_rng(3)
    everyone = np.array(sorted(store.chunks(range(1000))), np.int64)
    for terms in questions(40):
        allowed = everyone[draw.random(len(everyone)) < draw.choice([0.0, 0.02, 0.5, 1.0])]
        for limit in (1, 60, 5_000):
            wanted = store.lexical(match_expression(terms), limit, weights, allowed)
            assert store.holding_any(terms, limit, weights, allowed) == wanted


def test_common_tokens_are_read_when_they_come_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(best_rows, "_TIMES", 2)
    rows, generation, read = best_rows.BestRows(store._db), store.generation(), list[str]()
    reading = term_scores.TermScores._read

    def noted(self: term_scores.TermScores, key: term_scores.Key) -> term_scores.TokenScores:
        read.append(key[0])
        return reading(self, key)

    monkeypatch.setattr(term_scores.TermScores, "_read", noted)
    monkeypatch.setattr(best_rows, "_ENOUGH", store.frequencies(["wordt"])[0]["wordt"])
    for terms, expected in (
        (["wordt"], ["wordt"]),  # so few rows hold it that it is read at once
        (["worda", "wordt"], []),
        (["wordt", "worda"], []),
        (["worda", "wordt"], ["worda"]),
        (["worda"], []),
        (["wordb"], ["wordb"]),  # no other word says which of its rows are best: all of them are scored
    ):
        read.clear()
        found = rows.holding_any(terms, 2, WEIGHTS, generation)
        assert found == store.lexical(match_expression(terms), 2, WEIGHTS)
        assert read == expected


def test_ids_with_wide_gaps(store: Store, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(best_rows, "_GAPS", 0)
    monkeypatch.setattr(term_scores.TermScores, "_read", None)
    for terms in questions(20):
        wanted = store.lexical(match_expression(terms), 30, WEIGHTS)
        assert store.holding_any(terms, 30, WEIGHTS) == wanted


def test_what_is_remembered_is_bounded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent_terms, "_LEAST_KEPT", 900)
    monkeypatch.setattr(recent_terms, "_KEPT_PER_ROW", 0)
    rows, generation = best_rows.BestRows(store._db), store.generation()
    for terms in questions(80):
        wanted = store.lexical(match_expression(terms), 30, WEIGHTS)
        assert rows.holding_any(terms, 30, WEIGHTS, generation) == wanted
        recent = rows._scores._recent
        assert sum(len(token.ids) for token in recent._kept.values()) == recent._count <= 900


def test_a_common_token_that_is_forgotten_is_not_read_for_every_question(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What does not fit beside others is read once for the questions that the reading takes as long as."""
    monkeypatch.setattr(best_rows, "_TIMES", 3)
    monkeypatch.setattr(recent_terms, "_LEAST_KEPT", 0)
    monkeypatch.setattr(recent_terms, "_KEPT_PER_ROW", 0)
    read: list[str] = []
    reading = term_scores.TermScores._read

    def noted(self: term_scores.TermScores, key: term_scores.Key) -> term_scores.TokenScores:
        read.append(key[0])
        return reading(self, key)

    monkeypatch.setattr(term_scores.TermScores, "_read", noted)
    rows, generation = best_rows.BestRows(store._db), store.generation()
    wanted = store.lexical(match_expression([WORDS[0], WORDS[9]]), 5, WEIGHTS)
    for _ in range(12):
        assert rows.holding_any([WORDS[0], WORDS[9]], 5, WEIGHTS, generation) == wanted
    assert read.count(WORDS[0]) == 3  # of twelve


def test_rows_are_left_out(store: Store, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if way == "remembered":
        pytest.skip("nothing is left out")
    whole = 0
    matching = best_rows.BestRows.matching

    def counted(*args: object) -> object:
        nonlocal whole
        whole += 1
        return matching(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(best_rows.BestRows, "matching", counted)
    asked = [terms for terms in questions(80) if len(set(terms)) > 2]
    for terms in asked:
        store.holding_any(terms, 5, WEIGHTS)
    assert whole < len(asked) / 4


def test_counts_follow_the_store(tmp_path: Path) -> None:
    with Store.open(tmp_path, create=True) as opened:
        for round_ in range(4):
            texts = [f"common common{at % 3} rare{round_ if at % 40 == 0 else ''}\n" for at in range(200)]
            put_file(opened, f"{round_}.py", texts)
            terms = ["common", f"rare{round_}", "rare0", "common1"]
            wanted = opened.lexical(match_expression(terms), 9, WEIGHTS)
            assert opened.holding_any(terms, 9, WEIGHTS) == wanted
            rows = 200 * (round_ + 1)
            assert opened.frequencies(["common", "nowhere"]) == ({"common": rows, "nowhere": 0}, rows)


def test_nothing_is_asked_for(store: Store) -> None:
    assert store.holding_any([], 5, WEIGHTS) == store.holding_any(["worda"], 0, WEIGHTS) == []
