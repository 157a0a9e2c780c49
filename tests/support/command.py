"""The command line, run in this process through click's runner, or in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import chdir
from pathlib import Path

from click.testing import CliRunner

from tests.support.waiting import PATIENCE

__all__ = ["Done", "command", "run", "run_process"]

Done = subprocess.CompletedProcess[str]


_INTERRUPTIBLE = """if True:
    import signal
    signal.signal(signal.SIGINT, signal.default_int_handler)
    from codesearch.__main__ import main
    main()
"""


def command(*args: str, interruptible: bool = False) -> list[str]:
    """Return the words that start ``codesearch`` from this checkout.

    ``interruptible`` makes it listen to SIGINT even where whoever started the tests had it ignored.
    """
    start = ["-c", _INTERRUPTIBLE] if interruptible else ["-m", "codesearch"]
    return [sys.executable, *start, *args]


def run(*args: str, cwd: Path, env: Mapping[str, str] = {}, input: str | None = None) -> Done:
    """Run ``codesearch ARGS`` here: everything but a process of its own is as a user has it."""
    from codesearch import cli

    code = 0
    with CliRunner().isolation(input=input, env=dict(env)) as (stdout, stderr, _), chdir(cwd):
        try:
            cli.main(args)
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else 1
        texts = [stream.getvalue().decode("utf-8") for stream in (stdout, stderr)]
    return subprocess.CompletedProcess(command(*args), code, *texts)


def run_process(*args: str, cwd: Path, env: Mapping[str, str] = {}, input: str | None = None) -> Done:
    """The same in a process of its own, for what only a process shows."""
    return subprocess.run(
        command(*args),
        cwd=cwd,
        env={**os.environ, "PYTHONUTF8": "1", **env},
        input=input,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )
