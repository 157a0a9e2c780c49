"""The command line: arguments in, text and JSON out."""
