"""What a model of 7 billion parameters costs in memory, on a checkpoint of its shapes with few layers.

``python -m tests.support.large FOLDER [--layers N] [--dtype D]`` writes such a checkpoint, converts it in
every way and loads it, each in a process of its own, and prints the peak of each as Markdown. Takes about
three times the checkpoint in disk space; nothing of it is kept.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.checkpoint.folder import EMBEDDED
from tests.support.checkpoints import Checkpoint, config_of, write
from tests.support.layouts import qwen
from tests.support.running import minilm

SEVEN = Checkpoint(
    "qwen2",
    layers=2,
    hidden=3584,
    heads=28,
    kv_heads=4,
    intermediate=18944,
    vocab=152064,
    max_position=32768,
    pooling="last",
)
"""Qwen2-7B but for its 28 layers."""
_CODES = {"float32": "F32", "bfloat16": "BF16"}
_PATTERN = 1 << 20

_PEAK = """
import sys
try:
    run()
finally:
    from pathlib import Path
    status = Path("/proc/self/status")
    if status.exists():  # ru_maxrss counts what the parent had before the fork
        peak = int(status.read_text().split("VmHWM:")[1].split()[0]) * 1024
    else:
        import resource
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print("peak", peak, file=sys.stderr)
"""
_CONVERT = """
def run():
    import sys
    from conversion.cli import main
    main(sys.argv[1:])
"""
_LOAD = """
def run():
    import sys, mlx_jinabert
    name, backend, dtype = sys.argv[1:]
    model = mlx_jinabert.load(name, backend=backend, dtype=dtype)
    vectors = model.encode(["def add(a, b): return a + b"])
    assert abs((vectors * vectors).sum() - 1) < 1e-3
"""


def write_large(folder: Path, checkpoint: Checkpoint = SEVEN, shards: int = 3) -> Path:
    """The checkpoint, written in pieces: at no time is more than a few MB of it in memory."""
    small = {"hidden": 64, "heads": 2, "kv_heads": 1, "intermediate": 64, "vocab": 512, "layers": 1}
    write(folder, checkpoint.but(**small))
    (folder / "model.safetensors").unlink()
    (folder / "config.json").write_text(json.dumps(config_of(checkpoint)))
    shapes = qwen.shapes(checkpoint)
    places = {}
    for n in range(shards):
        file = f"model-{n + 1:05}-of-{shards:05}.safetensors"
        part = {name: shapes[name] for name in list(shapes)[n::shards]}
        _write_shard(folder / file, part, checkpoint.dtype)
        places |= dict.fromkeys(part, file)
    index = {"metadata": {}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


def _write_shard(path: Path, shapes: dict[str, tuple[int, ...]], dtype: str) -> None:
    item = 4 if dtype == "float32" else 2
    header, end = {}, 0
    for name, shape in shapes.items():
        begin, end = end, end + item * prod(shape)
        header[name] = {"dtype": _CODES[dtype], "shape": list(shape), "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name, shape in shapes.items():
            for block in _values(name, shape):
                file.write((block.view(np.uint32) >> 16).astype("<u2") if item == 2 else block)


def _values(name: str, shape: tuple[int, ...]) -> Iterator[NDArray[np.float32]]:
    """The same million random numbers over and over, in the scale of a trained layer."""
    noise = np.random.RandomState(len(name)).standard_normal(_PATTERN).astype(np.float32)
    scale = 0.02 if len(shape) == 2 else 0.1
    noise = np.float32(scale) * noise + np.float32(len(shape) == 1 and "norm" in name)
    for start in range(0, prod(shape), _PATTERN):
        yield noise[: min(_PATTERN, prod(shape) - start)]


def convert_peak(source: Path, out: Path, *options: str) -> int:
    """Bytes that ``convert-weights`` held at most; raises RuntimeError with its message if it fails."""
    return _peak(_CONVERT, [str(source), "--out", str(out), *options])


def load_peak(name: str | Path, backend: str, dtype: str) -> int:
    """Bytes that a process holds at most that loads a model and embeds one text."""
    return _peak(_LOAD, [str(name), backend, dtype])


def _peak(program: str, arguments: Sequence[str]) -> int:
    done = subprocess.run(
        [sys.executable, "-c", program + _PEAK, *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: {done.stderr}")
    return int(done.stderr.rsplit("peak", 1)[1])


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("model*"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--layers", type=int, default=SEVEN.layers)
    parser.add_argument("--dtype", choices=tuple(_CODES), default="float32")
    given = parser.parse_args()
    print("| what | files | peak of memory |\n|---|---|---|")
    for name, folder in (("shipped model", EMBEDDED), ("all-MiniLM-L6-v2", minilm())):
        for backend, dtype in (("mlx", "float32"), ("mlx", "int8"), ("onnx", "float32"), ("onnx", "int8")):
            load_peak(folder, backend, dtype)  # builds the graph where there is none
            _row(f"{name}, load {backend} {dtype}", folder, load_peak(folder, backend, dtype))
    with TemporaryDirectory(dir=given.folder) as scratch:
        _large_rows(Path(scratch), SEVEN.but(layers=given.layers, dtype=given.dtype))


def _large_rows(scratch: Path, checkpoint: Checkpoint) -> None:
    source = write_large(scratch / "source", checkpoint)
    for backend, options, dtype in (
        ("mlx", ["--dtype", "bfloat16"], "bfloat16"),
        ("mlx", ["--quantize", "int8"], "auto"),
        ("mlx", ["--quantize", "int4"], "auto"),
        ("onnx", [], "float32"),
        ("onnx", ["--quantize", "int8"], "int8"),
        ("onnx", ["--quantize", "int4"], "int4"),
    ):
        out = scratch / "out"
        peak = convert_peak(source, out, "--to", backend, *options)
        what = f"7B shapes, {checkpoint.layers} layers"
        _row(f"{what}, convert --to {backend} {' '.join(options)}", source, peak)
        _row(f"{what}, load that", out, load_peak(out, backend, dtype))
        shutil.rmtree(out)


def _row(what: str, folder: Path, peak: int) -> None:
    print(f"| {what} | {_bytes(folder) / 2**30:.2f} GiB | {peak / 2**30:.2f} GiB |", flush=True)


if __name__ == "__main__":
    main()
