"""Which folders agents may ask about; anything outside is neither read nor indexed.

A path is resolved before it is compared, so neither ``..`` nor a symbolic link leads out. A repository whose
top lies above an allowed folder is not indexed as a whole: the allowed folder is then a root of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from codesearch.errors import BadQuery
from codesearch.files.repositories.roots import canonical, git_top_level
from codesearch.quick_dataclass import dataclass
from codesearch.storage.folders.locations import Location, locate

__all__ = ["AllowedFolders"]


@dataclass(frozen=True, slots=True)
class AllowedFolders:
    """Canonical folders; the first one is what relative paths are relative to."""

    folders: tuple[Path, ...]

    @classmethod
    def of(cls, folders: Sequence[str]) -> AllowedFolders:
        """BadQuery for a folder that is not there."""
        found = []
        for folder in folders:
            target = canonical(Path(folder))
            if not target.is_dir():
                raise BadQuery(f"no such folder: {target}; expected a folder that agents may search")
            found.append(target)
        if not found:
            raise BadQuery("no folder that agents may search; give at least one")
        return cls(tuple(found))

    def resolve(self, path: str | None) -> Path:
        """Resolve a path. BadQuery where that lies elsewhere, or is not there."""
        target = canonical(self.folders[0] / (path or "."))
        if self._folder_of(target) is None:
            raise BadQuery(
                f"{path} is outside of what may be searched ({', '.join(map(str, self.folders))}); "
                "its user can allow more with --root FOLDER"
            )
        if not target.exists():
            raise BadQuery(f"no such file or folder: {path}; paths are relative to {self.folders[0]}")
        return target

    def locate(self, path: str | None) -> Location:
        """The root that a path belongs to, inside of the allowed folders, and the part that is meant."""
        target = self.resolve(path)
        folder = target if target.is_dir() else target.parent
        top = git_top_level(folder)
        if top is not None and self._folder_of(top) is not None:
            return locate(target)
        allowed = self._folder_of(target)
        assert allowed is not None
        root = locate(allowed, here=True)
        under = "" if target == root.root else target.relative_to(root.root).as_posix()
        return Location(root.root, root.directory, under)

    def _folder_of(self, target: Path) -> Path | None:
        return next((folder for folder in self.folders if target == folder or folder in target.parents), None)
