"""An index travels as one file: what fits is taken over without a model, what does not is made anew."""

from __future__ import annotations

import hashlib
import http.server
import io
import json
import tarfile
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codesearch import open_index
from codesearch.errors import BadQuery, CodesearchError, ModelMismatch, PortableIndexError
from codesearch.index.portable.archive import MANIFEST, _zstd
from codesearch.index.portable.export import CHUNKS, VECTORS, export_index
from codesearch.index.portable.importing import ImportResult, import_index
from codesearch.index.portable.manifest import Manifest
from codesearch.models.embedder import Model
from codesearch.storage.folders.locations import locate
from codesearch.storage.store import Store
from tests.support.closeness import WordHashEmbedder

FILES = {
    "src/client.py": "class Client:\n    def send(self, request):\n        return self.transport(request)\n",
    "src/retry.py": 'def should_retry(attempt):\n    """Decide again: é."""\n    return attempt < 3\n',
    "notes.md": "# Index\n\nhow the index is stored\n",
}
QUESTIONS = ("should_retry", "send a request", "how is the index stored")


def write_tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


class Counting(WordHashEmbedder):
    """An embedder that counts what it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.documents = 0

    def encode_document(self, texts: list[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
        self.documents += len(texts)
        return super().encode_document(texts)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A portable index of ``FILES``."""
    tree = write_tree(tmp_path / "made", FILES)
    with open_index(tree, model=WordHashEmbedder()) as index:
        index.refresh()
    return _export(tree, tmp_path / "index.codesearch")


def _export(tree: Path, target: Path) -> Path:
    with Store.open(locate(tree).directory) as store:
        export_index(store, tree, target)
    return target


def _import(tree: Path, source: Path | str, sha256: str | None = None, model: object = None) -> ImportResult:
    location = locate(tree)
    location.create()
    with Store.open(location.directory, create=True) as store:
        return import_index(
            store,
            tree,
            Model(model or WordHashEmbedder()),  # type: ignore[arg-type]
            str(source),
            sha256=sha256,
            max_file_bytes=1_000_000,
            progress=lambda stage, done, total: None,
        )


def _answers(tree: Path, model: WordHashEmbedder) -> list[list[tuple[Any, ...]]]:
    with open_index(tree, model=model) as index:
        return [
            [
                (hit.path, hit.start_line, hit.end_line, hit.text, round(hit.score, 9))
                for hit in index.search(question)
            ]
            for question in QUESTIONS
        ]


def _forget_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODESEARCH_CACHE_BYTES", "0")


