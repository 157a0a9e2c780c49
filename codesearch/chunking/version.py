"""The version of the chunker, in a file of its own, because a search needs it and nothing else from here."""

__all__ = ["VERSION"]

VERSION = 7
"""Grows whenever the same file would be cut or labelled differently; an index that records it re-chunks."""
