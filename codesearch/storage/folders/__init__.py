"""Where indexes are on disk, who may write there, and what the file system supports."""
