"""Texts/s and tokens/s by length and backend, beside plain PyTorch and a plain exported ONNX graph.

    python -m benches.embed [--model embedded|FOLDER] [--lengths 16 100 512] [--texts 128] [--mlx]

Each contestant runs in a process of its own (two runtimes in one process spin against each other), in turn,
on the same texts: stretches of the Python standard library cut to the length in tokens. Ours is timed
through ``Embedder.encode``, so its tokenising and sorting are inside the figure; the rivals' is not. The
shipped model reads repeated tokens once; the rivals, and "every token", read them all.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from benches import program, records

OURS = {
    "onnx int8": ("onnx", "int8", None),
    "onnx int8, every token": ("onnx", "int8", {"count_repeated_tokens": False}),
    "onnx float32": ("onnx", "float32", None),
    "mlx float32": ("mlx", "float32", None),
}
RIVALS = ("plain ONNX export", "PyTorch")


def model_folder(name: str) -> Path:
    import mlx_jinabert

    return Path(mlx_jinabert.__file__).parent / "embedded" if name == "embedded" else Path(name)


def texts_of(tokenizer: Tokenizer, tokens: int, count: int) -> list[str]:
    """``count`` stretches of source code of exactly ``tokens`` tokens, special tokens included."""
    source = "".join(
        p.read_text(encoding="utf-8") for p in sorted(Path(os.__file__).parent.glob("[a-c]*.py"))
    )
    offsets = tokenizer.encode(source, add_special_tokens=False).offsets
    special = len(tokenizer.encode("").ids)
    out = []
    for start in range(0, len(offsets) - tokens, tokens):
        text = source[offsets[start][0] : offsets[start + tokens - special - 1][1]]
        if len(tokenizer.encode(text).ids) == tokens:
            out.append(text)
        if len(out) == count:
            return out
    raise SystemExit(f"only {len(out)} texts of {tokens} tokens")


def _runner(contestant: str, name: str, tokenizer: Tokenizer, scratch: Path) -> Callable[[list[str]], object]:
    if contestant in OURS:
        import mlx_jinabert

        backend, dtype, overrides = OURS[contestant]
        return mlx_jinabert.load(name, backend=backend, dtype=dtype, config_overrides=overrides).encode
    from benches import rivals

    folder = model_folder(name)
    run = rivals.pytorch(folder) if contestant == "PyTorch" else rivals.exported_onnx(folder, scratch)

    def encode(texts: list[str]) -> None:
        for start in range(0, len(texts), 32):
            ids = np.array([e.ids for e in tokenizer.encode_batch(texts[start : start + 32])], np.int64)
            run(ids, np.ones_like(ids))

    return encode


def _measured(contestant: str, args: argparse.Namespace) -> list[dict[str, float]]:
    tokenizer = Tokenizer.from_file(str(model_folder(args.model) / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        encode = _runner(contestant, args.model, tokenizer, Path(scratch))
        for length in args.lengths:
            texts = texts_of(tokenizer, length, args.texts)
            batch = records.timed(lambda t=texts: encode(t), repeats=args.repeats)
            single = records.timed(lambda t=texts: encode(t[:1]), repeats=30)
            rows.append({"length": length, "batch": batch.median, "single": single.median})
    return rows


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--lengths", type=int, nargs="+", default=[16, 100, 256])
    parser.add_argument("--texts", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--mlx", action="store_true", help="MLX too (slow on a CPU)")
    args = parser.parse_args()
    contestants = [*(c for c in OURS if args.mlx or not c.startswith("mlx")), *RIVALS]
    results: dict[str, list[dict[str, float]]] = {}
    for contestant in contestants:
        results[contestant] = program.fresh(_measured, contestant, args)
    baseline = results["plain ONNX export"]
    rows: list[list[object]] = []
    for contestant, measured in results.items():
        for row, base in zip(measured, baseline, strict=True):
            rate = args.texts / row["batch"]
            cells = [contestant, row["length"], f"{rate:.0f}", f"{rate * row['length']:.0f}"]
            rows.append([*cells, f"{base['batch'] / row['batch']:.2f}", f"{row['single'] * 1000:.2f}"])
    print(f"{args.model}, {args.texts} texts a call, on {records.machine_line()}\n")
    header = ["runtime", "tokens", "texts/s", "tokens/s", "times plain ONNX", "one text, ms"]
    print(records.table(header, rows))
    records.write(args.out, "embed", {"model": args.model, "texts": args.texts}, [results])


if __name__ == "__main__":
    main()
