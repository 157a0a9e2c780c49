"""Reading the small files of a model folder that somebody else wrote: never waiting, never without end."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

from mlx_jinabert.errors import ModelFolderError

__all__ = ["parse_json", "read_file"]

_FLAGS = sum(getattr(os, flag, 0) for flag in ("O_NONBLOCK", "O_BINARY", "O_CLOEXEC", "O_NOCTTY"))


def read_file(path: Path, most_bytes: int) -> bytes | None:
    """Return the content; None where there is nothing of that name.

    Raises ModelFolderError for a pipe, a device or a folder, a file that is larger than ``most_bytes`` and
    one that cannot be read.
    """
    try:
        handle = os.open(path, os.O_RDONLY | _FLAGS)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise ModelFolderError(path, f"cannot be read: {error}") from error
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ModelFolderError(path, "is not a regular file")
        with os.fdopen(handle, "rb", closefd=False) as file:
            content = file.read(most_bytes + 1)
    except OSError as error:
        raise ModelFolderError(path, f"cannot be read: {error}") from error
    finally:
        os.close(handle)
    if len(content) > most_bytes:
        raise ModelFolderError(path, f"is larger than {most_bytes:,} bytes, which no such file is")
    return content


def parse_json(path: Path, content: bytes) -> Any:
    """Return what ``content`` (of ``path``) means. Raises ModelFolderError."""
    try:
        return json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        problem = "it is nested too deeply" if isinstance(error, RecursionError) else error
        raise ModelFolderError(path, f"not readable as JSON: {problem}") from error
