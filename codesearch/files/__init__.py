"""Find the files to index in a folder, and read them as text."""
