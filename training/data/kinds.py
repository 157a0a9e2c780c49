"""Kinds of pairs, by the codes that arrays hold: the order of this list."""

from __future__ import annotations

__all__ = ["KINDS"]

KINDS = ("doc", "question", "topic", "file", "comment", "commit", "code", "long", "message", "foreign")
