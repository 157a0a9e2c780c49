"""A large model in int8 or bfloat16 on a CPU: its share of the machine's integer rate, beside a plain export.

    python -m benches.int8 [--layers 12] [--repeats 5] [--out FILE]

JinaBERT-base in structure (768 wide, 12 heads, a gated feed-forward of 3,072) with random weights, on which
speed does not depend. Four contestants, each in a process of its own: this package in int8 (ONNX Runtime)
and in bfloat16 (OpenVINO), the same checkpoint through ``torch.onnx.export`` and ``quantize_dynamic``, and
that export in float32. Each measures the machine in its own process, before and after:
``DynamicQuantizeLinear`` and ``MatMulInteger``, 768 x 768, 4,096 rows. A rate counts the dense products
alone, 226 MFLOP a token with 12 layers; attention and all else count as nothing. Cosines are to this package
in float32. Needs torch.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from benches import embed, program, records

SHAPES = ((32, 128), (8, 512))
"""Texts a call, and tokens a text."""
CONTESTANTS = (
    "ours int8",
    "ours bfloat16, OpenVINO",
    "plain export, quantize_dynamic",
    "plain export, float32",
)
_WIDTH, _INNER, _ROWS = 768, 3072, 4096

Array = NDArray[np.float32]
Encode = Callable[[list[str]], Array]


def write_checkpoint(folder: Path, layers: int) -> None:
    """Write the shipped model's files with the shape of JinaBERT-base and random weights."""
    from safetensors.numpy import save_file

    from mlx_jinabert.architectures.jina_bert.config import JinaBertConfig

    shipped = embed.model_folder("embedded")
    shutil.copytree(
        shipped, folder, ignore=shutil.ignore_patterns("*.safetensors", "golden.json", "fingerprint.json")
    )
    config = json.loads((shipped / "config.json").read_text(encoding="utf-8"))
    config |= {"hidden_size": _WIDTH, "num_hidden_layers": layers, "num_attention_heads": 12}
    config["intermediate_size"] = _INNER
    pooling = folder / "1_Pooling" / "config.json"
    kept = json.loads(pooling.read_text(encoding="utf-8")) | {"word_embedding_dimension": _WIDTH}
    pooling.write_text(json.dumps(kept), encoding="utf-8")
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    names = {
        "encoder.layer.0.mlp.up_gated_layer.weight",
        "encoder.layer.0.attention.self.layer_norm_q.weight",
    }
    random = np.random.default_rng(0)
    tensors = {}
    for name, shape in JinaBertConfig.read(config, names).tensor_shapes().items():
        centre = 1 if "orm" in name and name.endswith("weight") else 0
        tensors[name] = (centre + 0.04 * random.standard_normal(shape)).astype(np.float32)
    save_file(tensors, folder / "model.safetensors")


def machine_rate(repeats: int = 7) -> float:
    """Integer operations a second of onnxruntime's own dynamic quantisation and product, all cores."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    from mlx_jinabert.backends.ort import onnxruntime

    weight = np.random.default_rng(0).integers(-64, 65, (_WIDTH, _WIDTH)).astype(np.int8)
    graph = helper.make_graph(
        [
            helper.make_node("DynamicQuantizeLinear", ["x"], ["values", "scale", "zero"]),
            helper.make_node("MatMulInteger", ["values", "weight", "zero"], ["y"]),
        ],
        "product",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", _WIDTH])],
        [helper.make_tensor_value_info("y", TensorProto.INT32, ["rows", _WIDTH])],
        [numpy_helper.from_array(weight, "weight")],
    )
    model: onnx.ModelProto = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9
    )
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    x = np.random.default_rng(1).standard_normal((_ROWS, _WIDTH)).astype(np.float32)
    timing = records.timed(lambda: session.run(None, {"x": x}), repeats=repeats, warmup=2)
    return 2.0 * _ROWS * _WIDTH * _WIDTH / timing.median


def _encoder(contestant: str, folder: Path, scratch: Path, tokenizer: Tokenizer) -> Encode:
    if contestant.startswith("ours"):
        import mlx_jinabert

        dtype, _, other = contestant.removeprefix("ours ").partition(", ")
        return mlx_jinabert.load(str(folder), backend=other.lower() or "onnx", dtype=dtype).encode
    from benches import rivals

    quantized = contestant.endswith("quantize_dynamic")
    run = rivals.exported_onnx(folder, scratch, quantized=quantized)

    def encode(texts: list[str]) -> Array:
        ids = np.array([each.ids for each in tokenizer.encode_batch(texts)], np.int64)
        return run(ids, np.ones_like(ids))

    return encode


def _measured(contestant: str, folder: Path, repeats: int) -> dict[str, Any]:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    before = machine_rate()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as scratch:
        encode = _encoder(contestant, folder, Path(scratch), tokenizer)
        for count, length in SHAPES:
            texts = embed.texts_of(tokenizer, length, count)
            timing = records.timed(lambda t=texts: encode(t), repeats=repeats)  # type: ignore[misc]
            vectors = encode(texts[:4]).astype(float).tolist()
            rows.append({"texts": count, "tokens": length, "seconds": timing.median, "vectors": vectors})
    return {"machine": statistics.mean([before, machine_rate()]), "rows": rows}


def _cosine(a: list[list[float]], b: list[list[float]]) -> float:
    x, y = (np.array(v) / np.linalg.norm(v, axis=1, keepdims=True) for v in (a, b))
    return float((x * y).sum(axis=1).min())


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "base"
        write_checkpoint(folder, args.layers)
        results = {each: program.fresh(_measured, each, folder, args.repeats) for each in CONTESTANTS}
        exact = program.fresh(_measured, "ours float32", folder, 1)["rows"]
    _report(args, results, exact)


def _report(
    args: argparse.Namespace, results: dict[str, dict[str, Any]], exact: list[dict[str, Any]]
) -> None:
    per_token = 2.0 * args.layers * (4 * _WIDTH * _WIDTH + 3 * _WIDTH * _INNER)
    rows: list[list[object]] = []
    for contestant, result in results.items():
        for row, reference in zip(result["rows"], exact, strict=True):
            row["cosine"] = _cosine(row.pop("vectors"), reference["vectors"])
            rate = row["texts"] * row["tokens"] * per_token / row["seconds"]
            row["share"] = rate / result["machine"]
            shape = f"{row['texts']} x {row['tokens']}"
            cells = [contestant, shape, f"{row['texts'] / row['seconds']:.1f}", f"{rate / 1e9:.0f}"]
            share = [f"{result['machine'] / 1e9:.0f}", f"{100 * row['share']:.0f} %"]
            rows.append([*cells, *share, f"{row['cosine']:.4f}"])
    header = ["runtime", "texts x tokens", "texts/s", "GOP/s", "machine GOP/s", "share", "cosine"]
    print(f"JinaBERT-base, {args.layers} layers, random weights, on {records.machine_line()}\n")
    print(records.table(header, rows))
    records.write(args.out, "int8", {"layers": args.layers, "repeats": args.repeats}, [results])


if __name__ == "__main__":
    main()
