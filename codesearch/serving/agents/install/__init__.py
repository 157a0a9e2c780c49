"""Setting up the programs that agents run in: what to write where, and taking exactly that out again."""
