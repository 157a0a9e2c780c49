"""Models behind a queue: texts of many requests are computed in common batches, each request gets its own."""