def test_the_importer_answers_as_the_maker_and_embeds_nothing(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _forget_cache(monkeypatch)
    tree = write_tree(tmp_path / "clone", FILES)
    imported = _import(tree, made)
    assert (imported.files, imported.other_files, imported.vectors) == (3, 0, imported.chunks)
    model = Counting()
    with open_index(tree, model=model) as index:
        stats = index.refresh()
    assert (model.documents, stats.chunks_added, stats.files_reused) == (0, 0, 3)
    assert _answers(tree, model) == _answers(tmp_path / "made", model)


def test_what_differs_is_made_anew_and_equals_a_fresh_index(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _forget_cache(monkeypatch)
    changed = {
        **FILES,
        "src/retry.py": "def give_up(attempt):\n    return attempt > 9\n",
        "new.py": "x = 1\n",
    }
    del changed["notes.md"]
    tree, twin = write_tree(tmp_path / "clone", changed), write_tree(tmp_path / "twin", changed)
    imported = _import(tree, made)
    assert (imported.files, imported.other_files) == (1, 2)
    for folder in (tree, twin):
        with open_index(folder, model=WordHashEmbedder()) as index:
            index.refresh()
            assert index.status().complete
    assert _answers(tree, WordHashEmbedder()) == _answers(twin, WordHashEmbedder())


def test_the_same_index_gives_the_same_bytes(made: Path, tmp_path: Path) -> None:
    assert _export(tmp_path / "made", tmp_path / "again").read_bytes() == made.read_bytes()


def test_no_text_travels(made: Path) -> None:
    plain = _zstd().decompress(made.read_bytes())
    assert b"should_retry" in plain
    assert b"attempt < 3" not in plain
    assert b"Decide about" not in plain


def test_another_model_keeps_its_vectors(made: Path, tmp_path: Path) -> None:
    other = WordHashEmbedder()
    other.fingerprint = "another"
    tree = write_tree(tmp_path / "clone", FILES)
    imported = _import(tree, made, model=other)
    assert (imported.files, imported.vectors) == (3, 0)
    assert "another version" in imported.notes[0]


def test_an_index_of_another_model_is_not_mixed(made: Path, tmp_path: Path) -> None:
    other = WordHashEmbedder()
    other.fingerprint = "another"
    tree = write_tree(tmp_path / "clone", FILES)
    with open_index(tree, model=other) as index:
        index.refresh()
    with pytest.raises(ModelMismatch):
        _import(tree, made)


def test_the_hash_is_checked_before_anything_is_read(made: Path, tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "clone", FILES)
    right = hashlib.sha256(made.read_bytes()).hexdigest()
    assert _import(tree, made, right.upper()).files == 3
    with pytest.raises(PortableIndexError, match=f"sha256 is {right}, expected 00"):
        _import(tree, made, "00" * 32)


@pytest.mark.parametrize("given", ["", "00", "g" * 64, "0" * 65])
def test_what_is_no_hash_is_refused_before_anything_is_fetched(tmp_path: Path, given: str) -> None:
    with pytest.raises(BadQuery, match=f"'{given}'; it has 64 hex digits"):
        _import(write_tree(tmp_path / "clone", FILES), "http://127.0.0.1:1/index", given)


def test_it_is_fetched_over_http(made: Path, tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "clone", FILES)
    handler = type("Handler", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *a: handler(*a, directory=str(made.parent))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        base = f"http://127.0.0.1:{server.server_port}"
        assert _import(tree, f"{base}/{made.name}").files == 3
        with pytest.raises(PortableIndexError, match="404"):
            _import(tree, f"{base}/missing")
    finally:
        server.shutdown()
        server.server_close()


def test_it_is_fetched_through_fsspec(made: Path, tmp_path: Path) -> None:
    fsspec = pytest.importorskip("fsspec")
    fsspec.filesystem("memory").pipe("/index", made.read_bytes())
    assert _import(write_tree(tmp_path / "clone", FILES), "memory://index").files == 3


def test_an_export_that_fails_leaves_the_old_file(made: Path, tmp_path: Path) -> None:
    with pytest.raises(CodesearchError, match="cannot write"):
        _export(tmp_path / "made", tmp_path / "no" / "folder")
    assert not list(tmp_path.glob(".*"))


# -- archives that somebody else wrote


def _parts(made: Path) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(_zstd().decompress(made.read_bytes()))) as tar:
        return {entry.name: tar.extractfile(entry).read() for entry in tar}  # type: ignore[union-attr]


def _rewritten(
    made: Path, change: Callable[[dict[str, bytes]], dict[str, bytes]], *, honest: bool = True
) -> Path:
    """``made`` with other members; ``honest``: the manifest knows their hashes."""
    parts = change(_parts(made))
    if honest:
        manifest = json.loads(parts[MANIFEST])
        for name in manifest["parts"]:
            data = parts.get(name, b"")
            manifest["parts"][name] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        parts[MANIFEST] = json.dumps(manifest).encode()
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for name, data in parts.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    made.write_bytes(_zstd().compress(plain.getvalue()))
    return made


def _with_chunks(change: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, bytes]], dict[str, bytes]]:
    def changed(parts: dict[str, bytes]) -> dict[str, bytes]:
        lines = [json.loads(line) for line in parts[CHUNKS].splitlines()]
        for line in lines:
            change(line)
        text = "".join(json.dumps(line) + "\n" for line in lines)
        return {**parts, CHUNKS: text.encode()}

    return changed


def _with_manifest(**changes: Any) -> Callable[[dict[str, bytes]], dict[str, bytes]]:
    def changed(parts: dict[str, bytes]) -> dict[str, bytes]:
        return {**parts, MANIFEST: json.dumps({**json.loads(parts[MANIFEST]), **changes}).encode()}

    return changed


