"""The best rows by words are those of a question to all rows, whatever was left out on the way."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from codesearch.storage.lexical import best_rows
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


@pytest.fixture(autouse=True)
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(best_rows, "_LEAST_ROWS", 0)
    monkeypatch.setattr(best_rows, "_ENOUGH", 1)


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


def test_rows_are_left_out(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_nothing_is_asked_for(store: Store) -> None:
    assert store.holding_any([], 5, WEIGHTS) == store.holding_any(["worda"], 0, WEIGHTS) == []
