"""A question -> candidates -> one ranking -> hits."""
