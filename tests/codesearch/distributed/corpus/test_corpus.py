"""Many repositories into one engine: what is written, once, again, and by workers that are killed."""

from __future__ import annotations

import os
import random
import shutil
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp
from uuid import UUID

import psutil
import pytest

from codesearch import open_index
from codesearch.distributed.corpus import run as corpus_run
from codesearch.distributed.corpus.run import Corpus, Local, embed_corpus
from codesearch.distributed.corpus.shards import Shard, cut
from codesearch.distributed.corpus.work import Done, chunks_of
from codesearch.distributed.engines.address import open_engine
from codesearch.distributed.engines.upload import upload
from codesearch.errors import BadQuery, CodesearchError, ModelMismatch
from codesearch.records import silent
from codesearch.storage.folders.locations import locate
from codesearch.storage.store import Store
from tests.support.command import run
from tests.support.engines import FILES
from tests.support.postgres import postgres_server
from tests.support.running import require

SMALL = 200
"""Bytes of a shard: several from a few small files."""


def repositories(folder: Path, count: int = 2) -> list[tuple[str, Path]]:
    """Repositories that share a file, each with files of its own."""
    made = []
    for number in range(count):
        tree = folder / f"repository{number}"
        own = {f"own/part{number}_{part}.py": _source(number, part) for part in range(4)}
        for name, text in {**FILES, **own}.items():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_text(text, encoding="utf-8")
        made.append((f"host/team/repository{number}", tree))
    return made


def _source(number: int, part: int) -> str:
    return "".join(
        f"def function_{number}_{part}_{at}(value):\n    return value + {at}\n\n\n" for at in range(9)
    )


@pytest.fixture
def url(tmp_path: Path) -> str:
    require("qdrant_client")
    return f"qdrant+file://{tmp_path}/qdrant/code"


def stored(url: str, roots: Sequence[tuple[str, Path]]) -> dict[str, set[UUID]]:
    engine = open_engine(url)
    try:
        return {name: engine.uuids(name) for name, _ in roots}
    finally:
        engine.close()


def by_indexes(url: str, roots: Sequence[tuple[str, Path]]) -> None:
    """The same by index and upload, one repository after the other."""
    engine = open_engine(url)
    for name, tree in roots:
        with open_index(tree, model="embedded", here=True) as index:
            index.refresh()
        with Store.open(locate(tree, here=True).directory) as store:
            upload(store, engine, name, silent)
    engine.close()


def test_it_writes_what_indexing_and_uploading_writes(url: str, tmp_path: Path) -> None:
    roots = repositories(tmp_path)
    stats = embed_corpus(Corpus(roots, "embedded", url, SMALL), Local(), silent)
    reference = f"qdrant+file://{tmp_path}/reference/code"
    by_indexes(reference, roots)
    found = stored(url, roots)
    assert found == stored(reference, roots)
    assert stats.chunks == sum(map(len, found.values()))
    assert stats.shards > 4
    one, other = open_engine(url), open_engine(reference)
    for name, _ in roots:
        for uuid in found[name]:
            mine, theirs = one.vector(uuid), other.vector(uuid)
            assert mine is not None
            assert theirs is not None
            assert float(mine @ theirs) > 0.9999
    one.close()
    other.close()


def test_equal_files_are_embedded_once(url: str, tmp_path: Path) -> None:
    roots = repositories(tmp_path)
    stats = embed_corpus(Corpus(roots, "embedded", url, SMALL), Local(), silent)
    pieces = [piece for shard in cut(roots, "model", SMALL) for piece in shard.pieces]
    texts = [chunk.embedded_text for _, chunk, _ in chunks_of(sorted(pieces, key=lambda one: one.root))]
    assert (stats.chunks, stats.embedded) == (len(texts), len(set(texts)))
    assert len(set(texts)) < len(texts)


def test_what_is_done_is_not_done_again(url: str, tmp_path: Path) -> None:
    roots = repositories(tmp_path)
    corpus = Corpus(roots, "embedded", url, SMALL)
    first = embed_corpus(corpus, Local(), silent)
    again = embed_corpus(corpus, Local(), silent)
    assert (again.done_before, again.embedded, again.deleted) == (first.shards, 0, 0)
    assert again.chunks == first.chunks


