"""A file found by the walk -> its text as UTF-8, or the reason why it is not worth indexing.

Left out are files that are not text, minified ones (where somebody wrote some of it, only the long lines are
cut), empty ones, and those that have grown too large or gone
since the walk. The bytes decide, not the name: an extension of a binary format only asks for more proof.
Other encodings become UTF-8 (encoding.py), notebooks the text of their cells (notebook.py). Reading never
follows a symbolic link and never waits for a pipe.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

from codesearch.files.content.encoding import decode, is_wide
from codesearch.files.content.notebook import Notebook, read_notebook
from codesearch.files.language_of import language_of
from codesearch.files.languages import LANGUAGES, is_code
from codesearch.files.options import DEFAULT_MAX_BYTES
from codesearch.quick_dataclass import dataclass
from codesearch.records import SourceFile

__all__ = [
    "Skip",
    "SourceText",
    "content_hash",
    "is_minified",
    "read_source",
    "size_limit",
    "skipped_by_name",
    "without_long_lines",
]

_CODE_MAX_BYTES = 5_000_000
_NOTEBOOK_MAX_BYTES = 50_000_000
_LONGER = 3
"""UTF-8 bytes for a byte of another encoding, at most."""
_HEAD_BYTES = 8_000
_LONG_LINE_BYTES = 1_000
_MINIFIED_FROM_BYTES = 4_000
_CODE_MARKS = b";{}()"
_CODE_SHARE = 0.01
_MOST_LONG_BYTES = 200_000
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


_PICTURES = frozenset({"svg"})
_KEPT_BYTES = 200
"""Of a line that is cut."""
_WRITTEN_BYTES = 300
_LEAST_NAMES = 2
_NAME = re.compile(rb"[^\W\d_]{3,}")
_REMARK = re.compile(rb"\s*(?:/[/*]|\*|#|--|<!--|;)")
_CONTROL = re.compile(rb"[\x00-\x06\x0e-\x1a\x1c-\x1f]")
_NOTEBOOK = ".ipynb"


@dataclass(frozen=True, slots=True)
class SourceText:
    """The content of a file. ``file`` is the walk's, with the language that the content gives away."""

    file: SourceFile
    data: bytes
    """The text as UTF-8."""
    digest: bytes = b""
    """Identity of the file's own bytes, 16 bytes; that of ``data`` where the file is written so."""
    encoding: str = "utf-8"
    """The encoding of the file; "unknown" where nothing fits and the bytes are as they were."""
    lines: tuple[int, ...] | None = None
    """For a notebook: for each line of ``data`` the line of the file."""

    @property
    def is_decoded(self) -> bool:
        """Whether the encoding is known."""
        return self.encoding != "unknown"

    @property
    def identity(self) -> bytes:
        """The digest, of the text where none was given."""
        return self.digest or content_hash(self.data)


@dataclass(frozen=True, slots=True)
class Skip:
    """Not worth indexing."""

    file: SourceFile
    reason: str


def content_hash(data: bytes) -> bytes:
    """Identity of a file's bytes, 16 bytes."""
    return blake2b(data, digest_size=16).digest()


def size_limit(path: str, language: str | None, max_file_bytes: int = DEFAULT_MAX_BYTES) -> int:
    """The largest size at which a file is read.

    Hand-written sources grow larger than data that is worth searching, and most of a notebook is pictures:
    both have more room, unless the user has given a size.
    """
    if path.lower().endswith(_NOTEBOOK):
        return max(max_file_bytes, _NOTEBOOK_MAX_BYTES)
    if max_file_bytes == DEFAULT_MAX_BYTES and is_code(language):
        return _CODE_MAX_BYTES
    return max_file_bytes


def skipped_by_name(path: str) -> str | None:
    """Why a file need not even be opened; None where it must be."""
    if _extension(path) in _PICTURES:
        return "picture"
    return "minified" if _MINIFIED.search(path) else None


