"""A file found by the walk -> its bytes, or the reason why it is not worth indexing.

Left out are files that are not text (a NUL among the first bytes, as git decides it), minified or
generated ones (long lines that nobody wrote by hand), empty ones, and those that have grown too large
or gone since the walk. Reading never follows a symbolic link and never waits for a pipe.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass, replace
from pathlib import Path

from codesearch.languages import LANGUAGES, language_of
from codesearch.records import SourceFile

__all__ = ["Skip", "SourceText", "is_minified", "read_source", "skipped_by_name"]

_HEAD_BYTES = 8_000
_LONG_LINE_BYTES = 1_000
_MINIFIED_FROM_BYTES = 4_000
_BINARY_EXTENSIONS = """
    7z a aac aar ai aiff apk arrow avi avif avro bin blend bmp br bz2 class cur db deb dex dll dmg doc
    docx dylib ear egg eot eps exe feather flac gguf gif glb gz h5 hdf5 heic icns ico idx iso jar jks jpeg
    jpg keystore ko lib lockb lz4 m4a m4v mid mkv mlmodel mo mov mp3 mp4 mpeg mpg msi node npy npz o obj
    odp ods odt ogg onnx opus otf p12 pack parquet pb pdb pdf pfx pickle pkl png ppt pptx psd pt pth pyc
    pyd pyo rar rlib rmeta rpm safetensors so sqlite sqlite3 stl svg swf tar tflite tgz tif tiff ttf war
    wasm wav webm webp wheel whl woff woff2 xcf xls xlsx xz z zip zst
"""
_BINARY = frozenset(_BINARY_EXTENSIONS.split())
_MINIFIED = re.compile(r"[.-]min\.(js|mjs|cjs|css)$|\.(js|css|mjs|cjs|ts)\.map$|\.bundle\.js$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SourceText:
    """The content of a file. ``file`` is the walk's, with the language that the content gives away."""

    file: SourceFile
    data: bytes


@dataclass(frozen=True, slots=True)
class Skip:
    """Not worth indexing."""

    file: SourceFile
    reason: str


def skipped_by_name(path: str) -> str | None:
    """Why a file need not even be opened; None where it must be."""
    _, dot, extension = path.rpartition("/")[2].rpartition(".")
    if dot and extension.lower() in _BINARY:
        return "binary"
    return "minified" if _MINIFIED.search(path) else None


def read_source(root: Path, file: SourceFile, max_file_bytes: int = 1_000_000) -> SourceText | Skip:
    """The bytes of ``file`` under ``root``. Never raises for what it finds there."""
    try:
        data = _read(root / file.path, max_file_bytes)
    except OSError:
        return Skip(file, "unreadable")
    if data is None:
        return Skip(file, "too large")
    head = data[:_HEAD_BYTES]
    language = language_of(file.path, head)
    reason = None
    if not data.strip():
        reason = "empty"
    elif b"\0" in head:
        reason = "binary"
    elif is_minified(data, language):
        reason = "minified"
    if reason is not None:
        return Skip(file, reason)
    return SourceText(replace(file, language=language) if language != file.language else file, data)


def _read(path: Path, max_bytes: int) -> bytes | None:
    flags = ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY", "O_CLOEXEC")
    handle = os.open(path, os.O_RDONLY | sum(getattr(os, flag, 0) for flag in flags))
    with os.fdopen(handle, "rb") as stream:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(f"{path} is not a regular file")
        data = stream.read(max_bytes + 1)
    return data if len(data) <= max_bytes else None


def is_minified(data: bytes, language: str | None) -> bool:
    """Whether most of the bytes stand in lines that nobody wrote by hand. Prose may have long lines."""
    if len(data) < _MINIFIED_FROM_BYTES or (language is not None and LANGUAGES[language].prose):
        return False
    long_bytes = sum(len(line) for line in data.split(b"\n") if len(line) > _LONG_LINE_BYTES)
    return 2 * long_bytes > len(data)
