"""What a refresh reads, chunks, embeds and counts, and what it leaves alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from codesearch import open_index
from codesearch.errors import IndexBusy, ModelMismatch, TooManyFiles
from codesearch.index.index import Index
from codesearch.records import SourceFile, Stats
from codesearch.storage import metadata as recorded
from codesearch.storage.folders.locations import LOCK_NAME, vector_cache_path
from codesearch.storage.folders.lock import WriterLock
from codesearch.storage.lexical import tokens as lexical
from codesearch.storage.metadata import LastRefresh
from codesearch.storage.rows import StoredFile
from codesearch.updating.changes import TICK_NS, compare
from mlx_jinabert import load
from tests.support.closeness import WordHashEmbedder
from tests.support.trees import answers, make_old, places, write_tree


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = write_tree(tmp_path / "tree", 6)
    make_old(root)
    return root


@pytest.fixture
def model() -> WordHashEmbedder:
    return WordHashEmbedder()


def _refreshed(root: Path, model: WordHashEmbedder, **options: object) -> Stats:
    with open_index(root, model, **options) as index:
        return index.refresh()


# -- what changed (pure)

_FILE = SourceFile("a.py", 10, 5_000_000_000, "python")
_KNOWN = StoredFile(1, "a.py", 10, 5_000_000_000, b"hash", "python")
_LATER = 5_000_000_000 + TICK_NS + 1


@pytest.mark.parametrize(
    ("file", "last_read_ns", "is_read"),
    [
        (_FILE, _LATER, False),
        (_FILE, _LATER - 1, True),
        (_FILE, None, True),
        (replace(_FILE, size=11), _LATER, True),
        (replace(_FILE, mtime_ns=4_000_000_000), _LATER, True),
        (replace(_FILE, path="b.py"), _LATER, True),
    ],
)
def test_what_is_read_again(file: SourceFile, last_read_ns: int | None, is_read: bool) -> None:
    changes = compare([file], {"a.py": _KNOWN}, last_read_ns)
    assert bool(changes.to_read) is is_read
    assert changes.unchanged == 1 - is_read
    assert changes.removed == (() if file.path == "a.py" else ("a.py",))


# -- counts


def test_first_refresh_counts_everything(tree: Path, model: WordHashEmbedder) -> None:
    stats = _refreshed(tree, model)
    assert (stats.files_added, stats.files_changed, stats.files_reused, stats.files_removed) == (6, 0, 0, 0)
    assert stats.chunks_added == stats.embedded == model.embedded > 6
    assert set(stats.seconds) >= {"walk", "chunk", "embed"}


def test_unchanged_tree_costs_nothing(tree: Path, model: WordHashEmbedder) -> None:
    _refreshed(tree, model)
    embedded = model.embedded
    stats = _refreshed(tree, model)
    assert (stats.files_added, stats.files_reused, stats.chunks_added, stats.embedded) == (0, 6, 0, 0)
    assert model.embedded == embedded


def test_a_refresh_without_news_writes_nothing(tree: Path, model: WordHashEmbedder) -> None:
    _refreshed(tree, model)
    with open_index(tree, model) as index, index._database() as database:
        written = database.store.generation()
        index.refresh()
        assert database.store.generation() == written
        (tree / "new.py").write_text("def brand_new():\n    pass\n")
        assert index.refresh().files_added == 1
        assert database.store.generation() > written


@pytest.mark.parametrize(("seconds", "is_kept"), [(-3600, False), (40, True), (61, False)])
def test_a_refresh_without_news_is_written_down_once_a_minute(
    tree: Path, model: WordHashEmbedder, seconds: int, is_kept: bool
) -> None:
    _refreshed(tree, model)
    with open_index(tree, model) as index, index._database() as database:
        last = recorded.read(database.store, LastRefresh)
        assert last is not None
        older = (last.finished_at - timedelta(seconds=seconds)).isoformat(timespec="seconds")
        recorded.write(database.store, replace(last, finished=older))
        index.refresh()
        found = recorded.read(database.store, LastRefresh)
        assert found is not None
        assert (found.finished == older) is is_kept
        assert is_kept or abs(found.finished_at - last.finished_at) < timedelta(seconds=60)


def test_edited_file_keeps_the_chunks_that_did_not_change(tree: Path, model: WordHashEmbedder) -> None:
    first = _refreshed(tree, model)
    path = tree / "package0" / "module000.py"
    path.write_text(path.read_text() + "\n\ndef brand_new(thing):\n    return thing" + " + 1" * 300 + "\n")
    stats = _refreshed(tree, model)
    assert (stats.files_changed, stats.files_reused, stats.files_added) == (1, 5, 0)
    assert stats.chunks_reused > 0
    assert 0 < stats.embedded == stats.chunks_added < first.chunks_added // 3
    with open_index(tree, model) as index:
        assert index.search("brand_new", limit=1)[0].path == "package0/module000.py"


def test_touched_file_is_read_but_not_chunked(tree: Path, model: WordHashEmbedder) -> None:
    _refreshed(tree, model)
    os.utime(tree / "package0" / "module000.py", ns=(1, 1))
    stats = _refreshed(tree, model)
    assert (stats.files_changed, stats.files_reused, stats.chunks_added) == (0, 6, 0)


def test_removed_and_renamed_files(tree: Path, model: WordHashEmbedder) -> None:
    _refreshed(tree, model)
    (tree / "package1" / "module001.py").unlink()
    (tree / "package2" / "module002.py").rename(tree / "package2" / "other.py")
    stats = _refreshed(tree, model)
    assert (stats.files_added, stats.files_removed) == (1, 2)
    assert stats.chunks_removed > 0
    with open_index(tree, model) as index:
        assert index.chunks_of("package1/module001.py") == []
        assert len(index.chunks_of("package2/other.py")) > 0


def test_edit_within_one_tick_of_the_clock_is_seen(tree: Path, model: WordHashEmbedder) -> None:
    path = tree / "package0" / "module000.py"
    path.write_text("def alpha():\n    return 1\n")
    stat = path.stat()
    _refreshed(tree, model)
    path.write_text("def omega():\n    return 2\n")  # as long as before
    os.utime(path, ns=(stat.st_mtime_ns, stat.st_mtime_ns))
    assert _refreshed(tree, model).files_changed == 1
    with open_index(tree, model) as index:
        assert [hit.symbol for hit in index.search("omega", limit=1, mode="lexical")] == ["omega"]


def test_any_sequence_of_edits_ends_where_a_fresh_index_does(tree: Path, model: WordHashEmbedder) -> None:
    _refreshed(tree, model)
    write_tree(tree, 9, seed=1)
    (tree / "package3" / "module003.py").unlink()
    _refreshed(tree, model)
    (tree / "package0" / "module000.py").write_bytes(b"def broken(:\r\n\tpass\r\n")
    _refreshed(tree, model)
    with open_index(tree, model) as index:
        found = answers(index)
        index.refresh(rebuild=True)
        assert found == answers(index)


# -- files that are no text, or no longer there


def test_a_binary_file_is_counted_always_and_noticed_when_it_becomes_text(
    tree: Path, model: WordHashEmbedder
) -> None:
    path = tree / "blob"
    path.write_bytes(b"\0" * 500)
    os.utime(path, ns=(1, 1))
    assert _refreshed(tree, model).skipped["binary"] == 1
    assert _refreshed(tree, model).skipped["binary"] == 1
    path.write_bytes(b"text " * 100)  # as large and as old
    os.utime(path, ns=(1, 1))
    stats = _refreshed(tree, model)
    assert ("binary" in stats.skipped, stats.files_added) == (False, 1)


def test_text_that_becomes_binary_leaves_the_index(tree: Path, model: WordHashEmbedder) -> None:
    _refreshed(tree, model)
    (tree / "package0" / "module000.py").write_bytes(b"\0" * 100)
    stats = _refreshed(tree, model)
    assert (stats.files_removed, stats.skipped["binary"]) == (1, 1)


def test_file_that_vanishes_meanwhile_is_counted(tree: Path, model: WordHashEmbedder) -> None:
    def progress(stage: str, done: int, total: int) -> None:
        if stage == "chunk":
            (tree / "package1" / "module001.py").unlink(missing_ok=True)

    with open_index(tree, model) as index:
        stats = index.refresh(progress)
    assert (stats.skipped["vanished"], stats.files_added) == (1, 5)


def test_file_that_cannot_be_read_keeps_what_was_read_before(tree: Path, model: WordHashEmbedder) -> None:
    _refreshed(tree, model)
    path = tree / "package1" / "module001.py"
    os.utime(path, ns=(1, 1))

    def progress(stage: str, done: int, total: int) -> None:
        if stage == "chunk" and path.is_file():  # after the walk: what was a file is one no longer
            path.unlink()
            path.mkdir()

    with open_index(tree, model) as index:
        assert index.refresh(progress).skipped["unreadable"] == 1
        assert index.chunks_of("package1/module001.py")


# -- vectors: once for all indexes of a user


def test_clone_embeds_nothing(tree: Path, model: WordHashEmbedder, tmp_path: Path) -> None:
    first = _refreshed(tree, model)
    shutil.copytree(tree, tmp_path / "clone")
    stats = _refreshed(tmp_path / "clone", model)
    assert (stats.embedded, stats.from_cache) == (0, first.embedded)
    with open_index(tree, model) as one, open_index(tmp_path / "clone", model) as other:
        assert answers(one) == answers(other)


def test_branch_switch_embeds_nothing_twice(tmp_path: Path, model: WordHashEmbedder) -> None:
    root = write_tree(tmp_path / "repo", 4)
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", str(root)]

    def run(*arguments: str) -> None:
        subprocess.run([*git, *arguments], check=True, capture_output=True)

    run("init", "-b", "main")
    run("add", ".")
    run("commit", "-m", "one")
    _refreshed(root, model)
    run("checkout", "-b", "other")
    write_tree(root, 4, seed=7)
    run("commit", "-am", "two")
    assert _refreshed(root, model).embedded > 0
    count = model.embedded
    for branch in ("main", "other"):
        run("checkout", branch)
        stats = _refreshed(root, model)
        assert stats.from_cache == stats.chunks_added > 0
    run("worktree", "add", "../linked", "main")
    assert _refreshed(tmp_path / "linked", model).from_cache > 0
    assert model.embedded == count


def test_without_the_cache_everything_still_works(
    tree: Path, model: WordHashEmbedder, tmp_path: Path
) -> None:
    vector_cache_path().parent.mkdir(parents=True)
    vector_cache_path().write_bytes(b"no database, " * 1000)
    assert _refreshed(tree, model).embedded == model.embedded > 0


def test_cache_of_another_model_is_not_used(tree: Path, tmp_path: Path) -> None:
    _refreshed(tree, WordHashEmbedder("one"))
    shutil.copytree(tree, tmp_path / "clone")
    assert _refreshed(tmp_path / "clone", WordHashEmbedder("two")).from_cache == 0


# -- the model


class _Moody(WordHashEmbedder):
    """Has no finite vector for texts that hold a certain word."""

    def encode_document(self, texts: list[str], /) -> np.ndarray:
        vectors = super().encode_document(texts)
        vectors[["package0/" in text for text in texts]] = np.nan
        return vectors


class _Counting(WordHashEmbedder):
    max_length = 40

    def count_tokens(self, texts: list[str]) -> list[int]:
        return [len(text.split()) for text in texts]


def test_text_without_a_finite_vector_harms_no_other(tree: Path) -> None:
    stats = _refreshed(tree, _Moody())
    assert 0 < stats.embedded < stats.chunks_added
    assert any("no finite vector" in note and "package0/module" in note for note in stats.notes)
    with open_index(tree, _Moody()) as index:
        assert index.counts().embedded == index.counts().chunks
        assert all(
            "package0" not in hit.path for hit in index.search("retry socket", limit=3, mode="semantic")
        )


def test_truncated_texts_are_counted(tree: Path, model: WordHashEmbedder) -> None:
    stats = _refreshed(tree, _Counting())
    with open_index(tree) as index:
        chunks = [c.chunk for n in range(6) for c in index.chunks_of(f"package{n % 5}/module{n:03}.py")]
    assert stats.truncated == sum(len(chunk.embedded_text.split()) > 40 for chunk in chunks) > 0


def test_a_model_of_ours_says_what_it_cut(tree: Path, model: WordHashEmbedder) -> None:
    with open_index(tree, model) as index:
        index.refresh()
        chunks = [c.chunk for n in range(6) for c in index.chunks_of(f"package{n % 5}/module{n:03}.py")]
    lengths = sorted(load("embedded").count_tokens([chunk.embedded_text for chunk in chunks]))
    limit = lengths[len(lengths) // 2]
    with open_index(tree, load("embedded", max_length=limit)) as index:
        stats = index.refresh(rebuild=True)
    assert stats.truncated == sum(length > limit for length in lengths) > 0
    assert stats.truncated < stats.embedded == len(lengths)


def test_another_model_is_refused_and_nothing_is_lost(tree: Path, model: WordHashEmbedder) -> None:
    _refreshed(tree, model)
    write_tree(tree, 8)
    with open_index(tree, WordHashEmbedder("other")) as index:
        with pytest.raises(ModelMismatch, match=r"word-hash-1.*other.*--rebuild"):
            index.refresh()
        with pytest.raises(ModelMismatch):
            index.search("retry")
        assert index.search("retry", mode="lexical")
        assert index.counts().files == 6
        stats = index.refresh(rebuild=True)
    assert (stats.files_added, stats.from_cache) == (8, 0)
    assert stats.embedded == stats.chunks_added


def test_model_of_another_program_must_be_passed_again(tree: Path, model: WordHashEmbedder) -> None:
    _refreshed(tree, model)
    with open_index(tree) as index:
        assert index.refresh().files_reused == 6
        assert index.search("retry", mode="lexical")
        with pytest.raises(Exception, match="pass it to open_index again"):
            index.search("retry")


# -- stopping early, and other writers


def test_text_is_searchable_before_vectors(tree: Path, model: WordHashEmbedder) -> None:
    with open_index(tree, model) as index:
        stats = index.refresh(vectors=False)
        assert (stats.embedded, model.embedded, index.counts().embedded) == (0, 0, 0)
        assert places(index.search("retry socket")) == places(index.search("retry socket", mode="lexical"))
        assert index.refresh().embedded == stats.chunks_added


def test_max_wait_stops_and_the_next_refresh_goes_on(
    tree: Path, model: WordHashEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_index(tree, model) as index:
        stats = index.refresh(max_wait=0)
        assert stats.embedded == 0
        assert "0 of" in stats.notes[-1]
        assert not index.status().complete
        assert index.refresh().embedded == index.counts().chunks
        assert index.status().complete


def test_a_walk_that_takes_too_long_ends_and_loses_nothing(
    tree: Path, model: WordHashEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_index(tree, model) as index:
        index.refresh()
        before = index.counts()
        hits = index.search("retry socket")
        (gone := next(tree.rglob("*.py"))).unlink()
        with monkeypatch.context() as patch:
            patch.setattr("codesearch.updating.text_stage._LEAST_WALK_SECONDS", 0)
            stats = index.refresh(max_wait=0)
        assert "not all files are read yet" in stats.notes[-1]
        assert (stats.complete, stats.files_removed) == (False, 0)
        assert (index.counts(), index.search("retry socket")) == (before, hits)
        stats = index.refresh()
        assert (stats.complete, stats.files_removed) == (True, 1)
        assert index.chunks_of(gone.relative_to(tree).as_posix()) == []


class _Sluggish(WordHashEmbedder):
    def encode_document(self, texts: list[str], /) -> np.ndarray:
        time.sleep(0.3)
        return super().encode_document(texts)


def test_max_wait_stops_between_batches(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codesearch.updating.vectorize._FIRST_BATCH", 2)
    with open_index(tree, _Sluggish()) as index:
        index.refresh(vectors=False)
        assert index.refresh(max_wait=0.2).embedded <= 2


def test_interrupt_keeps_what_is_committed(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def progress(stage: str, done: int, total: int) -> None:
        if stage == "embed" and done > 4:
            raise KeyboardInterrupt

    model = WordHashEmbedder()
    monkeypatch.setattr("codesearch.updating.vectorize._FIRST_BATCH", 2)
    with open_index(tree, model) as index:
        with pytest.raises(KeyboardInterrupt):
            index.refresh(progress)
        assert index.counts().embedded == model.embedded > 4
        assert index.refresh().embedded == index.counts().chunks - 6


def test_second_writer_waits_or_says_so(tree: Path, model: WordHashEmbedder) -> None:
    with open_index(tree, model) as index:
        with WriterLock(index.directory / LOCK_NAME), pytest.raises(IndexBusy) as busy:
            index.refresh(lock_wait=0.1)
        assert busy.value.pid == os.getpid()
        assert index.refresh().files_added == 6


def test_progress_tells_every_stage_to_its_end(tree: Path, model: WordHashEmbedder) -> None:
    seen: dict[str, tuple[int, int]] = {}
    with open_index(tree, model) as index:
        index.refresh(lambda stage, done, total: seen.update({stage: (done, total)}))
        assert seen["walk"] == seen["chunk"] == (6, 6)
        assert seen["embed"] == (index.counts().chunks,) * 2


# -- what belongs to the index


def test_home_folder_needs_a_yes(
    tree: Path, model: WordHashEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tree))
    monkeypatch.setenv("USERPROFILE", str(tree))
    with pytest.raises(TooManyFiles, match="--yes"):
        _refreshed(tree, model)
    assert _refreshed(tree, model, allow_large=True).files_added == 6
    assert _refreshed(tree, model).files_reused == 6  # the yes is remembered


def test_many_files_need_a_yes(tree: Path, model: WordHashEmbedder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codesearch.updating.text_stage.MAX_FILES", 5)
    with pytest.raises(TooManyFiles, match=r"6 files.*limit is 5.*--yes"):
        _refreshed(tree, model)
    assert _refreshed(tree, model, allow_large=True).files_added == 6


def test_options_are_remembered(tree: Path, model: WordHashEmbedder) -> None:
    (tree / ".hidden.py").write_text("def hidden_thing():\n    return 1\n")
    assert _refreshed(tree, model).files_added == 6
    assert _refreshed(tree, model, hidden=True).files_added == 1
    assert _refreshed(tree, model).files_removed == 0
    assert _refreshed(tree, model, hidden=False).files_removed == 1


def test_new_way_of_cutting_files_chunks_all_and_embeds_none(
    tree: Path, model: WordHashEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = _refreshed(tree, model)
    monkeypatch.setattr("codesearch.updating.text_stage._VERSION", "99.99")
    stats = _refreshed(tree, model)
    assert (stats.files_changed, stats.chunks_reused) == (6, first.chunks_added)
    assert stats.embedded == 0
    assert any("cut otherwise" in note for note in stats.notes)
    assert _refreshed(tree, model).files_changed == 0


def test_new_tokens_reach_the_chunks_that_stay(
    tree: Path, model: WordHashEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(lexical, "document", lambda chunk: lexical.LexicalDocument("", "", "older"))
        _refreshed(tree, model)
    monkeypatch.setattr("codesearch.updating.text_stage._VERSION", "99.99")
    _refreshed(tree, model)
    with open_index(tree, model) as index:
        assert not index.search("older", mode="lexical")
        assert index.search("package0", mode="lexical")


def test_sub_folder_refreshes_the_whole_root(tree: Path, model: WordHashEmbedder) -> None:
    (tree / ".git").mkdir()
    (tree / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    assert _refreshed(tree / "package0", model).files_added == 6
    assert isinstance(open_index(tree, model), Index)