def _extension(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[2].lower()


def read_source(
    root: Path, file: SourceFile, max_file_bytes: int = DEFAULT_MAX_BYTES, encoding: str | None = None
) -> SourceText | Skip:
    """The text of ``file`` under ``root``. Never raises for what it finds there.

    ``encoding`` is what the repository declares for it.
    """
    limit = size_limit(file.path, file.language, max_file_bytes)
    try:
        data = _read(root / file.path, limit)
    except OSError:
        return Skip(file, "unreadable")
    if data is None:
        return Skip(file, "too large")
    reason = _no_text(file.path, data)
    if reason is not None:
        return Skip(file, reason)
    is_notebook = file.path.lower().endswith(_NOTEBOOK)
    cells = read_notebook(data) if is_notebook else None
    source = _of_cells(file, data, cells) if cells else _of_text(file, data, encoding)
    if len(source.data) > _text_limit(source, max_file_bytes):
        return Skip(source.file, "too large")
    if not is_minified(source.data, source.file.language):
        return source
    rest = without_long_lines(source.data)
    return replace(source, data=rest) if rest is not None else Skip(file, "minified")


def _of_cells(file: SourceFile, data: bytes, cells: Notebook) -> SourceText:
    return SourceText(
        replace(file, language=cells.language), cells.data, content_hash(data), lines=cells.lines
    )


def _of_text(file: SourceFile, data: bytes, encoding: str | None) -> SourceText:
    text = decode(data, encoding)
    language = language_of(file.path, text.data[:_HEAD_BYTES])
    if (language, file.language) == ("c", "cpp"):  # a header that says nothing, in a project that is C++
        language = "cpp"
    known = replace(file, language=language) if language != file.language else file
    return SourceText(known, text.data, content_hash(data), text.encoding)


def _text_limit(source: SourceText, max_file_bytes: int) -> int:
    """The size that a text may have, now that its language is known; decoding makes it longer."""
    if source.lines is not None:
        return max(max_file_bytes, _CODE_MAX_BYTES)
    return _LONGER * size_limit(source.file.path, source.file.language, max_file_bytes)


def _no_text(path: str, data: bytes) -> str | None:
    """Why the bytes are no text; None where they are one."""
    if not data.strip():
        return "empty"
    head = data[:_HEAD_BYTES]
    if is_wide(head):
        return None
    if b"\0" in head:
        return "binary"
    if _extension(path) in _BINARY and (_CONTROL.search(head) or not _is_utf8(head)):
        return "binary"
    return None


def _is_utf8(head: bytes) -> bool:
    """Whether the beginning of a file is UTF-8; its last character may be cut."""
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start >= len(head) - 3
    return True


def _read(path: Path, max_bytes: int) -> bytes | None:
    flags = ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY", "O_CLOEXEC")
    handle = os.open(path, os.O_RDONLY | sum(getattr(os, flag, 0) for flag in flags))
    with os.fdopen(handle, "rb") as stream:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(f"{path} is not a regular file")
        data = stream.read(max_bytes + 1)
    return data if len(data) <= max_bytes else None


def is_minified(data: bytes, language: str | None) -> bool:
    """Whether most of the file is code that nobody wrote by hand: long lines full of brackets and semicolons.

    A long line that is one literal (base64, a table) says nothing about the rest of the file, unless there is
    so much of it that the file is data. Prose may have long lines.
    """
    if len(data) < _MINIFIED_FROM_BYTES or (language is not None and LANGUAGES[language].prose):
        return False
    long_lines = [line for line in data.split(b"\n") if len(line) > _LONG_LINE_BYTES]
    if sum(map(len, long_lines)) > max(_MOST_LONG_BYTES, len(data) // 2):
        return True
    code = sum(len(line) for line in long_lines if _is_dense(line))
    return 2 * code > len(data)


def without_long_lines(data: bytes) -> bytes | None:
    """The text with its long lines cut short; None where nothing that somebody wrote is left beside them.

    A table or a picture in one line is no reason to leave out the functions below it. Lines keep their
    numbers.
    """
    lines = data.split(b"\n")
    if not any(_is_written(line) for line in lines if len(line) <= _LONG_LINE_BYTES):
        return None
    return b"\n".join(_shortened(line) if len(line) > _LONG_LINE_BYTES else line for line in lines)


def _is_written(line: bytes) -> bool:
    """Whether a line is code, and not the comment that a bundler leaves."""
    return (
        not _REMARK.match(line) and len(_NAME.findall(line)) >= _LEAST_NAMES and len(line) <= _WRITTEN_BYTES
    )


def _shortened(line: bytes) -> bytes:
    """The beginning of a line, to a whole character."""
    return line[:_KEPT_BYTES].decode("utf-8", "ignore").encode() + " …".encode()


def _is_dense(line: bytes) -> bool:
    marks = len(line) - len(line.translate(None, _CODE_MARKS))
    return marks > _CODE_SHARE * len(line)
