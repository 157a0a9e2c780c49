"""Engines under kills, second writers, lost connections, rebuilds and older formats; real ones, no
stand-ins.
"""

from __future__ import annotations

import gc
import re
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from codesearch import open_index
from codesearch.distributed.engines import postgres
from codesearch.distributed.engines.address import is_engine, open_engine
from codesearch.distributed.engines.protocol import Engine, EngineRecord
from codesearch.distributed.engines.qdrant_terms import SHORTLIST
from codesearch.distributed.engines.rows import make_row, short_id
from codesearch.distributed.engines.store import EngineStore
from codesearch.distributed.engines.upload import Upload, upload
from codesearch.errors import BadQuery, CodesearchError, ModelMismatch
from codesearch.index.remote import open_store
from codesearch.models.embedder import Model
from codesearch.records import Chunk, silent
from codesearch.searching.request import SearchRequest
from codesearch.searching.search import Searcher
from codesearch.storage.folders.locations import locate
from codesearch.storage.lexical.tokens import query_terms
from codesearch.storage.store import Store
from tests.support.closeness import WordHashEmbedder
from tests.support.command import run
from tests.support.engines import FILES, QUESTIONS, embedded_store, engine_store, fill, indexed
from tests.support.paths import ROOT
from tests.support.postgres import postgres_server
from tests.support.running import require
from tests.support.waiting import PATIENCE

EMBEDDER = WordHashEmbedder()


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    server = postgres_server(mkdtemp(prefix="pg"))  # another pytest closes the folders of pytest
    yield server
    server.cleanup()


