"""Nearest neighbours: exact scan, HNSW graph and its file, cache shared by all indexes."""
