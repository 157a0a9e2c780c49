"""Choosing a backend, and what the MLX one makes of types, quantised folders and memory."""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mlx_jinabert.backends import open_backend, resolve_backend
from mlx_jinabert.errors import BackendUnavailable, ModelFolderError, UnsupportedConfig, WeightMismatch
from tests.support.checkpoints import Checkpoint, tensors_of, write, write_shards
from tests.support.closeness import assert_close
from tests.support.running import checkpoint_folder, cosine, embed, open_model, random_ids, read, require

CHECKPOINT = Checkpoint("code", hidden=64, intermediate=128)


@pytest.mark.parametrize(
    ("blocked", "choice"),
    [
        ((), "onnx cpu"),
        (("onnxruntime",), "mlx cpu"),
        (("mlx",), "onnx cpu"),
        (("mlx", "onnxruntime"), "none"),
    ],
)
def test_auto_without_a_gpu(blocked: tuple[str, ...], choice: str) -> None:
    require("mlx.core", "onnxruntime")
    import mlx.core as mx

    if mx.default_device().type == mx.gpu:
        pytest.skip("this machine has a GPU")
    program = f"""
import sys
sys.modules |= dict.fromkeys({[*blocked, *(f"{name}.core" for name in blocked)]})
from mlx_jinabert.backends import resolve_backend
from mlx_jinabert.errors import BackendUnavailable
try:
    found = resolve_backend()
    print(found.name, found.device)
except BackendUnavailable as unavailable:
    assert "mlx-jinabert[onnx]" in str(unavailable) and "mlx-jinabert[mlx-cpu]" in str(unavailable)
    print("none")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == choice


def test_where_mlx_has_a_gpu_onnx_runtime_is_not_imported() -> None:
    require("mlx.core", "onnxruntime")
    program = """
import sys
from mlx_jinabert import backends
from mlx_jinabert.backends import mlx, resolve_backend
backends._may_have_gpu = lambda: True  # in place of a Mac, both
mlx.device = lambda: "metal"
print(resolve_backend(), "onnxruntime" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "BackendChoice(name='mlx', device='metal') False"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a Mac has a GPU")
def test_without_a_device_of_a_gpu_mlx_is_not_imported() -> None:
    require("mlx.core", "onnxruntime")
    program = """
import sys
from mlx_jinabert import backends
backends._GPUS = sys.argv[1:]
print(backends.resolve_backend().device, "mlx.core" in sys.modules)
"""
    command = [sys.executable, "-c", program]
    for device, imported in (("/dev/no-such-gpu", "False"), ("/dev/null", "True")):
        done = subprocess.run([*command, device], capture_output=True, text=True, check=True)
        assert done.stdout.split()[1] == imported


def test_an_unknown_backend_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BackendUnavailable, match="auto, mlx, onnx"):
        resolve_backend("coreml")


def test_mlx_types() -> None:
    folder = checkpoint_folder(CHECKPOINT)
    assert open_model(folder, "mlx", "auto").dtype == "float32"
    assert open_model(folder, "mlx", "bfloat16").dtype == "bfloat16"
    with pytest.raises(UnsupportedConfig, match="float64"):
        open_model(folder, "mlx", "float64")


