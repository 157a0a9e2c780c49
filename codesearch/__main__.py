"""``codesearch``, the program: ask the resident process, else do the work here.

The command line proper is imported only where it runs: a question that the resident process answers needs
neither click nor the index.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit."""
    from codesearch.shell.remote import answer

    args = list(sys.argv[1:] if argv is None else argv)
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
