"""The questions of newcomers: what is kept of them is whole, and what an answer is worth, by hand."""

from __future__ import annotations

from benches.retrieval import newcomers
from benches.retrieval.data.places import Span
from benches.retrieval.lines import load_spans
from codesearch import Hit


def test_every_project_has_ten_questions_with_spans_and_a_revision() -> None:
    found = newcomers.projects()
    assert [project.half for project in found].count("held out") == len(found) / 2 == 3
    for project in found:
        assert len(project.revision) == 40
        asked = load_spans(newcomers._DATA / f"{project.name}.csv")
        assert len(asked) == 10
        for _, spans in asked:
            assert any(span.relevance == 2 for span in spans)
            assert all(0 < span.start <= span.end for span in spans)


def test_an_answer_is_scored_by_its_first_right_place() -> None:
    project = newcomers.projects("held out")[0]
    text = "".join(f"line {n}\n" for n in range(1, 41))
    wrong = Hit("/r", "a.py", 1, 40, "python", "code", "", 2.0, text, best_lines=(5, 7))
    right = Hit("/r", "b.py", 1, 40, "python", "code", "", 1.0, text, best_lines=(30, 32))
    spans = (Span("b.py", 31, 35, 2),)
    score = newcomers.scored(project, [wrong, right], "thirty one", spans, "hybrid")
    assert (score.first, score.in_five, score.best_lines, score.shown) == (False, True, True, False)
    score = newcomers.scored(project, [right], "line 31", spans, "hybrid")
    assert (score.first, score.shown, score.ndcg) == (True, True, 1.0)
    assert "| **held out** | 1 | 1 | 1 | 1.000 | 1 | 1 |" in newcomers.table([score])
    score = newcomers.scored(project, [wrong], "line 31", spans, "hybrid")
    assert (score.ndcg, score.best_lines, score.shown) == (0.0, False, False)
