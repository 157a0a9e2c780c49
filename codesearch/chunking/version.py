"""The version of the cuts, apart from the chunker: a search asks for it and imports no more."""

__all__ = ["VERSION"]

VERSION = 6
"""Grows whenever the same file would be cut or labelled differently; an index that records it re-chunks."""
