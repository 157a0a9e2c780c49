"""Questions that are asked of any repository; apart, because a process that asks them imports little else."""

from __future__ import annotations

QUESTIONS = (
    "where is the connection closed after a timeout",
    "parse the configuration file",
    "getUserById",
    "retry a failed request",
    "write the header of a response",
    "combine two lists element by element",
    "convert an option to a result",
    "foldLeft",
    "how are errors accumulated instead of stopping at the first",
    "compare two values for equality",
    "run a computation only once and remember its value",
    "Monad",
    "traverse a collection and collect effects",
    "test that the laws of a type class hold",
    "random values for property tests",
    "show a value as a string",
    "partition a list into left and right",
    "NonEmptyList",
    "lift a function over two arguments",
    "stack safe recursion",
    "read a line from standard input",
    "build settings and versions of dependencies",
    "map over both sides of a pair",
    "the smallest element of a non-empty collection",
    "flatMap",
    "group the elements of a list by a key",
    "lazily evaluated stream",
    "default instance for functions",
    "syntax for comparing with operators",
    "write to a log while computing",
)
"""Each asks for other words: what was remembered of one helps another only where they share some."""
