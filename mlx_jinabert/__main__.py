"""``python -m mlx_jinabert`` is the command ``mlx-jinabert``."""

from __future__ import annotations

from mlx_jinabert.cli import main

if __name__ == "__main__":
    main(prog_name="mlx-jinabert")
