"""Watch trees with watchfiles: by the system's events, or by polling where it has none.

On Linux every folder that may hold something to index is watched by itself, so that what git ignores
(node_modules, build folders) costs no watches and wakes nobody up. Elsewhere the system watches a whole tree.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from codesearch.files.repositories.repository import git_directory

if TYPE_CHECKING:
    from watchfiles import Change

__all__ = ["MOST_FOLDERS", "Changed", "TreeWatch"]

MOST_FOLDERS = 20_000
"""A tree of more folders is not watched; its questions look themselves."""
_QUIET_MS, _LONGEST_QUIET_MS = 100, 400
"""Changes are reported when nothing more has come for so long, and at the latest after that."""
_WAKES_MS = 1000
_BY_FOLDER = sys.platform == "linux"
_RULES = frozenset({".gitignore", ".codesearchignore"})

Changed = Callable[[bool], None]
"""``changed(folders)``: whether folders may have come, or may count from now on."""


class TreeWatch:
    """One tree, watched by one thread until ``end``."""

    def __init__(self, root: Path, folders: Iterable[Path], changed: Changed) -> None:
        self.folders = frozenset(folders) if _BY_FOLDER else frozenset({root})
        self._root = root
        self._git = git_directory(root)
        self._changed = changed
        self._over = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"watch {root.name}", daemon=True)

    def begin(self) -> bool:
        """Watch from now on; what happens after this returns is seen. False where that is impossible."""
        if len(self.folders) > MOST_FOLDERS:
            return False
        self._thread.start()
        self._ready.wait(10)
        return self._thread.is_alive()

    def covers(self, folders: Iterable[Path]) -> bool:
        """Whether these are watched."""
        return not _BY_FOLDER or self.folders.issuperset(folders)

    @property
    def is_alive(self) -> bool:
        """Whether changes are still seen."""
        return self._thread.is_alive() and not self._over.is_set()

    def end(self) -> None:
        """Stop; the thread notices within a second."""
        self._over.set()

    def _run(self) -> None:
        from watchfiles import watch

        try:
            changes = watch(
                *sorted(folder for folder in {*self.folders, *filter(None, [self._git])} if folder.is_dir()),
                watch_filter=self._matters,
                debounce=_LONGEST_QUIET_MS,
                step=_QUIET_MS,
                stop_event=self._over,
                rust_timeout=_WAKES_MS,
                yield_on_timeout=True,
                recursive=not _BY_FOLDER,
                ignore_permission_denied=True,
            )
            for some in changes:
                if some:
                    self._changed(any(self._concerns_folders(Path(path)) for _, path in some))
                self._ready.set()
        except (OSError, RuntimeError) as error:
            logging.getLogger(__name__).warning("%s cannot be watched: %s", self._root, error)
        finally:
            self._over.set()
            self._ready.set()

    def _matters(self, _: Change, path: str) -> bool:
        """Whether a change may concern what is indexed; of what git writes that is what it tracks."""
        return ".git" not in Path(path).parts or self._is_tracking(Path(path))

    def _concerns_folders(self, path: Path) -> bool:
        return path.name in _RULES or self._is_tracking(path) or path.is_dir()

    def _is_tracking(self, path: Path) -> bool:
        return path.name == "index" and path.parent == self._git
