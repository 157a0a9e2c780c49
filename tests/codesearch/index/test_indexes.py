"""Several roots searched as one: the order of one index over all, copies folded, failures kept apart."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from codesearch import Hit, Indexes, open_index, open_indexes
from codesearch.errors import BadQuery, CodesearchError, IndexBusy, IndexNotFound, ModelMismatch
from codesearch.index.comparable import Member, comparable
from codesearch.index.several import shares
from codesearch.records import Copy
from codesearch.storage.folders.locations import LOCK_NAME
from codesearch.storage.folders.lock import WriterLock
from codesearch.storage.store import DATABASE
from tests.support.closeness import WordHashEmbedder
from tests.support.trees import QUESTIONS, write_tree

MODES = ("hybrid", "lexical", "semantic")
WORDS = WordHashEmbedder()


@pytest.fixture
def roots(tmp_path: Path) -> tuple[Path, Path]:
    """Two trees of one parent; the second is smaller, and its words are spread otherwise.

    Their names hold no word, which one index over the parent would take for a word of every path.
    """
    first, second = tmp_path / "both" / "_", tmp_path / "both" / "__"
    write_tree(first, 20, seed=1)
    write_tree(second, 6, seed=2)
    return first, second


def ready(*paths: Path, **options: object) -> Indexes:
    indexes = open_indexes(paths, WORDS, **options)  # type: ignore[arg-type]
    indexes.refresh()
    return indexes


def absolute(hits: list[Hit]) -> list[str]:
    return [f"{hit.root}/{hit.path}:{hit.start_line}" for hit in hits]


@pytest.mark.parametrize("mode", MODES)
def test_the_order_is_that_of_one_index_over_both(roots: tuple[Path, Path], mode: str) -> None:
    with open_index(roots[0].parent, WORDS) as one, ready(*roots) as several:
        one.refresh()
        found = set()
        for question in QUESTIONS:
            want, got = (
                one.search(question, limit=20, mode=mode),
                several.search(question, limit=20, mode=mode),
            )
            assert absolute(got) == absolute(want)
            assert [hit.score for hit in got] == pytest.approx([hit.score for hit in want])
            found.update(hit.root for hit in got)
        assert found == {str(root) for root in roots}


def test_a_worktree_changes_nothing_but_is_named(roots: tuple[Path, Path], tmp_path: Path) -> None:
    copy = tmp_path / "worktree"
    shutil.copytree(roots[0], copy)
    with ready(roots[0]) as one, ready(roots[0], copy) as two:
        for mode in MODES:
            alone, both = (
                one.search("retry the socket", limit=8, mode=mode),
                two.search("retry the socket", limit=8, mode=mode),
            )
            assert absolute(both) == absolute(alone)
            places = [Copy(str(copy), hit.path, hit.start_line, hit.end_line) for hit in both]
            assert [list(hit.copies) for hit in both] == [[place] for place in places]


def test_a_vendored_copy_is_no_second_hit(roots: tuple[Path, Path]) -> None:
    first, second = roots
    (first / "vendor").mkdir()
    shutil.copytree(second / "package0", first / "vendor" / "right")
    name = (second / "package0" / "module000.py").read_text().split("def ")[1].split("(")[0]
    with ready(first, second) as several:
        hits = several.search(name, limit=10)
        assert (hits[0].root, hits[0].path) == (str(second), "package0/module000.py")
        assert hits[0].copies == (Copy(str(first), "vendor/right/module000.py", 1, hits[0].end_line),)
        assert len(hits) == 10
        assert len({hit.text.strip() for hit in hits}) == 10
        assert any(not hit.copies for hit in hits)


def test_one_index_folds_when_asked(roots: tuple[Path, Path]) -> None:
    shutil.copytree(roots[1] / "package0", roots[1] / "vendor")
    with open_index(roots[1], WORDS) as index:
        index.refresh()
        each, folded = (
            index.search("retry socket", limit=30),
            index.search("retry socket", limit=30, fold=True),
        )
    assert not any(hit.copies for hit in each)
    assert sum(1 + len(hit.copies) for hit in folded) >= len(each) > len(folded)


def test_parts_of_one_root_are_one_root(roots: tuple[Path, Path]) -> None:
    paths = [roots[0] / "package1", roots[0] / "package2" / "module002.py"]
    (roots[0] / ".git").mkdir()
    (roots[0] / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    with ready(*paths, roots[1]) as several:
        assert several.roots == roots
        hits = several.search("retry the socket", limit=50)
    of_first = {hit.path for hit in hits if hit.root == str(roots[0])}
    assert of_first == {f"package1/module{n:03}.py" for n in (1, 6, 11, 16)} | {"package2/module002.py"}
    assert any(hit.root == str(roots[1]) for hit in hits)


def test_what_fails_is_told_and_loses_nothing_else(roots: tuple[Path, Path]) -> None:
    told: list[tuple[Path, CodesearchError]] = []
    with ready(*roots, on_problem=lambda *problem: told.append(problem)) as several:
        several.indexes[1].close()
        hits = several.search("retry the socket", limit=5)
    assert [hit.root for hit in hits] == [str(roots[0])] * 5
    assert [root for root, _ in told] == [roots[1]]
    assert "was closed" in str(told[0][1])


def test_where_nothing_answers_it_is_an_error(roots: tuple[Path, Path]) -> None:
    with pytest.raises(IndexNotFound, match="__"):
        open_indexes(roots, create=False, on_problem=lambda *_: None)
    several = ready(*roots, on_problem=lambda *_: None)
    several.close()
    with pytest.raises(CodesearchError, match="was closed"):
        several.search("retry")


def test_a_damaged_root_is_left_out_and_named(
    roots: tuple[Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    with ready(*roots) as several:
        directory = several.indexes[0].directory
    (directory / DATABASE).write_bytes(b"no database" * 1000)
    with open_indexes(roots, WORDS, create=False) as several:
        assert {hit.root for hit in several.search("retry")} == {str(roots[1])}
    assert str(roots[0]) in caplog.text
    assert "damaged" in caplog.text


def test_a_locked_root_answers_from_what_it_holds(roots: tuple[Path, Path]) -> None:
    told: list[tuple[Path, CodesearchError]] = []
    with ready(*roots, on_problem=lambda *problem: told.append(problem)) as several:
        with WriterLock(several.indexes[0].directory / LOCK_NAME):
            assert list(several.refresh(lock_wait=0)) == [roots[1]]
        assert {hit.root for hit in several.search("retry", limit=20)} == {str(root) for root in roots}
    assert [(root, type(error)) for root, error in told] == [(roots[0], IndexBusy)]


def test_another_models_root_is_searched_by_words(roots: tuple[Path, Path]) -> None:
    with open_index(roots[1], WordHashEmbedder("another")) as other:
        other.refresh()
    told: list[tuple[Path, CodesearchError]] = []
    with open_indexes(roots, WORDS, on_problem=lambda *problem: told.append(problem)) as several:
        several.indexes[0].refresh()
        assert {hit.root for hit in several.search("retry", limit=30)} == {str(root) for root in roots}
        assert {hit.root for hit in several.search("retry", limit=30, mode="semantic")} == {str(roots[0])}
        assert [(root, type(error)) for root, error in told] == [(roots[1], ModelMismatch)] * 2
        assert several.search("retry", limit=30, mode="lexical")
        assert len(told) == 2


def test_only_vectors_of_the_first_roots_model_are_compared(roots: tuple[Path, Path]) -> None:
    models = (WORDS, WordHashEmbedder("another"))
    members = [Member(open_index(root, model), ()) for root, model in zip(roots, models, strict=True)]
    for member in members:
        member.index.refresh()
    found = comparable(members)
    assert (found.load(), found.members) == (WORDS, (members[0],))
    assert [(root, str(mismatch).count("--rebuild")) for root, mismatch in found.others] == [(roots[1], 1)]


def test_a_path_that_is_not_there_is_named(roots: tuple[Path, Path]) -> None:
    with pytest.raises(BadQuery, match="nowhere"):
        open_indexes([roots[0], roots[0] / "nowhere"])
    with pytest.raises(BadQuery, match="no path"):
        open_indexes([])


def test_similar_and_explain_cross_the_roots(roots: tuple[Path, Path]) -> None:
    with ready(*roots) as several:
        near = several.similar(roots[1] / "package0" / "module000.py", line=5, limit=40)
        assert {hit.root for hit in near} == {str(root) for root in roots}
        explained = several.explain("retry the socket", limit=5)
        assert [one.hit for one in explained] == several.search("retry the socket", limit=5)
        with pytest.raises(BadQuery, match="elsewhere"):
            several.similar("/elsewhere/x.py", line=1)
        with pytest.raises(BadQuery, match=rf"{roots[0]}/package0/module000.py:999"):
            several.similar(roots[0] / "package0" / "module000.py", line=999)


def test_a_pattern_restricts_every_root(roots: tuple[Path, Path]) -> None:
    with ready(*roots) as several:
        hits = several.search("", limit=500, pattern=r"def \w+_1_\d")
        assert {(hit.root, hit.path) for hit in hits} == {
            (str(root), "package1/module001.py") for root in roots
        }


def test_time_is_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    share = shares(12.0, 3)
    assert next(share) == pytest.approx(4)
    now += 1
    assert next(share) == pytest.approx(5.5)
    now += 20
    assert next(share) == 0
    assert list(shares(None, 2)) == [None, None]
