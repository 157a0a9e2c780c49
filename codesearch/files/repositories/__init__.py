"""The repository that a folder belongs to, git's own answers, clones of URLs."""
