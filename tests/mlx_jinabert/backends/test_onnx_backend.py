"""The ONNX backend: the cache of graphs, threads, finished graphs, and what it refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from threading import Barrier, Thread

import numpy as np
import pytest
from numpy.typing import NDArray

from mlx_jinabert.backends import cores, graph_cache
from mlx_jinabert.checkpoint.folder import read_folder
from mlx_jinabert.checkpoint.weights import Weights
from mlx_jinabert.errors import BackendUnavailable, ModelFolderError
from tests.support.checkpoints import Checkpoint, write
from tests.support.closeness import assert_close
from tests.support.paths import ROOT
from tests.support.running import checkpoint_folder, embed, open_model, random_ids, read

pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

from mlx_jinabert.architectures.graphs import build_graph
from mlx_jinabert.backends import onnx as backend
from mlx_jinabert.backends.onnx_session import Session
from mlx_jinabert.backends.ort import onnxruntime
from mlx_jinabert.text.tokenizer import TokenBatch
from tests.support.graphing import build

LENGTHS = (1, 5, 9, 30)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of its own; the folder of its graphs."""
    monkeypatch.setenv("MLX_JINABERT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "graphs"


def vectors(folder: Path, dtype: str = "int8") -> NDArray[np.float32]:
    return embed(open_model(folder, "onnx", dtype), random_ids(LENGTHS, 512))


def entry(cache: Path) -> Path:
    (found,) = cache.iterdir()
    return found


LOAD = """
import sys
{block}
from tests.support.running import open_model
open_model(__import__("pathlib").Path(sys.argv[1]), "onnx", "int8")
print("onnx" in sys.modules and sys.modules["onnx"] is not None)
"""


def load_in_a_process(folder: Path, block: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LOAD.format(block=block), str(folder)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )


def test_a_cached_graph_needs_no_onnx(cache: Path) -> None:
    folder, block = checkpoint_folder(Checkpoint()), 'sys.modules["onnx"] = None'
    blocked = load_in_a_process(folder, block)
    assert blocked.returncode == 1, "the block blocks"
    assert "pip install 'mlx-jinabert[onnx]' to build the graph" in blocked.stderr
    assert load_in_a_process(folder).stdout == "True\n"
    assert load_in_a_process(folder).stdout == "False\n"
    assert load_in_a_process(folder, block).returncode == 0


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda file: file.write_bytes(file.read_bytes()[:-100]), id="truncated"),
        pytest.param(damage, id="one bit"),
        pytest.param(lambda file: file.unlink(), id="missing"),
        pytest.param(lambda file: file.with_name("sha256.json").write_text("[]"), id="record"),
    ],
)
def test_a_damaged_graph_is_built_again(cache: Path, harm) -> None:
    folder = checkpoint_folder(Checkpoint())
    want, whole = vectors(folder), (entry(cache) / "model.onnx").read_bytes()
    harm(entry(cache) / "model.onnx")
    assert_close(vectors(folder), want, atol=0, what="vectors")
    assert (entry(cache) / "model.onnx").read_bytes() == whole


def test_a_graph_that_the_runtime_refuses_is_built_again(cache: Path) -> None:
    folder = checkpoint_folder(Checkpoint())
    want = vectors(folder)
    (entry(cache) / "model.onnx").write_bytes(b"of a later version")
    (entry(cache) / "sha256.json").write_text(json.dumps(graph_cache._hashes(entry(cache))))
    assert_close(vectors(folder), want, atol=0, what="vectors")


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("MLX_JINABERT_CACHE", str(tmp_path / "file"))
    assert vectors(checkpoint_folder(Checkpoint())).shape == (4, 64)


def test_every_difference_has_a_graph_of_its_own(cache: Path, tmp_path: Path) -> None:
    first = checkpoint_folder(Checkpoint())
    vectors(first, "float32")
    for number, other in enumerate(
        [Checkpoint(seed=1), Checkpoint(pooling="cls"), Checkpoint(dtype="float16")], start=2
    ):
        vectors(checkpoint_folder(other), "float32")
        assert len(list(cache.iterdir())) == number
    vectors(first, "int8")
    assert len(list(cache.iterdir())) == 5
    vectors(write(tmp_path / "copy", Checkpoint()), "float32")
    assert len(list(cache.iterdir())) == 5, "the same content elsewhere is the same graph"


