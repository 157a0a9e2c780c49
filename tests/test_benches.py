"""The metric of the retrieval bench, by hand-computed examples."""

from __future__ import annotations

import math

from benches.retrieval import Target, first_ranks, ndcg
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
