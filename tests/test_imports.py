"""Imports point one way, and the packages import where the optional frameworks do not."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.support.paths import ROOT

PACKAGES = ("mlx_jinabert", "codesearch", "conversion")

# module prefix -> file patterns that may name it; "mlx" and "onnx" are kept by file name
ALLOWED: dict[str, tuple[str, ...]] = {
    "mlx": ("mlx_jinabert/*/mlx.py", "mlx_jinabert/*/mlx/*.py", "conversion/quantize.py"),
    "onnxruntime": ("mlx_jinabert/backends/ort.py", "conversion/triton/graph_model.py"),
    "openvino": ("mlx_jinabert/backends/ov.py",),
    "onnx": ("mlx_jinabert/architectures/*/onnx.py", "mlx_jinabert/architectures/*/onnx/*.py"),
    "mlx_jinabert": (
        "mlx_jinabert/*",
        "conversion/*",
        "codesearch/models/*",
        "codesearch/quick_dataclass.py",
    ),
    "dataclasses.dataclass": ("mlx_jinabert/quick_dataclass.py", "conversion/*"),
    "codesearch": ("codesearch/*",),
    "conversion": ("conversion/*",),
    "regex": ("codesearch/searching/question/pattern.py",),
    "hnswlib": ("codesearch/vectors/graph.py",),
    "huggingface_hub": ("mlx_jinabert/checkpoint/hub/*",),
    "httpx2": ("mlx_jinabert/remote/http.py",),
    "rich": (
        "codesearch/rendering/highlight.py",
        "codesearch/shell/progress.py",
        "mlx_jinabert/text/progress.py",
    ),
    "click": (
        "codesearch/cli.py",
        "codesearch/shell/commands/*",
        "codesearch/shell/options/*",
        "conversion/cli.py",
        "mlx_jinabert/cli.py",
        "mlx_jinabert/cli_errors.py",
        "mlx_jinabert/server/command.py",
        "mlx_jinabert/verify/command.py",
    ),
    "starlette": (
        "mlx_jinabert/server/*",
        "codesearch/serving/*",
    ),
    "langchain_core": ("*/adapters/langchain.py",),
    "llama_index": ("*/adapters/llamaindex.py",),
    "haystack": ("mlx_jinabert/adapters/haystack.py",),
    "llm": ("mlx_jinabert/adapters/llm.py",),
    "chromadb": ("mlx_jinabert/adapters/chroma.py",),
    "lancedb": ("mlx_jinabert/adapters/lancedb.py",),
    "mteb": ("mlx_jinabert/adapters/sentence_transformers.py",),
    "uvicorn": ("mlx_jinabert/server/run.py", "codesearch/serving/http/run.py"),
    "pydantic": ("mlx_jinabert/server/api/*", "*/adapters/langchain.py", "mlx_jinabert/adapters/lancedb.py"),
    "orjson": ("mlx_jinabert/server/json_answer.py",),
    "prometheus_client": ("mlx_jinabert/server/web/metrics.py",),
    "ray": ("codesearch/distributed/corpus/ray_workers.py",),
    "mcp": ("codesearch/serving/agents/protocol.py", "codesearch/serving/agents/unreadable.py"),
    "psutil": ("codesearch/chunking/workers/memory_limit.py", "codesearch/serving/resident/memory.py"),
    "watchfiles": ("codesearch/serving/resident/watch.py",),
    "tomlkit": ("codesearch/serving/agents/install/edit_toml.py",),
    "training": (),
    "torch": ("mlx_jinabert/verify/original.py",),
    "transformers": ("mlx_jinabert/verify/original.py",),
    "sentence_transformers": (),
    "pickle": (),
}

# The rooms of each package, lowest first: a file imports from its own room and from rooms before it.
ROOMS: dict[str, tuple[str, ...]] = {
    "mlx_jinabert": (
        "errors",
        "quick_dataclass",
        "cli_errors",
        "catalog",
        "checkpoint",
        "vectors",
        "architectures",
        "text",
        "backends",
        "embedder",
        "local",
        "remote",
        "loading",
        "verify",
        "adapters",
        "server",
        "cli",
        "__main__",
    ),
    "codesearch": (
        "errors",
        "quick_dataclass",
        "caller",
        "records",
        "models",
        "files",
        "chunking",
        "storage",
        "vectors",
        "searching",
        "updating",
        "distributed",
        "index",
        "adapters",
        "benchmark",
        "rendering",
        "serving",
        "shell",
        "cli",
        "__main__",
    ),
}


def _imports(path: Path) -> Iterator[tuple[str, int, bool]]:
    """(absolute module, line, whether it runs at import time)."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    relative = path.relative_to(ROOT).with_suffix("")
    package = relative.parts[:-1]
    late = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test))
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module or "") if part)
            names = [module, *(f"{module}.{alias.name}" for alias in node.names)]
        for name in names:
            yield name, node.lineno, id(node) not in late


