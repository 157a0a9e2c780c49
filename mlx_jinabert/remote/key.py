"""A key from the environment, which nothing shows."""

from __future__ import annotations

import os
import re

from mlx_jinabert.errors import RemoteError

__all__ = ["Key"]

_USABLE = re.compile(r"[\x21-\x7e]+")


class Key:
    """The value of an environment variable, read when it is needed; "" where it is not set."""

    __slots__ = ("variable",)

    def __init__(self, variable: str) -> None:
        self.variable = variable

    def __repr__(self) -> str:
        return f"Key(${self.variable})"

    @property
    def is_set(self) -> bool:
        """Whether there is a key."""
        return bool(self._value())

    def headers(self, host: str) -> dict[str, str]:
        """The header that a request carries, if any. RemoteError for what no header can hold."""
        value = self._value()
        if value and not _USABLE.fullmatch(value):
            # The standard library's own error would show the header.
            raise RemoteError(host, f"${self.variable} holds spaces or control characters: not a key")
        return {"Authorization": f"Bearer {value}"} if value else {}

    def hidden(self, text: str) -> str:
        """``text`` with the key blotted out, as services repeat what they were sent."""
        value = self._value()
        return text.replace(value, f"${self.variable}") if value else text

    def _value(self) -> str:
        return os.environ.get(self.variable, "").strip()
