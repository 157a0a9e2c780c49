"""A folder -> the files to index and what they hold."""
