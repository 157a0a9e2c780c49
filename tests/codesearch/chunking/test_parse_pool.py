"""Parsing processes: the same chunks as in process, and no file can stop or fell the program."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import sysconfig
import threading
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from codesearch.chunking.chunk import chunk_file
from codesearch.chunking.spans import line_spans, syntax_spans
from codesearch.chunking.workers import parse_pool, parse_process
from codesearch.chunking.workers.parse_pool import ChunkPool
from codesearch.records import SourceFile
from tests.support.language_samples import SAMPLES
from tests.support.paths import ROOT
from tests.support.waiting import PATIENCE, wait_for

posix = pytest.mark.skipif(os.name == "nt", reason="signals")


def source(language: str, number: int = 0, times: int = 1) -> tuple[SourceFile, bytes]:
    data = SAMPLES[language][0].encode() * times
    return SourceFile(f"{language}{number}", len(data), 0, language), data


def processes(pool: ChunkPool) -> list[subprocess.Popen[bytes]]:
    return [process._popen for process in pool._processes]


def test_processes_give_what_this_process_gives_in_order() -> None:
    files = [source(language, number, 8) for number in range(3) for language in sorted(SAMPLES)]
    files.append((SourceFile("x.dart", 4, 0, "dart"), b"a\nb\n"))
    with ChunkPool(workers=2) as pool:
        done = list(pool.chunk_many(files))
    assert [each.file for each in done] == [file for file, _ in files]
    for (file, data), each in zip(files, done, strict=True):
        assert (each.chunks, each.note) == (chunk_file(file.path, data, file.language), None)


def test_a_small_job_has_one_process() -> None:
    with ChunkPool(workers=3) as pool:
        list(pool.chunk_many([source("python", n) for n in range(9)] + [(SourceFile("a", 1, 0, None), b"a")]))
        assert len(processes(pool)) == 1


@posix
def test_a_process_that_does_not_answer_is_killed_and_its_file_cut_at_lines() -> None:
    with ChunkPool(workers=1, timeout_seconds=0.5) as pool:
        list(pool.chunk_many([source("bash")]))
        processes(pool)[0].send_signal(signal.SIGSTOP)
        stuck, fine = pool.chunk_many([source("kotlin", 0), source("kotlin", 1, times=2)])
    data = source("kotlin")[1]
    assert stuck.note == "kotlin0: parsing as kotlin took longer than 0.5 s; cut at lines"
    assert [each.symbol for each in stuck.chunks] == [""] * len(stuck.chunks)
    assert len(stuck.chunks) == len(line_spans(data, "kotlin", pool._options))
    assert fine.note is None


def test_a_real_parse_that_takes_too_long_is_killed() -> None:
    data = b'{"a": [1, 2, 3], "b": "c"}\n' * 150_000  # seconds of work
    with ChunkPool(workers=1, timeout_seconds=0.2) as pool:
        (each,) = pool.chunk_many([(SourceFile("a.json", len(data), 0, "json"), data)])
    assert each.note == "a.json: parsing as json took longer than 0.2 s; cut at lines"
    assert "".join(chunk.text for chunk in each.chunks).encode() == data


@posix
def test_a_process_that_dies_costs_one_file_its_symbols() -> None:
    with ChunkPool(workers=1) as pool:
        list(pool.chunk_many([source("kotlin")]))
        kill_at_work(pool)
        dead, fine = pool.chunk_many([source("scala", 0), source("scala", 1, times=2)])
    assert dead.note == "scala0: the process that parsed it as scala ended (-9); cut at lines"
    assert fine.note is None
    assert fine.chunks == chunk_file("scala1", source("scala", times=2)[1], "scala")


def kill_at_work(pool: ChunkPool) -> None:
    """Stop the pool's first process, so that it cannot finish its next job, and kill it a little later."""
    process = processes(pool)[0]
    process.send_signal(signal.SIGSTOP)
    threading.Timer(0.2, process.kill).start()


def test_a_process_that_died_while_idle_costs_nothing() -> None:
    with ChunkPool(workers=1) as pool:
        list(pool.chunk_many([source("kotlin")]))
        processes(pool)[0].kill()
        processes(pool)[0].wait()
        assert next(pool.chunk_many([source("scala")])).note is None


@posix
def test_a_language_that_keeps_failing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parse_pool, "_MAX_STRIKES", 4)
    with ChunkPool(workers=1) as pool:
        notes = []
        for number in range(5):
            list(pool.chunk_many([source("bash")]))
            kill_at_work(pool)
            notes += [each.note for each in pool.chunk_many([source("kotlin", number, number + 1)])]
        processes(pool)[0].send_signal(signal.SIGCONT)
        assert [note is not None and "ended" in note for note in notes[:4]] == [True] * 4
        assert notes[4] == "kotlin4: the kotlin grammar failed too often; cut at lines"
        assert next(pool.chunk_many([source("lua")])).note is None


