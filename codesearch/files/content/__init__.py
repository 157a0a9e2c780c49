"""A file's bytes become text: what it is, its encoding, its cells."""
