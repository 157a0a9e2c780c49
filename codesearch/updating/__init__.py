"""Refresh an index: make what changed on disk searchable, stage by stage."""