@pytest.fixture(params=["qdrant", "qdrant-edge", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "qdrant":
        require("qdrant_client")
        return f"qdrant+file://{tmp_path}/qdrant/code"
    if request.param == "qdrant-edge":
        require("qdrant_edge")
        return f"qdrant+edge://{tmp_path}/shard"
    server = request.getfixturevalue("server")
    return schema(server, request.node.name)


def schema(server: Any, name: str) -> str:
    readable = "".join(char if char.isalnum() else "_" for char in name)
    separator = "&" if "?" in server.get_uri() else "?"
    return f"{server.get_uri()}{separator}schema=t_{readable.lower()[:40]}"


@contextmanager
def opened(url: str) -> Iterator[Engine]:
    engine = open_engine(url)
    try:
        yield engine
    finally:
        engine.close()


def many_files(count: int) -> dict[str, str]:
    return {
        f"src/module_{n}.py": f"def function_{n}(value_{n}):\n    return value_{n} * {n}\n"
        for n in range(count)
    }


def answers(engine: Engine, tree: Path) -> list[list[tuple[str, int]]]:
    searcher = Searcher(engine_store(engine, tree), lambda: EMBEDDER)
    return [
        [(hit.path, hit.start_line) for hit in searcher.search(SearchRequest.make(question, limit=5))]
        for question in QUESTIONS
    ]


def test_an_upload_is_done_once(url: str, tmp_path: Path) -> None:
    tree = indexed(tmp_path / "tree")
    with opened(url) as engine:
        first, again = fill(engine, tree), fill(engine, tree)
        assert (first.written > 4, first.deleted, first.kept) == (True, 0, 0)
        assert (again.written, again.deleted, again.kept) == (0, 0, first.written)
        assert engine.roots() == [str(tree)]
    with opened(url) as engine:  # what was written is there for the next process
        assert len(engine.uuids(str(tree))) == first.written


def test_only_what_changed_travels(url: str, tmp_path: Path) -> None:
    tree = indexed(tmp_path / "tree")
    with opened(url) as engine:
        fill(engine, tree)
        (tree / "lib/pool.go").unlink()
        indexed(tree, {"src/retry.py": "def give_up(attempt):\n    return attempt > 9\n"})
        changed = fill(engine, tree)
        assert 1 <= changed.written <= 2
        assert changed.deleted >= 2
        with embedded_store(tree) as reference:
            expected = [
                [
                    (h.path, h.start_line)
                    for h in Searcher(reference, lambda: EMBEDDER).search(SearchRequest.make(q, limit=5))
                ]
                for q in QUESTIONS
            ]
        assert answers(engine, tree) == expected


def test_roots_do_not_see_each_other(url: str, tmp_path: Path) -> None:
    one, two = (
        indexed(tmp_path / "one"),
        indexed(tmp_path / "two", {"other.py": "def should_retry():\n    pass\n"}),
    )
    with opened(url) as engine:
        fill(engine, one)
        fill(engine, two)
        assert {path for question in answers(engine, two) for path, _ in question} == {"other.py"}
        assert not any(path == "other.py" for question in answers(engine, one) for path, _ in question)


def test_another_model_is_refused(url: str, tmp_path: Path) -> None:
    with opened(url) as engine:
        fill(engine, indexed(tmp_path / "tree"))
        record = engine.record()
        assert record is not None
        other = WordHashEmbedder()
        other.fingerprint = "another"
        tree = tmp_path / "other"
        tree.mkdir()
        (tree / "a.py").write_text(FILES["src/client.py"])
        with open_index(tree, model=other) as index:
            index.refresh()
        with pytest.raises(ModelMismatch):
            fill(engine, tree)


def test_an_index_that_is_not_complete_is_refused(url: str, tmp_path: Path) -> None:
    tree = indexed(tmp_path / "tree")
    (tree / "new.py").write_text("x = 1\n")
    with open_index(tree, model=EMBEDDER) as index:
        index.refresh(vectors=False)
    with opened(url) as engine, pytest.raises(CodesearchError, match="are embedded"):
        fill(engine, tree)


_UPLOAD = """
import sys
from pathlib import Path
from codesearch.distributed.engines.address import open_engine
from tests.support.engines import fill
print("ready", flush=True)
fill(open_engine(sys.argv[1]), Path(sys.argv[2]))
print("done", flush=True)
"""


@contextmanager
def uploading(url: str, tree: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", _UPLOAD, url, str(tree)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_killed_upload_goes_on(server: Any, tmp_path: Path) -> None:
    tree, url = indexed(tmp_path / "tree", many_files(600)), schema(server, "killed")
    for seconds in (0.2, 0.6, 1.2):
        with uploading(url, tree) as process:
            time.sleep(seconds)
            process.send_signal(signal.SIGKILL)
    with opened(url) as engine:
        fill(engine, tree)
        with Store.open(locate(tree).directory) as store:
            assert len(engine.uuids(str(tree))) == store.counts().chunks
        assert len(engine.words([str(tree)], ["function"], 1000)) == 600


_DIE = """if True:
    import os, signal, sys
    from pathlib import Path
    from codesearch.distributed.engines.qdrant_edge import QdrantEdgeEngine
    from codesearch.distributed.engines.upload import upload
    from codesearch.storage.folders.locations import locate
    from codesearch.storage.store import Store
    shard, tree, moment = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    seen = 0

    def die(*_):
        global seen
        seen += 1
        if seen > moment:
            os.kill(os.getpid(), signal.SIGKILL)

    if moment < 0:  # in the midst of making the shard
        QdrantEdgeEngine._update = die
    with Store.open(locate(tree).directory) as store:
        upload(store, QdrantEdgeEngine(shard), str(tree), die)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("moments", [(-1, 0), (1, 2), (0, 1, 1)])
def test_an_upload_into_edge_that_is_killed_goes_on(moments: tuple[int, ...], tmp_path: Path) -> None:
    """Killed when so many batches were written, again and again; then done."""
    require("qdrant_edge")
    tree, shard = indexed(tmp_path / "tree", many_files(600)), tmp_path / "shard"
    for moment in moments:
        command = [sys.executable, "-c", _DIE, str(shard), str(tree), str(moment)]
        assert subprocess.run(command, cwd=ROOT, check=False).returncode == -signal.SIGKILL
    with opened(f"qdrant+edge://{shard}") as engine:
        fill(engine, tree)
    with opened(f"qdrant+edge://{shard}") as engine, Store.open(locate(tree).directory) as store:
        assert len(engine.uuids(str(tree))) == store.counts().chunks
        assert len(engine.words([str(tree)], ["function"], 1000)) == 600


def test_two_writers_agree(server: Any, tmp_path: Path) -> None:
    tree, url = indexed(tmp_path / "tree", many_files(300)), schema(server, "writers")
    with opened(url) as engine:
        fill(engine, indexed(tmp_path / "first", {"a.py": "x = 1\n"}))  # the tables are there
        problems: list[BaseException] = []

        def run() -> None:
            try:
                with opened(url) as mine:
                    fill(mine, tree)
            except BaseException as error:
                problems.append(error)

        threads = [threading.Thread(target=run) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert problems == []
        with Store.open(locate(tree).directory) as store:
            assert len(engine.uuids(str(tree))) == store.counts().chunks


def test_a_lost_connection_is_made_again(server: Any, tmp_path: Path) -> None:
    tree = indexed(tmp_path / "tree")
    with opened(schema(server, "lost")) as engine, opened(schema(server, "lost")) as other:
        fill(engine, tree)
        before = answers(engine, tree)
        with suppress(CodesearchError):
            other._run(  # type: ignore[attr-defined]
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid != pg_backend_pid()"
            )
        assert answers(engine, tree) == before


def test_a_server_that_crashes_in_the_midst_of_a_write(tmp_path: Path) -> None:
    folder = Path(mkdtemp(prefix="pg"))  # the path of a socket is short
    server = postgres_server(str(folder))
    try:
        tree, url = indexed(tmp_path / "tree", many_files(600)), schema(server, "crash")
        with uploading(url, tree):
            time.sleep(0.8)
            crash(folder)
        server = restarted(server, folder)
        with opened(url) as engine:
            fill(engine, tree)
            assert len(engine.words([str(tree)], ["function"], 1000)) == 600
    finally:
        server.cleanup()


def test_no_socket_stays_open(server: Any, tmp_path: Path) -> None:
    """Neither of a connection that breaks nor of one that the server refuses."""
    refused = server.get_uri().replace("/postgres", "/nothing")
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", ResourceWarning)
        test_a_lost_connection_is_made_again(server, tmp_path)
        with opened(refused) as engine, pytest.raises(CodesearchError, match="nothing"):
            engine.roots()
        del engine
        gc.collect()
    assert [str(warning.message) for warning in warned] == []


def crash(folder: Path) -> None:
    """Kill the server and everything that it started."""
    import psutil

    main = psutil.Process(int((folder / "postmaster.pid").read_text().split()[0]))
    for process in [main, *main.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    main.wait(PATIENCE)


def restarted(server: Any, folder: Path) -> Any:
    server.ensure_postgres_running()
    return server


def test_no_server_is_an_error_in_words() -> None:
    require("pg8000")
    nobody = "postgresql://nobody@127.0.0.1:1/nothing"
    with opened(nobody) as engine, pytest.raises(CodesearchError) as error:
        engine.roots()
    assert re.fullmatch(
        r"Postgres cannot answer: .*127\.0\.0\.1.*port 1: .*efused; is the server running there\?",
        str(error.value),
    )


def test_no_qdrant_is_said_once() -> None:
    require("qdrant_client")
    with opened("qdrant://127.0.0.1:1/c") as engine, pytest.raises(CodesearchError) as error:
        engine.create(EngineRecord("m", False, "f", 32, 3.0))
    assert str(error.value).count("Qdrant cannot answer for the collection c") == 1
    assert str(error.value).endswith("; is the server running there?")


def test_a_newer_schema_is_refused_and_an_older_one_migrated(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree, url = indexed(tmp_path / "tree"), schema(server, "formats")
    with opened(url) as engine:
        fill(engine, tree)
        before, record = answers(engine, tree), engine.record()
        assert record is not None
        monkeypatch.setattr(postgres, "FORMAT", 2)
        monkeypatch.setattr(postgres, "_MIGRATIONS", {2: ["ALTER TABLE chunks ADD COLUMN note text"]})
        engine.create(record)
        assert engine._run("SELECT count(*) FROM chunks WHERE note IS NULL")[0][0] > 4  # type: ignore[attr-defined]
        assert answers(engine, tree) == before
        monkeypatch.setattr(postgres, "FORMAT", 1)
        with pytest.raises(CodesearchError, match="format 2, this version knows 1"):
            engine.record()


def test_qdrant_is_rebuilt_beside_the_old_collection(tmp_path: Path) -> None:
    require("qdrant_client")
    tree = indexed(tmp_path / "tree")
    with opened(f"qdrant+file://{tmp_path}/qdrant/code") as engine:
        fill(engine, tree)
        before, record = answers(engine, tree), engine.record()
        assert record is not None
        seen: list[list[list[tuple[str, int]]]] = []

        def fill_again(fresh: Engine) -> None:
            fill(fresh, tree)
            seen.append(answers(engine, tree))

        engine.rebuild(replace(record, average_length=10.0), fill_again)  # type: ignore[attr-defined]
        assert seen == [before]  # the old one answered meanwhile
        assert answers(engine, tree) == before
        rebuilt = engine.record()
        assert rebuilt is not None
        assert rebuilt.average_length == 10.0
        assert [one.name for one in engine._client.get_collections().collections] == ["code-2"]  # type: ignore[attr-defined]


def test_qdrants_own_fusion_is_reciprocal_rank_fusion(tmp_path: Path) -> None:
    require("qdrant_client")
    tree = indexed(tmp_path / "tree")
    roots = [str(tree)]
    with opened(f"qdrant+file://{tmp_path}/qdrant/code") as engine:
        fill(engine, tree)
        for question in QUESTIONS:
            terms, [vector] = query_terms(question), EMBEDDER.encode_query([question])
            lexical = [one.uuid for one in engine.words(roots, terms, 100)]
            semantic = [one.uuid for one in engine.near(roots, vector, 100)]
            ours = dict.fromkeys((*lexical, *semantic), 0.0)
            for ranked in (lexical, semantic):
                for rank, uuid in enumerate(ranked, 1):
                    ours[uuid] += 1 / (60 + rank)  # Cormack et al., SIGIR 2009
            theirs = engine.fused(roots, terms, vector, 10)  # type: ignore[attr-defined]
            assert theirs
            np.testing.assert_allclose(
                [one.score for one in theirs], [ours[one.uuid] for one in theirs], rtol=1e-5
            )


@pytest.mark.parametrize(
    "url",
    [
        "qdrant://host",
        "qdrant://host/a/b",
        "qdrant://",
        "redis://x/y",
        "postgresql://host",
        "postgresql://h/d?x=1",
        "qdrant://host/a?quantization=int4",
        "qdrant://host/a?quantization",
        "qdrant://host/a?matryoshka=many",
        "qdrant://host/a?matryoshka=64&x=1",
        "qdrant+edge:///a?matryoshka=64",
        "qdrant+edge:///a?x=1",
        "qdrant+edge://host/a",
    ],
)
def test_addresses_that_name_nothing(url: str) -> None:
    require("qdrant_client", "pg8000")
    with pytest.raises(BadQuery):
        open_engine(url)


@pytest.mark.parametrize("kind", ["binary", "none"])
@pytest.mark.parametrize("start", ["qdrant+edge://{}/shard", "qdrant+file://{}/qdrant/code"])
def test_vectors_may_be_held_otherwise(start: str, kind: str, tmp_path: Path) -> None:
    require("qdrant_client", "qdrant_edge")
    tree, url = indexed(tmp_path / "tree"), f"{start.format(tmp_path)}?quantization={kind}"
    with opened(url) as engine:
        fill(engine, tree)
        before = answers(engine, tree)
    with opened(url) as engine:  # once more, from what was written
        assert answers(engine, tree) == before
    with opened(start.format(tmp_path).replace("/shard", "/other").replace("/code", "/other")) as usual:
        fill(usual, tree)
        assert answers(usual, tree) == before


def test_a_first_stage_of_short_vectors(tmp_path: Path) -> None:
    require("qdrant_client")
    tree, start = indexed(tmp_path / "tree"), f"qdrant+file://{tmp_path}/qdrant"
    with opened(f"{start}/two?matryoshka=16&quantization=binary") as engine:
        fill(engine, tree)
    with opened(f"{start}/two") as engine:  # how it was made is written down in it
        record = engine.record()
        assert record is not None
        assert record.short_dim == 16
        two = answers(engine, tree)
    with opened(f"{start}/one") as usual:
        fill(usual, tree)
        assert answers(usual, tree) == two
    with opened(f"{start}/none?matryoshka=4096") as engine, pytest.raises(BadQuery, match="no shorter"):
        fill(engine, tree)


def test_the_second_stage_orders_what_the_first_one_found(tmp_path: Path) -> None:
    require("qdrant_client")
    draw = np.random.default_rng(5)
    vectors = draw.normal(size=(400, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    asked, short, limit = vectors[7], 8, 5
    rows = [make_row("r", numbered_chunk(n), vector) for n, vector in enumerate(vectors)]
    with opened(f"qdrant+file://{tmp_path}/qdrant/code?matryoshka={short}&quantization=none") as engine:
        engine.create(EngineRecord("m", False, "f", 32, 3.0))
        engine.write("r", rows)
        found = [one.uuid for one in engine.near(["r"], asked, limit)]
    starts = vectors[:, :short] / np.linalg.norm(vectors[:, :short], axis=1, keepdims=True)
    candidates = np.argsort(-(starts @ starts[7]))[: SHORTLIST * limit]
    best = candidates[np.argsort(-(vectors[candidates] @ asked))][:limit]
    assert found == [rows[n].uuid for n in best]
    assert list(best) != list(np.argsort(-(vectors @ asked))[:limit])  # else the first stage shows nowhere


PROSE = WordHashEmbedder("prose")


def fill_twice(engine: Engine, tree: Path, text: WordHashEmbedder | None = PROSE) -> Upload:
    with Store.open(locate(tree).directory) as store:
        return upload(store, engine, str(tree), silent, Model(text) if text else None)


def test_a_second_vector_takes_part(tmp_path: Path) -> None:
    require("qdrant_client")
    tree = indexed(tmp_path / "tree")
    with opened(f"qdrant+file://{tmp_path}/qdrant/code") as engine:
        assert fill_twice(engine, tree).written > 4
        code, prose = EMBEDDER.encode_query(["sleep"])[0], PROSE.encode_query(["send a request"])[0]
        roots = [str(tree)]
        by_code, by_text = engine.near(roots, code, 4), engine.near_by_text(roots, prose, 4)
        assert by_code[0].uuid != by_text[0].uuid
        worth = Counter[UUID]()
        for arm in (by_code, by_text):
            worth.update({one.uuid: 1e6 / (60 + rank) for rank, one in enumerate(arm, 1)})
        both = EngineStore(engine, roots, lambda: prose).nearest(code, 4)
        wanted = [uuid for uuid, _ in sorted(worth.items(), key=lambda each: (-each[1], each[0]))[:4]]
        assert {match.ref.id for match in both} == {short_id(uuid) for uuid in wanted}
        assert both[0].ref.id == short_id(wanted[0])


def test_second_vectors_are_of_one_model(tmp_path: Path) -> None:
    require("qdrant_client")
    tree = indexed(tmp_path / "tree")
    with opened(f"qdrant+file://{tmp_path}/qdrant/code") as engine:
        fill_twice(engine, tree)
        with pytest.raises(ModelMismatch, match="--text-model"):
            fill_twice(engine, tree, WordHashEmbedder("another"))
    with opened(f"qdrant+file://{tmp_path}/qdrant/other") as engine:
        fill(engine, tree)
        with pytest.raises(ModelMismatch, match="--text-model"):
            fill_twice(engine, tree)


@pytest.mark.parametrize("kind", ["qdrant-edge", "postgres"])
def test_engines_with_one_vector_say_so(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    tree = indexed(tmp_path / "tree")
    if kind == "postgres":
        url = schema(request.getfixturevalue("server"), request.node.name)
    else:
        require("qdrant_edge")
        url = f"qdrant+edge://{tmp_path}/shard"
    with opened(url) as engine, pytest.raises(CodesearchError, match="one vector a chunk"):
        fill_twice(engine, tree)


@pytest.mark.parametrize("option", ["--as", "--text-model"])
def test_options_of_an_upload_need_a_store(option: str, tmp_path: Path) -> None:
    done = run("index", ".", "--root-here", option, "embedded", cwd=tmp_path)
    assert (done.returncode, "--store" in done.stderr) == (2, True)


def test_the_command_makes_second_vectors_and_asks_them(tmp_path: Path) -> None:
    require("qdrant_client")
    tree, url = tmp_path / "tree", f"qdrant+file://{tmp_path}/qdrant/code"
    for name, text in FILES.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text, encoding="utf-8")
    options = ("--root-here", "--store", url, "--as", "t", "--text-model", "embedded")
    made = run("index", ".", *options, cwd=tree)
    assert made.returncode == 0, made.stderr
    with open_store(url) as remote:
        assert remote.search("send a request", mode="semantic")[0].path == "src/client.py"
        assert remote.similar("src/retry.py", line=1)


def numbered_chunk(number: int) -> Chunk:
    text = f"x = {number}\n"
    return Chunk(f"{number}.py", 0, len(text), 1, 1, "python", "code", "", (), "", (), text)


def test_paths_are_no_engines() -> None:
    assert [
        is_engine(name) for name in ("src", "C:/code", "https://host/a", "qdrant://h/c", "postgres://h/d")
    ] == [
        False,
        False,
        False,
        True,
        True,
    ]
