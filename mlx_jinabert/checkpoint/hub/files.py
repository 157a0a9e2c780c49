"""Which files of a Hub repository are wanted, and whether a local copy is the file the Hub lists.

Pure: nothing here touches the network. What is not named here is never downloaded; code and pickles
(``*.py``, ``*.bin``, ``*.pt``) can't be named by accident, because the list allows and does not deny.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

from mlx_jinabert.errors import ModelFolderError
from mlx_jinabert.quick_dataclass import dataclass

__all__ = [
    "Listing",
    "RemoteFile",
    "is_intact",
    "listed_weights",
    "read_listing",
    "wanted",
    "with_known_weights",
    "write_listing",
]

FORMAT = 1
RECORD = "mlx_jinabert.json"
_METADATA = re.compile(
    r"(config|tokenizer|tokenizer_config|special_tokens_map|modules|config_sentence_transformers"
    r"|sentence_bert_config|mlx_jinabert)\.json"
    r"|\d+_[A-Za-z]\w*/config\.json"
    r"|adapters/([\w-]+/)?adapter_config\.json"
    r"|(LICENSE|NOTICE|COPYING)(\.txt|\.md)?"
)
_MODULE_WEIGHTS = re.compile(r"\d+_[A-Za-z]\w*/model\.safetensors")
_ADAPTER_WEIGHTS = re.compile(r"adapters/([\w-]+/)?adapter_model\.safetensors")
_SHARD = re.compile(r"model-\d+-of-\d+\.safetensors")
_ONNX = re.compile(r"model\.onnx(\.data|_data)?")
_PICKLE = re.compile(r".*\.(bin|pt|pth|pkl|ckpt|msgpack|h5)")
_WEIGHTS = "model.safetensors"
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One file as the Hub lists it. A large (LFS) file has ``sha256``, a small one its git ``blob_id``."""

    name: str
    size: int | None
    sha256: str | None
    blob_id: str | None


@dataclass(frozen=True, slots=True)
class Listing:
    """All files of one commit. A commit never changes, so a stored listing stays true."""

    repo_id: str
    commit: str
    files: tuple[RemoteFile, ...]


def wanted(listing: Listing) -> tuple[RemoteFile, ...]:
    """The files that a model folder needs, small ones first, weights last.

    Raises ModelFolderError, before a byte is downloaded, where the repository cannot become a model.
    """
    files = {file.name: file for file in listing.files}
    metadata = sorted(name for name in files if _METADATA.fullmatch(name))
    missing = [name for name in ("config.json", "tokenizer.json") if name not in files]
    if missing:
        raise ModelFolderError(
            listing.repo_id,
            f"the repository has no {' and no '.join(missing)} at {listing.commit[:12]}; nothing "
            "else states the model's shape and tokens. Try another revision, or a copy that has it",
        )
    weights = _weights(listing.repo_id, files)
    return tuple(files[name] for name in (*metadata, *weights))


def _weights(repo_id: str, files: Mapping[str, RemoteFile]) -> list[str]:
    module_weights = sorted(
        name for name in files if _MODULE_WEIGHTS.fullmatch(name) or _ADAPTER_WEIGHTS.fullmatch(name)
    )
    if RECORD in files and "model.onnx" in files and _WEIGHTS not in files:
        return module_weights + sorted(name for name in files if _ONNX.fullmatch(name))
    if _WEIGHTS in files:
        return [*module_weights, _WEIGHTS]
    if "model.safetensors.index.json" in files:
        shards = sorted(name for name in files if _SHARD.fullmatch(name))
        return [*module_weights, "model.safetensors.index.json", *shards]
    pickles = sorted(name for name in files if _PICKLE.fullmatch(name))
    if pickles:
        raise ModelFolderError(
            repo_id,
            f"its weights exist only as {', '.join(pickles[:3])}: a pickle can run any code when it is read, "
            "so it is never downloaded or opened. Look on the repository's Community tab for a pull "
            "request that adds model.safetensors and pass revision='refs/pr/N', or have one made at "
            "https://huggingface.co/spaces/safetensors/convert",
        )
    raise ModelFolderError(
        repo_id, "no weights: expected model.safetensors or model.safetensors.index.json in the repository"
    )


def listed_weights(listing: Listing) -> str | None:
    """Return the sha256 that a listing gives for model.safetensors."""
    return next((file.sha256 for file in listing.files if file.name == _WEIGHTS), None)


def with_known_weights(listing: Listing, sha256: str | None) -> Listing:
    """Hold model.safetensors against a hash that is known beforehand; a mirror may list none.

    Raises ModelFolderError where another one is listed.
    """
    if sha256 is None:
        return listing
    listed = listed_weights(listing)
    if listed is not None and listed.lower() != sha256:
        raise ModelFolderError(
            listing.repo_id,
            f"{_WEIGHTS} at {listing.commit[:12]} is listed with sha256 {listed}, expected {sha256}, as the "
            "catalogue of models has it for this commit: these are other weights, nothing was downloaded. "
            "Suspect the mirror or proxy in between (HF_ENDPOINT)",
        )
    files = tuple(replace(file, sha256=sha256) if file.name == _WEIGHTS else file for file in listing.files)
    return replace(listing, files=files)


def is_intact(path: Path, file: RemoteFile) -> bool:
    """Whether the local file has the size and hash of the listing (git's blob hash for small files).

    A mirror may list no hash at all; then the size has to do.
    """
    if file.size is not None and path.stat().st_size != file.size:
        return False
    if file.sha256:
        return _digest(path, "sha256", b"") == file.sha256.lower()
    if file.blob_id:
        header = b"blob %d\0" % path.stat().st_size
        algorithm = "sha1" if len(file.blob_id) == 40 else "sha256"
        return _digest(path, algorithm, header) == file.blob_id.lower()
    return True


def _digest(path: Path, algorithm: str, header: bytes) -> str:
    digest = hashlib.new(algorithm, header, usedforsecurity=False)
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def write_listing(path: Path, listing: Listing) -> None:
    """Keep a listing beside the cached files; best effort, for a cache may be read-only."""
    temporary = path.with_name(f"{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps({"format": FORMAT, **asdict(listing)}, indent=1), encoding="utf-8")
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)


def read_listing(path: Path) -> Listing | None:
    """Read a stored listing; None if it is missing or damaged (it only saves a request)."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        if stored["format"] != FORMAT:
            return None
        files = tuple(RemoteFile(**file) for file in stored["files"])
        return Listing(stored["repo_id"], stored["commit"], files)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
