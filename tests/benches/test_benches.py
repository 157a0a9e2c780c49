"""The metric of the retrieval bench, by hand-computed examples."""

from __future__ import annotations

import math
from dataclasses import replace

from benches.retrieval import metrics
from benches.retrieval.ablation import worth
from benches.retrieval.data.annotations import Target
from benches.retrieval.metrics import first_ranks, ndcg
from codesearch.records import Hit


def _hit(path: str, start: int = 1, end: int = 10) -> Hit:
    return Hit("/r", path, start, end, "python", "function", "f", 1.0, "")


def test_second_chunk_of_a_file_earns_nothing_and_uses_up_a_rank() -> None:
    hits = [_hit("a.py"), _hit("a.py", 11, 20), _hit("b.py")]
    targets = [Target("src/a.py"), Target("b.py")]
    assert first_ranks(targets, hits) == [1, 3]
    assert math.isclose(ndcg(targets, hits), (1 + 0.5) / (1 + 1 / math.log2(3)))


def test_paths_match_by_whole_components() -> None:
    assert not Target("xa.py").found_in(_hit("a.py"))
    assert Target("lib/a.py").found_in(_hit("a.py"))
    assert Target("a.py").found_in(_hit("deep/lib/a.py"))


def test_a_span_must_overlap() -> None:
    assert Target("a.py", 10, 12).found_in(_hit("a.py", 1, 10))
    assert not Target("a.py", 11, 12).found_in(_hit("a.py", 1, 10))


def test_nothing_found_is_zero_and_everything_first_is_one() -> None:
    assert ndcg([Target("z.py")], [_hit("a.py")]) == 0
    assert ndcg([Target("a.py")], [_hit("a.py")]) == 1


def test_reading_stops_at_the_budget_and_at_the_first_answer() -> None:
    hits = [replace(_hit(path), text="x" * 400) for path in ("a.py", "b.py", "c.py")]
    assert [hit.path for hit in metrics.within(hits, 250)] == ["a.py", "b.py"]
    assert metrics.tokens_to_first([Target("b.py")], hits, 10_000) == 200
    assert metrics.tokens_to_first([Target("z.py")], hits, 10_000) == 10_000


def test_lines_of_a_span_are_counted_once() -> None:
    hits = [_hit("a.py", 1, 10), _hit("a.py", 6, 12), _hit("b.py", 13, 20)]
    assert metrics.span_recall(Target("a.py", 9, 16), hits) == 0.5
    assert metrics.span_recall(Target("a.py"), hits) is None


def test_an_interval_holds_the_mean_and_narrows_with_the_number_of_queries() -> None:
    few, many = metrics.bootstrap([0.0, 1.0] * 8), metrics.bootstrap([0.0, 1.0] * 800)
    assert few.low < few.mean == many.mean == 0.5 < few.high
    assert many.high - many.low < (few.high - few.low) / 5


def test_a_signal_that_one_language_carries_shows_it() -> None:
    got = worth("s", [1.0, 0.5, 0.5], [0.0, 0.6, 0.6], ["go", "php", "lua"])
    assert got.gain.mean > 0 > got.least
    assert got.least_without == "go"
