"""Embed many repositories into one engine: shards of files, done by workers that may be lost."""
