"""Options that several commands share, and the indexes that they open."""
