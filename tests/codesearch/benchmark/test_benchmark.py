"""``codesearch bench``: questions are fair, answers are right, nothing is left behind."""

from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from codesearch.benchmark.measure import Response, figures
from codesearch.benchmark.metrics import reciprocal_rank
from codesearch.benchmark.questions import (
    COMMENTS,
    COMMITS,
    Place,
    Question,
    sample,
    sample_both,
    unambiguous,
)
from codesearch.benchmark.run import Plan, Report, run
from codesearch.benchmark.trial import erase, opened_trial
from codesearch.chunking.syntax.doc_comments import Erasure
from codesearch.cli import cli
from codesearch.errors import TooFewQuestions, TooManyFiles
from codesearch.files.content.source import SourceText
from codesearch.index.opening import open_index
from codesearch.records import SourceFile, silent
from codesearch.rendering import bench_report
from tests.support.closeness import WordHashEmbedder


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """24 documented functions, whose comments say in other words what their bodies do."""
    words = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel"]
    (tmp_path / "src").mkdir()
    for number, (first, second) in enumerate(list(combinations(words, 2))[:24]):
        comment = f'"""Tells the {first} from any {second}."""'
        body = f"    {first} = {second}({number})\n    return {first} + {second}\n"
        text = f"def {first}_{second}_{number}(x):\n    {comment}\n{body}"
        (tmp_path / "src" / f"m{number}.py").write_text(text)
    return tmp_path


def _question(text: str, path: str = "a.py", kind: str = COMMENTS) -> Question:
    return Question(kind, text, (Place(path, 1, 2),))


def test_twins_have_no_answer_of_their_own() -> None:
    kept = unambiguous(
        [_question("Reads it all"), _question("reads  it all", "b.py"), _question("Writes it")]
    )
    assert [question.text for question in kept] == ["Writes it"]


@given(st.integers(0, 5), st.integers(1, 30))
def test_a_draw_is_stable_when_the_repository_grows(seed: int, limit: int) -> None:
    old = [_question(f"question {n}") for n in range(60)]
    before = sample(old, limit, seed)
    assert before == sample(list(reversed(old)), limit, seed)
    after = sample([*old, _question("a new one")], limit, seed)
    assert len(set(before) - set(after)) <= 1


@given(st.lists(st.sampled_from([b"a\n", b"/* x\n y */", b"\n", b"b"]), max_size=20))
def test_erasing_keeps_every_line_where_it_is(parts: list[bytes]) -> None:
    data, at, erasures = b"".join(parts), 0, []
    for part in parts:
        if part.startswith(b"/*"):
            erasures.append(Erasure(at, at + len(part), "."))
        at += len(part)
    kept = erase(data, erasures)
    assert kept.count(b"\n") == data.count(b"\n")
    assert b"x" not in kept
    assert kept.count(b"b") == parts.count(b"b")
    assert kept.count(b".") == len(erasures)


def test_the_temporary_index_holds_no_question_and_every_other_byte() -> None:
    data = b'def f():\n    """Reads it."""\n    return 1\n'
    question = replace(_question("Reads it"), erasures=(Erasure(13, 28),))
    source = SourceText(SourceFile("a.py", len(data), 1, "python"), data)
    with opened_trial([source], [question], WordHashEmbedder(), silent) as trial:
        text = "".join(stored.chunk.text for stored in trial.index.chunks_of("a.py"))
        folder = trial.index.root
    assert text == "def f():\n    \n    return 1\n"
    assert not folder.parent.exists()


def test_figures_by_hand() -> None:
    asked = [
        Response(_question(str(n)), "lexical", rank, n / 1000) for n, rank in enumerate([1, 2, None, 10], 1)
    ]
    (row,) = figures(asked)
    assert (row.hit_1, row.hit_5, row.hit_10) == (0.25, 0.5, 0.75)
    assert row.mrr.mean == pytest.approx((1 + 1 / 2 + 0 + 1 / 10) / 4)
    assert (row.median_ms, row.p95_ms) == (2.0, 4.0)


def test_an_answer_is_found_where_lines_meet(tree: Path) -> None:
    with open_index(tree, WordHashEmbedder(), here=True) as index:
        index.refresh()
        hits = index.search("alpha_bravo_0", mode="lexical")
    at = next(i for i, hit in enumerate(hits, 1) if hit.path == "src/m0.py")
    assert reciprocal_rank([Place("src/m0.py", 4, 4)], hits) == 1 / at
    assert reciprocal_rank([Place("src/m0.py", 40, 50), Place("rc/m0.py")], hits) == 0


