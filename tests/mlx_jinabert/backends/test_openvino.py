"""The OpenVINO backend: its numbers against those of ONNX Runtime, its types, long texts, what it refuses."""

from __future__ import annotations

import os
import pickle
import platform
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import mlx_jinabert
from mlx_jinabert.backends import open_backend
from mlx_jinabert.errors import BackendUnavailable, ModelFolderError
from mlx_jinabert.local.backend import open_for
from mlx_jinabert.local.spec import read_spec
from tests.mlx_jinabert.architectures.test_parity import CASES, FLOAT32_ATOL, lengths_of, reference
from tests.support.checkpoints import Checkpoint
from tests.support.closeness import assert_close
from tests.support.paths import ROOT
from tests.support.running import checkpoint_folder, cosine, embed, open_model, random_ids, read, require
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"), reason="looked at on Linux x86-64 alone"
)

ATOL = 1e-5
COSINE = 0.995
"""In bfloat16: 0.998 for the worst of them, a random Gemma 3; 0.9999 for most."""
CHECKPOINT = Checkpoint("code", heads=12, hidden=96)
LONG = {
    "code": CHECKPOINT,
    "en": Checkpoint("en", heads=4, hidden=32, pooling="cls"),
    "modernbert": Checkpoint("modernbert", heads=4, hidden=32),
    "qwen3": Checkpoint("qwen3", heads=4, kv_heads=2, hidden=32, head_dim=16, pooling="last"),
}
BEYOND = 1030
"""Tokens that go through the tiled graph, in two tiles with 4 heads and in four with 12."""


@pytest.mark.parametrize("checkpoint", CASES)
def test_every_architecture_gives_what_onnx_runtime_gives(checkpoint: Checkpoint) -> None:
    folder, ids = checkpoint_folder(checkpoint), random_ids(lengths_of(checkpoint), checkpoint.vocab)
    want = embed(open_model(folder, "onnx"), ids)
    model = open_model(folder, "openvino", "float32")
    got = embed(model, ids)
    assert_close(got, want, atol=ATOL, what="float32")
    assert_close(np.concatenate([embed(model, [one]) for one in ids]), got, atol=ATOL, what="one by one")
    half = open_model(folder, "openvino", "bfloat16")
    together = embed(half, ids)
    assert 1 - 1e-7 > cosine(together, want).min() > COSINE
    assert cosine(np.concatenate([embed(half, [one]) for one in ids]), together).min() > 0.9999


@pytest.mark.parity
@pytest.mark.parametrize("checkpoint", [CASES[0], CASES[-1]])
def test_float32_is_pytorchs(checkpoint: Checkpoint) -> None:
    lengths = lengths_of(checkpoint)
    got = embed(
        open_model(checkpoint_folder(checkpoint), "openvino", "float32"),
        random_ids(lengths, checkpoint.vocab),
    )
    assert_close(got, reference(checkpoint, lengths), atol=FLOAT32_ATOL, what="to PyTorch")


@pytest.mark.parametrize("kind", LONG)
def test_long_texts_and_those_beside_them(kind: str) -> None:
    """The places of a long text and the number of its tokens are more than bfloat16 can count to."""
    checkpoint = LONG[kind].but(max_position=BEYOND)
    folder, ids = checkpoint_folder(checkpoint), random_ids((BEYOND, 3, 700), checkpoint.vocab)
    want = embed(open_model(folder, "onnx"), ids)
    model = open_model(folder, "openvino", "float32")
    assert_close(embed(model, ids), want, atol=ATOL, what="in tiles")
    assert_close(embed(model, ids[1:]), want[1:], atol=ATOL, what="at once")
    half = open_model(folder, "openvino", "bfloat16")
    assert cosine(embed(half, ids), want).min() > 0.999
    assert cosine(embed(half, ids[1:]), want[1:]).min() > 0.999


RUN = """
import sys
from pathlib import Path
from tests.support.running import embed, open_model, random_ids

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))

model = open_model(Path(sys.argv[1]), "openvino")
embed(model, random_ids([9], 512))
before = peak()
embed(model, random_ids([8192, 8192], 512))
print(peak() - before)
"""


