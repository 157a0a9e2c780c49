"""Log records as one JSON object a line, on stderr."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from mlx_jinabert.server.json_answer import json_text
from mlx_jinabert.server.record import RequestRecord

__all__ = ["JsonFormatter", "log_request", "set_up_logs"]

_log = logging.getLogger("mlx_jinabert.server")


class JsonFormatter(logging.Formatter):
    """time, level, logger, message; what is given as ``extra={"fields": {...}}``; a traceback as "error"."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        second = int(record.created)
        line: dict[str, Any] = {
            "time": f"{_second(second)}.{int(1000 * (record.created - second)):03}+00:00",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json_text(line)


@lru_cache(maxsize=1)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def set_up_logs(level: str) -> None:
    """Send everything at ``level`` and above to stderr."""
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False  # not in a line
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


def log_request(record: RequestRecord, method: str, route: str, status: int) -> None:
    """One request that was answered. Texts, keys and addresses are not in it."""
    if not _log.isEnabledFor(logging.INFO):
        return
    fields: dict[str, object] = {
        "id": record.id,
        "method": method,
        "route": route,
        "status": status,
        "ms": round(record.seconds * 1000, 2),
    }
    if record.model:
        fields |= {"model": record.model}
    if record.texts:
        fields |= {
            "texts": record.texts,
            "tokens": record.tokens,
            "cut": record.cut,
            "cached": record.cached,
            "queue_ms": round(record.queue_seconds * 1000, 2),
            "compute_ms": round(record.compute_seconds * 1000, 2),
        }
    if record.error:
        fields["error"] = record.error
    _log.handle(_Request(fields))


class _Request(logging.LogRecord):
    """Made by hand: ``Logger.info`` walks the stack for the caller's name, which no line has."""

    def __init__(self, fields: Mapping[str, object]) -> None:
        super().__init__(_log.name, logging.INFO, __file__, 0, "request", (), None, "log_request")
        self.fields = fields
