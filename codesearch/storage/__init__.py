"""Chunks and vectors on disk: one SQLite file that holds the truth, a graph and caches beside it."""
