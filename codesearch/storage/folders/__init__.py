"""Where indexes lie on disk, who may write there, what a file system can do."""