class Stopped(Exception):
    """The driver ends here."""


class Stopping(Local):
    """Does some shards, and is then no more."""

    def __init__(self, after: int) -> None:
        self._after = after

    def do(self, shards: Sequence[Shard], model: str, url: str) -> Iterator[Done]:
        yield from super().do(shards[: self._after], model, url)
        raise Stopped


def test_a_run_that_was_stopped_goes_on(url: str, tmp_path: Path) -> None:
    roots = repositories(tmp_path)
    corpus = Corpus(roots, "embedded", url, SMALL)
    with pytest.raises(Stopped):
        embed_corpus(corpus, Stopping(3), silent)
    stats = embed_corpus(corpus, Local(), silent)
    assert stats.done_before == 3
    reference = f"qdrant+file://{tmp_path}/reference/code"
    by_indexes(reference, roots)
    assert stored(url, roots) == stored(reference, roots)


def test_an_engine_that_was_emptied_is_filled_again(url: str, tmp_path: Path) -> None:
    roots = repositories(tmp_path, 1)
    embed_corpus(Corpus(roots, "embedded", url, SMALL), Local(), silent)
    before = stored(url, roots)
    shutil.rmtree(tmp_path / "qdrant")
    assert embed_corpus(Corpus(roots, "embedded", url, SMALL), Local(), silent).done_before == 0
    assert stored(url, roots) == before


def test_what_is_gone_is_deleted_and_other_roots_stay(url: str, tmp_path: Path) -> None:
    roots = repositories(tmp_path)
    embed_corpus(Corpus(roots, "embedded", url, SMALL), Local(), silent)
    before = stored(url, roots)
    (roots[0][1] / "src/retry.py").unlink()
    (roots[0][1] / "src/client.py").write_text("def other():\n    return 1\n", encoding="utf-8")
    stats = embed_corpus(Corpus(roots[:1], "embedded", url, SMALL), Local(), silent)
    after = stored(url, roots)
    assert stats.deleted == len(before[roots[0][0]] - after[roots[0][0]]) > 0
    assert after[roots[1][0]] == before[roots[1][0]]
    reference = f"qdrant+file://{tmp_path}/reference/code"
    by_indexes(reference, roots[:1])
    assert after[roots[0][0]] == stored(reference, roots)[roots[0][0]]


