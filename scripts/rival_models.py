"""The same hostile model folders for this library and for mlx-embeddings, as a Markdown table.

    python -m scripts.rival_models --mlx-embeddings PYTHON

PYTHON is of an environment with ``pip install mlx-embeddings==0.1.0``. Each folder is all-MiniLM-L6-v2 with
one thing changed; a run embeds one text in a process with 6 GB of address space and a minute, both on MLX.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import struct
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from scripts.rival_faults import measure
from tests.support.paths import ROOT
from tests.support.running import minilm

_OURS = "import sys, mlx_jinabert; mlx_jinabert.load(sys.argv[1], backend='mlx').encode(['retry the socket'])"
_THEIRS = (
    "import sys; from mlx_embeddings import load, generate; model, tokenizer = load(sys.argv[1]); "
    "import mlx.core; mlx.core.eval(generate(model, tokenizer, texts=['retry the socket']).text_embeds)"
)


def _config(**changes: object) -> Callable[[Path], None]:
    def harm(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return harm


def _ids(folder: Path) -> None:
    path = folder / "tokenizer.json"
    described = json.loads(path.read_text())
    described["model"]["vocab"]["retry"] = 2**31 - 1
    path.write_text(json.dumps(described))


def _nested(folder: Path) -> None:
    (folder / "config.json").write_text("[" * 1_000_000)


def _pipe(folder: Path) -> None:
    (folder / "config.json").unlink()
    os.mkfifo(folder / "config.json")


def _endless(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer.json").symlink_to("/dev/zero")


def _pattern(folder: Path) -> None:
    path = folder / "tokenizer.json"
    described = json.loads(path.read_text())
    described["pre_tokenizer"] = {
        "type": "Split",
        "pattern": {"Regex": "(?R)"},
        "behavior": "Isolated",
        "invert": False,
    }
    path.write_text(json.dumps(described))


def _header(folder: Path) -> None:
    with (folder / "model.safetensors").open("r+b") as file:
        file.write(struct.pack("<Q", 2**62))


def _not_a_number(folder: Path) -> None:
    """Every bit of the word vectors is set."""
    path = folder / "model.safetensors"
    with path.open("r+b") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        tensors = json.loads(file.read(length))
        start, stop = tensors["embeddings.word_embeddings.weight"]["data_offsets"]
        file.seek(8 + length + start)
        file.write(b"\xff" * (stop - start))


FAULTS: Mapping[str, Callable[[Path], None]] = {
    "as published": lambda folder: None,
    "a token id beyond the table": _ids,
    "`num_hidden_layers`: 1e9": _config(num_hidden_layers=10**9),
    "`vocab_size`: 2^40": _config(vocab_size=2**40),
    "config.json nested a million times": _nested,
    "config.json is a pipe": _pipe,
    "tokenizer.json is /dev/zero": _endless,
    "a pattern that calls itself": _pattern,
    "a header of 2^62 bytes": _header,
    "word vectors that are no numbers": _not_a_number,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mlx-embeddings", required=True, metavar="PYTHON")
    args = parser.parse_args()
    print("| model folder | mlx_jinabert | mlx-embeddings 0.1.0 |\n|---|---|---|")
    offline = {"HF_HUB_OFFLINE": "1"}
    for name, harm in FAULTS.items():
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / "model"
            shutil.copytree(minilm(), folder)
            harm(folder)
            cache = {"MLX_JINABERT_CACHE": f"{place}/cache", "PYTHONPATH": str(ROOT)}
            ours = measure([sys.executable, "-c", _OURS, str(folder)], offline | cache)
            theirs = measure([args.mlx_embeddings, "-c", _THEIRS, str(folder)], offline | {"PYTHONPATH": ""})
            print(f"| {name} | {ours} | {theirs} |", flush=True)


if __name__ == "__main__":
    main()
