"""No file brings the program down or eats its memory: parsing has a limit of time and of memory."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from codesearch.chunking.workers import memory_limit, parse_pool
from codesearch.chunking.workers.memory_limit import LIMIT_BYTES, resident_bytes
from codesearch.chunking.workers.parse_pool import ChunkPool
from codesearch.chunking.workers.unparsable import Unparsable
from codesearch.records import SourceFile
from tests.hostile.bombs import BOMBS, SMALL_BOMB, java_bomb

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
_MEBIBYTE = 1 << 20


def file(name: str, data: bytes, language: str) -> tuple[SourceFile, bytes]:
    return SourceFile(name, len(data), 0, language), data


def peak_bytes() -> int:
    """What this process has held at most."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


@linux
@pytest.mark.parametrize("name", sorted(BOMBS))
def test_a_bomb_is_cut_at_lines_or_parsed_in_bounds(name: str) -> None:
    language, data = BOMBS[name]
    before = peak_bytes()
    with ChunkPool(workers=1, timeout_seconds=3) as pool:
        (each,) = pool.chunk_many([file(name, data, language)])
    assert "".join(chunk.text for chunk in each.chunks).encode() == data
    assert peak_bytes() - before < 100 * _MEBIBYTE


def test_a_file_that_ended_a_process_is_remembered_by_its_content(tmp_path: Path) -> None:
    record = tmp_path / "home" / "unparsable"
    with ChunkPool(workers=1, timeout_seconds=0.5, unparsable=Unparsable(record)) as pool:
        (first,) = pool.chunk_many([file("Bomb.java", java_bomb(), "java")])
    assert first.note
    assert "ended a process before" not in first.note
    with ChunkPool(workers=1, unparsable=Unparsable(record)) as pool:
        (again,) = pool.chunk_many([file("elsewhere/Copy.java", java_bomb(), "java")])
        assert not pool._processes
    assert again.note == "elsewhere/Copy.java: parsing it as java ended a process before; cut at lines"
    assert again.chunks[0].text == first.chunks[0].text
    if os.name != "nt":
        assert record.stat().st_mode & 0o077 == 0


def _folder(path: Path) -> None:
    path.mkdir()


def _garbage(path: Path) -> None:
    path.write_bytes(b"\xff" * 5_000_000)


def _fifo(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize("damage", [_folder, _garbage, *([_fifo] if hasattr(os, "mkfifo") else [])])
def test_a_damaged_record_is_worth_an_empty_one(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    damage(tmp_path / "unparsable")
    record = Unparsable(tmp_path / "unparsable")
    assert not record.has(b"x", "python")
    record.add(b"x", "python")
    assert record.has(b"x", "python")


def test_many_small_bombs_do_not_cost_the_others_their_process() -> None:
    """Each as the first file of its process, more of them than processes that may fail to start."""
    bombs = [file(f"{n}.java", SMALL_BOMB + b"//%d" % n, "java") for n in range(5)]
    with ChunkPool(workers=1, timeout_seconds=0.05) as pool:
        list(pool.chunk_many(bombs))
        pool._timeout = 10.0
        (fine,) = pool.chunk_many([file("a.py", b"def f():\n    pass\n", "python")])
    assert fine.note is None
    assert fine.chunks[0].symbol == "f"


@linux
def test_where_the_platform_has_no_limit_the_parent_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parse_pool, "NEEDS_WATCHING", True)
    monkeypatch.setattr("codesearch.chunking.workers.parse_process.LIMIT_BYTES", 60 * _MEBIBYTE)
    with ChunkPool(workers=1) as pool:
        (each,) = pool.chunk_many([file("Bomb.java", java_bomb(), "java")])
    assert each.note == "Bomb.java: parsing as java took more memory than it may; cut at lines"


@linux
def test_what_processes_hold_is_what_the_system_says() -> None:
    pid = os.getpid()
    status = Path(f"/proc/{pid}/status").read_text()
    held = int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) << 10
    assert abs(resident_bytes([pid, 2**22 + 1])[pid] - held) < 30 * _MEBIBYTE
    assert resident_bytes([]) == {}


@linux
def test_a_parsing_process_has_a_limit(tmp_path: Path) -> None:
    with ChunkPool(workers=1) as pool:
        list(pool.chunk_many([file("a.py", b"x = 1\n", "python")]))
        (process,) = pool._processes
        limits = Path(f"/proc/{process.pid}/limits").read_text()
    (space,) = [line.split() for line in limits.splitlines() if line.startswith("Max address space")]
    (core,) = [line.split() for line in limits.splitlines() if line.startswith("Max core file size")]
    assert int(space[3]) <= LIMIT_BYTES == memory_limit.LIMIT_BYTES
    assert core[4] == "0"
