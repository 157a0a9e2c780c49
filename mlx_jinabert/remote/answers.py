"""What services say beside vectors: error messages in their several forms, and how long to wait."""

from __future__ import annotations

import email.utils
import json
import math
import time
from collections.abc import Mapping
from typing import Any

__all__ = ["message_in", "retry_after"]


def message_in(content: str) -> str:
    """The message of an error's body, on one line.

    In JSON it is found as {"error": {"message"}}, {"error"}, {"message"} or {"detail"}; other bodies are
    taken as they are.
    """
    try:
        found = _said(json.loads(content)) or content
    except ValueError:
        found = content
    return " ".join(found.split())


def retry_after(value: str | None) -> float | None:
    """Seconds to wait: RFC 9110 has a number or a date; None for neither."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
        except ValueError:
            return None
    return None if math.isnan(seconds) else max(0.0, seconds)


def _said(answer: Any) -> str:
    if not isinstance(answer, Mapping):
        return ""
    found = answer.get("error") or answer.get("message") or answer.get("detail") or ""
    return _said(found) if isinstance(found, Mapping) else str(found)
