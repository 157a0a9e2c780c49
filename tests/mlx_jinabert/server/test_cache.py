"""Vectors kept by the hash of their text: to the byte, within bounds, and never a reason to fail."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mlx_jinabert.server.engine.cache import CacheEntry, MemoryCache, TwoLevels, text_key
from mlx_jinabert.server.engine.disk_cache import DiskCache


def entry(number: int, width: int = 64) -> CacheEntry:
    return CacheEntry(number, np.random.RandomState(number).standard_normal(width).astype(np.float32))


def key(number: int) -> bytes:
    return number.to_bytes(16, "big")


def same(a: CacheEntry, b: CacheEntry) -> bool:
    return a.tokens == b.tokens and a.vector.tobytes() == b.vector.tobytes()


def test_the_key_is_of_the_text_and_of_the_model() -> None:
    keys = {text_key(model, text) for model in (b"a", b"b") for text in ("x", "y", "", "\ud800")}
    assert len(keys) == 8


def test_memory_forgets_what_was_not_used_for_longest() -> None:
    size = entry(0).vector.nbytes + 300
    cache = MemoryCache(3 * size)
    for number in range(3):
        cache.put({key(number): entry(number)})
    cache.get([key(0)])
    cache.put({key(3): entry(3)})
    assert set(cache.get(map(key, range(4)))) == {key(0), key(2), key(3)}
    assert cache.size == 3 * size
    cache.put({key(9): entry(9, 10_000)})  # larger than all of it
    assert cache.size == 3 * size
    off = MemoryCache(0)
    off.put({key(0): entry(0)})
    assert off.get([key(0)]) == {}


def test_the_file_gives_back_every_bit_to_the_next_process(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "vectors.sqlite"
    cache = DiskCache(path, 1 << 20)
    cache.put({key(number): entry(number) for number in range(1200)})
    cache.close()
    again = DiskCache(path, 1 << 20)
    found = again.get(map(key, range(1300)))
    assert len(found) == 1200
    assert all(same(found[key(number)], entry(number)) for number in range(1200))
    again.close()
    assert again.get([key(0)]) == {}


def test_the_file_keeps_within_its_bound_and_keeps_the_newest(tmp_path: Path) -> None:
    bound = 1 << 18
    cache = DiskCache(tmp_path / "v", bound)
    for start in range(0, 4000, 200):
        cache.put({key(number): entry(number) for number in range(start, start + 200)})
        assert (tmp_path / "v").stat().st_size < 2 * bound
    assert 300 < len(cache.get(map(key, range(4000)))) < 1000


@pytest.mark.parametrize("content", [b"no database" * 1000, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_damaged_file_is_as_good_as_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "v"
    path.write_bytes(content)
    cache = DiskCache(path, 1 << 20)
    cache.put({key(0): entry(0)})
    assert cache.get([key(0)]) == {}
    cache.close()


def test_what_the_file_knows_comes_to_memory(tmp_path: Path) -> None:
    disk = DiskCache(tmp_path / "v", 1 << 20)
    disk.put({key(1): entry(1)})
    memory = MemoryCache(1 << 20)
    both = TwoLevels(memory, disk)
    both.put({key(2): entry(2)})
    assert set(both.get(map(key, range(4)))) == {key(1), key(2)}
    assert set(memory.get(map(key, range(4)))) == {key(1), key(2)}
    assert same(disk.get([key(2)])[key(2)], entry(2))
    both.close()