def _sources() -> list[Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def _violations(relative: str, names: Iterator[tuple[str, int, bool]]) -> list[str]:
    found = []
    for name, line, _ in names:
        for prefix, allowed in ALLOWED.items():
            named = name == prefix or name.startswith(prefix + ".")
            if named and not any(fnmatch(relative, pattern) for pattern in allowed):
                found.append(f"{relative}:{line} imports {name}")
    return found


@pytest.mark.parametrize("path", _sources(), ids=lambda p: str(p.relative_to(ROOT)))
def test_only_the_named_files_import_it(path: Path) -> None:
    assert _violations(path.relative_to(ROOT).as_posix(), _imports(path)) == []


def test_the_table_catches_a_violation(tmp_path: Path) -> None:
    assert _violations("codesearch/searching/search.py", iter([("mlx.core", 1, True)]))
    assert _violations("mlx_jinabert/embedder.py", iter([("torch", 1, False)]))


def _graph(package: str) -> dict[str, set[str]]:
    """File stem (or sub-package) -> what it imports at import time within the package."""
    edges: dict[str, set[str]] = {}
    for path in sorted((ROOT / package).rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        module = module.removesuffix(".__init__")
        edges[module] = set()
    for path in sorted((ROOT / package).rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for name, _, at_import in _imports(path):
            if at_import and name in edges and name != module:
                edges[module].add(name)
    return edges


@pytest.mark.parametrize("package", PACKAGES)
def test_no_import_cycles(package: str) -> None:
    edges = _graph(package)
    edges.pop(package, None)  # the package's front door re-exports; nothing inside may rely on it
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " -> ".join((*trail, module))
        if module in done:
            return
        for target in edges[module] - {package}:
            if target in edges and not module.startswith(target + "."):
                visit(target, (*trail, module))
        done.add(module)

    for module in edges:
        visit(module, ())


def _arrows(package: str) -> list[str]:
    """Imports, late ones included, from a room to one that is not below it."""
    rooms = ROOMS[package]
    found = []
    for path in sorted((ROOT / package).rglob("*.py")):
        relative = path.relative_to(ROOT / package)
        room = relative.parts[0].removesuffix(".py")
        if room == "__init__":
            continue
        for name, line, _ in _imports(path):
            parts = name.split(".")
            target = parts[1] if parts[0] == package and len(parts) > 1 else room
            if target in rooms and rooms.index(target) > rooms.index(room):
                found.append(f"{package}/{relative}:{line} imports {name}")
    return found


@pytest.mark.parametrize("package", list(ROOMS))
def test_rooms_import_from_rooms_below(package: str) -> None:
    assert _arrows(package) == []


def _round_trips(edges: Iterable[tuple[str, str]]) -> list[str]:
    """Import ways that leave an entry of a folder and come back to it, for every folder of a package."""
    below: dict[str, dict[str, set[str]]] = {}
    for source, target in edges:
        here, there = source.split("."), target.split(".")
        depth = next((i for i, (a, b) in enumerate(zip(here, there, strict=False)) if a != b), None)
        if depth:
            entries = below.setdefault(".".join(here[:depth]), {})
            entries.setdefault(here[depth], set()).add(there[depth])
    found = []
    for folder, entries in below.items():
        try:
            list(TopologicalSorter(entries).static_order())
        except CycleError as error:
            found.append(f"{folder}: {' <- '.join(error.args[1])}")
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_between_the_entries_of_a_folder_point_one_way(package: str) -> None:
    edges = _graph(package)
    assert _round_trips((a, b) for a in edges for b in edges[a] if a != package and b in edges) == []


def test_a_way_there_and_back_is_found() -> None:
    assert _round_trips([("p.a.x", "p.b.y"), ("p.b.z", "p.a.w")])
    assert not _round_trips([("p.a.x", "p.b.y"), ("p.a.z", "p.b.w")])


@pytest.mark.parametrize("package", list(ROOMS))
def test_every_room_has_its_place(package: str) -> None:
    entries = {path.name.removesuffix(".py") for path in (ROOT / package).iterdir() if _holds_code(path)}
    assert entries - {"__init__"} == set(ROOMS[package])


def _holds_code(path: Path) -> bool:
    return path.suffix == ".py" or (path.is_dir() and (path / "__init__.py").exists())


BLOCKED = ("mlx", "onnxruntime", "openvino", "onnx", "torch", "transformers", "hnswlib", "huggingface_hub")


def _run(code: str) -> subprocess.CompletedProcess[str]:
    block = f"import sys\nfor n in {BLOCKED!r}: sys.modules[n] = None\n"
    command = [sys.executable, "-c", block + code]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


@pytest.mark.parametrize("package", ["mlx_jinabert", "codesearch", "codesearch.cli", "conversion.cli"])
def test_imports_without_any_framework(package: str) -> None:
    result = _run(f"import {package}")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("name", BLOCKED)
def test_the_block_blocks(name: str) -> None:
    result = _run(f"import {name}")
    assert result.returncode != 0
    assert "import of" in result.stderr
