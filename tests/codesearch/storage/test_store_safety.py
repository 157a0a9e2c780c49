"""What must hold when things go wrong: kills, damage, other formats, full disks, crowds."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from codesearch.errors import CodesearchError, IndexBusy, IndexFormatError, IndexNotFound
from codesearch.records import Filter
from codesearch.storage.sqlite import handles
from codesearch.storage.sqlite.schema import APPLICATION_ID, FORMAT
from codesearch.storage.store import DATABASE, Store
from tests.support.closeness import WordHashEmbedder
from tests.support.paths import ROOT
from tests.support.store_support import embed_pending, put_file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with Store.open(tmp_path / "index", create=True) as store:
        with store.transaction():
            for i in range(40):
                put_file(store, f"f{i}.py", [f"common word{i}\n" * 20, f"second word{i}\n" * 20])
        embed_pending(store, WordHashEmbedder())
    return tmp_path / "index"


def python(script: str, *args: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), *map(str, args)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


WRITER = """
    import sys
    from pathlib import Path
    from codesearch.storage.store import Store
    from tests.support.store_support import embed_pending, put_file
    from tests.support.closeness import WordHashEmbedder
    store, version = Store.open(Path(sys.argv[1]), create=True), int(sys.argv[2])
    while True:
        with store.transaction():
            for i in range(20):
                put_file(store, f"f{i}.py", [f"version{version} common\\n", f"part{i} version{version}\\n"])
        embed_pending(store, WordHashEmbedder())
        print(version, flush=True)
        version += 1