def _run(tree: Path, **changes: object) -> Report:
    return run(replace(Plan(tree, True, WordHashEmbedder()), **changes), silent)  # type: ignore[arg-type]


def test_a_run_measures_and_repeats_itself(tree: Path) -> None:
    report, again = _run(tree), _run(tree)
    assert report.found == {COMMENTS: 24, COMMITS: 0}
    assert [row.mode for row in report.figures] == ["lexical", "semantic", "hybrid"]
    assert [(a.question.text, a.rank) for a in report.asked] == [
        (a.question.text, a.rank) for a in again.asked
    ]
    assert all(0.5 < row.hit_10 <= 1 for row in report.figures)


@pytest.fixture
def scratch(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's folder for temporary files."""
    folder = tmp_path_factory.mktemp("scratch")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_an_interrupt_leaves_nothing_and_the_users_index_alone(tree: Path, scratch: Path) -> None:
    with open_index(tree, WordHashEmbedder(), here=True) as index:
        index.refresh()
        database = index.directory / "index.sqlite"
    before = database.read_bytes()

    def interrupt(stage: str, done: int, total: int) -> None:
        if stage == "ask":
            assert list(scratch.iterdir())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(Plan(tree, True, WordHashEmbedder()), interrupt)
    assert list(scratch.iterdir()) == []
    assert database.read_bytes() == before
    assert len(list(database.parent.parent.iterdir())) == 1


def test_a_second_run_embeds_only_questions(tree: Path) -> None:
    _run(tree, modes=("semantic",))
    embedder = WordHashEmbedder()
    _run(tree, modes=("semantic",), model=embedder)
    assert embedder.embedded == 0 < embedder.queries


def test_the_settings_and_the_part_of_the_tree_count(tree: Path) -> None:
    (tree / "other").mkdir()
    (tree / "other" / "m.py").write_bytes((tree / "src" / "m1.py").read_bytes())
    subprocess.run(["git", "init", "-q", str(tree)], check=True)
    report = run(Plan(tree / "src", None, WordHashEmbedder(), ("lexical",)), silent)
    assert report.files == 24
    assert {answer.path.split("/")[0] for each in report.asked for answer in each.question.answers} == {"src"}


def test_too_few_questions_and_a_home_are_refused(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in sorted(tree.glob("src/*.py"))[:10]:
        path.unlink()
    with pytest.raises(TooFewQuestions, match=r"has 14 questions to ask \(14 from doc.*needs 20"):
        _run(tree)
    monkeypatch.setenv("HOME", str(tree))
    with pytest.raises(TooManyFiles, match="home"):
        _run(tree)


@pytest.mark.parametrize(
    ("comments", "commits", "want"), [(50, 50, (10, 10)), (5, 50, (5, 15)), (50, 3, (17, 3)), (4, 3, (4, 3))]
)
def test_kinds_share_the_limit(comments: int, commits: int, want: tuple[int, int]) -> None:
    asked = [_question(f"comment {n}") for n in range(comments)]
    told = [_question(f"commit {n}", kind=COMMITS) for n in range(commits)]
    drawn = [question.kind for question in sample_both(asked, told, 20, 0)]
    assert (drawn.count(COMMENTS), drawn.count(COMMITS)) == want


def test_the_command_prints_tables_and_json(tree: Path) -> None:
    arguments = ["bench", str(tree), "--root-here", "--mode", "lexical", "--limit", "20"]
    text = CliRunner().invoke(cli, arguments).stdout
    assert "24 from documentation comments, 20 asked; 0 from commit subjects, 0 asked" in text
    found = json.loads(CliRunner().invoke(cli, [*arguments, "--json"]).stdout)
    assert [row["mode"] for row in found["results"]] == ["lexical"]
    assert len(found["questions"]) == 20
    first = found["questions"][0]
    assert first["answers"][0].startswith("src/m")
    assert set(first["ranks"]) == {"lexical"}


def test_a_report_names_no_kind_that_was_not_asked(tree: Path) -> None:
    text = bench_report.as_text(_run(tree, modes=("lexical",)))
    assert "commit subjects (" not in text
    assert text.count("hit@1 ") == 1
