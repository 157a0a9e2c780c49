"""Several roots ranked as one index would rank them."""
