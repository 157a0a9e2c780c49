"""One line of ``chunks.jsonl``, held against the file that it describes.

Nothing of a chunk but its edges, kind and names is taken from the archive: the text is cut from the user's
own file, and only where that file has the content hash that the archive states.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from codesearch.errors import PortableIndexError
from codesearch.files.content.source import Skip, read_source
from codesearch.files.languages import LANGUAGES
from codesearch.quick_dataclass import dataclass
from codesearch.records import Chunk, SourceFile

__all__ = ["ImportedFile", "match", "parse"]

_LONGEST_NAME = 4096
_MOST_NAMES = 10_000


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """A file as the archive has it: chunks without text, and which of them have a vector."""

    path: str
    language: str | None
    hash: bytes
    chunks: tuple[dict[str, Any], ...]
    embedded: tuple[bool, ...]


def parse(line: str) -> ImportedFile:
    """Read one line strictly. PortableIndexError says what is wrong with it."""
    try:
        record = json.loads(line)
        rows = record["chunks"]
        file = ImportedFile(
            _path(record["path"]),
            _language(record["language"]),
            bytes.fromhex(record["hash"]),
            tuple(_chunk(row) for row in rows),
            tuple(bool(row["embedded"]) for row in rows),
        )
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise PortableIndexError(f"its chunks are not as expected ({error!r:.100})") from error
    return file


def match(file: ImportedFile, root: Path, max_file_bytes: int) -> tuple[SourceFile, list[Chunk]] | None:
    """The file on disk with its chunks; None where its content, or the way it is cut, is another one."""
    path = root / file.path
    try:
        stat = path.lstat()
    except OSError:
        return None
    found = read_source(
        root,
        SourceFile(file.path, stat.st_size, stat.st_mtime_ns, file.language, stat.st_ctime_ns, stat.st_ino),
        max_file_bytes,
    )
    if isinstance(found, Skip) or found.identity != file.hash or found.file.language != file.language:
        return None
    edges = [0, *(row["end_byte"] for row in file.chunks)]
    tiled = [row["start_byte"] for row in file.chunks] == edges[:-1] and edges[-1] == len(found.data)
    if not tiled or sorted(edges) != edges:
        return None
    chunks = [
        Chunk(**row, path=file.path, language=file.language, text=_text(found.data, row))
        for row in file.chunks
    ]
    return found.file, chunks


def _text(data: bytes, row: dict[str, Any]) -> str:
    return data[row["start_byte"] : row["end_byte"]].decode("utf-8", "replace")


def _path(value: Any) -> str:
    """A path below the root, with ``/``. ValueError for every other one."""
    path = PurePosixPath(value)
    if (
        not value
        or path.is_absolute()
        or ".." in path.parts
        or "\\" in value
        or "\0" in value
        or ":" in path.parts[0]
    ):
        raise ValueError(f"the path {value!r:.80} leaves the root")
    return str(path)


def _language(value: Any) -> str | None:
    if value is not None and value not in LANGUAGES:
        raise ValueError(f"the language {value!r:.40} is unknown")
    return value  # type: ignore[no-any-return]


def _chunk(row: Any) -> dict[str, Any]:
    numbers = {key: row[key] for key in ("start_byte", "end_byte", "start_line", "end_line")}
    if any(type(number) is not int or number < 0 for number in numbers.values()):
        raise ValueError(f"the place {numbers} is none")
    texts = {key: _name(row[key]) for key in ("kind", "symbol", "signature")}
    names = {key: tuple(_name(name) for name in _listed(row[key])) for key in ("scope", "definitions")}
    return {**numbers, **texts, **names}


def _listed(value: Any) -> Sequence[Any]:
    if not isinstance(value, list) or len(value) > _MOST_NAMES:
        raise ValueError(f"{value!r:.40} is no list of names")
    return value


def _name(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_NAME:
        raise ValueError(f"{value!r:.40} is no name")
    return value
