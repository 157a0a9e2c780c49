"""Read the packages' sources: modules, their imports, and the rooms they stand in."""

from __future__ import annotations

import ast
import io
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

__all__ = ["PACKAGES", "ROOT", "Module", "checkout", "modules"]

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("mlx_jinabert", "codesearch", "conversion")


@dataclass(frozen=True)
class Module:
    """One source file of a package."""

    name: str
    """Dotted, without ``__init__``."""
    path: Path
    text: str
    tree: ast.Module

    @property
    def room(self) -> str:
        """The entry of the package's folder that holds it: a sub-folder, or the module itself."""
        parts = self.name.split(".")
        return parts[1] if len(parts) > 1 else "__init__"

    def imports(self) -> Iterator[str]:
        """Absolute names that it imports, late imports included."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def modules(package: str, root: Path = ROOT) -> list[Module]:
    """The modules of a package, by name."""
    found = []
    for path in sorted((root / package).rglob("*.py")):
        name = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
        text = path.read_text(encoding="utf-8")
        found.append(Module(name, path, text, ast.parse(text)))
    return found


@contextmanager
def checkout(revision: str | None) -> Iterator[Path]:
    """The tree of a revision in a temporary folder; the working tree for None."""
    if revision is None:
        yield ROOT
        return
    command = ["git", "-C", str(ROOT), "archive", revision]
    archive = subprocess.run(command, check=True, capture_output=True).stdout
    with TemporaryDirectory() as folder, tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
        yield Path(folder)
