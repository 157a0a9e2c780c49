"""Many repositories into one engine: shards of files, embedded by many workers, some of which may be lost."""
