"""Around every request: who may ask, request ids, logs without texts, metrics."""