def test_another_model_is_refused(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    roots = repositories(tmp_path, 1)
    embed_corpus(Corpus(roots, "embedded", url, SMALL), Local(), silent)
    engine = open_engine(url)
    record = engine.record()
    engine.close()
    assert record is not None
    monkeypatch.setattr(corpus_run.Model, "fingerprint", property(lambda _: "another"))
    with pytest.raises(ModelMismatch):
        embed_corpus(Corpus(roots, "embedded", url, SMALL), Local(), silent)


def test_two_repositories_of_one_name_are_refused(url: str, tmp_path: Path) -> None:
    [(name, tree)] = repositories(tmp_path, 1)
    with pytest.raises(BadQuery, match="two repositories are named"):
        embed_corpus(Corpus([(name, tree), (name, tree)], "embedded", url), Local(), silent)


def test_nothing_to_index_is_told(url: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(CodesearchError, match="nothing to index"):
        embed_corpus(Corpus([("empty", tmp_path / "empty")], "embedded", url), Local(), silent)


@pytest.mark.parametrize("shard_bytes", [1, 50, SMALL, 10_000, 1 << 30])
def test_each_file_is_in_one_shard(shard_bytes: int, tmp_path: Path) -> None:
    roots = repositories(tmp_path)
    shards = cut(roots, "model", shard_bytes)
    files = [(piece.root, piece.file.path) for shard in shards for piece in shard.pieces]
    there = [
        (name, str(path.relative_to(tree)))
        for name, tree in roots
        for path in tree.rglob("*")
        if path.is_file()
    ]
    assert sorted(files) == sorted(there)
    assert [shard.digest for shard in shards] == [shard.digest for shard in cut(roots, "model", shard_bytes)]
    assert not {one.digest for one in shards} & {one.digest for one in cut(roots, "other", shard_bytes)}


def test_equal_files_lie_in_one_shard(tmp_path: Path) -> None:
    shards = cut(repositories(tmp_path), "model", 1)
    assert all(len({piece.content for piece in shard.pieces}) >= 1 for shard in shards)
    homes: dict[str, set[str]] = {}
    for shard in shards:
        for piece in shard.pieces:
            homes.setdefault(piece.content, set()).add(shard.digest)
    assert {len(found) for found in homes.values()} == {1}


def test_only_the_shard_of_a_changed_file_is_another(tmp_path: Path) -> None:
    roots = repositories(tmp_path)
    before = {shard.digest for shard in cut(roots, "model", SMALL)}
    path = roots[0][1] / "own/part0_0.py"
    path.write_text(path.read_text(encoding="utf-8").replace("value + 1", "value + 2"), encoding="utf-8")
    after = {shard.digest for shard in cut(roots, "model", SMALL)}
    assert 1 <= len(after - before) <= 2  # the shard that it left, and the one that it came to


def test_the_command(url: str, tmp_path: Path) -> None:
    roots = repositories(tmp_path)
    listed = tmp_path / "list.txt"
    listed.write_text(f"# all of them\n{roots[1][1]}\n", encoding="utf-8")
    done = run("embed-corpus", str(roots[0][1]), "--from", str(listed), "--store", url, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "texts embedded" in done.stdout
    found = run("-k", "1", "getUserById", "--store", url, "repository1", cwd=tmp_path)
    assert "src/users.js" in found.stdout
    assert run("embed-corpus", cwd=tmp_path).returncode == 2
    assert run("embed-corpus", str(roots[0][1]), cwd=tmp_path).returncode == 2
    assert (
        run("embed-corpus", str(roots[0][1]), "--workers", "2", "--store", url, cwd=tmp_path).returncode == 2
    )


# -- over a cluster, with a real Postgres that several processes write into


def kill_some(count: int, ended: threading.Event, killed: list[int]) -> None:
    """Kill workers in the midst of a shard, until there were so many."""
    chance = random.Random(5)
    while len(killed) < count and not ended.is_set():
        busy = [one for one in psutil.Process().children(recursive=True) if _does_a_shard(one)]
        if busy:
            time.sleep(chance.uniform(0, 0.2))
            victim = chance.choice(busy)
            with suppress(psutil.Error):
                if _does_a_shard(victim):
                    os.kill(victim.pid, signal.SIGKILL)
                    killed.append(victim.pid)
        time.sleep(0.05)


def _does_a_shard(process: psutil.Process) -> bool:
    try:
        return process.cmdline()[:1] == ["ray::do_shard"]  # Ray's title of a worker at work
    except psutil.Error:
        return False


@pytest.mark.slow
def test_workers_that_are_killed_lose_and_double_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require("ray", "pg8000")
    from codesearch.distributed.corpus.ray_workers import RayWorkers
    from tests.support.paths import ROOT

    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    server = postgres_server(mkdtemp(prefix="pg"))
    try:
        url, reference = (
            f"{server.get_uri()}{_and(server)}schema={name}" for name in ("corpus", "reference")
        )
        roots = repositories(tmp_path / "trees", 6)
        killed: list[int] = []
        ended = threading.Event()
        killer = threading.Thread(target=kill_some, args=(4, ended, killed))
        with RayWorkers(workers=2) as workers:
            killer.start()
            stats = embed_corpus(Corpus(roots, "embedded", url, 100), workers, silent)
            ended.set()
            killer.join()
        assert killed
        by_indexes(reference, roots)
        found = stored(url, roots)
        assert found == stored(reference, roots)
        assert stats.chunks == sum(map(len, found.values()))
    finally:
        server.cleanup()


def _and(server: object) -> str:
    return "&" if "?" in server.get_uri() else "?"  # type: ignore[attr-defined]


@pytest.mark.slow
def test_what_a_worker_cannot_do_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require("ray")
    from codesearch.distributed.corpus.ray_workers import RayWorkers
    from tests.support.paths import ROOT

    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    [shard, *_] = cut(repositories(tmp_path, 1), "model", SMALL)
    with (
        RayWorkers(workers=1) as workers,
        pytest.raises(CodesearchError, match=r"a worker failed: ModelUnavailable: .*no-such-model"),
    ):
        list(workers.do([replace(shard)], "no-such-model", f"qdrant+file://{tmp_path}/q/code"))
