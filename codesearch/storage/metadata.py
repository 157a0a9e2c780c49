"""Records in the store's ``meta`` table: settings, model, last refresh."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from codesearch.errors import ModelMismatch
from codesearch.files.options import WalkOptions
from codesearch.models.embedder import SHIPPED, Model
from codesearch.quick_dataclass import dataclass
from codesearch.storage.folders.home import index_home
from codesearch.storage.store import Store

__all__ = ["LastRefresh", "ModelRecord", "Settings", "check_model", "read", "write"]


@dataclass(frozen=True, slots=True)
class Settings:
    """Which files belong to the index. Kept, so that a plain search refreshes what was asked for once."""

    hidden: bool = False
    ignore: bool = True
    max_file_bytes: int = 1_000_000
    follow: bool = False
    """Links to folders elsewhere."""
    generated: bool = False
    """Whether generated pages are embedded like everything else."""
    allow_large: bool = False
    """The user has confirmed a root that is larger than anyone indexes by accident."""

    def walk_options(self, max_files: int | None = None) -> WalkOptions:
        """Return what these settings say to the walk over the tree."""
        return WalkOptions(
            max_file_bytes=self.max_file_bytes,
            hidden=self.hidden,
            ignore=self.ignore,
            follow=self.follow,
            max_files=max_files,
            own_folders=(index_home(),),
        )


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """Whose vectors the index holds, and on what they were computed last."""

    name: str
    named: bool
    """Whether ``name`` can be loaded; False for another program's object."""
    fingerprint: str
    dim: int
    backend: str = ""
    device: str = ""
    dtype: str = ""
    stamp: str = ""
    """``Model.stamp`` at that time."""

    @property
    def is_shipped(self) -> bool:
        """Whether it is the model that comes with the package, the only one that may change by itself."""
        return self.named and self.name == SHIPPED


@dataclass(frozen=True, slots=True)
class LastRefresh:
    """How the last refresh ended."""

    finished: str
    """ISO 8601, UTC."""
    skipped: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def finished_at(self) -> datetime:
        """The moment, aware."""
        return datetime.fromisoformat(self.finished).astimezone(UTC)


_KEYS: Mapping[type[Any], str] = {Settings: "settings", ModelRecord: "model", LastRefresh: "last_refresh"}
_RENAMED = {"yes": "allow_large"}
"""Names of fields in older indexes."""
_Record = TypeVar("_Record", Settings, ModelRecord, LastRefresh)


def read(store: Store, kind: type[_Record]) -> _Record | None:
    """The record of that kind; None where it was never written."""
    text = store.meta(_KEYS[kind])
    if text is None:
        return None
    stored = {_RENAMED.get(name, name): value for name, value in json.loads(text).items()}
    known: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in stored.items()
        if name in kind.__slots__
    }
    return kind(**known)


def write(store: Store, record: Settings | ModelRecord | LastRefresh) -> None:
    """Store a record in place of the last one of its kind."""
    store.set_meta(_KEYS[type(record)], json.dumps(asdict(record)))


def check_model(record: ModelRecord | None, model: Model, root: object) -> None:
    """Raise ModelMismatch where the index holds another model's vectors than this one's."""
    if record is None or record.fingerprint == model.fingerprint:
        return
    old, new = record.name, model.name
    if old == new:
        old, new = f"{old} ({record.fingerprint[:12]})", f"{new} ({model.fingerprint[:12]})"
    raise ModelMismatch(
        old,
        new,
        f"to change the model, run: codesearch index {root} --model {model.name} --rebuild; "
        "to keep it, leave the model out",
    )
