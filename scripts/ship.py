"""Put a model folder that ``training export`` wrote into the wheel, with all that belongs to it.

    python -m scripts.ship FOLDER

Three things are computed of a shipped model and go stale when its files change: its hashes
(``fingerprint.json``), the vectors that ``verify`` compares with (``golden.json``), and those of the
tests (``tests/golden/embedded.json``). The card stays as it is: its figures are measured, not computed.
Needs torch.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from scripts import write_embedded_golden, write_shipped_record
from scripts.write_embedded_golden import FOLDER

FILES = (
    "config.json",
    "config_sentence_transformers.json",
    "model.safetensors",
    "modules.json",
    "sentence_bert_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "1_Pooling/config.json",
)
"""What an export writes, all of it."""


def main() -> None:
    """Copy, then compute."""
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m scripts.ship FOLDER")
    take(Path(sys.argv[1]), FOLDER)
    write_shipped_record.main()
    write_embedded_golden.main()
    sys.argv[1:] = ["embedded"]
    from tests.golden import make

    make.main()


def take(folder: Path, into: Path) -> None:
    """Copy an exported model over ``into``; SystemExit, before anything is copied, if a file is missing."""
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise SystemExit(f"{folder} is no exported model: {', '.join(missing)} missing")
    for name in FILES:
        (into / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / name, into / name)


if __name__ == "__main__":
    main()
