"""``codesearch tune``: what is learned, who judges, and what searches make of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from codesearch.benchmark.learning import Example, Step, learn
from codesearch.benchmark.questions import COMMENTS, Place, Question
from codesearch.benchmark.tune import _halves
from codesearch.index.opening import open_index
from codesearch.models.adapter import QueryAdapter
from codesearch.storage.adapter_file import AdapterFile
from codesearch.storage.folders.locations import locate
from tests.support.command import run
from tests.support.dialect import write_dialect

_STEP = Step(0.3, 3)


def _units(seed: int, *shape: int) -> NDArray[np.float32]:
    found = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    found /= np.linalg.norm(found, axis=-1, keepdims=True)
    return found


def _examples(seed: int, count: int, dim: int) -> list[Example]:
    wrong = _units(seed + 2, count, 3, dim)
    rows = zip(_units(seed, count, dim), _units(seed + 1, count, dim), wrong, strict=True)
    return [Example(question, answer, others) for question, answer, others in rows]


@pytest.mark.parametrize("count", [5, 20, 60])
def test_the_adapter_is_the_ridge_regression_of_the_steps(count: int) -> None:
    dim = 20
    examples = _examples(count, count, dim)
    adapter = learn(examples, Step(0.3, 30), "f")
    questions = np.stack([one.question for one in examples]).astype(np.float64)
    steps = 0.3 * np.stack([one.answer - one.wrong.mean(axis=0) for one in examples])
    # The normal equations of the primal problem, with a free intercept.
    centred = questions - questions.mean(axis=0)
    slope = np.linalg.inv(centred.T @ centred + 30.0 * np.eye(dim)) @ centred.T @ (steps - steps.mean(axis=0))
    wanted = questions + centred @ slope + steps.mean(axis=0)
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    np.testing.assert_allclose(adapter.apply(questions.astype(np.float32)), wanted, atol=2e-6)


def test_an_answer_that_stands_first_moves_nothing() -> None:
    examples = [Example(one.question, one.answer, one.wrong[:0]) for one in _examples(1, 12, 8)]
    questions = _units(9, 5, 8)
    np.testing.assert_allclose(learn(examples, _STEP, "f").apply(questions), questions, atol=1e-6)


def test_adapted_vectors_have_unit_length_and_none_vanishes() -> None:
    questions = _units(3, 40, 8)
    nothing = np.zeros((8, 1), np.float32)
    gone = QueryAdapter(nothing, nothing.T, -questions[0], "f")
    np.testing.assert_allclose(gone.apply(questions[:1]), questions[:1], atol=1e-6)
    changed = learn(_examples(4, 30, 8), Step(1.0, 3), "f").apply(questions)
    np.testing.assert_allclose(np.linalg.norm(changed, axis=1), 1.0, atol=1e-6)
    assert changed.dtype == np.float32


@given(st.lists(st.integers(0, 12), min_size=2, max_size=80), st.text(max_size=4))
def test_no_file_teaches_and_judges(files: list[int], salt: str) -> None:
    questions = [
        Question(COMMENTS, f"question {at}", (Place(f"{file}.py", 1, 2),)) for at, file in enumerate(files)
    ]
    teaching, judging = _halves(questions, salt)
    assert sorted(q.text for q in (*teaching, *judging)) == sorted(q.text for q in questions)
    assert not {q.answers[0].path for q in teaching} & {q.answers[0].path for q in judging}
    assert abs(len(teaching) - len(judging)) <= max(files.count(file) for file in files)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("dialect")
    write_dialect(root)
    return root


def _tune(root: Path, *more: str) -> dict[str, object]:
    done = run("tune", str(root), "--root-here", "--json", *more, cwd=root)
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads(done.stdout)["results"][0])


def test_a_dialect_is_learned_kept_used_and_forgotten(written: Path) -> None:
    assert run("index", str(written), "--root-here", cwd=written).returncode == 0
    with open_index(written, here=True) as index:
        before = index.search("who zorps briskly", mode="semantic")
        like = index.similar("part_3.py", line=1)
        tuned = _tune(written)
        assert tuned["kept"], tuned
        assert "MRR +" in index.status().tuned
        after = index.search("who zorps briskly", mode="semantic")
        assert [hit.score for hit in after] != [hit.score for hit in before]
        assert index.similar("part_3.py", line=1) == like
        index.refresh(rebuild=True)
        assert index.search("who zorps briskly", mode="semantic") == after
        assert _tune(written, "--off") == {"path": str(written), "forgotten": True}
        assert index.search("who zorps briskly", mode="semantic") == before
        assert index.status().tuned == ""
    assert _tune(written, "--off")["forgotten"] is False


def test_what_gains_nothing_leaves_the_index_alone(tmp_path: Path) -> None:
    write_dialect(tmp_path, shuffled=True)
    assert run("index", str(tmp_path), "--root-here", cwd=tmp_path).returncode == 0
    folder = locate(tmp_path, here=True).directory
    names = {file.name for file in folder.iterdir()}
    tuned = _tune(tmp_path)
    assert not tuned["kept"], tuned
    assert {file.name for file in folder.iterdir()} == names
    assert "not kept" in run("tune", str(tmp_path), "--root-here", cwd=tmp_path).stdout


def test_too_little_to_learn_from_and_no_index_are_said(tmp_path: Path) -> None:
    write_dialect(tmp_path)
    for file in sorted(tmp_path.iterdir())[30:]:
        file.unlink()
    none = run("tune", str(tmp_path), "--root-here", "--json", cwd=tmp_path)
    assert json.loads(none.stdout)["kind"] == "IndexNotFound"
    assert run("index", str(tmp_path), "--root-here", cwd=tmp_path).returncode == 0
    few = run("tune", str(tmp_path), "--root-here", cwd=tmp_path)
    assert few.returncode == 2
    assert "30 questions" in few.stderr
    assert "tuning needs 80; give a larger part of the repository, or a clone with its history" in few.stderr


def test_an_adapter_is_read_back_and_only_for_its_model(tmp_path: Path) -> None:
    adapter = learn(_examples(7, 30, 12), _STEP, "one")
    AdapterFile(tmp_path).write(adapter)
    found = AdapterFile(tmp_path).adapter("one")
    assert found is not None
    np.testing.assert_array_equal(found.apply(_units(1, 3, 12)), adapter.apply(_units(1, 3, 12)))
    assert AdapterFile(tmp_path).adapter("another") is None


def test_a_damaged_adapter_changes_nothing_and_is_told(written: Path) -> None:
    run("index", str(written), "--root-here", cwd=written)
    with open_index(written, here=True) as index:
        before = index.search("who zorps briskly", mode="semantic")
        file = AdapterFile(index.directory)
        file.write(learn(_examples(7, 30, 256), _STEP, index.status().fingerprint))
        path = index.directory / "adapter.npz"
        whole = path.read_bytes()
        for cut in (0, 1, 30, len(whole) // 2, len(whole) - 1):
            path.write_bytes(whole[:cut])
            assert index.search("who zorps briskly", mode="semantic") == before
            assert any("codesearch tune" in note for note in index.status().notes)
        path.write_bytes(whole)
        assert not index.status().notes
        assert index.search("who zorps briskly", mode="semantic") != before
