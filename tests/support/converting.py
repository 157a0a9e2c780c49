"""What the tests of convert-weights share: the console script in this process, and looks at folders."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import mlx_jinabert
from conversion import cli
from tests.support.checkpoints import Checkpoint

TEXTS = ["What is Deep Learning?", "def add(a, b):\n    return a + b", ""]
CODE = Checkpoint("code", hidden=64, intermediate=128, layers=2)
UNUSED = ["pooler.dense.bias", "pooler.dense.weight"]


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


def run(*arguments: object) -> Outcome:
    """The console script, in this process."""
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        try:
            cli.main([str(argument) for argument in arguments])
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
    return Outcome(code, out.getvalue(), err.getvalue())


def encode(folder: Path, backend: str = "mlx", dtype: str = "auto") -> NDArray[np.float32]:
    return mlx_jinabert.load(folder, backend=backend, dtype=dtype).encode(TEXTS)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def record(folder: Path) -> dict:
    return json.loads((folder / "mlx_jinabert.json").read_text())
