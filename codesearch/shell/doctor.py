"""Check what an installation needs, and name the remedy for what does not work.

The model is tried in a process of its own: a GPU driver that aborts must not take the report with it.
"""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from codesearch.quick_dataclass import dataclass

__all__ = ["FAIL", "NOTE", "OK", "Finding", "examine"]

OK, NOTE, FAIL = "ok", "note", "FAIL"
_VERIFY_SECONDS = 300
_CRASHED = 128
"""Exit codes above are those of processes that a signal ended; Windows has large ones."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried. ``level``: ok, note (slower or less, but works) or FAIL."""

    level: str
    what: str
    found: str


def examine(model: str | None = None) -> list[Finding]:
    """Try everything that a search needs; never raises."""
    name = model or os.environ.get("CODESEARCH_MODEL") or "embedded"
    checks: tuple[Callable[[], Iterator[Finding]], ...] = (
        _versions,
        _folders,
        _full_text,
        _graph,
        _grammars,
        _git,
        lambda: _model(name),
    )
    return [finding for check in checks for finding in _safely(check)]


def _safely(check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from check()
    except Exception as error:
        what = getattr(check, "__name__", "check").strip("_").replace("_", " ")
        yield Finding(FAIL, what, f"{type(error).__name__}: {error}")


def _versions() -> Iterator[Finding]:
    from importlib.metadata import version

    system = f"Python {platform.python_version()} on {platform.platform()}"
    yield Finding(OK, "version", f"mlx-jinabert {version('mlx-jinabert')}, {system}")


def _folders() -> Iterator[Finding]:
    from codesearch.models.names import model_cache
    from codesearch.storage.folders.locations import index_home

    yield _writable("index folder", index_home(), "CODESEARCH_HOME")
    yield _writable("model cache", model_cache(), "MLX_JINABERT_CACHE")


def _writable(what: str, folder: Path, variable: str) -> Finding:
    # Without leaving a folder behind: its nearest existing parent decides.
    present = next(place for place in (folder, *folder.parents) if place.exists())
    try:
        with tempfile.TemporaryFile(dir=present):
            return Finding(OK, what, str(folder))
    except OSError as error:
        return Finding(FAIL, what, f"{present} cannot be written ({error.strerror}); set {variable}")


def _full_text() -> Iterator[Finding]:
    with closing(sqlite3.connect(":memory:")) as database:
        try:
            database.execute("CREATE VIRTUAL TABLE t USING fts5(body)")
        except sqlite3.OperationalError as error:
            remedy = "use a Python whose SQLite has FTS5 (python.org's, Homebrew's and Debian's do)"
            yield Finding(FAIL, "full text", f"SQLite {sqlite3.sqlite_version}: {error}; {remedy}")
            return
    yield Finding(OK, "full text", f"SQLite {sqlite3.sqlite_version} with FTS5")


def _graph() -> Iterator[Finding]:
    from codesearch.vectors.graph import hnsw_problem

    # In a process of its own: built for another CPU it dies of an illegal instruction.
    probe = "import hnswlib, numpy; hnswlib.Index(space='ip', dim=8).init_index(8)"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, check=False)
    if done.returncode < 0 or done.returncode > _CRASHED:
        yield Finding(
            FAIL,
            "vector graph",
            f"hnswlib crashes here (exit {done.returncode}), most likely built for another CPU; rebuild it: "
            "HNSWLIB_NO_NATIVE=1 pip install --force-reinstall --no-cache-dir --no-binary hnswlib hnswlib",
        )
        return
    problem = hnsw_problem()
    yield Finding(NOTE, "vector graph", problem) if problem else Finding(OK, "vector graph", "hnswlib")


def _grammars() -> Iterator[Finding]:
    from codesearch.chunking.syntax.grammars import GrammarUnavailable, parse
    from codesearch.files.languages import LANGUAGES

    wanted = sorted(name for name, language in LANGUAGES.items() if language.grammar)
    broken = []
    for name in wanted:
        try:
            parse(b"", name)
        except GrammarUnavailable as error:
            broken.append(f"{name} ({error})")
    if broken:
        yield Finding(NOTE, "grammars", f"cut at lines instead of syntax: {', '.join(broken)}")
    yield Finding(OK, "grammars", f"{len(wanted) - len(broken)} of {len(wanted)} languages")


def _git() -> Iterator[Finding]:
    try:
        found = subprocess.run(
            ["git", "--version"], capture_output=True, text=True, timeout=10, check=True
        ).stdout.strip()
        yield Finding(OK, "git", found)
    except (OSError, subprocess.SubprocessError):
        yield Finding(NOTE, "git", "not found; your global gitignore settings are not read")


def _model(name: str) -> Iterator[Finding]:
    from codesearch.models.names import is_service

    if is_service(name):
        yield _service(name)
        return
    command = [sys.executable, "-m", "mlx_jinabert.verify", "--model", name, "--seconds", "1"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_VERIFY_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        yield Finding(FAIL, f"model {name}", f"gave no answer in {_VERIFY_SECONDS} s")
        return
    said = (done.stdout if done.returncode in (0, 1) else done.stderr).strip().splitlines() or [""]
    if done.returncode < 0:
        said = [f"the process was killed by signal {-done.returncode}: {said[-1]}"]
    if done.returncode == 1:
        failed = [line for line in said[:-1] if "FAIL" in line]
        yield from (Finding(FAIL, f"model {name}", line) for line in failed)
    yield Finding(OK if done.returncode == 0 else FAIL, f"model {name}", said[-1])


def _service(name: str) -> Finding:
    """Of a model behind HTTP only its answer can be seen."""
    from codesearch.errors import CodesearchError
    from codesearch.models.embedder import Model, encode_query

    try:
        embedder = Model(name).load()
        encode_query(embedder, "doctor")
    except CodesearchError as error:
        return Finding(FAIL, f"model {name}", str(error))
    return Finding(OK, f"model {name}", f"answers with {embedder.dim} dimensions")
