"""``codesearch``, the program: ask the resident process, else do the work here.

The command line proper is imported only where it runs: a question that the resident process answers needs
neither click nor the index.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

__all__ = ["main"]

_OBJECTS_BETWEEN_COLLECTIONS = 100_000


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit."""
    # Most objects of a search are those of its imports, which live as long: looking for garbage among them a
    # hundred times was a tenth of its CPU.
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    # A thread for each core costs NumPy a third of its import; products here are too small for them.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        _run(list(sys.argv[1:] if argv is None else argv))
    finally:
        gc.freeze()  # else the interpreter looks for garbage in everything once more before it ends


def _run(args: list[str]) -> NoReturn:
    from codesearch.shell.remote import answer

    if args == ["agents", "advise"]:
        from codesearch.serving.agents.advise import advise

        sys.exit(advise())
    code = answer(args)
    if code is None:
        from codesearch import cli

        cli.main(args)
    sys.exit(code)


if __name__ == "__main__":
    main()
