"""Load a model by its name: find it, check that it is for the task, choose backend and type, open it."""
