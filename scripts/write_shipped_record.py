"""Write the shipped model's own hashes, ``embedded/fingerprint.json``, after its files were replaced."""

from __future__ import annotations

import json

from mlx_jinabert.checkpoint.fingerprint import RECORD, shipped_record
from mlx_jinabert.checkpoint.folder import EMBEDDED


def main() -> None:
    (EMBEDDED / RECORD).write_text(json.dumps(shipped_record(), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
