"""What the benchmarks share as programs: their options, and measuring in a process of its own."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["fresh", "parser"]


def parser(description: str | None, *, record: bool = True) -> argparse.ArgumentParser:
    """A parser that prints the module's docstring as its help; with ``--out`` where there is a record."""
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    if record:
        made.add_argument("--out", type=Path, help="append the record to this file")
    return made


def fresh(module: str, *arguments: object, env: Mapping[str, str] | None = None) -> Any:
    """Run ``python -m MODULE ARGUMENTS``; what the last line of its output says in JSON."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])
