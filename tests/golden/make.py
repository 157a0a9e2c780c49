"""Write the golden files: ``python -m tests.golden.make [NAME...]``. Needs torch and transformers."""

from __future__ import annotations

import json
import platform
import sys
from typing import Any

import numpy as np
import tokenizers
import torch
import transformers

from tests.golden import CHECKPOINTS, FOLDER, LENGTHS, TEXTS, folder_of
from tests.support import reference
from tests.support.checkpoints import digest
from tests.support.running import random_ids

ID_SEED = 11


def main() -> None:
    for name in sys.argv[1:] or (*CHECKPOINTS, "embedded", "all-MiniLM-L6-v2"):
        record = golden(name)
        lines = [f" {json.dumps(key)}: {_compact(value)}" for key, value in record.items()]
        path = FOLDER / f"{name}.json"
        path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
        print(path.name)


def golden(name: str) -> dict[str, Any]:
    """Vectors of random token ids for a random checkpoint, of texts for a trained one."""
    folder = folder_of(name)
    texts: tuple[str, ...] = ()
    if name in CHECKPOINTS:
        source: dict[str, Any] = {"checkpoint": CHECKPOINTS[name].record(), "id_seed": ID_SEED}
        ids = [sequence.tolist() for sequence in random_ids(LENGTHS, CHECKPOINTS[name].vocab, ID_SEED)]
    else:
        source, texts = {"checkpoint": name}, TEXTS
        tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        ids = [tokenizer.encode(text).ids for text in texts]
    vectors = reference.embed(folder, [np.array(sequence) for sequence in ids])
    return {
        "provenance": source | _versions(),
        "sha256": digest(folder),
        "texts": texts,
        "ids": ids,
        "vectors": [[round(float(x), 8) for x in row] for row in vectors],
    }


def _versions() -> dict[str, str]:
    return {
        "command": "python -m tests.golden.make",
        "reference": "tests/reference, float64, one text at a time, mean pooling, unit length",
        "random": "numpy.random.RandomState",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "tokenizers": tokenizers.__version__,
    }


def _compact(value: object) -> str:
    rows = value if isinstance(value, list) else None
    if rows is None:
        return json.dumps(value, ensure_ascii=False)
    return "[\n  " + ",\n  ".join(json.dumps(row) for row in rows) + "\n ]"


if __name__ == "__main__":
    main()