"""


def test_a_writer_killed_at_any_moment_leaves_whole_transactions(tmp_path: Path) -> None:
    committed, chance = 0, random.Random(1)
    for _ in range(6):
        writer = python(WRITER, tmp_path, committed + 1)
        assert writer.stdout is not None
        committed = int(writer.stdout.readline())
        time.sleep(chance.random() / 10)
        writer.send_signal(signal.SIGKILL)
        committed = max([committed, *map(int, writer.stdout.read().split())])
        writer.wait()
        with Store.open(tmp_path) as store:
            assert store.check() == []
            (version,) = {s.chunk.definitions[0] for i in range(20) for s in store.chunks_of(f"f{i}.py")[:1]}
            assert int(version.removeprefix("version")) in (committed, committed + 1)
            assert len(store.lexical(version, 99)) == store.counts().chunks == 40
            committed = int(version.removeprefix("version"))


def test_readers_see_whole_transactions_while_another_process_writes(tmp_path: Path) -> None:
    writer = python(WRITER, tmp_path, 1)
    assert writer.stdout is not None
    writer.stdout.readline()
    versions = set()
    try:
        with Store.open(tmp_path, read_only=True) as store:
            while len(versions) < 5:
                with store.reading():
                    texts = [s.chunk.text for i in range(20) for s in store.chunks_of(f"f{i}.py")]
                    (version,) = {word for text in texts for word in text.split() if "version" in word}
                    assert len(store.lexical(version, 99)) == 40
                    assert store.counts().embedded in (0, 40)
                versions.add(version)
    finally:
        writer.kill()
        writer.communicate()


def test_a_snapshot_does_not_change_under_its_reader(folder: Path) -> None:
    with Store.open(folder) as store, store.reading():
        before = store.counts()
        thread = threading.Thread(target=lambda: put_file(store, "new.py", ["new\n"]))
        thread.start()
        thread.join()
        assert store.counts() == before
    with Store.open(folder) as store:
        assert store.counts().files == before.files + 1


def test_an_error_inside_a_transaction_undoes_all_of_it(folder: Path) -> None:
    with Store.open(folder) as store:
        before = store.counts(), store.generation()
        with pytest.raises(KeyError), store.transaction():  # noqa: PT012
            store.remove_files(["f1.py"])
            with store.transaction():
                put_file(store, "f2.py", ["other\n"])
            raise KeyError
        assert (store.counts(), store.generation()) == before
        put_file(store, "f2.py", ["other\n"])
        assert len(store.lexical("other", 5)) == 1


def test_a_full_disk_is_said_and_costs_one_step(folder: Path) -> None:
    with Store.open(folder) as store:
        before = store.counts()
        store._db.run(f"PRAGMA max_page_count = {store._db.value('PRAGMA page_count')}")
        with pytest.raises(CodesearchError, match="no space is left") as caught:
            put_file(store, "large.py", [f"large text {i} {'x' * 4000}\n" for i in range(200)])
        assert isinstance(caught.value.__cause__, sqlite3.Error)
        assert store.counts() == before
        assert store.check() == []


# -- files that are no index, or not ours, or no longer whole


def test_nothing_there_is_not_an_index(tmp_path: Path) -> None:
    with pytest.raises(IndexNotFound, match="codesearch index /the/root"):
        Store.open(tmp_path / "none", root="/the/root")
    assert not (tmp_path / "none").exists()


def test_a_file_left_empty_by_a_kill_is_filled_in(tmp_path: Path) -> None:
    (tmp_path / DATABASE).touch()
    with pytest.raises(IndexNotFound):
        Store.open(tmp_path)
    with Store.open(tmp_path, create=True) as store:
        assert put_file(store, "a.py", ["one\n"]).added == 1


@pytest.mark.parametrize(
    ("pragma", "found"),
    [
        (f"user_version = {FORMAT + 1}", str(FORMAT + 1)),
        ("user_version = 0", "0"),
        ("application_id = 7", "another program's"),
    ],
)
@pytest.mark.parametrize("create", [True, False])
def test_another_format_names_the_remedy_and_is_left_alone(folder: Path, pragma, found, create) -> None:
    with sqlite3.connect(folder / DATABASE) as handle:
        handle.execute(f"PRAGMA {pragma}")
    handle.close()
    before = (folder / DATABASE).read_bytes()
    with pytest.raises(IndexFormatError, match="codesearch clear /the/root") as caught:
        Store.open(folder, create=create, root="/the/root")
    assert found in str(caught.value.found)
    assert caught.value.expected == FORMAT
    assert (folder / DATABASE).read_bytes() == before


def test_our_files_can_be_told_from_outside(folder: Path) -> None:
    header = (folder / DATABASE).read_bytes()[:100]
    assert header.startswith(b"SQLite format 3\0")
    assert int.from_bytes(header[68:72], "big") == APPLICATION_ID
    assert int.from_bytes(header[60:64], "big") == FORMAT


def problems_of(folder: Path) -> list[str]:
    """What is wrong with an index; any other error than ours gets through and fails the test."""
    try:
        with Store.open(folder, read_only=True, root="/the/root") as store:
            problems = [str(row[0]) for row in store._db.rows("PRAGMA integrity_check") if row[0] != "ok"]
            ids = [stored.id for path in store.files() for stored in store.chunks_of(path)]
            store.vectors()
            store.ids_matching(Filter(languages=("python",)))
            store.chunks(hit.id for hit in store.lexical("common", 99))
        return problems if len(ids) == 80 else [*problems, "chunks are missing"]
    except CodesearchError as error:
        return [str(error)]


def test_a_file_cut_anywhere_is_noticed(folder: Path) -> None:
    whole = (folder / DATABASE).read_bytes()
    assert problems_of(folder) == []
    chance = random.Random(2)
    for length in [1, 15, 16, 99, 4096, *(chance.randrange(len(whole) - 4096) for _ in range(20))]:
        (folder / DATABASE).write_bytes(whole[:length])
        assert problems_of(folder), f"cut at {length} of {len(whole)}"


def test_garbage_is_refused_with_the_command_that_helps(folder: Path) -> None:
    (folder / DATABASE).write_bytes(b"no database at all " * 1000)
    with pytest.raises(IndexFormatError, match=r"damaged .* codesearch clear /the/root") as caught:
        Store.open(folder, create=True, root="/the/root")
    assert isinstance(caught.value.__cause__, sqlite3.DatabaseError)


def test_flipped_bytes_give_our_errors_or_none(folder: Path) -> None:
    whole = (folder / DATABASE).read_bytes()
    chance = random.Random(3)
    noticed = 0
    for _ in range(40):
        damaged = bytearray(whole)
        for _ in range(8):
            damaged[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        (folder / DATABASE).write_bytes(damaged)
        noticed += bool(problems_of(folder))
    assert noticed > 0


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM lexical_data WHERE id > 10",
        "DELETE FROM lexical_docsize",
        "DELETE FROM lexical WHERE rowid = 3",
    ],
)
def test_a_damaged_full_text_index_is_written_anew_and_noted(folder: Path, damage: str) -> None:
    with sqlite3.connect(folder / DATABASE) as handle:
        handle.execute(damage)
    handle.close()
    with pytest.raises(IndexFormatError, match="full-text"):
        Store.open(folder, read_only=True)
    with Store.open(folder) as store:
        assert any("written anew" in note for note in store.notes)
        assert len(store.lexical("common", 99)) == 40
        assert store.check() == []
    with Store.open(folder) as store:
        assert store.notes == []


# -- crowds


def test_threads_share_a_store_and_leave_no_connections(folder: Path) -> None:
    with Store.open(folder) as store:
        counts = []
        for _ in range(3):
            threads = [threading.Thread(target=lambda: counts.append(store.counts())) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert counts == [store.counts()] * 24
        assert 1 <= len(store._db._handles._idle) <= 8


def test_a_second_writer_waits_and_then_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handles, "BUSY_SECONDS", 0.05)
    with Store.open(folder) as first, first.transaction():
        put_file(first, "new.py", ["new\n"])
        with Store.open(folder, create=True) as second:  # to open it and to read it waits for nobody
            assert "new.py" not in second.files()
            with pytest.raises(IndexBusy):
                put_file(second, "other.py", ["other\n"])


def test_a_reader_cannot_write_and_a_closed_store_says_so(folder: Path) -> None:
    store = Store.open(folder, read_only=True)
    with pytest.raises(CodesearchError, match="readonly"):
        put_file(store, "new.py", ["new\n"])
    store.close()
    with pytest.raises(CodesearchError, match="was closed"):
        store.counts()


def test_a_network_drive_gets_no_shared_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handles, "network_file_system", lambda _: "nfs4")
    with Store.open(tmp_path, create=True) as store, Store.open(tmp_path, read_only=True) as reader:
        put_file(store, "a.py", ["one\n"])
        assert store._db.value("PRAGMA journal_mode") == "delete"
        assert list(reader.files()) == ["a.py"]
        assert [path.name for path in tmp_path.iterdir()] == [DATABASE]


def test_removed_text_gives_its_space_back(folder: Path) -> None:
    with Store.open(folder) as store:
        for i in range(40):
            put_file(store, f"f{i}.py", [f"{'much text ' * 5000}{i}\n"])
        store.compact()
        full = store.size_bytes()
        store.remove_files(list(store.files()))
        store.compact()
        assert store.size_bytes() < full / 4


@pytest.mark.skipif(os.name == "nt", reason="no modes")
def test_the_index_is_for_its_owner_alone(tmp_path: Path) -> None:
    Store.open(tmp_path / "new" / "index", create=True).close()
    assert (tmp_path / "new" / "index").stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CodesearchError, match="CODESEARCH_HOME") as caught:
        Store.open(tmp_path / "file" / "index", create=True)
    assert isinstance(caught.value.__cause__, OSError)
