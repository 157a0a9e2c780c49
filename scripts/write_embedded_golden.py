"""Writes ``mlx_jinabert/embedded/golden.json``: vectors of the shipped model from the PyTorch reference.

    python -m scripts.write_embedded_golden

The reference computes in double precision, one text at a time; the token ids come from the ``tokenizers``
library alone, cut by hand. Run it again when the shipped model changes.
"""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version

import numpy as np

from tests.support.paths import ROOT

FOLDER = ROOT / "mlx_jinabert" / "embedded"
MAX_LENGTH = 512
TEXTS = (
    "",
    "x",
    "where is a failed request retried",
    "def retry(call, attempts=3):\n    for left in reversed(range(attempts)):\n        try:\n"
    "            return call()\n        except OSError:\n            if not left:\n                raise\n",
    "# src/cache.go\nfunc (c *Cache) Get(key string) (Value, bool) {\n\tc.mu.Lock()\n\tdefer c.mu.Unlock()\n"
    "\tv, ok := c.items[key]\n\treturn v, ok\n}\n",
    "SELECT name, count(*) FROM users WHERE deleted_at IS NULL GROUP BY name HAVING count(*) > 1;",
    "naïve café, 你好，世界, こんにちは, 🧑‍💻🚀",
    "\x00\x07\x1b[0m\r\n\t",
    " ".join(f"value_{i} = {i * i};" for i in range(400)),
)


def token_ids(text: str) -> np.ndarray:
    from tokenizers import Tokenizer

    ids = Tokenizer.from_file(str(FOLDER / "tokenizer.json")).encode(text).ids
    return np.array(ids if len(ids) <= MAX_LENGTH else [*ids[: MAX_LENGTH - 1], ids[-1]])


def vectors() -> np.ndarray:
    """(n, 256) float32, unit length."""
    from tests.support.reference import embed

    return embed(FOLDER, [token_ids(text) for text in TEXTS])


def main() -> None:
    rows = [[round(float(value), 8) for value in row] for row in vectors()]
    record = {
        "written_by": "python -m scripts.write_embedded_golden (PyTorch reference, float64)",
        "versions": {name: version(name) for name in ("torch", "tokenizers", "numpy")},
        "weights_sha256": hashlib.sha256((FOLDER / "model.safetensors").read_bytes()).hexdigest(),
        "tokenizer_sha256": hashlib.sha256((FOLDER / "tokenizer.json").read_bytes()).hexdigest(),
        "texts": TEXTS,
        "vectors": rows,
    }
    text = json.dumps(record, ensure_ascii=True).replace("]], ", "]],\n").replace("], [", "],\n[")
    (FOLDER / "golden.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
