"""A file's bytes -> chunks along its syntax tree, in processes that a clock can kill."""