HOSTILE: dict[str, Callable[[dict[str, bytes]], dict[str, bytes]]] = {
    "another format": _with_manifest(format=99),
    "a key too many": _with_manifest(run="rm"),
    "a number that is none": _with_manifest(dim="256"),
    "a negative number": _with_manifest(vectors=-1),
    "a number without end": _with_manifest(vectors=10**30),
    "a width that does not fit": _with_manifest(dim=3),
    "no vectors": lambda parts: {name: data for name, data in parts.items() if name != VECTORS},
    "another order": lambda parts: dict(reversed(parts.items())),
    "a path that leaves": _with_chunks(lambda file: file.update(path="../../etc/passwd")),
    "an absolute path": _with_chunks(lambda file: file.update(path="/etc/passwd")),
    "a path with a drive": _with_chunks(lambda file: file.update(path="C:\\windows")),
    "a language that is unknown": _with_chunks(lambda file: file.update(language="klingon")),
    "a hash that is none": _with_chunks(lambda file: file.update(hash="zz")),
    "a chunk that is none": _with_chunks(lambda file: file.update(chunks=[1])),
    "a name that is none": _with_chunks(lambda file: file["chunks"][0].update(symbol=["x"])),
    "a name without end": _with_chunks(lambda file: file["chunks"][0].update(symbol="x" * 10_000)),
    "a place below zero": _with_chunks(lambda file: file["chunks"][0].update(start_byte=-5)),
    "vectors for nobody": _with_chunks(lambda file: file["chunks"][0].update(embedded=False)),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_archives_are_refused(kind: str, made: Path, tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "clone", FILES)
    with pytest.raises(PortableIndexError):
        _import(tree, _rewritten(made, HOSTILE[kind]))
    with open_index(tree, model=WordHashEmbedder()) as index:  # what is there still works
        index.refresh()
        assert index.search("should_retry")[0].path == "src/retry.py"


def test_a_part_that_was_exchanged_is_refused(made: Path, tmp_path: Path) -> None:
    forged = _rewritten(made, lambda parts: {**parts, VECTORS: bytes(len(parts[VECTORS]))}, honest=False)
    with pytest.raises(PortableIndexError, match="hash"):
        _import(write_tree(tmp_path / "clone", FILES), forged)


def test_an_archive_without_a_manifest_is_refused(made: Path, tmp_path: Path) -> None:
    bare = _rewritten(made, lambda parts: {CHUNKS: parts[CHUNKS]}, honest=False)
    with pytest.raises(PortableIndexError, match=r"manifest\.json is expected"):
        _import(write_tree(tmp_path / "clone", FILES), bare)


def test_chunks_of_another_text_are_not_believed(made: Path, tmp_path: Path) -> None:
    def shift(file: dict[str, Any]) -> None:
        file["chunks"][-1]["end_byte"] += 1

    imported = _import(write_tree(tmp_path / "clone", FILES), _rewritten(made, _with_chunks(shift)))
    assert (imported.files, imported.chunks) == (0, 0)


def test_vectors_that_are_not_of_unit_length_are_left_out(made: Path, tmp_path: Path) -> None:
    def zero(parts: dict[str, bytes]) -> dict[str, bytes]:
        return {**parts, VECTORS: np.full(len(parts[VECTORS]) // 2, np.nan, "<f2").tobytes()}

    imported = _import(write_tree(tmp_path / "clone", FILES), _rewritten(made, zero))
    assert (imported.files, imported.vectors) == (3, 0)


@pytest.fixture(params=[b"", b"not zstd at all", b"\x28\xb5\x2f\xfd" + b"\0" * 40])
def rubbish(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "rubbish"
    path.write_bytes(request.param)
    return path


def test_rubbish_is_refused(rubbish: Path, tmp_path: Path) -> None:
    with pytest.raises(PortableIndexError, match=str(rubbish)):
        _import(write_tree(tmp_path / "clone", FILES), rubbish)


def test_a_truncated_archive_is_refused(made: Path, tmp_path: Path) -> None:
    data = made.read_bytes()
    for length in range(10, len(data), max(1, len(data) // 17)):
        made.write_bytes(data[:length])
        with pytest.raises(PortableIndexError):
            _import(write_tree(tmp_path / f"clone{length}", FILES), made)


@pytest.mark.parametrize("more", [b"\0", b"rubbish", "frame", "part"])
def test_bytes_after_the_end_are_refused(made: Path, tmp_path: Path, more: bytes | str) -> None:
    if more == "part":
        _rewritten(made, lambda parts: {**parts, "more": b"rubbish"})
    else:
        made.write_bytes(
            made.read_bytes() + (more if isinstance(more, bytes) else _zstd().compress(b"x" * 600))
        )
    tree = write_tree(tmp_path / "clone", FILES)
    with pytest.raises(PortableIndexError, match=r"bytes follow its end|'more' where it should end"):
        _import(tree, made)
    with open_index(tree, model=WordHashEmbedder()) as index:
        assert index.counts().files == 0


def test_the_manifest_survives_its_own_json(made: Path) -> None:
    manifest = Manifest.loads(_parts(made)[MANIFEST])
    assert Manifest.loads(manifest.dumps()) == manifest
    assert Manifest.loads(replace(manifest, commit="c" * 40).dumps()).commit == "c" * 40