def run(program: str, *arguments: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_two_texts_of_8192_tokens_never_have_all_their_scores_in_memory() -> None:
    """Those of one text and their bias are 3 GiB each."""
    folder = checkpoint_folder(CHECKPOINT.but(layers=1, max_position=8192))
    assert int(run(RUN, str(folder))) < 400 * 1024


@pytest.mark.parametrize("dtype", ["int8", "int4", "float16"])
def test_other_types_are_refused_with_those_that_it_has(dtype: str) -> None:
    with pytest.raises(BackendUnavailable, match=f"{dtype}; pass dtype='float32' or 'bfloat16', or backend"):
        open_model(checkpoint_folder(CHECKPOINT), "openvino", dtype)


KIND = """
import sys
from pathlib import Path
from tests.support.running import open_model
print(open_model(Path(sys.argv[1]), "openvino", "auto").dtype)
"""


def test_auto_is_bfloat16_where_the_cpu_multiplies_by_amx() -> None:
    has_amx = "amx_bf16" in Path("/proc/cpuinfo").read_text()
    folder = str(checkpoint_folder(CHECKPOINT))
    assert run(KIND, folder) == ("bfloat16" if has_amx else "float32")
    assert run(KIND, folder, ONEDNN_MAX_CPU_ISA="AVX512_CORE_BF16") == "float32"


def test_a_reranker_is_float32_unless_asked_otherwise() -> None:
    spec = read_spec(checkpoint_folder(Checkpoint("reranker")))
    assert open_for(spec, "openvino", "auto", onnx_dtype="float32").dtype == "float32"


def test_without_the_package_the_error_says_how_to_get_it() -> None:
    program = """
import sys
sys.modules["openvino"] = None
from mlx_jinabert.backends import resolve_backend
from mlx_jinabert.errors import BackendUnavailable
try:
    resolve_backend("openvino")
except BackendUnavailable as unavailable:
    print(unavailable)
"""
    assert "pip install 'mlx-jinabert[openvino]'" in run(program)


def test_a_graph_alone_is_for_onnx_runtime(tmp_path: Path) -> None:
    folder, architecture = read(checkpoint_folder(CHECKPOINT))
    spec = read_spec(checkpoint_folder(CHECKPOINT))
    with pytest.raises(ModelFolderError, match='backend="onnx"'):
        open_for(replace(spec, folder=replace(folder, weights=())), "openvino", "auto")
    require("mlx_jinabert.backends.ov")
    (tmp_path / "model.onnx").write_bytes(b"a program of somebody's")
    (tmp_path / "mlx_jinabert.json").write_text('{"dtype": "float32"}')
    model = open_backend("openvino", replace(folder, onnx=tmp_path / "model.onnx"), "float32", architecture)
    assert embed(model, random_ids((3,), 512)).shape == (1, 96)


def test_a_graph_that_is_none_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    require("mlx_jinabert.backends.ov")
    monkeypatch.setattr(
        "mlx_jinabert.backends.onnx_graph.GraphFile._build", lambda self, path: path.write_bytes(b"")
    )
    with pytest.raises(ModelFolderError, match="its graph cannot be opened"):
        open_model(checkpoint_folder(CHECKPOINT.but(seed=3)), "openvino", "float32")


def test_pieces_and_threads_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = random_ids(tuple(range(1, 40)), 512)
    model = open_model(checkpoint_folder(CHECKPOINT), "openvino", "float32")
    alone = np.concatenate([embed(model, [ids]) for ids in texts])
    for tokens, cores in ((1, 1), (64, 3), (10_000, 1)):
        monkeypatch.setattr("mlx_jinabert.backends.openvino._PIECE_TOKENS", tokens)
        monkeypatch.setattr("mlx_jinabert.backends.openvino.usable_cores", lambda n=cores: n)
        other = open_model(checkpoint_folder(CHECKPOINT), "openvino", "float32")
        assert_close(embed(other, texts, 50), alone, atol=2e-6, what=f"pieces of {tokens} tokens")
        other.close()


def test_a_loaded_model_is_called_by_many_threads_and_pickled() -> None:
    require("mlx_jinabert.backends.ov")
    model = mlx_jinabert.load(checkpoint_folder(CHECKPOINT), backend="openvino", dtype="float32")
    assert (model.backend, model.device, model.dtype) == ("openvino", "cpu", "float32")
    texts = [f"text {'again ' * n}" for n in range(40)]
    want = model.encode(texts)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(model.encode, texts))
    assert_close(np.stack(found), want, atol=ATOL, what="in threads")
    copy = pickle.loads(pickle.dumps(model))
    assert copy.backend == "openvino"
    assert_close(copy.encode(texts), want, atol=ATOL, what="pickled")


FORK = """
import os, sys
import numpy as np
import mlx_jinabert
model = mlx_jinabert.load(sys.argv[1], backend="openvino", dtype="float32")
want = model.encode("a text")
child = os.fork()
if not child:
    os._exit(0 if np.allclose(model.encode("a text"), want, atol=1e-6) else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_forked_child_opens_the_model_again() -> None:
    require("mlx_jinabert.backends.ov")
    assert run(FORK, str(checkpoint_folder(CHECKPOINT))) == "0"


def test_openvinos_telemetry_is_not_even_imported(tmp_path: Path) -> None:
    """``import openvino`` sends an event where that package can be imported, so the contrary is not tried."""
    require("mlx_jinabert.backends.ov")
    program = """
import sys
import mlx_jinabert.backends.openvino
print([name for name in sys.modules if name.startswith("openvino_telemetry")])
"""
    assert run(program, HOME=str(tmp_path)) == "[]"
    assert list(tmp_path.rglob("*")) == []
