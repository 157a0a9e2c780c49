"""Connect to Postgres by a URL; a connection that fails leaves no socket open."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pg8000.native
from pg8000.exceptions import InterfaceError

from codesearch.errors import BadQuery

__all__ = ["Connect", "connector"]

Connect = Callable[[], "pg8000.native.Connection"]


def connector(url: str) -> tuple[Connect, str]:
    """A function that connects, and the schema, of ``postgresql://user:password@host:port/database?schema=NAME``.

    ``?host=/folder`` names a Unix socket, as libpq has it.
    """
    parts = urlsplit(url)
    options = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    unknown = sorted(options.keys() - {"schema", "host"})
    if unknown or not parts.path.strip("/"):
        what = f"the option {unknown[0]!r}" if unknown else "no database"
        raise BadQuery(f"{url} has {what}; expected postgresql://user@host/database?schema=NAME")
    arguments: dict[str, Any] = {
        "user": unquote(parts.username or "postgres"),
        "password": unquote(parts.password) if parts.password else None,
        "database": unquote(parts.path.strip("/")),
        "port": parts.port or 5432,
    }
    if "host" in options:
        arguments["unix_sock"] = f"{options['host']}/.s.PGSQL.{parts.port or 5432}"
    else:
        arguments["host"] = parts.hostname or "localhost"
    return lambda: _Connection(**arguments), options.get("schema", "codesearch")


class _Connection(pg8000.native.Connection):  # type: ignore[misc]
    """A connection that leaves no socket open where the server refuses it, or is gone."""

    def __init__(self, **arguments: Any) -> None:
        try:
            super().__init__(**arguments)
        except BaseException:
            if getattr(self, "_usock", None) is not None:
                self.close()
            raise

    def close(self) -> None:
        """Say goodbye to the server if it is still there."""
        with suppress(InterfaceError, OSError):
            super().close()
