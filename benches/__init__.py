"""Measurements: each module runs as ``python -m benches.NAME`` and names the machine beside its numbers."""
