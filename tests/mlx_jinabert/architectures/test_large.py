"""A checkpoint of 7B shapes converts within 4 GiB of memory, whatever it becomes, and loads from there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.large import SEVEN, convert_peak, load_peak, write_large
from tests.support.running import require

LIMIT = 4 << 30
NEEDS = 10 << 30
"""Disk space for the source and one output."""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    scratch = tmp_path_factory.mktemp("large")
    if shutil.disk_usage(scratch).free < NEEDS:
        pytest.skip(f"{scratch}: less than {NEEDS >> 30} GiB free")
    yield write_large(scratch / "source", SEVEN)
    shutil.rmtree(scratch)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("backend", "options"),
    [
        ("mlx", ["--dtype", "bfloat16"]),
        ("mlx", ["--quantize", "int8"]),
        ("mlx", ["--quantize", "int4"]),
        ("onnx", []),
        ("onnx", ["--quantize", "int8"]),
        ("onnx", ["--quantize", "int4"]),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_seven_billion_parameters_convert_in_little_memory(
    source: Path, backend: str, options: list[str]
) -> None:
    require("mlx.core", "onnxruntime")
    out = source.with_name("out")
    try:
        assert convert_peak(source, out, "--to", backend, *options) < LIMIT
        if backend == "onnx":
            assert (out / "model.onnx.data").stat().st_size > (out / "model.onnx").stat().st_size
            assert load_peak(out, backend, "auto") < LIMIT
    finally:
        shutil.rmtree(out, ignore_errors=True)


@pytest.mark.slow
def test_packing_at_load_never_holds_the_whole_model_unpacked(source: Path) -> None:
    """The table stays float32 on a CPU (2.1 GiB); beside it one layer at a time is unpacked."""
    require("mlx.core")
    assert load_peak(source, "mlx", "int4") < 3 << 30