@pytest.mark.parametrize("key", [f"{n:02x}" for n in range(40)])
def test_all_that_build_at_once_read_a_whole_entry(cache: Path, key: str) -> None:
    met, seen = Barrier(3), []

    def build(path: Path) -> None:
        met.wait()
        path.write_bytes(b"graph")

    def use() -> None:
        with graph_cache.cached_graph(key, build) as path:
            seen.append(path.read_bytes())

    threads = [Thread(target=use) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [b"graph"] * 3
    assert [path.name for path in cache.iterdir()] == [key]


def test_a_failing_build_leaves_nothing(cache: Path) -> None:
    with pytest.raises(ZeroDivisionError), graph_cache.cached_graph("key", lambda path: 1 / 0):
        pass
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_what_a_cpu_does_not_compute_in_is_refused(dtype: str) -> None:
    with pytest.raises(
        BackendUnavailable, match=f"{dtype} on a CPU .* pass dtype='float32' or 'int8' or 'int4'"
    ):
        open_model(checkpoint_folder(Checkpoint()), "onnx", dtype)


@pytest.mark.parametrize("dtype", ["float32", "int8"])
def test_pieces_and_threads_do_not_show(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    model = open_model(checkpoint_folder(Checkpoint()), "onnx", dtype)
    texts = random_ids(tuple(range(1, 40)), 512)
    alone = np.concatenate([embed(model, [ids]) for ids in texts])
    for tokens, threads in ((1, 1), (64, 3), (10_000, 1)):
        monkeypatch.setattr(backend, "_PIECE_TOKENS", tokens)
        monkeypatch.setattr(model, "_cores", threads)
        assert_close(embed(model, texts, 50), alone, atol=2e-6, what=f"pieces of {tokens} tokens")


def test_a_large_model_spreads_few_texts_over_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    model, texts = open_model(checkpoint_folder(Checkpoint()), "onnx", "int8"), random_ids((3, 8), 512)
    want = embed(model, texts)
    assert model._wide is None
    monkeypatch.setattr(backend, "_SMALL_BYTES", 0)
    monkeypatch.setattr(model, "_cores", 3)
    assert_close(embed(model, texts), want, atol=2e-6, what="over 3 threads")
    assert model._wide.session.get_session_options().intra_op_num_threads == 3


@pytest.fixture
def converted(tmp_path: Path) -> Path:
    """A folder that holds an int8 graph instead of weights."""
    folder = write(tmp_path / "converted", Checkpoint())
    record, architecture = read(folder)
    with Weights(record.weights) as weights:
        names = sorted(weights.names())
        build_graph(weights, architecture, pooling="mean", dtype="int8").save(folder / "model.onnx")
    (folder / "model.safetensors").unlink()
    (folder / "mlx_jinabert.json").write_text(json.dumps({"dtype": "int8", "tensors": names}))
    return folder


def test_a_finished_graph_is_run_as_it_is(converted: Path, cache: Path) -> None:
    folder = read_folder(converted, model_id="converted", origin="folder")
    original = checkpoint_folder(Checkpoint())
    open_converted = partial(backend.OnnxBackend, folder, read(original)[1])
    got = embed(open_converted("int8"), random_ids(LENGTHS, 512))
    assert not cache.exists()
    assert_close(got, vectors(original), atol=0, what="converted")
    with pytest.raises(ModelFolderError, match=r"computes in int8, not float32.*pass dtype='int8'"):
        open_converted("float32")
    (converted / "model.onnx").write_bytes(b"damaged")
    with pytest.raises(ModelFolderError, match=r"model\.onnx: cannot be opened .*convert the model again"):
        open_converted("int8")


@pytest.mark.parametrize(("granted", "threads"), [("150000 100000", 2), ("50000 100000", 1)])
def test_a_container_gets_no_more_threads_than_its_quota(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, granted: str, threads: int
) -> None:
    (tmp_path / "cpu.max").write_text(granted)
    monkeypatch.setattr(cores, "_QUOTA", tmp_path / "cpu.max")
    monkeypatch.setattr(cores, "_physical_cores", lambda: 64)
    assert cores.usable_cores() == threads


def test_two_threads_of_a_core_count_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for cpu, siblings in enumerate(("0,2", "1,3", "0,2", "1,3")):
        (tmp_path / f"cpu{cpu}" / "topology").mkdir(parents=True)
        (tmp_path / f"cpu{cpu}" / "topology" / "thread_siblings_list").write_text(siblings)
    monkeypatch.setattr(cores, "_CPUS", tmp_path)
    monkeypatch.setattr(cores.os, "sched_getaffinity", lambda pid: {0, 1, 2, 3}, raising=False)
    monkeypatch.setattr(cores, "_QUOTA", tmp_path / "none")
    assert cores._physical_cores() == 2


def operators(path: Path) -> Counter[str]:
    """The operators of a graph and its branches, without those that name or join what is there."""
    import onnx

    left, found = [onnx.load(path, load_external_data=False).graph], Counter[str]()
    while left:
        for node in left.pop().node:
            found[node.op_type] += 1
            left += [attribute.g for attribute in node.attribute if attribute.HasField("g")]
    return Counter({name: n for name, n in found.items() if name not in ("Identity", "Concat", "Cast")})


FINAL = [
    ("code", "int8", "mean"),
    ("code", "float32", "cls"),
    ("en", "int8", "last"),
    ("en", "float32", "tokens"),
]


@pytest.mark.parametrize(("model", "dtype", "pooling"), FINAL)
def test_a_final_graph_is_what_the_optimiser_makes_of_it(
    tmp_path: Path, model: str, dtype: str, pooling: str
) -> None:
    folder = checkpoint_folder(Checkpoint(model, heads=12, hidden=192, intermediate=256))
    build(folder, dtype, pooling).save(tmp_path / "model.onnx")
    before, after = (
        Session(
            str(tmp_path / "model.onnx"), 1, 192, foreign=False, final=final, per_token=pooling == "tokens"
        )
        for final in (False, True)
    )
    levels = onnxruntime.GraphOptimizationLevel
    assert after.session.get_session_options().graph_optimization_level == levels.ORT_DISABLE_ALL
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = levels.ORT_ENABLE_ALL
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    onnxruntime.InferenceSession(tmp_path / "model.onnx", options, providers=["CPUExecutionProvider"])
    assert operators(tmp_path / "optimised.onnx") == operators(tmp_path / "model.onnx")
    batch = TokenBatch.pad(random_ids(LENGTHS, 512), 32, 0)
    np.testing.assert_array_equal(before.run(batch), after.run(batch))


@pytest.mark.parametrize(("model", "is_final"), [("code", True), ("bert", False), ("reranker", False)])
def test_only_final_graphs_are_opened_without_the_optimiser(model: str, is_final: bool) -> None:
    record, architecture = read(checkpoint_folder(Checkpoint(model)))
    opened = backend.OnnxBackend(record, architecture, "int8")
    level = opened._narrow.session.get_session_options().graph_optimization_level
    assert (level == onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL) == is_final
    opened.close()
