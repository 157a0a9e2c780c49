"""Describe a portable index: format, origin, model, and the hash of each part; read strictly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from codesearch.errors import PortableIndexError
from codesearch.quick_dataclass import dataclass

__all__ = ["FORMAT", "Manifest", "Part"]

FORMAT = 1
"""Changes when an older program would misread the parts."""
_MOST = 1 << 40
"""No count or size in a manifest may be larger."""


@dataclass(frozen=True, slots=True)
class Part:
    """One member of the archive."""

    size: int
    """Bytes, as they are before compression."""
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything about a portable index that is known before its parts are read."""

    format: int
    program: str
    """Name and version of the program that wrote it."""
    commit: str
    """Commit that was checked out, 40 or 64 hex digits; "" outside git."""
    text_version: str
    """Version of chunks and tokens. Another program version cuts the text again and keeps the vectors."""
    model: str
    model_named: bool
    fingerprint: str
    """Identity of the vectors; "" where there are none."""
    dim: int
    files: int
    chunks: int
    vectors: int
    parts: Mapping[str, Part]

    def dumps(self) -> bytes:
        """As UTF-8 JSON."""
        return json.dumps(asdict(self), indent=1, sort_keys=True).encode()

    @classmethod
    def loads(cls, data: bytes) -> Manifest:
        """Read a manifest. PortableIndexError names the key that is missing, unknown or of another type."""
        try:
            record = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise PortableIndexError(f"its manifest is not JSON ({error})") from error
        if not isinstance(record, dict):
            raise PortableIndexError(f"its manifest is a {type(record).__name__}, expected an object")
        if record.get("format") != FORMAT:
            raise PortableIndexError(
                f"its format is {record.get('format')!r}, this version reads {FORMAT}; "
                "update codesearch, or export the index again with this version"
            )
        values = {field.name: _value(record, field.name) for field in fields(cls)}
        unknown = sorted(record.keys() - values.keys())
        if unknown:
            raise PortableIndexError(f"its manifest has the unknown key {unknown[0]!r}")
        return cls(**values)


_TYPES: Mapping[str, type[Any]] = {
    **dict.fromkeys(("format", "dim", "files", "chunks", "vectors"), int),
    **dict.fromkeys(("program", "commit", "text_version", "model", "fingerprint"), str),
    "model_named": bool,
    "parts": dict,
}


def _value(record: Mapping[str, Any], key: str) -> Any:
    value: Any = record.get(key)
    expected = _TYPES[key]
    if type(value) is not expected or (expected is int and not 0 <= value <= _MOST):
        raise PortableIndexError(f"its manifest has {key} = {value!r:.60}, expected {expected.__name__}")
    return {name: _part(name, part) for name, part in value.items()} if key == "parts" else value


def _part(name: str, part: Any) -> Part:
    sizes = part.get("size") if isinstance(part, dict) else None
    digest = part.get("sha256") if isinstance(part, dict) else None
    if type(sizes) is not int or not 0 <= sizes <= _MOST or not isinstance(digest, str):
        raise PortableIndexError(f"its manifest describes the part {name!r:.60} as {part!r:.60}")
    return Part(sizes, digest)
