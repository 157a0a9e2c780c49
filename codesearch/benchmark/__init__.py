"""A repository as its own benchmark: questions mined from it, asked of an index that cannot cheat."""
