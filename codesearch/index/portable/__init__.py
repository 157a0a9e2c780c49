"""An index as one file: made on one machine, often in CI, and imported wherever the same sources are."""
