"""Nearest neighbours: exact scan, HNSW graph and its file, and a cache shared by all indexes."""
