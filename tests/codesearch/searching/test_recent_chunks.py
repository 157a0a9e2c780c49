"""Chunks that are kept between questions are those of the store, whatever was written meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from codesearch.searching.stores import recent_chunks
from codesearch.searching.stores.recent_chunks import RecentChunks
from codesearch.storage.store import Store
from tests.support.store_support import put_file


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path, create=True) as opened:
        put_file(opened, "a.py", ["one\n", "two\n", "three\n"])
        yield opened


def ids(store: Store) -> list[int]:
    return [stored.id for path in store.files() for stored in store.chunks_of(path)]


def stored(store: Store) -> dict[int, object]:
    return {id_: found.chunk for id_, found in sorted(store.chunks(ids(store)).items())}


def test_a_kept_chunk_follows_the_store(store: Store) -> None:
    recent, before = RecentChunks(store), ids(store)
    assert recent.chunks(before) == stored(store)
    put_file(store, "a.py", ["new\n\n", "two\n", "one\n"])  # two of them move, one goes
    assert recent.chunks(before) == {id_: c for id_, c in stored(store).items() if id_ in before}
    assert recent.chunks(reversed(ids(store))) == stored(store)
    assert list(recent.chunks(reversed(ids(store)))) == sorted(ids(store))


def test_what_is_kept_is_not_read_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    recent, wanted = RecentChunks(store), ids(store)
    recent.chunks(wanted[:2])
    asked: list[list[int]] = []
    read = store.chunks
    monkeypatch.setattr(store, "chunks", lambda some: asked.append(list(some)) or read(some))
    assert list(recent.chunks(wanted)) == wanted
    assert list(recent.chunks(wanted)) == wanted
    assert asked == [wanted[2:]]


def test_a_snapshot_is_answered_as_it_was(store: Store) -> None:
    recent, wanted = RecentChunks(store), ids(store)
    before = stored(store)

    def write() -> None:
        put_file(store, "a.py", ["zero\n", "one\n", "two\n", "three\n"])
        recent.chunks(wanted)

    with store.reading():
        store.generation()  # SQLite's snapshot begins with the first row that is read
        writer = threading.Thread(target=write)
        writer.start()
        writer.join()
        assert recent.chunks(wanted) == before
    assert recent.chunks(wanted) == {id_: c for id_, c in stored(store).items() if id_ in wanted} != before


def test_only_so_much_is_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent_chunks, "_CHARACTERS", 100)
    put_file(store, "b.py", [f"word{i} {'x' * 20}\n" for i in range(40)])
    recent = RecentChunks(store)
    for _ in range(2):
        assert recent.chunks(ids(store)) == stored(store)
        assert sum(len(chunk.text) for chunk in recent._kept.values()) <= 100
        assert recent._characters == sum(len(chunk.text) for chunk in recent._kept.values())
