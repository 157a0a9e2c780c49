"""The index of one root, or of several searched as one: open, refresh, search, status."""
