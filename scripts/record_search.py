"""Record a search as a picture: ``python -m scripts.record_search`` writes docs/search.svg.

The commands run for real, on this repository, in a terminal of their own; their output is drawn as it came.
"""

from __future__ import annotations

import os
import pty
import shlex
import sys
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.text import Text

from scripts.sources import ROOT

COMMANDS = (
    'codesearch -k 2 -t py "decide which files git ignores" codesearch',
    'codesearch -k 3 -t py --no-content "rotate queries and keys by their position" mlx_jinabert',
)
WIDTH = 100


def main() -> None:
    console = Console(record=True, width=WIDTH, file=open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123
    with TemporaryDirectory() as home:
        environment = {"CODESEARCH_HOME": home, "TERM": "xterm-256color", "COLUMNS": str(WIDTH)}
        os.environ.update(environment, CODESEARCH_DAEMON="0")
        os.chdir(ROOT)
        _output([sys.executable, "-m", "codesearch", "index", "."])  # what a first search would wait for
        for command in COMMANDS:
            arguments = [sys.executable, "-m", "codesearch", *shlex.split(command)[1:]]
            console.print(Text.assemble(("$ ", "bold green"), (command, "bold")))
            console.print(Text.from_ansi(_output(arguments)), soft_wrap=True)
    (ROOT / "docs" / "search.svg").write_text(console.export_svg(title="codesearch"), encoding="utf-8")


def _output(arguments: list[str]) -> str:
    """What a command prints to a terminal."""
    printed = bytearray()

    def read(descriptor: int) -> bytes:
        data = os.read(descriptor, 1 << 16)
        printed.extend(data)
        return data

    silent = os.open(os.devnull, os.O_WRONLY)
    stdout = os.dup(1)
    try:
        os.dup2(silent, 1)
        pty.spawn(arguments, read)
    finally:
        os.dup2(stdout, 1)
        os.close(stdout)
        os.close(silent)
    return printed.decode("utf-8", "replace").replace("\r\n", "\n")


if __name__ == "__main__":
    main()
