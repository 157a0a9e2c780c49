"""Set up the clients that agents run in: what to write where, and how to remove exactly that."""
