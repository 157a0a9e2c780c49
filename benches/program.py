"""What the benchmarks share as programs: their options, and measuring in a process of its own."""

from __future__ import annotations

import argparse
import json
import pickle
import resource
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["children_cpu", "fresh", "parser"]


def parser(description: str | None, *, record: bool = True) -> argparse.ArgumentParser:
    """A parser that prints the module's docstring as its help; with ``--out`` where there is a record."""
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    if record:
        made.add_argument("--out", type=Path, help="append the record to this file")
    return made


_CALL = """
import json, pickle, sys
from importlib import import_module
module, name = sys.argv[1:]
print("\\n" + json.dumps(getattr(import_module(module), name)(*pickle.load(sys.stdin.buffer))))
"""


def fresh(function: Callable[..., Any], *arguments: object, env: Mapping[str, str] | None = None) -> Any:
    """Call a function of a module in a process of its own; its answer has to be JSON."""
    module = function.__module__
    if module == "__main__":  # ``python -m benches.NAME``
        module = sys.modules[module].__spec__.name  # type: ignore[union-attr]
    command = [sys.executable, "-c", _CALL, module, function.__name__]
    given = pickle.dumps(arguments)
    done = subprocess.run(command, input=given, env=env, check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout.splitlines()[-1])


def children_cpu() -> float:
    """CPU seconds of the processes that this one started and waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
