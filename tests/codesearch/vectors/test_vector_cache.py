"""The look-aside cache: right or empty, whatever happens to its file."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from codesearch.errors import CodesearchError
from codesearch.storage.rows import text_hash
from codesearch.vectors import cache as vector_cache
from codesearch.vectors.cache import VectorCache
from tests.support.closeness import WordHashEmbedder, assert_close
from tests.support.paths import ROOT

DIM = WordHashEmbedder.dim


def texts(start: int, count: int) -> list[bytes]:
    return [text_hash(f"text {i}") for i in range(start, start + count)]


def vectors(start: int, count: int) -> np.ndarray:
    return WordHashEmbedder().encode_document([f"text {i}" for i in range(start, start + count)])


def known(cache: VectorCache, start: int, count: int, fingerprint: str = "model") -> int:
    """How many of the texts are known, each with its own vector."""
    found = cache.get(fingerprint, texts(start, count), DIM)
    for got, wanted in zip(found, vectors(start, count), strict=True):
        if got is not None:
            assert_close(got, wanted, atol=1e-3, what="cached vector")
    return sum(vector is not None for vector in found)


@pytest.fixture
def cache(tmp_path: Path):
    with VectorCache(tmp_path / "home" / "vectors.sqlite") as opened:
        yield opened


def test_what_was_put_is_got_by_any_later_process(cache: VectorCache) -> None:
    cache.put("model", texts(0, 50), vectors(0, 50))
    cache.close()
    assert known(cache, 0, 50) == 50
    assert known(VectorCache(cache.path), 40, 20) == 10
    assert cache.problem is None


def test_another_model_or_width_knows_nothing(cache: VectorCache) -> None:
    cache.put("model", texts(0, 5), vectors(0, 5))
    assert known(cache, 0, 5, "another model") == 0
    assert cache.get("model", texts(0, 5), DIM // 2) == [None] * 5


def test_putting_again_replaces(cache: VectorCache) -> None:
    cache.put("model", texts(0, 5), vectors(100, 5))
    cache.put("model", texts(0, 5), vectors(0, 5))
    assert known(cache, 0, 5) == 5
    cache.put("model", [], np.zeros((0, DIM), np.float32))


def test_the_file_stays_within_its_limit_and_the_latest_stay(tmp_path: Path) -> None:
    limit = 400_000
    cache = VectorCache(tmp_path / "vectors.sqlite", max_bytes=limit)
    for start in range(0, 10_000, 500):
        cache.put("model", texts(start, 500), vectors(start, 500))
    cache.close()
    assert limit / 4 < cache.size_bytes() <= limit
    assert known(cache, 9_500, 500) == 500
    assert known(cache, 0, 500) == 0


def test_what_is_used_outlives_what_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = VectorCache(tmp_path / "vectors.sqlite", max_bytes=1_500_000)
    monkeypatch.setattr(vector_cache, "_today", lambda: 100)
    cache.put("model", texts(0, 5000), vectors(0, 5000))
    monkeypatch.setattr(vector_cache, "_today", lambda: 101)
    assert known(cache, 0, 1000) == 1000
    for start in range(5000, 8000, 1000):
        cache.put("model", texts(start, 1000), vectors(start, 1000))
    assert known(cache, 0, 1000) == 1000
    assert known(cache, 1000, 1000) == 0


def test_deleting_the_file_at_any_time_does_no_harm(cache: VectorCache) -> None:
    cache.put("model", texts(0, 5), vectors(0, 5))
    for ending in ("", "-wal", "-shm"):
        cache.path.with_name(cache.path.name + ending).unlink(missing_ok=True)
    assert known(cache, 0, 5) == 0
    cache.put("model", texts(0, 5), vectors(0, 5))
    assert known(cache, 0, 5) == 5


def test_a_damaged_file_is_moved_aside_and_begun_anew(cache: VectorCache) -> None:
    cache.path.parent.mkdir()
    cache.path.write_bytes(b"no database at all" * 500)
    assert known(cache, 0, 5) == 0
    assert "not a database" in str(cache.problem)
    cache.put("model", texts(0, 5), vectors(0, 5))
    assert known(cache, 0, 5) == 5
    assert cache.path.with_name("vectors.sqlite.damaged").exists()


def test_no_damage_gets_through(cache: VectorCache) -> None:
    cache.put("model", texts(0, 300), vectors(0, 300))
    cache.close()
    whole, chance = cache.path.read_bytes(), random.Random(6)
    for _ in range(40):
        damaged = bytearray(whole[: chance.choice([len(whole), chance.randrange(len(whole))])])
        for _ in range(10):
            if damaged:
                damaged[chance.randrange(len(damaged))] ^= 255
        cache.path.write_bytes(damaged)
        got = cache.get("model", texts(0, 300), DIM)
        assert all(vector is None or vector.shape == (DIM,) for vector in got)
        cache.put("model", texts(0, 5), vectors(0, 5))
        cache.close()
        for left in cache.path.parent.iterdir():
            left.unlink()


def test_a_busy_or_read_only_file_is_worth_an_empty_one(cache: VectorCache, monkeypatch) -> None:
    monkeypatch.setattr(vector_cache, "_BUSY_SECONDS", 0.01)
    cache.put("model", texts(0, 5), vectors(0, 5))
    cache.close()
    blocker = sqlite3.connect(cache.path)
    blocker.execute("BEGIN EXCLUSIVE")
    cache.put("model", texts(5, 5), vectors(5, 5))
    assert "locked" in str(cache.problem)
    blocker.close()
    assert known(cache, 0, 10) == 5


def test_a_cache_that_cannot_be_made_is_worth_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cache = VectorCache(tmp_path / "file" / "vectors.sqlite")
    cache.put("model", texts(0, 5), vectors(0, 5))
    assert known(cache, 0, 5) == 0
    assert str(tmp_path) in str(cache.problem)
    assert cache.size_bytes() == 0


def test_zero_bytes_turn_it_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODESEARCH_CACHE_BYTES", "0")
    cache = VectorCache(tmp_path / "vectors.sqlite")
    cache.put("model", texts(0, 5), vectors(0, 5))
    assert known(cache, 0, 5) == 0
    assert list(tmp_path.iterdir()) == []


def test_the_limit_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODESEARCH_CACHE_BYTES", "123456")
    assert VectorCache(tmp_path / "vectors.sqlite").max_bytes == 123456
    monkeypatch.setenv("CODESEARCH_CACHE_BYTES", "1 GB")
    with pytest.raises(CodesearchError, match=r"'1 GB'.*number of bytes"):
        VectorCache(tmp_path / "vectors.sqlite")


def test_threads_share_one(cache: VectorCache) -> None:
    counts: list[int] = []

    def work(start: int) -> None:
        cache.put("model", texts(start, 50), vectors(start, 50))
        counts.append(known(cache, start, 50))

    threads = [threading.Thread(target=work, args=(start,)) for start in range(0, 400, 50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [50] * 8


WRITER = """
import sys
from pathlib import Path
from codesearch.vectors.cache import VectorCache
from tests.codesearch.vectors.test_vector_cache import texts, vectors
cache, start = VectorCache(Path(sys.argv[1])), int(sys.argv[2])
while True:
    cache.put("model", texts(start, 100), vectors(start, 100))
    print(start, flush=True)
    start += 1000
"""


def test_processes_write_at_once_and_may_be_killed(cache: VectorCache) -> None:
    root = ROOT
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(cache.path), str(start)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=root,
        )
        for start in (0, 100, 200)
    ]
    first = [writer.stdout.readline() for writer in writers]
    for writer in writers:
        writer.kill()
        writer.communicate()
    assert [line.strip() for line in first] == ["0", "100", "200"]
    assert known(cache, 0, 300) == 300
    assert cache.problem is None


@pytest.mark.skipif(os.name == "nt", reason="no modes")
def test_the_folder_is_for_its_owner_alone(cache: VectorCache) -> None:
    cache.put("model", texts(0, 1), vectors(0, 1))
    assert cache.path.parent.stat().st_mode & 0o777 == 0o700
