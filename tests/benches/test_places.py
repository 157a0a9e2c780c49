"""The figures of a ranking of places, by hand; and that what is kept is what was measured."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from benches.retrieval.data.places import Place, Ranking, Span, read, write
from benches.retrieval.lines import load_spans
from benches.retrieval.reports import lines_report

RANKING = Ranking(
    "code",
    "hybrid",
    "q",
    (Span("a.py", 10, 12, 2), Span("a.py", 30, 40, 1)),
    (
        Place("b.py", 1, 10, 400),
        Place("a.py", 8, 17, 800),
        Place("a.py", 11, 12, 100),
        Place("a.py", 38, 60, 400),
    ),
    0.01,
)


def test_one_place_pays_for_one_span() -> None:
    ideal = 2 + 1 / math.log2(3)
    assert RANKING.ndcg == pytest.approx((2 / math.log2(3) + 1 / math.log2(5)) / ideal)
    assert (RANKING.first, RANKING.hit(1), RANKING.hit(2), RANKING.file_hit(1)) == (2, False, True, False)


def test_tokens_are_counted_to_the_line_and_to_the_end_of_its_place() -> None:
    assert RANKING.tokens_to_first_place == 100 + 200
    assert RANKING.tokens_to_first_line == 100 + 200 * 2 / 10
    assert replace(RANKING, spans=(Span("c.py", 1, 1),)).tokens_to_first_line == 16_000


def test_precision_within_a_budget() -> None:
    assert RANKING.precision(300) == pytest.approx(3 / 20)
    assert RANKING.precision(1) == 0.0  # the first place is read whatever it costs


def test_all_files_have_to_be_found() -> None:
    two = replace(RANKING, spans=(*RANKING.spans, Span("b.py", 90, 91)))
    assert (two.strict_files(1), two.strict_files(2), RANKING.strict_files(1)) == (False, True, False)


def test_kept_rankings_are_read_as_they_were(tmp_path: Path) -> None:
    write(tmp_path / "kept", [RANKING])
    assert read(tmp_path / "kept") == [RANKING]
    better = replace(RANKING, places=RANKING.places[1:])
    assert "difference, paired" in lines_report.report([better], [RANKING])


def test_questions_without_a_label_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "q.csv").write_text(
        "query,result1,result2,result3\nwhat,a.rs:1-2:2,b:c.rs:3-4:1,\nnothing,,,\n"
    )
    assert load_spans(tmp_path / "q.csv") == [("what", (Span("a.rs", 1, 2, 2), Span("b:c.rs", 3, 4, 1)))]
