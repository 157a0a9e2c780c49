"""Use a repository as its own benchmark: mine questions from it and ask an index that cannot cheat."""
