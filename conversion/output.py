"""The output folder appears whole or not at all.

Everything is written into a hidden sibling folder, synced, and renamed into place. Whatever ends the
conversion before that (an error, Ctrl-C, SIGTERM) removes the sibling and leaves an existing output as it
was; what a killed process left behind is cleared by the next run. Refused: replacing a folder that this
tool did not write.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conversion.errors import ConversionError

__all__ = ["RECORD", "check", "new_folder", "require_space"]

RECORD = "mlx_jinabert.json"
"""The file by which a converted folder is known."""
_SPARE_BYTES = 16 << 20


def check(out: Path, source: Path, *, force: bool) -> None:
    """Whether ``out`` (resolved) may be written. ``source`` is the folder that is read."""
    origin = source.resolve()
    if out == origin or out in origin.parents or origin in out.parents:
        raise ConversionError(f"{out}: overlaps with the source {source}; choose another --out")
    if not out.parent.is_dir():
        raise ConversionError(
            f"{out}: the folder {out.parent} does not exist; create it, or choose another --out"
        )
    if not out.exists():
        return
    if not force:
        raise _exists(out)
    if not out.is_dir() or not (out / RECORD).is_file():
        raise ConversionError(
            f"{out}: exists and was not written by convert-weights (it holds no {RECORD}), so --force does "
            "not touch it; remove it yourself, or choose another --out"
        )


def require_space(out: Path, needed_bytes: int) -> None:
    """Refuse before the work, not in the middle of it."""
    free = shutil.disk_usage(out.parent).free
    if needed_bytes + _SPARE_BYTES > free:
        raise ConversionError(
            f"{out}: needs about {needed_bytes / 1e6:.0f} MB, but {out.parent} has {free / 1e6:.0f} MB free"
        )


def _exists(out: Path) -> ConversionError:
    return ConversionError(f"{out}: exists already; pass --force to replace it, or choose another --out")


@contextmanager
def new_folder(out: Path, *, replace: bool = False) -> Iterator[Path]:
    """A temporary folder that becomes ``out`` when the block ends without an exception."""
    _clear_leftovers(out)
    partial = out.with_name(f".{out.name}.partial-{os.getpid()}-{secrets.token_hex(4)}")
    partial.mkdir()
    try:
        yield partial
        _sync(partial)
        if out.exists() and not replace:  # another process was faster
            raise _exists(out)
        _put_in_place(partial, out)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise ConversionError(f"{out}: no space left on the disk; nothing was written") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _put_in_place(partial: Path, out: Path) -> None:
    previous = _previous(out)
    if out.exists():
        shutil.rmtree(previous, ignore_errors=True)
        out.rename(previous)
    try:
        partial.rename(out)
    except BaseException:
        if previous.exists():
            previous.rename(out)
        raise
    _sync_entry(out.parent)
    shutil.rmtree(previous, ignore_errors=True)


def _previous(out: Path) -> Path:
    return out.with_name(f".{out.name}.previous")


def _clear_leftovers(out: Path) -> None:
    """Undo what a killed run left: its partial folder, and a replacement cut off between two renames."""
    previous = _previous(out)
    if previous.exists() and not out.exists():
        previous.rename(out)
    for partial in out.parent.glob(f".{out.name}.partial-*"):
        pid = partial.name.split("-")[-2]
        if pid.isdigit() and not _is_running(int(pid)):
            shutil.rmtree(partial, ignore_errors=True)


def _is_running(pid: int) -> bool:
    if os.name != "posix":  # elsewhere signal 0 would end the process
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _sync(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        _sync_entry(path)
    _sync_entry(folder)


def _sync_entry(path: Path) -> None:
    """fsync; a folder can be opened for it on POSIX only."""
    if os.name != "posix" and path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