def test_where_no_process_starts_everything_is_cut_at_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parse_process, "_START", "raise SystemExit(3)")
    with ChunkPool(workers=1) as pool:
        done = list(pool.chunk_many([source("kotlin", number) for number in range(9)]))
        assert sum(each.note is not None and "ended (3)" in each.note for each in done) == 3
        assert done[-1].note == "kotlin8: no parsing process can be started; cut at lines"


def test_reading_is_only_a_little_ahead() -> None:
    read = 0

    def files() -> Iterator[tuple[SourceFile, bytes]]:
        nonlocal read
        for read in range(1, 1001):
            yield source("python", read)

    with ChunkPool(workers=1) as pool:
        next(chunked := pool.chunk_many(files()))
        assert read < 50
        chunked.close()


def test_leaving_ends_the_processes_even_in_the_middle() -> None:
    with ChunkPool(workers=2) as pool:
        chunked = pool.chunk_many([source("kotlin", number) for number in range(100)])
        next(chunked)
        running = processes(pool)
    assert running
    assert all(process.poll() is not None for process in running)


@posix
def test_processes_end_with_their_parent(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import os, signal\n"
        "from codesearch.chunking.workers.parse_pool import ChunkPool\n"
        "from codesearch.records import SourceFile\n"
        "pool = ChunkPool(workers=1)\n"
        "list(pool.chunk_many([(SourceFile('a.kt', 1, 0, 'kotlin'), b'fun f() {}')]))\n"
        "print(*[process._popen.pid for process in pool._processes], flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    wait_for(lambda: not is_running(int(done.stdout)))


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        if Path("/proc").is_dir():
            return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_script_without_a_main_guard_works(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('imported from the folder that is searched')\n")
    script = tmp_path / "scripts" / "unguarded.py"
    script.parent.mkdir()
    script.write_text(
        "from codesearch.chunking.workers.parse_pool import ChunkPool\n"
        "from codesearch.records import SourceFile\n"
        "print('started')\n"
        "with ChunkPool(workers=2) as pool:\n"
        "    for each in pool.chunk_many([(SourceFile('a.kt', 1, 0, 'kotlin'), b'fun f() {}')] * 40):\n"
        "        print(each.chunks[0].symbol, each.note)\n"
    )
    done = subprocess.run(
        [sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=PATIENCE
    )
    assert done.stdout == "started\n" + "f None\n" * 40


_PARSE = """
import sys
import sysconfig
sys.path.insert(0, sys.argv[1])
from codesearch.chunking.workers.parse_pool import ChunkPool
from codesearch.records import SourceFile
with ChunkPool(workers=1) as pool:
    for each in pool.chunk_many([(SourceFile("a.kt", 1, 0, "kotlin"), b"fun f() {}")]):
        print(each.chunks[0].symbol, each.note)
"""


@pytest.fixture
def bare_python(tmp_path: Path) -> Path:
    """An interpreter that finds what this package depends on, and not the package."""
    venv.create(tmp_path / "bare", with_pip=False, symlinks=os.name != "nt")
    (site,) = (tmp_path / "bare").rglob("site-packages")
    # Of a folder that a .pth file names, no .pth files are read: an editable installation stays unknown.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return tmp_path / "bare" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


@pytest.mark.parametrize("decoy", [None, "installed", "PYTHONPATH", "folder"])
def test_the_worker_imports_the_package_that_starts_it(
    bare_python: Path, tmp_path: Path, decoy: str | None
) -> None:
    """Neither one that is installed beside it, nor none at all."""
    (site,) = (tmp_path / "bare").rglob("site-packages")
    folder = {"installed": site, "PYTHONPATH": tmp_path / "path", "folder": tmp_path / "cwd"}.get(decoy or "")
    if folder is not None:
        (folder / "codesearch").mkdir(parents=True)
        (folder / "codesearch" / "__init__.py").write_text("raise SystemExit('the wrong one')")
    (tmp_path / "cwd").mkdir(exist_ok=True)
    done = subprocess.run(
        [bare_python, "-c", _PARSE, ROOT],
        cwd=tmp_path / "cwd",
        env={**os.environ, "PYTHONPATH": str(tmp_path / "path")},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.stdout == "f None\n", done.stderr


def test_spans_survive_the_pipe() -> None:
    file, data = source("cpp", times=40)
    with ChunkPool(workers=1) as pool:
        (each,) = pool.chunk_many([(file, data)])
        spans = syntax_spans(data, "cpp", pool._options)
    assert [(chunk.start_byte, chunk.symbol, chunk.scope, chunk.definitions) for chunk in each.chunks] == [
        (span.start, span.symbol, span.scope, span.definitions) for span in spans
    ]
