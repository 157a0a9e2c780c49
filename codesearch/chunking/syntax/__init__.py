"""Grammars, and the names that a file defines: by its syntax tree, or by line patterns."""