@pytest.mark.parametrize(("bits", "least"), [(8, 0.999), (4, 0.95)])
def test_a_quantised_folder_is_what_quantising_at_load_gives(tmp_path: Path, bits: int, least: float) -> None:
    require("mlx.core")
    import mlx.core as mx

    write(tmp_path, CHECKPOINT)
    tensors = {name: mx.array(value) for name, value in tensors_of(CHECKPOINT).items()}
    for name in [name for name in tensors if name.endswith(".weight") and "encoder" in name]:
        layer = name.removesuffix(".weight")
        if tensors[name].ndim == 2:
            packed = mx.quantize(tensors[name], group_size=64, bits=bits)
            tensors |= dict(zip((name, f"{layer}.scales", f"{layer}.biases"), packed, strict=True))
    mx.save_safetensors(str(tmp_path / "model.safetensors"), tensors)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(
        json.dumps(config | {"quantization": {"group_size": 64, "bits": bits}})
    )
    ids = random_ids((3, 40), CHECKPOINT.vocab)
    stored, original = open_model(tmp_path, "mlx"), checkpoint_folder(CHECKPOINT)
    assert stored.dtype == f"int{bits}"
    at_load = embed(open_model(original, "mlx", f"int{bits}"), ids)
    assert_close(embed(stored, ids), at_load, atol=1e-6, what="stored and at load")
    assert 1 - 1e-6 > cosine(at_load, embed(open_model(original, "mlx"), ids)).min() > least
    with pytest.raises(UnsupportedConfig, match=f"int{bits}"):
        open_model(tmp_path, "mlx", f"int{12 - bits}")


def test_quantised_tensors_without_their_record_are_refused(tmp_path: Path) -> None:
    write(tmp_path, CHECKPOINT)
    tensors = tensors_of(CHECKPOINT)
    tensors["encoder.layer.0.attention.self.query.scales"] = np.ones((64, 1), np.float32)
    write_shards(tmp_path, tensors, "float32")
    with pytest.raises(WeightMismatch, match=r"query\.scales"):
        open_model(tmp_path, "mlx")


def test_mlx_refuses_a_folder_without_safetensors() -> None:
    require("mlx.core")
    from dataclasses import replace

    folder, architecture = read(checkpoint_folder(CHECKPOINT))
    with pytest.raises(ModelFolderError, match="ONNX graph alone"):
        open_backend("mlx", replace(folder, weights=()), "float32", architecture)


def test_one_copy_of_the_weights_is_loaded_and_close_frees_it() -> None:
    require("mlx.core")
    import mlx.core as mx

    checkpoint = CHECKPOINT.but(hidden=256, intermediate=512, dtype="float16", pooler=False)
    folder = checkpoint_folder(checkpoint)
    size = 4 * sum(value.size for value in tensors_of(checkpoint).values())
    before = mx.get_active_memory()
    mx.reset_peak_memory()
    model = open_model(folder, "mlx", "float32")
    assert size <= mx.get_active_memory() - before < 1.1 * size
    assert mx.get_peak_memory() - before < 1.5 * size
    model.close()
    assert mx.get_active_memory() - before < 0.1 * size


def test_kept_buffers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    require("mlx.core")
    import mlx.core as mx

    from mlx_jinabert.backends import mlx as backend

    monkeypatch.setattr(backend, "_CACHE_BYTES", 1 << 20)
    model = open_model(checkpoint_folder(CHECKPOINT), "mlx")
    for length in range(40, 200, 16):
        embed(model, random_ids((length, 5), CHECKPOINT.vocab))
        assert mx.get_cache_memory() <= 1 << 20


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's heap is Linux's")
def test_pages_that_the_heap_keeps_are_given_back_after_a_batch() -> None:
    """On a CPU, MLX's buffers leave holes in glibc's heap, as these blocks do: all but the last are freed."""
    require("mlx.core")
    import mlx.core as mx

    if mx.default_device().type == mx.gpu or not hasattr(ctypes.CDLL(None), "malloc_trim"):
        pytest.skip("no CPU device or no glibc on this machine")
    program = f"""
import psutil
from tests.support.running import embed, open_model, random_ids
from pathlib import Path
model = open_model(Path({str(checkpoint_folder(CHECKPOINT))!r}), "mlx")
ids = random_ids([5], 512)
embed(model, ids)
blocks = [bytearray(b"x" * 100_000) for _ in range(1000)]
last, held = blocks[-1], psutil.Process().memory_info().rss
del blocks
kept = psutil.Process().memory_info().rss
embed(model, ids)
print(held - kept, kept - psutil.Process().memory_info().rss)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    at_once, after_a_batch = map(int, done.stdout.split())
    assert at_once + after_a_batch > 60_000_000
    assert after_a_batch > 30_000_000
