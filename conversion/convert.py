"""One conversion from end to end: find, check, lay out, write, record, put in place.

Every tensor of the source is used or dropped by name (``match``); anything else stops
the conversion before something is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from conversion import output, weights
from conversion.adapters import Adapter
from conversion.errors import ConversionError
from conversion.merging import merged_content, open_adapter, open_weights
from conversion.record import Record, describe_adapter, describe_source, write_record
from conversion.settings import write_settings
from conversion.triton.repository import (
    Layout,
    check_source,
    graph_folder,
    repository_name,
    write_repository,
)
from mlx_jinabert.architectures import ArchitectureConfig, read_architecture
from mlx_jinabert.architectures.graphs import build_graph
from mlx_jinabert.architectures.shared.matching import match
from mlx_jinabert.architectures.shared.onnx.dtypes import GROUP_SIZES
from mlx_jinabert.checkpoint.fingerprint import remember_conversion
from mlx_jinabert.checkpoint.folder import ModelFolder, read_folder, resolve
from mlx_jinabert.checkpoint.pooling_mode import check_own_layers, tell_pooling
from mlx_jinabert.checkpoint.weights import Weights
from mlx_jinabert.errors import BackendUnavailable
from mlx_jinabert.local.spec import with_settings
from mlx_jinabert.local.tasks import answers_yes_or_no

__all__ = ["SETTINGS", "Conversion", "Request", "convert"]

SETTINGS = ("is_causal", "append_token", "pooling")
"""Keys of config.json that a conversion may state; the others are the checkpoint's."""

