"""Files to hits: semantic code search over a local index."""
