"""Embed short pieces of real source files: python -m benches.scale.vectors OUT FOLDER... [--count N]

OUT is a plain file of (N, dim) float16 rows, which grows while the run goes on; ``OUT.rows`` says how many
are there. A piece is three consecutive lines with words in them, equal ones are embedded once. Short pieces,
because ten million vectors are wanted, and a vector of three lines is as wide as one of thirty.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from itertools import islice
from pathlib import Path

import numpy as np

import mlx_jinabert
from codesearch.files.language_of import language_of

_LINES, _BATCH, _LARGEST = 3, 4096, 1 << 20
_WORD = re.compile(r"[A-Za-z]{3}")


def sources(folders: Iterable[Path]) -> Iterator[Path]:
    """Every file of a known language, the folders in turn; version control and caches are left out."""
    for folder in folders:
        for here, below, names in os.walk(folder):
            below[:] = sorted(name for name in below if name not in (".git", "__pycache__"))
            yield from (Path(here, name) for name in sorted(names) if language_of(name))


def pieces(files: Iterable[Path]) -> Iterator[str]:
    """Distinct pieces of the files, in order."""
    seen: set[int] = set()
    for file in files:
        try:
            if file.is_symlink() or file.stat().st_size > _LARGEST:
                continue
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            continue
        kept = [line for line in lines if _WORD.search(line) and len(line) < 200]
        for start in range(0, len(kept) - _LINES + 1, _LINES):
            piece = "\n".join(kept[start : start + _LINES])
            mark = int.from_bytes(blake2b(piece.encode(), digest_size=8).digest(), "big")
            if mark not in seen:
                seen.add(mark)
                yield piece


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--count", type=int, default=10_000_000)
    parser.add_argument("--model", default="embedded")
    options = parser.parse_args()
    model = mlx_jinabert.load(options.model, max_length=64)
    rows = 0
    source = islice(pieces(sources(options.folders)), options.count)
    with options.out.open("wb") as out:
        while batch := list(islice(source, _BATCH)):
            vectors = model.encode_document(batch, truncation="silent")
            out.write(np.ascontiguousarray(vectors, np.float16).tobytes())
            out.flush()
            rows += len(batch)
            Path(f"{options.out}.rows").write_text(f"{rows} {vectors.shape[1]}\n")
    print(f"{rows:,} rows")


if __name__ == "__main__":
    main()
