"""Terms of use are told when a model is loaded: once per process and model, as a warning in the log.

Only of models whose catalog entry does not allow commercial use. Python shows warnings on stderr unless a
program configures logging, where the logger "mlx_jinabert" can be set to another level.
"""

from __future__ import annotations

import logging
from threading import Lock

from mlx_jinabert.catalog import CatalogEntry, find
from mlx_jinabert.checkpoint.folder import ModelFolder
from mlx_jinabert.checkpoint.sentence_files import read_json

__all__ = ["tell_terms"]

_log = logging.getLogger("mlx_jinabert")
_told: set[str] = set()
_lock = Lock()


def tell_terms(folder: ModelFolder) -> None:
    """Log the licence of a model that is not for commercial use, where that was not done before."""
    entry = folder.entry or _converted_from(folder)
    if entry is None or entry.commercial_use:
        return
    with _lock:
        if entry.hub_id in _told:
            return
        _told.add(entry.hub_id)
    _log.warning(
        "licence of %s: %s; take it as not for commercial use unless its card says otherwise "
        "(https://huggingface.co/%s)",
        entry.hub_id,
        entry.licence,
        entry.hub_id,
    )


def _converted_from(folder: ModelFolder) -> CatalogEntry | None:
    source = (read_json(folder.path / "mlx_jinabert.json") or {}).get("source")
    name = (source.get("model") or source.get("name")) if isinstance(source, dict) else None
    return find(name) if isinstance(name, str) else None