_SMALL_FILES_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class Request:
    """The arguments of one conversion."""

    source: str
    target: str
    """"mlx", "onnx" or "triton"."""
    out: Path | None = None
    dtype: str | None = None
    """float32 | float16 | bfloat16; None: that of the source (MLX) or float32 (ONNX)."""
    bits: int | None = None
    settings: Mapping[str, object] = field(default_factory=dict)
    """Keys of config.json that the source leaves open: ``SETTINGS``."""
    adapter: str | None = None
    """Name or folder of a LoRA adapter to merge into the weights."""
    revision: str | None = None
    force: bool = False
    triton_graph: str = "onnxruntime"
    """Backend of the graph for "triton": onnxruntime or python."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """The result of one conversion."""

    source: ModelFolder
    out: Path
    record: Record
    source_bytes: int
    out_bytes: int


Check = Callable[[ModelFolder, Path, Record], None]
"""(source, finished folder, its record) -> None, or raises to stop the conversion."""


@dataclass(frozen=True, slots=True)
class _Job:
    request: Request
    source: ModelFolder
    architecture: ArchitectureConfig
    layout: weights.Plan
    record: Record
    adapter: Adapter | None


def convert(request: Request, check: Check | None = None) -> Conversion:
    """Convert a model. ``check`` sees the finished folder before it is put in place.

    Raises ConversionError and mlx_jinabert's errors; the output is then as it was before.
    """
    _refuse_unsupported(request)
    source = with_settings(resolve(request.source, request.revision), request.settings)
    if not source.weights:
        raise ConversionError(f"{source.path}: holds a finished ONNX graph alone; convert its source instead")
    _refuse_judges(source, request.target)
    out = (request.out or Path(_default_name(source, request))).expanduser().resolve()
    if request.target == "triton":
        check_source(source)
    output.check(out, source.path, force=request.force)
    adapter = open_adapter(source, request.adapter)
    with open_weights(source, adapter) as stored:
        job = _plan(request, source, stored, adapter)
        output.require_space(out, _needed_bytes(job))
        with output.new_folder(out, replace=request.force) as folder:
            if request.target == "triton":
                _write_triton(folder, stored, job)
            else:
                _write_weights(folder, stored, job)
                _write_rest(folder, job)
            if check is not None:
                check(source, folder, job.record)
    return Conversion(source, out, job.record, _size(source.weights), _size(out.rglob("model[.-]*[!y]")))


def _refuse_judges(source: ModelFolder, target: str) -> None:
    """Refuse a reranker that answers yes or no where its output table would be left behind."""
    if answers_yes_or_no(source) and not (target == "mlx" and source.config.get("tie_word_embeddings")):
        raise ConversionError(
            f"{source.path}: its scores come from its output table (yes, no), which a conversion to {target} "
            "leaves out; load the original with mlx_jinabert.load_reranker, on MLX or on ONNX"
        )


def _refuse_unsupported(request: Request) -> None:
    if request.target != "mlx" and request.dtype not in (None, "float32"):
        raise ConversionError(
            f"--to {request.target} --dtype {request.dtype}: ONNX Runtime computes float32 on a CPU and "
            "would widen every weight at each start; use float32, or --quantize int8 or int4"
        )
    wanted = f"int{request.bits}" if request.bits else None
    if request.target != "mlx" and wanted not in (None, *GROUP_SIZES):
        raise ConversionError(
            f"--to {request.target} --quantize {wanted}: not supported; use {' or '.join(GROUP_SIZES)}, "
            "or --to mlx"
        )


def _plan(request: Request, source: ModelFolder, stored: Weights, adapter: Adapter | None) -> _Job:
    """All decisions, before anything is written. The graph of ``--to onnx`` is laid out in float32."""
    architecture = read_architecture(source.config, stored.names())
    check_own_layers(source.pooling, architecture.pools_itself)
    if not (architecture.num_labels or source.stated_pooling or answers_yes_or_no(source)):
        tell_pooling(source.path, source.config)
    names = match(stored, architecture)
    graph = request.target != "mlx"
    dtype, packed_bits = ("float32", None) if graph else (request.dtype, request.bits)
    layout = weights.plan(stored, names, dtype=dtype, bits=packed_bits)
    packed = f"int{request.bits}" if request.bits else layout.dtype
    group_size = GROUP_SIZES.get(packed, 0) if graph else layout.group_size
    quantization = {"bits": request.bits, "group_size": group_size} if request.bits else None
    record = Record(
        source=describe_source(source, merged=adapter is not None),
        adapter=describe_adapter(adapter) if adapter else None,
        target=request.target,
        dtype=packed if graph else layout.dtype,
        quantization=quantization,
        tensors=sorted(names),
        dropped=sorted(stored.names() - set(names.values())),
    )
    return _Job(request, source, architecture, layout, record, adapter)


def _needed_bytes(job: _Job) -> int:
    """At most. A quantised graph, laid out in float32, has float16 tables and less than that for the rest."""
    total = job.layout.total_bytes()
    is_smaller = job.record.target != "mlx" and job.record.quantization is not None
    return (total // 2 if is_smaller else total) + _SMALL_FILES_BYTES


def _default_name(source: ModelFolder, request: Request) -> str:
    precision = f"int{request.bits}" if request.bits else request.dtype
    name = source.model_id.rstrip("/").rpartition("/")[2]
    adapter = Path(request.adapter).name if request.adapter else None
    return "-".join(part for part in (name, adapter, request.target, precision) if part)


def _write_weights(folder: Path, stored: Weights, job: _Job) -> None:
    if job.record.target == "mlx":
        weights.write(folder / "model.safetensors", stored, job.layout)
        return
    dtype, pooling, path = job.record.dtype, job.source.pooling, folder / "model.onnx"
    data = path.with_name(f"{path.name}.data")
    try:
        graph = build_graph(stored, job.architecture, pooling=pooling, dtype=dtype, data=data)
    except ImportError as error:
        raise BackendUnavailable("onnx", "pip install 'mlx-jinabert[onnx]'") from error
    graph.save(path)


def _write_triton(folder: Path, stored: Weights, job: _Job) -> None:
    source, record = job.source, job.record
    if job.architecture.num_labels or job.architecture.bare_tokens:
        raise ConversionError(f"--to triton: {source.model_id} is no plain embedding model; use --to onnx")
    name = repository_name(source.model_id)
    place = graph_folder(folder, name)
    place.mkdir(parents=True)
    _write_weights(place, stored, job)
    max_length = min(source.max_length, job.architecture.max_position)
    about = {
        "model": record.source.model or record.source.name,
        "revision": f"{merged_content(source, job.adapter).weights[:32]}-{record.dtype}",
        "dtype": record.dtype,
        "max_length": str(max_length),
    }
    dim = job.architecture.output_size
    write_repository(folder, source, Layout(name, dim, max_length, job.request.triton_graph, about))
    write_record(folder, record)


def _write_rest(folder: Path, job: _Job) -> None:
    write_settings(
        folder,
        job.source,
        width=job.architecture.output_size,
        dtype=job.layout.dtype,
        quantization=job.record.quantization if job.record.target == "mlx" else None,
    )
    write_record(folder, job.record)
    converted = read_folder(folder, model_id=str(folder), origin="folder")
    remember_conversion(converted, merged_content(job.source, job.adapter))


def _size(paths: Iterable[Path]) -> int:
    return sum(path.stat().st_size for path in paths)
