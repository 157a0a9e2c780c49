"""Chunks and vectors on disk: one SQLite file that is the truth, a graph and a cache that are not."""
