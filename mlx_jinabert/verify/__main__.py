"""``python -m mlx_jinabert.verify``."""

from __future__ import annotations

import sys

from mlx_jinabert.verify.report import main

if __name__ == "__main__":
    sys.exit(main())
