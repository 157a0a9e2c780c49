"""``python -m codesearch`` is ``codesearch``."""

from codesearch.cli import main

if __name__ == "__main__":
    main()
